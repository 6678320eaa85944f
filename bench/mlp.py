#!/usr/bin/env python3
"""Training a relu network: PyTorch and ours by turns in one run, one thread, CPU time, same network, batch and rule.

usage: mlp.py path/to/bench_mlp [batch [rule [784-128-10]]]      (rule: sgd or adam)
"""
import os
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import torch
import torch.nn.functional as F

program = sys.argv[1]
batch = int(sys.argv[2]) if len(sys.argv) > 2 else 32
rule = sys.argv[3] if len(sys.argv) > 3 else "sgd"
sizes = [int(n) for n in (sys.argv[4] if len(sys.argv) > 4 else "784-128-10").split("-")]

torch.set_num_threads(1)
torch.manual_seed(0)
layers = []
for i in range(len(sizes) - 1):
    layers.append(torch.nn.Linear(sizes[i], sizes[i + 1]))
    if i < len(sizes) - 2:
        layers.append(torch.nn.ReLU())
network = torch.nn.Sequential(*layers)
rows = 32768
features, labels = torch.randn(rows, sizes[0]), torch.randint(0, sizes[-1], (rows,))
optimizer = (torch.optim.SGD if rule == "sgd" else torch.optim.Adam)(network.parameters(), lr=1e-3)


def step(i):
    """Rows in a row: no gathering, which ours does."""
    j = (i * batch) % (rows - batch + 1)
    optimizer.zero_grad(set_to_none=False)
    F.cross_entropy(network(features[j : j + batch]), labels[j : j + batch]).backward()
    optimizer.step()


def torch_rate():
    steps, start = 0, time.process_time()
    while time.process_time() - start < 0.8:
        for _ in range(10):
            step(steps)
            steps += 1
    return batch * steps / (time.process_time() - start)


def our_rate():
    out = subprocess.run([program, str(batch), rule, *map(str, sizes)], check=True, capture_output=True, text=True).stdout
    return float(out.split()[0])


torch_rate()
theirs, ours = [], []
for _ in range(5):
    theirs.append(torch_rate())
    ours.append(our_rate())
a, b = statistics.median(ours), statistics.median(theirs)
print(f"mlp {'-'.join(map(str, sizes))} batch {batch} {rule}: ours {a:.0f}, torch {torch.__version__} {b:.0f} samples/s, ratio {a / b:.2f}")
