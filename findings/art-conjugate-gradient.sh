#!/usr/bin/env bash
# Library: adversarial-robustness-toolbox 1.20.1 with PyTorch 2.13.0 (PyPI)
# Guess: `AutoConjugateGradient`, which was published as stronger than APGD, steps by the sign of its direction in the
#   maximum norm, as APGD does. On a linear network it then finds the optimum, which is a corner of the ball, and it
#   does not matter by which factor the logits are multiplied.
# Behaviour: The sign is computed and not used: the step is the step size times the gradient itself. Where that is small,
#   on images that the network is sure of, or with small logits, the attack hardly moves in 100 steps, so the
#   same decisions look more robust when the logits are multiplied by 10, and also when they are divided by 10. The
#   accuracy reported is higher than the one that can be computed exactly.
# Seen: 2026-11-28:
#   adversarial-robustness-toolbox 1.20.1
#   images right of 200 at epsilon 0.02 after 100 steps
#     logits times 0.1: exact 94, PGD 94, APGD 94, ACG 116
#     logits times 1: exact 94, PGD 94, APGD 94, ACG 95
#     logits times 10: exact 94, PGD 94, APGD 94, ACG 142
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
from art.attacks.evasion import AutoConjugateGradient, AutoProjectedGradientDescent, ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier

print("adversarial-robustness-toolbox", art.__version__)
random = np.random.RandomState(0)
weight = random.standard_normal((2, 64)).astype(np.float32)
bias = np.array([-1, 1], np.float32) / 4 * (weight[0] - weight[1]).sum()
images = random.uniform(0.2, 0.8, (200, 1, 8, 8)).astype(np.float32)
labels = (images.reshape(200, 64) @ weight.T + bias).argmax(1)
epsilon = 0.02
away = np.where(labels == 1, -1, 1)[:, None] * np.sign(weight[1] - weight[0])
optimum = images + np.float32(epsilon) * away.reshape(images.shape).astype(np.float32)
print("images right of 200 at epsilon", epsilon, "after 100 steps")
seen = {}
for factor in 0.1, 1, 10:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor(factor * weight))
        network[1].bias.copy_(torch.tensor(factor * bias))
    classifier = PyTorchClassifier(
        network, torch.nn.CrossEntropyLoss(), (1, 8, 8), 2, clip_values=(0, 1), device_type="cpu"
    )

    def right(x):
        return int((classifier.predict(x).argmax(1) == labels).sum())

    setting = dict(eps=epsilon, max_iter=100, verbose=False)
    automatic = dict(eps_step=2 * epsilon, loss_type="cross_entropy", nb_random_init=1, **setting)
    answers = {"exact": right(optimum)}
    for name, attack in (
        ("PGD", ProjectedGradientDescent(classifier, eps_step=epsilon / 4, **setting)),
        ("APGD", AutoProjectedGradientDescent(classifier, **automatic)),
        ("ACG", AutoConjugateGradient(classifier, **automatic)),
    ):
        np.random.seed(0)
        answers[name] = right(attack.generate(images, labels))
    seen[factor] = answers
    print(f"  logits times {factor}:", ", ".join(f"{name} {count}" for name, count in answers.items()))
holds = (
    all(answers["PGD"] == answers["APGD"] == answers["exact"] for answers in seen.values())
    and seen[1]["exact"] == seen[10]["exact"]
    and all(answers["ACG"] > answers["exact"] for answers in seen.values())
    and seen[10]["ACG"] > seen[10]["exact"] + 20
)
raise SystemExit(0 if holds else 1)
PY
