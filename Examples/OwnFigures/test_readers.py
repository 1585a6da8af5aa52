"""Reads what `evaluate --csv` and `--per-image` wrote with pandas, polars and DuckDB, and holds every value equal
to what Python's csv and json read.

    python3 test_readers.py results.csv images.csv images.jsonl             with those that are installed
    python3 test_readers.py --install results.csv images.csv images.jsonl   in an environment made for it
"""
import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = ["pandas==3.1.1", "polars==2.1.0", "duckdb==2.0.1"]


def value(text):
    """What a field says: nothing, a whole number, a real number or words."""
    if text == "":
        return None
    for number in int, float:
        try:
            return number(text)
        except ValueError:
            pass
    return text


def plain(path):
    """The rows of a file, by the standard library alone."""
    with open(path, encoding="utf-8", newline="") as file:
        if path.endswith(".jsonl"):
            return [json.loads(line) for line in file]
        return [{name: value(text) for name, text in row.items()} for row in csv.DictReader(file)]


def with_pandas(path):
    import pandas
    frame = pandas.read_json(path, lines=True, precise_float=True) if path.endswith(".jsonl") else \
        pandas.read_csv(path, keep_default_na=False, na_values=[""])
    return frame.to_dict("records")


def with_polars(path):
    import polars
    read = polars.read_ndjson if path.endswith(".jsonl") else polars.read_csv
    return read(path, infer_schema_length=None).to_dicts()


def with_duckdb(path):
    import duckdb
    kind = "read_json" if path.endswith(".jsonl") else "read_csv"
    found = duckdb.sql(f"from {kind}('{path}', sample_size=-1)")
    return [dict(zip(found.columns, row)) for row in found.fetchall()]


def same(found, expected):
    """Whether a library read what is there; it may take a column's whole numbers for real ones."""
    if expected in (None, ""):
        return found in (None, "") or isinstance(found, float) and math.isnan(found)
    if isinstance(expected, (int, float)):
        return isinstance(found, (int, float)) and found == expected
    return found == expected


def main(paths):
    read, missing = [], []
    for name, reader in ("pandas", with_pandas), ("polars", with_polars), ("duckdb", with_duckdb):
        try:
            tables = [(path, reader(path)) for path in paths]
        except ModuleNotFoundError as error:
            missing.append(error.name)
            continue
        read.append(name)
        for path, rows in tables:
            expected = plain(path)
            assert len(rows) == len(expected) > 0, (name, path, len(rows), len(expected))
            for number, (row, wanted) in enumerate(zip(rows, expected)):
                assert list(row) == list(wanted), (name, path, "other columns")
                for column in wanted:
                    assert same(row[column], wanted[column]), \
                        (name, path, number, column, row[column], wanted[column])
    csv_rows, json_rows = plain(paths[1]), plain(paths[2])
    assert len(csv_rows) == len(json_rows)
    for row, other in zip(csv_rows, json_rows):
        assert all(same(row[column], other[column]) for column in other), (row, other)
    print(f"read by Python{''.join(', ' + name for name in read)}: every value as written"
          + (f"; not installed, so not asked: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--install"]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            python = Path(folder) / "bin" / "python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", *VERSIONS], check=True)
            sys.exit(subprocess.run([python, __file__, *arguments[1:]]).returncode)
    main(arguments)
