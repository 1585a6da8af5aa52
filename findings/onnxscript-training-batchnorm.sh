#!/usr/bin/env bash
# Library: onnxscript 0.7.2 with onnx 1.23.2, run with ONNX Runtime 1.32.0 (PyPI)
# Guess: `onnxscript.optimizer.optimize` merges batch normalisation into the layer before it where it stands for inference.
#   With `training_mode` 1 it takes mean and variance of the batch, which no weights can stand for, and stays, as it does
#   with onnxsim, OnnxSlim, onnxoptimizer and in ONNX Runtime.
# Behaviour: The attribute is not read: convolution and matrix product swallow it with the mean and variance of the file. A
#   network that adapts to its batch, as some defences do, no longer does, and an image's answer no longer depends on
#   its neighbours. `Clip` to [-1, -0.5] and then ReLU, which gives 0, becomes one Clip that gives -0.5. No error, no
#   warning.
# Seen: 2026-11-30:
#   onnxscript 0.7.2, onnxsim 0.8.1, onnxslim 0.1.98, onnxoptimizer 0.4.2, onnxruntime 1.32.0, onnx 1.23.2
#   how far the answers lie apart at most
#     Conv: onnxscript 26.97, onnxsim 0.00, OnnxSlim 0.00, onnxoptimizer 0.00, ONNX Runtime by default 0.00
#     Gemm: onnxscript 7.15, onnxsim 0.00, OnnxSlim 0.00, onnxoptimizer 0.00, ONNX Runtime by default 0.00
#     Clip, then ReLU: onnxscript 0.50, onnxsim 0.00, OnnxSlim 0.00, onnxoptimizer 0.00, ONNX Runtime by default 0.00
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2 onnxsim==0.8.1 onnxslim==0.1.98 \
    onnxoptimizer==0.4.2 numpy==2.4.6; } ||
  { echo "onnx 1.23.2, ONNX Runtime 1.32.0, onnxscript 0.7.2 and the others cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxscript.optimizer
import onnxsim
import onnxslim
from onnx import TensorProto, helper, numpy_helper

names = ["onnxscript", "onnxsim", "onnxslim", "onnxoptimizer", "onnxruntime", "onnx"]
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
generator = np.random.default_rng(0)
none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level


def node(operator, inputs, *outputs, **attributes):
    return helper.make_node(operator, inputs, outputs, **attributes)


def network(nodes, constants, shape, outputs):
    # All differ: ONNX Runtime overwrites what is equal in the training mode, which onnxruntime-batchnorm-drift.sh shows.
    places = np.arange(4) / 10
    constants = {"mean": places, "variance": 1 + places, "scale": 2 + places, "shift": 3 + places, **constants}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, outputs)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()])
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(built, full_check=True)
    return built


def run(built, x, level):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(built.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


norm = node(
    "BatchNormalization", ["before", "scale", "shift", "mean", "variance"], "y", "new mean", "new variance", training_mode=1)
images = generator.normal(size=(16, 3, 6, 6)).astype(np.float32)
rows = generator.normal(size=(16, 8)).astype(np.float32)
networks = {
    "Conv": (
        network(
            [node("Conv", ["x", "weights"], "before"), norm],
            {"weights": generator.normal(size=(4, 3, 3, 3))}, images.shape, [16, 4, 4, 4]),
        images),
    "Gemm": (
        network(
            [node("Gemm", ["x", "weights"], "before"), norm],
            {"weights": generator.normal(size=(8, 4))}, rows.shape, [16, 4]),
        rows),
    "Clip, then ReLU": (
        network(
            [node("Clip", ["x", "low", "high"], "before"), node("Relu", ["before"], "y")],
            {"low": -1, "high": -0.5}, rows.shape, rows.shape),
        rows),
}
tools = {
    "onnxscript": (onnxscript.optimizer.optimize, none),
    "onnxsim": (lambda built: onnxsim.simplify(built)[0], none),
    "OnnxSlim": (onnxslim.slim, none),
    "onnxoptimizer": (onnxoptimizer.optimize, none),
    "ONNX Runtime by default": (lambda built: built, default),
}
print("how far the answers lie apart at most")
holds = True
for name, (built, x) in networks.items():
    plain = run(built, x, none)
    apart = {tool: np.abs(run(simplify(built), x, level) - plain).max() for tool, (simplify, level) in tools.items()}
    print(f"  {name}: " + ", ".join(f"{tool} {value:.2f}" for tool, value in apart.items()))
    holds = holds and apart.pop("onnxscript") > 0.4 and max(apart.values()) < 1e-3
sys.exit(0 if holds else 1)
PY
