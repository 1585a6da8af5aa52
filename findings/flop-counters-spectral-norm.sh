#!/usr/bin/env bash
# Library: thop 0.1.1.post2209072238, ptflops 0.7.5 (its default way of counting) and torchinfo 1.8.0, with PyTorch
#   2.13.0
# Guess: a network whose layers have spectral or weight normalisation (`torch.nn.utils.parametrizations`), as defences
#   that bound the Lipschitz constant have, costs at least as many multiply-adds as the same network without.
# Behaviour: all three counters count 0, and torchinfo's size of the parameters is 0 bytes. A parametrisation puts a
#   new class in the place of the layer's and the weight in a part below, and the counters go by the exact class, or
#   by a weight of the layer's own. A defence of such layers is free. The deprecated function
#   `torch.nn.utils.spectral_norm`, which computes the same, is counted by thop and ptflops. No warning is shown.
# Seen: 2026-11-30. Nothing was found about it upstream; the fork ultralytics-thop 2.2.3 counts these layers.
#   thop 0.1.1-2209072238, ptflops 0.7.5, torchinfo 1.8.0, torch 2.13.0
#   multiply-adds, 10656 by hand, and the bytes of torchinfo's parameters
#     plain: PyTorch 10656, thop 10656, ptflops 10656, torchinfo 10656, bytes 12384
#     spectral norm: PyTorch 10656, thop 0, ptflops 0, torchinfo 0, bytes 0
#     weight norm: PyTorch 10656, thop 0, ptflops 0, torchinfo 0, bytes 0
#     spectral norm, older function: PyTorch 10656, thop 10656, ptflops 10656, torchinfo 30528, bytes 12384
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 &&
  "$work/venv/bin/pip" install --quiet --no-deps thop==0.1.1.post2209072238 ptflops==0.7.5 torchinfo==1.8.0; } ||
  { echo "thop 0.1.1, ptflops 0.7.5, torchinfo 1.8.0 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import thop
import torch
import torchinfo
from ptflops import get_model_complexity_info
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm
from torch.utils.flop_counter import FlopCounterMode

names = "thop", "ptflops", "torchinfo", "torch"
print(", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}" for name in names))
torch.set_num_threads(1)
shape = 3, 8, 8
# Every place of 6 by 6 by 8 comes from 3 by 3 by 3 values, every class from all of them.
right = 6 * 6 * 8 * 27 + 6 * 6 * 8 * 10


def network(change):
    torch.manual_seed(0)
    return nn.Sequential(
        change(nn.Conv2d(3, 8, 3, bias=False)), nn.Flatten(), change(nn.Linear(6 * 6 * 8, 10, bias=False))).eval()


def counts(change):
    image = torch.zeros(1, *shape)
    with FlopCounterMode(display=False) as counter:
        network(change)(image)
    summary = torchinfo.summary(network(change), input_data=image, verbose=0)
    return {
        "PyTorch": counter.get_total_flops() // 2,
        "thop": int(thop.profile(network(change), (image,), verbose=False)[0]),
        "ptflops": get_model_complexity_info(
            network(change), shape, as_strings=False, print_per_layer_stat=False, backend="pytorch")[0],
        "torchinfo": summary.total_mult_adds,
        "bytes": summary.total_param_bytes,
    }


changes = {
    "plain": lambda layer: layer,
    "spectral norm": parametrizations.spectral_norm,
    "weight norm": parametrizations.weight_norm,
    "spectral norm, older function": spectral_norm,
}
print(f"multiply-adds, {right} by hand, and the bytes of torchinfo's parameters")
seen = {}
for name, change in changes.items():
    seen[name] = counts(change)
    print(f"  {name}: " + ", ".join(f"{counter} {count}" for counter, count in seen[name].items()))
plain = seen.pop("plain")
older = seen.pop("spectral norm, older function")
holds = (
    all(plain[counter] == right for counter in ("PyTorch", "thop", "ptflops", "torchinfo"))
    and all(older[counter] == right for counter in ("PyTorch", "thop", "ptflops"))
    and plain["bytes"] == 4 * (8 * 27 + 6 * 6 * 8 * 10)
    and all(
        counted["PyTorch"] == right and not any(list(counted.values())[1:]) for counted in seen.values()))
raise SystemExit(0 if holds else 1)
PY
