#!/usr/bin/env bash
# Library: tract 0.23.9 (PyPI), beside ONNX Runtime 1.32.0
# Guess: `LogSoftmax` of logits 0 and -200 is 0 and -200, as the operator exists to say without the detour through a
#   probability that is no number of single precision. `Sigmoid` falls to 0, and `GlobalLpPool` is what its name says.
# Behaviour: It is the logarithm of the softmax: from a gap of 88 on it is wrong, from 104 on it is -inf. The loss of a sure
#   network is infinite then, so no restart or step of an attack is better than another, and a mean of losses over a
#   thousand images is infinite by one. `Sigmoid` never falls below 4.8e-7, so two images of logits -15 and -30 tie.
#   `Softplus`, exact below 88, is infinite above. `GlobalLpPool` gives the plain mean with its sign, for any p, and
#   `Celu` forgets one of the two places of its alpha. No error, no warning.
# Seen: 2026-11-29:
#   tract 0.23.9, onnxruntime 1.32.0
#   ONNX Runtime and tract:
#     LogSoftmax of 0 and -80, the second: -80, -80
#     LogSoftmax of 0 and -88, the second: -88, -87.31
#     LogSoftmax of 0 and -100, the second: -100, -87.52
#     LogSoftmax of 0 and -200, the second: -200, -inf
#     Sigmoid of -10, -15 and -30: 4.54e-05 3.58e-07 0, 4.54e-05 4.77e-07 4.77e-07
#     Softplus of 80 and 100: 80 100, 80 inf
#     GlobalLpPool, p = 1, of -3 and 1: 4, -1
#     Celu, alpha = 0.25, of -1: -0.245, -0.982
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "tract 0.23.9, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("tract", "onnxruntime")), sep=", ")


def answers(operator, x, **attributes):
    x = np.asarray(x, np.float32)
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    network = onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), strict_mode=True
    )
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    runnable = tract.onnx().load("network.onnx").into_model().into_runnable()
    return session.run(None, {"x": x})[0], runnable.run([x])[0].to_numpy()


print("ONNX Runtime and tract:")
seen = {}
for gap in 80, 88, 100, 200:
    seen[gap] = [float(y[0, 1]) for y in answers("LogSoftmax", [[0, -gap]], axis=1)]
    print(f"  LogSoftmax of 0 and -{gap}, the second: {seen[gap][0]:.4g}, {seen[gap][1]:.4g}")
for name, operator, x, attributes in (
    ("Sigmoid of -10, -15 and -30", "Sigmoid", [[-10, -15, -30]], {}),
    ("Softplus of 80 and 100", "Softplus", [[80, 100]], {}),
    ("GlobalLpPool, p = 1, of -3 and 1", "GlobalLpPool", [[[[-3, 1]]]], {"p": 1}),
    ("Celu, alpha = 0.25, of -1", "Celu", [[-1]], {"alpha": 0.25}),
):
    seen[operator] = [y.ravel().tolist() for y in answers(operator, x, **attributes)]
    print(f"  {name}:", *(" ".join(f"{value:.3g}" for value in y) + end for y, end in zip(seen[operator], (",", ""))))
holds = (
    abs(seen[80][1] + 80) < 0.1
    and abs(seen[100][1] + 100) > 10
    and seen[200] == [-200, -np.inf]
    and seen["Sigmoid"][1][1] == seen["Sigmoid"][1][2] > 1e-7 > seen["Sigmoid"][0][2]
    and seen["Softplus"] == [[80, 100], [80, np.inf]]
    and seen["GlobalLpPool"] == [[4], [-1]]
    and abs(seen["Celu"][0][0] + 0.25) < 0.01 < abs(seen["Celu"][0][0] - seen["Celu"][1][0])
)
raise SystemExit(0 if holds else 1)
PY
