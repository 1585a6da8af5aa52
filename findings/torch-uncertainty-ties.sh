#!/usr/bin/env bash
# Library: Torch-Uncertainty 0.13.0 with PyTorch 2.13.0 (PyPI), `AURC` and `CovAt5Risk`
# Guess: images of the same confidence are accepted or rejected together, since no threshold can part them; `FPR95` of the
#   library does so. The same predictions in another order give the same values.
# Behaviour: the confidences are sorted and every image is a step of its own, in the order that the sort leaves. Bold
#   networks reach a confidence of exactly 1 in float32 for most images, and what is measured there is the order of the
#   test set: the coverage at 5% risk of the same predictions is anything from 0 (or NaN, printed as 0) to 0.5. Without
#   equal confidences the order does not matter.
# Seen: 2026-12-01. Nothing was found about it upstream for this library. Importing all of it wants Lightning; here its
#   file of metrics is imported alone.
#   torch_uncertainty 0.13.0, torch 2.13.0, torchmetrics 1.9.0
#   modest, logits of spread 2: 0.00 of 1000 images have confidence 1, 0.063 are wrong; the same predictions in 102
#     orders
#     AURC 0.0550 to 0.0550, by hand 0.0550; coverage at 5% risk 0.358 to 0.358, by hand 0.358; FPR95 0.9434 to 0.9434
#   bold, logits of spread 40: 0.67 of 1000 images have confidence 1, 0.086 are wrong; the same predictions in 102
#     orders
#     AURC 0.0443 to 0.1034, by hand 0.0869; coverage at 5% risk 0.000 to 0.495, by hand 0.000; FPR95 1.0000 to 1.0000
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 matplotlib==3.10.7 torchmetrics==1.9.0 &&
  "$work/venv/bin/pip" install --quiet --no-deps torch_uncertainty==0.13.0; } ||
  { echo "Torch-Uncertainty 0.13.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import importlib.util
import sys
import types

import torch

# Packages without their __init__, so that nothing but the metrics is loaded.
for name in "torch_uncertainty", "torch_uncertainty.metrics", "torch_uncertainty.metrics.classification":
    places = importlib.util.find_spec(name).submodule_search_locations
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = list(places)
from torch_uncertainty.metrics.classification.fpr import FPR95
from torch_uncertainty.metrics.classification.risk_coverage import AURC, CovAt5Risk

names = "torch_uncertainty", "torch", "torchmetrics"
print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in names))
torch.set_num_threads(1)
torch.manual_seed(0)
count, classes = 1000, 3


def by_hand(confidence, wrong):
    # One step for all images of a confidence; inside a step the errors are spread evenly.
    risks, coverage, accepted, errors = [], 0.0, 0, 0
    for value in confidence.unique().flip(0):
        group = wrong[confidence == value]
        steps = torch.arange(1, len(group) + 1)
        risks.append((errors + group.mean() * steps) / (accepted + steps))
        accepted, errors = accepted + len(group), errors + group.sum().item()
        if errors / accepted <= 0.05:
            coverage = accepted / count
    risks = torch.cat(risks)
    return torch.trapezoid(risks).item() / (count - 1), coverage


def measure(probabilities, labels, order):
    probabilities, labels = probabilities[order], labels[order]
    values = []
    for metric in AURC(), CovAt5Risk():
        metric.update(probabilities, labels)
        values.append(float(metric.compute()))
    metric = FPR95(pos_label=1)
    metric.update(1 - probabilities.max(1).values, (probabilities.argmax(1) != labels).long())
    return [0.0 if value != value else value for value in values] + [float(metric.compute())]


seen = {}
for kind, scale in {"modest, logits of spread 2": 2, "bold, logits of spread 40": 40}.items():
    probabilities = (scale * torch.randn(count, classes)).softmax(1)
    confidence, answer = probabilities.max(1)
    # As often right at any confidence: 93 of 100.
    right = torch.rand(count) < 0.93
    labels = torch.where(right, answer, (answer + 1) % classes)
    wrong = 1 - right.float()
    orders = [torch.randperm(count) for _ in range(100)]
    orders += [wrong.argsort(stable=True), wrong.argsort(stable=True, descending=True)]
    values = torch.tensor([measure(probabilities, labels, order) for order in orders])
    low, high = values.min(0).values.tolist(), values.max(0).values.tolist()
    hand = by_hand(confidence, wrong)
    seen[kind] = low, high, hand
    print(f"{kind}: {(confidence == 1).float().mean():.2f} of {count} images have confidence 1, {wrong.mean():.3f} are wrong; "
          f"the same predictions in {len(orders)} orders")
    print(f"  AURC {low[0]:.4f} to {high[0]:.4f}, by hand {hand[0]:.4f}; coverage at 5% risk {low[1]:.3f} to {high[1]:.3f}, by "
          f"hand {hand[1]:.3f}; FPR95 {low[2]:.4f} to {high[2]:.4f}")
(low, high, hand), bold = seen.values()
holds = (
    max(abs(a - b) for a, b in zip(low, high)) < 1e-5 and abs(low[0] - hand[0]) < 1e-4 and abs(low[1] - hand[1]) < 1e-6
    and bold[1][0] - bold[0][0] > 0.02 and bold[1][1] - bold[0][1] > 0.3 and abs(bold[1][2] - bold[0][2]) < 1e-6)
raise SystemExit(0 if holds else 1)
PY
