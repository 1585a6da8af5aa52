#!/usr/bin/env bash
# Library: TorchCP 1.2.1 with PyTorch 2.13.0 (PyPI), the metric `WSC`
# Guess: `WSC`, the worst-slab coverage of Romano and others, finds with one part of the images the slab of the features
#   where the prediction sets hold the true label least often, and gives the coverage in that slab for the other part: low,
#   where the sets fail for one kind of images.
# Behaviour: the labels and what is covered are handed over in exchanged places. The search takes the numbers of the
#   classes for the coverage, finds no slab where these are below 1 in the mean, and keeps all the images: WSC is the
#   coverage of the whole. Sets that fail for half the images of a known slab come out as even as sets that fail at
#   random. The search's own function with the arguments as it names them finds the slab.
# Seen: 2026-11-30. Nothing was found about it upstream. Importing the whole library wants torchsort, which must be compiled,
#   and torch_geometric; here its file of metrics is imported alone.
#   torchcp 1.2.1, torch 2.13.0, numpy 2.4.6
#   sets that fail at random: coverage 0.905; worst slab: WSC 0.903, its own search with the arguments in order 0.891, by hand
#     0.899
#   sets that fail in a slab: coverage 0.900; worst slab: WSC 0.899, its own search with the arguments in order 0.458, by hand
#     0.449
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scikit-learn==1.7.2 tqdm==4.67.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps torchcp==1.2.1; } ||
  { echo "TorchCP 1.2.1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import importlib.util
import sys
import types

import numpy as np
import torch

# Packages without their __init__, so that nothing but the metrics is loaded.
for name in "torchcp", "torchcp.classification", "torchcp.classification.utils":
    places = importlib.util.find_spec(name).submodule_search_locations
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = list(places)
from torchcp.classification.utils import metrics

print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in ("torchcp", "torch", "numpy")))
torch.set_num_threads(1)
random = np.random.default_rng(0)
count, classes, delta, directions = 4000, 10, 0.1, 100
features = random.normal(size=(count, 3))
labels = random.integers(0, classes, count)


def by_hand(covered, part):
    # With one part, the direction and the slab of at least delta of the images that are covered least; then the other.
    n = len(part)
    least = 1.0, None
    for direction in random.normal(size=(directions, features.shape[1])):
        along = features @ direction
        order = part[np.argsort(along[part])]
        total = np.concatenate([[0], np.cumsum(covered[order])])
        for first in range(0, n - int(delta * n), 5):
            last = np.arange(first + int(delta * n), n)
            shares = (total[last + 1] - total[first]) / (last + 1 - first)
            if shares.min() < least[0]:
                best = last[shares.argmin()]
                least = shares.min(), (direction, along[order[first]], along[order[best]])
    direction, low, high = least[1]
    along = features @ direction
    rest = np.setdiff1d(np.arange(count), part)
    return covered[rest[(along[rest] >= low) & (along[rest] <= high)]].mean()


seen = {}
for name, chance in {
    "sets that fail at random": np.full(count, 0.9),
    "sets that fail in a slab": np.where(features[:, 0] > 1, 0.5, 0.976),
}.items():
    covered = random.random(count) < chance
    sets = np.zeros((count, classes), bool)
    sets[np.arange(count), labels] = covered
    found = metrics.WSC(torch.tensor(features), torch.tensor(sets), torch.tensor(labels), delta=delta, M=directions)
    part = random.permutation(count)[:count // 4]
    rest = np.setdiff1d(np.arange(count), part)
    slab = metrics.calWSC(features[part], labels[part], covered[part], delta=delta, M=directions, verbose=False)[1:]
    inner = metrics.wsc_vab(features[rest], labels[rest], covered[rest], *slab)
    seen[name] = covered.mean(), found, inner, by_hand(covered, part)
    print(f"{name}: coverage {covered.mean():.3f}; worst slab: WSC {found:.3f}, its own search with the arguments in order "
          f"{inner:.3f}, by hand {seen[name][3]:.3f}")
(_, evenly, _, even), (whole, found, inner, right) = seen.values()
holds = right < 0.65 and inner < 0.65 and even > 0.85 and found > whole - 0.05 and abs(found - evenly) < 0.05
raise SystemExit(0 if holds else 1)
PY
