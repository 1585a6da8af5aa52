#!/usr/bin/env bash
# Library: Keras 3.15.1 (PyPI), layers MixUp and CutMix, PyTorch 2.13.0 as backend
# Guess: The weights of a mixed label are those of the images in the mixture, or of their pixels: CutMix counts the pixels
#   that it pasted. Labels that are numbers of classes are mixed as classes, or refused.
# Behaviour: CutMix weighs labels by the area of a box between pixels, of which it pastes whole pixels: on 8 x 8 images the label
#   is wrong by up to a quarter, on 32 x 32 by up to a sixteenth, and more often against the image than for it; on large ones
#   within a hundredth. Numbers of classes are averaged, each with the weights of all: of 8 labels both layers make 8 x 8 numbers
#   such as 1.95. No error, no warning.
# Seen: 2026-12-01:
#   Keras 3.15.1
#   share of the own label less that of the own pixels, CutMix of 2560 images:
#     8 x 8: mean -0.054, largest 0.234, too small for 67%
#     32 x 32: mean -0.007, largest 0.062, too small for 52%
#     224 x 224: mean -0.000, largest 0.009, too small for 28%
#   8 numbers of classes become:
#     MixUp: 8 x 8 numbers, the first 1.95 1.00 3.95
#     CutMix: 8 x 8 numbers, the first 2.27 1.00 3.82
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet keras==3.15.1 torch==2.13.0 numpy==2.4.6; } ||
  { echo "Keras 3.15.1 and PyTorch 2.13.0 cannot be installed" >&2; exit 2; }
KERAS_BACKEND=torch KERAS_HOME=$work "$work/venv/bin/python" -W ignore - <<'PY'
import keras
import numpy as np

print("Keras", keras.__version__)
count = 64
holds = True
print("share of the own label less that of the own pixels, CutMix of", 40 * count, "images:")
for size in 8, 32, 224:
    own = np.arange(count, dtype=np.float32)
    images = own[:, None, None, None] * np.ones([1, size, size, 1], np.float32)
    labels = np.eye(count, dtype=np.float32)
    apart = []
    for seed in range(40):
        mixed = keras.layers.CutMix(seed=seed, data_format="channels_last")(
            {"images": images, "labels": labels}, training=True)
        found, weights = (keras.ops.convert_to_numpy(mixed[name]) for name in ("images", "labels"))
        pixels = (found == images).mean((1, 2, 3))
        # An image that is its own partner is whole.
        apart += [weights[i, i] - pixels[i] for i in range(count) if pixels[i] < 1]
    apart = np.array(apart)
    print(f"  {size} x {size}: mean {apart.mean():.3f}, largest {abs(apart).max():.3f}, too small for {(apart < -1e-3).mean():.0%}")
    holds &= bool(abs(apart).max() > 1 / size and apart.mean() < 0)

print("8 numbers of classes become:")
images = np.ones([8, 8, 8, 1], np.float32)
for layer in keras.layers.MixUp(seed=1), keras.layers.CutMix(seed=1):
    mixed = layer({"images": images, "labels": np.arange(8)}, training=True)
    mixed = keras.ops.convert_to_numpy(mixed["labels"])
    print(f"  {type(layer).__name__}:", " x ".join(map(str, mixed.shape)), "numbers, the first", *(f"{n:.2f}" for n in mixed.ravel()[:3]))
    holds &= mixed.shape == (8, 8)
raise SystemExit(0 if holds else 1)
PY
