#!/usr/bin/env python3
"""Reading a CSV file of floats: ours and pandas' C engine, the same file, one thread, one run.

usage: csv.py BENCH_CSV [ROWS COLUMNS]      (BENCH_CSV: the program built from csv.c)
"""
import json
import os
import subprocess
import sys
import tempfile

PANDAS = """
import json, resource, sys, time
import pandas
start = time.perf_counter()
frame = pandas.read_csv(sys.argv[1], engine="c", float_precision=sys.argv[2] if sys.argv[2] != "default" else None)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                  "sum": float(frame.iloc[:, -1].cumsum().iloc[-1])}))
"""


def run(*words):
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main():
    import numpy
    program = sys.argv[1]
    rows, columns = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (1000000, 20)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "floats.csv")
        rng = numpy.random.default_rng(1)
        with open(path, "w") as file:
            file.write(",".join(f"x{i}" for i in range(columns)) + "\n")
            for first in range(0, rows, 50000):
                values = rng.standard_normal((min(50000, rows - first), columns))
                file.write(("\n".join([",".join(["%.7f"] * columns)] * len(values)) + "\n") % tuple(values.ravel()))
        size = os.path.getsize(path) / 1e6
        os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
        results = {"ours": [], "ours, to a dataset": [], "pandas": [], "pandas, correctly rounded": []}
        for _ in range(3):
            results["ours"].append(run(program, path))
            results["ours, to a dataset"].append(run(program, path, f"x{columns - 1}"))
            results["pandas"].append(run(sys.executable, "-c", PANDAS, path, "default"))
            results["pandas, correctly rounded"].append(run(sys.executable, "-c", PANDAS, path, "round_trip"))
        print(f"{rows} x {columns} floats as %.7f, {size:.0f} MB; the best of three")
        best = {name: min(r["seconds"] for r in runs) for name, runs in results.items()}
        for name, runs in results.items():
            print(f"{name:26s} {best[name]:7.3f} s  {size / best[name]:7.0f} MB/s  peak {runs[0]['peak_mb']:6.0f} MB"
                  f"  {best['pandas'] / best[name]:5.1f} x pandas")


if __name__ == "__main__":
    main()
