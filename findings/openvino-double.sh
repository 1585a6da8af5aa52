#!/usr/bin/env bash
# Library: OpenVINO 2026.4.1, CPU device (PyPI)
# Guess: A network in double precision is computed in double precision, or refused: its output is declared, and comes
#   back, as float64. Integers of 64 bits are computed in 64 bits.
# Behaviour: Both are computed in half the width behind an interface that keeps the types. 1 + 1e-12 is 1, and three
#   times 2^30 is negative. There is no setting for it: the precision hint "f64" is refused.
# Seen: 2026-11-28:
#   OpenVINO 2026.4.1 beside ONNX Runtime 1.32.0
#   Add 1.0 to 1e-12: ONNX Runtime float64 1.000000000001, OpenVINO float64 1.0, declared f64
#   Mul 3 to 1073741824: ONNX Runtime int64 3221225472, OpenVINO int64 -1073741824, declared i64
#   the precision hint f64 is refused
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "OpenVINO 2026.4.1, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

print("OpenVINO", importlib.metadata.version("openvino"), "beside ONNX Runtime", onnxruntime.__version__)
seen = {}
for operator, type_, constant, value in (
    ("Add", np.float64, 1.0, 1e-12),
    ("Mul", np.int64, 3, 2**30),
):
    element = helper.np_dtype_to_tensor_dtype(np.dtype(type_))
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "c"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", element, [1])],
        [helper.make_tensor_value_info("y", element, [1])],
        [numpy_helper.from_array(np.array([constant], type_), "c")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")
    x = np.array([value], type_)
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    compiled = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answer = compiled({"x": x})[0]
    seen[operator] = expected, answer
    print(f"{operator} {constant} to {value}: ONNX Runtime {expected.dtype} {expected[0]}, "
          f"OpenVINO {answer.dtype} {answer[0]}, declared {compiled.output(0).element_type.get_type_name()}")
try:
    openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f64"})
    refused = False
except RuntimeError as error:
    refused = "Supported values" in str(error)
print("the precision hint f64 is", "refused" if refused else "accepted")
holds = (
    seen["Add"][0][0] == 1 + 1e-12
    and seen["Add"][1][0] == 1
    and seen["Add"][1].dtype == np.float64
    and seen["Mul"][0][0] == 3 * 2**30
    and seen["Mul"][1][0] == 3 * 2**30 - 2**32
    and seen["Mul"][1].dtype == np.int64
    and refused
)
raise SystemExit(0 if holds else 1)
PY
