#!/usr/bin/env bash
# Library: adv-lib 0.2.8 (PyPI), beside its own DDN, with PyTorch 2.13.0
# Guess: FMN in the Euclidean norm misleads a linear network on every image: the boundary is at most 0.41 away, the
#   distance to it is exact at the first step, and nothing is clipped. It ends a little beyond the boundary.
# Behaviour: The first radius is the distance to the boundary, and the step is put exactly onto it: not within it, as a
#   projection would, nor a little beyond. Whether the point is on the wrong side is left to rounding. Where it is not,
#   the next radius is what is missing, about 1e-8, and so on: the image is never misled, and the clean image is
#   returned, as if the attack had failed. An eighth to two fifths of the images count as robust at any radius, in double
#   precision too, most with small steps, and 1000 steps hardly help. DDN misleads all of them.
# Seen: 2026-11-28:
#   adv-lib 0.2.8
#   200 images, greatest exact distance 0.4073, by precision and length of the first step:
#     float32, 1: clean image returned by FMN for 30 after 100 steps, 25 after 1000; by DDN for 0
#     float32, 0.1: clean image returned by FMN for 82 after 100 steps, 82 after 1000; by DDN for 0
#     float64, 1: clean image returned by FMN for 43 after 100 steps, 31 after 1000; by DDN for 0
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 tqdm==4.70.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps adv-lib==0.2.8; } ||
  { echo "adv-lib 0.2.8 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys
from unittest.mock import MagicMock

# The library loads these for plots and for a perceptual distance, neither of which is used here.
sys.modules.update(torchvision=MagicMock(), visdom=MagicMock())

import numpy as np
import torch
from adv_lib.attacks import ddn, fmn

print("adv-lib", importlib.metadata.version("adv-lib"))
random = np.random.RandomState(0)
weight = random.standard_normal(64)
pixels = random.uniform(0.3, 0.7, (200, 64))
bias = -(pixels @ weight).mean()
exact = abs(pixels @ weight + bias) / np.linalg.norm(weight)
print(f"200 images, greatest exact distance {exact.max():.4f}, by precision and length of the first step:")
holds = exact.max() < 0.41
for precision, length in (torch.float32, 1), (torch.float32, 0.1), (torch.float64, 1):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).to(precision)
    with torch.no_grad():  # the logits' difference is weight * pixels + bias
        network[1].weight.copy_(torch.tensor(np.stack([-weight, weight]) / 2))
        network[1].bias.copy_(torch.tensor([-bias, bias]) / 2)
    images = torch.tensor(pixels, dtype=precision).reshape(200, 1, 8, 8)
    labels = network(images).argmax(1)

    def clean(adversarial):
        """For how many images the clean one is returned. All others are misled, near the boundary."""
        same = (adversarial == images).flatten(1).all(1)
        assert torch.equal(network(adversarial).argmax(1) == labels, same)
        return int(same.sum())

    short, long = (clean(fmn(network, images, labels, norm=2, steps=steps, α_init=length)) for steps in (100, 1000))
    other = clean(ddn(network, images, labels, steps=100))
    print(f"  {str(precision)[6:]}, {length}: clean image returned by FMN for {short} after 100 steps, "
          f"{long} after 1000; by DDN for {other}")
    holds &= short >= long > 10 and other == 0
raise SystemExit(0 if holds else 1)
PY
