#!/usr/bin/env python3
"""Training a small convolutional network: PyTorch and ours by turns in one run, one thread, CPU time, same network and rule.

usage: cnn.py path/to/bench_cnn [batch [rule]]      (rule: sgd or adam; without a batch 32 and 128)
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
batches = [int(sys.argv[2])] if len(sys.argv) > 2 else [32, 128]
rule = sys.argv[3] if len(sys.argv) > 3 else "sgd"

torch.set_num_threads(1)
torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Flatten(), torch.nn.Linear(32 * 7 * 7, 10))
rows = 8192
features, labels = torch.randn(rows, 1, 28, 28), torch.randint(0, 10, (rows,))
optimizer = (torch.optim.SGD if rule == "sgd" else torch.optim.Adam)(network.parameters(), lr=1e-3)


def step(i, batch):
    """Rows in a row: no gathering, which ours does."""
    j = (i * batch) % (rows - batch + 1)
    optimizer.zero_grad(set_to_none=False)
    F.cross_entropy(network(features[j : j + batch]), labels[j : j + batch]).backward()
    optimizer.step()


def torch_rate(batch):
    steps, start = 0, time.process_time()
    while time.process_time() - start < 0.8:
        for _ in range(4):
            step(steps, batch)
            steps += 1
    return batch * steps / (time.process_time() - start)


def our_rate(batch):
    out = subprocess.run([program, str(batch), rule], check=True, capture_output=True, text=True).stdout
    return float(out.split()[0])


for batch in batches:
    torch_rate(batch)
    theirs, ours = [], []
    for _ in range(5):
        theirs.append(torch_rate(batch))
        ours.append(our_rate(batch))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"cnn 3x3x16-pool-3x3x32-pool-10 batch {batch} {rule}: ours {a:.0f}, torch {torch.__version__} {b:.0f} samples/s, "
          f"ratio {a / b:.2f}")
