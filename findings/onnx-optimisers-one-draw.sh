#!/usr/bin/env bash
# Library: onnxsim 0.8.1, OnnxSlim 0.1.98, onnxoptimizer 0.4.2, onnxscript 0.7.2 and ONNX Runtime 1.32.0 with onnx 1.23.2
#   (PyPI)
# Guess: A network that draws noise twice draws it twice after a tool has simplified it: two operators that draw random
#   numbers are no common subexpression, whatever their inputs and attributes.
# Behaviour: Each takes some such pairs for one and leaves one draw. onnxsim, OnnxSlim and onnxoptimizer merge all that have no
#   seed (`Dropout` OnnxSlim removes); onnxscript merges `Dropout` in training mode and `Bernoulli`, but neither
#   `RandomNormalLike` nor `RandomUniformLike`; ONNX Runtime itself, as it is set by default, merges `Bernoulli`. A
#   network that takes the mean of its answers for noisy copies of the image takes that of one answer: it varies as one
#   draw does. It still varies from run to run, so that nothing shows. Seeds that differ keep the draws apart. No error,
#   no warning.
# Seen: 2026-11-30:
#   onnxsim 0.8.1, onnxslim 0.1.98, onnxoptimizer 0.4.2, onnxscript 0.7.2, onnxruntime 1.32.0, onnx 1.23.2
#   deviation of a mean of 16 draws as a multiple of that of one draw, 0.25 in truth
#     as it is: RandomNormalLike 0.25, RandomUniformLike 0.25, Bernoulli 0.25, Dropout 0.25
#     onnxsim: RandomNormalLike 1.00, RandomUniformLike 1.00, Bernoulli 1.00, Dropout 1.00
#     OnnxSlim: RandomNormalLike 1.00, RandomUniformLike 1.00, Bernoulli 1.00, Dropout 0.00
#     onnxoptimizer: RandomNormalLike 1.00, RandomUniformLike 1.00, Bernoulli 1.00, Dropout 1.00
#     onnxscript: RandomNormalLike 0.25, RandomUniformLike 0.25, Bernoulli 1.00, Dropout 1.00
#     ONNX Runtime by default: RandomNormalLike 0.25, RandomUniformLike 0.25, Bernoulli 1.00, Dropout 0.25
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 onnxsim==0.8.1 onnxslim==0.1.98 \
    onnxoptimizer==0.4.2 onnxscript==0.7.2; } ||
  { echo "onnx 1.23.2 and the five tools cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxscript.optimizer
import onnxsim
import onnxslim
from onnx import TensorProto, helper, numpy_helper

names = ["onnxsim", "onnxslim", "onnxoptimizer", "onnxscript", "onnxruntime", "onnx"]
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))


def network(copies, operator, *inputs):
    # The mean over as many copies, each of which draws for itself.
    nodes = [helper.make_node("Mul", ["x", "half"], ["mean"])]
    nodes += [helper.make_node(operator, inputs, [f"drawn {copy}"]) for copy in range(copies)]
    nodes.append(helper.make_node("Mean", [f"drawn {copy}" for copy in range(copies)], ["y"]))
    constants = {"half": np.array(0.5, np.float32), "training": np.array(True)}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 40000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 40000])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(built, full_check=True)
    return built


def deviation(built, level):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(built.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ones((1, 40000), np.float32)})[0].std()


none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level
tools = {
    "as it is": (lambda built: built, none),
    "onnxsim": (lambda built: onnxsim.simplify(built)[0], none),
    "OnnxSlim": (onnxslim.slim, none),
    "onnxoptimizer": (onnxoptimizer.optimize, none),
    "onnxscript": (onnxscript.optimizer.optimize, none),
    "ONNX Runtime by default": (lambda built: built, default),
}
operators = {
    "RandomNormalLike": ["mean"],
    "RandomUniformLike": ["mean"],
    "Bernoulli": ["mean"],
    "Dropout": ["x", "half", "training"],
}
print("deviation of a mean of 16 draws as a multiple of that of one draw, 0.25 in truth")
merges = {}
for tool, (simplify, level) in tools.items():
    ratios = {}
    for operator, inputs in operators.items():
        one = deviation(network(1, operator, *inputs), none)
        ratios[operator] = deviation(simplify(network(16, operator, *inputs)), level) / one
    print(f"  {tool}: " + ", ".join(f"{operator} {ratio:.2f}" for operator, ratio in ratios.items()))
    merges[tool] = {operator for operator, ratio in ratios.items() if ratio > 0.9}
holds = (
    merges["as it is"] == set()
    and merges["onnxsim"] == merges["onnxoptimizer"] == set(operators)
    and merges["OnnxSlim"] >= {"RandomNormalLike", "RandomUniformLike", "Bernoulli"}
    and merges["onnxscript"] == {"Bernoulli", "Dropout"}
    and merges["ONNX Runtime by default"] == {"Bernoulli"})
sys.exit(0 if holds else 1)
PY
