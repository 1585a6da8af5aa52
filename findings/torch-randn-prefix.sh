#!/usr/bin/env bash
# Library: PyTorch 2.13.0, CPU (PyPI)
# Guess: From one seed, the first numbers that `torch.randn` draws are the same however many are drawn, as with
#   `torch.rand`, `bernoulli_` and NumPy's `standard_normal`. So a batch of 8 has the noise of two batches of 4.
# Behaviour: Below 16 numbers another algorithm is used than from 16 on, so none agrees. Above, when the count is no
#   multiple of 16, the last 16 numbers are drawn again and replace those that were there. Noise on ten logits, or
#   on images of 7 x 7, depends on the batch size.
# Seen: 2026-11-28:
#   PyTorch 2.13.0+cpu
#   of the first 15 of 15 and 16 numbers agree: torch.randn 0, torch.rand 15, NumPy's standard_normal 15
#   of the first 16 of 16 and 17 numbers agree: torch.randn 1, torch.rand 16, NumPy's standard_normal 16
#   of the first 20 of 20 and 40 numbers agree: torch.randn 4, torch.rand 20, NumPy's standard_normal 20
#   of the first 32 of 32 and 64 numbers agree: torch.randn 32, torch.rand 32, NumPy's standard_normal 32
#   noise on 10 logits of 8 images: the same in one batch and in two for 2 images
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6; } ||
  { echo "PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
"$work/venv/bin/python" - <<'PY'
import numpy as np
import torch

print("PyTorch", torch.__version__)


def draw(function, count):
    torch.manual_seed(0)
    return function(count)


def numpy_normal(count):
    return torch.tensor(np.random.RandomState(0).standard_normal(count))


def agreeing(function, few, many):
    return int((draw(function, few) == draw(function, many)[:few]).sum())


seen = {}
for few, many in (15, 16), (16, 17), (20, 40), (32, 64):
    seen[few, many] = agreeing(torch.randn, few, many), agreeing(torch.rand, few, many), agreeing(numpy_normal, few, many)
    print(f"of the first {few} of {few} and {many} numbers agree: "
          "torch.randn %d, torch.rand %d, NumPy's standard_normal %d" % seen[few, many])
whole = draw(lambda n: torch.randn(n, 10), 8)
torch.manual_seed(0)
halves = torch.cat([torch.randn(4, 10), torch.randn(4, 10)])
rows = int((whole == halves).all(1).sum())
print(f"noise on 10 logits of 8 images: the same in one batch and in two for {rows} images")
holds = (
    all(counts[1] == counts[2] == few for (few, _), counts in seen.items())
    and seen[15, 16][0] == 0
    and seen[16, 17][0] < 16
    and seen[20, 40][0] < 20
    and seen[32, 64][0] == 32
    and rows < 8
)
raise SystemExit(0 if holds else 1)
PY
