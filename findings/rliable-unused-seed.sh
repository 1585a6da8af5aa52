#!/usr/bin/env bash
# Library: rliable 1.2.0 with arch 7.2.0 (PyPI)
# Guess: `get_interval_estimates` with a `random_state`, which is documented to make the estimates of uncertainty
#   reproducible, gives one interval for one seed, and other intervals for other seeds.
# Behaviour: the random state is handed to the class below, which keeps it and never draws from it: the runs and the
#   tasks are drawn from NumPy's global generator. Five calls with one seed give five intervals, and five seeds give
#   one interval where the global generator starts alike. Whoever publishes the seed with the interval cannot be
#   checked, and intervals meant to be independent are the same draw. arch's own bootstrap, on which it is built,
#   keeps to its seed.
# Seen: 2026-11-30. The intervals of one seed differ from run to run. Nothing was found about it upstream.
#   rliable 1.2.0, arch 7.2.0
#   rliable, runs drawn: 5 calls with seed 1 give 5: [0.4411, 0.6140], [0.4488, 0.6034], [0.4494, 0.5948],
#     [0.4502, 0.6111], [0.4618, 0.6000]
#   rliable, tasks drawn too: 5 calls with seed 1 give 5: [0.4147, 0.6331], [0.4180, 0.6272], [0.4243, 0.6267],
#     [0.4247, 0.6298], [0.4314, 0.6112]
#   arch by itself: 5 calls with seed 1 give 1: [0.4512, 0.6112]
#   rliable, 5 seeds, NumPy's global seed always 7, give 1: [0.4552, 0.5970]
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet rliable==1.2.0 arch==7.2.0 numpy==2.2.6 scipy==1.15.3 pandas==2.3.3 \
    statsmodels==0.15.0; } ||
  { echo "rliable 1.2.0 and arch 7.2.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from arch.bootstrap import IIDBootstrap
from rliable import library, metrics

print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("rliable", "arch")))
# Runs by tasks.
scores = np.random.default_rng(0).random((10, 5))


def by_rliable(seed, tasks):
    _, intervals = library.get_interval_estimates(
        {"method": scores}, lambda scores: np.array([metrics.aggregate_mean(scores)]), reps=300, task_bootstrap=tasks,
        random_state=np.random.RandomState(seed))
    return tuple(float(end) for end in intervals["method"].ravel())


def by_arch(seed):
    found = IIDBootstrap(scores, seed=np.random.RandomState(seed)).conf_int(np.mean, 300, method="percentile")
    return tuple(float(end) for end in found.ravel())


def shown(interval):
    return "[{:.4f}, {:.4f}]".format(*interval)


found = {}
for name, way in {
    "rliable, runs drawn": lambda seed: by_rliable(seed, False),
    "rliable, tasks drawn too": lambda seed: by_rliable(seed, True),
    "arch by itself": by_arch,
}.items():
    found[name] = {way(1) for _ in range(5)}
    intervals = ", ".join(map(shown, sorted(found[name])))
    print(f"{name}: 5 calls with seed 1 give {len(found[name])}: {intervals}")
others = set()
for seed in range(5):
    np.random.seed(7)
    others.add(by_rliable(seed, False))
intervals = ", ".join(map(shown, sorted(others)))
print(f"rliable, 5 seeds, NumPy's global seed always 7, give {len(others)}: {intervals}")
holds = [len(ends) for ends in found.values()] == [5, 5, 1] and len(others) == 1
raise SystemExit(0 if holds else 1)
PY
