#!/usr/bin/env bash
# Library: deel-torchlip 1.0.5 with PyTorch 2.13.0 (PyPI)
# Guess: `SpectralConv2d`, whose documentation promises that it is 1-Lipschitz, changes two images by no more than their
#   distance, whichever of the padding modes it offers is chosen. So margins are certified radii.
# Behaviour: The bound is that of padding with zeros. Padding that repeats pixels of the image can count them more than
#   once: with "reflect" the layer stretches by up to a third on images of 8 by 8, with "replicate" and a
#   kernel of 5 by up to a fifth, and layers multiply. A radius that is certified from the margin is then too large.
#   "zeros" and "circular" stay within 1.
# Seen: 2026-11-28:
#   deel-torchlip 1.0.5
#   exact Lipschitz constant of a layer that was trained to stretch, images of 8 x 8
#     3 x 3, zeros: 0.9974
#     3 x 3, circular: 1.0000
#     3 x 3, reflect: 1.3146
#     5 x 5, replicate: 1.1880
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet deel-torchlip==1.0.5 torch==2.13.0 numpy==2.4.6; } ||
  { echo "deel-torchlip 1.0.5 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import torch
from deel import torchlip

print("deel-torchlip", importlib.metadata.version("deel-torchlip"))
shape = 3, 8, 8
pixels = torch.eye(3 * 8 * 8).reshape(-1, *shape)


@torch.no_grad()
def constant(layer):
    """The largest singular value of the layer's linear part, image by image of one pixel each."""
    layer.eval()
    return torch.linalg.matrix_norm((layer(pixels) - layer(0 * pixels)).flatten(1), 2).item()


print("exact Lipschitz constant of a layer that was trained to stretch, images of 8 x 8")
seen = {}
for size, mode in (3, "zeros"), (3, "circular"), (3, "reflect"), (5, "replicate"):
    torch.manual_seed(0)
    layer = torchlip.SpectralConv2d(3, 8, size, padding=size // 2, padding_mode=mode, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    images = torch.randn(4, *shape)
    layer.train()
    for _ in range(100):
        optimizer.zero_grad()
        stretched = layer(images)
        (-stretched.norm() / images.norm()).backward()
        optimizer.step()
        # Images that the layer stretches more: a step of the power method.
        images = torch.autograd.functional.vjp(layer, images, stretched.detach())[1]
        images /= images.norm()
    seen[size, mode] = constant(layer)
    print(f"  {size} x {size}, {mode}: {seen[size, mode]:.4f}")
plain = "zeros", "circular"
holds = all(value < 1.001 if mode in plain else value > 1.01 for (_, mode), value in seen.items())
raise SystemExit(0 if holds else 1)
PY
