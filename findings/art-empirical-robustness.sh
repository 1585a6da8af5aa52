#!/usr/bin/env bash
# Library: adversarial-robustness-toolbox 1.20.1 with PyTorch 2.13.0 (PyPI)
# Guess: `empirical_robustness`, "equivalent to computing the minimal perturbation that the attacker must introduce for a
#   successful attack", is the greater, the further an attack has to go, and not least where it does not succeed at all.
# Behaviour: images that the attack does not break are left out of the mean, and a classifier of which it breaks none has
#   0.0, as if no perturbation were needed. The order of three classifiers comes out reversed: half of the images out
#   of reach changes nothing, and all of them out of reach gives the worst value there is. No warning is shown.
# Seen: 2026-11-30. Upstream somebody asked whether the other images should be chosen (issue 742 of
#   Trusted-AI/adversarial-robustness-toolbox); nothing was found about the 0.0.
#   adversarial-robustness-toolbox 1.20.1
#   least perturbation over the largest pixel, mean of 20 images; attacks go up to epsilon 0.3
#     every image near the boundary: exact 0.10, empirical_robustness 0.10
#     every other image far from it: exact 0.45, empirical_robustness 0.10
#     every image far from it: exact 0.80, empirical_robustness 0.00
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 adversarial-robustness-toolbox==1.20.1 numpy==2.4.6 \
    scipy==1.17.1 scikit-learn==1.9.1 packaging==26.4; } ||
  { echo "adversarial-robustness-toolbox 1.20.1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import art
import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from art.metrics import empirical_robustness

print("adversarial-robustness-toolbox", art.__version__)
torch.set_num_threads(1)
# Twenty grey images; the first pixel of every other one is a little darker.
images = np.full((20, 1, 4, 4), 0.5, np.float32)
images[::2, 0, 0, 0] = 0.4


class ByTheMean(torch.nn.Module):
    """Two classes by the mean of the other pixels, with the boundary at a distance that goes by the first pixel."""

    def __init__(self, dark, light):
        super().__init__()
        self.distances = dark, light

    def forward(self, x):
        x = x.flatten(1)
        dark, light = self.distances
        margin = 20 * (x[:, 1:].mean(1) - 0.5 + torch.where(x[:, 0] < 0.45, dark, light))
        return torch.stack([torch.zeros_like(margin), margin], 1)


seen = {}
print("least perturbation over the largest pixel, mean of 20 images; attacks go up to epsilon 0.3")
for name, distances in {
    "every image near the boundary": (0.05, 0.05),
    "every other image far from it": (0.05, 0.4),
    "every image far from it": (0.4, 0.4),
}.items():
    classifier = PyTorchClassifier(
        ByTheMean(*distances), loss=torch.nn.CrossEntropyLoss(), input_shape=(1, 4, 4), nb_classes=2, clip_values=(0, 1),
        device_type="cpu")
    found = float(empirical_robustness(classifier, images, "fgsm", {"eps": 0.3, "eps_step": 0.01}))
    seen[name] = sum(distances) / 2 / 0.5, found
    print("  {}: exact {:.2f}, empirical_robustness {:.2f}".format(name, *seen[name]))
near, half, far = seen.values()
holds = near[0] < half[0] < far[0] and abs(near[1] - near[0]) < 0.03 and half[1] == near[1] and far[1] == 0
raise SystemExit(0 if holds else 1)
PY
