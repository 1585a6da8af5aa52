#!/usr/bin/env bash
# Library: OpenCV 5.0.0.93 (opencv-python-headless on PyPI), module dnn, beside ONNX Runtime 1.32.0
# Guess: What the module cannot compute of an ONNX file it refuses, as it does with operators that it does not know.
# Behaviour: Attributes that it does not know are passed over. `ConvTranspose` with `output_shape` or `auto_pad` gives an image
#   that is larger or smaller than the file says. `Resize` with `half_pixel_symmetric` computes "asymmetric", number by number, and
#   with `antialias` as without. `Swish` has an alpha of 1. `PRelu` takes slopes for columns as those of channels where there
#   are as many. No error, no warning.
# Seen: 2026-12-01:
#   OpenCV 5.0.0.93 beside ONNX Runtime 1.32.0
#   pixels of a ConvTranspose with stride 2 on 6 x 6, ONNX Runtime and OpenCV:
#     plain: 13 x 13 13 x 13
#     {'output_shape': [12, 12]}: 12 x 12 14 x 14
#     {'auto_pad': 'SAME_UPPER'}: 12 x 12 11 x 11
#   largest difference from ONNX Runtime, and from it with something else in the file:
#     Resize, half_pixel_symmetric and asymmetric: 0.75, 3e-06
#     Resize, antialias 1 and 0: 1.4, 3e-08
#     Swish, alpha 2 and 1: 0.21, 1e-07
#     PRelu, slopes of columns and of channels: 10, 0
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "OpenCV 5.0.0.93, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print("OpenCV", importlib.metadata.version("opencv-python-headless"), "beside ONNX Runtime", onnxruntime.__version__)
random = np.random.RandomState(0)


def answers(operator, x, constants, opset, attributes):
    """ONNX Runtime's and OpenCV's."""
    inputs = ["x"] + [name if value is not None else "" for name, value in constants.items()]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"], **attributes)], "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if value is not None],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    network = onnx.shape_inference.infer_shapes(network, strict_mode=True)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX("network.onnx")
    net.setInput(x)
    return session.run(None, {"x": x})[0], net.forward()


x = random.standard_normal([1, 3, 6, 6]).astype(np.float32)
kernel = {"w": random.standard_normal([3, 2, 3, 3]).astype(np.float32)}
holds = True

print("pixels of a ConvTranspose with stride 2 on 6 x 6, ONNX Runtime and OpenCV:")
for attributes in {}, {"output_shape": [12, 12]}, {"auto_pad": "SAME_UPPER"}:
    right, found = answers("ConvTranspose", x, kernel, 17, {"strides": [2, 2], **attributes})
    print(f"  {attributes or 'plain'}:", *(" x ".join(map(str, y.shape[2:])) for y in (right, found)), sep=" ")
    holds &= (right.shape == found.shape) == (not attributes)

print("largest difference from ONNX Runtime, and from it with something else in the file:")


def compare(title, operator, constants, opset, attributes, other):
    """What OpenCV computes is not what the file says, but what another file would say."""
    right, found = answers(operator, x, constants, opset, attributes)
    instead = answers(operator, x, *other)[0]
    apart, same = (float(abs(y - found).max()) for y in (right, instead))
    print(f"  {title}: {apart:.2g}, {same:.1g}")
    return apart > 0.1 and same < 1e-5


sizes = {"r": None, "s": None, "n": np.array([1, 3, 9, 10], np.int64)}
smaller = {**sizes, "n": np.array([1, 3, 3, 2], np.int64)}
linear = {"mode": "linear"}
holds &= compare(
    "Resize, half_pixel_symmetric and asymmetric", "Resize", sizes, 19,
    {**linear, "coordinate_transformation_mode": "half_pixel_symmetric"},
    (sizes, 19, {**linear, "coordinate_transformation_mode": "asymmetric"}))
holds &= compare(
    "Resize, antialias 1 and 0", "Resize", smaller, 18, {**linear, "antialias": 1}, (smaller, 18, linear))
holds &= compare("Swish, alpha 2 and 1", "Swish", {}, 24, {"alpha": 2.0}, ({}, 24, {}))
x = x[:, :, :, :3]
slopes = np.array([-1, 0, 3], np.float32)
holds &= compare(
    "PRelu, slopes of columns and of channels", "PRelu", {"s": slopes}, 17, {},
    ({"s": slopes.reshape(3, 1, 1)}, 17, {}))
raise SystemExit(0 if holds else 1)
PY
