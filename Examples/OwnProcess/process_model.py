"""Lets `mixup-inference evaluate --model-command 'python3 yours.py'` ask a model that is written in Python.

    import process_model                      # first: from here on prints go to standard error
    network = ...                             # a torch.nn.Module, loaded and on its device
    process_model.serve(process_model.torch_model(network), shape=(3, 32, 32), classes=10, name="mine")

A model is a function of images [n, channels, height, width], float32 from 0 to 1, of seeds [n], uint64, and of
whether the gradient will be asked for. It returns logits [n, classes] and, if so, a function that takes outputs
[n, classes] and returns the gradient of sum(logits * outputs) in the images. A randomised model draws what it draws
for an image from that image's seed alone, so that the same seed gives the same logits in every batch.

The protocol is described in Sources/ProcessModel/ProcessModel.docc/Protocol.md. Needs numpy only.
"""

import hashlib
import os
import struct
import sys
import traceback

import numpy as np

_answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what is printed by mistake is no answer

VERSION, MAGIC = 1, b"\x93MIP"
HELLO, LOGITS, TRACKED_LOGITS, GRADIENT, FORGET, FAILURE = 1, 2, 3, 4, 5, 255


def serve(model, *, shape, classes, name, randomised=False, gradients=True, batch=64, passes=1, files=()):
    """Answers questions about the model until nobody asks any more.

    batch is the most images of a question and as many as suit the model (a GPU likes some hundred); passes are the
    forward passes of a decision, in which costs are counted. The model's identity is the SHA-256 of this program and
    of the given files: name all that the answers depend on, such as the weights, or results that are kept under it
    may be another model's."""
    digest = hashlib.sha256()
    program = [sys.argv[0]] if os.path.isfile(sys.argv[0]) else []
    for file in (*program, *files):
        with open(file, "rb") as content:
            digest.update(hashlib.sha256(content.read()).digest())
    name, identity = name.encode(), b"sha256 " + digest.hexdigest().encode()
    flags = 1 * randomised + 2 * gradients
    hello = struct.pack("<8I", VERSION, flags, *shape, classes, batch, passes)
    hello += b"".join(struct.pack("<I", len(text)) + text for text in (name, identity))

    tracked = {}  # by ticket, the function that returns the gradient
    while (header := _read(16)) is not None:
        magic, kind, length = struct.unpack("<4sIQ", header)
        question = memoryview(_read(length) if magic == MAGIC else b"")
        try:
            if kind == HELLO:
                answer = hello
            elif kind in (LOGITS, TRACKED_LOGITS):
                if kind == TRACKED_LOGITS:
                    ticket, question = question[:8].tobytes(), question[8:]
                (count,) = struct.unpack("<Q", question[:8])
                seeds = np.frombuffer(question, "<u8", count, 8)
                images = np.frombuffer(question, "<f4", offset=8 + 8 * count).reshape(count, *shape)
                logits, gradient = model(images, seeds, kind == TRACKED_LOGITS)
                if kind == TRACKED_LOGITS:
                    tracked[ticket] = gradient
                answer = np.ascontiguousarray(logits, "<f4").tobytes()
            elif kind == GRADIENT:
                outputs = np.frombuffer(question, "<f4", offset=8).reshape(-1, classes)
                answer = np.ascontiguousarray(tracked.pop(question[:8].tobytes())(outputs), "<f4").tobytes()
            elif kind == FORGET:
                tracked.pop(question.tobytes(), None)
                answer = b""
            else:
                raise ValueError(f"messages of kind {kind} are unknown to version {VERSION} of the protocol")
        except Exception as error:
            traceback.print_exc()
            kind, answer = FAILURE, f"{type(error).__name__}: {error}".encode()
        try:
            _answers.write(struct.pack("<4sIQ", MAGIC, kind, len(answer)) + answer)
            _answers.flush()
        except BrokenPipeError:
            os._exit(0)


def _read(count):
    """That many bytes; None at the end."""
    data = bytearray(count)
    place = 0
    while place < count:
        found = sys.stdin.buffer.readinto(memoryview(data)[place:])
        if not found:
            return None
        place += found
    return data


def torch_model(network, randomised=False):
    """A network of PyTorch, called with the images and, if it is randomised, their seeds."""
    import torch

    if isinstance(network, torch.nn.Module):
        network.eval().requires_grad_(False)
    device = next(iter(network.parameters())).device if isinstance(network, torch.nn.Module) else "cpu"

    def model(images, seeds, tracked):
        images = torch.from_numpy(images).to(device).requires_grad_(tracked)
        with torch.set_grad_enabled(tracked):
            logits = network(images, seeds) if randomised else network(images)

        def gradient(outputs):
            return torch.autograd.grad(logits, images, torch.from_numpy(outputs).to(device))[0].cpu().numpy()

        return logits.detach().float().cpu().numpy(), gradient

    return model


def jax_model(function, randomised=False):
    """A function of JAX, called with the images and, if it is randomised, their seeds."""
    import jax

    def model(images, seeds, tracked):
        def own(images):
            return function(images, seeds) if randomised else function(images)

        if not tracked:
            return own(images), None
        logits, pullback = jax.vjp(own, images)
        return logits, lambda outputs: pullback(outputs)[0]

    return model


def noise(seeds, shape):
    """Standard normal numbers [n, *shape] for the images of these seeds: the same for the same seed."""
    return np.stack([np.random.default_rng(int(seed)).standard_normal(shape, np.float32) for seed in seeds])
