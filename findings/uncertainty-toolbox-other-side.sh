#!/usr/bin/env bash
# Library: uncertainty-toolbox 0.1.1 (PyPI), the quantiles and their recalibration
# Guess: `get_proportion_under_quantile`, "the proportion of data that are below the predicted quantile", is the share of
#   the true values below `get_quantile`. `get_quantile_recalibrator` fits on one part of the data, and of the other part
#   a share q lies below the recalibrated quantile at level q, whatever the bias of the predictions is.
# Behaviour: the residuals are prediction minus truth, so that what is counted is the share above the quantile at level
#   1 - q. The calibration errors, which take all levels, do not change, but the recalibration is fitted to the mirrored
#   curve and moves the quantiles the wrong way: a bias is doubled. Where the predictions are 0.5 too low, the upper bound
#   at 90% holds 0.78 of the data before and 0.60 after. Without a bias and with symmetric errors nothing is seen.
# Seen: 2026-12-01. Nothing was found about it upstream.
#   uncertainty-toolbox 0.1.1, numpy 2.2.6, scipy 1.15.3, scikit-learn 1.7.2
#   share of 4000 true values below the quantile at levels 0.1, 0.5, 0.9
#     predictions right: as predicted, counted by hand 0.098, 0.503, 0.895; get_proportion_under_quantile 0.105, 0.497,
#       0.902; recalibrated 0.097, 0.513, 0.892; recalibrated by hand 0.102, 0.489, 0.897
#     predictions 0.5 too low: as predicted, counted by hand 0.035, 0.307, 0.778; get_proportion_under_quantile 0.222,
#       0.693, 0.965; recalibrated 0.012, 0.151, 0.597; recalibrated by hand 0.100, 0.511, 0.892
#     predictions 0.5 too high: as predicted, counted by hand 0.216, 0.696, 0.965; get_proportion_under_quantile 0.035,
#       0.304, 0.784; recalibrated 0.397, 0.842, 0.987; recalibrated by hand 0.103, 0.502, 0.898
#     predictions right in the mean, skewed errors: as predicted, counted by hand 0.000, 0.631, 0.885;
#       get_proportion_under_quantile 0.115, 0.369, 1.000; recalibrated 0.000, 0.732, 0.839; recalibrated by hand
#       0.099, 0.495, 0.888
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 scikit-learn==1.7.2 matplotlib==3.10.7 pandas==2.2.3 \
    shapely==2.1.2 tqdm==4.67.1 &&
  "$work/venv/bin/pip" install --quiet --no-deps uncertainty-toolbox==0.1.1; } ||
  { echo "uncertainty-toolbox 0.1.1 cannot be installed" >&2; exit 2; }
MPLBACKEND=agg MPLCONFIGDIR="$work" "$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from uncertainty_toolbox import metrics_calibration, recalibration

names = "uncertainty-toolbox", "numpy", "scipy", "scikit-learn"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
count = 4000
levels = 0.1, 0.5, 0.9
errors = {
    "right": random.normal(size=2 * count),
    "0.5 too low": random.normal(size=2 * count) + 0.5,
    "0.5 too high": random.normal(size=2 * count) - 0.5,
    "right in the mean, skewed errors": random.exponential(size=2 * count) - 1,
}
fit, test = slice(0, count), slice(count, None)
seen = {}
print(f"share of {count} true values below the quantile at levels", ", ".join(map(str, levels)))
for name, error in errors.items():
    predicted, spread = random.normal(size=2 * count), np.ones(2 * count)
    true = predicted + error
    recalibrate = recalibration.get_quantile_recalibrator(predicted[fit], spread[fit], true[fit])
    rows = {
        "as predicted, counted by hand": [
            (true[test] < metrics_calibration.get_quantile(predicted[test], spread[test], level)).mean()
            for level in levels],
        "get_proportion_under_quantile": [
            metrics_calibration.get_proportion_under_quantile(predicted[test], spread[test], true[test], level)
            for level in levels],
        "recalibrated": [
            (true[test] < recalibrate(predicted[test], spread[test], level)).mean() for level in levels],
        # The quantile of the standardised errors of the one part, applied to the other.
        "recalibrated by hand": [
            (true[test] < predicted[test] + spread[test] * np.quantile(error[fit] / spread[fit], level)).mean()
            for level in levels],
    }
    seen[name] = np.array(list(rows.values()))
    print(f"  predictions {name}: " + "; ".join(
        f"{row} " + ", ".join(f"{value:.3f}" for value in values) for row, values in rows.items()))
aim = np.array(levels)
holds = all(np.abs(values[3] - aim).max() < 0.03 for values in seen.values())
holds = holds and all(np.abs(values[1] - (1 - values[0][::-1])).max() < 1e-9 for values in seen.values())
holds = holds and np.abs(seen["right"][2] - aim).max() < 0.03
for name in "0.5 too low", "0.5 too high":
    before, _, after, _ = np.abs(seen[name] - aim)
    holds = holds and (after[1:] > before[1:]).all() if "low" in name else holds and (after[:2] > before[:2]).all()
raise SystemExit(0 if holds else 1)
PY
