#!/usr/bin/env python3
"""Follows every update rule by its formula, in 60 decimal digits, and writes rules.csv beside this file.

Independent of the library: the formulas are written out below as they stand in the papers and in the lecture, with
nothing shared between rules. Numbers of the library (rates, hyperparameters) enter as the doubles that they are.

  GD, stochastic and mini-batch descent   theta <- theta - a g                           (Cauchy 1847)
  momentum      m <- lambda m - a g, theta <- theta + m                                  (Polyak 1964; lecture)
  adagrad       theta <- theta - a g / (sqrt(sum of g^2 up to now) + eps)                (Duchi, Hazan, Singer 2011)
  adagrad-rms   sigma_t = sqrt(1/(t+1) sum_{i=0..t} g_i^2), theta <- theta - a g/sigma_t (lecture)
  rmsprop       v_t = rho v_{t-1} + (1-rho) g_t^2, v before the first step 0             (Tieleman, Hinton 2012)
  rmsprop-first-gradient  sigma_0 = |g_0|, sigma_t = sqrt(rho sigma_{t-1}^2 + (1-rho) g_t^2)   (lecture)
  adam          Kingma & Ba 2015, algorithm 1
  nesterov      m <- lambda m - a g, theta <- theta + lambda m - a g                     (Bengio et al. 2013)
  adadelta      Zeiler 2012, algorithm 1
  rmsprop-centred, rmsprop-momentum   Graves 2013, eqs. (38) to (41), one addition each
  adamw         Loshchilov & Hutter 2019, algorithm 2;  adamax: Kingma & Ba 2015, algorithm 2
  amsgrad       Reddi et al. 2018, algorithm 2, with Adam's correction of bias
  radam         Liu et al. 2020, algorithm 2, rectified where rho > 5
  yogi          Zaheer et al. 2018, algorithm 2;  adabelief: Zhuang et al. 2020, algorithm 2
  nadam         Dozat 2016, algorithm 2
  lion          Chen et al. 2023, algorithm 2;  adan: Xie et al. 2022, algorithm 1, bias corrected, beta as 1 - theirs
  lars          You, Gitman, Ginsburg 2017, algorithm 1;  lamb: You et al. 2020, algorithm 2
  adafactor     Shazeer & Stern 2018, algorithms 4 to 6 (one axis: not factored)
  adahessian    Yao et al. 2021, algorithm 1;  sophia-h: Liu et al. 2023, algorithm 3; both with the exact diagonal
  muon, shampoo, soap  on one axis: AdamW at a share of the rate; Adagrad with epsilon inside the root and momentum; AdamW
                from the second step on (matrices: rules_matrix.py)
  dadapt-adam   Defazio & Mishchenko 2023, algorithm 5, as facebookresearch/dadaptation has it
  prodigy       Mishchenko & Defazio 2024, algorithm 4, as konstmish/prodigy's reference has it
  dog           Ivgi, Hinder, Carmon 2023;  mechanic: Cutkosky, Defazio, Mehta 2023, algorithm 1, around Adam
  schedule-free-sgd, schedule-free-adamw   Defazio et al. 2024, with x, y and z each kept (as the reference programs do)

Two problems: "quadratic", sum of 1/2 a_i (x_i - c_i)^2 in five variables, and "rosenbrock", 100 (y - x^2)^2 + (1 - x)^2.
"""
import csv
import os
from decimal import Decimal as D, getcontext

getcontext().prec = 60
STEPS = 200
SHOWN = [1, 2, 3, 5, 10, 20, 50, 100, 150, 200]

CURVATURE = [D(0.3), D(1.7), D(0.05), D(4.1), D(0.9)]
CENTRE = [D(0.5), D(-1.25), D(2.0), D(0.125), D(-0.75)]
STARTS = {"quadratic": [D(2.385), D(-3.1), D(0.77), D(1.9), D(1.31)], "rosenbrock": [D(-1.2), D(1.0)]}


def gradient(problem, x):
    if problem == "quadratic":
        return [a * (xi - c) for a, xi, c in zip(CURVATURE, x, CENTRE)]
    return [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]


