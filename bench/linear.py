#!/usr/bin/env python3
"""Linear regression, an epoch over dense generated rows in float: ours, scikit-learn's SGDRegressor and PyTorch's SGD on
one thread in one run, by turns. Seconds are the process's own; the least of the repeats counts.

usage: linear.py BENCH_LINEAR [ROWS COLUMNS [REPEATS]]      (BENCH_LINEAR: the program built from linear.c)
"""
import os
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy  # noqa: E402


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def peers(rows, columns):
    """name -> an epoch's work"""
    rng = numpy.random.default_rng(0)
    x = rng.standard_normal((rows, columns), dtype=numpy.float32)
    y = x @ rng.standard_normal(columns).astype(numpy.float32) + 1 + rng.standard_normal(rows, dtype=numpy.float32)
    work = {}
    try:
        from sklearn.linear_model import SGDRegressor
        x64, y64 = x.astype(numpy.float64), y.astype(numpy.float64)
        one = dict(max_iter=1, tol=None, random_state=0, penalty=None)
        work["sklearn batch-1-in-order f64"] = lambda: SGDRegressor(shuffle=False, **one).fit(x64, y64)
        work["sklearn batch-1-shuffled f32"] = lambda: SGDRegressor(**one).fit(x, y)
    except ImportError:
        print("scikit-learn is not installed")
    try:
        import torch
        torch.set_num_threads(1)
        tx, ty = torch.from_numpy(x), torch.from_numpy(y)

        def epoch(batch, shuffled):
            layer = torch.nn.Linear(columns, 1)
            optimizer = torch.optim.SGD(layer.parameters(), lr=1e-4)
            order = torch.randperm(rows) if shuffled else None
            for first in range(0, rows, batch):
                at = order[first:first + batch] if shuffled else slice(first, first + batch)
                optimizer.zero_grad(set_to_none=False)
                ((layer(tx[at]).squeeze(1) - ty[at]) ** 2).mean().backward()
                optimizer.step()
        work["torch batch-4096-in-order f32"] = lambda: epoch(4096, False)
        work["torch batch-4096-shuffled f32"] = lambda: epoch(4096, True)
    except ImportError:
        print("PyTorch is not installed")
    return work


def main():
    program = sys.argv[1]
    rows, columns = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (1000000, 100)
    repeats = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    work = peers(rows, columns)
    theirs, ours = {name: [] for name in work}, {}
    for _ in range(repeats):
        for name, epoch in work.items():
            theirs[name].append(seconds(epoch))
        lines = subprocess.run([program, str(rows), str(columns), "2"], check=True, capture_output=True, text=True).stdout
        for line in lines.splitlines():
            name, value = line.split()
            ours.setdefault(name, []).append(float(value))
    print(f"{rows} x {columns}, an epoch")
    for name, values in ours.items():
        print(f"unstuck {name:22} {min(values):8.4f} s")
    for name, values in theirs.items():
        mine = min(ours[name.split()[1]])
        print(f"{name:30} {min(values):8.4f} s   ours / theirs = {mine / min(values):.3f}")


if __name__ == "__main__":
    main()
