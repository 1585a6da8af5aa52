#!/usr/bin/env bash
# Library: onnx 1.23.2, its ReferenceEvaluator, beside ONNX Runtime 1.32.0 (PyPI)
# Guess: The evaluator that the format's authors ship as its reference runs batch normalisation of operator set 9 with
#   the mean and variance of the file, as inference has to, and gives an image the same answer in every batch.
# Behaviour: It moves the file's mean and variance a tenth of the way (the default momentum) to those of the batch, as a
#   step of training does, and normalises with the result. An image's output changes with the images beside it.
#   From operator set 14 on it is right. PyTorch's exporter and public collections wrote operator sets 9 to 13 for
#   years.
# Seen: 2026-11-28:
#   onnx 1.23.2 beside ONNX Runtime 1.32.0
#   opset 9: the image (1, 3), mean 2, variance 4, alone and beside another:
#     ONNX Runtime [-0.5, 0.5] [-0.5, 0.5], reference [-0.52, 0.52] [-0.584, 0.432]
#   opset 13: the image (1, 3), mean 2, variance 4, alone and beside another:
#     ONNX Runtime [-0.5, 0.5] [-0.5, 0.5], reference [-0.52, 0.52] [-0.584, 0.432]
#   opset 14: the image (1, 3), mean 2, variance 4, alone and beside another:
#     ONNX Runtime [-0.5, 0.5] [-0.5, 0.5], reference [-0.5, 0.5] [-0.5, 0.5]
#   opset 15: the image (1, 3), mean 2, variance 4, alone and beside another:
#     ONNX Runtime [-0.5, 0.5] [-0.5, 0.5], reference [-0.5, 0.5] [-0.5, 0.5]
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
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__, "beside ONNX Runtime", onnxruntime.__version__)
shape = ["N", 1, 1, 2]
image, other = np.array([[[[1, 3]]]], np.float32), np.array([[[[5, 5]]]], np.float32)
both = np.concatenate([image, other])
seen = {}
for opset in 9, 13, 14, 15:
    graph = helper.make_graph(
        [helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y"], epsilon=0.0)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.array([value], np.float32), name)
            for name, value in (("scale", 1), ("bias", 0), ("mean", 2), ("variance", 4))
        ],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    reference = ReferenceEvaluator(network)
    answers = [
        run(None, {"x": x})[0][0].ravel().astype(float).round(3).tolist()
        for run in (session.run, reference.run)
        for x in (image, both)
    ]
    seen[opset] = answers
    print(f"opset {opset}: the image (1, 3), mean 2, variance 4, alone and beside another:")
    print(f"  ONNX Runtime {answers[0]} {answers[1]}, reference {answers[2]} {answers[3]}")
right = [-0.5, 0.5]
holds = (
    all(answers[:2] == [right, right] for answers in seen.values())
    and all(seen[opset][2] != right and seen[opset][2] != seen[opset][3] for opset in (9, 13))
    and all(seen[opset][2:] == [right, right] for opset in (14, 15))
)
raise SystemExit(0 if holds else 1)
PY
