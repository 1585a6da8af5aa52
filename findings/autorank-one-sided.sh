#!/usr/bin/env bash
# Library: autorank 1.3.0 (PyPI), `autorank` with two populations
# Guess: two classifiers that do not differ, compared on the same data sets, are found different at alpha 0.05 in 5% of
#   all cases, by the paired t-test as by Wilcoxon's test. The verbose text names the null hypothesis "that there is no
#   difference between the distributions".
# Behaviour: where the values are not normal, the population with the larger median is looked up first and Wilcoxon's
#   test then asks one-sidedly whether it is larger. The p-value is half the two-sided one, and 10% of all pairs that do
#   not differ come out as significant. Normal values go to a two-sided t-test and are not affected.
# Seen: 2026-12-01. Nothing was found about it upstream; the verbose text says "one-sided", not that the side is chosen
#   by the data.
#   autorank 1.3.0, scipy 1.15.3, pandas 2.2.3, numpy 2.2.6
#   two populations without a difference, 30 values each, up to 400 pairs; found different at 0.05
#     exponential: 397 pairs go to wilcoxon; autorank 0.098, SciPy two-sided 0.048; autorank's p-value over SciPy's,
#       median 0.500
#     Student's t with 2 degrees of freedom: 342 pairs go to wilcoxon; autorank 0.091, SciPy two-sided 0.050;
#       autorank's p-value over SciPy's, median 0.500
#     accuracies near 1: 400 pairs go to wilcoxon; autorank 0.092, SciPy two-sided 0.045; autorank's p-value over
#       SciPy's, median 0.500
#     normal: 378 pairs go to ttest; autorank 0.042, SciPy two-sided 0.042; autorank's p-value over SciPy's, median
#       1.000
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
import importlib.metadata
import io

import numpy as np
import pandas as pd
from autorank import autorank
from scipy import stats

names = "autorank", "scipy", "pandas", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
rows, repeats = 30, 400
kinds = {
    "exponential": lambda: random.exponential(size=(rows, 2)),
    "Student's t with 2 degrees of freedom": lambda: random.standard_t(2, size=(rows, 2)),
    "accuracies near 1": lambda: random.beta(20, 0.7, size=(rows, 2)),
    "normal": lambda: random.normal(size=(rows, 2)),
}
shares = {}
print(f"two populations without a difference, {rows} values each, up to {repeats} pairs; found different at 0.05")
for kind, draw in kinds.items():
    wanted = "ttest" if kind == "normal" else "wilcoxon"
    found, by_scipy, ratios = [], [], []
    for _ in range(repeats):
        data = pd.DataFrame(draw(), columns=["first", "second"])
        with contextlib.redirect_stdout(io.StringIO()):
            result = autorank(data, alpha=0.05, verbose=False)
        if result.omnibus != wanted:
            continue
        test = stats.ttest_rel if kind == "normal" else stats.wilcoxon
        two_sided = test(data["first"], data["second"]).pvalue
        found.append(result.pvalue < 0.05)
        by_scipy.append(two_sided < 0.05)
        ratios.append(result.pvalue / two_sided)
    shares[kind] = np.mean(found), np.mean(by_scipy), np.median(ratios), len(found)
    print(f"  {kind}: {len(found)} pairs go to {wanted}; autorank {shares[kind][0]:.3f}, SciPy two-sided "
          f"{shares[kind][1]:.3f}; autorank's p-value over SciPy's, median {shares[kind][2]:.3f}")
normal = shares.pop("normal")
holds = abs(normal[0] - normal[1]) < 1e-9 and abs(normal[2] - 1) < 1e-9 and all(
    pairs > 300 and 0.065 < found and by_scipy < 0.075 and found > 1.5 * by_scipy and abs(ratio - 0.5) < 1e-6
    for found, by_scipy, ratio, pairs in shares.values())
raise SystemExit(0 if holds else 1)
PY
