#!/usr/bin/env bash
# Library: PyArrow 26.0.1 (PyPI)
# Guess: A column of whole numbers in CSV or JSON lines is read exactly: as uint64 when one is above 2^63 - 1, or the
#   read fails. Pandas, Polars and DuckDB read it exactly.
# Behaviour: One number above 2^63 - 1, such as half of all 64-bit seeds are, makes the whole column double. All others
#   lose their last digits too, those that fit int64 as well: two seeds that differ become equal, and a join or a
#   group by seed puts their runs together.
# Seen: 2026-11-28:
#   PyArrow 26.0.1
#   csv, seeds [1152921504606846977, 1152921504606846978]: int64, 2 groups by seed
#   json, seeds [1152921504606846977, 1152921504606846978]: int64, 2 groups by seed
#   csv, seeds [18446744073709551615, 1152921504606846977, 1152921504606846978]: double, 2 groups by seed
#   json, seeds [18446744073709551615, 1152921504606846977, 1152921504606846978]: double, 2 groups by seed
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet pyarrow==26.0.1; } ||
  { echo "PyArrow 26.0.1 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import pyarrow
from pyarrow import csv, json

print("PyArrow", pyarrow.__version__)
seeds = [2**64 - 1, 2**60 + 1, 2**60 + 2]
holds = True
for count in 2, 3:
    chosen = seeds[3 - count :]
    with open("runs.csv", "w") as file:
        file.write("seed,right\n" + "".join(f"{seed},480\n" for seed in chosen))
    with open("runs.json", "w") as file:
        file.writelines('{"seed": %d, "right": 480}\n' % seed for seed in chosen)
    for kind, table in ("csv", csv.read_csv("runs.csv")), ("json", json.read_json("runs.json")):
        groups = len(table.group_by("seed").aggregate([("right", "sum")]))
        type_ = str(table.schema.field("seed").type)
        print(f"{kind}, seeds {chosen}: {type_}, {groups} groups by seed")
        holds &= (type_, groups) == (("int64", 2) if count == 2 else ("double", 2))
raise SystemExit(0 if holds else 1)
PY
