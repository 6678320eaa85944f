#!/usr/bin/env python3
"""Spectra by other programs, written to spectra.json beside this file.

  arpack    both ends of matrices that formulas make (tests/curvature/oracle_test.c makes the same), by ARPACK-NG
            (scipy.sparse.linalg.eigsh, tol 0) and, for comparison, all of them by LAPACK (scipy.linalg.eigh)
  networks  Hessians of small networks' mean losses, row by row with PyTorch's autograd in float64, and their eigenvalues by
            LAPACK (numpy.linalg.eigvalsh)

Debian 12: scipy 1.10, torch 1.13. usage: spectra.py
"""
import json
import os
import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import eigsh


def sines(n):
    i = np.arange(1, n + 1)
    return np.sin(np.outer(i, i))


def grid(rows, columns):
    """The 2-D Laplacian: eigenvalues of a square grid come in pairs."""
    line = lambda n: 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    return np.kron(line(rows), np.eye(columns)) + np.kron(np.eye(rows), line(columns))


def graded(n):
    i = np.arange(1, n + 1)
    return np.diag((-1.0) ** i * i**3) + 1.0 / (i[:, None] + i[None, :] - 1)


def ends(a, k):
    low = np.sort(eigsh(a, k=k, which="SA", tol=0, maxiter=100000, return_eigenvectors=False))
    high = np.sort(eigsh(a, k=k, which="LA", tol=0, maxiter=100000, return_eigenvectors=False))
    every = scipy.linalg.eigvalsh(a)
    # ARPACK may miss copies of a multiple eigenvalue; what it finds must be LAPACK's
    for value in np.concatenate([low, high]):
        assert np.min(np.abs(every - value)) < 1e-9 * np.max(np.abs(every))
    return {"low": every[:k].tolist(), "high": every[-k:].tolist(), "arpack_low": low[0], "arpack_high": high[-1]}


def network(sizes, activation, loss, rows, seed, scale, trained):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, sizes[0]))
    y = rng.integers(0, sizes[-1], rows) if loss == "cross-entropy" else rng.standard_normal((rows, sizes[-1]))
    shapes = [s for a, b in zip(sizes, sizes[1:]) for s in ((b, a), (b,))]
    counts = [int(np.prod(s)) for s in shapes]
    theta = torch.from_numpy(scale * rng.standard_normal(sum(counts)))
    features, target = torch.from_numpy(x), torch.from_numpy(y)

    def value(t):
        parts, h = torch.split(t, counts), features
        for l in range(len(sizes) - 1):
            h = h @ parts[2 * l].view(shapes[2 * l]).T + parts[2 * l + 1]
            if l < len(sizes) - 2:
                h = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "linear": lambda z: z, "relu": torch.relu}[activation](h)
        return F.cross_entropy(h, target) if loss == "cross-entropy" else 0.5 * ((h - target) ** 2).sum() / rows

    for _ in range(trained):
        t = theta.clone().requires_grad_(True)
        theta = theta - 0.1 * torch.autograd.grad(value(t), t)[0]
    t = theta.clone().requires_grad_(True)
    gradient = torch.autograd.grad(value(t), t, create_graph=True)[0]
    hessian = torch.stack([torch.autograd.grad(gradient[i], t, retain_graph=True)[0] for i in range(len(t))]).numpy()
    return {"sizes": sizes, "activation": activation, "loss": loss, "rows": rows, "x": x.ravel().tolist(),
            "y": [float(v) for v in y.ravel()], "theta": theta.tolist(),
            "eigenvalues": np.linalg.eigvalsh(0.5 * (hessian + hessian.T)).tolist()}


spectra = {
    "arpack": {"sines-200": ends(sines(200), 6), "grid-14x14": ends(grid(14, 14), 6), "graded-150": ends(graded(150), 6)},
    "networks": [
        network([3, 4, 2], "tanh", "half-mse", 12, 1, 0.5, 0),
        network([3, 4, 2], "tanh", "half-mse", 12, 1, 0.0, 0),   # a saddle of equal units
        network([4, 5, 3], "sigmoid", "cross-entropy", 20, 2, 0.7, 0),
        network([4, 5, 3], "sigmoid", "cross-entropy", 20, 2, 0.7, 3000),
        network([2, 3, 3, 2], "tanh", "cross-entropy", 15, 3, 0.8, 500),
        network([3, 3, 3, 3], "linear", "half-mse", 15, 4, 0.4, 2000),
        network([4, 6, 2], "relu", "cross-entropy", 16, 5, 0.6, 100),
    ],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "spectra.json"), "w") as out:
    json.dump(spectra, out, indent=0)
