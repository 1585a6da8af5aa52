#!/usr/bin/env bash
# Library: MLstatkit 0.1.91 (PyPI)
# Guess: DeLong's test of a detector against itself gives z = 0 and p = 1, or says that there is no p-value.
# Behaviour: The variance of the difference is 0, so the function turns to a bootstrap and returns z = 0 with p = 0: two
#   equal detectors differ with certainty. The list of messages is empty.
# Seen: 2026-11-28:
#   MLstatkit 0.1.91
#   scores against themselves: areas 0.7800 and 0.7800, z 0, p 0, method bootstrap, said []
#   scores in steps of a tenth against themselves: areas 0.7791 and 0.7791, z 0, p 0, method bootstrap, said []
#   scores against their doubles: areas 0.7800 and 0.7800, z 0, p 0, method bootstrap, said []
#   scores against others: areas 0.7800 and 0.7600, z -0.5922, p 0.5537, method delong, said []
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" &&
  "$work/venv/bin/pip" install --quiet MLstatkit==0.1.91 numpy==2.4.6 scipy==1.17.1; } ||
  { echo "MLstatkit 0.1.91 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import numpy as np
from MLstatkit import Delong_test

print("MLstatkit", importlib.metadata.version("MLstatkit"))
random = np.random.RandomState(0)
attacked = np.arange(400) % 2
fine = random.standard_normal(400) + attacked
seen = {}
for name, first, second in (
    ("scores against themselves", fine, fine),
    ("scores in steps of a tenth against themselves", fine.round(1), fine.round(1)),
    ("scores against their doubles", fine, 2 * fine),
    ("scores against others", fine, random.standard_normal(400) + attacked),
):
    z, p, *_, one, two, info = Delong_test(attacked, first, second, random_state=0)
    seen[name] = z, p
    print(f"{name}: areas {one:.4f} and {two:.4f}, z {z:.4g}, p {p:.4g}, method {info['method']}, said {info['messages']}")
holds = all(seen[name] == (0, 0) for name in list(seen)[:3]) and 0 < list(seen.values())[3][1] < 1
raise SystemExit(0 if holds else 1)
PY
