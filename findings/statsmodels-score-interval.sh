#!/usr/bin/env bash
# Library: statsmodels 0.15.0 (PyPI)
# Guess: `confint_proportions_2indep(..., compare="diff", method="score")`, the interval of Miettinen and Nurminen for
#   the difference of two accuracies, changes sign when the two are swapped, is symmetric when both are equal, and
#   covers the differences that the score test does not reject at 5%.
# Behaviour: It does none of these. For 3 of 10 against 3 of 10 it is [-0.363, 0.386]; the interval from the definition,
#   with the likelihood maximised numerically, is [-0.393, 0.393]. It is too narrow at every size tried, and for 7 of
#   10 against 3 of 10, where the definition gives [-0.049, 0.715], the call fails.
# Seen: 2026-11-28:
#   statsmodels 0.15.0
#   3/10 - 3/10: statsmodels [-0.3629, 0.3857], by definition [-0.3931, 0.3931]
#   30/100 - 30/100: statsmodels [-0.1259, 0.1263], by definition [-0.1270, 0.1270]
#   45/500 - 40/500: statsmodels [-0.0249, 0.0451], by definition [-0.0250, 0.0452]
#   40/500 - 45/500: statsmodels [-0.0450, 0.0249], by definition [-0.0452, 0.0250]
#   7/10 - 3/10: statsmodels fails: f(a) and f(b) must have different signs, by definition [-0.0491, 0.7146]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "statsmodels 0.15.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
from math import log, log1p, sqrt

from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

print("statsmodels", importlib.metadata.version("statsmodels"))
z = norm.ppf(0.975)


def score(a, n, b, m, difference):
    """The statistic of the score test of p1 - p2 = difference, with Miettinen and Nurminen's factor."""

    def cost(p):
        q = p + difference
        return -(a * log(q) + (n - a) * log1p(-q) + b * log(p) + (m - b) * log1p(-p))

    least, most = max(0, -difference), min(1, 1 - difference)
    p = minimize_scalar(cost, bounds=(least + 1e-12, most - 1e-12), method="bounded", options={"xatol": 1e-12}).x
    q = p + difference
    variance = (q * (1 - q) / n + p * (1 - p) / m) * (n + m) / (n + m - 1)
    return (a / n - b / m - difference) / sqrt(variance)


def definition(*counts):
    a, n, b, m = counts
    point, end = a / n - b / m, 1 - 1e-9
    return brentq(lambda d: score(*counts, d) - z, -end, point), brentq(lambda d: score(*counts, d) + z, point, end)


def library(*counts):
    try:
        return tuple(map(float, confint_proportions_2indep(*counts, compare="diff", method="score")))
    except ValueError as error:
        return str(error)


seen = {}
for counts in (3, 10, 3, 10), (30, 100, 30, 100), (45, 500, 40, 500), (40, 500, 45, 500), (7, 10, 3, 10):
    ours, theirs = definition(*counts), library(*counts)
    seen[counts] = ours, theirs
    shown = f"fails: {theirs}" if isinstance(theirs, str) else "[%.4f, %.4f]" % theirs
    print("%d/%d - %d/%d:" % counts, f"statsmodels {shown}, by definition [%.4f, %.4f]" % ours)

even, truth = seen[3, 10, 3, 10][1], seen[3, 10, 3, 10][0]
one, two = seen[45, 500, 40, 500][1], seen[40, 500, 45, 500][1]
holds = (
    abs(truth[0] + truth[1]) < 1e-6  # the definition is symmetric
    and even[0] + even[1] > 0.02  # the library's is not
    and abs(one[0] + two[1]) > 1e-5
    and all(theirs[1] - theirs[0] < ours[1] - ours[0] for ours, theirs in seen.values() if isinstance(theirs, tuple))
    and isinstance(seen[7, 10, 3, 10][1], str)
)
raise SystemExit(0 if holds else 1)
PY
