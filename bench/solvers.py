#!/usr/bin/env python3
"""The chained Rosenbrock function by our L-BFGS and conjugate gradients, libLBFGS, NLopt (both by the same program, bench/solvers.c)
and SciPy's L-BFGS-B: ten pairs each, from the same start, until |g| < 1e-6. CPU time, one thread, by turns; medians.

At n = 1000 from the classic start (-1.2, 1, -1.2, ..), thousands of evaluations, and from a start near the end; at n = 1,000,000 from
the near one. Of two equally good line searches one or the other takes a twentieth more evaluations: a start is one draw.

usage: solvers.py path/to/bench_solvers
"""
import os
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
from scipy.optimize import minimize


class Done(Exception):
    pass


def scipy(n, start):
    i = np.arange(n)
    x0 = 1 + 0.1 * np.sin(i + 1.0) if start == "near" else np.where(i & 1, 1.0, -1.2)
    count = 0

    def f(x):
        nonlocal count
        a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
        g = np.zeros_like(x)
        g[:-1] = -400 * a * x[:-1] - 2 * b
        g[1:] += 200 * a
        count += 1
        if np.linalg.norm(g) < 1e-6:
            raise Done
        return float(100 * (a @ a) + b @ b), g

    began = time.process_time()
    reached = False
    try:
        minimize(f, x0, jac=True, method="L-BFGS-B", options=dict(maxcor=10, gtol=0, ftol=0, maxiter=100000, maxfun=200000))
    except Done:
        reached = True
    return count, time.process_time() - began, reached


def program(name, n, start):
    p = subprocess.run([sys.argv[1], name, str(n), start], capture_output=True, text=True)
    if p.returncode == 3:
        return None
    evaluations, seconds, _, reached = p.stdout.split()
    return int(evaluations), float(seconds), reached == "reached"


NAMES = ["l-bfgs", "conjugate-gradient", "liblbfgs", "nlopt", "scipy"]
for n, start, turns in (1000, "std", 5), (1000, "near", 9), (1000000, "near", 3):
    print(f"chained Rosenbrock, n = {n}, start {start}")
    taken = {name: [] for name in NAMES}
    for _ in range(turns):
        for name in NAMES:
            if name == "scipy" and n > 1000 and taken[name]: continue  # slow, and counted once is enough
            one = scipy(n, start) if name == "scipy" else program(name, n, start)
            if one: taken[name].append(one)
    for name in NAMES:
        if not taken[name]:
            print(f"  {name:20} not here")
            continue
        evaluations, seconds, reached = taken[name][0][0], statistics.median(t[1] for t in taken[name]), taken[name][0][2]
        print(f"  {name:20} {evaluations:6} evaluations  {seconds:9.4f} s  {1e6 * seconds / evaluations:9.1f} us each"
              f"{'' if reached else '  not reached'}")
    best = min(t[0][0] for name, t in taken.items() if t and t[0][2])
    share = taken["l-bfgs"][0][0] / best
    print(f"  l-bfgs over the fewest evaluations {share:.2f}, target 1.10: {'met' if share <= 1.1 else 'missed'}")
    if taken["liblbfgs"]:
        ratio = statistics.median(a[1] / b[1] for a, b in zip(taken["l-bfgs"], taken["liblbfgs"]))
        print(f"  l-bfgs over libLBFGS's time {ratio:.2f}, target 1.00: {'met' if ratio <= 1 else 'missed'}")
    sys.stdout.flush()
