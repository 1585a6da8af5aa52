#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 and OnnxSlim 0.1.98 with onnx 1.23.2 (PyPI)
# Guess: `Dropout` whose input `training_mode` is true draws a mask at every run, as a defence or an estimate of
#   uncertainty that keeps dropout on needs it: what optimises the network leaves it, wherever it stands.
# Behaviour: OnnxSlim removes every `Dropout`, whatever its mode. ONNX Runtime, as it is set by default, removes it where its
#   data are computed from constants: weights that are scaled or transposed first (DropConnect), or a mask made of ones
#   of the image's shape. The same weights without such a step are dropped, as is all with the optimisation off. The
#   network is no longer random, its mean is right, its deviation 0. No error, no warning.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, OnnxSlim 0.1.98, onnx 1.23.2
#   deviation of an output over 200 runs: as the network is, by default, by OnnxSlim
#     dropout of features: 7.91, 8.00, 0.00
#     dropout of weights: 7.95, 8.19, 0.00
#     dropout of scaled weights: 15.77, 0.00, 0.00
#     dropout of transposed weights: 7.74, 0.00, 0.00
#     dropout of ones, as a mask: 7.84, 0.00, 0.00
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 onnxslim==0.1.98 numpy==2.4.6; } ||
  { echo "onnx 1.23.2, ONNX Runtime 1.32.0 and OnnxSlim 0.1.98 cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys

import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

print(f"ONNX Runtime {onnxruntime.__version__}, OnnxSlim {importlib.metadata.version('onnxslim')}, onnx {onnx.__version__}")
generator = np.random.default_rng(0)
constants = {
    "weights": generator.normal(size=(64, 10)).astype(np.float32),
    "turned": generator.normal(size=(10, 64)).astype(np.float32),
    "scale": np.array(2, np.float32),
    "half": np.array(0.5, np.float32),
    "training": np.array(True),
}
image = np.ones((1, 64), np.float32)


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], **attributes)


def drop(data):
    return node("Dropout", [data, "half", "training"], "dropped")


def network(*nodes):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["images", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["images", 10])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(built, full_check=True)
    return built


def deviation(built, level):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(built.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.std([session.run(None, {"x": image})[0] for _ in range(200)], axis=0).mean()


ones = helper.make_tensor("ones", TensorProto.FLOAT, [1], [1.0])
networks = {
    "of features": [drop("x"), node("MatMul", ["dropped", "weights"], "y")],
    "of weights": [drop("weights"), node("MatMul", ["x", "dropped"], "y")],
    "of scaled weights": [
        node("Mul", ["weights", "scale"], "scaled"), drop("scaled"), node("MatMul", ["x", "dropped"], "y")],
    "of transposed weights": [
        node("Transpose", ["turned"], "straight"), drop("straight"), node("MatMul", ["x", "dropped"], "y")],
    "of ones, as a mask": [
        node("Shape", ["x"], "shape"), node("ConstantOfShape", ["shape"], "ones", value=ones), drop("ones"),
        node("Mul", ["x", "dropped"], "masked"), node("MatMul", ["masked", "weights"], "y")],
}
none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level
print("deviation of an output over 200 runs: as the network is, by default, by OnnxSlim")
holds = True
for name, nodes in networks.items():
    built = network(*nodes)
    plain, optimised = deviation(built, none), deviation(built, default)
    slim = deviation(onnxslim.slim(built), none)
    print(f"  dropout {name}: {plain:.2f}, {optimised:.2f}, {slim:.2f}")
    kept = name in ("of features", "of weights")
    holds = holds and plain > 1 and (optimised > 1 if kept else optimised < 1e-3) and slim < 1e-3
sys.exit(0 if holds else 1)
PY
