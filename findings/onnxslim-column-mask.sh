#!/usr/bin/env bash
# Library: OnnxSlim 0.1.98, beside onnxsim 0.8.1, with ONNX Runtime 1.32.0 and onnx 1.23.2 (PyPI)
# Guess: A product with a constant behind a convolution is merged into its weights where the constant has a factor for
#   every channel, and stays where it has one for every column, row or image.
# Behaviour: OnnxSlim looks at the count alone: as many columns, rows or images as channels, and their factors become those of the
#   channels. A mask that hides the right half of the features hides half of the channels instead, at full width. With
#   another width the same network is right, so that it shows at some sizes and not at others. `Add` in the same place
#   is right, and so is onnxsim. No error, no warning.
# Seen: 2026-11-30:
#   OnnxSlim 0.1.98, onnxsim 0.8.1, ONNX Runtime 1.32.0, onnx 1.23.2
#   8 images of 8 by 8 places: how far the answers lie apart at most, by OnnxSlim and by onnxsim
#     Mul behind 8 channels: channels 0.00 0.00, columns 21.70 0.00, rows 24.10 0.00, images 20.24 0.00
#     Add behind 8 channels: channels 0.00 0.00, columns 0.00 0.00, rows 0.00 0.00, images 0.00 0.00
#     Mul behind 6 channels: columns 0.00 0.00, rows 0.00 0.00, images 0.00 0.00
#     Add behind 6 channels: columns 0.00 0.00, rows 0.00 0.00, images 0.00 0.00
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 onnxslim==0.1.98 onnxsim==0.8.1 numpy==2.4.6; } ||
  { echo "onnx 1.23.2, ONNX Runtime 1.32.0, OnnxSlim 0.1.98 and onnxsim 0.8.1 cannot be installed" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys

import numpy as np
import onnx
import onnxruntime
import onnxsim
import onnxslim
from onnx import TensorProto, helper, numpy_helper

print(
    f"OnnxSlim {importlib.metadata.version('onnxslim')}, onnxsim {importlib.metadata.version('onnxsim')}, "
    f"ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__}")
generator = np.random.default_rng(0)
images = generator.normal(size=(8, 3, 10, 10)).astype(np.float32)


def run(network):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": images})[0]


def apart(operator, channels, shape):
    # Half of the factors are 0, the others 1.
    constants = {
        "weights": generator.normal(size=(channels, 3, 3, 3)).astype(np.float32),
        "mask": np.repeat(np.float32([1, 0]), 4).reshape(shape),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weights"], ["features"]),
            helper.make_node(operator, ["features", "mask"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, images.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [8, channels, 8, 8])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    plain = run(network)
    return [np.abs(run(simple) - plain).max() for simple in (onnxslim.slim(network), onnxsim.simplify(network)[0])]


print("8 images of 8 by 8 places: how far the answers lie apart at most, by OnnxSlim and by onnxsim")
masks = {"channels": (1, 8, 1, 1), "columns": (8,), "rows": (8, 1), "images": (8, 1, 1, 1)}
found = {}
for channels in 8, 6:
    for operator in "Mul", "Add":
        for name, shape in masks.items():
            if (channels, name) != (6, "channels"):
                found[channels, operator, name] = apart(operator, channels, shape)
        print(
            f"  {operator} behind {channels} channels: " + ", ".join(
                f"{name} {slim:.2f} {sim:.2f}" for (count, kind, name), (slim, sim) in found.items()
                if (count, kind) == (channels, operator)))
wrong = {key for key, (slim, _) in found.items() if slim > 1}
holds = (
    wrong == {(8, "Mul", name) for name in ("columns", "rows", "images")}
    and all(slim < 1e-3 for key, (slim, _) in found.items() if key not in wrong)
    and all(sim < 1e-3 for _, sim in found.values()))
sys.exit(0 if holds else 1)
PY