def diagonal(problem, x):
    """Of the Hessian."""
    if problem == "quadratic":
        return CURVATURE
    return [1200 * x[0] ** 2 - 400 * x[1] + 2, D(200)]


def norm(x):
    return sum(xi * xi for xi in x).sqrt()


def cosine(x):
    """Taylor series; |x| <= pi."""
    term, total, k = D(1), D(1), 0
    while abs(term) > D(10) ** -58:
        k += 2
        term = -term * x * x / (k * (k - 1))
        total += term
    return total


PI = D("3.14159265358979323846264338327950288419716939937510582097494459")


def factor(schedule, warmup, t):
    """t from 1."""
    name, *numbers = schedule.split(":")
    if name == "constant":
        f = D(1)
    elif name == "exp":
        f = D(float(numbers[0])) ** (t - 1)
    elif name == "step":
        f = D(float(numbers[1])) ** ((t - 1) // int(numbers[0]))
    elif name == "cosine":
        f = D(0) if t - 1 >= int(numbers[0]) else (1 + cosine(PI * (t - 1) / int(numbers[0]))) / 2
    elif name == "inverse-sqrt":
        f = 1 / D(t).sqrt()
    return f * t / warmup if t < warmup else f


def follow(rule, h, rate, schedule, warmup, clip, problem):
    """Yields (t, theta after step t)."""
    x = list(STARTS[problem])
    n = len(x)
    history = []                                # all gradients, where a formula sums over them
    m, v, sigma = [D(0)] * n, [D(0)] * n, None
    for t in range(1, STEPS + 1):
        g = gradient(problem, x)
        if clip:
            length = sum(gi * gi for gi in g).sqrt()
            if length > D(clip):
                g = [gi * D(clip) / length for gi in g]
        a = D(rate) * factor(schedule, warmup, t)
        history.append(g)
        if rule == "sgd":
            x = [xi - a * gi for xi, gi in zip(x, g)]
        elif rule == "momentum":
            m = [D(h["momentum"]) * mi - a * gi for mi, gi in zip(m, g)]
            x = [xi + mi for xi, mi in zip(x, m)]
        elif rule == "adagrad":
            x = [x[i] - a * g[i] / (sum(old[i] ** 2 for old in history).sqrt() + D(h["epsilon"])) for i in range(n)]
        elif rule == "adagrad-rms":
            sigma = [(sum(old[i] ** 2 for old in history) / len(history)).sqrt() for i in range(n)]
            x = [x[i] - a * g[i] / (sigma[i] + D(h["epsilon"])) for i in range(n)]
        elif rule == "rmsprop":
            rho = D(h["rho"])
            v = [rho * v[i] + (1 - rho) * g[i] ** 2 for i in range(n)]
            x = [x[i] - a * g[i] / (v[i].sqrt() + D(h["epsilon"])) for i in range(n)]
        elif rule == "rmsprop-first-gradient":
            rho = D(h["rho"])
            if sigma is None:
                sigma = [abs(gi) for gi in g]
            else:
                sigma = [(rho * sigma[i] ** 2 + (1 - rho) * g[i] ** 2).sqrt() for i in range(n)]
            x = [x[i] - a * g[i] / (sigma[i] + D(h["epsilon"])) for i in range(n)]
        elif rule == "adam":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            m_hat = [mi / (1 - b1 ** t) for mi in m]
            v_hat = [vi / (1 - b2 ** t) for vi in v]
            x = [x[i] - a * m_hat[i] / (v_hat[i].sqrt() + D(h["epsilon"])) for i in range(n)]
        elif rule == "nesterov":
            # As a look-ahead: y = theta + lambda m is where gradients are taken; x here is that y.
            lam = D(h["momentum"])
            m_new = [lam * m[i] - a * g[i] for i in range(n)]
            centre = [x[i] - lam * m[i] for i in range(n)]
            m = m_new
            x = [centre[i] + m[i] + lam * m[i] for i in range(n)]
        elif rule == "adadelta":
            rho, eps = D(h["rho"]), D(h["epsilon"])
            v = [rho * v[i] + (1 - rho) * g[i] ** 2 for i in range(n)]
            d = [((m[i] + eps) / (v[i] + eps)).sqrt() * g[i] for i in range(n)]
            m = [rho * m[i] + (1 - rho) * d[i] ** 2 for i in range(n)]
            x = [x[i] - a * d[i] for i in range(n)]
        elif rule == "rmsprop-centred":
            rho = D(h["rho"])
            v = [rho * v[i] + (1 - rho) * g[i] ** 2 for i in range(n)]
            m = [rho * m[i] + (1 - rho) * g[i] for i in range(n)]
            x = [x[i] - a * g[i] / ((v[i] - m[i] ** 2).sqrt() + D(h["epsilon"])) for i in range(n)]
        elif rule == "rmsprop-momentum":
            rho = D(h["rho"])
            v = [rho * v[i] + (1 - rho) * g[i] ** 2 for i in range(n)]
            m = [D(h["momentum"]) * m[i] - a * g[i] / (v[i].sqrt() + D(h["epsilon"])) for i in range(n)]
            x = [x[i] + m[i] for i in range(n)]
        elif rule == "yogi":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [v[i] - (1 - b2) * (g[i] ** 2).copy_sign(v[i] - g[i] ** 2) for i in range(n)]
            x = [x[i] - a * m[i] / (v[i].sqrt() + D(h["epsilon"])) for i in range(n)]
        elif rule == "lion":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            c = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            x = [x[i] - a * (D(1).copy_sign(c[i]) * (c[i] != 0) + D(h["weight-decay"]) * x[i]) for i in range(n)]
            m = [b2 * m[i] + (1 - b2) * g[i] for i in range(n)]
        elif rule == "adan":
            b1, b2, b3 = D(h["beta1"]), D(h["beta2"]), D(h["beta3"])
            d = [g[i] - history[-2][i] if t > 1 else D(0) for i in range(n)]
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * d[i] for i in range(n)]
            sigma = [b3 * (sigma[i] if sigma else 0) + (1 - b3) * (g[i] + b2 * d[i]) ** 2 for i in range(n)]
            for i in range(n):
                ahead = m[i] / (1 - b1 ** t) + b2 * v[i] / (1 - b2 ** t)
                x[i] = (x[i] - a * ahead / ((sigma[i] / (1 - b3 ** t)).sqrt() + D(h["epsilon"]))) / (1 + a * D(h["weight-decay"]))
        elif rule == "nadam":
            b1, b2, psi = D(h["beta1"]), D(h["beta2"]), D(h["psi"])
            mu = [b1 * (1 - D("0.5") * D(0.96) ** (k * psi)) for k in range(1, t + 2)]
            now = ahead = D(1)
            for k in range(t + 1):
                now = now * mu[k] if k < t else now
                ahead = ahead * mu[k]
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            for i in range(n):
                top = mu[t] * m[i] / (1 - ahead) + (1 - mu[t - 1]) * g[i] / (1 - now)
                x[i] = x[i] - a * top / ((v[i] / (1 - b2 ** t)).sqrt() + D(h["epsilon"]))
        elif rule in ("adamw", "adamax", "amsgrad", "radam", "adabelief"):
            b1, b2, eps = D(h["beta1"]), D(h["beta2"]), D(h["epsilon"])
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            m_hat = [mi / (1 - b1 ** t) for mi in m]
            if rule == "adamax":
                v = [max(b2 * v[i], abs(g[i]) + eps) for i in range(n)]
                x = [x[i] - a * m_hat[i] / v[i] for i in range(n)]
            elif rule == "adabelief":
                v = [b2 * v[i] + (1 - b2) * (g[i] - m[i]) ** 2 + eps for i in range(n)]
                x = [x[i] - a * m_hat[i] / ((v[i] / (1 - b2 ** t)).sqrt() + eps) for i in range(n)]
            else:
                v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
                if rule == "adamw":
                    x = [xi - a * D(h["weight-decay"]) * xi for xi in x]
                    x = [x[i] - a * m_hat[i] / ((v[i] / (1 - b2 ** t)).sqrt() + eps) for i in range(n)]
                elif rule == "amsgrad":
                    sigma = [max(sigma[i] if sigma else D(0), v[i]) for i in range(n)]
                    x = [x[i] - a * m_hat[i] / ((sigma[i] / (1 - b2 ** t)).sqrt() + eps) for i in range(n)]
                else:
                    far = 2 / (1 - b2) - 1
                    rho = far - 2 * t * b2 ** t / (1 - b2 ** t)
                    if rho > 5:
                        r = ((rho - 4) * (rho - 2) * far / ((far - 4) * (far - 2) * rho)).sqrt()
                        x = [x[i] - a * r * m_hat[i] * (1 - b2 ** t).sqrt() / (v[i].sqrt() + eps) for i in range(n)]
                    else:
                        x = [x[i] - a * m_hat[i] for i in range(n)]
        elif rule == "lars":
            decay = D(h["weight-decay"])
            ratio = norm(x) / (norm(g) + decay * norm(x)) if norm(x) and norm(g) else D(1)
            v = [D(h["momentum"]) * v[i] + a * D(h["trust"]) * ratio * (g[i] + decay * x[i]) for i in range(n)]
            x = [x[i] - v[i] for i in range(n)]
        elif rule == "lamb":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            u = [m[i] / (1 - b1 ** t) / ((v[i] / (1 - b2 ** t)).sqrt() + D(h["epsilon"])) + D(h["weight-decay"]) * x[i] for i in range(n)]
            ratio = norm(x) / norm(u) if norm(x) and norm(u) else D(1)
            x = [x[i] - a * ratio * u[i] for i in range(n)]
        elif rule == "adafactor":
            b = 1 - D(t) ** -D(h["decay"])
            v = [b * v[i] + (1 - b) * (g[i] ** 2 + D(h["epsilon1"])) for i in range(n)]
            u = [g[i] / v[i].sqrt() for i in range(n)]
            scale = max(D(h["epsilon2"]), norm(x) / D(n).sqrt()) / max(D(1), norm(u) / D(n).sqrt() / D(h["clip"]))
            x = [x[i] - a * D(h["weight-decay"]) * x[i] - a * scale * u[i] for i in range(n)]
        elif rule == "adahessian":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            if (t - 1) % h["every"] == 0:
                v = [b2 * v[i] + (1 - b2) * d ** 2 for i, d in enumerate(diagonal(problem, x))]
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            samples = -(-t // int(h["every"]))
            for i in range(n):
                bottom = (v[i] / (1 - b2 ** samples)) ** (D(h["power"]) / 2) + D(h["epsilon"])
                x[i] = x[i] - a * (m[i] / (1 - b1 ** t) / bottom + D(h["weight-decay"]) * x[i])
        elif rule == "sophia-h":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            if (t - 1) % h["every"] == 0:
                v = [b2 * v[i] + (1 - b2) * d for i, d in enumerate(diagonal(problem, x))]
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            for i in range(n):
                u = m[i] / max(D(h["gamma"]) * v[i], D(h["epsilon"]))
                x[i] = x[i] - a * D(h["weight-decay"]) * x[i] - a * max(D(-1), min(D(1), u))
        elif rule == "muon" or (rule == "soap" and t > 1):
            b1, b2, k = D(h["beta1"]), D(h["beta2"]), t if rule == "muon" else t - 1
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            a *= D(h.get("adam-rate", 1))
            for i in range(n):
                u = m[i] / (1 - b1 ** k) / ((v[i] / (1 - b2 ** k)).sqrt() + D(h["epsilon"]))
                x[i] = x[i] - a * D(h["weight-decay"]) * x[i] - a * u
        elif rule == "shampoo":
            v = [v[i] + g[i] ** 2 for i in range(n)]
            m = [D(h["momentum"]) * m[i] + g[i] / (v[i] + D(h["epsilon"])).sqrt() for i in range(n)]
            x = [x[i] - a * m[i] for i in range(n)]
        elif rule == "dadapt-adam":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            if t == 1:
                d, weighted, s = D(h["d0"]), D(0), [D(0)] * n
            m = [b1 * m[i] + (1 - b1) * d * a * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            s = [b2 * s[i] + (1 - b2) * d * a * g[i] for i in range(n)]
            root = [v[i].sqrt() + D(h["epsilon"]) for i in range(n)]
            weighted = b2 * weighted + (1 - b2) * (d * a) ** 2 * sum(g[i] ** 2 / root[i] for i in range(n))
            x = [x[i] - d * a * D(h["weight-decay"]) * x[i] - m[i] / root[i] for i in range(n)]
            d = max(d, (sum(s[i] ** 2 / root[i] for i in range(n)) / (1 - b2) - weighted) / sum(abs(si) for si in s))
        elif rule == "prodigy":
            b1, b2 = D(h["beta1"]), D(h["beta2"])
            b3 = b2.sqrt()
            if t == 1:
                d = first = D(h["d0"])
                top, s, start = D(0), [D(0)] * n, list(x)
            share = d / first * d * a
            top = b3 * top + share * sum(g[i] * (start[i] - x[i]) for i in range(n))
            s = [b3 * s[i] + share * g[i] for i in range(n)]
            m = [b1 * m[i] + (1 - b1) * d * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * (d * g[i]) ** 2 for i in range(n)]
            step = d * a
            d = max(d, D(h["d-coefficient"]) * top / sum(abs(si) for si in s))
            x = [x[i] - step * D(h["weight-decay"]) * x[i] - step * m[i] / (v[i].sqrt() + d * D(h["epsilon"])) for i in range(n)]
        elif rule == "dog":
            if t == 1:
                start, farthest = list(x), D(h["rho"]) * (1 + norm(x))
            farthest = max(farthest, norm([x[i] - start[i] for i in range(n)]))
            total = D(h["epsilon"]) + sum(norm(old) ** 2 for old in history)
            x = [x[i] - a * farthest / total.sqrt() * g[i] for i in range(n)]
        elif rule == "mechanic":
            b1, b2, eps = D(h["beta1"]), D(h["beta2"]), D(h["epsilon"])
            if t == 1:
                start, delta = list(x), [D(0)] * n
                memories = [D(b) for b in (0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)]
                q, w, r, s = [D(1e-6)] * 6, [D(0)] * 6, [D(0)] * 6, [D(0)] * 6
            pull = D(h["lambda"]) * sum(s) * norm(g) / (norm(x) + eps)
            inner = sum(delta[i] * (g[i] + pull * x[i]) for i in range(n))
            m = [b1 * m[i] + (1 - b1) * g[i] for i in range(n)]
            v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
            delta = [delta[i] - a * m[i] / (1 - b1 ** t) / ((v[i] / (1 - b2 ** t)).sqrt() + eps) for i in range(n)]
            for i, b in enumerate(memories):
                q[i] = max(b * q[i], abs(inner))
                w[i] = b ** 2 * w[i] + inner ** 2
                r[i] = max(D(0), b * r[i] - s[i] * inner)
                s[i] = (D(h["s0"]) / 6 * q[i] + r[i]) / (w[i].sqrt() + eps)
            x = [start[i] + sum(s) * delta[i] for i in range(n)]
        elif rule in ("schedule-free-sgd", "schedule-free-adamw"):
            if t == 1:
                z, average, weights, largest = list(x), list(x), D(0), D(0)
            if rule == "schedule-free-sgd":
                beta, u = D(h["beta"]), g
            else:
                beta, b2 = D(h["beta1"]), D(h["beta2"])
                a *= (1 - b2 ** t).sqrt()
                v = [b2 * v[i] + (1 - b2) * g[i] ** 2 for i in range(n)]
                u = [g[i] / (v[i].sqrt() + D(h["epsilon"])) for i in range(n)]
            largest = max(largest, a)
            weights += largest ** 2
            c = largest ** 2 / weights
            z = [z[i] - a * (u[i] + D(h["weight-decay"]) * x[i]) for i in range(n)]
            average = [(1 - c) * average[i] + c * z[i] for i in range(n)]
            x = [(1 - beta) * z[i] + beta * average[i] for i in range(n)]
        yield t, x


DEFAULTS = {
    "sgd": {}, "momentum": {"momentum": 0.9}, "adagrad": {"epsilon": 1e-10}, "adagrad-rms": {"epsilon": 1e-10},
    "rmsprop": {"rho": 0.9, "epsilon": 1e-8}, "rmsprop-first-gradient": {"rho": 0.9, "epsilon": 1e-8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "nesterov": {"momentum": 0.9}, "adadelta": {"rho": 0.95, "epsilon": 1e-6}, "rmsprop-centred": {"rho": 0.99, "epsilon": 1e-8},
    "rmsprop-momentum": {"rho": 0.9, "momentum": 0.9, "epsilon": 1e-8},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight-decay": 0.01},
    "adamax": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, "amsgrad": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "radam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, "yogi": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3},
    "adabelief": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-16}, "lion": {"beta1": 0.9, "beta2": 0.99, "weight-decay": 0.0},
    "nadam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "psi": 0.004},
    "adan": {"beta1": 0.98, "beta2": 0.92, "beta3": 0.99, "epsilon": 1e-8, "weight-decay": 0.0},
    "lars": {"momentum": 0.9, "trust": 0.001, "weight-decay": 0.0},
    "lamb": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-6, "weight-decay": 0.01},
    "adafactor": {"decay": 0.8, "epsilon1": 1e-30, "epsilon2": 1e-3, "clip": 1.0, "weight-decay": 0.0},
    "adahessian": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-4, "power": 1.0, "weight-decay": 0.0, "every": 1},
    "sophia-h": {"beta1": 0.96, "beta2": 0.99, "gamma": 0.01, "epsilon": 1e-12, "weight-decay": 0.0, "every": 10},
    "muon": {"adam-rate": 0.015, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-10, "weight-decay": 0.0},
    "shampoo": {"momentum": 0.9, "epsilon": 1e-4},
    "soap": {"beta1": 0.95, "beta2": 0.95, "epsilon": 1e-8, "weight-decay": 0.01},
    "dadapt-adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight-decay": 0.0, "d0": 1e-6},
    "prodigy": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight-decay": 0.0, "d0": 1e-6, "d-coefficient": 1.0},
    "dog": {"rho": 1e-6, "epsilon": 1e-8},
    "mechanic": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "lambda": 0.01, "s0": 1e-8},
    "schedule-free-sgd": {"beta": 0.9, "weight-decay": 0.0},
    "schedule-free-adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight-decay": 0.0},
}
OTHERS = {
    "momentum": {"momentum": 0.55}, "adagrad": {"epsilon": 0.01}, "adagrad-rms": {"epsilon": 0.02},
    "rmsprop": {"rho": 0.97, "epsilon": 1e-3}, "rmsprop-first-gradient": {"rho": 0.8, "epsilon": 1e-3},
    "adam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4},
    "nesterov": {"momentum": 0.55}, "adadelta": {"rho": 0.9, "epsilon": 1e-3}, "rmsprop-centred": {"rho": 0.9, "epsilon": 1e-2},
    "rmsprop-momentum": {"rho": 0.97, "momentum": 0.5, "epsilon": 1e-3},
    "adamw": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weight-decay": 0.2},
    "adamax": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}, "amsgrad": {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-4},
    "radam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}, "yogi": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2},
    "adabelief": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-8}, "lion": {"beta1": 0.8, "beta2": 0.95, "weight-decay": 0.1},
    "nadam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "psi": 0.02},
    "adan": {"beta1": 0.9, "beta2": 0.8, "beta3": 0.95, "epsilon": 1e-4, "weight-decay": 0.1},
    "lars": {"momentum": 0.5, "trust": 0.01, "weight-decay": 0.1},
    "lamb": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight-decay": 0.2},
    "adafactor": {"decay": 0.5, "epsilon1": 1e-4, "epsilon2": 0.5, "clip": 0.7, "weight-decay": 0.1},
    "adahessian": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2, "power": 0.5, "weight-decay": 0.1, "every": 3},
    "sophia-h": {"beta1": 0.8, "beta2": 0.9, "gamma": 2.0, "epsilon": 1e-3, "weight-decay": 0.1, "every": 4},
    "muon": {"adam-rate": 0.3, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "weight-decay": 0.1},
    "shampoo": {"momentum": 0.5, "epsilon": 0.1},
    "soap": {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "weight-decay": 0.1},
    "dadapt-adam": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight-decay": 0.1, "d0": 1e-3},
    "prodigy": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight-decay": 0.1, "d0": 1e-3, "d-coefficient": 0.5},
    "dog": {"rho": 1e-3, "epsilon": 1.0},
    "mechanic": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "lambda": 0.1, "s0": 1e-3},
    "schedule-free-sgd": {"beta": 0.7, "weight-decay": 0.1},
    "schedule-free-adamw": {"beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3, "weight-decay": 0.1},
}
RATES = {"quadratic": {"sgd": 0.11, "momentum": 0.013, "adagrad": 0.2, "adagrad-rms": 0.003, "rmsprop": 0.002,
                       "rmsprop-first-gradient": 0.002, "adam": 0.004,
                       "nesterov": 0.013, "adadelta": 0.4, "adamw": 0.004, "adamax": 0.004, "amsgrad": 0.004, "radam": 0.004, "yogi": 0.01, "adabelief": 0.004, "lion": 0.001, "adan": 0.004, "nadam": 0.004, "rmsprop-centred": 0.0005, "rmsprop-momentum": 0.0005,
                       "lars": 1.0, "lamb": 0.002, "adafactor": 0.01, "adahessian": 0.05, "sophia-h": 0.005, "muon": 0.02,
                       "shampoo": 0.01, "soap": 0.003, "dadapt-adam": 0.3, "prodigy": 0.3, "dog": 1.0, "mechanic": 0.01,
                       "schedule-free-sgd": 0.1, "schedule-free-adamw": 0.004},
         "rosenbrock": {"sgd": 0.0007, "momentum": 0.0002, "adagrad": 0.05, "adagrad-rms": 0.001, "rmsprop": 0.0007,
                        "rmsprop-first-gradient": 0.0007, "adam": 0.002,
                        "nesterov": 0.0002, "adadelta": 0.002, "adamw": 0.002, "adamax": 0.002, "amsgrad": 0.002, "radam": 0.002, "yogi": 0.005, "adabelief": 0.001, "lion": 0.0005, "adan": 0.001, "nadam": 0.001, "rmsprop-centred": 0.0002, "rmsprop-momentum": 0.0002,
                        "lars": 0.3, "lamb": 0.001, "adafactor": 0.0005, "adahessian": 0.01, "sophia-h": 0.002, "muon": 0.02,
                        "shampoo": 0.002, "soap": 0.001, "dadapt-adam": 0.1, "prodigy": 0.1, "dog": 0.1, "mechanic": 0.01,
                        "schedule-free-sgd": 0.0007, "schedule-free-adamw": 0.002}}


