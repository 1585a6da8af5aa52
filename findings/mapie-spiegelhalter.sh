#!/usr/bin/env bash
# Library: MAPIE 1.6.0 (PyPI)
# Guess: `spiegelhalter_p_value`, documented as the probability of the statistic "under the null hypothesis of perfect
#   calibration", is small for scores that are not calibrated, be they too bold or too modest, as
#   `kolmogorov_smirnov_p_value` beside it is.
# Behaviour: it is the upper tail alone. Scores that are too modest, as those of networks trained with mixup often are,
#   make the statistic negative and have p-values of 1: the worse they are, the better calibrated they look, and of 200
#   sets none is rejected. The statistic's own documentation says that it is the better, the closer to zero.
# Seen: 2026-11-30. Nothing was found about it upstream.
#   mapie 1.6.0, numpy 2.2.6, scipy 1.15.3
#   rejected at 5%, of 200 sets of 500 scores, and the median p-value
#     calibrated: MAPIE, Spiegelhalter 12 (p 0.54); by hand, two-sided 12 (p 0.46); MAPIE, Kolmogorov-Smirnov 10 (p 0.49)
#     too bold, logits times 2: MAPIE, Spiegelhalter 200 (p 0); by hand, two-sided 200 (p 5.8e-20); MAPIE,
#       Kolmogorov-Smirnov 200 (p 6.9e-11)
#     too modest, logits halved: MAPIE, Spiegelhalter 0 (p 1); by hand, two-sided 200 (p 6.7e-08); MAPIE,
#       Kolmogorov-Smirnov 196 (p 6.6e-06)
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet mapie==1.6.0 numpy==2.2.6 scipy==1.15.3 scikit-learn==1.7.2; } ||
  { echo "MAPIE 1.6.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from mapie.metrics.calibration import kolmogorov_smirnov_p_value, spiegelhalter_p_value
from scipy.special import expit, logit
from scipy.stats import norm

print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("mapie", "numpy", "scipy")))


def by_hand(right, score):
    # The Brier score, standardised by its mean and variance where the scores are the probabilities.
    z = ((right - score) ** 2).sum() - (score * (1 - score)).sum()
    z /= np.sqrt((score * (1 - score) * (1 - 2 * score) ** 2).sum())
    return 2 * norm.sf(abs(z))


random = np.random.default_rng(0)
tests = {"MAPIE, Spiegelhalter": spiegelhalter_p_value, "by hand, two-sided": by_hand,
         "MAPIE, Kolmogorov-Smirnov": kolmogorov_smirnov_p_value}
repeats, count = 200, 500
rejected = {}
print(f"rejected at 5%, of {repeats} sets of {count} scores, and the median p-value")
for name, factor in {"calibrated": 1, "too bold, logits times 2": 2, "too modest, logits halved": 0.5}.items():
    values = {test: [] for test in tests}
    for _ in range(repeats):
        # Confidence in the answer given, and whether it is right.
        probability = random.uniform(0.5, 1, count)
        right = (random.random(count) < probability).astype(int)
        score = expit(factor * logit(probability))
        for test, p_value in tests.items():
            values[test].append(p_value(right, score))
    rejected[name] = [int((np.array(values[test]) < 0.05).sum()) for test in tests]
    print(f"  {name}: " + "; ".join(
        f"{test} {number} (p {np.median(values[test]):.2g})" for test, number in zip(tests, rejected[name])))
calibrated, bold, modest = rejected.values()
holds = (
    all(number < repeats / 8 for number in calibrated) and all(number > repeats * 0.9 for number in bold)
    and modest[0] == 0 and min(modest[1:]) > repeats / 2)
raise SystemExit(0 if holds else 1)
PY
