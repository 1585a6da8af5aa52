#!/usr/bin/env bash
# Library: DeepRobust 0.2.11 with PyTorch 2.13.0 (PyPI), `deeprobust.image.attack.pgd.PGD`
# Guess: PGD with `bound='l2'` may move each image by `epsilon` in the Euclidean norm, as it may with its default bound in
#   the maximum norm. The accuracy under attack does not depend on how the images are cut into batches.
# Behaviour: the norm is taken over the whole batch, so that all images of a batch share one epsilon, and one length of
#   step. In batches of 100 the images are moved by a twentieth of what was asked for in the mean, and the accuracy under
#   attack rises with the size of the batch, towards that without attack. For a linear network the right number is known;
#   it is met with one image a batch only. No warning is shown. The bound for the maximum norm is right.
# Seen: 2026-11-30. Nothing was found about it upstream. Importing the whole library wants torchvision; here the attack's file
#   is imported alone.
#   deeprobust 0.2.11, torch 2.13.0
#   linf, epsilon 0.01: accuracy under attack 0.580 by hand
#     batches of 1: 0.580; images moved by 1.00 epsilon in the mean, 1.00 at most
#     batches of 10: 0.580; images moved by 1.00 epsilon in the mean, 1.00 at most
#     batches of 100: 0.580; images moved by 1.00 epsilon in the mean, 1.00 at most
#   l2, epsilon 0.08: accuracy under attack 0.490 by hand
#     batches of 1: 0.490; images moved by 0.82 epsilon in the mean, 1.00 at most
#     batches of 10: 0.760; images moved by 0.19 epsilon in the mean, 0.80 at most
#     batches of 100: 0.935; images moved by 0.05 epsilon in the mean, 0.43 at most
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 &&
  "$work/venv/bin/pip" install --quiet --no-deps deeprobust==0.2.11; } ||
  { echo "DeepRobust 0.2.11 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import importlib.util
import sys
import types

import numpy as np
import torch

# Packages without their __init__, so that nothing but the attack is loaded.
for name in "deeprobust", "deeprobust.image", "deeprobust.image.attack":
    places = importlib.util.find_spec(name).submodule_search_locations
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = list(places)
from deeprobust.image.attack.pgd import PGD

print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in ("deeprobust", "torch")))
torch.set_num_threads(1)
torch.manual_seed(0)
np.random.seed(0)
count = 200
images = 0.3 + 0.4 * torch.rand(count, 1, 8, 8)
weight = torch.randn(64)


class Linear(torch.nn.Module):
    def forward(self, x):
        margin = 8 * (x.flatten(1) - 0.5) @ weight
        return torch.stack([-margin, margin], 1) / 2


network = Linear()
labels = network(images).argmax(1)
# For a linear network the least perturbation is the margin over the dual norm of the weight.
margins = ((images.flatten(1) - 0.5) @ weight).abs()
seen = {}
for bound, norm, dual, epsilon in ("linf", np.inf, 1, 0.01), ("l2", 2, 2, 0.08):
    right = float((margins > epsilon * weight.norm(dual)).float().mean())
    print(f"{bound}, epsilon {epsilon}: accuracy under attack {right:.3f} by hand")
    for size in 1, 10, 100:
        found = torch.cat([
            PGD(network, "cpu").generate(
                images[first:first + size], labels[first:first + size], epsilon=epsilon, step_size=epsilon / 5,
                num_steps=60, bound=bound).detach()
            for first in range(0, count, size)])
        moved = (found - images).flatten(1).norm(norm, dim=1)
        accuracy = float((network(found).argmax(1) == labels).float().mean())
        seen[bound, size] = right, accuracy, float(moved.max()) / epsilon
        print(f"  batches of {size}: {accuracy:.3f}; images moved by {float(moved.mean()) / epsilon:.2f} epsilon in the "
              f"mean, {float(moved.max()) / epsilon:.2f} at most")
holds = (
    all(abs(seen["linf", size][1] - seen["linf", size][0]) < 0.02 for size in (1, 10, 100))
    and abs(seen["l2", 1][1] - seen["l2", 1][0]) < 0.02
    and seen["l2", 1][1] + 0.1 < seen["l2", 10][1] < seen["l2", 100][1] and seen["l2", 100][2] < 0.5)
raise SystemExit(0 if holds else 1)
PY
