#!/usr/bin/env bash
# Library: onnx2torch 1.5.15 with PyTorch 2.13.0 and onnx 1.23.2 (PyPI)
# Guess: A network with `CumSum`, whose attribute `reverse` is 0 unless the file says otherwise, gives the same in PyTorch
#   as in ONNX's own evaluator.
# Behaviour: the converter takes 1 for the attribute that is left out, and every plain cumulative sum runs from the end.
#   A file that writes the attribute out is right. PyTorch's exporter leaves it out. A network that adds up its sorted
#   probabilities until 90 % are reached, as adaptive prediction sets do, answers with all classes where four are meant in the
#   mean, and the coverage, being 1, raises no doubt. No error, no warning.
# Seen: 2026-11-30. Nothing was found about it upstream; the like is known of TensorRT (its issue 4513). Importing the
#   library wants torchvision, for two operators that are not used here; it is replaced by a stand-in.
#   onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2
#   reverse left out: mean size of the sets, and coverage: onnx 4.30 0.945, onnx2torch 10.00 1.000, by hand 4.30 0.945
#   reverse=0 written out: mean size of the sets, and coverage: onnx 4.30 0.945, onnx2torch 4.30 0.945, by hand 4.30 0.945
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 onnx==1.23.2 &&
  "$work/venv/bin/pip" install --quiet --no-deps onnx2torch==1.5.15; } ||
  { echo "onnx2torch 1.5.15, PyTorch 2.13.0 and onnx 1.23.2 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.machinery
import importlib.metadata
import sys
from unittest.mock import MagicMock

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

for name in "torchvision", "torchvision.ops":
    sys.modules[name] = MagicMock(__spec__=importlib.machinery.ModuleSpec(name, None))
from onnx2torch import convert

names = "onnx2torch", "torch", "onnx"
print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in names))
torch.set_num_threads(1)
count, classes = 1000, 10
random = np.random.default_rng(0)
probabilities = random.dirichlet(np.full(classes, 0.3), count).astype(np.float32)
labels = (random.random((count, 1)) > probabilities.cumsum(1)[:, :-1]).sum(1)


def network(**attributes):
    # How many of the most probable classes are needed, until what comes before them reaches 90 %.
    nodes = [
        helper.make_node("TopK", ["p", "classes"], ["sorted", "places"], axis=-1),
        helper.make_node("CumSum", ["sorted", "axis"], ["sums"], **attributes),
        helper.make_node("Sub", ["sums", "sorted"], ["before"]),
        helper.make_node("Less", ["before", "enough"], ["needed"]),
        helper.make_node("Cast", ["needed"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["size"], keepdims=0),
    ]
    constants = {
        "classes": np.array([classes], np.int64), "axis": np.array(1, np.int64), "axes": np.array([1], np.int64),
        "enough": np.array(0.9, np.float32)}
    graph = helper.make_graph(
        nodes,
        "set sizes",
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [count, classes])],
        [helper.make_tensor_value_info("size", TensorProto.FLOAT, [count])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


ordered = -np.sort(-probabilities, axis=1)
by_hand = (ordered.cumsum(1) - ordered < 0.9).sum(1)
rank = (probabilities > probabilities[np.arange(count), labels][:, None]).sum(1)
seen = {}
for name, attributes in {"reverse left out": {}, "reverse=0 written out": {"reverse": 0}}.items():
    model = network(**attributes)
    sizes = {
        "onnx": ReferenceEvaluator(model).run(None, {"p": probabilities})[0],
        "onnx2torch": convert(model)(torch.from_numpy(probabilities)).numpy(),
        "by hand": by_hand,
    }
    seen[name] = {kind: (float(size.mean()), float((rank < size).mean())) for kind, size in sizes.items()}
    print(f"{name}: mean size of the sets, and coverage: "
          + ", ".join(f"{kind} {size:.2f} {coverage:.3f}" for kind, (size, coverage) in seen[name].items()))
left_out, written = seen.values()
right = left_out["by hand"]
holds = (
    all(abs(found[kind][0] - right[0]) < 0.02 for found in seen.values() for kind in ("onnx", "by hand"))
    and abs(written["onnx2torch"][0] - right[0]) < 0.02 and left_out["onnx2torch"][0] > right[0] + 2)
raise SystemExit(0 if holds else 1)
PY
