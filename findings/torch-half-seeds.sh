#!/usr/bin/env bash
# Library: PyTorch 2.13.0 on a CPU, JAX 0.10.2, tinygrad 0.14.0, beside NumPy 2.4.6 (PyPI)
# Guess: A seed of 64 bits, which all of them take, is used in full: the seeds 1 and 2^32 + 1 draw other numbers.
# Behaviour: The upper half is dropped, without a word. PyTorch's generator of the CPU, whose documentation allows all of 64 bits
#   and which gives them back as `initial_seed`, fills its state from the lower 32; so does tinygrad. JAX cuts the seed to
#   its own default width of integers, 32 bits, and keeps the rest only with `jax_enable_x64`. Seeds that carry the
#   run in the upper half and the image in the lower repeat the same noise in every run: ten repeats of a
#   randomised defence agree to the last digit, and their spread is 0. NumPy uses all of a seed.
# Seen: 2026-11-29:
#   torch 2.13.0+cpu, jax 0.10.2, tinygrad 0.14.0, numpy 2.4.6
#   distinct draws of 1000 numbers by seeds that differ in the lower half and in the upper, of 10 seeds each:
#     PyTorch: 10, 1
#     JAX: 10, 1
#     JAX with 64 bits: 10, 10
#     tinygrad: 10, 1
#     NumPy: 10, 10
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 tinygrad==0.14.0 numpy==2.4.6; } ||
  { echo "PyTorch 2.13.0, JAX 0.10.2 and tinygrad 0.14.0 cannot be installed" >&2; exit 2; }
export JAX_PLATFORMS=cpu
for module in torch jax tinygrad; do
  "$work/venv/bin/python" -W ignore -c "import $module" || { echo "$module cannot be loaded" >&2; exit 2; }
done
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import jax
import numpy as np
import torch
from tinygrad import Tensor

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "jax", "tinygrad", "numpy")), sep=", ")


def pytorch(seed):
    generator = torch.Generator().manual_seed(seed)
    assert generator.initial_seed() == seed
    return torch.randn(1000, generator=generator).numpy()


def jax_normal(seed):
    return np.asarray(jax.random.normal(jax.random.key(seed), 1000))


def wide_jax(seed):
    with jax.enable_x64(True):
        return jax_normal(seed)


def tinygrad(seed):
    Tensor.manual_seed(seed)
    return Tensor.rand(1000, device="PYTHON").numpy()


def numpy(seed):
    return np.random.default_rng(seed).standard_normal(1000)


runs = {
    "PyTorch": pytorch,
    "JAX": jax_normal,
    "JAX with 64 bits": wide_jax,
    "tinygrad": tinygrad,
    "NumPy": numpy,
}
print("distinct draws of 1000 numbers by seeds that differ in the lower half and in the upper, of 10 seeds each:")
seen = {}
for name, draw in runs.items():
    seen[name] = [
        len({draw(seed).tobytes() for seed in seeds}) for seeds in (range(10), [7 + (run << 32) for run in range(10)])
    ]
    print(f"  {name}: {seen[name][0]}, {seen[name][1]}")
holds = all(seen[name] == [10, 1] for name in ("PyTorch", "JAX", "tinygrad"))
holds &= seen["NumPy"] == seen["JAX with 64 bits"] == [10, 10]
raise SystemExit(0 if holds else 1)
PY
