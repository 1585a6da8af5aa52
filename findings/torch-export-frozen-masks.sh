#!/usr/bin/env bash
# Library: PyTorch 2.13.0, torch.onnx.export with onnxscript 0.7.2, run with ONNX Runtime 1.32.0 (PyPI)
# Guess: A network that drops a random half of its inputs, by a mask that `torch.bernoulli` draws, drops others at every run
#   of the exported file too, as one does that adds `torch.randn` or compares `torch.rand` with a half.
# Behaviour: The exporter's optimiser takes `Bernoulli` of constant probabilities for a constant: one mask is drawn while
#   exporting and stays in the file as numbers. The exported defence is no longer random, without a warning, so
#   repeats have no spread and an attack on that one mask breaks it. Masks of the other two kinds stay random, and so
#   does this one with `optimize=False` or the older exporter.
# Seen: 2026-11-28:
#   PyTorch 2.13.0+cpu, onnxscript 0.7.2, ONNX Runtime 1.32.0
#   distinct answers in 10 runs, PyTorch and the exported file:
#     bernoulli: 10, 1 (Mul)
#     bernoulli, optimize=False: 10, 10 (Bernoulli, CastLike, Constant, Expand, Mul, Shape)
#     bernoulli, dynamo=False: 10, 10 (Bernoulli, Constant, Mul)
#     rand: 10, 10 (Cast, Less, Mul, RandomUniformLike)
#     randn: 10, 10 (Add, RandomNormalLike)
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


class Defence(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def bernoulli(x):
    return x * torch.bernoulli(torch.full_like(x, 0.5))


image = torch.ones(1, 400)
print("distinct answers in 10 runs, PyTorch and the exported file:")
seen = {}
for name, function, setting in (
    ("bernoulli", bernoulli, {}),
    ("bernoulli, optimize=False", bernoulli, {"optimize": False}),
    ("bernoulli, dynamo=False", bernoulli, {"dynamo": False}),
    ("rand", lambda x: x * (torch.rand_like(x) < 0.5), {}),
    ("randn", lambda x: x + torch.randn_like(x), {}),
):
    defence = Defence(function).eval()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(defence, (image,), "defence.onnx", input_names=["x"], **setting)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession("defence.onnx", options, providers=["CPUExecutionProvider"])
    ours = {defence(image).numpy().tobytes() for _ in range(10)}
    theirs = {session.run(None, {"x": image.numpy()})[0].tobytes() for _ in range(10)}
    seen[name] = len(ours), len(theirs)
    operators = sorted({node.op_type for node in onnx.load("defence.onnx").graph.node})
    print(f"  {name}: {len(ours)}, {len(theirs)} ({', '.join(operators)})")
holds = seen.pop("bernoulli") == (10, 1) and all(counts == (10, 10) for counts in seen.values())
raise SystemExit(0 if holds else 1)
PY
