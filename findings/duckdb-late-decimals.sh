#!/usr/bin/env bash
# Library: DuckDB 2.0.1 (PyPI)
# Guess: A column of a CSV or JSON-lines file whose first rows are whole numbers and whose later rows are decimals
#   is read as DOUBLE, or the read fails, as Polars does. No value changes.
# Behaviour: The type is settled on the first 20480 rows. Later decimals are then rounded to whole numbers, without a
#   word: 0.75 becomes 1 and 0.25 becomes 0. `sample_size=-1` reads them as they are.
# Seen: 2026-11-28:
#   DuckDB 2.0.1
#   csv: 40000 rows, margin BIGINT, last value 1, mean 1.0, true mean 0.88125
#   json: 40000 rows, margin BIGINT, last value 1, mean 1.0, true mean 0.88125
#   csv, sample_size=-1: DOUBLE, last value 0.75
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet duckdb==2.0.1; } ||
  { echo "DuckDB 2.0.1 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
"$work/venv/bin/python" - <<'PY'
import duckdb

print("DuckDB", duckdb.__version__)
# An image's margin is 1 until the run reaches a harder class.
# The first 20480 rows are looked at: the decimals come after them.
margins = [1] * 21_000 + [0.75] * 19_000
truth = sum(margins) / len(margins)
with open("run.csv", "w") as file:
    file.write("image,margin\n")
    file.writelines(f"{i},{m}\n" for i, m in enumerate(margins))
with open("run.json", "w") as file:
    file.writelines('{"image": %d, "margin": %s}\n' % (i, m) for i, m in enumerate(margins))

holds = True
for kind in "csv", "json":
    table = f"read_{kind}('run.{kind}')"
    rows, mean = duckdb.sql(f"SELECT count(*), avg(margin) FROM {table}").fetchall()[0]
    last, type_ = duckdb.sql(f"SELECT margin, typeof(margin) FROM {table} WHERE image = 39999").fetchall()[0]
    print(f"{kind}: {rows} rows, margin {type_}, last value {last}, mean {mean}, true mean {truth}")
    holds &= rows == 40_000 and type_ == "BIGINT" and last == 1 and mean == 1.0
last, type_ = duckdb.sql(
    "SELECT margin, typeof(margin) FROM read_csv('run.csv', sample_size=-1) WHERE image = 39999"
).fetchall()[0]
print(f"csv, sample_size=-1: {type_}, last value {last}")
holds &= type_ == "DOUBLE" and last == 0.75
raise SystemExit(0 if holds else 1)
PY
