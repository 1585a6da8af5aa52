#!/usr/bin/env bash
# Library: onnx 1.23.2, its ReferenceEvaluator, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: The evaluator that the format's authors ship as its reference computes the plain layers of old image networks as the
#   format's text says, at every operator set, so that its answers can stand as the expected ones in a test.
# Behaviour: `MaxPool` takes `pads` for beginning and end of each axis in turn, and not for all beginnings and then all ends:
#   padding of the width alone pads the height. `LRN` normalises as many channels as there are images in the batch and
#   returns the others as they came. `LpNormalization` with p = 1 divides by the sum, signs and all, and not by that of
#   the magnitudes. `AveragePool` with the same padding is right.
# Seen: 2026-11-28:
#   onnx 1.23.2 beside ONNX Runtime 1.32.0
#   MaxPool 2, pads [0, 1, 0, 1], shape: ONNX Runtime (1, 1, 3, 5), reference (1, 1, 4, 4)
#   AveragePool 2, pads [0, 1, 0, 1], shape: ONNX Runtime (1, 1, 3, 5), reference (1, 1, 3, 5)
#   LRN of channels 1, 2, 3, 4: ONNX Runtime [0.375, 0.353, 0.281, 0.429], reference [0.375, 2.0, 3.0, 4.0]
#   LpNormalization of [1, -2, 3, -4]: ONNX Runtime [0.1, -0.2, 0.3, -0.4], reference [-0.5, 1.0, -1.5, 2.0]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__, "beside ONNX Runtime", onnxruntime.__version__)


def both(operator, x, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = onnx.shape_inference.infer_shapes(network)
    onnx.checker.check_model(network, full_check=True)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0], ReferenceEvaluator(network).run(None, {"x": x})[0]


image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
pads = [0, 1, 0, 1]  # nothing above, one on the left, nothing below, one on the right
shapes = {}
for operator in "MaxPool", "AveragePool":
    answers = both(operator, image, kernel_shape=[2, 2], pads=pads)
    shapes[operator] = [answer.shape for answer in answers]
    print(f"{operator} 2, pads {pads}, shape: ONNX Runtime {shapes[operator][0]}, reference {shapes[operator][1]}")


def show(name, answers):
    shown = [answer.ravel().astype(float).round(3).tolist() for answer in answers]
    print(f"{name}: ONNX Runtime {shown[0]}, reference {shown[1]}")
    return answers


channels = np.arange(1, 5, dtype=np.float32).reshape(1, 4, 1, 1)
right, answer = show("LRN of channels 1, 2, 3, 4", both("LRN", channels, size=3, alpha=1.0, beta=1.0, bias=1.0))
# The squares of a channel and its neighbours: 1 + 4, 1 + 4 + 9, 4 + 9 + 16, 9 + 16.
definition = channels.ravel() / (1 + np.array([5, 14, 29, 25]) / 3)
holds = np.allclose(right.ravel(), definition) and np.array_equal(answer.ravel()[1:], channels.ravel()[1:])
signed = np.array([[1, -2, 3, -4]], np.float32)
right, answer = show("LpNormalization of [1, -2, 3, -4]", both("LpNormalization", signed, p=1))
holds = holds and np.allclose(right, signed / 10) and np.allclose(answer, signed / signed.sum())
holds = holds and shapes == {"MaxPool": [(1, 1, 3, 5), (1, 1, 4, 4)], "AveragePool": [(1, 1, 3, 5)] * 2}
raise SystemExit(0 if holds else 1)
PY
