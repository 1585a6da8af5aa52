#!/usr/bin/env bash
# Library: image-similarity-measures 0.3.6 (PyPI), `fsim`, with OpenCV 4.11.0.86
# Guess: `fsim`, the feature similarity of two images of 8 bits, is made of phase congruency and of the magnitude of the
#   gradients, for which a step up and a step down count alike. Both images as negatives, or both mirrored, are as similar
#   as they were.
# Behaviour: the gradients are asked of OpenCV as unsigned numbers of 16 bits. All steps down become 0, and the squares of
#   the others wrap at 65536: a step of 200 up, whose magnitude is 3200, gets 128, one of 16 or 64 gets 0. Noise costs more
#   than a blur that does more harm, and negatives are less similar than the images were: perturbations are ranked by the
#   remainders of their edges. No warning is shown.
# Seen: 2026-11-30. Nothing was found about it upstream; its pull request 13 went through all measures to see that they are
#   right.
#   image-similarity-measures 0.3.6, opencv-python-headless 4.11.0.86, phasepack 1.5, numpy 1.26.4
#   largest gradient of a step, the library's and by hand: 8: 128 and 128, 16: 0 and 256, 64: 0 and 1024, 200: 128 and 3200, -8:
#     0 and 128, -200: 0 and 3200
#   the image itself: fsim 1.0000, as negatives 1.0000, mirrored 1.0000; with gradients by hand 1.0000, 1.0000, 1.0000
#   the image with noise: fsim 0.8198, as negatives 0.8147, mirrored 0.8171; with gradients by hand 0.9386, 0.9386, 0.9386
#   the image blurred: fsim 0.8557, as negatives 0.8458, mirrored 0.8519; with gradients by hand 0.9173, 0.9173, 0.9173
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==1.26.4 scipy==1.11.4 scikit-image==0.20.0 \
    opencv-python-headless==4.11.0.86 &&
  "$work/venv/bin/pip" install --quiet --no-deps image-similarity-measures==0.3.6 phasepack==1.5; } ||
  { echo "image-similarity-measures 0.3.6 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import cv2
import numpy as np
from image_similarity_measures import quality_metrics

names = "image-similarity-measures", "opencv-python-headless", "phasepack", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
cv2.setNumThreads(1)
own = quality_metrics._gradient_magnitude
weights = {-1: 3, 0: 10, 1: 3}


def by_hand(image, _depth):
    # Scharr's gradients, in double precision, from shifted images.
    padded = np.pad(image.astype(float), 1, mode="reflect")
    height, width = image.shape
    shift = lambda down, right: padded[1 + down:1 + down + height, 1 + right:1 + right + width]
    across = sum(weight * (shift(k, 1) - shift(k, -1)) for k, weight in weights.items())
    along = sum(weight * (shift(1, k) - shift(-1, k)) for k, weight in weights.items())
    return np.hypot(across, along)


def similarity(first, second, gradient):
    quality_metrics._gradient_magnitude = gradient
    try:
        return float(quality_metrics.fsim(first, second))
    finally:
        quality_metrics._gradient_magnitude = own


steps = {}
for step in 8, 16, 64, 200, -8, -200:
    image = np.full((5, 8), 0 if step > 0 else -step, np.uint8)
    image[:, 4:] = max(step, 0)
    steps[step] = float(own(image, cv2.CV_16U)[2, 4]), float(by_hand(image, None)[2, 4])
print("largest gradient of a step, the library's and by hand:",
      ", ".join(f"{step}: {found:.0f} and {right:.0f}" for step, (found, right) in steps.items()))
random = np.random.default_rng(0)
smooth = cv2.GaussianBlur(random.normal(size=(96, 96, 3)), (0, 0), 3)
image = np.clip(300 * smooth + 128, 0, 255).astype(np.uint8)
changed = {
    "itself": image,
    "with noise": np.clip(image + 5 * random.normal(size=image.shape), 0, 255).astype(np.uint8),
    "blurred": cv2.GaussianBlur(image, (0, 0), 1.8),
}
seen = {}
for name, other in changed.items():
    seen[name] = [
        similarity(a, b, gradient) for gradient in (own, by_hand)
        for a, b in ((image, other), (255 - image, 255 - other), (image[:, ::-1].copy(), other[:, ::-1].copy()))]
    print(f"the image {name}: fsim {seen[name][0]:.4f}, as negatives {seen[name][1]:.4f}, mirrored {seen[name][2]:.4f}; "
          "with gradients by hand " + ", ".join(f"{value:.4f}" for value in seen[name][3:]))
noise, blur = seen["with noise"], seen["blurred"]
holds = (
    steps[-200][0] == 0 and steps[-8][0] == 0 and steps[200][0] < 200 < steps[200][1]
    and all(abs(value - 1) < 1e-9 for value in seen["itself"])
    and noise[0] < blur[0] - 0.02 and noise[3] > blur[3] and abs(noise[0] - noise[1]) > 1e-3
    and abs(noise[3] - noise[4]) < 1e-6)
raise SystemExit(0 if holds else 1)
PY
