#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 with onnx 1.23.2 (PyPI)
# Guess: A network whose layers stand between `DequantizeLinear` and `QuantizeLinear` gives the same answers, to a level or two
#   of its output, whether it is computed as written or in integers, as it is by default; what integers cannot do is
#   left in floats.
# Behaviour: The bias of `Gemm` may have a scale of its own, and a file from another tool may give it one. By default its
#   integers are added as if the scale were that of the input times that of the weights: a bias of 16.7 times that scale
#   counts for a seventeenth, and the class changes. `Conv` looks at the scale and is right. `AveragePool` with
#   `count_include_pad` and `ceil_mode` divides the last windows by the area of the kernel, though part of it lies
#   behind the padding; in floats it does not. No error, no warning.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, onnx 1.23.2
#   Gemm, bias of scale the product of the scales: 0.2 apart at most, 0 classes of 1000 change
#   Gemm, bias of scale 0.01: 7.6 apart at most, 787 classes of 1000 change
#   Conv, bias of scale the product of the scales: 0.2 apart at most, 0 classes of 1000 change
#   Conv, bias of scale 0.01: 0.0 apart at most, 0 classes of 1000 change
#   mean of threes, ceil_mode 0: [[3.0]], by default [[3.0]]
#   mean of threes, ceil_mode 1: [[3.0, 3.0], [3.0, 3.0]], by default [[3.0, 2.0], [2.0, 1.4]]
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
generator = np.random.default_rng(0)
none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], **attributes)


def answers(layers, constants, x):
    constants = {
        "x scale": np.array(0.03, np.float32), "x zero": np.array(120, np.uint8),
        "y scale": np.array(0.2, np.float32), "y zero": np.array(128, np.uint8), **constants}
    nodes = [
        node("QuantizeLinear", ["x", "x scale", "x zero"], "x levels"),
        node("DequantizeLinear", ["x levels", "x scale", "x zero"], "in"),
        *layers,
        node("QuantizeLinear", ["out", "y scale", "y zero"], "y levels"),
        node("DequantizeLinear", ["y levels", "y scale", "y zero"], "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)],
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
        found.append(session.run(None, {"x": x})[0])
    return found


weighted = [
    node("DequantizeLinear", ["weights", "weights scale", "weights zero"], "float weights"),
    node("DequantizeLinear", ["bias", "bias scale", "bias zero"], "float bias"),
]
worst = {}
for operator, images, weights in (
    ("Gemm", generator.normal(size=(1000, 16)), generator.integers(-30, 30, size=(16, 10))),
    ("Conv", generator.normal(size=(1000, 16, 1, 1)), generator.integers(-30, 30, size=(10, 16, 1, 1)))):
    for name, scale in ("the product of the scales", 0.02 * 0.03), ("0.01", 0.01):
        constants = {
            "weights": weights.astype(np.int8), "weights scale": np.array(0.02, np.float32),
            "bias": np.round(np.linspace(-8, 8, 10) / scale).astype(np.int32), "bias scale": np.array(scale, np.float32),
            "weights zero": np.array(0, np.int8), "bias zero": np.array(0, np.int32),
        }
        layers = weighted + [node(operator, ["in", "float weights", "float bias"], "out")]
        plain, optimised = answers(layers, constants, images.astype(np.float32))
        worst[operator, name] = np.abs(plain - optimised).max()
        changed = (plain.argmax(1) != optimised.argmax(1)).sum()
        print(f"{operator}, bias of scale {name}: {worst[operator, name]:.1f} apart at most, {changed} classes of 1000 change")

ones = np.full((1, 1, 4, 4), 3, np.float32)
shown = []
for mode in 0, 1:
    pool = node("AveragePool", ["in"], "out", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=mode, count_include_pad=1)
    shown.append([np.round(answer[0, 0].astype(float), 1).tolist() for answer in answers([pool], {}, ones)])
    print(f"mean of threes, ceil_mode {mode}: {shown[-1][0]}, by default {shown[-1][1]}")
holds = (
    worst["Gemm", "0.01"] > 5
    and max(value for name, value in worst.items() if name != ("Gemm", "0.01")) < 0.5
    and shown[0][0] == shown[0][1] and shown[1][0] == [[3, 3], [3, 3]] and np.allclose(shown[1][1], [[3, 2], [2, 1.4]]))
sys.exit(0 if holds else 1)
PY
