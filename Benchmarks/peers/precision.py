"""Whether a search in lower precision finds as much: PGD of 20 steps whose gradients are of float32, of products of bfloat16, or
behind a forward pass in eight bits; what it found is judged in float32, on the same images from the same starts.

    python3 Benchmarks/peers/precision.py --data FOLDER [--count 1000] fixtures/cifar10/at.safetensors:8/255 ...

Needs torch, numpy, scipy and safetensors. Arithmetic is imitated in float32, so times say nothing here:

- bfloat16: both factors of every convolution and of the dense layer, in both directions, are rounded to bfloat16; sums,
  normalisations and what is kept between layers stay float32, as an instruction for such products leaves them.
- int8 forward: weights in [-127, 127] with a scale for every output, inputs of a layer in [0, 255], or [-127, 127] for the image,
  with the scale that the largest value on 500 training images asks for. The gradient takes rounding for the identity.
"""

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import numpy
import torch
from networks import NETWORKS
from safetensors.torch import load_file
from scipy.stats import binomtest
from torch import nn
from torch.nn import functional

STEPS = 20
BATCH = 100


class Product(nn.Module):
    """A convolution or dense layer whose factors are rounded; how, is set between passes."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.arithmetic, self.largest, self.is_signed = layer, "float32", 0.0, False

    def forward(self, x):
        weight, bias = self.layer.weight, self.layer.bias
        if self.arithmetic == "calibrating":
            self.largest = max(self.largest, x.abs().max().item())
            self.is_signed = self.is_signed or x.min().item() < 0
        elif self.arithmetic == "bfloat16":
            x, weight = Rounded.apply(x), weight.bfloat16().float()
        elif self.arithmetic == "int8 forward":
            x, weight = Whole.apply(x, self.largest, self.is_signed), self.whole_weight
        if isinstance(self.layer, nn.Linear):
            y = functional.linear(x, weight, bias)
        else:
            y = functional.conv2d(x, weight, bias, self.layer.stride, self.layer.padding)
        return RoundedBehind.apply(y) if self.arithmetic == "bfloat16" else y

    def prepare(self):
        scale = self.layer.weight.abs().flatten(1).amax(1).clamp(min=1e-30) / 127
        scale = scale.reshape(-1, *[1] * (self.layer.weight.dim() - 1))
        self.whole_weight = (self.layer.weight / scale).round() * scale


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.bfloat16().float()

    @staticmethod
    def backward(context, gradient):
        return gradient


class RoundedBehind(torch.autograd.Function):
    @staticmethod
    def forward(context, y):
        return y

    @staticmethod
    def backward(context, gradient):
        return gradient.bfloat16().float()


class Whole(torch.autograd.Function):
    @staticmethod
    def forward(context, x, largest, is_signed):
        most = 127 if is_signed else 255
        scale = max(largest, 1e-30) / most
        return (x / scale).round().clamp(-most if is_signed else 0, most) * scale

    @staticmethod
    def backward(context, gradient):
        return gradient, None, None


def wrapped(module):
    for name, child in module.named_children():
        if isinstance(child, (nn.Conv2d, nn.Linear)):
            setattr(module, name, Product(child))
        else:
            wrapped(child)
    return module


def calculate_in(network, arithmetic):
    for module in network.modules():
        if isinstance(module, Product):
            module.arithmetic = arithmetic


def logits(network, pixels):
    return network((pixels - 0.5) / 0.5)


def gradient_of(network, pixels, target, arithmetic):
    calculate_in(network, arithmetic)
    pixels = pixels.detach().requires_grad_(True)
    loss = functional.cross_entropy(logits(network, pixels), target, reduction="sum")
    return torch.autograd.grad(loss, pixels)[0]


def found(network, images, labels, epsilon, arithmetic, seed):
    """Which images are still right behind the search, judged in float32, and the share of the first steps' pixels that go the
    other way than with float32's gradient."""
    right, turned = [], 0.0
    random = torch.Generator().manual_seed(seed)
    for start in range(0, len(images), BATCH):
        clean, target = images[start : start + BATCH], labels[start : start + BATCH]
        noise = torch.rand(clean.shape, generator=random) * 2 - 1
        present = (clean + epsilon * noise).clamp(0, 1)
        exact = gradient_of(network, present, target, "float32")
        for step in range(STEPS):
            gradient = gradient_of(network, present, target, arithmetic)
            if step == 0:
                turned += (gradient.sign() != exact.sign()).float().mean().item() * len(clean) / len(images)
            stepped = present + epsilon / 4 * gradient.sign()
            present = torch.min(torch.max(stepped, clean - epsilon), clean + epsilon).clamp(0, 1)
        calculate_in(network, "float32")
        with torch.no_grad():
            right.append(logits(network, present).argmax(1) == target)
    return torch.cat(right), turned


def read(path, count):
    records = numpy.fromfile(path, numpy.uint8).reshape(-1, 3073)[:count]
    return (
        torch.tensor(records[:, 1:].reshape(-1, 3, 32, 32).astype("float32") / 255),
        torch.tensor(records[:, 0].astype("int64")),
    )


def percent(hits, count):
    interval = binomtest(hits, count).proportion_ci(0.95, "wilson")
    return f"{100 * hits / count:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="+", metavar="NETWORK:EPSILON")
    parser.add_argument("--data", type=Path, required=True, help="the folder with test_batch.bin")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images, labels = read(options.data / "test_batch.bin", options.count)
    calibration, _ = read(options.data / "data_batch_1.bin", 500)
    print("| network | ε | gradients of | pixels that first go the other way | robust accuracy | broken by this alone | by float32 alone |")
    print("|---|--:|---|--:|--:|--:|--:|")
    for name in options.networks:
        path, _, epsilon = name.rpartition(":")
        state = NETWORKS["resNet20"]()
        missing = state.load_state_dict(load_file(path), strict=False)
        if missing.unexpected_keys or any("num_batches" not in key for key in missing.missing_keys):
            sys.exit(f"precision: {path} is no ResNet-20 of this package: {missing}")
        network = wrapped(state).eval().requires_grad_(False)
        calculate_in(network, "calibrating")
        with torch.no_grad():
            logits(network, calibration)
        for module in network.modules():
            if isinstance(module, Product):
                module.prepare()
        reference = None
        for arithmetic in ["float32", "bfloat16", "int8 forward"]:
            right, turned = found(network, images, labels, float(Fraction(epsilon)), arithmetic, options.seed)
            reference = right if reference is None else reference
            row = [Path(path).stem, epsilon, arithmetic, f"{100 * turned:.1f}%", percent(int(right.sum()), len(right))]
            row += [str(int((reference & ~right).sum())), str(int((right & ~reference).sum()))]
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
