"""How many digits LAPACK's dgelsd (numpy.linalg.lstsq) gets of NIST's linear sets. usage: dgelsd.py FOLDER > dgelsd.json"""
import csv, json, math, os, re, sys
import numpy as np

folder = sys.argv[1]
read = lambda name: list(csv.DictReader(open(os.path.join(folder, name))))
out = {}
for m in read("models.csv"):
    name = m["dataset"]
    known = {r["name"]: float(r["value"]) for r in read("refined.csv") if r["dataset"] == name and re.fullmatch(r"B\d+", r["name"])}
    lines = open(os.path.join(folder, name + ".dat")).read().split("\n")
    rows = np.array([[float(v) for v in l.split()] for l in lines[int(m["first_data_line"]) - 1:int(m["last_data_line"])]])
    y, x = rows[:, 0], rows[:, 1:]
    column = lambda k: np.ones(len(y)) if k == 0 else x[:, 0] ** k if x.shape[1] == 1 else x[:, k - 1]
    a = np.stack([column(int(p[1:])) for p in known], axis=1)
    found = np.linalg.lstsq(a, y, rcond=-1)[0]
    out[name] = round(min(15 if f == c else min(15, -math.log10(abs(f - c) / abs(c))) for f, c in zip(found, known.values())), 2)
json.dump(out, sys.stdout, indent=1)
print()
