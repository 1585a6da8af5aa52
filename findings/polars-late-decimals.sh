#!/usr/bin/env bash
# Library: Polars 2.1.0 (PyPI)
# Guess: A table made from rows (a list of dictionaries, or a JSON array) whose later values do not fit the type of the first
#   is refused, as `strict=True`, the default, says, and as it is when the same values come as a column, as CSV or as
#   JSON lines; or it has decimals.
# Behaviour: The type is settled on the first 100 rows. Decimals after them are cut off towards zero, without a word: 0.75
#   becomes 0 and 2.9 becomes 2. Accuracies of 1 and 0 stay, all others are 0. With 99 whole numbers in front all is
#   right, so that it does not show on a short run. `infer_schema_length=None` reads them as they are.
# Seen: 2026-11-28:
#   Polars 2.1.0
#   whole numbers first, then 0.75, 2.9 and -0.9:
#     99, DataFrame: Float64 [0.75, 2.9, -0.9]
#     99, read_json: Float64 [0.75, 2.9, -0.9]
#     100, DataFrame: Int64 [0, 2, 0]
#     100, read_json: Int64 [0, 2, 0]
#     100, DataFrame, infer_schema_length=None: Float64 [0.75, 2.9, -0.9]
#     100, as a column: refused
#     100, read_csv: refused
#     100, read_ndjson: refused
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet polars==2.1.0; } ||
  { echo "Polars 2.1.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" - <<'PY'
import json

import polars as pl

print("Polars", pl.__version__)
late = [0.75, 2.9, -0.9]
print("whole numbers first, then 0.75, 2.9 and -0.9:")


def answer(count, name, read):
    values = [1] * count + late
    try:
        column = read(values).to_series()
        seen = column.tail(3).to_list()
        print(f"  {count}, {name}: {column.dtype} {seen}")
    except (TypeError, pl.exceptions.ComputeError):
        seen = "refused"
        print(f"  {count}, {name}: {seen}")
    return seen


def rows(values):
    return [{"margin": value} for value in values]


def csv(values):
    text = "margin\n" + "".join(f"{value}\n" for value in values)
    return pl.read_csv(text.encode())


def lines(values):
    return pl.read_ndjson("".join(json.dumps(row) + "\n" for row in rows(values)).encode())


from_rows = ("DataFrame", lambda values: pl.DataFrame(rows(values), strict=True))
from_json = ("read_json", lambda values: pl.read_json(json.dumps(rows(values)).encode()))
right = [answer(99, *from_rows), answer(99, *from_json)]
cut = [answer(100, *from_rows), answer(100, *from_json)]
right.append(answer(100, "DataFrame, infer_schema_length=None",
                    lambda values: pl.DataFrame(rows(values), infer_schema_length=None)))
refused = [
    answer(100, "as a column", lambda values: pl.DataFrame({"margin": values})),
    answer(100, "read_csv", csv),
    answer(100, "read_ndjson", lines),
]
holds = right == [late] * 3 and cut == [[0, 2, 0]] * 2 and refused == ["refused"] * 3
raise SystemExit(0 if holds else 1)
PY
