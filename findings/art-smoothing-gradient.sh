#!/usr/bin/env bash
# Library: adversarial-robustness-toolbox 1.20.1 with PyTorch 2.13.0 (PyPI)
# Guess: The gradient of a network wrapped in `PyTorchRandomizedSmoothing`, which attacks ask for, is that of the
#   smoothed network: a mean over noisy copies of the image, another one at every call.
# Behaviour: Without `sampling=True`, which no attack of the library passes, it is the gradient of the bare network at the
#   image without noise, bit for bit and the same at every call. PGD against the defence is PGD against the bare
#   network: where that network is rough and the smoothed one is not, it stays in the first hollow and the defence looks
#   perfect. As many steps of the same size with `sampling=True` break every image.
# Seen: 2026-11-28:
#   adversarial-robustness-toolbox 1.20.1
#   the defence's gradient is the same at a second call: True
#   and is the bare network's: True
#   its sign is that of the gradient with sampling=True: False
#   of 20 images the defence has right: clean 20, after the library's PGD 20, with sampling=True 0
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 adversarial-robustness-toolbox==1.20.1 numpy==2.4.6 \
    scipy==1.17.1 scikit-learn==1.9.1 statsmodels==0.15.0; } ||
  { echo "adversarial-robustness-toolbox 1.20.1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import art
import numpy as np
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing
from art.estimators.classification import PyTorchClassifier

print("adversarial-robustness-toolbox", art.__version__)


class Waves(torch.nn.Module):
    """Two classes by the mean pixel. The margin rises with it, but with waves that noise averages away."""

    def forward(self, x):
        m = (x.flatten(1).mean(1) - 0.5) * 40
        margin = m - 0.5 * torch.sin(2 * torch.pi * m)
        return torch.stack([torch.zeros_like(margin), margin], 1)


images = np.full((20, 1, 4, 4), 0.55, np.float32)  # m = 2, where the slope of the bare margin is 1 - pi
labels = np.ones(20, np.int64)
one_hot = np.eye(2, dtype=np.float32)[labels]
setting = dict(
    loss=torch.nn.CrossEntropyLoss(), input_shape=(1, 4, 4), nb_classes=2, clip_values=(0, 1), device_type="cpu"
)
bare = PyTorchClassifier(Waves(), **setting)
smooth = PyTorchRandomizedSmoothing(Waves(), **setting, sample_size=200, scale=0.05, alpha=0.001)
np.random.seed(0)
torch.manual_seed(0)
first, second = smooth.loss_gradient(images, one_hot), smooth.loss_gradient(images, one_hot)
of_bare = bare.loss_gradient(images, one_hot)
averaged = smooth.loss_gradient(images, one_hot, sampling=True)
print("the defence's gradient is the same at a second call:", np.array_equal(first, second))
print("and is the bare network's:", np.array_equal(first, of_bare))
print("its sign is that of the gradient with sampling=True:", bool((np.sign(first) == np.sign(averaged)).all()))

epsilon, step, steps = 0.08, 0.002, 60


def right(x):
    return int((smooth.predict(x).argmax(1) == labels).sum())


pgd = ProjectedGradientDescent(smooth, eps=epsilon, eps_step=step, max_iter=steps, verbose=False)
attacked = pgd.generate(images, labels)
followed = images.copy()
for _ in range(steps):
    followed += step * np.sign(smooth.loss_gradient(followed, one_hot, sampling=True))
    followed = np.clip(np.clip(followed, images - epsilon, images + epsilon), 0, 1)
scores = right(images), right(attacked), right(followed)
print("of 20 images the defence has right: clean %d, after the library's PGD %d, with sampling=True %d" % scores)
holds = (
    np.array_equal(first, second)
    and np.array_equal(first, of_bare)
    and (np.sign(first) != np.sign(averaged)).all()
    and scores == (20, 20, 0)
)
raise SystemExit(0 if holds else 1)
PY
