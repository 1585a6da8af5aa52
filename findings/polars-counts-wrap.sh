#!/usr/bin/env bash
# Library: Polars 2.1.0 (PyPI)
# Guess: The number of right answers with a defence less the number without one is an integer with its sign: -5 for
#   4 against 9.
# Behaviour: Sums of booleans, `pl.len()` and the counts of `value_counts` are unsigned 32-bit integers, and the
#   difference of two wraps around: 4 less 9 is 4294967291. A mean of such differences is in the thousand millions,
#   and a gain that is only compared with 0 has the wrong sign.
# Seen: 2026-11-28:
#   Polars 2.1.0
#   right with and without the defence, and the difference:
#     {'defended': 4, 'bare': 9, 'gain': 4294967291} UInt32
#   defences said to gain: ['mixing'] though the difference is -5
#   pl.len() - 10 for 4 rows: 4294967290
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet polars==2.1.0; } ||
  { echo "Polars 2.1.0 cannot be installed" >&2; exit 2; }
"$work/venv/bin/python" - <<'PY'
import polars as pl

print("Polars", pl.__version__)
images = pl.DataFrame(
    {
        "defence": ["mixing"] * 10,
        "bare": [True] * 9 + [False],
        "defended": [True] * 4 + [False] * 6,
    }
)
gain = pl.col("defended").sum() - pl.col("bare").sum()
table = images.group_by("defence").agg(pl.col("defended", "bare").sum(), gain=gain)
row = table.drop("defence").to_dicts()[0]
print("right with and without the defence, and the difference:")
print(" ", row, table.schema["gain"])
better = table.filter(pl.col("gain") > 0)["defence"].to_list()
print("defences said to gain:", better, "though the difference is", row["defended"] - row["bare"])
length = images.filter("defended").select(pl.len() - pl.lit(10)).item()
print("pl.len() - 10 for 4 rows:", length)
holds = row["gain"] == 2**32 - 5 and better == ["mixing"] and length == 2**32 - 6
raise SystemExit(0 if holds else 1)
PY
