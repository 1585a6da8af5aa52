#!/usr/bin/env bash
# Library: TorchEval 0.0.7, beside torchmetrics 1.9.0, with PyTorch 2.13.0 (PyPI)
# Guess: `multiclass_accuracy(..., k=2)` counts an image when its class is among two that the network names first. A network
#   that answers the same for all of ten classes has a fifth of them right, one that answers NaN at most that or none.
# Behaviour: An image counts when fewer than k classes have a strictly higher score, so whatever is equal to the class, and
#   NaN, which nothing exceeds, counts: networks that say nothing at all have 100%. Probabilities of a sure network that
#   underflow to 0 are equal too: its top-2 accuracy rises from 18% by logits to 87%. With k = 1 another rule holds.
# Seen: 2026-11-28:
#   TorchEval 0.0.7, torchmetrics 1.9.0
#   accuracy with k = 1 and k = 2, TorchEval and torchmetrics:
#     all scores equal: 10.0% 100.0%, 10.0% 20.0%
#     all scores NaN: 10.0% 100.0%, 10.0% 20.0%
#     random logits: 9.5% 18.1%, 9.5% 18.1%
#     their probabilities when they are multiplied by 1000: 9.5% 87.1%, 9.5% 18.8%
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torcheval==0.0.7 torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6; } ||
  { echo "TorchEval 0.0.7, torchmetrics 1.9.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
import torch
from torcheval.metrics.functional import multiclass_accuracy
from torchmetrics.functional.classification import multiclass_accuracy as other

print(*(f"{name} {importlib.metadata.version(name.lower())}" for name in ("TorchEval", "torchmetrics")), sep=", ")
labels = torch.arange(1000) % 10
logits = torch.tensor(np.random.RandomState(0).standard_normal((1000, 10)), dtype=torch.float32)
print("accuracy with k = 1 and k = 2, TorchEval and torchmetrics:")
seen = {}
for name, scores in (
    ("all scores equal", torch.zeros(1000, 10)),
    ("all scores NaN", torch.full((1000, 10), float("nan"))),
    ("random logits", logits),
    ("their probabilities when they are multiplied by 1000", (1000 * logits).softmax(1)),
):
    first = [multiclass_accuracy(scores, labels, k=k).item() for k in (1, 2)]
    second = [other(scores, labels, 10, top_k=k, average="micro").item() for k in (1, 2)]
    seen[name] = first[1], second[1]
    print(f"  {name}: {first[0]:.1%} {first[1]:.1%}, {second[0]:.1%} {second[1]:.1%}")
one, nan, plain, sure = seen.values()
holds = one[0] == nan[0] == 1 and max(one[1], nan[1]) < 0.21 and plain[0] == plain[1] < 0.3 and sure[0] > 0.8
raise SystemExit(0 if holds else 1)
PY
