#!/usr/bin/env bash
# Library: baycomp 1.0.3 (PyPI)
# Guess: the Bayesian signed-rank test of a method against itself on the same data sets, with no region of practical
#   equivalence (the default), says that either is better with probability one half, or that nothing can be said.
# Behaviour: it says that the first is better with about 70%, whatever the scores, and so does the call with the two
#   exchanged, which are the same. Every draw of the posterior is one half for each, but for the last digit, and which
#   of the two is greater is left to rounding; exact draws go to the first. The same call for two methods that differ
#   answers with the probabilities exchanged when they are exchanged. No warning.
# Seen: 2026-11-30. Nothing was found about it upstream.
#   baycomp 1.0.3
#   P(first is better), P(second is better):
#     a method and itself, 5 data sets: 0.706, 0.294
#     two methods, 5 data sets: 0.678, 0.322, the other way round: 0.322, 0.678
#     a method and itself, 12 data sets: 0.721, 0.279
#     two methods, 12 data sets: 0.044, 0.956, the other way round: 0.956, 0.044
#     a method and itself, 30 data sets: 0.674, 0.326
#     two methods, 30 data sets: 0.528, 0.472, the other way round: 0.472, 0.528
#   what the draws for a method and itself differ from one half by, at most: 6e-16
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet baycomp==1.0.3 numpy==2.2.6 scipy==1.15.3; } ||
  { echo "baycomp 1.0.3 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from baycomp import SignedRankTest

print("baycomp", importlib.metadata.version("baycomp"))
print("P(first is better), P(second is better):")


def better(first, second):
    left, right = SignedRankTest(first, second, nsamples=20000, random_state=1).probs(with_rope=False)
    return float(left), float(right)


same, opposed, beyond = {}, {}, 0
for count in 5, 12, 30:
    scores = np.random.default_rng(count).random(count)
    same[count] = better(scores, scores)
    print(f"  a method and itself, {count} data sets: {same[count][0]:.3f}, {same[count][1]:.3f}")
    # Half a point for a draw is what a draw of the posterior says; what is beside it is rounding.
    parts = SignedRankTest.sample(scores, scores, nsamples=2000, random_state=1)
    beyond = max(beyond, np.abs(parts[:, [0, 2]] - 0.5).max())
    other = np.random.default_rng(count + 1).random(count)
    opposed[count] = better(scores, other), better(other, scores)
    print(f"  two methods, {count} data sets: {opposed[count][0][0]:.3f}, {opposed[count][0][1]:.3f}, "
          f"the other way round: {opposed[count][1][0]:.3f}, {opposed[count][1][1]:.3f}")
print(f"what the draws for a method and itself differ from one half by, at most: {beyond:.0e}")
holds = (
    all(left > 0.55 for left, _ in same.values()) and beyond < 1e-12
    and all(abs(one[0] - two[1]) < 0.03 for one, two in opposed.values()))
raise SystemExit(0 if holds else 1)
PY
