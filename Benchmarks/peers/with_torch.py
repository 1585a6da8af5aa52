"""PyTorch as a contestant, and as the one that writes networks down as ONNX for the others.

Modes: eager, channels-last, inductor (torch.compile; for inference with frozen weights), int8 (the same in whole
numbers), loop (one mixture of an image at a time: the official code's N passes, and attacks whose expectation over
transformations is a loop), export (writes the ONNX files of the works named on standard input, instead of running them).
"""

import math
import sys
import time
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

from contestant import LABELS, RATIO, Certification, Files, arguments, parse, serve
from networks import NETWORKS


class Forward(nn.Module):
    """The logits of pixels in [0, 1]; the network takes [-1, 1]."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        return self.network((pixels - 0.5) * 2)


class Decision(nn.Module):
    """log F_MI under MI-OL: finds the image's label, mixes it with the N partners drawn for this label,
    one batched pass, mean of the probabilities.
    """

    def __init__(self, network, size):
        super().__init__()
        self.network = Forward(network)
        # The partners of every label. Which ones does not matter to the time, and which order not to the
        # result; but they cannot be had before the label.
        draws = torch.stack([torch.arange(size).roll(label) for label in range(LABELS)])
        self.register_buffer("draws", draws, persistent=False)

    def drawn(self, image, partners):
        return partners[self.draws[self.network(image).argmax(dim=1)[0]]]

    def forward(self, image, partners):
        mixed = RATIO * image + (1 - RATIO) * self.drawn(image, partners)
        return functional.softmax(self.network(mixed), dim=1).mean(dim=0, keepdim=True).log()


class Loop(Decision):
    """The same, one mixture at a time, as the paper's code does it."""

    def forward(self, image, partners):
        total = torch.zeros(1, LABELS)
        for partner in self.drawn(image, partners):
            mixed = RATIO * image + (1 - RATIO) * partner
            total = total + functional.softmax(self.network(mixed), dim=1)
        return (total / len(partners)).log()


class Search:
    """An attack within 2/255 through MI-OL, and a decision on what it found; chunk by chunk.

    The gradient is that of a loss of the mean probability over 10 mixtures, all mixtures of a chunk of images in one
    batch. One by one it is the mean of ten gradients, each through one mixture, as torchattacks' EOTPGD and AutoAttack's
    code for randomised defences have it. PGD of 20 or 50 steps follows the log odds; APGD of 50 steps, by the code of its
    authors, the cross-entropy.
    """

    RADIUS = 2 / 255
    CHUNKS = [1, 2, 4, 8, 16, 32, 64]

    def __init__(self, kind, model, files, size, layout, one_by_one):
        self.model, self.layout = model, layout
        self.passes, self.mixtures_a_pass = (10, 1) if one_by_one else (1, 10)
        self.attacked = self.by_apgd if kind == "search-apgd" else self.by_pgd
        self.steps = 50 if kind in ("search-apgd", "search-50") else 20
        self.images, self.labels = self.read(files, "trained-images")
        self.images, self.labels = self.images[:size], self.labels[:size]
        self.pool, labels = self.read(files, "trained-pool")
        self.members = [torch.nonzero(labels == label)[:, 0] for label in range(LABELS)]
        self.chunk = min(self.chunks(), key=self.seconds)
        print(f"search: chunks of {self.chunk} images", file=sys.stderr)

    def read(self, files, name):
        labels = numpy.fromfile(files.folder / f"{name}.labels", "u1")
        return torch.from_numpy(files.images(len(labels), name)), torch.from_numpy(labels).long()

    def chunks(self):
        return [chunk for chunk in self.CHUNKS if chunk <= len(self.images)]

    def seconds(self, chunk):
        """Of the second of two short searches of a few images, for one image."""
        count = max(chunk, 8)
        for _ in range(2):
            start = time.perf_counter()
            self(chunk, steps=2, count=count)
        return (time.perf_counter() - start) / count

    def mixtures(self, x, count):
        with torch.no_grad():
            predicted = self.model(x).argmax(dim=1)
        labels = (predicted[:, None] + torch.randint(1, LABELS, (len(x), count))) % LABELS
        partners = torch.stack([
            members[torch.randint(len(members), ())]
            for members in (self.members[label] for label in labels.flatten().tolist())])
        mixed = RATIO * x[:, None] + (1 - RATIO) * self.pool[partners].view(len(x), count, *x.shape[1:])
        return mixed.flatten(0, 1).contiguous(memory_format=self.layout)

    def log_means(self, x, count):
        logits = functional.log_softmax(self.model(self.mixtures(x, count)), dim=1)
        return logits.view(len(x), count, LABELS).logsumexp(dim=1) - math.log(count)

    def by_apgd(self, x, y, steps):
        from pyautoattack.autopgd_base import APGDAttack

        attack = APGDAttack(
            lambda x: self.log_means(x, self.mixtures_a_pass), n_iter=steps, eps=self.RADIUS, eot_iter=self.passes,
            device="cpu")
        # One start for all images of a chunk, so that a compiled network meets the same few shapes.
        attack.init_hyperparam(x)
        *_, found = attack.attack_single_run(x, y)
        return found

    def by_pgd(self, x, y, steps):
        radius = self.RADIUS
        low, high = (x - radius).clamp(min=0), (x + radius).clamp(max=1)
        others = functional.one_hot(y, LABELS).bool()
        found = (x + radius * (2 * torch.rand_like(x) - 1)).clamp(0, 1)
        for _ in range(steps):
            found.requires_grad_()
            gradient = 0
            for _ in range(self.passes):
                means = self.log_means(found, self.mixtures_a_pass)
                odds = means.masked_fill(others, -math.inf).logsumexp(dim=1) - means[others]
                gradient = gradient + torch.autograd.grad(odds.sum(), found)[0]
            found = found.detach() + radius / 4 * gradient.sign()
            found = torch.maximum(torch.minimum(found, high), low)
        return found

    def __call__(self, chunk=None, steps=None, count=None):
        chunk, right = chunk or self.chunk, []
        for x, y in zip(self.images[:count].split(chunk), self.labels[:count].split(chunk)):
            found = self.attacked(x, y, steps or self.steps)
            with torch.no_grad():
                right.append(self.log_means(found, 30).argmax(dim=1) == y)
        return torch.cat(right).float()


