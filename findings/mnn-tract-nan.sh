#!/usr/bin/env bash
# Library: MNN 3.6.1, tract 0.23.9, tinygrad 0.14.0, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: A pixel that is no number gives an answer that is none, in whatever runs the network: a broken image or a step
#   of an attack that overflowed shows as NaN.
# Behaviour: ReLU of NaN is 0 in all three. In MNN and tinygrad a network with one hidden layer then answers for a broken
#   image with its last biases: a class, of finite probability, the same for every broken image. It counts as right
#   where that is the label. In tract it does so if the ReLU stands alone; behind a product, into which it is merged, NaN
#   stays. Sigmoid and tanh of NaN are 1 in MNN, the surest answer there is, and in tract 5e-7 and -1, the surest
#   other one; clipping to [0, 1] gives 1 in MNN and 0 in tract. tinygrad keeps NaN in those. No error, no warning.
# Seen: 2026-11-29, on a processor with AVX2:
#   onnxruntime 1.32.0, mnn 3.6.1, tract 0.23.9, tinygrad 0.14.0
#   of NaN, ONNX Runtime, MNN, tract, tinygrad:
#     Relu: nan, 0, 0, 0
#     Sigmoid: nan, 1, 4.8e-07, nan
#     Tanh: nan, 1, -1, nan
#     Clip: nan, 1, 0, nan
#   probabilities of a network with one hidden layer, of two images with a pixel that is NaN:
#     onnxruntime: [[nan, nan, nan], [nan, nan, nan]]
#     mnn: [[0.107, 0.787, 0.107], [0.107, 0.787, 0.107]]
#     tract: [[nan, nan, nan], [nan, nan, nan]]
#     tinygrad: [[0.107, 0.787, 0.107], [0.107, 0.787, 0.107]]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet mnn==3.6.1 tract==0.23.9 tinygrad==0.14.0 onnx==1.23.2 onnxruntime==1.32.0 \
    numpy==2.4.6; } ||
  { echo "MNN 3.6.1, tract 0.23.9, tinygrad 0.14.0 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
export DEV=PYTHON # of tinygrad: needs no compiler
"$work/venv/bin/python" - 3>&1 1>messages 2>&1 <<'PY'
import importlib.metadata
import os

import _tools
import MNN.expr
import MNN.nn
import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

report = os.fdopen(3, "w")  # MNN writes of its own to standard output
names = "onnxruntime", "mnn", "tract", "tinygrad"
print(*(f"{name} {importlib.metadata.version(name)}" for name in names), sep=", ", file=report)


def by_onnxruntime(x):
    return onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def by_mnn(x):
    _tools.mnnconvert("mnnconvert -f ONNX --modelFile network.onnx --MNNModel network.mnn --bizCode x".split())
    network = MNN.nn.load_module_from_file("network.mnn", ["x"], ["y"])
    place = MNN.expr.placeholder(list(x.shape), MNN.expr.NCHW, MNN.expr.float)
    place.write(x)
    return np.array(MNN.expr.convert(network.forward([place])[0], MNN.expr.NCHW).read())


def by_tract(x):
    return tract.onnx().load("network.onnx").into_model().into_runnable().run([x])[0].to_numpy()


def by_tinygrad(x):
    return OnnxRunner("network.onnx")({"x": Tensor(x)})["y"].numpy()


def answers(x, nodes, **constants):
    x = np.asarray(x, np.float32)
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    network = onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), strict_mode=True
    )
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    return [by(x) for by in (by_onnxruntime, by_mnn, by_tract, by_tinygrad)]


print("of NaN, ONNX Runtime, MNN, tract, tinygrad:", file=report)
seen = {}
for operator, inputs in ("Relu", "x"), ("Sigmoid", "x"), ("Tanh", "x"), ("Clip", "xlh"):
    constants = {} if inputs == "x" else {"l": 0, "h": 1}
    values = answers([[1, np.nan, -1, 2]], [helper.make_node(operator, list(inputs), ["y"])], **constants)
    seen[operator] = [float(value[0, 1]) for value in values]
    print(f"  {operator}:", ", ".join(f"{value:.2g}" for value in seen[operator]), file=report)
random = np.random.RandomState(0)
images = random.uniform(size=(3, 16))
images[1:, 5] = np.nan
layers = [
    helper.make_node("Gemm", ["x", "w", "b"], ["z"]),
    helper.make_node("Relu", ["z"], ["a"]),
    helper.make_node("Gemm", ["a", "v", "c"], ["s"]),
    helper.make_node("Softmax", ["s"], ["y"]),
]
w, v = random.standard_normal((16, 8)), random.standard_normal((8, 3))
network = answers(images, layers, w=w, b=np.ones(8), v=v, c=[0, 2, 0])
print("probabilities of a network with one hidden layer, of two images with a pixel that is NaN:", file=report)
for name, y in zip(names, network):
    print(f"  {name}:", np.round(y[1:].astype(float), 3).tolist(), file=report)
report.flush()
relu, sigmoid = seen["Relu"], seen["Sigmoid"]
holds = (
    np.isnan(relu[0])
    and relu[1:] == [0, 0, 0]
    and np.isnan([sigmoid[0], sigmoid[3]]).all()
    and sigmoid[1] == 1
    and 0 < sigmoid[2] < 1e-5
    and all(np.isnan(y[1:]).all() for y in network[::2])
    and all(np.isfinite(y).all() and (y[1:].argmax(1) == 1).all() for y in network[1::2])
)
raise SystemExit(0 if holds else 1)
PY
