#!/usr/bin/env bash
# Library: calzone-tool 0.1.0 (PyPI), `CalibrationMetrics`
# Guess: `class_to_calculate=2` makes every metric one of class 2, Cox's slope and intercept among them, as the class
#   documents ("The class index to calculate the metrics for").
# Behaviour: Cox's regression is always that of class 1, whatever class is asked for: three classes get one slope, bit for
#   bit, with one confidence interval. Scores that are calibrated for class 1 and far too bold for class 2 have a slope of
#   1 for class 2. The calibration index that follows applies the curve of class 1 to the probabilities of class 2. The
#   other metrics beside it heed the class. The function below, `cox_regression_analysis`, has an argument for the class,
#   which is not handed on, and with it sets the labels of that class against the probabilities of class 1.
# Seen: 2026-11-30. Nothing was found about it upstream.
#   calzone-tool 0.1.0, statsmodels 0.14.5, numpy 2.2.6
#   class 0: slope by hand 0.45, calzone 1.03 (0.97 to 1.10), the function -0.37; ECE 0.088
#   class 1: slope by hand 1.03, calzone 1.03 (0.97 to 1.10), the function 1.03; ECE 0.014
#   class 2: slope by hand 0.46, calzone 1.03 (0.97 to 1.10), the function -0.33; ECE 0.092
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 statsmodels==0.14.5 pandas==2.3.3 matplotlib==3.10.7 &&
  "$work/venv/bin/pip" install --quiet --no-deps calzone-tool==0.1.0; } ||
  { echo "calzone-tool 0.1.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
import statsmodels.api
from calzone.metrics import CalibrationMetrics, cox_regression_analysis
from scipy.special import expit, logit

names = "calzone-tool", "statsmodels", "numpy"
print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
random = np.random.default_rng(0)
true = random.dirichlet([1, 1, 1], 5000)
labels = (random.random((5000, 1)) > true.cumsum(1)[:, :-1]).sum(1)
# Class 1 keeps its probability; what is left is shared by classes 0 and 2 three times too boldly.
rest = 1 - true[:, 1]
share = expit(3 * logit(true[:, 2] / rest))
scores = np.stack([rest * (1 - share), true[:, 1], rest * share], 1)
seen, function = [], []
for wanted in range(3):
    # The logistic regression of "the label is this class" on the logit of this class's probability.
    value = logit(np.clip(scores[:, wanted], 1e-7, 1 - 1e-7))
    right = statsmodels.api.Logit(
        (labels == wanted).astype(int), statsmodels.api.add_constant(value)).fit(disp=0).params[1]
    found = CalibrationMetrics(class_to_calculate=wanted).calculate_metrics(labels, scores, ["ECE-H", "COX"])
    seen.append((right, found["COX coef"], found["ECE-H"]))
    function.append(cox_regression_analysis(labels, scores, class_to_calculate=wanted)[0])
    print(f"class {wanted}: slope by hand {right:.2f}, calzone {found['COX coef']:.2f} ({found['COX coef lowerci']:.2f} to "
          f"{found['COX coef upperci']:.2f}), the function {function[-1]:.2f}; ECE {found['ECE-H']:.3f}")
rights, slopes, errors = zip(*seen)
holds = (
    len(set(slopes)) == 1 and abs(slopes[1] - rights[1]) < 1e-3 and abs(rights[1] - 1) < 0.1
    and max(rights[0], rights[2]) < 0.6 and min(errors[0], errors[2]) > 3 * errors[1] and function[2] < 0)
raise SystemExit(0 if holds else 1)
PY
