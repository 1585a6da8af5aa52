#!/usr/bin/env bash
# Library: autorank 1.3.0 (PyPI), `autorank` with three or more normal populations
# Guess: `alpha`, the "significance level", sets the width of the intervals of Tukey's HSD test, which are documented
#   as "calculated using the HSD approach such that the family wise significance is alpha": half of the critical range
#   of the studentised range at `alpha`, as in closed form and by SciPy. At 0.01 they are wider than at 0.05.
# Behaviour: `alpha` is not handed over to the HSD test. The intervals, and the groups without a difference that are
#   read off them, are those of 0.05 at any `alpha`: of sets without any difference some 5% have two populations with
#   separate intervals where 1% or 0.1% were asked for. The tests for normality and for the nonparametric branch use it.
# Seen: 2026-12-01. Nothing was found about it upstream.
#   autorank 1.3.0, statsmodels 0.14.5, scipy 1.15.3, numpy 2.2.6
#   half width of the intervals of one set
#     alpha 0.2: autorank 0.2820, in closed form 0.2150; pairs apart: autorank 1, SciPy's tukey_hsd 1
#     alpha 0.05: autorank 0.2820, in closed form 0.2820; pairs apart: autorank 1, SciPy's tukey_hsd 1
#     alpha 0.01: autorank 0.2820, in closed form 0.3437; pairs apart: autorank 1, SciPy's tukey_hsd 0
#     alpha 0.001: autorank 0.2820, in closed form 0.4175; pairs apart: autorank 1, SciPy's tukey_hsd 0
#   119 sets without a difference, alpha 0.01: two intervals apart in 0.034 by autorank, in 0.000 in closed form
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 pandas==2.2.3 statsmodels==0.14.5 matplotlib==3.10.7 \
    tqdm==4.67.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps autorank==1.3.0 baycomp==1.0.3; } ||
  { echo "autorank 1.3.0 cannot be installed" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import contextlib
import functools
import importlib.metadata
import io

import numpy as np
import pandas as pd
from autorank import autorank
from scipy import stats

names = "autorank", "statsmodels", "scipy", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
rows, groups = 40, 4


def run(values, alpha):
    data = pd.DataFrame(values, columns=list("abcd"))
    with contextlib.redirect_stdout(io.StringIO()):
        return autorank(data, alpha=alpha, verbose=False)


@functools.cache
def critical(alpha):
    return stats.studentized_range.ppf(1 - alpha, groups, groups * (rows - 1))


def half_width(values, alpha):
    # Two intervals of this half width are apart where Tukey's HSD test rejects.
    error = values.var(axis=0, ddof=1).mean()
    return critical(alpha) * np.sqrt(error / rows) / 2


values = random.normal(size=(rows, groups))
values[:, 0] += 0.6
widths = {}
print("half width of the intervals of one set")
for alpha in 0.2, 0.05, 0.01, 0.001:
    result = run(values, alpha)
    assert result.posthoc == "tukeyhsd"
    table = result.rankdf
    found = float((table["ci_upper"].iloc[0] - table["ci_lower"].iloc[0]) / 2)
    widths[alpha] = found, half_width(values, alpha)
    apart = int(sum(
        table["ci_lower"].iloc[i] > table["ci_upper"].iloc[j] for i in range(groups) for j in range(groups)))
    tests = stats.tukey_hsd(*values.T).pvalue
    rejected = int((tests[np.triu_indices(groups, 1)] < alpha).sum())
    print(f"  alpha {alpha}: autorank {found:.4f}, in closed form {widths[alpha][1]:.4f}; pairs apart: autorank "
          f"{apart}, SciPy's tukey_hsd {rejected}")
repeats, alpha = 120, 0.01
counts = np.zeros(2, int)
used = 0
for _ in range(repeats):
    values = random.normal(size=(rows, groups))
    result = run(values, alpha)
    if result.posthoc != "tukeyhsd":
        continue
    used += 1
    means = values.mean(axis=0)
    table = result.rankdf
    counts += np.array([table["ci_lower"].max() > table["ci_upper"].min(),
                        means.max() - means.min() > 2 * half_width(values, alpha)])
print(f"{used} sets without a difference, alpha {alpha}: two intervals apart in {counts[0] / used:.3f} by autorank, in "
      f"{counts[1] / used:.3f} in closed form")
found = [pair[0] for pair in widths.values()]
holds = (
    max(found) - min(found) < 1e-9 and abs(widths[0.05][0] - widths[0.05][1]) < 1e-3
    and widths[0.001][1] > 1.3 * found[0] and counts[0] > 0.025 * used and counts[1] < 0.025 * used)
raise SystemExit(0 if holds else 1)
PY
