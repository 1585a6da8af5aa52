#!/usr/bin/env bash
# Library: statannotations 0.7.2 (PyPI), `Annotator.configure(alpha=..., comparisons_correction=...)`
# Guess: with `alpha` 0.01, the "acceptable type 1 error for statistical tests", and a correction by Holm or by Benjamini
#   and Hochberg, those comparisons are significant that `multipletests` of statsmodels rejects at 0.01.
# Behaviour: the correction is made by its name with its own alpha of 0.05, and `alpha` is only compared with the raw
#   p-value afterwards. Significant is what the correction rejects at 0.05 and what is below 0.01 without a correction:
#   p-values of 0.004, 0.008 and 0.02 give two significant comparisons, where Holm's method at 0.01 rejects none. With an
#   `alpha` of 0.1 comparisons are missing, also with Bonferroni's correction. The text on the plot says the same.
# Seen: 2026-12-01. Nothing was found about it upstream; issues 30 and 99 ask about the stars and the "(ns)" behind them.
#   Changing `alpha` warns about the thresholds of the stars, not about the correction.
#   statannotations 0.7.2, statsmodels 0.14.5, seaborn 0.13.2, numpy 2.2.6
#   p-values [0.004, 0.008, 0.02], alpha 0.05, holm: significant 3, on the plot significant, significant, significant;
#     statsmodels 3
#   p-values [0.004, 0.008, 0.02], alpha 0.05, BH: significant 3, on the plot significant, significant, significant;
#     statsmodels 3
#   p-values [0.004, 0.008, 0.02], alpha 0.05, BY: significant 3, on the plot significant, significant, significant;
#     statsmodels 3
#   p-values [0.004, 0.008, 0.02], alpha 0.05, bonferroni: significant 2, on the plot significant, significant, ns;
#     statsmodels 2
#   p-values [0.004, 0.008, 0.02], alpha 0.01, holm: significant 2, on the plot significant, significant, ns;
#     statsmodels 0
#   p-values [0.004, 0.008, 0.02], alpha 0.01, BH: significant 2, on the plot significant, significant, ns; statsmodels
#     0
#   p-values [0.004, 0.008, 0.02], alpha 0.01, BY: significant 2, on the plot significant, significant, ns; statsmodels
#     0
#   p-values [0.004, 0.008, 0.02], alpha 0.01, bonferroni: significant 0, on the plot ns, ns, ns; statsmodels 0
#   30 lists of 5 p-values, alpha 0.05, holm: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.05, BH: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.05, BY: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.05, bonferroni: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.01, holm: with comparisons that are significant but not by statsmodels 14, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.01, BH: with comparisons that are significant but not by statsmodels 11, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.01, BY: with comparisons that are significant but not by statsmodels 12, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.01, bonferroni: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 0
#   30 lists of 5 p-values, alpha 0.1, holm: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 17
#   30 lists of 5 p-values, alpha 0.1, BH: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 10
#   30 lists of 5 p-values, alpha 0.1, BY: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 13
#   30 lists of 5 p-values, alpha 0.1, bonferroni: with comparisons that are significant but not by statsmodels 0, by
#     statsmodels alone 7
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 pandas==2.2.3 statsmodels==0.14.5 matplotlib==3.10.7 \
    seaborn==0.13.2 &&
  "$work/venv/bin/pip" install --quiet --no-deps statannotations==0.7.2; } ||
  { echo "statannotations 0.7.2 cannot be installed" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from statannotations.Annotator import Annotator
from statsmodels.stats.multitest import multipletests

names = "statannotations", "statsmodels", "seaborn", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
groups = list("abcdef")
table = pd.DataFrame({"defence": np.repeat(groups, 5), "accuracy": random.random(5 * len(groups))})
axes = seaborn.boxplot(data=table, x="defence", y="accuracy")
methods = {"holm": "holm", "BH": "fdr_bh", "BY": "fdr_by", "bonferroni": "bonferroni"}


def annotate(p_values, alpha, correction):
    pairs = list(zip(groups, groups[1:]))[:len(p_values)]
    annotator = Annotator(axes, pairs, data=table, x="defence", y="accuracy", verbose=False)
    annotator.configure(test=None, alpha=alpha, comparisons_correction=correction, correction_format="replace", verbose=0,
                        pvalue_thresholds=[[alpha, "significant"], [1, "ns"]])
    annotator.set_pvalues(list(p_values))
    found = {tuple(place["label"] for place in annotation.structs): annotation for annotation in annotator.annotations}
    return [found[pair] for pair in pairs]


def significant(p_values, alpha, correction):
    return [bool(annotation.data.is_significant) for annotation in annotate(p_values, alpha, correction)]


p_values = [0.004, 0.008, 0.02]
shown = {}
for alpha in 0.05, 0.01:
    for correction, method in methods.items():
        found = annotate(p_values, alpha, correction)
        right = multipletests(p_values, alpha, method)[0]
        shown[alpha, correction] = [bool(annotation.data.is_significant) for annotation in found], right.tolist()
        print(f"p-values {p_values}, alpha {alpha}, {correction}: significant {sum(shown[alpha, correction][0])}, on the plot "
              f"{', '.join(annotation.text for annotation in found)}; statsmodels {right.sum()}")
repeats = 30
wrong = {}
for alpha in 0.05, 0.01, 0.1:
    for correction, method in methods.items():
        lists = random.beta(0.3, 4, size=(repeats, 5))
        kinds = np.zeros(2, int)
        for values in lists:
            found, right = np.array(significant(values, alpha, correction)), multipletests(values, alpha, method)[0]
            kinds += np.array([(found & ~right).any(), (~found & right).any()])
        wrong[alpha, correction] = kinds
        print(f"{repeats} lists of 5 p-values, alpha {alpha}, {correction}: with comparisons that are significant but not by "
              f"statsmodels {kinds[0]}, by statsmodels alone {kinds[1]}")
holds = (
    all(not wrong[0.05, correction].any() for correction in methods)
    and all(not wrong[alpha, "bonferroni"].any() for alpha in (0.05, 0.01))
    and all(wrong[0.01, correction][0] > repeats / 10 for correction in ("holm", "BH", "BY"))
    and all(wrong[0.1, correction][1] > repeats / 10 for correction in methods)
    and shown[0.01, "holm"] == ([True, True, False], [False, False, False]))
raise SystemExit(0 if holds else 1)
PY
