#!/usr/bin/env bash
# Library: CleverHans 4.0.0, `cleverhans.torch`, with PyTorch 2.13.0 (PyPI)
# Guess: `hop_skip_jump_attack` minimises the distance in the norm that it must be given, "2 or np.inf", and
#   `sparse_l1_descent` with `rand_init=True` starts at random, so that restarts differ.
# Behaviour: the norm is never looked at. Either gives the same images, which are close in the Euclidean norm and in the
#   maximum norm two and a half times as far away as need be, which is reported as robustness. What is looked at is
#   another argument, `constraint`, which is 2 if not given, is not documented and raises an error for np.inf. The random
#   start is computed and, once `clip_min` or `clip_max` is given, as for images it is, replaced by the image itself: all
#   restarts are one run.
# Seen: 2026-11-30. Nothing was found about either upstream; Foolbox had the like of the first (its issue 494).
#   cleverhans 4.0.0, torch 2.13.0
#   HopSkipJump, norm 2: distance in that norm over the least one, mean of 10 images: 1.02
#   HopSkipJump, norm inf: distance in that norm over the least one, mean of 10 images: 2.57
#     the images of the two norms are the same: True
#   sparse L1 descent, rand_init=True, without clip_min and clip_max: 5 starts from 5 seeds, 1.97 from the image in the L1
#     norm
#   sparse L1 descent, rand_init=True, with clip_min and clip_max: 1 starts from 5 seeds, 0.00 from the image in the L1
#     norm
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 &&
  "$work/venv/bin/pip" install --quiet --no-deps cleverhans==4.0.0; } ||
  { echo "CleverHans 4.0.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
import torch
from cleverhans.torch.attacks.hop_skip_jump_attack import hop_skip_jump_attack
from cleverhans.torch.attacks.sparse_l1_descent import sparse_l1_descent

print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in ("cleverhans", "torch")))
torch.set_num_threads(1)
torch.manual_seed(0)
weight = torch.randn(64)
images = 0.4 + 0.2 * torch.rand(10, 1, 8, 8)


def margin(x):
    return (x.flatten(1) - 0.5) @ weight


def network(x):
    return torch.stack([torch.zeros(len(x)), margin(x)], 1)


# For a linear network the least perturbation is known: the margin over the dual norm of the weight.
distances, found = {}, {}
for norm, dual in (2, 2), (np.inf, 1):
    torch.manual_seed(1)
    found[norm] = hop_skip_jump_attack(network, images, norm=norm, num_iterations=15, verbose=False)
    size = (found[norm] - images).flatten(1).norm(norm, dim=1)
    distances[norm] = float((size / (margin(images).abs() / weight.norm(dual))).mean())
    print(f"HopSkipJump, norm {norm}: distance in that norm over the least one, mean of 10 images: {distances[norm]:.2f}")
same = torch.equal(found[2], found[np.inf])
print("  the images of the two norms are the same:", same)
labels = (margin(images) > 0).long()
starts = {}
for clip in {}, dict(clip_min=0.0, clip_max=1.0):
    runs = []
    for seed in range(5):
        torch.manual_seed(seed)
        asked = []

        def watched(x):
            asked.append(x.detach().clone())
            return network(x)

        sparse_l1_descent(watched, images, eps=2.0, eps_iter=0.2, nb_iter=1, y=labels, rand_init=True, **clip)
        runs.append(asked[0])
    kinds = len({start.numpy().tobytes() for start in runs})
    moved = float((runs[0] - images).flatten(1).norm(1, dim=1).mean())
    starts[bool(clip)] = kinds, moved
    print(f"sparse L1 descent, rand_init=True, {'with' if clip else 'without'} clip_min and clip_max: "
          f"{kinds} starts from 5 seeds, {moved:.2f} from the image in the L1 norm")
holds = (
    same and distances[2] < 1.1 and distances[np.inf] > 1.5
    and starts[False][0] == 5 and starts[False][1] > 0.5 and starts[True] == (1, 0.0))
raise SystemExit(0 if holds else 1)
PY
