#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 with onnx 1.23.2 (PyPI)
# Guess: A network that is written operator by operator is merged into a layer normalisation where it computes one: where
#   the differences from the mean are raised to the power of 2.
# Behaviour: As ONNX Runtime is set by default, the exponent may be any. A layer that divides by the root of the mean fourth power
#   becomes one that divides by the standard deviation, and features with outliers, which it was to tame, come out
#   larger. Written with products instead of `Pow`, or without taking the mean off first, it is right, and so it is
#   with the optimisation off. No error, no warning.
# Seen: 2026-11-30:
#   ONNX Runtime 1.32.0, onnx 1.23.2
#   power of 2, from the mean: largest feature 5.06, by default 5.06, 0.00 apart at most
#   power of 4, from the mean: largest feature 1.01, by default 5.06, 4.41 apart at most
#   power of 4, from 0: largest feature 0.98, by default 0.98, 0.00 apart at most
#   power of 4, as products, from the mean: largest feature 1.01, by default 1.01, 0.00 apart at most
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
none, default = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.SessionOptions().graph_optimization_level
features = np.random.default_rng(0).normal(size=(100, 32)).astype(np.float32)
features[:, 0] += 8


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs, [output], **attributes)


def power(exponent, products):
    if not products:
        return [node("Pow", ["from mean", "exponent"], "power")]
    squares = node("Mul", ["from mean", "from mean"], "power" if exponent == 2 else "square")
    return [squares] if exponent == 2 else [squares, node("Mul", ["square", "square"], "power")]


def answers(exponent, centred, products):
    nodes = [
        node("ReduceMean", ["x"], "mean", axes=[-1]),
        node("Sub", ["x", "mean"], "from mean") if centred else node("Identity", ["x"], "from mean"),
        *power(exponent, products),
        node("ReduceMean", ["power"], "mean power", axes=[-1]),
        node("Add", ["mean power", "epsilon"], "enough"),
        node("Sqrt", ["enough"], "root"),
        node("Div", ["from mean", "root"], "normal"),
        node("Mul", ["normal", "scale"], "scaled"),
        node("Add", ["scaled", "shift"], "y"),
    ]
    constants = {
        "exponent": np.array(exponent, np.float32), "epsilon": np.array(1e-5, np.float32),
        "scale": np.ones(32, np.float32), "shift": np.zeros(32, np.float32)}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, features.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, features.shape)],
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
        found.append(session.run(None, {"x": features})[0])
    return found


by_hand = features - features.mean(1, keepdims=True)
by_hand /= np.sqrt((by_hand**4).mean(1, keepdims=True) + 1e-5)
factors = {}
for exponent, centred, products in (2, True, False), (4, True, False), (4, False, False), (4, True, True):
    plain, optimised = answers(exponent, centred, products)
    if exponent == 4 and centred:
        assert np.allclose(plain, by_hand, atol=1e-4)
    factors[exponent, centred, products] = np.abs(optimised).max() / np.abs(plain).max()
    print(
        f"power of {exponent}{', as products' if products else ''}, {'from the mean' if centred else 'from 0'}: largest "
        f"feature {np.abs(plain).max():.2f}, by default {np.abs(optimised).max():.2f}, "
        f"{np.abs(plain - optimised).max():.2f} apart at most")
wrong = factors.pop((4, True, False))
holds = wrong > 1.5 and all(abs(factor - 1) < 1e-3 for factor in factors.values())
sys.exit(0 if holds else 1)
PY
