#!/usr/bin/env python3
"""Follows the rules that see groups as matrices by their formulas, in NumPy and SciPy (f64), and writes rules_matrix.csv beside
this file. Written with NumPy 1.24; good to about 1e-9 over 200 steps.

The loss is sum of c_i/2 (theta_i - a_i)^2, with c, a and the start from Knuth's MMIX generator. Groups of "mixed": wide [3x5],
tall [7x2], kernels [4x3x2x2], a vector [4], a scalar; of "square": [4x4], kernels [4x2x2x1], a vector [4] (a matrix of one
step's gradient must have full rank for SOAP's first basis to be defined). Sources: see rules.py; Muon: Jordan et al. 2024 and
the authors' program; Shampoo: Gupta et al. 2018, algorithm 1 with momentum; SOAP: Vyas et al. 2024, algorithms 3 and 4, the
first step skipped as in the authors' program.
"""
import csv
import os

import numpy as np
from scipy import linalg

GROUPS = {"mixed": [(3, 5), (7, 2), (4, 3, 2, 2), (4,), ()], "square": [(4, 4), (4, 2, 2, 1), (4,)]}
SHOWN = [1, 2, 3, 10, 50, 100, 200]


def draws(state):
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**52 - 1


def split(v, shapes):
    parts, at = [], 0
    for shape in shapes:
        n = int(np.prod(shape))
        parts.append(v[at:at + n].reshape(shape))
        at += n
    return parts


def root(m, power):
    values, vectors = linalg.eigh(m)
    return vectors @ np.diag(values ** power) @ vectors.T


def adam(s, g, t, b1, b2, eps):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    return s["m"] / (1 - b1**t) / (np.sqrt(s["v"] / (1 - b2**t)) + eps)


def newton_schulz(x, rounds):
    flip = x.shape[0] > x.shape[1]
    x = x.T if flip else x
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(rounds):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if flip else x


def step(rule, h, rate, t, x, g, c, s):
    """The new value of one group. s is the group's own state."""
    matrix = g.reshape(g.shape[0], -1) if g.ndim > 1 else None
    if rule == "lars":
        nx, ng = np.linalg.norm(x), np.linalg.norm(g)
        s["v"] = h["momentum"] * s.get("v", 0) + rate * h["trust"] * nx / (ng + h["weight-decay"] * nx) * (g + h["weight-decay"] * x)
        return x - s["v"]
    if rule == "lamb":
        u = adam(s, g, t, h["beta1"], h["beta2"], h["epsilon"]) + h["weight-decay"] * x
        return x - rate * np.linalg.norm(x) / np.linalg.norm(u) * u
    if rule == "adafactor":
        b = 1 - t ** -h["decay"]
        square = g**2 + h["epsilon1"]
        if matrix is None:
            s["v"] = b * s.get("v", 0) + (1 - b) * square
            v = s["v"]
        else:
            square = square.reshape(matrix.shape)
            s["r"] = b * s.get("r", 0) + (1 - b) * square.sum(1)
            s["c"] = b * s.get("c", 0) + (1 - b) * square.sum(0)
            v = (np.outer(s["r"], s["c"]) / s["r"].sum()).reshape(g.shape)
        u = g / np.sqrt(v)
        rms = lambda a: np.sqrt(np.mean(a**2))
        u = u / max(1, rms(u) / h["clip"])
        return x - rate * h["weight-decay"] * x - rate * max(h["epsilon2"], rms(x)) * u
    if rule == "adahessian":
        d = np.abs(c)
        if g.ndim == 4:
            d = np.broadcast_to(d.mean((2, 3), keepdims=True), d.shape)
        if (t - 1) % h["every"] == 0:
            s["k"] = s.get("k", 0) + 1
            s["h"] = h["beta2"] * s.get("h", 0) + (1 - h["beta2"]) * d**2
        s["m"] = h["beta1"] * s.get("m", 0) + (1 - h["beta1"]) * g
        bottom = np.sqrt(s["h"] / (1 - h["beta2"] ** s["k"])) ** h["power"] + h["epsilon"]
        return x - rate * (s["m"] / (1 - h["beta1"] ** t) / bottom + h["weight-decay"] * x)
    if rule == "muon":
        if matrix is None:
            u = adam(s, g, t, h["beta1"], h["beta2"], h["epsilon"])
            rate *= h["adam-rate"]
        else:
            mu = h["momentum"]
            s["m"] = mu * s.get("m", 0) + (1 - mu) * matrix
            u = newton_schulz((1 - mu) * matrix + mu * s["m"], h["rounds"])
            u = u * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
        return (1 - rate * h["weight-decay"]) * x - rate * u.reshape(g.shape)
    if rule == "shampoo":
        if matrix is None:
            s["v"] = s.get("v", h["epsilon"]) + g**2
            u = g / np.sqrt(s["v"])
        else:
            if t == 1:
                s["l"], s["r"] = (h["epsilon"] * np.eye(n) for n in matrix.shape)
            s["l"] = s["l"] + matrix @ matrix.T
            s["r"] = s["r"] + matrix.T @ matrix
            if (t - 1) % h["every"] == 0:
                s["left"], s["right"] = root(s["l"], -0.25), root(s["r"], -0.25)
            u = (s["left"] @ matrix @ s["right"]).reshape(g.shape)
        s["m"] = h["momentum"] * s.get("m", 0) + u
        return x - rate * s["m"]
    if rule == "soap":
        b1, b2 = h["beta1"], h["beta2"]
        if matrix is None:
            return x if t == 1 else x - rate * h["weight-decay"] * x - rate * adam(s, g, t - 1, b1, b2, h["epsilon"])
        new = x
        if t > 1:
            p, q = s["p"], s["q"]
            s["m"] = b1 * s.get("m", 0) + (1 - b1) * matrix
            s["v"] = b2 * s.get("v", 0) + (1 - b2) * (p.T @ matrix @ q) ** 2
            inner = p.T @ s["m"] @ q / (1 - b1 ** (t - 1)) / (np.sqrt(s["v"] / (1 - b2 ** (t - 1))) + h["epsilon"])
            new = x - rate * h["weight-decay"] * x - rate * (p @ inner @ q.T).reshape(x.shape)
        s["l"] = b2 * s.get("l", 0) + (1 - b2) * matrix @ matrix.T
        s["r"] = b2 * s.get("r", 0) + (1 - b2) * matrix.T @ matrix
        if t == 1:
            s["p"], s["q"] = linalg.eigh(s["l"])[1], linalg.eigh(s["r"])[1]
        elif (t - 1) % h["every"] == 0:
            s["p"], s["q"] = linalg.qr(s["l"] @ s["p"])[0], linalg.qr(s["r"] @ s["q"])[0]
        return new


