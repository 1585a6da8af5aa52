#!/usr/bin/env bash
# Library: arch 7.2.0 and scikits.bootstrap 1.1.1, beside SciPy 1.15.3 (PyPI)
# Guess: the bias-corrected and accelerated bootstrap interval of an accuracy, from ones and zeros for images that are
#   right and wrong, is 1 minus that of the error: the same images, the same question. Of the true accuracies, as many
#   lie above it as below it.
# Behaviour: both libraries find the bias from how many draws are less than the estimate, and count those that are
#   equal to it on the other side. Of accuracies these are many, more the fewer images there are, so the intervals of
#   the accuracy and of the error are both moved down: the accuracy looks lower, the error looks lower too. Of 50
#   images the true accuracy is above the interval twice as often as it should be, and below it a third as often.
#   SciPy counts an equal draw half, and gives one interval for both. This is the default of scikits.bootstrap, for
#   the mean.
# Seen: 2026-11-30. Known for SciPy's own bootstrap, where it was put right (scipy pull request 15892); for these two,
#   nothing was found.
#   arch 7.2.0, scikits.bootstrap 1.1.1, scipy 1.15.3
#   18 of 20 images right: interval of the accuracy, and 1 minus that of the error
#     arch: [0.550, 0.950], [0.750, 1.000]
#     scikits.bootstrap: [0.550, 0.950], [0.750, 1.000]
#     SciPy: [0.700, 1.000], [0.700, 1.000]
#   45 of 50 images right: interval of the accuracy, and 1 minus that of the error
#     arch: [0.760, 0.940], [0.800, 0.980]
#     scikits.bootstrap: [0.760, 0.940], [0.800, 0.980]
#     SciPy: [0.780, 0.960], [0.780, 0.960]
#   180 of 200 images right: interval of the accuracy, and 1 minus that of the error
#     arch: [0.849, 0.935], [0.860, 0.940]
#     scikits.bootstrap: [0.850, 0.935], [0.860, 0.940]
#     SciPy: [0.855, 0.935], [0.855, 0.935]
#   how often the true accuracy is above and below the interval of 50 images, on average of accuracies 0.6 to 0.9
#     arch: 4.9% above, 0.8% below
#     scikits.bootstrap: 4.9% above, 0.8% below
#     SciPy: 2.5% above, 2.1% below
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet arch==7.2.0 scikits.bootstrap==1.1.1 numpy==2.2.6 scipy==1.15.3 \
    pandas==2.3.3 statsmodels==0.15.0; } ||
  { echo "arch 7.2.0 and scikits.bootstrap 1.1.1 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import warnings

import numpy as np
import scikits.bootstrap
import scipy.stats
from arch.bootstrap import IIDBootstrap

# scikits.bootstrap says of most samples of so few values that the result may be unstable.
warnings.simplefilter("ignore")
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("arch", "scikits.bootstrap", "scipy")))
draws = 4000


def by_arch(right):
    return IIDBootstrap(right, seed=np.random.default_rng(0)).conf_int(np.mean, draws, method="bca").ravel()


def by_scikits(right):
    return scikits.bootstrap.ci(right, np.mean, method="bca", n_samples=draws, seed=0)


def by_scipy(right):
    found = scipy.stats.bootstrap((right,), np.mean, n_resamples=draws, rng=np.random.default_rng(0))
    return np.array(found.confidence_interval)


ways = {"arch": by_arch, "scikits.bootstrap": by_scikits, "SciPy": by_scipy}


def interval(way, right):
    # Where all images are right, or none, there is nothing to draw, and the point is the interval.
    return way(right) if 0 < right.sum() < len(right) else np.repeat(right.mean(), 2)


def images(count, right):
    return np.where(np.arange(count) < right, 1.0, 0.0)


apart = {}
for count, right in (20, 18), (50, 45), (200, 180):
    print(f"{right} of {count} images right: interval of the accuracy, and 1 minus that of the error")
    for name, way in ways.items():
        plain, mirrored = way(images(count, right)), 1 - way(1 - images(count, right))[::-1]
        apart[name, count] = max(abs(plain - mirrored))
        print(f"  {name}: [{plain[0]:.3f}, {plain[1]:.3f}], [{mirrored[0]:.3f}, {mirrored[1]:.3f}]")
print("how often the true accuracy is above and below the interval of 50 images, on average of accuracies 0.6 to 0.9")
accuracies = np.linspace(0.6, 0.9, 301)
chances = scipy.stats.binom.pmf(np.arange(51), 50, accuracies[:, None])
missed = {}
for name, way in ways.items():
    ends = np.array([interval(way, images(50, right)) for right in range(51)])
    above = (chances * (accuracies[:, None] > ends[:, 1] + 1e-9)).sum(1).mean()
    below = (chances * (accuracies[:, None] < ends[:, 0] - 1e-9)).sum(1).mean()
    missed[name] = above, below
    print(f"  {name}: {above:.1%} above, {below:.1%} below")
holds = (
    all(apart[name, count] > 0.01 for name in ("arch", "scikits.bootstrap") for count in (20, 50))
    and all(apart["SciPy", count] < 0.006 for count in (20, 50, 200))
    and all(missed[name][0] > 1.5 * missed["SciPy"][0] for name in ("arch", "scikits.bootstrap"))
)
raise SystemExit(0 if holds else 1)
PY
