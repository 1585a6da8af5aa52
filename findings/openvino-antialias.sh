#!/usr/bin/env bash
# Library: OpenVINO 2026.4.1, CPU device, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: `Resize` with `antialias`, as PyTorch writes it for `interpolate(..., antialias=True)`, is computed with it, or
#   refused.
# Behaviour: The attribute is not read: the answer is that of `antialias` 0, number by number. A network that makes its
#   images smaller itself sees others: stripes that should become grey are black, or half white, by where they begin. No
#   error, no warning.
# Seen: 2026-11-28:
#   OpenVINO 2026.4.1 beside ONNX Runtime 1.32.0
#   stripes of one white pixel in four, 16 to 4 pixels, ONNX Runtime and OpenVINO:
#     linear, white from pixel 0: [0.286, 0.25, 0.25, 0.179], [0.0, 0.0, 0.0, 0.0]
#     linear, white from pixel 1: [0.286, 0.25, 0.25, 0.25], [0.5, 0.5, 0.5, 0.5]
#     cubic, white from pixel 0: [0.299, 0.245, 0.261, 0.172], [-0.094, -0.094, -0.094, -0.094]
#     cubic, white from pixel 1: [0.288, 0.245, 0.248, 0.241], [0.594, 0.594, 0.594, 0.594]
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


def both(x, width, mode, antialias):
    constants = [numpy_helper.from_array(np.array([1, 1, 1, width], np.int64), "sizes")]
    graph = helper.make_graph(
        [helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode=mode, antialias=antialias, exclude_outside=antialias)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 1, width])],
        constants,
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return session.run(None, {"x": x})[0].ravel(), compiled({"x": x})[0].ravel()


print("stripes of one white pixel in four, 16 to 4 pixels, ONNX Runtime and OpenVINO:")
holds = True
for mode in "linear", "cubic":
    for first in 0, 1:
        x = (np.arange(16) % 4 == first).astype(np.float32).reshape(1, 1, 1, 16)
        right, answer = both(x, 4, mode, 1)
        shown = [row.astype(float).round(3).tolist() for row in (right, answer)]
        print(f"  {mode}, white from pixel {first}: {shown[0]}, {shown[1]}")
        holds &= bool(np.allclose(right, 0.25, atol=0.1) and np.allclose(answer, both(x, 4, mode, 0)[1], atol=1e-6))
        holds &= bool(abs(answer - right).max() > 0.1)
raise SystemExit(0 if holds else 1)
PY
