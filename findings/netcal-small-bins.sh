#!/usr/bin/env bash
# Library: netcal 1.4.0 (PyPI), ECE and ACE with `sample_threshold`
# Guess: "bins with an amount of samples below this threshold are not included": ACE is the mean over the bins that are
#   left, ECE the mean over their samples. Where every bin is off by 0.2, both are 0.2 with any threshold.
# Behaviour: a bin below the threshold counts as one without an error. ACE goes on dividing by the number of all bins that
#   hold samples, and ECE by the number of all samples: each falls as the threshold rises, and a network of which no bin
#   has as many samples is perfectly calibrated, 0.0. A threshold that should make a figure robust makes it better.
# Seen: 2026-12-01. Nothing was found about it upstream.
#   Every bin is off by 0.2; 100, 20 and 20 samples
#   netcal 1.4.0, numpy 2.2.6, scipy 1.15.3
#   threshold 1: ECE 0.2000, ACE 0.2000; of the bins that are left 0.2000 and 0.2000
#   threshold 20: ECE 0.2000, ACE 0.2000; of the bins that are left 0.2000 and 0.2000
#   threshold 21: ECE 0.1429, ACE 0.0667; of the bins that are left 0.2000 and 0.2000
#   threshold 101: ECE 0.0000, ACE 0.0000; of the bins that are left none
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 scipy==1.15.3 matplotlib==3.10.7 \
    scikit-learn==1.7.2 tqdm==4.67.1 tensorboard==2.20.0 pyro-ppl==1.9.1 gpytorch==1.14 &&
  "$work/venv/bin/pip" install --quiet --no-deps netcal==1.4.0; } ||
  { echo "netcal 1.4.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from netcal.metrics import ACE, ECE

print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("netcal", "numpy", "scipy")))
# Confidence, samples, how many of them are right: the accuracy is 0.2 lower everywhere.
bins = [(0.95, 100, 75), (0.65, 20, 9), (0.75, 20, 11)]
confidence = np.concatenate([np.full(count, value) for value, count, _ in bins])
right = np.concatenate([np.arange(count) < correct for _, count, correct in bins])
# Two classes, of which the second is always predicted.
scores = np.stack([1 - confidence, confidence], axis=1)
labels = right.astype(int)
seen = {}
for threshold in 1, 20, 21, 101:
    seen[threshold] = [
        float(metric(10, sample_threshold=threshold).measure(scores, labels)) for metric in (ECE, ACE)]
    left = [(count, abs(value - correct / count)) for value, count, correct in bins if count >= threshold]
    by_hand = None
    if left:
        counts, gaps = zip(*left)
        by_hand = [float(np.average(gaps, weights=counts)), float(np.mean(gaps))]
    told = "{:.4f} and {:.4f}".format(*by_hand) if left else "none"
    print("threshold {}: ECE {:.4f}, ACE {:.4f}; of the bins that are left {}".format(
        threshold, *seen[threshold], told))
    close = by_hand is not None and np.allclose(seen[threshold], by_hand, atol=1e-6)
    if threshold <= 20 and not close:
        raise SystemExit("the metrics are not what was meant here")
expected = {21: [0.2 * 100 / 140, 0.2 / 3], 101: [0, 0]}
holds = all(np.allclose(seen[threshold], values, atol=1e-6) for threshold, values in expected.items())
print("as was seen" if holds else "no longer as was seen")
raise SystemExit(0 if holds else 1)
PY
