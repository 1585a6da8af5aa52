#!/usr/bin/env bash
# Library: mlxtend 0.25.0 (PyPI)
# Guess: `proportion_difference`, whose guide tests whether two classifiers are equally accurate, gives one p-value for
#   two accuracies, whichever is named first, and a small one where they are far apart.
# Behaviour: it is the lower tail of the normal distribution, and nothing says so. Where the better classifier is named
#   first it is near 1, for 95% and 50% of 100 images too; where it is named last it is half of the two-sided p-value,
#   and the guide's own example, "statistically significant" with 0.040, is not so with 0.079. Two equal accuracies have
#   0.5.
# Seen: 2026-11-30. Nothing was found about it upstream.
#   mlxtend 0.25.0
#   p-values for two accuracies on 100 images each
#     0.84 and 0.92: mlxtend 0.0397, by hand, two-sided 0.0794
#     0.92 and 0.84: mlxtend 0.96, by hand, two-sided 0.0794
#     0.86 and 0.78: mlxtend 0.931, by hand, two-sided 0.139
#     0.95 and 0.5: mlxtend 1, by hand, two-sided 1.58e-16
#     0.9 and 0.9: mlxtend 0.5, by hand, two-sided 1
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet mlxtend==0.25.0 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "mlxtend 0.25.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata
import math

from mlxtend.evaluate import proportion_difference

print("mlxtend", importlib.metadata.version("mlxtend"))


def by_hand(first, second, count):
    z = (first - second) / math.sqrt((first * (1 - first) + second * (1 - second)) / count)
    return math.erfc(abs(z) / math.sqrt(2))


seen = {}
print("p-values for two accuracies on 100 images each")
for first, second in (0.84, 0.92), (0.92, 0.84), (0.86, 0.78), (0.95, 0.5), (0.9, 0.9):
    seen[first, second] = proportion_difference(first, second, 100)[1], by_hand(first, second, 100)
    print("  {} and {}: mlxtend {:.3g}, by hand, two-sided {:.3g}".format(first, second, *seen[first, second]))
holds = (
    abs(seen[0.84, 0.92][0] - seen[0.84, 0.92][1] / 2) < 1e-9 and seen[0.92, 0.84][0] > 0.95
    and seen[0.95, 0.5][0] > 0.999 > 1e-9 > seen[0.95, 0.5][1] and seen[0.9, 0.9] == (0.5, 1))
raise SystemExit(0 if holds else 1)
PY
