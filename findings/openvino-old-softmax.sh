#!/usr/bin/env bash
# Library: OpenVINO 2026.4.1, CPU device, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: `Softmax` before operator set 13 is taken over all axes from `axis` on together, as the format says and ONNX
#   Runtime computes, at all of these operator sets alike.
# Behaviour: At operator sets 11 and 12 it is taken over the one axis, as from 13 on: the probabilities of an image of two
#   by two places sum to 4, the number of places. The default axis, 1, is affected too. At 8 to 10 it is right, and
#   `LogSoftmax` is at all of them. No error, no warning.
# Seen: 2026-11-28:
#   OpenVINO 2026.4.1 beside ONNX Runtime 1.32.0
#   sum of the softmax over axis 1 of shape [1, 3, 2, 2], ONNX Runtime and OpenVINO:
#     opset 10: 1.0, 1.0
#     opset 11: 1.0, 4.0
#     opset 12: 1.0, 4.0
#     opset 13: 4.0, 4.0
#     opset 12, exponential of LogSoftmax: 1.0, 1.0
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
from onnx import TensorProto, helper

print("OpenVINO", importlib.metadata.version("openvino"), "beside ONNX Runtime", onnxruntime.__version__)
shape = [1, 3, 2, 2]
x = np.random.RandomState(0).standard_normal(shape).astype(np.float32)


def sums(opset, operator="Softmax"):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], axis=1)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answers = session.run(None, {"x": x})[0], compiled({"x": x})[0]
    return [round(float((np.exp(y) if operator == "LogSoftmax" else y).sum()), 4) for y in answers]


print(f"sum of the softmax over axis 1 of shape {shape}, ONNX Runtime and OpenVINO:")
seen = {}
for opset in 10, 11, 12, 13:
    seen[opset] = sums(opset)
    print(f"  opset {opset}: {seen[opset][0]}, {seen[opset][1]}")
logarithm = sums(12, "LogSoftmax")
print(f"  opset 12, exponential of LogSoftmax: {logarithm[0]}, {logarithm[1]}")
holds = seen == {10: [1, 1], 11: [1, 4], 12: [1, 4], 13: [4, 4]} and logarithm == [1, 1]
raise SystemExit(0 if holds else 1)
PY
