#!/usr/bin/env bash
# Library: torchattacks 3.5.1, beside Foolbox 3.3.4, with PyTorch 2.13.0 (PyPI)
# Guess: DeepFool ends with an image that is misclassified, a little beyond the nearest boundary, on any network that is
#   piecewise linear; on a linear one after a few steps. Both libraries agree on how many images are left.
# Behaviour: torchattacks applies the overshoot of 2% to its last step alone, before it clips pixels to [0, 1]. Where
#   pixels are clipped, each step falls short by more than that, and the image comes ever closer to the boundary and
#   does not cross it: more steps do not help. Two thirds of the images of black and white pixels stay right, and count
#   as robust, with a perturbation of the same norm as Foolbox's, which applies the overshoot to the whole perturbation
#   and leaves none. Of grey images torchattacks leaves 2.
# Seen: 2026-11-28:
#   torchattacks 3.5.1 foolbox 3.3.4
#   black and white, torchattacks 50 steps: 69 of 100 images still right, mean perturbation 0.6274
#   black and white, torchattacks 500 steps: 69 of 100 images still right, mean perturbation 0.6274
#   black and white, foolbox 50 steps: 0 of 100 images still right, mean perturbation 0.6275
#   grey, torchattacks 50 steps: 2 of 100 images still right, mean perturbation 0.5207
#   grey, torchattacks 500 steps: 2 of 100 images still right, mean perturbation 0.5207
#   grey, foolbox 50 steps: 0 of 100 images still right, mean perturbation 0.5208
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 foolbox==3.3.4 numpy==2.4.6 scipy==1.17.1 tqdm==4.70.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps torchattacks==3.5.1; } ||
  { echo "torchattacks 3.5.1, Foolbox 3.3.4 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import foolbox
import numpy as np
import torch
import torchattacks

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("torchattacks", "foolbox")))
random = np.random.RandomState(0)
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
with torch.no_grad():
    network[1].weight.copy_(torch.tensor(random.standard_normal((10, 64))))
    network[1].bias.zero_()
network.eval()
black_and_white = torch.tensor(random.randint(0, 2, (100, 1, 8, 8)), dtype=torch.float32)
left = {}
for name, images in ("black and white", black_and_white), ("grey", 0.25 + 0.5 * black_and_white):
    labels = network(images).argmax(1)

    def report(tool, adversarial):
        right = (network(adversarial).argmax(1) == labels).sum().item()
        norm = (adversarial - images).flatten(1).norm(dim=1).mean().item()
        left[name, tool] = right
        print(f"{name}, {tool}: {right} of 100 images still right, mean perturbation {norm:.4f}")

    for steps in 50, 500:
        report(f"torchattacks {steps} steps", torchattacks.DeepFool(network, steps=steps)(images, labels))
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    report("foolbox 50 steps", foolbox.attacks.L2DeepFoolAttack(steps=50)(model, images, labels, epsilons=None)[1])
holds = (
    left["black and white", "torchattacks 50 steps"] > 20
    and left["black and white", "torchattacks 500 steps"] > 20
    and left["black and white", "foolbox 50 steps"] == 0
    and left["grey", "torchattacks 50 steps"] < 10
    and left["grey", "foolbox 50 steps"] == 0
)
raise SystemExit(0 if holds else 1)
PY
