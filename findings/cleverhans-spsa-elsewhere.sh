#!/usr/bin/env bash
# Library: CleverHans 4.0.0, `cleverhans.torch`, with PyTorch 2.13.0 (PyPI)
# Guess: SPSA, the attack without gradients by which one finds out whether a defence only hides its gradients, queries the
#   network around the image with its present perturbation, and inside the range that it is given.
# Behaviour: the slope is measured around twice the image, at every step, and the perturbation has no part in it: the
#   function that adds the image is given the image again. Pixels of up to twice `clip_max` are asked for. On a linear
#   network, where the slope is the same everywhere, the attack succeeds. Before the same network with its input clamped
#   to the range, which changes no answer for any image, it sees a flat function, hardly breaks more than its random
#   start does, and the network passes for robust. PGD and the exact count are the same for both.
# Seen: 2026-11-30. Upstream it is an open question since February 2026 (issue 1249 of cleverhans-lab/cleverhans).
#   cleverhans 4.0.0, torch 2.13.0
#   right of 60 images at epsilon 0.015
#     linear network: clean 60, exact 15, PGD 15, SPSA 16
#     the same behind clamp(0, 1): clean 60, exact 15, PGD 15, SPSA 58
#   SPSA's 40 batches of queries: their means and the image differ by up to 0.89, their means and twice the image by up
#     to 4e-07; highest pixel queried 1.80
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
from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent
from cleverhans.torch.attacks.spsa import spsa

print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in ("cleverhans", "torch")))
torch.set_num_threads(1)
torch.manual_seed(0)
count, epsilon = 60, 0.015
weight = torch.randn(64)
# Bright images, far enough from the ends of the range for every perturbation to stay inside.
images = 0.6 + 0.3 * torch.rand(count, 1, 8, 8)


def margin(x):
    return (x.flatten(1) - 0.75) @ weight


labels = (margin(images) > 0).long()
# The network is linear, so an image can be flipped just where epsilon times the sum of |weight| exceeds its margin.
exact = int((margin(images).abs() > epsilon * weight.abs().sum()).sum())
queried = []


def plain(x):
    queried.append(x.detach().clone())
    return torch.stack([torch.zeros(len(x)), margin(x)], 1)


def clamped(x):
    return plain(x.clamp(0, 1))


def right(network, x):
    return int((network(x).argmax(1) == labels).sum())


setting = dict(eps=epsilon, nb_iter=40, norm=np.inf, clip_min=0.0, clip_max=1.0, y=labels)
print(f"right of {count} images at epsilon {epsilon}")
seen = {}
for name, network in {"linear network": plain, "the same behind clamp(0, 1)": clamped}.items():
    torch.manual_seed(0)
    seen[name] = (
        right(network, images), exact, right(network, projected_gradient_descent(network, images, eps_iter=0.003, **setting)),
        right(network, spsa(network, images, spsa_samples=64, **setting)))
    print("  {}: clean {}, exact {}, PGD {}, SPSA {}".format(name, *seen[name]))
# Where the queries for one image lie.
queried.clear()
torch.manual_seed(0)
one = {**setting, "y": labels[:1]}
spsa(plain, images[:1], spsa_samples=64, **one)
centres = torch.stack([batch.mean(0) for batch in queried if len(batch) > 1])
highest = max(batch.max() for batch in queried)
apart = [(centres - k * images[0]).abs().max() for k in (1, 2)]
print(f"SPSA's {len(centres)} batches of queries: their means and the image differ by up to {apart[0]:.2f}, their means "
      f"and twice the image by up to {apart[1]:.0e}; highest pixel queried {highest:.2f}")
holds = (
    all(clean == count and pgd == right_value for clean, right_value, pgd, _ in seen.values())
    and 10 < exact < 30 and seen["linear network"][3] <= exact + 3 and seen["the same behind clamp(0, 1)"][3] > exact + 20
    and apart[0] > 0.3 and apart[1] < 1e-5 and highest > 1.5)
raise SystemExit(0 if holds else 1)
PY
