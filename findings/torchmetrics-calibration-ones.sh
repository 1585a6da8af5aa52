#!/usr/bin/env bash
# Library: torchmetrics 1.9.0 with PyTorch 2.13.0 (PyPI)
# Guess: The expected calibration error with n bins of equal width has n bins, and a confidence of exactly 1 lies in
#   the last one. With one bin it is the difference of mean confidence and accuracy.
# Behaviour: Confidences of exactly 1 form a bin of their own, behind the last. Errors of opposite sign no longer cancel
#   there, and one bin gives two. Probabilities are made single precision first, so in either precision a logit margin
#   of about 17 or more is enough: a network whose logits are scaled up, with the same answers and confidences that
#   agree to seven digits, has almost three times the error.
# Seen: 2026-11-28:
#   torchmetrics 1.9.0
#   margin 15: highest confidence 1 - 3e-07, |accuracy - mean confidence| 0.0263, error with 1 bin 0.0263, with 15 bins 0.0263
#   margin 20: highest confidence 1 - 2e-09, |accuracy - mean confidence| 0.0263, error with 1 bin 0.0737, with 15 bins 0.0737
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6; } ||
  { echo "torchmetrics 1.9.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import torch
import torchmetrics
from torchmetrics.classification import MulticlassCalibrationError

print("torchmetrics", torchmetrics.__version__)
# 500 images with a large logit margin, of which 450 are right, and 500 with a margin of 3, which are all right.
label = torch.zeros(1000, dtype=torch.long)
label[:50] = 1
seen = {}
for margin in 15, 20:
    logits = torch.zeros(1000, 2, dtype=torch.float64)
    logits[:500, 0], logits[500:, 0] = margin, 3
    probabilities = logits.softmax(1)
    gap = abs((label == 0).double().mean() - probabilities[:, 0].mean()).item()
    errors = [MulticlassCalibrationError(2, n, "l1")(probabilities, label).item() for n in (1, 15)]
    seen[margin] = gap, *errors
    print(
        f"margin {margin}: highest confidence 1 - {1 - probabilities.max():.1g}, |accuracy - mean confidence| {gap:.4f}, "
        f"error with 1 bin {errors[0]:.4f}, with 15 bins {errors[1]:.4f}"
    )
holds = all(abs(e - seen[15][0]) < 1e-4 for e in seen[15]) and min(seen[20][1:]) - seen[20][0] > 0.04
raise SystemExit(0 if holds else 1)
PY
