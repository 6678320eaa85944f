#!/usr/bin/env python3
"""The table of bench/octopus.c, and what is expected of it: plain descent is trapped (d = 10, L = 1), perturbed descent takes 100
to 500 iterations at d = 10, and negative-curvature reaches the minimum from every start in fewer. Nothing is timed.

usage: octopus.py path/to/bench_octopus
"""
import subprocess
import sys

table = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
print(table)
rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]


def median(d, L, method):
    return next((int(r[3]), r[6]) for r in rows if (r[0], r[1]) == (d, L) and r[2].startswith(method))


print("plain descent, d = 10, L = 1:", "trapped in 100,000 steps, as expected" if median("10", "1", "plain")[1] == "0 of 10" else "NOT trapped")
for d in "5", "10":
    for L in "1", "1.5", "2", "3":
        noise, ours = median(d, L, "perturbed descent"), median(d, L, "negative-curvature")
        good = ours[1] == "10 of 10" and ours[0] < noise[0]
        print(f"d = {d}, L = {L}: negative curvature {ours[0]} iterations, perturbed descent {noise[0]}: {'met' if good else 'missed'}")
