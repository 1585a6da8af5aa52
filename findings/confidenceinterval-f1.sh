#!/usr/bin/env bash
# Library: confidenceinterval 1.0.4 (PyPI)
# Guess: The interval of an F1 score lies between 0 and 1. Micro F1 of classes that exclude each other is the accuracy, so
#   it has the accuracy's interval, by default that of Wilson. Of 100 images, all right, none is a single point.
# Behaviour: The interval of macro F1 of 100 right answers to 100 images goes up to 1.06, and that of two classes and 20
#   images up to 1.31; micro F1, precision and recall of the same answers have [1, 1], as if nothing could ever be wrong,
#   and accuracy [0.963, 1]. With 98 of 100 the upper ends of all but the accuracy's are above 1. The area under the ROC curve
#   of a detector that gives every image the same score is 0.5 with certainty. No error, no warning.
# Seen: 2026-11-29:
#   confidenceinterval 1.0.4
#   100 of 100 right, 10 classes:
#     accuracy: 1.000 [0.963, 1.000]
#     micro F1: 1.000 [1.000, 1.000]
#     macro F1: 1.000 [0.938, 1.062]
#     macro precision: 1.000 [1.000, 1.000]
#     macro recall: 1.000 [1.000, 1.000]
#   98 of 100 right, 10 classes:
#     accuracy: 0.980 [0.930, 0.994]
#     micro F1: 0.980 [0.953, 1.007]
#     macro F1: 0.980 [0.917, 1.043]
#     macro precision: 0.981 [0.957, 1.005]
#     macro recall: 0.980 [0.956, 1.004]
#   20 of 20 right, 2 classes:
#     accuracy: 1.000 [0.839, 1.000]
#     micro F1: 1.000 [1.000, 1.000]
#     macro F1: 1.000 [0.690, 1.310]
#     macro precision: 1.000 [1.000, 1.000]
#     macro recall: 1.000 [1.000, 1.000]
#   area under the curve, 20 images of equal score: 0.500 [0.500, 0.500]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet confidenceinterval==1.0.4 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6; } ||
  { echo "confidenceinterval 1.0.4 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from confidenceinterval import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

print("confidenceinterval", importlib.metadata.version("confidenceinterval"))
scores = {
    "accuracy": accuracy_score,
    "micro F1": lambda *labels: f1_score(*labels, average="micro"),
    "macro F1": lambda *labels: f1_score(*labels, average="macro"),
    "macro precision": lambda *labels: precision_score(*labels, average="macro"),
    "macro recall": lambda *labels: recall_score(*labels, average="macro"),
}
seen = {}
for count, classes, wrong in (100, 10, 0), (100, 10, 2), (20, 2, 0):
    labels = np.arange(count) % classes
    answers = (labels + (np.arange(count) < wrong)) % classes
    print(f"{count - wrong} of {count} right, {classes} classes:")
    for name, score in scores.items():
        value, interval = score(labels, answers)
        seen[count, wrong, name] = float(value), *(float(end) for end in interval)
        print(f"  {name}: {value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]")
area, interval = roc_auc_score(np.arange(20) % 2, np.full(20, 0.5))
print(f"area under the curve, 20 images of equal score: {area:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]")
holds = (
    seen[20, 0, "macro F1"][2] > 1.3
    and seen[100, 0, "macro F1"][2] > 1.06
    and all(seen[100, 0, name] == (1, 1, 1) for name in ("micro F1", "macro precision", "macro recall"))
    and all(seen[100, 2, name][2] > 1 for name in scores if name != "accuracy")
    and all(values[2] <= 1 and values[1] < values[2] for (_, _, name), values in seen.items() if name == "accuracy")
    and interval[0] == interval[1]
)
raise SystemExit(0 if holds else 1)
PY
