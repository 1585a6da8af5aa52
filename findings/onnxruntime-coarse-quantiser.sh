#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 with onnx 1.23.2 (PyPI)
# Guess: An image that is quantised to 256 levels and then to 16 has 16 levels: optimisation may join the two steps only
#   where that changes nothing.
# Behaviour: As ONNX Runtime is set by default, one is kept of two pairs of `QuantizeLinear` and `DequantizeLinear` in a row, with
#   a scale made of both ranges, in either order: where the finer has the narrower range, its own. 16 levels become
#   256. Reduced bit depth, a defence, is gone from a network whose input comes quantised, and what is measured is the
#   network without it. With the optimisation off both stay. No error, no warning.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, onnx 1.23.2
#   coarse: 16 values, by default 16, 0.000 apart at most
#   fine: 256 values, by default 256, 0.000 apart at most
#   fine, then coarse: 16 values, by default 256, 0.031 apart at most
#   coarse, then fine: 16 values, by default 256, 0.031 apart at most
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
pixels = np.linspace(0, 1, 2000, dtype=np.float32).reshape(1, -1)


def answers(*steps):
    nodes, last = [], "x"
    for step in steps:
        for operator, to in ("QuantizeLinear", f"level of {step}"), ("DequantizeLinear", f"value of {step}"):
            nodes.append(helper.make_node(operator, [last, step, "zero"], [to]))
            last = to
    nodes.append(helper.make_node("Identity", [last], ["y"]))
    constants = {
        "fine": np.array(1 / 255, np.float32), "coarse": np.array(1 / 15, np.float32), "zero": np.array(0, np.uint8)}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, pixels.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, pixels.shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    found = []
    for level in none, default:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found.append(session.run(None, {"x": pixels})[0])
    return found


counts = {}
for steps in ("coarse",), ("fine",), ("fine", "coarse"), ("coarse", "fine"):
    plain, optimised = answers(*steps)
    counts[steps] = len(np.unique(plain)), len(np.unique(optimised))
    print(
        f"{', then '.join(steps)}: {counts[steps][0]} values, by default {counts[steps][1]}, "
        f"{np.abs(plain - optimised).max():.3f} apart at most")
holds = (
    counts["coarse",] == (16, 16) and counts["fine",] == (256, 256)
    and counts["fine", "coarse"] == counts["coarse", "fine"] == (16, 256))
sys.exit(0 if holds else 1)
PY
