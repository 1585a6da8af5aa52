#!/usr/bin/env bash
# Library: robustness 1.2.1.post2 with PyTorch 2.13.0 (PyPI)
# Guess: an attack with `random_restarts=20`, documented to "do many random restarts and take the worst attack (in terms
#   of loss) per input", keeps for every image what broke it in any of the 20.
# Behaviour: it gives back the last of the 20 attacks, bit for bit, and the others are lost, so that restarts are paid
#   for and the robust accuracy is that of one attack. The images to be taken over are found by `~` on a mask of bytes,
#   which makes 254 of 1 and 255 of 0, and both count as true. PyTorch warns once that such masks are deprecated, and no
#   more. Where single attacks end in other hollows of the loss, 20 of them together break every image here.
# Seen: 2026-11-30. Nothing was found about it upstream. The library wants a GPU; here `cuda` is made to do nothing.
#   robustness 1.2.1.post2, torch 2.13.0
#   right of 190: after one attack 129 to 154, after the worst of 20 0, with random_restarts=20 136
#   what random_restarts gives is the last of the attacks: True
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 pandas==2.3.3 pillow==12.0.0 tqdm==4.67.1 dill==0.4.1 \
    tensorboardX==2.6.4 &&
  "$work/venv/bin/pip" install --quiet --no-deps robustness==1.2.1.post2 cox==0.2; } ||
  { echo "robustness 1.2.1.post2 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import types

import torch

# The library moves everything to a GPU; here that does nothing.
torch.Tensor.cuda = lambda self, *_, **__: self
torch.nn.Module.cuda = lambda self, *_, **__: self
from robustness.attacker import Attacker

print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in ("robustness", "torch")))
torch.set_num_threads(1)
torch.manual_seed(0)
count, epsilon, restarts = 200, 0.1, 20
images = 0.3 + 0.4 * torch.rand(count, 1, 2, 2)
labels = torch.ones(count, dtype=torch.long)


class Waves(torch.nn.Module):
    """Two classes by waves over the mean pixel, in the hollows of which an attack may end."""

    def forward(self, x):
        m = 40 * x.flatten(1).mean(1)
        margin = 1.2 + torch.sin(3 * m) + 0.6 * torch.sin(7.3 * m)
        return torch.stack([torch.zeros_like(margin), margin], 1)


network = Waves()
attacker = Attacker(network, types.SimpleNamespace(mean=torch.zeros(1), std=torch.ones(1)))
setting = dict(constraint="inf", eps=epsilon, step_size=0.002, iterations=20, random_start=True, do_tqdm=False)


def right(x):
    return network(x).argmax(1) == labels


keep = right(images)
images, labels = images[keep], labels[keep]
torch.manual_seed(1)
single = [attacker(images, labels, random_restarts=0, **setting) for _ in range(restarts)]
torch.manual_seed(1)
together = attacker(images, labels, random_restarts=restarts, **setting)
alone = [int(right(x).sum()) for x in single]
worst = int(torch.stack([right(x) for x in single]).all(0).sum())
kept = int(right(together).sum())
print(f"right of {len(images)}: after one attack {min(alone)} to {max(alone)}, after the worst of {restarts} {worst}, "
      f"with random_restarts={restarts} {kept}")
last = torch.equal(together, single[-1])
print("what random_restarts gives is the last of the attacks:", last)
holds = last and kept == alone[-1] and worst < kept - 20
raise SystemExit(0 if holds else 1)
PY
