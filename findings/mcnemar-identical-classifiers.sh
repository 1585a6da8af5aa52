#!/usr/bin/env bash
# Library: statsmodels 0.15.0 and mlxtend 0.25.0 (PyPI)
# Guess: McNemar's test of two classifiers that are right on exactly the same images has p = 1 (nothing speaks against
#   equality) or no p-value, with the exact test and with the chi-squared approximation alike.
# Behaviour: With the approximation (`exact=False`, and the continuity correction that is on by default) both libraries
#   give statistic inf and p = 0: the strongest evidence there can be, for a difference of nothing. The correction
#   subtracts 1 from |b - c| = 0 before it is squared, so equal discordant counts never give p = 1 either.
#   One discordant image, more evidence than none, brings p back to 1.
# Seen: 2026-11-28:
#   statsmodels 0.15.0 mlxtend 0.25.0
#   discordant 0 and 0: statsmodels statistic inf, p 0; mlxtend statistic inf, p 0; exact p 1
#   discordant 1 and 0: statsmodels statistic 0, p 1; mlxtend statistic 0, p 1; exact p 1
#   discordant 3 and 3: statsmodels statistic 0.1667, p 0.6831; mlxtend statistic 0.1667, p 0.6831; exact p 1
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet statsmodels==0.15.0 mlxtend==0.25.0 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "statsmodels 0.15.0 and mlxtend 0.25.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from mlxtend.evaluate import mcnemar as other
from statsmodels.stats.contingency_tables import mcnemar

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("statsmodels", "mlxtend")))
seen = {}
for b, c in (0, 0), (1, 0), (3, 3):
    table = np.array([[480, b], [c, 20]])
    approximate, exact = mcnemar(table, exact=False), mcnemar(table, exact=True)
    statistic, p = other(table)
    seen[b, c] = approximate.pvalue, p, exact.pvalue
    print(
        f"discordant {b} and {c}: statsmodels statistic {approximate.statistic:.4g}, p {approximate.pvalue:.4g}; "
        f"mlxtend statistic {statistic:.4g}, p {p:.4g}; exact p {exact.pvalue:.4g}"
    )
holds = seen[0, 0] == (0, 0, 1) and seen[1, 0] == (1, 1, 1) and max(seen[3, 3][:2]) < 0.7
raise SystemExit(0 if holds else 1)
PY
