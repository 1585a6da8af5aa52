#!/usr/bin/env bash
# Library: Foolbox 3.3.4 with PyTorch 2.13.0 (PyPI)
# Guess: `L2FMNAttack` is a minimum-norm attack: on a linear network, whose nearest boundary is known, it comes close to it
#   within its 100 steps, as `DDNAttack` does, and closer with more steps.
# Behaviour: The projection onto the current radius multiplies by min(1, norms / norms), which is 1: the first step, of
#   length `max_stepsize`, is never taken back. Every image is said to be at a distance of exactly that length, 1 by
#   default, whatever its true distance and however many steps there are. The median robustness reported is 12 times the
#   true one, and an accuracy over radii is flat up to 1. The attack in the maximum norm projects.
# Seen: 2026-11-28:
#   Foolbox 3.3.4
#   exact distances: median 0.0822, greatest 0.4010
#   L2FMNAttack, steps 10, max_stepsize 1: median 1.0000, least 1.0000, greatest 1.0000
#   L2FMNAttack, steps 1000, max_stepsize 1: median 1.0000, least 1.0000, greatest 1.0000
#   L2FMNAttack, steps 1000, max_stepsize 0.5: median 0.5000, least 0.5000, greatest 0.5000
#   DDNAttack, steps 1000: median 0.0822, least 0.0028, greatest 0.4010
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 foolbox==3.3.4 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "Foolbox 3.3.4 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import foolbox
import numpy as np
import torch

print("Foolbox", foolbox.__version__)
random = np.random.RandomState(0)
weight = random.standard_normal(64)
pixels = random.uniform(0.3, 0.7, (100, 64))
bias = -(pixels @ weight).mean()
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
with torch.no_grad():  # the logits' difference is weight * pixels + bias
    network[1].weight.copy_(torch.tensor(np.stack([-weight, weight]) / 2))
    network[1].bias.copy_(torch.tensor([-bias, bias]) / 2)
network.eval()
images = torch.tensor(pixels, dtype=torch.float32).reshape(100, 1, 8, 8)
labels = network(images).argmax(1)
exact = abs(pixels @ weight + bias) / np.linalg.norm(weight)
print(f"exact distances: median {np.median(exact):.4f}, greatest {exact.max():.4f}")
model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")


def distances(name, attack):
    adversarial = attack(model, images, labels, epsilons=None)[1]
    assert (network(adversarial).argmax(1) != labels).all()
    found = (adversarial - images).flatten(1).norm(dim=1).numpy()
    print(f"{name}: median {np.median(found):.4f}, least {found.min():.4f}, greatest {found.max():.4f}")
    return found


holds = True
for steps, length in (10, 1), (1000, 1), (1000, 0.5):
    attack = foolbox.attacks.L2FMNAttack(steps=steps, max_stepsize=length)
    found = distances(f"L2FMNAttack, steps {steps}, max_stepsize {length}", attack)
    holds &= bool(np.allclose(found, length, rtol=1e-5))
other = distances("DDNAttack, steps 1000", foolbox.attacks.DDNAttack(steps=1000))
holds &= bool((other < 1.01 * exact + 1e-5).all())
raise SystemExit(0 if holds else 1)
PY
