#!/usr/bin/env python3
"""Training a small causal transformer on characters: PyTorch and ours by turns in one run, one thread, CPU time; same sizes,
text, windows (begun anywhere), Adam, clipping of the gradient and batch.

usage: transformer.py path/to/bench_transformer [text]      (without a text: one of 65 characters, drawn at random)

Both are measured without the time that reading the text takes; ours gathers its windows within the steps, PyTorch too.
"""
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import torch
import torch.nn as nn
import torch.nn.functional as F

program = sys.argv[1]
WIDTH, HEADS, UNITS, LAYERS, CONTEXT, BATCH, STEPS, TURNS = 128, 4, 512, 3, 128, 16, 12, 3
torch.set_num_threads(1)
torch.manual_seed(0)

folder = tempfile.TemporaryDirectory()
path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(folder.name, "text.txt")
if len(sys.argv) <= 2:
    random.seed(1)
    with open(path, "w") as f:
        f.write("".join(random.choices([chr(c) for c in range(48, 113)], k=300000)))
text = open(path, encoding="utf-8").read()
characters = sorted(set(text))
tokens = torch.tensor([characters.index(c) for c in text[: len(text) * 9 // 10]])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.register_buffer("later", torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1))

    def forward(self, x):
        n = self.norm(x)
        q, k, v = (f(n).view(len(x), CONTEXT, HEADS, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5
        mixed = scores.masked_fill(self.later, float("-inf")).softmax(3) @ v
        return x + self.output(mixed.transpose(1, 2).reshape(x.shape))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.weight, self.output = nn.Linear(WIDTH, UNITS, bias=False), nn.Linear(UNITS, WIDTH, bias=False)

    def forward(self, x):
        return x + self.output(F.gelu(self.weight(self.norm(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(characters), WIDTH)
        self.position = nn.Parameter(torch.randn(CONTEXT, WIDTH))
        self.layers = nn.Sequential(*(layer() for _ in range(LAYERS) for layer in (Attention, FeedForward)))
        self.norm, self.next = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, len(characters), bias=False)

    def forward(self, x):
        return self.next(self.norm(self.layers(self.embed(x) + self.position)))


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def step():
    first = torch.randint(0, len(tokens) - CONTEXT, (BATCH, 1)) + torch.arange(CONTEXT)
    optimizer.zero_grad()
    logits = model(tokens[first])
    F.cross_entropy(logits.flatten(0, 1), tokens[first + 1].flatten()).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()


def torch_rate():
    start = time.process_time()
    for _ in range(STEPS):
        step()
    return STEPS * BATCH * CONTEXT / (time.process_time() - start)


def our_rate():
    form = f"embed {WIDTH}, {LAYERS}*(attention {HEADS}, feed-forward {UNITS} gelu)"
    out = subprocess.run([program, path, form, str(CONTEXT), str(BATCH), str(STEPS + 3)], check=True, capture_output=True,
                         text=True).stdout.split()
    return float(out[0]), int(out[2])


step()
theirs, ours = [], []
for _ in range(TURNS):
    theirs.append(torch_rate())
    rate, parameters = our_rate()
    ours.append(rate)
a, b = statistics.median(ours), statistics.median(theirs)
same = sum(p.numel() for p in model.parameters())
print(f"transformer {LAYERS}*(attention {HEADS}, feed-forward {UNITS}), width {WIDTH}, context {CONTEXT}, batch {BATCH}, adam "
      f"({parameters} parameters, {same}): ours {a:.0f}, torch {torch.__version__} {b:.0f} characters/s, ratio {a / b:.2f}")
