#!/usr/bin/env bash
# Library: csvkit 2.2.0, with agate 1.14.2 (PyPI)
# Guess: `csvsort` puts lines in another order and `csvjoin` puts columns beside each other; what stands in the cells is left
#   as it is. The defence "none" is a name like any other.
# Behaviour: Cells are read as values and written anew. "none" is an empty cell afterwards, in whatever column, so the row
#   of the bare network has no defence and no attack and a filter for it finds nothing. A column of nothing but 0 and 1, such
#   as counts on a short run or whether each image was right, becomes False and True, and `csvstat` has no mean for it.
#   `csvjson` rounds 64-bit seeds to doubles: two that differ become equal. `csvcut` and `csvgrep` leave cells alone.
#   `--no-inference`, which turns the types off, still empties "none"; only together with `--blanks` all stays.
# Seen: 2026-11-29:
#   csvsort 2.2.0
#   csvsort --columns seed:
#   defence,attack,right,seed
#   mi-ol,pgd,False,9007199254740993
#   mi-ol,,True,18446744073709551614
#   ,,True,18446744073709551615
#   csvjoin --columns defence:
#   defence,attack,right,seed,passes
#   ,,True,18446744073709551615,1
#   mi-ol,,True,18446744073709551614,31
#   mi-ol,pgd,False,9007199254740993,31
#   csvjson:
#   [{"defence": null, "attack": null, "right": true, "seed": 1.8446744073709552e+19}, {"defence": "mi-ol", ...
#   mean of the column right by csvstat: 'None'
#   rows of the defence none, before and after csvsort: 1, 0
#   after csvsort --no-inference and with --blanks too: 0, 1
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet csvkit==2.2.0 agate==1.14.2; } ||
  { echo "csvkit 2.2.0 and agate 1.14.2 cannot be installed" >&2; exit 2; }
cd "$work" || exit 2
cat >results.csv <<'CSV'
defence,attack,right,seed
none,none,1,18446744073709551615
mi-ol,none,1,18446744073709551614
mi-ol,pgd,0,9007199254740993
CSV
printf 'defence,passes\nnone,1\nmi-ol,31\n' >passes.csv
PATH="$work/venv/bin:$PATH"
csvsort --version
echo "csvsort --columns seed:" && csvsort --columns seed results.csv | tee sorted.csv || exit 2
echo "csvjoin --columns defence:" && csvjoin --columns defence results.csv passes.csv | tee joined.csv || exit 2
echo "csvjson:" && csvjson results.csv | tee results.json && echo || exit 2
echo "mean of the column right by csvstat: '$(csvstat --columns right --mean results.csv)'"
echo "rows of the defence none, before and after csvsort: $(csvgrep -c defence -r '^none$' results.csv | tail -n +2 | wc -l)," \
  "$(csvgrep -c defence -r '^none$' sorted.csv | tail -n +2 | wc -l)"
csvsort --no-inference --columns defence results.csv >text.csv
csvsort --no-inference --blanks --columns defence results.csv >exact.csv
echo "after csvsort --no-inference and with --blanks too: $(csvgrep -c defence -r '^none$' text.csv | tail -n +2 | wc -l)," \
  "$(csvgrep -c defence -r '^none$' exact.csv | tail -n +2 | wc -l)"
python - <<'PY'
import csv
import json


def rows(name):
    with open(name) as file:
        return list(csv.DictReader(file))


def column(name, key):
    return [row[key] for row in rows(name)]


before = sorted(map(str, rows("results.csv")))
seeds = [row["seed"] for row in json.load(open("results.json"))]
holds = (
    sorted(column("sorted.csv", "defence")) == ["", "mi-ol", "mi-ol"]
    and sorted(column("sorted.csv", "right")) == ["False", "True", "True"]
    and "" in column("joined.csv", "defence")
    and len(set(seeds)) == 2
    and "none" not in column("text.csv", "defence")
    and sorted(map(str, rows("exact.csv"))) == before
)
raise SystemExit(0 if holds else 1)
PY
