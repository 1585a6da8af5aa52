#!/usr/bin/env bash
# Library: Captum 0.9.0, `captum.robust`, with PyTorch 2.13.0 (PyPI)
# Guess: `FGSM` and `PGD` without a loss function, documented as "negative log", lower the score of the true class for any
#   network whose outputs grow with confidence, or say that the outputs are no probabilities.
# Behaviour: The loss is the negative logarithm of whatever comes out. Of a negative output, such as a log-probability, that
#   is NaN, but its gradient is not: it is a number with the wrong sign. Nothing is raised, and the attack moves every
#   image towards its own class: the accuracy "under attack" is far above that of clean images. Logits are of either
#   sign, so there some images are attacked and others are helped.
# Seen: 2026-11-28:
#   Captum 0.9.0
#   one network, accuracy clean 63.4%, with FGSM and PGD at epsilon 0.1 by what it puts out:
#     probabilities: 0.0%, 0.0%
#     logits: 9.3%, 2.0%
#     log-probabilities: 91.6%, 93.5%
#     log-probabilities with a loss function: 0.0%, 0.0%
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 captum==0.9.0 numpy==2.4.6; } ||
  { echo "Captum 0.9.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import captum
import numpy as np
import torch
from captum.robust import FGSM, PGD

print("Captum", captum.__version__)
random = np.random.RandomState(0)
logits = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
with torch.no_grad():
    logits[1].weight.copy_(torch.tensor(random.standard_normal((10, 64))))
    logits[1].bias.copy_(-logits[1].weight.sum(1) / 2)
images = torch.tensor(random.uniform(size=(1000, 1, 8, 8)), dtype=torch.float32)
others = torch.tensor(random.uniform(size=1000) > 0.6)
labels = torch.where(others, torch.tensor(random.randint(0, 10, 1000)), logits(images).argmax(1))


def accuracy(x):
    return (logits(x).argmax(1) == labels).double().mean().item()


clean, epsilon = accuracy(images), 0.1
print(f"one network, accuracy clean {clean:.1%}, with FGSM and PGD at epsilon {epsilon} by what it puts out:")
log_probabilities = torch.nn.Sequential(logits, torch.nn.LogSoftmax(1))
seen = {}
for name, network, loss in (
    ("probabilities", torch.nn.Sequential(logits, torch.nn.Softmax(1)), None),
    ("logits", logits, None),
    ("log-probabilities", log_probabilities, None),
    ("log-probabilities with a loss function", log_probabilities, torch.nn.NLLLoss(reduction="none")),
):
    setting = dict(loss_func=loss, lower_bound=0, upper_bound=1)
    one = FGSM(network, **setting).perturb(images, epsilon, labels)
    many = PGD(network, **setting).perturb(images, epsilon, epsilon / 4, 20, labels)
    seen[name] = accuracy(one), accuracy(many)
    print(f"  {name}: {seen[name][0]:.1%}, {seen[name][1]:.1%}")
holds = (
    max(seen["probabilities"]) < 0.01
    and max(seen["log-probabilities with a loss function"]) < 0.01
    and min(seen["log-probabilities"]) > clean + 0.2
    and min(seen["logits"]) > 0.01
)
raise SystemExit(0 if holds else 1)
PY
