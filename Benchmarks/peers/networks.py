"""The networks of the comparison in PyTorch, under this package's names for their tensors."""

import sys
from pathlib import Path

from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "network"))
from make import NETWORKS as TESTED  # noqa: E402  the models whose values the tests compare with
from make import BasicBlock  # noqa: E402


class Stages(nn.Module):
    """A first convolution, stages of blocks of which all but the first halve the image, the mean, a dense layer."""

    def __init__(self, block, stem, widths, depths, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, 1, 1, bias=False)
        inputs, self.count = stem, len(widths)
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            blocks = []
            for index in range(depth):
                blocks.append(block(inputs, width, 2 if stage and index == 0 else 1))
                inputs = width
            self.add(stage + 1, nn.Sequential(*blocks))
        self.fc_dense = nn.Linear(inputs, classes)

    def stages(self, x):
        for number in range(1, self.count + 1):
            x = self.stage(number)(x)
        return x

    def dense(self, x):
        return self.fc_dense(x.mean(dim=(2, 3)))


class PostActivation(Stages):
    def __init__(self, widths, depths):
        super().__init__(BasicBlock, widths[0], widths, depths)
        self.bn1 = nn.BatchNorm2d(widths[0])

    def add(self, number, blocks):
        setattr(self, f"layer{number}", blocks)

    def stage(self, number):
        return getattr(self, f"layer{number}")

    def forward(self, x):
        return self.dense(self.stages(functional.relu(self.bn1(self.conv1(x)))))


class PreActivationBlock(nn.Module):
    """Lopsided: what is padded for a stride of 2 is below and right alone."""

    def __init__(self, inputs, width, stride, act=functional.relu, lopsided=False):
        super().__init__()
        self.act, self.lopsided = act, lopsided and stride == 2
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 0 if self.lopsided else 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.projects = stride != 1 or inputs != width
        if self.projects:
            self.convShortcut = nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x):
        y = self.act(self.bn1(x))
        shortcut = self.convShortcut(y) if self.projects else x
        y = self.conv1(functional.pad(y, (0, 1, 0, 1)) if self.lopsided else y)
        return self.conv2(self.act(self.bn2(y))) + shortcut


class PreActivation(Stages):
    def __init__(self, stem, widths, depths, last, act=functional.relu, lopsided=False):
        def block(*shape):
            return PreActivationBlock(*shape, act=act, lopsided=lopsided)

        super().__init__(block, stem, widths, depths)
        self.act = act
        self.bn1 = nn.BatchNorm2d(widths[-1]) if last else None

    def add(self, number, blocks):
        stage = nn.Module()
        stage.layer = blocks
        setattr(self, f"block{number}", stage)

    def stage(self, number):
        return getattr(self, f"block{number}").layer

    def forward(self, x):
        x = self.stages(self.conv1(x))
        return self.dense(x if self.bn1 is None else self.act(self.bn1(x)))


WIDTHS, DEPTHS = [64, 128, 256, 512], [2, 2, 2, 2]

NETWORKS = {
    **{name: build for name, (build, *_) in TESTED.items()},
    "resNet18": lambda: PostActivation(WIDTHS, DEPTHS),
    "preActResNet18": lambda: PreActivation(WIDTHS[0], WIDTHS, DEPTHS, last=False),
    "wideResNet-28-10": lambda: PreActivation(16, [160, 320, 640], [4, 4, 4], last=True),
    "deepMindWideResNet-28-10": lambda: PreActivation(
        16, [160, 320, 640], [4, 4, 4], last=True, act=functional.silu, lopsided=True),
}
