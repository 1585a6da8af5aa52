#!/usr/bin/env bash
# Library: binomial_cis 0.0.12 (PyPI)
# Guess: `binom_ci(..., randomized=False)`, documented as solving for bounds that are not randomised, gives the same
#   numbers for the same counts, whether one bound or both are asked for.
# Behaviour: with one bound it does. With both ("lb,ub") the option is not handed on, and every call draws another
#   interval. Of 10 images, all right, the interval may be [0.70, 1] and may be the single point [1, 1], so that
#   whoever calls it twice has a choice. Such intervals cover at 95% only on average of what is drawn. No warning.
# Seen: 2026-11-30. Nothing was found about it upstream.
#   binomial_cis 0.0.12
#   20 calls with randomized=False: how many answers, between which; two-sided interval by Clopper and Pearson
#     10 of 10, lb: 1: 0.741 to 0.741
#     10 of 10, ub: 1: 1.000 to 1.000
#     10 of 10, lb,ub: 20: 0.698 to 1.000, 1.000 to 1.000
#       exact: 0.692 to 1.000
#     8 of 10, lb: 1: 0.493 to 0.493
#     8 of 10, ub: 1: 0.963 to 0.963
#     8 of 10, lb,ub: 20: 0.443 to 0.552, 0.961 to 0.994
#       exact: 0.444 to 0.975
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet binomial_cis==0.0.12 numba==0.61.2 numpy==2.2.6 scipy==1.15.3; } ||
  { echo "binomial_cis 0.0.12 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
import scipy.stats
from binomial_cis import binom_ci

print("binomial_cis", importlib.metadata.version("binomial_cis"))


def exact(right, count):
    return [
        float(scipy.stats.beta.ppf(0.025, right, count - right + 1)) if right else 0.0,
        float(scipy.stats.beta.ppf(0.975, right + 1, count - right)) if right < count else 1.0]


print("20 calls with randomized=False: how many answers, between which; two-sided interval by Clopper and Pearson")
np.random.seed(0)
different, least = {}, {}
for right, count in (10, 10), (8, 10):
    for side in "lb", "ub", "lb,ub":
        found = np.array([
            np.atleast_1d(binom_ci(right, count, 0.05, side, verbose=False, randomized=False)) for _ in range(20)])
        different[right, count, side] = len(np.unique(found, axis=0))
        ends = ", ".join(f"{low:.3f} to {high:.3f}" for low, high in zip(found.min(0), found.max(0)))
        print(f"  {right} of {count}, {side}: {different[right, count, side]}: {ends}")
        if side == "lb,ub":
            least[right, count] = (found[:, 1] - found[:, 0]).min()
    low, high = exact(right, count)
    print(f"    exact: {low:.3f} to {high:.3f}")
holds = all(times > 10 if side == "lb,ub" else times == 1 for (*_, side), times in different.items())
holds &= all(width < 0.5 * np.diff(exact(*key))[0] for key, width in least.items() if key[0] in (0, key[1]))
raise SystemExit(0 if holds else 1)
PY
