#!/usr/bin/env bash
# Library: OpenVINO 2026.4.1, CPU device, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: `ReduceLogSumExp` and `ReduceL1` over the last axis give a number for every image of a batch, as `ReduceL2` and
#   `ReduceMean` do, at every operator set.
# Behaviour: From operator set 13 to 17 the attribute `axes` of `ReduceL1`,
#   `ReduceLogSum` and `ReduceLogSumExp` is not read: all axes are reduced, those of the batch too. With `keepdims`
#   the one number is broadcast to all images in what follows, so that shapes stay right and an image's answer
#   depends on the others beside it. No error, no warning. Operator sets 11 and 18 are right, and the other reductions.
# Seen: 2026-11-28:
#   OpenVINO 2026.4.1 beside ONNX Runtime 1.32.0
#   logits less their ReduceLogSumExp, one of two images, ONNX Runtime and OpenVINO:
#     opset 11: [-2.127, -0.127], [-2.127, -0.127]
#     opset 13: [-2.127, -0.127], [-3.44, -1.44]
#     opset 17: [-2.127, -0.127], [-3.44, -1.44]
#     opset 18: [-2.127, -0.127], [-2.127, -0.127]
#   operators at opset 17 that differ: ReduceL1, ReduceLogSum, ReduceLogSumExp
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "OpenVINO 2026.4.1, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

print("OpenVINO", importlib.metadata.version("openvino"), "beside ONNX Runtime", onnxruntime.__version__)
logits = np.array([[1, 3], [2, 4]], np.float32)
operators = "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare"


def both(operator, opset):
    """The logits less what the operator makes of their last axis."""
    given = {"axes": [1]} if opset < 18 else {}
    constants = [] if given else [numpy_helper.from_array(np.array([1], np.int64), "axes")]
    graph = helper.make_graph(
        [
            helper.make_node(operator, ["x"] + [constant.name for constant in constants], ["r"], keepdims=1, **given),
            helper.make_node("Sub", ["x", "r"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, logits.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, logits.shape)],
        constants,
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": logits})[0], compiled({"x": logits})[0]


print("logits less their ReduceLogSumExp, one of two images, ONNX Runtime and OpenVINO:")
seen = {}
for opset in 11, 13, 17, 18:
    answers = both("ReduceLogSumExp", opset)
    seen[opset] = np.allclose(*answers, atol=1e-4)
    shown = [answer[0].astype(float).round(3).tolist() for answer in answers]
    print(f"  opset {opset}: {shown[0]}, {shown[1]}")
different = ["Reduce" + name for name in operators.split() if not np.allclose(*both("Reduce" + name, 17), atol=1e-4)]
print("operators at opset 17 that differ:", ", ".join(different))
holds = (
    seen == {11: True, 13: False, 17: False, 18: True}
    and different == ["ReduceL1", "ReduceLogSum", "ReduceLogSumExp"]
)
raise SystemExit(0 if holds else 1)
PY
