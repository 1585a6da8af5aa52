#!/usr/bin/env bash
# Library: TorchDrift 0.1.0.post1 with PyTorch 2.13.0 (PyPI), `KSDriftDetector`
# Guess: the detector gives the largest two-sample Kolmogorov-Smirnov statistic of the features, as
#   `scipy.stats.ks_2samp` does for each. Data compared with themselves have the statistic 0 and the p-value 1, and
#   features after a ReLU, most of which are 0, do so too.
# Behaviour: the values of both samples are sorted together and the distance is read after each value, also between equal
#   ones. All zeros of the one sample come before those of the other, and the statistic is about the share of zeros:
#   data compared with themselves have 0.79 and p = 5e-93. With features after a ReLU drift is always found, though
#   nothing changed; features without equal values agree with SciPy.
# Seen: 2026-12-01. Nothing was found about it upstream.
#   torchdrift 0.1.0.post1, torch 2.13.0, scipy 1.15.3
#   normal features, 300 samples compared with itself: TorchDrift 0.003, p 1; SciPy 0.000, p 1
#   normal features, 300 samples compared with more of the same: TorchDrift 0.127, p 0.26; SciPy 0.127, p 0.26
#   after a ReLU, 300 samples compared with itself: TorchDrift 0.413, p 1.7e-22; SciPy 0.000, p 1
#   after a ReLU, 300 samples compared with more of the same: TorchDrift 0.407, p 2.3e-21; SciPy 0.093, p 1
#   after a ReLU, 84% zeros, 300 samples compared with itself: TorchDrift 0.790, p 5.1e-93; SciPy 0.000, p 1
#   after a ReLU, 84% zeros, 300 samples compared with more of the same: TorchDrift 0.790, p 5.1e-93; SciPy 0.057, p 1
#   counts from 0 to 4, 300 samples compared with itself: TorchDrift 0.310, p 3.3e-12; SciPy 0.000, p 1
#   counts from 0 to 4, 300 samples compared with more of the same: TorchDrift 0.317, p 1.7e-12; SciPy 0.087, p 1
#   features of a network with ReLU, 30 pairs of samples of one distribution: drift at 5% in 30 by TorchDrift, in 2 by
#     SciPy with Bonferroni's correction
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 scipy==1.15.3 tqdm==4.67.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps torchdrift==0.1.0.post1; } ||
  { echo "TorchDrift 0.1.0.post1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import torch
from scipy.stats import ks_2samp
from torchdrift.detectors import KSDriftDetector

names = "torchdrift", "torch", "scipy"
print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in names))
torch.set_num_threads(1)
torch.manual_seed(0)


def compare(before, after):
    detector = KSDriftDetector()
    detector.fit(before)
    tests = [ks_2samp(a.numpy(), b.numpy()) for a, b in zip(before.T, after.T)]
    p_value = min(1.0, min(test.pvalue for test in tests) * len(tests))
    return detector(after).item(), float(detector.compute_p_value(after)), max(t.statistic for t in tests), p_value


kinds = {
    "normal features": lambda x: x,
    "after a ReLU": torch.relu,
    "after a ReLU, 84% zeros": lambda x: torch.relu(x - 1),
    "counts from 0 to 4": lambda x: (2 * x).abs().floor().clamp(max=4),
}
seen = {}
count, features = 300, 16
for kind, function in kinds.items():
    before, other = function(torch.randn(count, features)), function(torch.randn(count, features))
    seen[kind] = compare(before, before), compare(before, other)
    for name, row in zip(("itself", "more of the same"), seen[kind]):
        print("{}, {} samples compared with {}: TorchDrift {:.3f}, p {:.2g}; SciPy {:.3f}, p {:.2g}".format(
            kind, count, name, *row))
network = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU())
found = [0, 0]
repeats = 30
with torch.no_grad():
    for _ in range(repeats):
        row = compare(network(torch.randn(150, 20)), network(torch.randn(150, 20)))
        found[0] += row[1] < 0.05
        found[1] += row[3] < 0.05
print(f"features of a network with ReLU, {repeats} pairs of samples of one distribution: drift at 5% in {found[0]} by "
      f"TorchDrift, in {found[1]} by SciPy with Bonferroni's correction")
smooth = seen.pop("normal features")
holds = (
    abs(smooth[1][0] - smooth[1][2]) < 1e-5 and abs(smooth[1][1] - smooth[1][3]) < 0.1
    and all(row[1] < 1e-6 and row[3] > 0.5 and row[0] > 0.25 for rows in seen.values() for row in rows)
    and all(rows[0][2] == 0 for rows in seen.values()) and found[0] == repeats and found[1] < 10)
raise SystemExit(0 if holds else 1)
PY
