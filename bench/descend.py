#!/usr/bin/env python3
"""A step of each update rule (bench/descend.c), and PyTorch's optimizers beside it in the same run: n = 10,000,000, f32, one
thread, CPU time; those of PyTorch before and after ours. About three minutes on a quiet machine.

usage: descend.py path/to/bench_descend [RULE..]
"""
import os
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import torch

torch.set_num_threads(1)
n = 10_000_000
parameter = torch.randn(n, requires_grad=True)
parameter.grad = 0.1 * torch.randn(n)
O = torch.optim
PEERS = {"sgd": O.SGD, "adagrad": O.Adagrad, "rmsprop": O.RMSprop, "adam": O.Adam, "adamw": O.AdamW, "nadam": O.NAdam,
         "radam": O.RAdam, "adamax": O.Adamax, "adadelta": O.Adadelta}


def measure(make):
    optimizer = make([parameter], lr=1e-6)
    times = []
    for _ in range(4):
        start = time.process_time()
        optimizer.step()
        times.append(1e9 * (time.process_time() - start) / n)
    return statistics.median(times[1:])


wanted = sys.argv[2:]
peers = {name: make for name, make in PEERS.items() if not wanted or name in wanted}
before = {name: measure(make) for name, make in peers.items()}
ours = {}
for line in subprocess.run([sys.argv[1], *wanted], check=True, capture_output=True, text=True).stdout.splitlines():
    print(line)
    if "one thread" in line:
        ours[line.split()[0]] = float(line.split("one thread")[1].split()[0])
after = {name: measure(make) for name, make in peers.items()}
for name in peers:
    theirs = (before[name] + after[name]) / 2
    print(f"{name}: {ours[name]:.2f} ns a parameter, torch {torch.__version__} {theirs:.2f}, theirs in ours {theirs / ours[name]:.1f}")
