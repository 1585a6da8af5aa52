"""What every contestant in Python has in common: the shared files and the line protocol.

A contestant is a process that is told by lines on standard input what to do:

    prepare WORK   ->  ready            WORK is KIND/NETWORK/SIZE, as in forward/resNet20/30
    run COUNT      ->  seconds S        for all COUNT executions together
    each COUNT     ->  times S S ...    for each of COUNT executions
    output FILE    ->  written COUNT    one execution's result, as so many float32

Anything wrong is answered with "error" and one line. The end of input ends the process.
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import numpy
from safetensors.numpy import load_file

LABELS = 10  # image n has the label n mod 10
RATIO = 0.5  # lambda of mixup inference


class Files:
    """The networks and images in a folder, as our own contestant writes them."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def images(self, count, name="images"):
        values = numpy.fromfile(self.folder / f"{name}.f32", "<f4").reshape(-1, 3, 32, 32)
        return values[:count].copy()

    def inputs(self, kind, network, size):
        """What one execution of a work is given, besides labels and weights."""
        if kind == "decision":
            return [self.images(1), self.images(size, f"{network}-partners")]
        return [self.images(size)]

    def batches(self, size):
        """The images to calibrate on, as whole batches for a graph of that size."""
        pool = numpy.fromfile(self.folder / "pool.f32", "<f4").reshape(-1, 3, 32, 32)
        pool = numpy.concatenate([pool] * math.ceil(size / len(pool)))
        return [pool[start:start + size].copy() for start in range(0, len(pool) - size + 1, size)]

    def checkpoint(self, network):
        """The tensors of a safetensors file by name."""
        return load_file(self.folder / f"{network}.safetensors")

    def graph(self, kind, network, size):
        """Where the ONNX file of a work lies."""
        return self.folder / f"{kind}-{network}-{size}.onnx"


class Certification:
    """The usual procedure of randomised smoothing with a fixed number of draws: the class that most of 100 noisy copies
    of an image get is counted among 1,000 others, batch by batch, in batches of the size that is fastest.

    `classes(image, count)` says which classes so many noisy copies get, as an array.
    """

    SELECTION, DRAWS, DEVIATION = 100, 1000, 0.25
    BATCHES = [100, 200, 500, 1000]

    def __init__(self, images, classes):
        self.images, self.classes = images, classes
        self.batch = min(self.BATCHES, key=self.seconds)
        print(f"certification: batches of {self.batch} copies", file=sys.stderr)

    def seconds(self, batch):
        """Of the second of two images."""
        for _ in range(2):
            start = time.perf_counter()
            self.votes(self.images[0], batch)
        return time.perf_counter() - start

    def votes(self, image, batch):
        candidate = numpy.bincount(self.classes(image, self.SELECTION)).argmax()
        return sum(
            int((self.classes(image, batch) == candidate).sum()) for _ in range(self.DRAWS // batch))

    def __call__(self):
        return numpy.array([self.votes(image, self.batch) for image in self.images], "f4")

    @classmethod
    def of_arrays(cls, images, logits):
        """That of a library which maps an array to an array."""
        random = numpy.random.default_rng(1)

        def classes(image, count):
            copies = random.standard_normal((count, *image.shape), dtype="f4")
            copies *= numpy.float32(cls.DEVIATION)
            copies += image
            return logits(copies).argmax(axis=1)

        return cls(images, classes)


def parse(work):
    kind, network, size = work.split("/")
    return kind, network, int(size)


def arguments(description):
    """The folder, the number of threads and, where there is a choice, the mode."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", help="networks and images that all contestants share")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mode", help="how the library runs a network, if there is a choice")
    return parser.parse_args()


def serve(prepare):
    """Does what the lines of standard input say until they end.

    `prepare(kind, network, size)` returns two functions: one that executes the work, and one that
    executes it and returns its result as an array.
    """
    # Libraries print what they like to standard output; answers go where it was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = output = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            if command == "prepare":
                run, output = prepare(*parse(argument))
                answer = "ready"
            elif command == "run":
                count = int(argument)
                if count > 1:  # what others have put to sleep or out of the caches does not count
                    run()
                start = time.perf_counter()
                for _ in range(count):
                    run()
                answer = f"seconds {time.perf_counter() - start!r}"
            elif command == "each":
                count = int(argument)
                if count > 1:
                    run()
                times = []
                for _ in range(count):
                    start = time.perf_counter()
                    run()
                    times.append(time.perf_counter() - start)
                answer = "times " + " ".join(map(repr, times))
            elif command == "output":
                result = numpy.ascontiguousarray(output(), "<f4")
                result.tofile(argument)
                answer = f"written {result.size}"
            else:
                answer = f"error cannot do {line.strip()!r}"
        except Exception as error:  # whatever a library throws is the answer
            answer = "error " + " ".join(f"{type(error).__name__}: {error}".split())
        print(answer, file=answers, flush=True)
