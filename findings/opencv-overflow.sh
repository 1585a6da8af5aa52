#!/usr/bin/env bash
# Library: OpenCV 5.0.0.93 (opencv-python-headless), module dnn, and tinygrad 0.14.0, beside ONNX Runtime 1.32.0 (all PyPI)
# Guess: `Softplus` and `ReduceLogSumExp` of large numbers are those numbers, near enough: libraries take the largest out before
#   they take exponentials, as for `Softmax`.
# Behaviour: OpenCV's `Softplus` is infinite from 88.8 on, and `ReduceLogSumExp` of OpenCV and of tinygrad too; that of numbers
#   below -104 is minus infinity. `Softmax` and `Mish` are right in all of them. A network whose activations or logits grow
#   that large has an answer that is no number, on some images and not on others. No error, no warning.
# Seen: 2026-12-01:
#   opencv-python-headless 5.0.0.93, tinygrad 0.14.0, onnxruntime 1.32.0
#   ONNX Runtime, OpenCV and tinygrad:
#     Softplus of 80, 88, 89, 120: 80 88 89 120; 80 88 inf inf; 80 88 89 120
#     ReduceLogSumExp of 80, 88, 89, 120: 120; inf; inf
#     ReduceLogSumExp of -120, -110: -110; -inf; -inf
#     LogSoftmax of 80, 88, 89, 120: -40 -32 -31 0; -40 -32 -31 0; -40 -32 -31 0
#     Mish of 80, 88, 89, 120: 80 88 89 120; 80 88 89 120; 80 88 89 120
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 tinygrad==0.14.0 onnx==1.23.2 onnxruntime==1.32.0 \
    numpy==2.4.6; } ||
  { echo "OpenCV 5.0.0.93, tinygrad 0.14.0, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
command -v clang >/dev/null || { echo "clang, by which tinygrad compiles, is missing" >&2; exit 2; }
cd "$work" || exit 2
DEV=CPU "$work/venv/bin/python" - <<'PY'
import importlib.metadata

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

names = "opencv-python-headless", "tinygrad", "onnxruntime"
print(*(f"{name} {importlib.metadata.version(name)}" for name in names), sep=", ")


def answers(operator, x, shape, opset, attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)], "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX("network.onnx")
    net.setInput(x)
    return (
        session.run(None, {"x": x})[0].ravel(), net.forward().ravel(),
        OnnxRunner("network.onnx")({"x": Tensor(x)})["y"].numpy().ravel())


large = np.array([[80, 88, 89, 120]], np.float32)
wrong = set()
print("ONNX Runtime, OpenCV and tinygrad:")
for title, operator, x, shape, opset, attributes in (
    ("Softplus of 80, 88, 89, 120", "Softplus", large, [1, 4], 17, {}),
    ("ReduceLogSumExp of 80, 88, 89, 120", "ReduceLogSumExp", large, [1, 1], 13, {"axes": [1]}),
    ("ReduceLogSumExp of -120, -110", "ReduceLogSumExp", np.array([[-120, -110]], np.float32), [1, 1], 13, {"axes": [1]}),
    ("LogSoftmax of 80, 88, 89, 120", "LogSoftmax", large, [1, 4], 13, {"axis": 1}),
    ("Mish of 80, 88, 89, 120", "Mish", large, [1, 4], 18, {}),
):
    found = dict(zip(("ONNX Runtime", "OpenCV", "tinygrad"), answers(operator, x, shape, opset, attributes)))
    print(f"  {title}:", "; ".join(" ".join(f"{value:.4g}" for value in y) for y in found.values()))
    wrong |= {(name, title) for name, y in found.items() if not np.isfinite(y).all()}
    assert all(
        np.allclose(y, found["ONNX Runtime"], rtol=1e-3, atol=1e-3) for name, y in found.items() if (name, title) not in wrong)
sums = {(name, f"ReduceLogSumExp of {of}") for name in ("OpenCV", "tinygrad") for of in ("80, 88, 89, 120", "-120, -110")}
raise SystemExit(0 if wrong == sums | {("OpenCV", "Softplus of 80, 88, 89, 120")} else 1)
PY
