"""The standard ensemble by another code, beside ours, image by image: robust accuracy of the ResNet-20s of fixtures/cifar10 on
the first images of CIFAR-10's test set.

    mixup-inference evaluate --model NETWORK.safetensors --dataset cifar10 --data FOLDER --count N --attack autoattack \\
        --norm linf --epsilon 8/255 --per-image ours.csv
    python3 Benchmarks/peers/ensemble.py --model NETWORK.safetensors --data FOLDER --norm Linf --epsilon 8/255 --ours ours.csv

Needs torch, numpy, safetensors and pyautoattack 0.2.0; 256 images take about an hour of two cores. Fails if the verdicts on more
than one image differ.
"""

import argparse
import csv
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy
import torch
from networks import NETWORKS
from pyautoattack.autoattack import AutoAttack
from safetensors.torch import load_file

# Where the test images begin in the indices of `--per-image`: behind those of training.
TRAINING_IMAGES = 50_000


class Scaled(torch.nn.Module):
    """A network that takes pixels from 0 to 1, as an attack searches there."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        return self.network((pixels - 0.5) / 0.5)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder with test_batch.bin")
    parser.add_argument("--norm", choices=["Linf", "L2"], required=True)
    parser.add_argument("--epsilon", type=Fraction, required=True)
    parser.add_argument("--ours", type=Path, required=True, help="what --per-image wrote")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    with options.ours.open(newline="") as file:
        ours = {
            int(row["index"]) - TRAINING_IMAGES: int(row["rightDraws"]) for row in csv.DictReader(file)
        }
    count = len(ours)
    if sorted(ours) != list(range(count)):
        sys.exit(f"ensemble: {options.ours} has not the first {count} test images, once each, without a defence")
    network = NETWORKS["resNet20"]()
    found = network.load_state_dict(load_file(options.model), strict=False)
    if found.unexpected_keys or any("num_batches" not in key for key in found.missing_keys):
        sys.exit(f"ensemble: {options.model} is no ResNet-20 of this package: {found}")
    model = Scaled(network).eval().requires_grad_(False)
    records = numpy.fromfile(options.data / "test_batch.bin", numpy.uint8).reshape(-1, 3073)[:count]
    labels = torch.tensor(records[:, 0].astype("int64"))
    images = torch.tensor(records[:, 1:].reshape(-1, 3, 32, 32).astype("float32") / 255)
    start = time.time()
    attack = AutoAttack(
        model, norm=options.norm, eps=float(options.epsilon), seed=0, version="standard", device="cpu"
    )
    attacked = attack.run_standard_evaluation(images, labels, batch_size=count)
    attacked = attacked[0] if isinstance(attacked, tuple) else attacked
    theirs = (model(attacked).argmax(1) == labels).tolist()
    seconds = time.time() - start
    differing = [index for index in range(count) if theirs[index] != bool(ours[index])]
    print(
        f"{options.model.stem}, {options.norm}, {options.epsilon}, {count} images: theirs leaves {sum(theirs)}, ours "
        f"{sum(ours.values())}; verdicts differ on {differing or 'none'}; theirs took {seconds:.0f} s"
    )
    sys.exit(len(differing) > 1)


if __name__ == "__main__":
    main()
