#!/usr/bin/env python3
"""Follows the update rules that PyTorch has by PyTorch itself, in f64, and writes rules_torch.csv beside this file.

Problems: those of rules.py, and random logistic ones, mean of log(1 + exp(a_j . x)) over nine samples + 0.05 |x|^2, whose numbers
come from Knuth's MMIX generator. Written with PyTorch 1.13.1. Where a definition differs from ours, the rate is constant, where
they agree: PyTorch's momentum has the rate outside the velocity. NAdam is the foreach one: the other of 1.13 multiplies its
product of mu by mu(t) twice.
"""
import csv
import math
import os

import torch

SHOWN = [1, 2, 3, 5, 10, 20, 50, 100, 150, 200]
CURVATURE, CENTRE = [0.3, 1.7, 0.05, 4.1, 0.9], [0.5, -1.25, 2.0, 0.125, -0.75]
STARTS = {"quadratic": [2.385, -3.1, 0.77, 1.9, 1.31], "rosenbrock": [-1.2, 1.0]}


torch.set_default_dtype(torch.float64)  # also for NAdam's product


def draws(state):
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**52 - 1


def start(problem):
    if problem in STARTS:
        return STARTS[problem]
    numbers = draws(2 + int(problem[9:]))
    return [next(numbers) for _ in range(5)]


def gradient(problem, x):
    if problem == "quadratic":
        return [a * (xi - c) for a, xi, c in zip(CURVATURE, x, CENTRE)]
    if problem == "rosenbrock":
        return [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]
    numbers, g = draws(1002 + int(problem[9:])), [0.1 * xi for xi in x]
    for _ in range(9):
        a = [3 * next(numbers) for _ in range(5)]
        slope = 1 / (1 + math.exp(-sum(ai * xi for ai, xi in zip(a, x)))) / 9
        g = [gi + ai * slope for gi, ai in zip(g, a)]
    return g


O = torch.optim
RULES = {
    # name: (ours, rate on a smooth problem, on rosenbrock, PyTorch's)
    "sgd": ("", 0.11, 0.0007, lambda p, a: O.SGD(p, a)),
    "momentum": ("momentum=0.8", 0.03, 0.0002, lambda p, a: O.SGD(p, a, momentum=0.8)),
    "nesterov": ("momentum=0.8", 0.03, 0.0002, lambda p, a: O.SGD(p, a, momentum=0.8, nesterov=True)),
    "adagrad": ("", 0.2, 0.05, lambda p, a: O.Adagrad(p, a)),
    "adadelta": ("rho=0.9", 0.4, 0.002, lambda p, a: O.Adadelta(p, a)),
    "rmsprop": ("rho=0.99", 0.002, 0.0007, lambda p, a: O.RMSprop(p, a)),
    "rmsprop-centred": ("", 0.0005, 0.0002, lambda p, a: O.RMSprop(p, a, centered=True)),
    "rmsprop-momentum": ("rho=0.99 momentum=0.7", 0.0005, 0.0002, lambda p, a: O.RMSprop(p, a, momentum=0.7)),
    "adam": ("", 0.004, 0.002, lambda p, a: O.Adam(p, a)),
    "adamw": ("weight-decay=0.05", 0.004, 0.002, lambda p, a: O.AdamW(p, a, weight_decay=0.05)),
    "adamax": ("", 0.004, 0.002, lambda p, a: O.Adamax(p, a)),
    "amsgrad": ("beta2=0.9", 0.004, 0.002, lambda p, a: O.Adam(p, a, betas=(0.9, 0.9), amsgrad=True)),
    "radam": ("", 0.004, 0.002, lambda p, a: O.RAdam(p, a)),
    "nadam": ("", 0.004, 0.002, lambda p, a: O.NAdam(p, a, foreach=True)),
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "rules_torch.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["rule", "set", "lr", "schedule", "warmup", "clip_norm", "problem", "step", "theta"])
        for rule, (text, smooth, rosenbrock, make) in RULES.items():
            for problem in ["quadratic", "rosenbrock"] + [f"logistic-{k}" for k in range(4)]:
                rate = rosenbrock if problem == "rosenbrock" else smooth
                x = torch.tensor(start(problem), dtype=torch.float64, requires_grad=True)
                optimizer = make([x], rate)
                for t in range(1, 201):
                    x.grad = torch.tensor(gradient(problem, x.tolist()), dtype=torch.float64)
                    optimizer.step()
                    if t in SHOWN:
                        out.writerow([rule, text, repr(rate), "constant", 0, 0, problem, t, " ".join(f"{v:.17g}" for v in x.tolist())])


if __name__ == "__main__":
    main()
