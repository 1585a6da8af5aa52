#!/usr/bin/env bash
# Library: ONNX Runtime 1.32.0 with onnx 1.23.2 (PyPI)
# Guess: A network that adds noise with `RandomNormalLike` without a seed draws fresh noise in every session, as Dropout
#   in training mode does, and OpenVINO for the same file.
# Behaviour: All sessions of a process start from one seed that is drawn when the process starts: each new session
#   repeats the noise of the one before, number by number. Two processes differ, so that it does not show between
#   runs. Repeats of a randomised defence, one session each, are one repeat, and their spread is 0.
#   Dropout in training mode goes on from session to session.
# Seen: 2026-11-28:
#   ONNX Runtime 1.32.0
#   distinct answers in 10 runs of one session: 10
#   distinct answers in 10 sessions: 1
#   distinct answers in 10 sessions with dropout: 10
#   two processes draw different noise
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6; } ||
  { echo "onnx 1.23.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
cat > "$work/repeats.py" <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

noise = [helper.make_node("RandomNormalLike", ["x"], ["n"]), helper.make_node("Add", ["x", "n"], ["y"])]
dropout = [helper.make_node("Dropout", ["x", "ratio", "training"], ["y"])]
constants = [
    numpy_helper.from_array(np.array(0.5, np.float32), "ratio"),
    numpy_helper.from_array(np.array(True), "training"),
]


def session(nodes, constants=()):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1000])],
        constants,
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network, full_check=True)
    return onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])


image = {"x": np.full(1000, 1, np.float32)}


def distinct(answers):
    return len({answer.tobytes() for answer in answers})


one = session(noise)
print("distinct answers in 10 runs of one session:", distinct(one.run(None, image)[0] for _ in range(10)))
answers = [session(noise).run(None, image)[0] for _ in range(10)]
print("distinct answers in 10 sessions:", distinct(answers))
print("distinct answers in 10 sessions with dropout:",
      distinct(session(dropout, constants).run(None, image)[0] for _ in range(10)))
print("first", answers[0][0], file=sys.stderr)
PY
"$work/venv/bin/python" -c 'import onnxruntime; print("ONNX Runtime", onnxruntime.__version__)'
"$work/venv/bin/python" "$work/repeats.py" > "$work/one" 2> "$work/first" || { cat "$work/first" >&2; exit 1; }
"$work/venv/bin/python" "$work/repeats.py" > "$work/two" 2> "$work/second" || { cat "$work/second" >&2; exit 1; }
cat "$work/one"
holds=0
printf '%s\n' "distinct answers in 10 runs of one session: 10" "distinct answers in 10 sessions: 1" \
  "distinct answers in 10 sessions with dropout: 10" | cmp -s - "$work/one" || holds=1
cmp -s "$work/one" "$work/two" || holds=1
if cmp -s "$work/first" "$work/second"; then
  echo "two processes draw the same noise"
  holds=1
else
  echo "two processes draw different noise"
fi
exit "$holds"
