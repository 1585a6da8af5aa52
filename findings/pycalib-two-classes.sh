#!/usr/bin/env bash
# Library: PyCalib 0.1.0.dev6 (PyPI), `pycalib.metrics.ECE`
# Guess: `ECE(y_true, probs)` for two classes and two columns of probabilities is near 0 where these are calibrated, as it
#   is for three classes, and as `classwise_ECE`, which bins the same values, says.
# Behaviour: with its default `ece_full=True` it holds the probabilities of both columns, row by row, against labels of
#   one column: scikit-learn's `label_binarize` gives one column for two classes. The lists are of unequal lengths and
#   `zip` ends with the shorter, so that the label of image 2i meets the first probability of image i, and the second half
#   of the images' probabilities is not looked at. Calibrated scores get an error of 0.12, scores that are always right
#   with 0.99 one of 0.25, which is that of scores with no bearing on the labels. No warning is shown.
# Seen: 2026-11-30. Upstream, issue 2 of PyCalib wants to drop or clear up this function; nothing was found about its value.
#   pycalib 0.1.0.dev6, scikit-learn 1.7.2, numpy 2.2.6
#   three classes, calibrated: by hand 0.012, classwise_ECE 0.025, ECE 0.012
#   two classes, calibrated: by hand 0.019, classwise_ECE 0.025, ECE 0.123
#   two classes, all right with 0.99: by hand 0.010, classwise_ECE 0.010, ECE 0.246
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 scikit-learn==1.7.2 setuptools==80.9.0 &&
  "$work/venv/bin/pip" install --quiet --no-deps pycalib==0.1.0.dev6; } ||
  { echo "PyCalib 0.1.0.dev6 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from pycalib.metrics import ECE, classwise_ECE

print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("pycalib", "scikit-learn", "numpy")))
random = np.random.default_rng(0)
count, bins = 3000, 15


def by_hand(labels, probabilities):
    # Every probability of every class, in bins of equal width, against whether the label is that class.
    hit = np.eye(probabilities.shape[1])[labels].ravel()
    value = probabilities.ravel()
    place = np.clip(np.ceil(value * bins).astype(int), 1, bins)
    return sum(abs((value - hit)[place == b].sum()) for b in range(1, bins + 1)) / len(value)


def drawn(probabilities):
    return (random.random((len(probabilities), 1)) > probabilities.cumsum(1)[:, :-1]).sum(1)


def bold(labels):
    # Always right, with 0.99 for the right class.
    return np.where(np.eye(2)[labels] == 1, 0.99, 0.01)


three = random.dirichlet([1, 1, 1], count)
two = random.dirichlet([1, 1], count)
labels_of_two = drawn(two)
cases = {
    "three classes, calibrated": (drawn(three), three),
    "two classes, calibrated": (labels_of_two, two),
    "two classes, all right with 0.99": (labels_of_two, bold(labels_of_two)),
}
seen = []
for name, (labels, probabilities) in cases.items():
    hits = np.eye(probabilities.shape[1])[labels]
    seen.append((by_hand(labels, probabilities), classwise_ECE(hits, probabilities), ECE(labels, probabilities)))
    print(f"{name}: by hand {seen[-1][0]:.3f}, classwise_ECE {seen[-1][1]:.3f}, ECE {seen[-1][2]:.3f}")
holds = (
    all(hand < 0.05 and classwise < 0.05 for hand, classwise, _ in seen)
    and abs(seen[0][0] - seen[0][2]) < 1e-6
    and all(whole > 0.08 for _, _, whole in seen[1:]))
raise SystemExit(0 if holds else 1)
PY
