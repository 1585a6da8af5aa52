#!/usr/bin/env bash
# Library: OnnxSlim 0.1.98, beside onnxsim 0.8.1, with ONNX Runtime 1.32.0 (PyPI)
# Guess: A tool that simplifies a network leaves operators alone that draw random numbers, as onnxsim does: the network
#   that adds noise to its input gives another answer at every run before and after.
# Behaviour: OnnxSlim computes all that does not depend on the input, and so draws the noise once: `RandomNormal` and
#   `RandomUniform`, and those of their kind that take the shape of a constant, become numbers in the file. A
#   randomised defence is no longer one. Noise that takes its shape from the input stays.
# Seen: 2026-11-28:
#   OnnxSlim 0.1.98, onnxsim 0.8.1, ONNX Runtime 1.32.0
#   distinct answers in 10 runs: as it was, after onnxsim, after OnnxSlim
#     RandomNormal: 10, 10, 1
#     RandomUniform: 10, 10, 1
#     RandomNormalLike of a constant: 10, 10, 1
#     Dropout of a constant: 10, 10, 1
#     RandomNormalLike of the input: 10, 10, 10
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnxslim==0.1.98 onnxsim==0.8.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "OnnxSlim 0.1.98, onnxsim 0.8.1 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxruntime
import onnxsim
import onnxslim
from onnx import TensorProto, helper, numpy_helper

print(f"OnnxSlim {importlib.metadata.version('onnxslim')}, onnxsim {importlib.metadata.version('onnxsim')}, "
      f"ONNX Runtime {onnxruntime.__version__}")
shape = [1, 400]
constants = {
    "zeros": np.zeros(shape, np.float32),
    "ones": np.ones(shape, np.float32),
    "ratio": np.array(0.5, np.float32),
    "training": np.array(True),
}


def model(operator, *inputs, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["noise"], **attributes), helper.make_node("Add", ["x", "noise"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(constants[name], name) for name in inputs if name in constants],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    return network


def distinct(network):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return len({session.run(None, {"x": constants["ones"]})[0].tobytes() for _ in range(10)})


print("distinct answers in 10 runs: as it was, after onnxsim, after OnnxSlim")
holds = True
for name, network in (
    ("RandomNormal", model("RandomNormal", shape=shape)),
    ("RandomUniform", model("RandomUniform", shape=shape)),
    ("RandomNormalLike of a constant", model("RandomNormalLike", "zeros")),
    ("Dropout of a constant", model("Dropout", "ones", "ratio", "training")),
    ("RandomNormalLike of the input", model("RandomNormalLike", "x")),
):
    copy = onnx.ModelProto.FromString(network.SerializeToString())
    counts = distinct(network), distinct(onnxsim.simplify(network)[0]), distinct(onnxslim.slim(copy))
    print(f"  {name}: {counts[0]}, {counts[1]}, {counts[2]}")
    holds &= counts == (10, 10, 10 if name.endswith("input") else 1)
raise SystemExit(0 if holds else 1)
PY
