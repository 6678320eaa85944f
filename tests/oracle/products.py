#!/usr/bin/env python3
"""Writes products.h beside this file: products of the Hessian, the generalised Gauss-Newton matrix and the empirical Fisher
matrix of a small network with a vector, by PyTorch's automatic differentiation in double precision.

Independent of the library: J and the gradients of single rows come from torch.autograd.functional.jacobian, the curvature
by the outputs from its hessian, and the products are formed densely.
"""
import os
import torch
from torch.autograd.functional import hessian, jacobian

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)
ROWS, INPUTS, HIDDEN, OUTPUTS = 7, 3, 4, 2
SIZES = [(HIDDEN, INPUTS), (HIDDEN,), (OUTPUTS, HIDDEN), (OUTPUTS,)]
n = sum(torch.Size(s).numel() for s in SIZES)
x, y = torch.randn(ROWS, INPUTS), torch.randn(ROWS, OUTPUTS)
labels = torch.randint(OUTPUTS, (ROWS,))
theta, v = 0.8 * torch.randn(n), torch.randn(n)


def outputs(t):
    parts, at = [], 0
    for s in SIZES:
        k = torch.Size(s).numel()
        parts.append(t[at:at + k].reshape(s))
        at += k
    w1, b1, w2, b2 = parts
    return torch.tanh(x @ w1.T + b1) @ w2.T + b2


def half_mse(z):
    return 0.5 * ((z - y) ** 2).sum(1)


def cross_entropy(z):
    return torch.nn.functional.cross_entropy(z, labels, reduction="none")


def array(name, values):
    lines, line = [], "   "
    for text in ("%.17g" % float(a) for a in values.reshape(-1)):
        if len(line) + len(text) > 118:
            lines.append(line)
            line = "   "
        line += " " + text + ","
    return "static const double %s[] = {\n%s\n};\n" % (name, "\n".join(lines + [line]))


out = ["/* Made by products.py: products of three curvatures of a small network with a vector. */",
       "enum { ORACLE_ROWS = %d, ORACLE_INPUTS = %d, ORACLE_HIDDEN = %d, ORACLE_OUTPUTS = %d };" %
       (ROWS, INPUTS, HIDDEN, OUTPUTS),
       "static const unsigned oracle_labels[] = {%s};" % ", ".join(str(int(i)) for i in labels)]
out += [array("oracle_" + name, a) for name, a in (("x", x), ("y", y), ("theta", theta), ("v", v))]
for name, loss in (("half_mse", half_mse), ("cross_entropy", cross_entropy)):
    h = hessian(lambda t: loss(outputs(t)).mean(), theta)
    j = jacobian(outputs, theta)  # [rows x outputs x n]
    q = hessian(lambda z: loss(z).mean(), outputs(theta))  # [rows x outputs x rows x outputs]
    j = j.reshape(ROWS * OUTPUTS, n)
    g = j.T @ q.reshape(ROWS * OUTPUTS, ROWS * OUTPUTS) @ j
    rows = jacobian(lambda t: loss(outputs(t)), theta)
    f = rows.T @ rows / ROWS
    out += [array("oracle_%s_%s" % (name, kind), a @ v) for kind, a in (("hessian", h), ("gauss_newton", g), ("fisher", f))]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "products.h"), "w") as file:
    file.write("\n".join(out))
