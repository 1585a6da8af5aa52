#!/usr/bin/env bash
# Library: OpenVINO 2026.4.1, CPU device, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: Pooling with `ceil_mode` gives what ONNX Runtime (and PyTorch, from which it stems) gives: a window that would
#   begin behind the image is dropped, and with `count_include_pad` the mean is over the image and its padding.
# Behaviour: MaxPool keeps the window and fills it with the lowest float, -3.4e38, so the output has another shape and
#   the next layer overflows. AveragePool divides the last windows by the area of the kernel, though part of it lies
#   behind the padding too: 2 for 3. A kernel of 3 and a stride of 2 on an even size are enough. No error, no warning.
# Seen: 2026-11-28:
#   OpenVINO 2026.4.1 beside ONNX Runtime 1.32.0
#   MaxPool 2, stride 3: shape (2, 2) in ONNX Runtime, (3, 3) in OpenVINO; first row
#     [8.0, 11.0] and [8.0, 11.0, -3.4028234663852886e+38]
#   AveragePool 3, stride 2, padding 1: first row
#     [2.0, 4.0, 5.333, 3.0] and [2.0, 4.0, 5.333, 2.0]
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
x = np.arange(1, 37, dtype=np.float32).reshape(1, 1, 6, 6)


def both(operator, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], ceil_mode=1, **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, "height", "width"])],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": x})[0][0, 0], compiled({"x": x})[0][0, 0]


expected, answer = both("MaxPool", kernel_shape=[2, 2], strides=[3, 3])
print(f"MaxPool 2, stride 3: shape {expected.shape} in ONNX Runtime, {answer.shape} in OpenVINO; first row")
print(f"  {expected[0].tolist()} and {answer[0].tolist()}")
holds = expected.shape == (2, 2) and answer.shape == (3, 3) and bool((answer[2] < -3e38).all())

expected, answer = both("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
print("AveragePool 3, stride 2, padding 1: first row")
print(f"  {expected[0].astype(float).round(3).tolist()} and {answer[0].astype(float).round(3).tolist()}")
# The last window of the first row holds 6 and 12 of the image and four places of the padding.
holds = holds and expected[0, 3] == (6 + 12) / 6 and answer[0, 3] == (6 + 12) / 9
raise SystemExit(0 if holds else 1)
PY
