#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0, its quantiser, with onnx 1.23.2 (PyPI)
# Guess: `quantize_static` gives a network whose answers are those of the network in floats to within a few hundredths, in
#   its two formats alike, QDQ and QOperator: what it cannot quantise it leaves.
# Behaviour: The beta of `Gemm` is 1 in QDQ, whatever the network says; QOperator divides the bias by it instead of
#   multiplying, and multiplies the bias by alpha too. In QOperator ReLU behind `Conv` is merged into it though another
#   layer reads what was there before; a bias of two layers has the scale of one; `Softmax` before operator set 13 that
#   leaves its axis out is taken over the last. In both `Clip` with a lower bound above 0 is dropped, and what lies
#   below comes through. The pre-processing that a message asks for changes none of it. No error; warnings of speed alone.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, onnx 1.23.2
#   largest error as a part of the largest answer, by QDQ and by QOperator
#     Gemm: 0.01, 0.01
#     Gemm, alpha 0.1: 0.00, 0.87
#     Gemm, beta 0.5: 0.44, 1.05
#     Conv, ReLU: 0.01, 0.01
#     Conv less its ReLU: 0.01, 1.00
#     two Conv, two biases: 0.02, 0.02
#     two Conv, one bias: 0.02, 0.49
#     Conv, Clip to [0, 1]: 0.07, 0.07
#     Conv, Clip to [0.5, 1]: 0.50, 0.50
#     Conv, Softmax with axis 1, operator set 12: 0.04, 0.04
#     Conv, Softmax without axis, operator set 12: 0.04, 5.46
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - 2>"$work/messages" <<'PY'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

logging.disable(logging.INFO)
print(f"ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__}")
generator = np.random.default_rng(0)
rows = generator.normal(size=(64, 16)).astype(np.float32)
images = generator.normal(size=(8, 4, 6, 6)).astype(np.float32)
values = {
    "matrix": generator.normal(size=(16, 10)), "filters": generator.normal(size=(4, 4, 3, 3)) / 5,
    "more filters": generator.normal(size=(4, 4, 3, 3)), "shift": 5 * generator.normal(size=10),
    "bias": generator.normal(size=4), "low": 0.5, "none": 0, "high": 1}


class Reader(CalibrationDataReader):
    def __init__(self, x):
        self.batches = iter([{"x": x}])

    def get_next(self):
        return next(self.batches, None)


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], **attributes)


def run(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def errors(x, nodes, version=17):
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in values.items() if name in used])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    plain = run("network.onnx", x)
    found = []
    for form in QuantFormat.QDQ, QuantFormat.QOperator:
        # Seven bits, with which no processor's sums overflow.
        quantize_static("network.onnx", "quantised.onnx", Reader(x), quant_format=form, reduce_range=True)
        found.append(np.abs(run("quantised.onnx", x) - plain).max() / np.abs(plain).max())
    return found


def gemm(**attributes):
    return rows, [node("Gemm", ["x", "matrix", "shift"], "y", **attributes)]


def convolution(*after, filters="filters"):
    return images, [node("Conv", ["x", filters, "bias"], "a", pads=[1, 1, 1, 1]), *after]


cases = {
    "Gemm": (gemm(), False, False),
    "Gemm, alpha 0.1": (gemm(alpha=0.1), False, True),
    "Gemm, beta 0.5": (gemm(beta=0.5), True, True),
    "Conv, ReLU": (convolution(node("Relu", ["a"], "y")), False, False),
    "Conv less its ReLU": (
        convolution(node("Relu", ["a"], "r"), node("Sub", ["a", "r"], "y")), False, True),
    "two Conv, two biases": (
        convolution(node("Conv", ["a", "more filters"], "y")), False, False),
    "two Conv, one bias": (
        convolution(node("Conv", ["a", "more filters", "bias"], "y")), False, True),
    "Conv, Clip to [0, 1]": (convolution(node("Clip", ["a", "none", "high"], "y")), False, False),
    "Conv, Clip to [0.5, 1]": (convolution(node("Clip", ["a", "low", "high"], "y")), True, True),
    "Conv, Softmax with axis 1, operator set 12": ((*convolution(node("Softmax", ["a"], "y", axis=1)), 12), False, False),
    "Conv, Softmax without axis, operator set 12": ((*convolution(node("Softmax", ["a"], "y")), 12), False, True),
}
print("largest error as a part of the largest answer, by QDQ and by QOperator")
holds = True
for name, (case, *expected) in cases.items():
    found = errors(*case)
    print(f"  {name}: {found[0]:.2f}, {found[1]:.2f}")
    holds = holds and [error > 0.2 for error in found] == expected
sys.exit(0 if holds else 1)
PY
