#!/usr/bin/env bash
# Library: MNN 3.6.1 (PyPI), beside ONNX Runtime 1.32.0
# Guess: An attribute that a file leaves out has the value that the format gives it, so a network is the same whether
#   its writer spelled out what is the default or not.
# Behaviour: MNN's converter has other values. The epsilon of `BatchNormalization` and of `InstanceNormalization` is 0 and not
#   1e-5: channels of little variance are stretched, and one of variance 0, a dead one, three hundred times as much.
#   The axis of `Softmax` before operator set 13 is the last and not 1, so probabilities of an image of two by two places
#   sum to 6 and not to 1. Spelled out, all are right, and `LayerNormalization` is either way. No error, no warning.
# Seen: 2026-11-29:
#   mnn 3.6.1, onnxruntime 1.32.0
#   ONNX Runtime and MNN:
#     of 1, BatchNormalization with variances 1, 1e-5 and 0:
#       with epsilon: 1 223.6 158.1, 1 223.6 158.1
#       without: 1 223.6 158.1, 1 316.2 5e+04
#     spread of an InstanceNormalization:
#       with epsilon: 0.249, 0.249
#       without: 0.249, 0.9999
#     spread of a LayerNormalization:
#       with epsilon: 0.2339, 0.2339
#       without: 0.2339, 0.2339
#     sum of a Softmax at operator set 12:
#       with axis: 1, 1
#       without: 1, 6
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


def answers(operator, x, opset, constants, attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *constants], ["y"], **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    expected = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    _tools.mnnconvert("mnnconvert -f ONNX --modelFile network.onnx --MNNModel network.mnn --bizCode x".split())
    module = MNN.nn.load_module_from_file("network.mnn", ["x"], ["y"])
    place = MNN.expr.placeholder(list(x.shape), MNN.expr.NCHW, MNN.expr.float)
    place.write(x)
    return expected, np.array(MNN.expr.convert(module.forward([place])[0], MNN.expr.NCHW).read())


ones = np.ones([1, 3, 2, 2], np.float32)
batch = {"s": [1, 1, 1], "b": [0, 0, 0], "m": [0, 0, 0.5], "v": [1, 1e-5, 0]}
random = (np.random.RandomState(0).standard_normal(ones.shape) * 1e-3).astype(np.float32)
seen = {}
print("ONNX Runtime and MNN:", file=report)
for name, left_out, operator, x, opset, constants, attributes, summary in (
    ("of 1, BatchNormalization with variances 1, 1e-5 and 0", "epsilon", "BatchNormalization", ones, 15, batch,
     {"epsilon": 1e-5}, lambda y: y[0, :, 0, 0].tolist()),
    ("spread of an InstanceNormalization", "epsilon", "InstanceNormalization", random, 17,
     {"s": [1, 1, 1], "b": [0, 0, 0]}, {"epsilon": 1e-5}, lambda y: [float(y.std())]),
    ("spread of a LayerNormalization", "epsilon", "LayerNormalization", random, 17, {"s": [1, 1]},
     {"epsilon": 1e-5}, lambda y: [float(y.std())]),
    ("sum of a Softmax at operator set 12", "axis", "Softmax", ones, 12, {}, {"axis": 1}, lambda y: [float(y.sum())]),
):
    print(f"  {name}:", file=report)
    for form, given in (f"with {left_out}", attributes), ("without", {}):
        expected, found = (summary(y) for y in answers(operator, x, opset, constants, given))
        agree = bool(np.allclose(expected, found, rtol=1e-2))
        seen[operator, form] = agree
        print(f"    {form}:", ", ".join(" ".join(f"{value:.4g}" for value in y) for y in (expected, found)), file=report)
report.flush()
right = {key for key, agree in seen.items() if agree}
wrong = {(operator, "without") for operator in ("BatchNormalization", "InstanceNormalization", "Softmax")}
raise SystemExit(0 if right == set(seen) - wrong else 1)
PY
