#!/usr/bin/env python3
"""Scores the program on a zoo: train, diagnose and, where a loss is to be reached, unstick each case, in a folder of its own.

usage: score.py PROGRAM [FOLDER] [--only ID,..] [--jobs N] [--least CAUSE,UNSTUCK]   FOLDER: made anew by zoo.py unless given

Prints what is wrong, precision and recall of each cause, false alarms on the healthy, the share unstuck. With --least the exit
status is 1 where the share of right causes or of those unstuck (per cent) is below, a healthy run raised an alarm, or a run
ended above the loss that it began with."""
import argparse, json, math, os, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

HEALTHY = {"none", "edge-of-stability", "converged", "flat-valley", "irreducible"}


def call(program, folder, *args):
    done = subprocess.run([program, *args, "--json", "--quiet"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    try: return json.loads(done.stdout)
    except ValueError: raise RuntimeError("%s: exit status %d: %s" % (args[0], done.returncode, done.stderr.strip()[-300:]))


def loss(x): return math.inf if x is None else x


def score(program, folder):
    with open(os.path.join(folder, "scenario.json")) as f: case = json.load(f)
    r = {"id": case["id"], "label": case["expect"]["cause"][0], "got": "no answer", "right": False, "unstuck": None, "above": False, "note": ""}
    with tempfile.TemporaryDirectory() as work:
        for name in os.listdir(folder): shutil.copy(os.path.join(folder, name), work)
        try:
            call(program, work, "train", "data.csv", *case["train"], "--run", "R")
            d = call(program, work, "diagnose", "R", "--no-remedies")
            cause = d["cause"] or "none"; r["got"] = cause; r["verdict"] = d["verdict"]
            r["right"] = d["verdict"] in case["expect"]["verdict"] and cause in case["expect"]["cause"]
            if not r["right"]: r["note"] = "%s/%s, not %s/%s" % (d["verdict"], cause, case["expect"]["verdict"][0], case["expect"]["cause"][0])
            if case["unstick"] or case["leaves"]:
                u = call(program, work, "unstick", "R"); before, after, most = loss(u["loss_before"]), loss(u["loss_after"]), (case["unstick"] or {}).get("loss_at_most", math.inf)
                taken = [t["remedy"] for t in u["rounds"]]; wrong = case["leaves"] in taken or (case["takes"] and case["takes"] not in taken)
                r["above"] = after > before; r["unstuck"] = after <= most and not r["above"] and not wrong
                if wrong: r["note"] += "  took %s, not %s" % (taken, case["takes"] or "without " + case["leaves"])
                if not r["unstuck"]: r["note"] += "  %s: %.4g to %.4g, at most %.4g wanted" % (u["remedy"], before, after, most)
        except (RuntimeError, subprocess.TimeoutExpired) as e:
            r["note"] = str(e)
            if case["unstick"] or case["leaves"]: r["unstuck"] = False
    return r


def main():
    ap = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    ap.add_argument("program"); ap.add_argument("folder", nargs="?"); ap.add_argument("--only"); ap.add_argument("--jobs", type=int, default=1); ap.add_argument("--least")
    a = ap.parse_args(); program = os.path.abspath(a.program)
    with tempfile.TemporaryDirectory() as fresh:
        folder = a.folder or fresh
        if not a.folder: subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoo.py"), fresh], check=True, stdout=subprocess.DEVNULL)
        ids = [i for i in sorted(os.listdir(folder)) if not a.only or any(i.startswith(o) for o in a.only.split(","))]
        with ThreadPoolExecutor(a.jobs) as pool: rows = list(pool.map(lambda i: score(program, os.path.join(folder, i)), ids))
    for r in rows:
        if r["note"]: print("%-28s %s" % (r["id"], r["note"]))
    print("\n%-22s %6s %8s %6s %10s" % ("cause", "cases", "recall", "named", "precision"))
    for c in sorted({r["label"] for r in rows} | {r["got"] for r in rows}):
        labelled = [r for r in rows if r["label"] == c]; named = [r for r in rows if r["got"] == c or (r["right"] and r["label"] == c)]
        share = lambda part, of: "%.0f %%" % (100 * sum(x["right"] for x in of) / len(of)) if of else "-"
        print("%-22s %6d %8s %6d %10s" % (c, len(labelled), share(0, labelled), len(named), share(0, named)))
    healthy = [r for r in rows if r["label"] in HEALTHY]; alarms = [r["id"] for r in healthy if r["got"] not in HEALTHY or r.get("verdict") == "undecided"]
    asked = [r for r in rows if r["unstuck"] is not None]; right, freed = sum(r["right"] for r in rows), sum(r["unstuck"] for r in asked)
    above = [r["id"] for r in rows if r["above"]]
    print("\nright: %d of %d; false alarms: %d of %d healthy %s; unstuck: %d of %d; ended above the start: %d %s" % (right, len(rows), len(alarms), len(healthy), " ".join(alarms), freed, len(asked), len(above), " ".join(above)))
    if not a.least: return 0
    cause, unstuck = map(float, a.least.split(","))
    return int(100 * right < cause * len(rows) or 100 * freed < unstuck * len(asked) or bool(alarms) or bool(above))


if __name__ == "__main__": sys.exit(main())
