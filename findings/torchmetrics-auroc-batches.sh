#!/usr/bin/env bash
# Library: torchmetrics 1.9.0 with PyTorch 2.13.0 (PyPI)
# Guess: `BinaryAUROC` depends on the order of the scores alone, so it is the same for every batch size and for scores
#   that are multiplied by 20.
# Behaviour: Each batch that holds a score outside [0, 1] is put through the sigmoid, and a batch that holds none is
#   not. The scores of two batches are then compared on different scales, so the area depends on the batch size, and
#   falls most with small batches. The sigmoid is that of single precision, so large scores tie at 1: the area
#   changes with the unit of the scores too. Nothing is said.
# Seen: 2026-11-28:
#   torchmetrics 1.9.0
#   by definition: 0.7621
#   batches of 1000: 0.7621
#   batches of 100: 0.7621
#   batches of 4: 0.7609
#   batches of 2: 0.7491
#   batches of 1: 0.7281
#   the scores times 20, one batch: 0.7426
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6; } ||
  { echo "torchmetrics 1.9.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import torch
import torchmetrics
from torchmetrics.classification import BinaryAUROC

print("torchmetrics", torchmetrics.__version__)
random = np.random.RandomState(1)
attacked = np.arange(1000) % 2
scores = random.standard_normal(1000) + attacked  # a detector's margin, of either sign
order = scores[attacked == 1][:, None] - scores[attacked == 0]
print(f"by definition: {np.mean((order > 0) + 0.5 * (order == 0)):.4f}")


def area(values, batch):
    metric = BinaryAUROC()
    for start in range(0, 1000, batch):
        part = slice(start, start + batch)
        metric.update(torch.tensor(values[part], dtype=torch.float32), torch.tensor(attacked[part]))
    return metric.compute().item()


seen = {}
for batch in 1000, 100, 4, 2, 1:
    seen[batch] = area(scores, batch)
    print(f"batches of {batch}: {seen[batch]:.4f}")
large = area(20 * scores, 1000)
print(f"the scores times 20, one batch: {large:.4f}")
holds = seen[1000] - seen[1] > 0.01 and seen[1000] - seen[2] > 0.005 and seen[1000] - large > 0.005
raise SystemExit(0 if holds else 1)
PY
