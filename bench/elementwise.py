#!/usr/bin/env python3
"""A deep elementwise chain (bench/elementwise.c): PyTorch and ours by turns in one run, one thread, CPU time.

usage: elementwise.py path/to/bench_elementwise [width]
"""
import os
import re
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import torch
import torch.nn.functional as F

program = sys.argv[1]
width = int(sys.argv[2]) if len(sys.argv) > 2 else 4096
rows = 512
torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(rows, width)
gain, bias, up, shift, gate, out = parameters = [torch.randn(width, requires_grad=True) for _ in range(6)]
vectors = [torch.randn(width) for _ in range(6)]


def loss():
    h = F.layer_norm(x * out, (width,), gain, bias, 1e-5)
    y = x + F.gelu(h * up + shift) * torch.softmax(h * gate, 1) * out
    return 0.5 * (y * y).sum(1).mean()


def value():
    with torch.no_grad():
        loss()


def gradient():
    torch.autograd.grad(loss(), parameters)


def product():
    g = torch.autograd.grad(loss(), parameters, create_graph=True)
    torch.autograd.grad(sum((a * v).sum() for a, v in zip(g, vectors)), parameters)


def theirs(work):
    work()
    start, n = time.process_time(), 0
    while time.process_time() - start < 0.3:
        work()
        n += 1
    return 1e3 * (time.process_time() - start) / n


def ours(*words):
    text = subprocess.run([program, str(width), *words], check=True, capture_output=True, text=True).stdout
    return [float(t) for t in re.findall(r"[0-9.]+", text)]


measured = [[], [], []]
for _ in range(3):
    measured[0].append([theirs(w) for w in (value, gradient, product)])
    measured[1].append(ours())
    measured[2].append(ours("separate"))
for i, name in enumerate(["value", "gradient", "product"]):
    a, b, c = (statistics.median(m[i] for m in measured[k]) for k in (1, 0, 2))
    print(f"elementwise 512x{width} {name}: ours {a:.2f} ms, node by node {c:.2f}, torch {torch.__version__} {b:.2f}, "
          f"ours in torch's {a / b:.2f}")