def cases():
    for problem in STARTS:
        for rule in DEFAULTS:
            rate = RATES[problem][rule]
            yield rule, {}, rate, "constant", 0, 0, problem
            if rule in OTHERS:
                yield rule, OTHERS[rule], rate, "constant", 0, 0, problem
    for rule in ("sgd", "momentum", "adam", "schedule-free-adamw"):
        for schedule, warmup in (("exp:0.99", 0), ("step:30:0.5", 0), ("cosine:150", 0), ("inverse-sqrt", 0),
                                 ("constant", 25), ("cosine:180", 10)):
            yield rule, {}, RATES["quadratic"][rule], schedule, warmup, 0, "quadratic"
    for rule in ("sgd", "momentum", "adam"):
        yield rule, {}, RATES["rosenbrock"][rule], "constant", 0, 20.0, "rosenbrock"
    yield "adagrad-rms", {}, 0.2, "inverse-sqrt", 0, 0, "quadratic"  # must be adagrad


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "rules.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["rule", "set", "lr", "schedule", "warmup", "clip_norm", "problem", "step", "theta"])
        for rule, h, rate, schedule, warmup, clip, problem in cases():
            text = " ".join(f"{k}={v!r}" for k, v in h.items())
            for t, x in follow(rule, {**DEFAULTS[rule], **h}, rate, schedule, warmup, clip, problem):
                if t in SHOWN:
                    out.writerow([rule, text, repr(rate), schedule, warmup, clip, problem, t, " ".join(f"{xi:.20g}" for xi in x)])


if __name__ == "__main__":
    main()
