#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 with onnx 1.23.2 (PyPI)
# Guess: Batch normalisation with `training_mode` 1 normalises by mean and variance of the batch. The file's only go into the
#   running ones, which are outputs of their own that nobody reads here, so the answer does not depend on
#   them, and the same batch gives the same answer at every run of a session.
# Behaviour: The running ones are written over the file's, in place, before the answer is computed. As the library is set
#   by default, constants of equal values are one, so that where the file's variance is 1, as a layer that tracks none has
#   it, scales of 1 and shifts of 0 are overwritten too: its own, or those of other layers. The answer is wrong at the
#   first run and another one at each that follows. With the optimisation off it is right, unless the file itself
#   uses one constant for both. No error, no warning.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, onnx 1.23.2
#   standard deviation of the answer at four runs for one batch, 1 in truth
#     scale 1, shift 0, mean 0, variance 1: 1.00 1.00 1.00 1.00, by default 1.80 2.51 3.16 3.74
#     scale 1, shift 0, mean 0.5, variance 4: 1.00 1.00 1.00 1.00, by default 1.00 1.00 1.00 1.00
#     scale 2, shift 1, mean 0, variance 1, then InstanceNormalization: 1.00 1.00 1.00 1.00, by default 1.80 2.51 3.16 3.74
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print(f"ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__}")
none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level
images = np.random.default_rng(0).normal(1, 3, size=(64, 4, 4, 4)).astype(np.float32)


def deviations(level, scale, shift, mean, variance, *after):
    inputs = ["x", "scale", "shift", "mean", "variance"]
    outputs = ["between" if after else "y", "new mean", "new variance"]
    nodes = [helper.make_node("BatchNormalization", inputs, outputs, training_mode=1), *after]
    values = {"scale": scale, "shift": shift, "mean": mean, "variance": variance, "ones": 1, "zeros": 0}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, images.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, images.shape)],
        [numpy_helper.from_array(np.full(4, value, np.float32), name) for name, value in values.items() if name in used])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [float(session.run(None, {"x": images})[0].std()) for _ in range(4)]


after = helper.make_node("InstanceNormalization", ["between", "ones", "zeros"], ["y"])
cases = {
    "scale 1, shift 0, mean 0, variance 1": (1, 0, 0, 1),
    "scale 1, shift 0, mean 0.5, variance 4": (1, 0, 0.5, 4),
    "scale 2, shift 1, mean 0, variance 1, then InstanceNormalization": (2, 1, 0, 1, after),
}
print("standard deviation of the answer at four runs for one batch, 1 in truth")
found = {}
for name, values in cases.items():
    found[name] = [deviations(level, *values) for level in (none, default)]
    shown = [" ".join(f"{value:.2f}" for value in runs) for runs in found[name]]
    print(f"  {name}: {shown[0]}, by default {shown[1]}")
right = [runs for plain, optimised in found.values() for runs in (plain,)] + [found["scale 1, shift 0, mean 0.5, variance 4"][1]]
wrong = [optimised for name, (_, optimised) in found.items() if "0.5" not in name]
holds = (
    all(abs(value - 1) < 1e-2 for runs in right for value in runs)
    and all(1.2 < runs[0] and all(low < high for low, high in zip(runs, runs[1:])) for runs in wrong))
sys.exit(0 if holds else 1)
PY
