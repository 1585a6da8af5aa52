#!/usr/bin/env bash
# Library: torchattacks 3.5.1, with PyTorch 2.13.0 (PyPI)
# Guess: attacked images that `save` writes as whole numbers (save_type="int") and `load` reads again are within ε of
#   the originals, where these are of 8 bits and ε is 8 of their 255 levels: the found pixels then are whole levels, but
#   for float32's last digit.
# Behaviour: `save` multiplies by 255 and cuts the fraction off where it would have to round. What float32 leaves a
#   little below a level becomes the level below: one pixel in forty is 9 levels from the original, and every image is
#   out of the ball in which its accuracy is reported; as many pixels are 7 levels from it.
# Seen: 2026-11-30:
#   torchattacks 3.5.1, PGD with steps of 8/255: the farthest pixel is 8.00 levels off as found, 9.00 as saved and read
#   64 of 64 images have pixels of more than 8 levels, 2.6% of all pixels; 3.1% have less
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1 tqdm==4.70.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps torchattacks==3.5.1; } ||
  { echo "torchattacks 3.5.1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import sys

import torch
import torchattacks

torch.manual_seed(0)
torch.set_num_threads(1)
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 10))
images = torch.randint(0, 256, (64, 3, 8, 8)).float() / 255
labels = network(images).argmax(1)

attack = torchattacks.PGD(network, eps=8 / 255, alpha=8 / 255, steps=1, random_start=False)
found = attack(images, labels)
attack.save([(images, labels)], "attacked.pt", save_type="int", verbose=False)
read = next(iter(attack.load("attacked.pt")))[0]


def levels(attacked):
    return 255 * (attacked - images).abs()


version = importlib.metadata.version("torchattacks")
beyond = levels(read) > 8.01
print(
    f"torchattacks {version}, PGD with steps of 8/255: the farthest pixel is {levels(found).max():.2f} levels off as found, "
    f"{levels(read).max():.2f} as saved and read"
)
print(
    f"{int(beyond.flatten(1).any(1).sum())} of 64 images have pixels of more than 8 levels, {beyond.float().mean():.1%} of all "
    f"pixels; {(levels(read) < 7.99).float().mean():.1%} have less"
)
holds = levels(found).max() < 8.01 and levels(read).max() > 8.99 and int(beyond.flatten(1).any(1).sum()) > 32
sys.exit(0 if holds else 1)
PY