ADAHESSIAN = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-4, "power": 1.0, "weight-decay": 0.0, "every": 1}
CASES = [
    ("lars", {"momentum": 0.9, "trust": 0.001, "weight-decay": 0.0}, {"trust": 0.01, "weight-decay": 0.1}, 1.0, "mixed"),
    ("lamb", {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-6, "weight-decay": 0.01}, {"beta2": 0.9}, 0.01, "mixed"),
    ("adafactor", {"decay": 0.8, "epsilon1": 1e-30, "epsilon2": 1e-3, "clip": 1.0, "weight-decay": 0.0}, {"decay": 0.5, "clip": 0.5, "weight-decay": 0.1}, 0.004, "mixed"),
    ("adahessian", ADAHESSIAN, {"power": 0.5, "every": 3, "weight-decay": 0.1}, 0.05, "mixed"),
    ("muon", {"momentum": 0.95, "rounds": 5, "weight-decay": 0.0, "adam-rate": 0.015, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-10},
     {"momentum": 0.8, "rounds": 3, "weight-decay": 0.1}, 0.004, "mixed"),
    ("shampoo", {"momentum": 0.9, "epsilon": 1e-4, "every": 10}, {"momentum": 0.5, "epsilon": 0.1, "every": 3}, 0.01, "mixed"),
    ("soap", {"beta1": 0.95, "beta2": 0.95, "epsilon": 1e-3, "weight-decay": 0.01, "every": 10}, {"beta1": 0.9, "epsilon": 0.01, "every": 4}, 0.003, "square"),
]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "rules_matrix.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["rule", "set", "lr", "problem", "step", "theta"])
        for rule, defaults, other, rate, problem in CASES:
            for changed in ({}, other) if rule != "soap" else ({"epsilon": 1e-3}, other):
                shapes, numbers = GROUPS[problem], draws(len(GROUPS[problem]))
                n = sum(int(np.prod(shape)) for shape in shapes)
                c, a, x = (np.array([next(numbers) for _ in range(n)]) for _ in range(3))
                c = 1.2 + c
                states = [{} for _ in shapes]
                for t in range(1, 201):
                    g = c * (x - a)
                    parts = zip(split(x, shapes), split(g, shapes), split(c, shapes), states)
                    x = np.concatenate([step(rule, {**defaults, **changed}, rate, t, *part).ravel() for part in parts])
                    if t in SHOWN:
                        text = " ".join(f"{k}={v!r}" for k, v in changed.items())
                        out.writerow([rule, text, repr(rate), problem, t, " ".join(f"{v:.17g}" for v in x)])


if __name__ == "__main__":
    main()
