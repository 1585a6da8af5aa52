#!/usr/bin/env bash
# Library: Frouros 0.9.0 (PyPI), `KuiperTest`
# Guess: the statistic of `KuiperTest` is Kuiper's, the largest distance of the two empirical distributions above plus the
#   largest below, as `astropy.stats.kuiper_two`, whose function for the p-value it says it takes over. Samples of
#   one distribution are rejected at 5% in 5% of all cases, and a change of the spread is found more often than by the
#   Kolmogorov-Smirnov test.
# Behaviour: the statistic is that of Kolmogorov and Smirnov, the larger of the two distances, looked up in the
#   distribution of Kuiper. The p-values are too large throughout: a spread of 1.35 instead of 1, which Kuiper's
#   test finds in nine of ten cases, is found in one of ten, and without a change nothing is ever rejected.
# Seen: 2026-12-01. Nothing was found about it upstream.
#   frouros 0.9.0, astropy 7.1.1, scipy 1.15.3, numpy 2.1.3
#   rejected at 5%, of 200 pairs of samples of 300
#     no change, the first pair: Frouros, Kuiper 0.0700 (p 0.94); Astropy, Kuiper 0.1000 (p 0.46); by hand 0.1000;
#       Frouros, Kolmogorov-Smirnov 0.0700 (p 0.45)
#     no change: Frouros, Kuiper 0; Astropy, Kuiper 10; Frouros, Kolmogorov-Smirnov 8
#     spread 1.35 instead of 1, the first pair: Frouros, Kuiper 0.1567 (p 0.014); Astropy, Kuiper 0.2300 (p 5.6e-06);
#       by hand 0.2300; Frouros, Kolmogorov-Smirnov 0.1567 (p 0.0012)
#     spread 1.35 instead of 1: Frouros, Kuiper 18; Astropy, Kuiper 186; Frouros, Kolmogorov-Smirnov 103
#     two peaks instead of one, the first pair: Frouros, Kuiper 0.1200 (p 0.18); Astropy, Kuiper 0.2067 (p 0.0001); by
#       hand 0.2067; Frouros, Kolmogorov-Smirnov 0.1200 (p 0.027)
#     two peaks instead of one: Frouros, Kuiper 15; Astropy, Kuiper 161; Frouros, Kolmogorov-Smirnov 83
#     shifted by 0.25, the first pair: Frouros, Kuiper 0.1600 (p 0.011); Astropy, Kuiper 0.1600 (p 0.011); by hand
#       0.1600; Frouros, Kolmogorov-Smirnov 0.1600 (p 0.00091)
#     shifted by 0.25: Frouros, Kuiper 77; Astropy, Kuiper 97; Frouros, Kolmogorov-Smirnov 144
#   Frouros's statistic is that of Kolmogorov and Smirnov in all pairs: True; Astropy's is Kuiper's: True
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.1.3 scipy==1.15.3 astropy==7.1.1 tqdm==4.67.1 requests==2.32.5 \
    matplotlib==3.10.7 &&
  "$work/venv/bin/pip" install --quiet --no-deps frouros==0.9.0; } ||
  { echo "Frouros 0.9.0 cannot be installed" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" HOME="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from astropy.stats import kuiper_two
from frouros.detectors.data_drift import KSTest, KuiperTest

names = "frouros", "astropy", "scipy", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
count, repeats = 300, 200


def by_hand(first, second):
    # Kuiper's statistic from both empirical distributions at all values.
    places = np.concatenate([first, second])
    distance = (np.searchsorted(np.sort(first), places, side="right")
                - np.searchsorted(np.sort(second), places, side="right")) / count
    return max(distance.max(), 0) + max(-distance.min(), 0), np.abs(distance).max()


kinds = {
    "no change": lambda: random.normal(size=count),
    "spread 1.35 instead of 1": lambda: random.normal(scale=1.35, size=count),
    "two peaks instead of one": lambda: random.choice([-1, 1], count) * 0.85 + random.normal(scale=0.53, size=count),
    "shifted by 0.25": lambda: random.normal(0.25, 1, count),
}
shares, equal, right = {}, True, True
print(f"rejected at 5%, of {repeats} pairs of samples of {count}")
for kind, draw in kinds.items():
    rejected = np.zeros(3, int)
    for turn in range(repeats):
        first, second = random.normal(size=count), draw()
        detector, other = KuiperTest(), KSTest()
        detector.fit(X=first)
        other.fit(X=first)
        found, ks, kuiper = detector.compare(X=second)[0], other.compare(X=second)[0], kuiper_two(first, second)
        rejected += np.array([found.p_value, ks.p_value, kuiper[1]]) < 0.05
        kuiper_by_hand, ks_by_hand = by_hand(first, second)
        equal = equal and abs(found.statistic - ks_by_hand) < 1e-9 and abs(ks.statistic - ks_by_hand) < 1e-9
        right = right and abs(kuiper[0] - kuiper_by_hand) < 1e-9
        if turn == 0:
            print(f"  {kind}, the first pair: Frouros, Kuiper {found.statistic:.4f} (p {found.p_value:.2g}); Astropy, Kuiper "
                  f"{kuiper[0]:.4f} (p {kuiper[1]:.2g}); by hand {kuiper_by_hand:.4f}; Frouros, Kolmogorov-Smirnov "
                  f"{ks.statistic:.4f} (p {ks.p_value:.2g})")
    shares[kind] = rejected
    print("  {}: Frouros, Kuiper {}; Astropy, Kuiper {}; Frouros, Kolmogorov-Smirnov {}".format(
        kind, rejected[0], rejected[2], rejected[1]))
print(f"Frouros's statistic is that of Kolmogorov and Smirnov in all pairs: {equal}; Astropy's is Kuiper's: {right}")
none, spread, peaks, _ = shares.values()
holds = equal and right and none[0] <= 2 and none[2] >= 4 and all(
    kind[2] > 3 * kind[0] + 20 and kind[2] > kind[1] for kind in (spread, peaks))
raise SystemExit(0 if holds else 1)
PY
