"""What a search takes, as made-up networks and images show no attack: the first test images of CIFAR-10, training images
to mix with, and networks that were trained on such images with mixup.

Run `python searched.py CIFAR-10-BATCHES-BIN FOLDER NETWORK...`; it writes into the folder `trained-images` and
`trained-pool` (`.f32` and `.labels`) and `trained-NETWORK.safetensors`, a network of pixels scaled to [-1, 1]. Beside it has to lie
`NETWORK.safetensors`, the made-up one that our contestant writes, as it says how such a network is built.
"""

import sys
from pathlib import Path

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES / "preact"))
import make  # noqa: E402  how the network in `fixtures/preact` was trained

# How many times as wide the benchmark's is.
WIDER = 64 // make.WIDTH


def images(source, folder):
    for name, file, count in [
            ("trained-images", "test_batch.bin", 128), ("trained-pool", "data_batch_1.bin", 5000)]:
        rows = numpy.fromfile(source / file, "u1").reshape(-1, 3073)[:count]
        (rows[:, 1:].astype("<f4") / numpy.float32(255)).tofile(folder / f"{name}.f32")
        rows[:, 0].tofile(folder / f"{name}.labels")


def wide_pre_activation():
    """The PreActResNet-18 of `fixtures/preact` with every channel four times: the same function but for the edges of images,
    at the usual width and cost.

    A channel's copies share what its one weight took from it, as in Net2WiderNet of Chen, Goodfellow and Shlens (2016),
    without the noise that would let training tell them apart. The scaling by mean and deviation goes into the first
    convolution; what it adds, that convolution has no bias for, and is taken from the means of the normalisations that read
    its output.
    """
    narrow = load_file(FIXTURES / "preact" / "mixup.safetensors")
    mean, deviation = (numpy.array(numbers)[:, None, None] for numbers in (make.MEAN, make.STD))
    first = narrow["conv1.weight"] / (2 * deviation)
    added = (first * (1 - 2 * mean)).sum(axis=(1, 2, 3))
    for name in ("layer1.0.bn1", "layer1.1.bn1", "layer2.0.bn1"):
        narrow[f"{name}.running_mean"] = narrow[f"{name}.running_mean"] - added
    wide = {}
    for name, tensor in narrow.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name == "conv1.weight":
            tensor = first
        elif tensor.ndim > 1:
            tensor = numpy.repeat(tensor, WIDER, axis=1) / WIDER
        if not name.startswith("linear."):
            tensor = numpy.repeat(tensor, WIDER, axis=0)
        name = name.replace("shortcut.0", "convShortcut").replace("linear.", "fc_dense.")
        if name.startswith("layer"):
            stage, rest = name.removeprefix("layer").split(".", 1)
            name = f"block{stage}.layer.{rest}"
        wide[name] = numpy.ascontiguousarray(tensor, "f4")
    return wide


def main():
    source, folder = map(Path, sys.argv[1:3])
    images(source, folder)
    for network in sys.argv[3:]:
        written = folder / f"trained-{network}.safetensors"
        if network == "resNet20":
            written.write_bytes((FIXTURES / "cifar10" / "mixup.safetensors").read_bytes())
        elif network == "preActResNet18":
            with safe_open(folder / f"{network}.safetensors", framework="numpy") as made_up:
                save_file(wide_pre_activation(), written, metadata=made_up.metadata())
        else:
            sys.exit(f"searched.py: no {network} was trained; take resNet20 or preActResNet18")


if __name__ == "__main__":
    main()
