#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0, its quantiser, with onnx 1.23.2 (PyPI)
# Guess: `quantize_dynamic(..., per_channel=True)` gives every output channel of a convolution a scale of its own, as it
#   does for matrix products, and as `quantize_static` does: no filter is lost beside a larger one.
# Behaviour: For `Conv` the option is ignored: one scale serves all filters, the file is the same byte for byte as without
#   it, and nothing is said. A filter whose weights are a thousandth of the largest, as they come from folded
#   batch normalisation, becomes 0, and with it the channel. `MatMul` and `Gemm` obey.
# Seen: 2026-11-28:
#   ONNX Runtime 1.32.0
#   largest error of each channel, relative to its largest value; weights of 1, 0.1, 0.01 and 0.001
#     Conv, per_channel=False: 0.009 0.036 0.493 1.000
#     Conv, per_channel=True: 0.009 0.036 0.493 1.000, the same file
#     MatMul, per_channel=False: 0.006 0.033 0.750 1.000
#     MatMul, per_channel=True: 0.006 0.004 0.013 0.007
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import logging
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.WARNING)  # that the network could be optimised before
print("ONNX Runtime", onnxruntime.__version__)
random = np.random.RandomState(0)
scales = np.array([1, 0.1, 0.01, 0.001])


def save(operator, shape, weight):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight.astype(np.float32), "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    network = onnx.shape_inference.infer_shapes(network)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, "network.onnx")


def run(path, x):
    """The output with its channels in front."""
    y = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    return y.swapaxes(0, 1).reshape(4, -1)


print("largest error of each channel, relative to its largest value; weights of 1, 0.1, 0.01 and 0.001")
errors, files = {}, {}
for operator, shape, weight in (
    ("Conv", [1, 2, 8, 8], random.standard_normal((4, 2, 3, 3)) * scales.reshape(4, 1, 1, 1)),
    ("MatMul", [20, 18], random.standard_normal((18, 4)) * scales),
):
    save(operator, shape, weight)
    x = random.uniform(-1, 1, shape).astype(np.float32)
    exact = run("network.onnx", x)
    for choice in False, True:
        quantize_dynamic("network.onnx", "quantised.onnx", per_channel=choice)
        files[operator, choice] = pathlib.Path("quantised.onnx").read_bytes()
        error = abs(run("quantised.onnx", x) - exact).max(1) / abs(exact).max(1)
        errors[operator, choice] = error
        same = ", the same file" if choice and files[operator, True] == files[operator, False] else ""
        print(f"  {operator}, per_channel={choice}:", " ".join(f"{e:.3f}" for e in error) + same)
holds = (
    files["Conv", True] == files["Conv", False]
    and errors["Conv", True][3] > 0.5
    and errors["MatMul", False][3] > 0.5
    and errors["MatMul", True].max() < 0.03
)
raise SystemExit(0 if holds else 1)
PY
