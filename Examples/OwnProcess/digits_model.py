"""A classifier of the embedded digits in numpy, alone or behind a random defence, for `--model-command`.

    mixup-inference evaluate --model-command 'python3 Examples/OwnProcess/digits_model.py' ...
    mixup-inference evaluate --model-command 'python3 Examples/OwnProcess/digits_model.py 0.2' ...

The number is the standard deviation of noise on the pixels: the answer is then the log of the mean probabilities of
ten noisy copies, whose noise follows from the image's seed. --no-gradients hides the gradient.
"""

import pathlib
import sys

import process_model
import numpy as np

words = [word for word in sys.argv[1:] if word != "--no-gradients"]
deviation, copies = (float(words[0]), 10) if words else (0, 1)

# Hidden units at random, and the outputs that fit best by ridge regression.
data = pathlib.Path(__file__).parents[2] / "Sources/CDigits/digits.bin"
records = np.fromfile(data, np.uint8).reshape(-1, 65)[:3823]
images, labels = records[:, :64] / 16, records[:, 64]
random = np.random.default_rng(1)
inner = random.standard_normal((64, 256)) / 4
bias = random.standard_normal(256)
hidden = np.tanh(images @ inner + bias)
outer = np.linalg.solve(hidden.T @ hidden + np.eye(256), hidden.T @ (20 * np.eye(10)[labels]))
inner, bias, outer = (array.astype(np.float32) for array in (inner, bias, outer))


def model(images, seeds, tracked):
    n = len(images)
    inputs = np.repeat(images.reshape(n, 1, 64), copies, axis=1)
    if deviation:
        inputs += np.float32(deviation) * process_model.noise(seeds, (copies, 64))
    hidden = np.tanh(inputs @ inner + bias)
    logits = hidden @ outer
    if not deviation:
        probabilities, answer = None, logits[:, 0]
    else:
        probabilities = np.exp(logits - logits.max(axis=2, keepdims=True))
        probabilities /= probabilities.sum(axis=2, keepdims=True)
        answer = np.log(probabilities.mean(axis=1))

    def gradient(outputs):
        if not deviation:
            g = outputs[:, None]
        else:
            g = probabilities * (outputs / probabilities.sum(axis=1))[:, None]
            g -= probabilities * g.sum(axis=2, keepdims=True)
        return (((g @ outer.T) * (1 - hidden**2)) @ inner.T).sum(axis=1)

    return answer, gradient


process_model.serve(
    model, shape=(1, 8, 8), classes=10, name=f"numpy-noise-{deviation}" if deviation else "numpy",
    randomised=deviation > 0, gradients="--no-gradients" not in sys.argv, passes=copies, files=[data])
