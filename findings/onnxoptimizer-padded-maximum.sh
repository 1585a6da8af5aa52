#!/usr/bin/env bash
# Library: onnxoptimizer 0.4.2 with onnx 1.23.2, run with ONNX Runtime 1.32.0 (PyPI)
# Guess: `onnxoptimizer.optimize` with its own default passes keeps what a network computes and the shape of what it puts
#   out; layers are merged only where that changes nothing.
# Behaviour: A `Pad` with zeros in front of `MaxPool` becomes padding of the pooling, which does not count: at the border
#   the maximum of negative values is then negative and not 0. With `ceil_mode` even the shape changes. Of two
#   `Reshape` the second is kept alone, and where it has zeros, which copy lengths, it copies others. No error, no
#   warning.
# Seen: 2026-11-28:
#   onnxoptimizer 0.4.2, onnx 1.23.2, ONNX Runtime 1.32.0
#   zeros above and left, then MaxPool 2: before [0.0, 0.0, 0.0, -1.0], after [-1.0, -1.0, -1.0, -1.0]
#   zeros below and right, then MaxPool 2, stride 2, ceil_mode: shape (1, 1, 3, 3), after (1, 1, 2, 2)
#   Reshape to [6, 2, 2], then to [0, 0, -1]: shape (6, 2, 2), after (2, 3, 4)
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnxoptimizer 0.4.2, onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print(f"onnxoptimizer {importlib.metadata.version('onnxoptimizer')}, onnx {onnx.__version__}, "
      f"ONNX Runtime {onnxruntime.__version__}")


def run(network, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def both(x, first, second, constants, **attributes):
    nodes = [
        helper.make_node(first[0], ["x", *first[1:]], ["between"]),
        helper.make_node(second[0], ["between", *second[1:]], ["y"], **attributes),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = onnx.shape_inference.infer_shapes(network)
    onnx.checker.check_model(network, full_check=True)
    return run(network, x), run(onnxoptimizer.optimize(network), x)


negative = -np.arange(1, 5, dtype=np.float32).reshape(1, 1, 2, 2)
above = {"pads": [0, 0, 1, 1, 0, 0, 0, 0]}
before, after = both(negative, ("Pad", "pads"), ("MaxPool",), above, kernel_shape=[2, 2])
shown = [answer.ravel().tolist() for answer in (before, after)]
print(f"zeros above and left, then MaxPool 2: before {shown[0]}, after {shown[1]}")
holds = shown[0][:3] == [0, 0, 0] and shown[1][:3] == [-1, -1, -1]

image = np.ones((1, 1, 4, 4), np.float32)
below = {"pads": [0, 0, 0, 0, 0, 0, 1, 1]}
before, after = both(image, ("Pad", "pads"), ("MaxPool",), below, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
print(f"zeros below and right, then MaxPool 2, stride 2, ceil_mode: shape {before.shape}, after {after.shape}")
holds = holds and before.shape == (1, 1, 3, 3) and after.shape == (1, 1, 2, 2)

block = np.ones((2, 3, 4), np.float32)
shapes = {"one": [6, 2, 2], "two": [0, 0, -1]}
before, after = both(block, ("Reshape", "one"), ("Reshape", "two"), shapes)
print(f"Reshape to [6, 2, 2], then to [0, 0, -1]: shape {before.shape}, after {after.shape}")
holds = holds and before.shape == (6, 2, 2) and after.shape == (2, 3, 4)
raise SystemExit(0 if holds else 1)
PY
