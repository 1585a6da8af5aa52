"""Draws the main table and the curve of accuracy over the radius again, from what `evaluate --csv` wrote.

    python3 figures.py results.csv curve.svg        needs Python alone
"""
import csv
import sys

rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
print("| defence | attack | ε | accuracy | 95% interval |\n|---|---|--:|--:|--:|")
curves = {}
for row in rows:
    defence = " ".join([row["defence"], row["lambda"]]).strip()
    percent = [f"{100 * float(row[name]):.1f}" for name in ("accuracy", "lower", "upper")]
    print(f"| {defence} | {row['attack']} | {row['epsilon'] or 0} | {percent[0]} | {percent[1]}–{percent[2]} |")
    if row["attack"] != "none":
        own = ("model", "defence", "defenceParameters")
        clean = next(r for r in rows if r["attack"] == "none" and all(r[name] == row[name] for name in own))
        curve = curves.setdefault(f"{defence}, {row['attack']}", {0.0: float(clean["accuracy"])})
        curve[float(row["epsilonOnPixelScale"])] = float(row["accuracy"])
widest = max(max(curve) for curve in curves.values())
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 520 320" font-size="9">')
    for n, (name, curve) in enumerate(sorted(curves.items())):
        points = [(400 * radius / widest, 300 * (1 - share)) for radius, share in sorted(curve.items())]
        colour = f"hsl({360 * n // len(curves)},70%,40%)"
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        file.write(f'<polyline points="{places}" fill="none" stroke="{colour}"/>'
                   f'<text x="405" y="{12 * n + 10}" fill="{colour}">{name}</text>')
    file.write("</svg>\n")
