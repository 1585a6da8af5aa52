#!/usr/bin/env bash
# Library: MNN 3.6.1 (PyPI), beside ONNX Runtime 1.32.0
# Guess: Padding that is uneven goes to the side that the file names: "SAME_LOWER" puts the odd pixel at the beginning,
#   "SAME_UPPER" at the end, and a mean that counts the padding counts it on either side.
# Behaviour: "SAME_LOWER" is taken for "SAME_UPPER" by convolutions, transposed ones and poolings, whose outputs are those of an
#   image that is shifted by a pixel. `AveragePool` with `count_include_pad` does not count what is padded at the end
#   alone: the mean of ones at the border is 1 and not 0.67. Padding of equal sides is right, so that it shows on some
#   sizes of images and not on others. No error, no warning.
# Seen: 2026-11-29:
#   mnn 3.6.1, onnxruntime 1.32.0
#   MNN agrees with ONNX Runtime on SAME_UPPER and SAME_LOWER, and MNN's two are the same:
#     Conv on 8 x 8: True, False, True
#     Conv on 7 x 7: True, True, True
#     ConvTranspose on 8 x 8: True, False, True
#     MaxPool on 8 x 8: True, False, True
#     MaxPool on 7 x 7: True, True, True
#     AveragePool on 8 x 8: True, False, True
#     AveragePool on 7 x 7: True, True, True
#   mean of ones over 3 x 3 at the last place, with padding counted, ONNX Runtime and MNN:
#     pads [1, 1, 1, 1]: 0.67, 0.67
#     pads [0, 0, 1, 1]: 0.67, 1.00
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet mnn==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "MNN 3.6.1, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - 3>&1 1>messages 2>&1 <<'PY'
import importlib.metadata
import os

import _tools
import MNN.expr
import MNN.nn
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

report = os.fdopen(3, "w")  # MNN writes of its own to standard output
print(*(f"{name} {importlib.metadata.version(name)}" for name in ("mnn", "onnxruntime")), sep=", ", file=report)



def answers(node, x, **constants):
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    network = onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), strict_mode=True
    )
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    expected = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    _tools.mnnconvert("mnnconvert -f ONNX --modelFile network.onnx --MNNModel network.mnn --bizCode x".split())
    module = MNN.nn.load_module_from_file("network.mnn", ["x"], ["y"])
    place = MNN.expr.placeholder(list(x.shape), MNN.expr.NCHW, MNN.expr.float)
    place.write(x)
    return expected, np.array(MNN.expr.convert(module.forward([place])[0], MNN.expr.NCHW).read())


random = np.random.RandomState(0)
w = random.standard_normal([1, 1, 3, 3]).astype(np.float32)
print("MNN agrees with ONNX Runtime on SAME_UPPER and SAME_LOWER, and MNN's two are the same:", file=report)
holds = True
for operator in "Conv", "ConvTranspose", "MaxPool", "AveragePool":
    for size in (8, 7) if operator != "ConvTranspose" else (8,):
        x = random.standard_normal([1, 1, size, size]).astype(np.float32)
        weights = {"w": w} if operator.startswith("Conv") else {}
        pairs = []
        for side in "SAME_UPPER", "SAME_LOWER":
            node = helper.make_node(operator, ["x", *weights], ["y"], auto_pad=side, kernel_shape=[3, 3], strides=[2, 2])
            pairs.append(answers(node, x, **weights))
        agree = [bool(np.allclose(*pair, atol=1e-5)) for pair in pairs]
        same = bool(np.array_equal(pairs[0][1], pairs[1][1]))
        holds &= agree == [True, size == 7] and same
        print(f"  {operator} on {size} x {size}: {agree[0]}, {agree[1]}, {same}", file=report)
ones = np.ones([1, 1, 6, 6], np.float32)
print("mean of ones over 3 x 3 at the last place, with padding counted, ONNX Runtime and MNN:", file=report)
for pads in [1, 1, 1, 1], [0, 0, 1, 1]:
    window = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": pads, "count_include_pad": 1}
    node = helper.make_node("AveragePool", ["x"], ["y"], **window)
    means = [float(y[0, 0, 1, -1]) for y in answers(node, ones)]
    holds &= abs(means[0] - 2 / 3) < 1e-4 and abs(means[1] - (1 if pads[0] == 0 else 2 / 3)) < 1e-4
    print(f"  pads {pads}: {means[0]:.2f}, {means[1]:.2f}", file=report)
report.flush()
raise SystemExit(0 if holds else 1)
PY
