#!/usr/bin/env bash
# Library: onnx 1.23.2, its version converter, run with ONNX Runtime 1.32.0 (PyPI)
# Guess: `onnx.version_converter` keeps what a model computes, or refuses.
# Behaviour: Linear Upsample (operator set 9) and Resize (10) sample at output position / scale. Their successors at 11
#   have a `coordinate_transformation_mode` for that, "asymmetric", but the converter does not write it, so the default
#   "half_pixel" holds: the image moves by a fraction of a pixel. Hardmax, which took its maximum over all following
#   axes together before operator set 13 (as Softmax did, which the converter mends), takes it over one axis
#   afterwards. The checker accepts the results.
# Seen: 2026-11-28:
#   onnx 1.23.2 with ONNX Runtime 1.32.0
#   Upsample of [1, 3]: opset 9 [1.0, 2.0, 3.0, 3.0], opset 11 [1.0, 1.5, 2.5, 3.0]
#   Resize of [1, 3]: opset 10 [1.0, 2.0, 3.0, 3.0], opset 11 [1.0, 1.5, 2.5, 3.0]
#   Hardmax of [1, 2, 4, 3]: opset 11 [0.0, 0.0, 1.0, 0.0], opset 13 [0.0, 0.0, 1.0, 1.0]
#   Softmax of [1, 2, 4, 3]: opset 11 [0.032, 0.087, 0.644, 0.237], opset 13 [0.032, 0.087, 0.644, 0.237]
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
from onnx import TensorProto, helper, numpy_helper, version_converter

print("onnx", onnx.__version__, "with ONNX Runtime", onnxruntime.__version__)


def model(node, opset, shape, result, constants=()):
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
        [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(network, x):
    onnx.checker.check_model(network, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array(x, np.float32)})[0].ravel().tolist()


scales = [("s", [1, 1, 1, 2])]
row, block = [[[[1, 3]]]], [[[1, 2], [4, 3]]]
seen = {}
for name, old, new in ("Upsample", 9, 11), ("Resize", 10, 11), ("Hardmax", 11, 13), ("Softmax", 11, 13):
    if old < 11:
        node = helper.make_node(name, ["x", "s"], ["y"], mode="linear")
        network, x = model(node, old, [1, 1, 1, 2], [1, 1, 1, 4], scales), row
    else:
        network, x = model(helper.make_node(name, ["x"], ["y"], axis=1), old, [1, 2, 2], [1, 2, 2]), block
    before, after = run(network, x), run(version_converter.convert_version(network, new), x)
    seen[name] = before, after
    shown = [np.round(answer, 3).tolist() for answer in (before, after)]
    print(f"{name} of {np.ravel(x).tolist()}: opset {old} {shown[0]}, opset {new} {shown[1]}")
holds = (
    all(seen[name] == ([1, 2, 3, 3], [1, 1.5, 2.5, 3]) for name in ("Upsample", "Resize"))
    and seen["Hardmax"] == ([0, 0, 1, 0], [0, 0, 1, 1])
    and np.allclose(*seen["Softmax"], atol=1e-6)
)
raise SystemExit(0 if holds else 1)
PY
