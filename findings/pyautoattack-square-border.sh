#!/usr/bin/env bash
# Library: pyautoattack 0.2.0 (AutoAttack by its authors, as a package), with PyTorch 2.13.0 (PyPI)
# Guess: Square, the attack without gradients of the standard ensemble, lays its squares anywhere in the image, so that a
#   network is attacked as well through the first row of pixels as through the last.
# Behaviour: a corner is drawn from 0 to h - s - 1 for a square of side s in an image of height h, where h - s is the last
#   that fits. The last row and the last column get the stripes of the start and nothing else, whatever the queries.
#   Networks that look at the last row alone count as robust on 49 images of 50; at the first row, on one.
# Seen: 2026-11-29:
#   pyautoattack 0.2.0 torch 2.13.0
#   looks at row 0: right on 50 of 50 images, after 1000 queries on 1
#   looks at row 8: right on 50 of 50 images, after 1000 queries on 0
#   looks at row 15: right on 50 of 50 images, after 1000 queries on 49
#   looks at column 15: right on 50 of 50 images, after 1000 queries on 50
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 &&
  "$work/venv/bin/pip" install --quiet --no-deps pyautoattack==0.2.0; } ||
  { echo "pyautoattack 0.2.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import torch
from pyautoattack.square import SquareAttack

print("pyautoattack", importlib.metadata.version("pyautoattack"), "torch", torch.__version__.split("+")[0])
epsilon, side = 0.1, 16
torch.manual_seed(0)
images = torch.rand(50, 1, side, side) * 0.5 + 0.25
signs = torch.randn(side).sign()
left = {}
for name, look in {
    "row 0": lambda x: x[:, 0, 0],
    "row 8": lambda x: x[:, 0, 8],
    "row 15": lambda x: x[:, 0, 15],
    "column 15": lambda x: x[:, 0, :, 15],
}.items():
    scores = look(images) @ signs
    # Class 0 as long as no more than 6 tenths of what the attacker could do are done.
    bound = scores + 0.6 * epsilon * side

    def network(x):
        return torch.stack([bound[active] - look(x) @ signs, torch.zeros(len(x))], dim=1)

    labels = torch.zeros(50, dtype=torch.long)
    active = torch.arange(50)
    before = (network(images).argmax(1) == labels).sum().item()
    right = 0
    for number in range(50):
        active = torch.tensor([number])
        attack = SquareAttack(network, norm="Linf", eps=epsilon, n_queries=1000, seed=number, device="cpu")
        attack.init_hyperparam(images[active])
        torch.manual_seed(number)
        _, found = attack.attack_single_run(images[active], labels[active])
        right += (network(found).argmax(1) == 0).sum().item()
    left[name] = right
    print(f"looks at {name}: right on {before} of 50 images, after 1000 queries on {right}")
holds = left["row 0"] < 10 and left["row 8"] < 10 and left["row 15"] > 40 and left["column 15"] > 40
raise SystemExit(0 if holds else 1)
PY
