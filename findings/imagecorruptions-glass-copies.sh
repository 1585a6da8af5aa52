#!/usr/bin/env bash
# Library: imagecorruptions 1.1.2 (PyPI), `glass_blur`; the line is that of ImageNet-C, whose code it follows
# Guess: between its two Gaussian filters glass blur "locally shuffles pixels", by swapping each with one nearby: a
#   permutation, after which each pixel is still there once.
# Behaviour: the swap assigns one row of an array to another and back, and both are views into the same memory. The second
#   assignment copies what the first has just written; one of the two pixels is overwritten and its neighbour stands there
#   twice. Of 4096 pixels 1350 to 2260 are left, fewest at severity 3. A smooth image ends up farthest from the clean one
#   there, and farther at severity 1 than at 2, where with a swap that swaps the distance grows with the severity.
# Seen: 2026-12-01. Nothing was found about it upstream. The package wants an argument that scikit-image no longer has for
#   Python 3.11; it is translated here.
#   imagecorruptions 1.1.2, scikit-image 0.20.0, numpy 1.26.4
#   an image of 4096 different pixels without the Gaussian filters: how many are left; and a smooth image with them:
#     mean squared distance from the clean one
#     severity 1: imagecorruptions 2253, with a swap 4096; distance 1065 and with a swap 974
#     severity 2: imagecorruptions 2258, with a swap 4096; distance 978 and with a swap 993
#     severity 3: imagecorruptions 1350, with a swap 4096; distance 2227 and with a swap 1726
#     severity 4: imagecorruptions 1642, with a swap 4096; distance 1941 and with a swap 1841
#     severity 5: imagecorruptions 1718, with a swap 4096; distance 2182 and with a swap 2171
#   severity 3: 2746 pixels of the image are nowhere any more
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==1.26.4 scipy==1.11.4 scikit-image==0.20.0 \
    opencv-python-headless==4.11.0.86 setuptools==75.8.0 &&
  "$work/venv/bin/pip" install --quiet --no-deps imagecorruptions==1.1.2; } ||
  { echo "imagecorruptions 1.1.2 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from imagecorruptions import corrupt, corruptions
from skimage.filters import gaussian

names = "imagecorruptions", "scikit-image", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
size = 64
settings = [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)]
random = np.random.default_rng(0)


def blur(image, sigma, multichannel):
    return gaussian(image, sigma=sigma, channel_axis=-1)


def keep(image, sigma, multichannel):
    return image


def glass(image, severity, filtered):
    corruptions.gaussian = filtered
    np.random.seed(0)
    return corrupt(image, severity, "glass_blur")


def by_hand(image, severity, filtered):
    # The same steps and the same random numbers, with a swap that keeps the pixel it is about to overwrite.
    sigma, reach, turns = settings[severity - 1]
    np.random.seed(0)
    image = np.uint8(filtered(image / 255.0, sigma, True) * 255)
    for _ in range(turns):
        for row in range(size - reach, reach, -1):
            for column in range(size - reach, reach, -1):
                right, down = np.random.randint(-reach, reach, size=2)
                kept = image[row, column].copy()
                image[row, column] = image[row + down, column + right]
                image[row + down, column + right] = kept
    return np.uint8(np.clip(filtered(image / 255.0, sigma, True), 0, 1) * 255)


def distinct(image):
    return len(np.unique(image.reshape(-1, 3), axis=0))


# All pixels different, in steps that survive the way to fractions and back.
number = np.arange(size * size)
levels = np.array([k for k in range(256) if np.uint8(np.uint8(k / 255.0 * 255) / 255.0 * 255) == k])[:64]
marked = np.stack([levels[number % 64], levels[number // 64], np.zeros_like(number)], -1)
marked = marked.reshape(size, size, 3).astype(np.uint8)
smooth = gaussian(random.normal(size=(size, size, 3)), sigma=1.5, channel_axis=-1)
photo = np.uint8(np.clip(128 + 60 * smooth / smooth.std(), 0, 255))
seen = []
print(f"an image of {distinct(marked)} different pixels without the Gaussian filters: how many are left; and a smooth image "
      "with them: mean squared distance from the clean one")
for severity in range(1, 6):
    left = distinct(glass(marked, severity, keep)), distinct(by_hand(marked, severity, keep))
    distance = [
        ((function(photo, severity, blur).astype(float) - photo) ** 2).mean() for function in (glass, by_hand)]
    seen.append((left, distance))
    print(f"  severity {severity}: imagecorruptions {left[0]}, with a swap {left[1]}; distance {distance[0]:.0f} and with a "
          f"swap {distance[1]:.0f}")
changed = glass(marked, 3, keep)
lost = sorted(set(map(tuple, marked.reshape(-1, 3))) - set(map(tuple, changed.reshape(-1, 3))))
print(f"severity 3: {len(lost)} pixels of the image are nowhere any more")
library, swapped = np.array([distance for _, distance in seen]).T
holds = distinct(marked) == size * size and len(lost) > 2000 and all(
    left[0] < 2600 and left[1] == size * size for left, _ in seen)
holds = holds and library.argmax() == 2 and library[0] > library[1] and (np.diff(swapped) > 0).all()
raise SystemExit(0 if holds else 1)
PY
