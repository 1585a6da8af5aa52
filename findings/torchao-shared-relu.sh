#!/usr/bin/env bash
# Library: torchao 0.18.0 with PyTorch 2.15.0 (PyPI)
# Guess: its quantizer for x86 takes a residual block whose two activations are one nn.ReLU module, called twice, as it
#   takes the same block with two of them: they compute the same, and have the same tensors.
# Behaviour: as torch.export exports by default, the two calls are one part of the graph with two outputs, and
#   prepare_pt2e ends with "Input partition has more than one output node". With strict=True, or with two modules, it
#   goes through. Many published ResNets have one module for both.
# Seen: 2026-11-30:
#   torchao 0.18.0 with PyTorch 2.15.0
#   one ReLU module, exported by default: ValueError: Input partition has more than one output node
#   one ReLU module, exported strictly: 4 places are quantized
#   two ReLU modules, exported by default: 4 places are quantized
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.15.0 torchao==0.18.0 numpy==2.4.6; } ||
  { echo "torchao 0.18.0 and PyTorch 2.15.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
cd "$work" && "$work/venv/bin/python" -W ignore - 2>"$work/warnings" <<'PY'
import sys

import torch
import torchao
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86


class Block(nn.Module):
    def __init__(self, relus):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16))
        self.second = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16))
        self.relu, self.last = nn.ReLU(), nn.ReLU()
        self.relus = relus

    def forward(self, x):
        y = x + self.second(self.relu(self.first(x)))
        return self.last(y) if self.relus == 2 else self.relu(y)


def outcome(relus, strict):
    torch.manual_seed(0)
    images = torch.rand(8, 16, 8, 8)
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    network = nn.Sequential(Block(relus), Block(relus)).eval()
    exported = torch.export.export(network, (images,), **({"strict": True} if strict else {})).module()
    try:
        prepared = prepare_pt2e(exported, quantizer)
    except ValueError as error:
        return f"ValueError: {error}"
    prepared(images)
    targets = [str(node.target) for node in convert_pt2e(prepared).graph.nodes]
    return f"{sum('.quantize_per_tensor' in target for target in targets)} places are quantized"


torch.set_num_threads(1)
print(f"torchao {torchao.__version__.partition('+')[0]} with PyTorch {torch.__version__.partition('+')[0]}")
outcomes = []
for relus, strict in ((1, False), (1, True), (2, False)):
    outcomes.append(outcome(relus, strict))
    print(f"{['one ReLU module', 'two ReLU modules'][relus - 1]}, exported {'strictly' if strict else 'by default'}: {outcomes[-1]}")
holds = outcomes[0].startswith("ValueError") and outcomes[1] == outcomes[2] and "places" in outcomes[1]
sys.exit(0 if holds else 1)
PY
