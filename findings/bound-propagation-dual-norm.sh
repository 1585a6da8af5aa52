#!/usr/bin/env bash
# Library: bound-propagation 0.4.7 with PyTorch 2.13.0 (PyPI)
# Guess: `crown` over an `LpNormSet` bounds a network's output for every input of the ball, as its dual norm q has
#   1/p + 1/q = 1: what the ball of radius ε adds to w·x is ε·‖w‖_q. For one linear layer the bound is exact.
# Behaviour: q is taken as p / (1 − p), which is the dual's negative: for p = 2 the "norm" with exponent −2, smaller than the
#   smallest weight. Bounds are far too narrow, and inputs of the ball leave them, so that a certificate made of them
#   is none. For p = ∞ the bounds are NaN, for p = 1 right; so are those of `HyperRectangle`, the usual way to p = ∞.
# Seen: 2026-11-30:
#   bound-propagation 0.4.7
#   largest 3·x + 4·y in the ball of radius 1
#     p = 1: 4.0000 by crown, 4.0000 in truth
#     p = 2: 2.4000 by crown, 5.0000 in truth
#     p = inf: nan by crown, 7.0000 in truth
#     hyperrectangle: 7.0000 by crown, 7.0000 in truth
#   a network with 2 hidden layers, p = 2, radius 0.2: outputs of 100 balls that points of them leave: 200 of 200
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet bound-propagation==0.4.7 torch==2.13.0 numpy==2.4.6; } ||
  { echo "bound-propagation 0.4.7 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import math

import torch
from bound_propagation import BoundModelFactory, HyperRectangle, LpNormSet
from torch import nn

print("bound-propagation", importlib.metadata.version("bound-propagation"))
torch.manual_seed(0)

layer = nn.Linear(2, 1, bias=False)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[3.0, 4.0]]))
bounded = BoundModelFactory().build(nn.Sequential(layer))
centre = torch.zeros(1, 2)
sets = {
    "p = 1": (LpNormSet(centre, 1.0, 1.0), 4.0),
    "p = 2": (LpNormSet(centre, 1.0, 2.0), 5.0),
    "p = inf": (LpNormSet(centre, 1.0, math.inf), 7.0),
    "hyperrectangle": (HyperRectangle.from_eps(centre, 1.0), 7.0),
}
print("largest 3·x + 4·y in the ball of radius 1")
found = {}
for name, (points, truth) in sets.items():
    found[name] = bounded.crown(points).concretize().upper.item()
    print(f"  {name}: {found[name]:.4f} by crown, {truth:.4f} in truth")

network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
inputs = torch.randn(100, 8)
bounds = BoundModelFactory().build(network).crown(LpNormSet(inputs, 0.2, 2.0)).concretize()
left = torch.zeros(100, 2, dtype=torch.bool)
for sign in 1, -1:
    for output in range(2):
        # A step uphill or downhill, to the border of the ball.
        point = inputs.clone().requires_grad_()
        slope = torch.autograd.grad(network(point)[:, output].sum(), point)[0]
        with torch.no_grad():
            value = network(inputs + sign * 0.199 * slope / slope.norm(dim=1, keepdim=True))[:, output]
        left[:, output] |= (value > bounds.upper[:, output]) | (value < bounds.lower[:, output])
print(
    "a network with 2 hidden layers, p = 2, radius 0.2: outputs of 100 balls that points of them leave: "
    f"{left.sum().item()} of 200")
holds = (
    abs(found["p = 1"] - 4) < 1e-4 and abs(found["p = 2"] - 2.4) < 1e-4 and math.isnan(found["p = inf"])
    and abs(found["hyperrectangle"] - 7) < 1e-4 and left.sum().item() > 100)
raise SystemExit(0 if holds else 1)
PY
