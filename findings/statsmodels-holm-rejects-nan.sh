#!/usr/bin/env bash
# Library: statsmodels 0.15.0 (PyPI)
# Guess: `multipletests(..., method="holm")` leaves a p-value that is NaN out: it stays NaN, is not rejected, and the
#   others are adjusted among themselves.
# Behaviour: The hypothesis without a p-value is rejected, as soon as all others are. It counts among the hypotheses
#   too, so that the others pay for it: 0.01 becomes 0.03 and not 0.02. With Bonferroni it is not rejected;
#   with Benjamini and Hochberg the p-values of all hypotheses become NaN.
# Seen: 2026-11-28:
#   statsmodels 0.15.0
#   holm        rejected [True, True, True], adjusted [0.03, nan, 0.04]
#   holm-sidak  rejected [True, True, True], adjusted [0.0297, nan, 0.0396]
#   bonferroni  rejected [True, False, False], adjusted [0.03, nan, 0.06]
#   fdr_bh      rejected [True, False, True], adjusted [nan, nan, nan]
#   holm without the NaN: rejected [True, True], adjusted [0.02, 0.02]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "statsmodels 0.15.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from statsmodels.stats.multitest import multipletests

print("statsmodels", importlib.metadata.version("statsmodels"))
p = [0.01, np.nan, 0.02]
seen = {}
for method in "holm", "holm-sidak", "bonferroni", "fdr_bh":
    rejected, adjusted = multipletests(p, alpha=0.05, method=method)[:2]
    seen[method] = rejected.tolist(), adjusted.round(4).tolist()
    print(f"{method:11} rejected {seen[method][0]}, adjusted {seen[method][1]}")
rejected, adjusted = multipletests([0.01, 0.02], alpha=0.05, method="holm")[:2]
print(f"holm without the NaN: rejected {rejected.tolist()}, adjusted {adjusted.tolist()}")
holds = (
    seen["holm"][0] == [True] * 3
    and seen["holm-sidak"][0] == [True] * 3
    and seen["holm"][1][0] == 0.03
    and seen["bonferroni"][0] == [True, False, False]
    and np.isnan(seen["fdr_bh"][1]).all()
    and adjusted.tolist() == [0.02, 0.02]
)
raise SystemExit(0 if holds else 1)
PY
