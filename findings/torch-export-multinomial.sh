#!/usr/bin/env bash
# Library: PyTorch 2.13.0, torch.onnx.export with onnxscript 0.7.2, run with ONNX Runtime 1.32.0 (PyPI)
# Guess: `torch.multinomial(weights, 30)` draws without replacement, which is its default, in the exported file too, or the
#   export is refused, as it is for `torch.randperm`.
# Behaviour: It is exported as ONNX's `Multinomial`, which draws with replacement. Of 30 samples out of 40 only about 21 are
#   distinct, so a defence that mixes with 30 different images mixes with fewer, some with double weight. Nothing is
#   said, and checking the shapes does not show it.
# Seen: 2026-11-28:
#   PyTorch 2.13.0+cpu, onnxscript 0.7.2, ONNX Runtime 1.32.0
#   distinct samples among 30 of 40, in 100 draws: PyTorch 30 to 30, exported 16 to 26
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet torch==2.13.0 onnxscript==0.7.2 onnx-ir==1.1.0 onnx==1.23.2 onnxruntime==1.32.0 \
    numpy==2.4.6; } ||
  { echo "PyTorch 2.13.0, onnxscript 0.7.2 and ONNX Runtime 1.32.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore -c 'import torch' || { echo "PyTorch cannot be loaded" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib
import importlib.metadata
import io
import logging

import onnx
import onnxruntime
import torch

logging.disable(logging.CRITICAL)  # that torchvision is not there
print(f"PyTorch {torch.__version__}, onnxscript {importlib.metadata.version('onnxscript')}, "
      f"ONNX Runtime {onnxruntime.__version__}")


class Draw(torch.nn.Module):
    """30 of the 40 samples of a pool, which are numbered here so that they can be told apart."""

    def forward(self, pool):
        return pool[torch.multinomial(torch.ones(40), 30)]


pool = torch.arange(40.0).reshape(40, 1)
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    torch.onnx.export(Draw(), (pool,), "draw.onnx", input_names=["pool"])
onnx.checker.check_model("draw.onnx", full_check=True)
session = onnxruntime.InferenceSession("draw.onnx", providers=["CPUExecutionProvider"])
ours = [len(set(Draw()(pool).ravel().tolist())) for _ in range(100)]
drawn = [session.run(None, {"pool": pool.numpy()})[0].ravel().tolist() for _ in range(100)]
theirs = [len(set(draw)) for draw in drawn]
print(f"distinct samples among 30 of 40, in 100 draws: PyTorch {min(ours)} to {max(ours)}, "
      f"exported {min(theirs)} to {max(theirs)}")
holds = all(len(draw) == 30 for draw in drawn) and set(ours) == {30} and max(theirs) < 30
raise SystemExit(0 if holds else 1)
PY