def load(files, name):
    """The network with the checkpoint's tensors, every one of them."""
    network = NETWORKS[name.removeprefix("trained-")]()
    tensors = {key: torch.from_numpy(value) for key, value in files.checkpoint(name).items()}
    problems = network.load_state_dict(tensors, strict=False)
    missing = [key for key in problems.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or problems.unexpected_keys:
        raise ValueError(f"{name}: missing {missing}, unused {problems.unexpected_keys}")
    return network


def model_of(kind, network, size, loops=False):
    if kind != "decision":
        return Forward(network)
    return (Loop if loops else Decision)(network, size)


def quantized(model, inputs, batches):
    """A model's int8 form by torchao's quantizer for x86, made from batches of images: unsigned activations, signed weights
    per channel.

    Exported strictly, as the quantizer takes no module that is called twice otherwise, such as a block's only ReLU.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    with torch.no_grad():
        prepared = prepare_pt2e(torch.export.export(model, inputs, strict=True).module(), quantizer)
        for batch in batches:
            prepared(torch.from_numpy(batch))
        return convert_pt2e(prepared)


def prepare(files, mode, kind, name, size):
    layout = torch.channels_last if mode == "channels-last" else torch.contiguous_format
    if kind.startswith("search"):
        model = Forward(load(files, f"trained-{name}").to(memory_format=layout))
        model.eval().requires_grad_(False)
        if mode == "inductor":
            # A search has three shapes for every size of a chunk; behind its limit of compiled ones the compiler would go
            # on without compiling.
            torch._dynamo.config.recompile_limit = 4 * len(Search.CHUNKS)
            model = torch.compile(model, dynamic=False)
        search = Search(kind, model, files, size, layout, one_by_one=mode == "loop")
        return search, lambda: search().numpy()
    network = load(files, name)
    inputs = [torch.from_numpy(array) for array in files.inputs(kind, name, size)]
    labels = torch.arange(size) % LABELS
    if mode == "channels-last":
        network = network.to(memory_format=layout)
        inputs = [x.contiguous(memory_format=layout) for x in inputs]
    model = model_of(kind, network, size, loops=mode == "loop")
    parameters = [value for _, value in sorted(network.named_parameters())]
    if kind == "training":
        optimiser = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=5e-4)
    else:
        model.eval().requires_grad_(False)
    if mode == "int8":
        model = quantized(model, tuple(inputs), files.batches(size))
    if mode in ("inductor", "int8"):
        torch._inductor.config.freezing = kind in ("forward", "decision", "certification")
        model = torch.compile(model, dynamic=False)
    if kind == "certification":
        run = certification(model, inputs[0], layout)
        return run, run

    def infer():
        with torch.inference_mode():
            return model(*inputs)

    def attack():
        images = inputs[0].detach().requires_grad_()
        loss = functional.cross_entropy(model(images), labels, reduction="sum")
        return torch.autograd.grad(loss, images)[0]

    def train():
        optimiser.zero_grad()
        functional.cross_entropy(model(*inputs), labels).backward()
        optimiser.step()

    def move():
        """By how much one step moves the parameters."""
        before = [value.detach().clone() for value in parameters]
        train()
        return torch.cat([(p - q).detach().flatten() for p, q in zip(parameters, before)])

    run = {"attack": attack, "training": train}.get(kind, infer)
    output = move if kind == "training" else run
    return run, lambda: output().numpy()


def certification(model, images, layout):
    def classes(image, count):
        with torch.inference_mode():
            copies = torch.randn(count, *image.shape).mul_(Certification.DEVIATION).add_(image)
            return model(copies.contiguous(memory_format=layout)).argmax(dim=1).numpy()

    return Certification(images, classes)


def export(files, kind, name, size):
    path = files.graph(kind, name, size)
    if path.exists():
        return
    model = model_of(kind, load(files, name), size).eval()
    inputs = tuple(torch.from_numpy(array) for array in files.inputs(kind, name, size))
    unfinished = path.with_suffix(".unfinished")
    free = {}
    if kind == "certification":  # noisy copies come in batches of more than one size
        free = {"input_names": ["images"], "dynamic_axes": {"images": {0: "n"}}}
    torch.onnx.export(model, inputs, str(unfinished), dynamo=False, **free)
    unfinished.rename(path)


def main():
    options = arguments(__doc__)
    torch.set_num_threads(options.threads)
    files = Files(options.folder)
    if options.mode == "export":
        for work in sys.stdin.read().split():
            export(files, *parse(work))
    else:
        serve(lambda *work: prepare(files, options.mode, *work))


if __name__ == "__main__":
    main()
