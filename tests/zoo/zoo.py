#!/usr/bin/env python3
"""Makes the zoo: labelled stuck and healthy trainings of every family, each with a check of its label that owes nothing to
this project's code (simulate.py). Usage: zoo.py FOLDER [ID ..]. Standard library only."""
import json, math, os, random, struct, sys
from simulate import Linear, SLOPE, backward, pass_through, xavier

COMMON = "--target y --test-fraction 0 --watch off --unstick off --seed 1".split()
CASES = {}


def case(count):
    """Registers a maker for `count` variants: maker(variant, random) -> dict."""
    def register(f):
        for k in range(count): CASES["%s-%d" % (f.__name__.replace("_", "-"), k + 1)] = (f, k)
        return f
    return register


def sure(condition, what):
    if not condition: raise SystemExit("zoo: the label does not hold: " + what)


def normal_rows(r, n, d, scale=None):
    return [[round(r.gauss(0, 1) * (scale[j] if scale else 1), 6) for j in range(d)] for _ in range(n)]


def linear_data(r, n, w, noise, scale=None, bias=0.7):
    X = normal_rows(r, n, len(w), scale)
    return X, [round(sum(a * b for a, b in zip(w, x)) + bias + noise * r.gauss(0, 1), 6) for x in X]


def made(X, y, verdict, cause, train, unstick=None, start=None, raw=True):
    return {"X": X, "y": y, "verdict": verdict if isinstance(verdict, list) else [verdict], "cause": cause if isinstance(cause, list) else [cause],
            "train": train.split() + (["--no-standardize"] if raw else []), "unstick": unstick, "start": start}


SGD = "--task regression --model linear --init zero --optimizer sgd --batch full --precision f64 "


# ---------------------------------------------------------------- minima
@case(3)
def converged(k, r):
    X, y = linear_data(r, 70 + 20 * k, [[1.1, -2], [0.4, 0.9, -1.3], [2, 0.1, 0.3, -0.7]][k], 0.5)
    p = Linear(X, y); ls = p.descend(0.3, 1200)
    sure(ls[-1] - p.loss(p.optimum()) < 1e-12 and p.loss(p.optimum()) > 0.05, "descent has arrived at the least squares")
    return made(X, y, "minimum", "converged", SGD + "--lr 0.3 --steps 1200")


@case(3)
def flat_valley(k, r):
    X, y = linear_data(r, 80, [1.5, -0.5], 0.4); X = [x + [x[0]] if k < 2 else x + [x[0] - x[1]] for x in X]
    p = Linear(X, y); ls = p.descend(0.2, 1500)
    sure(p.optimum() is None and ls[-2] - ls[-1] < 1e-13, "a singular problem, at rest")
    return made(X, y, "minimum", "flat-valley", SGD + "--lr 0.2 --steps 1500")


@case(3)
def irreducible(k, r):
    groups = 3 + k; X, y = [], []
    for i in range(24 * groups):
        X.append([float(i % groups == j) for j in range(1, groups)]); y.append(round(i % groups - 0.8 + r.gauss(0, 0.6), 6))
    floor = 0
    for g in range(groups):
        ys = y[g::groups]; m = sum(ys) / len(ys); floor += sum((t - m) ** 2 for t in ys) / (2 * len(y))
    ls = Linear(X, y).descend(0.5, 1500)
    sure(abs(ls[-1] - floor) < 1e-9 and floor > 0.05, "the loss is what the repeated rows leave")
    return made(X, y, "minimum", "irreducible", SGD + "--lr 0.5 --steps 1500")


@case(3)
def local(k, r):
    true, wrong, span = [(2.4, 1.1, 6.5), (3.1, 1.5, 5), (1.9, 4.2, 7)][k]
    X = [[round(span * (i + r.random()) / 90, 5)] for i in range(90)]; y = [round(1.4 * math.sin(true * x[0]) + 0.1 * r.gauss(0, 1), 5) for x in X]
    def at(w):  # the best a at this w, and its loss
        s = [math.sin(w * x[0]) for x in X]; a = sum(p * q for p, q in zip(s, y)) / sum(p * p for p in s)
        return a, sum((a * p - q) ** 2 for p, q in zip(s, y)) / (2 * len(y))
    w = min((wrong + i * 1e-3 for i in range(-500, 501)), key=lambda v: at(v)[1] if at(v - 1e-3)[1] > at(v)[1] < at(v + 1e-3)[1] else math.inf)
    a, loss = at(w)
    sure(at(w - 1e-3)[1] > loss < at(w + 1e-3)[1] and at(true)[1] < 0.5 * loss, "a minimum over w, with a lower one at the true frequency")
    return made(X, y, "minimum", "local", "--task regression --optimizer sgd --lr 0.05 --batch full --steps 3000 --precision f64 --start a=%.9g,w=%.9g" % (a, w)) | {"model": "formula: a*sin(w*x1)"}


# ---------------------------------------------------------------- healthy on the way
@case(3)
def descending(k, r):
    X, y = linear_data(r, 90, [1.2, -0.7, 0.5], 0.3); steps = [20, 35, 50][k]; rate = [0.05, 0.03, 0.02][k]
    ls = Linear(X, y).descend(rate, steps + 10)
    sure(ls[steps] - ls[steps + 10] > 0.02 * ls[steps], "the loss goes on falling")
    return made(X, y, "descending", "none", SGD + "--lr %g --steps %d" % (rate, steps))


@case(3)
def descending_with_a_state(k, r):
    X, y = linear_data(r, 120, [1.2, -0.7], 0.3, bias=3)
    steps, rate = [25, 40, 30][k], [0.01, 0.05, 0.02][k]
    rule = ["momentum --set momentum=0.9", "adagrad", "rmsprop"][k]
    p = Linear(X, y); sure(p.c > 10 * p.loss(p.optimum()), "there is much to gain")
    return made(X, y, "descending", ["none", "edge-of-stability"], "--task regression --model linear --init zero --optimizer %s --lr %g --batch full --steps %d --precision f32" % (rule, rate, steps))


@case(2)
def descending_minibatch(k, r):
    X, y = linear_data(r, 400, [1.2, -0.7, 0.4], 0.5, bias=2); epochs = 3
    ls = Linear(X, y).stochastic(0.002, 20, epochs + 3, 5)
    sure(ls[epochs] < 0.97 * ls[epochs - 1], "each epoch takes three per cent off")
    return made(X, y, "descending", "none", "--task regression --model linear --init zero --optimizer sgd --lr 0.002 --batch 20 --epochs %d --precision %s" % (epochs, ["f32", "f64"][k]))


# ---------------------------------------------------------------- rates
@case(4)
def tiny_rate(k, r):
    X, y = linear_data(r, 100, [1.5, -1, 0.5], 0.2); p = Linear(X, y); rate = [1e-5, 3e-6, 1e-6, 2e-5][k]
    best = p.loss(p.optimum()); ls = p.descend(rate, 300)
    sure(ls[-1] > 20 * best and rate * p.largest() < 1e-4 and ls[0] - ls[-1] < 0.02 * ls[0], "hardly a step is taken")
    return made(X, y, "crawling", "lr-too-small", SGD + "--lr %g --steps 300" % rate, unstick=1.2 * best)


@case(3)
def spent_schedule(k, r):
    X, y = linear_data(r, 100, [1.5, -1], 0.2); p = Linear(X, y); rate, decay = [(0.03, 0.9), (0.02, 0.93), (0.05, 0.85)][k]
    best = p.loss(p.optimum()); ls = p.descend(rate, 400, decay=decay)
    sure(ls[-1] > 5 * best and rate * decay ** 400 / (1 - decay) * p.largest() < 1e-9, "what the schedule leaves adds up to nothing")
    return made(X, y, "crawling", "lr-decayed", SGD + "--lr %g --schedule exp:%g --steps 400" % (rate, decay), unstick=1.2 * best)


@case(3)
def unscaled(k, r):
    scale = [[800, 1, 1], [1, 2000, 0.5], [300, 1, 0.3]][k]
    X, y = linear_data(r, 120, [1 / s * (1 if s > 100 else 2) for s in scale], 0.1, scale, bias=1.5); p = Linear(X, y)
    best = p.loss(p.optimum()); rate = 1 / p.largest(); ls = p.descend(rate, 1500)
    sure(ls[-1] > 10 * best and ls[-100] - ls[-1] < 0.02 * ls[-1], "the rest lies where the steepest direction's rate is no use")
    return made(X, y, "crawling", "ill-conditioned", SGD + "--lr %.17g --steps 1500" % rate, unstick=3 * best)


@case(3)
def at_the_limit(k, r):
    X, y = linear_data(r, 100, [[1.5, -1], [0.8, 1.2, 1], [2, 0.5]][k], 0.2, [[1.5, 1], [1, 2, 1], [1, 1.7]][k]); p = Linear(X, y); rate = 2 / p.largest()
    best = p.loss(p.optimum()); ls = p.descend(rate, 500)
    sure(ls[-1] > 3 * best and abs(ls[-1] - ls[-101]) < 1e-3 * ls[-1], "to and fro at the same loss")
    return made(X, y, "oscillating", "lr-above-stability", SGD + "--lr %.17g --steps 500" % rate, unstick=1.2 * best)


@case(3)
def ringing(k, r):
    X, y = linear_data(r, 100, [1.5, -1], 0.2); p = Linear(X, y); m, rate = [(0.9998, 0.02), (0.9999, 0.03), (0.9997, 0.01)][k]
    best = p.loss(p.optimum()); ls = p.descend(rate, 700, momentum=m); calm = p.descend(rate, 700, momentum=0.9)
    rises = sum(b > a for a, b in zip(ls, ls[1:]))
    sure(rises > 200 and sum(ls[-350:]) / 350 > 5 * calm[-1] and calm[-1] < 1.1 * best, "it rolls to and fro, less momentum comes down")
    return made(X, y, "oscillating", "momentum-too-high", "--task regression --model linear --init zero --optimizer momentum --set momentum=%g --lr %g --batch full --steps 700 --precision f64" % (m, rate), unstick=1.3 * best)


@case(4)
def noisy(k, r):
    n, batch, rate = [(200, 1, 0.08), (240, 2, 0.15), (160, 1, 0.06), (300, 4, 0.2)][k]
    X, y = linear_data(r, n, [1, -0.5, 0.3], 2); p = Linear(X, y); best = p.loss(p.optimum()); ls = p.stochastic(rate, batch, 40, 9)
    first, second = sum(ls[5:20]) / 15, sum(ls[25:]) / 15
    sure(second > 1.02 * best and second > 0.9 * first, "the loss stays above the least squares by the noise of the steps")
    return made(X, y, "noisy", ["lr-at-noise-floor", "batch-too-small"], "--task regression --model linear --init zero --optimizer sgd --lr %g --batch %d --epochs 25 --precision f64" % (rate, batch), unstick=best + 0.5 * (second - best))


# ---------------------------------------------------------------- the end of numbers
@case(3)
def too_fast(k, r):
    X, y = linear_data(r, 80, [1.5, -1], 0.2); p = Linear(X, y); best = p.loss(p.optimum()); rate = [3, 2.2, 5][k] / p.largest() * 1.2
    ls = p.descend(rate, 4000); sure(not math.isfinite(ls[-1]), "the simulation ends, too")
    sure(math.isfinite(p.descend(rate / 10, 4000)[-1]), "a tenth of the rate does not")
    return made(X, y, "diverged", "lr-above-stability", SGD.replace("f64", ["f32", "f64", "f32"][k]) + "--lr %.9g --steps 4000" % rate, unstick=1.2 * best)


@case(3)
def bad_cell(k, r):
    X, y = linear_data(r, 90, [1, -1], 0.2); row = [17, 60, 88][k]
    good = [Linear(X[:row] + X[row + 1:], y[:row] + y[row + 1:]).descend(0.05, 200)[-1]]
    if k == 1: y[row] = 1e200
    else: X[row][k // 2] = [1e180, 0, 1e220][k]
    sure(math.isfinite(good[0]), "without the row all is well")
    return made(X, y, "diverged", "bad-data", "--task regression --model linear --init normal:0.5 --optimizer sgd --lr 0.05 --batch 10 --epochs 20 --precision f64")


@case(2)
def overflow(k, r):
    X, y = linear_data(r, 60, [1, -1], 0.2); y = [t * [1e190, 3e170][k] for t in y]
    sure(all(math.isinf(t * t) for t in y if abs(t) > 1e165), "a square is no number")
    return made(X, y, "diverged", "overflow", SGD + "--lr 0.1 --steps 100")


@case(2)
def exploding(k, r):
    sizes = [4] + [12] * (5 + k) + [1]; X = normal_rows(r, 60, 4); y = [round(math.tanh(x[0]) + 0.5 * x[1], 6) for x in X]
    layers = [([[w * (18 + 4 * k) for w in row] for row in W], b) for W, b in xavier(sizes, r)]
    zs = pass_through(layers, "relu", X[0]); d = backward(layers, "relu", zs, zs[-1][0] - y[0])
    sure(max(abs(v) for v in d[0]) > 1e9, "a gradient of billions")
    return made(X, y, "diverged", "exploding-gradient", "--task regression --model mlp:%s:relu --optimizer sgd --lr 0.01 --batch full --steps 200 --precision f32" % ",".join(["12"] * (5 + k)), start=layers, unstick=1.0)


@case(3)
def frozen(k, r):
    X, y = linear_data(r, 64, [0.02, -0.03], 0.001, bias=0); big = [4096.0, 20000.0, 1e5][k]; y = [round(t + big + 0.5, 4) for t in y]; X = [[round(a, 3) for a in x] for x in X]
    # the bias is big, float32's spacing there 2^-11 and more; a step of rate * gradient is less than half of it
    rate = [1e-5, 3e-5, 1e-4][k]; ulp = 2.0 ** (math.floor(math.log2(big)) - 23); start = [([[0.0, 0.0]], [big])]
    g = sum(big - t for t in y) / len(y)
    sure(abs(rate * g) < 0.4 * ulp and abs(g) > 0.3, "the step is lost")
    gx = max(abs(sum((big - t) * x[j] for t, x in zip(y, X)) / len(y)) for j in range(2))
    return made(X, y, "plateau", "frozen-arithmetic", "--task regression --model linear --optimizer sgd --lr %g --batch full --steps 3000 --precision f32" % rate, start=start, unstick=0.05)


# ---------------------------------------------------------------- saddles
@case(4)
def zero_weights(k, r):
    act, units = [("tanh", 3), ("tanh", 6), ("tanh", 2), ("tanh", 4)][k]; X = normal_rows(r, 100 + 20 * k, 2)
    y = [round(math.sin(1.4 * x[0]) + 0.3 * x[1] + 0.05 * r.gauss(0, 1), 5) for x in X]; m = sum(y) / len(y)
    cross = math.hypot(*[sum((t - m) * x[j] for t, x in zip(y, X)) / len(y) for j in range(2)])
    sure(cross > 0.1, "the Hessian has the eigenvalue -|E[(y - mean) x]|")
    return made(X, y, "saddle", "symmetric-units", "--task regression --model mlp:%d:%s --init zero --optimizer sgd --lr 0.2 --batch full --steps 300 --precision %s" % (units, act, ["f64", "f32"][k % 2]), unstick=0.1)


@case(3)
def product(k, r):
    X = [[round(r.uniform(-2, 2), 5)] for _ in range(80 + 10 * k)]; y = [round([1.3, -0.9, 2.1][k] * x[0] + 0.2 * r.gauss(0, 1), 5) for x in X]
    cross = sum(x[0] * t for x, t in zip(X, y)) / len(y); sure(abs(cross) > 0.5, "at a = b = 0 the eigenvalues are -+|E[xy]|")
    best = sum(t * t for t in y) / (2 * len(y)) - 0.5 * cross ** 2 / (sum(x[0] ** 2 for x in X) / len(X))
    text = ["a*b*x1", "a*b*c*x1", "a*b*x1"][k]
    return made(X, y, "saddle", "negative-curvature", "--task regression --optimizer sgd --lr 0.1 --batch full --steps 200 --precision f64 --start a=0,b=0%s" % (",c=0.8" if k == 1 else ""), unstick=1.2 * best) | {"model": "formula: " + text}


# ---------------------------------------------------------------- a minimum of a small net
def units_fit(X, y, W, a, c, rate, steps):
    """Plain gradient descent of c + sum a_j tanh(W_j.(x, 1)) on half-mse. Returns the last loss; W, a are changed."""
    rows = [x + [1.0] for x in X]; n = len(y)
    for _ in range(steps):
        gW = [[0.0] * len(w) for w in W]; ga = [0.0] * len(a); gc = loss = 0.0
        for x, t in zip(rows, y):
            h = [math.tanh(sum(p * q for p, q in zip(w, x))) for w in W]; e = c + sum(p * q for p, q in zip(a, h)) - t
            loss += e * e / (2 * n); gc += e / n
            for j in range(len(a)):
                ga[j] += e * h[j] / n; s = e * a[j] * (1 - h[j] * h[j]) / n
                for i in range(len(x)): gW[j][i] += s * x[i]
        c -= rate * gc; a[:] = [p - rate * g for p, g in zip(a, ga)]
        for w, g in zip(W, gW): w[:] = [p - rate * q for p, q in zip(w, g)]
    return loss, math.sqrt(gc ** 2 + sum(g * g for g in ga) + sum(q * q for g in gW for q in g)), c


def splitting(X, y, W, a, c, j):
    """The lowest eigenvalue of unit j's splitting matrix E[e a tanh'' (x,1)(x,1)'], by powers of a shifted matrix."""
    rows = [x + [1.0] for x in X]; d = len(rows[0]); S = [[0.0] * d for _ in range(d)]
    for x, t in zip(rows, y):
        h = [math.tanh(sum(p * q for p, q in zip(w, x))) for w in W]; e = c + sum(p * q for p, q in zip(a, h)) - t
        bend = -2 * h[j] * (1 - h[j] ** 2) * e * a[j] / len(y)
        for i in range(d):
            for k in range(d): S[i][k] += bend * x[i] * x[k]
    shift = max(sum(abs(v) for v in row) for row in S); v = [1.0 + 0.3 * i for i in range(d)]
    for _ in range(3000):
        u = [shift * v[i] - sum(S[i][k] * v[k] for k in range(d)) for i in range(d)]; size = math.sqrt(sum(x * x for x in u)); v = [x / size for x in u]
    return shift - size


def small_net(k, r, teacher, noise, n):
    """One unit fewer than the teacher has: W, a, c after descent, and the data."""
    X = normal_rows(r, n, 2); y = [round(sum(a * math.tanh(w[0] * x[0] + w[1] * x[1] + w[2]) for a, w in teacher) + noise * r.gauss(0, 1), 6) for x in X]
    a = [v for v, _ in teacher[:max(1, len(teacher) - 1)]]; W = [list(w) for _, w in teacher[:len(a)]]
    return X, y, W, a, 0.0


def start_of(W, a, c): return [([w[:-1] for w in W], [w[-1] for w in W]), ([list(a)], [c])]


@case(3)
def too_few_units(k, r):
    """A teacher of one unit more: what is a minimum of the small net is none of the larger one, and nothing else helps."""
    teacher = [[(1.2, (2, -0.3, 0.4)), (0.9, (-0.5, 1.8, -0.2))], [(1, (1.5, 0.8, -0.5)), (-0.8, (0.3, -2, 0.1))], [(1, (2, 0, -0.5)), (-1, (0, 1.5, 0.3)), (0.8, (1, 2, 0))]][k]
    X, y, W, a, c = small_net(k, r, teacher, 0.02, 50); loss, g, c = units_fit(X, y, W, a, c, 0.5, 2500)
    lowest = min(splitting(X, y, W, a, c, j) for j in range(len(a)))
    sure(g < 0.01 and loss > 20 * 0.02 ** 2, "nearly at rest, far above the noise"); sure(lowest < -0.02, "a unit whose halves would part")
    return made(X, y, ["minimum", "undecided"], ["converged", "local", "none"], "--task regression --model mlp:%d:tanh --optimizer sgd --lr 0.5 --batch full --steps 6000 --precision f64" % len(a), start=start_of(W, a, c), unstick=0.3 * loss) | {"takes": "lift"}


@case(2)
def units_enough(k, r):
    """As many units as the teacher has, and much noise: more units would fit the noise alone, and must not be taken."""
    teacher = [[(1.2, (1.5, -0.5, 0.2))], [(1, (1.6, 0.5, -0.3)), (-1, (0.3, -1.7, 0.2))]][k]
    X, y, W, a, c = small_net(k, r, teacher + [(0.0, (0, 0, 0))], 0.5, 60); loss, g, c = units_fit(X, y, W, a, c, 0.3, 2500)
    sure(g < 0.01 and loss > 0.06, "nearly at rest; what is left is the noise")
    return made(X, y, "minimum", ["converged", "local", "flat-valley"], "--task regression --model mlp:%d:tanh --optimizer sgd --lr 0.3 --batch full --steps 20000 --precision f64" % len(a), start=start_of(W, a, c)) | {"leaves": "lift"}


# ---------------------------------------------------------------- plateaus
def wave(r, n):
    X = normal_rows(r, n, 2); return X, [round(math.sin(1.5 * x[0]) + 0.4 * x[1] + 0.05 * r.gauss(0, 1), 5) for x in X]


def spread(y): m = sum(y) / len(y); return sum((t - m) ** 2 for t in y) / (2 * len(y))


@case(4)
def dead(k, r):
    units = [5, 8, 10, 12][k]; X, y = wave(r, 110); layers = xavier([2, units, 1], r); alive = 0 if k < 2 else 2
    layers[0] = (layers[0][0], [-40.0 if j >= alive else 0.0 for j in range(units)])
    sure(all(pass_through(layers, "relu", x)[0][j] < 0 for x in X for j in range(alive, units)), "no row reaches those units")
    return made(X, y, "plateau", "dead-units", "--task regression --model mlp:%d:relu --optimizer sgd --lr 0.05 --batch full --steps %d --precision %s" % (units, 400 if k < 2 else 6000, ["f32", "f64"][k % 2]), start=layers, unstick=0.5 * spread(y))


@case(3)
def saturated(k, r):
    act, units = [("tanh", 5), ("sigmoid", 4), ("tanh", 7)][k]; X, y = wave(r, 110); layers = xavier([2, units, 1], r)
    layers[0] = (layers[0][0], [(-1) ** j * 25.0 for j in range(units)])
    sure(all(SLOPE[act](pass_through(layers, act, x)[0][j]) < 1e-6 for x in X for j in range(units)), "every unit is flat on every row")
    return made(X, y, "plateau", "saturated-units", "--task regression --model mlp:%d:%s --optimizer sgd --lr 0.05 --batch full --steps 500 --precision f64" % (units, act), start=layers, unstick=0.5 * spread(y))


@case(3)
def vanishing(k, r):
    depth, width = [(10, 5), (12, 4), (9, 3)][k]; X, y = wave(r, 120); layers = xavier([2] + [width] * depth + [1], r)
    first = last = 0
    for x, t in zip(X, y):
        zs = pass_through(layers, "sigmoid", x); d = backward(layers, "sigmoid", zs, zs[-1][0] - t)
        first += sum(v * v for v in d[0]); last += sum(v * v for v in d[-2])
    sure(math.sqrt(first / last) < 1e-4, "a ten-thousandth of the error arrives at the first layer")
    return made(X, y, "plateau", "vanishing-gradient", "--task regression --model mlp:%s:sigmoid --optimizer sgd --lr 0.2 --batch full --steps 800 --precision %s" % (",".join([str(width)] * depth), ["f32", "f64", "f64"][k]), start=layers, unstick=0.7 * spread(y))


@case(2)
def parity(k, r):
    d = 4 + k; X = [[float(1 - 2 * ((i >> j) & 1)) for j in range(d)] for i in range(2 ** d)] * (4 // (k + 1)); y = [int(math.prod(x) > 0) for x in X]
    for j in range(d): sure(abs(sum(x[j] * (2 * t - 1) for x, t in zip(X, y))) < 1e-12, "no feature says anything about the class")
    for i in range(d):
        for j in range(i):
            for h in range(j): sure(abs(sum(x[h] * x[i] * x[j] * (2 * t - 1) for x, t in zip(X, y))) < 1e-12, "nor do three")
            sure(abs(sum(x[i] * x[j] * (2 * t - 1) for x, t in zip(X, y))) < 1e-12, "nor do two")
    return made(X, y, "plateau", ["constant-predictor", "flat"], "--task classification --model mlp:%d:tanh --init normal:0.001 --optimizer sgd --lr 0.2 --batch full --steps 600 --precision f64" % (8 + 4 * k), unstick=0.6)


# ---------------------------------------------------------------- to disk
def safetensors(path, layers):
    header, body = {}, b""
    for k, (W, b) in enumerate(layers, 1):
        for name, shape, values in (("weight", [len(W), len(W[0])], [v for row in W for v in row]), ("bias", [len(b)], b)):
            data = struct.pack("<%dd" % len(values), *values)
            header["layer%d.%s" % (k, name)] = {"dtype": "F64", "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}; body += data
    text = json.dumps(header).encode(); text += b" " * (-len(text) % 8)
    with open(path, "wb") as f: f.write(struct.pack("<Q", len(text)) + text + body)


def write(folder, name):
    f, k = CASES[name]; c = f(k, random.Random("%s/%d" % (f.__name__, k))); here = os.path.join(folder, name); os.makedirs(here, exist_ok=True)
    with open(os.path.join(here, "data.csv"), "w") as out:
        out.write(",".join("x%d" % (j + 1) for j in range(len(c["X"][0]))) + ",y\n")
        for x, t in zip(c["X"], c["y"]): out.write(",".join(repr(v) for v in x) + ",%r\n" % t)
    train = (["--model", c["model"]] if "model" in c else []) + c["train"] + COMMON
    if c["start"]: safetensors(os.path.join(here, "start.safetensors"), c["start"]); train += ["--start", "start.safetensors"]
    with open(os.path.join(here, "scenario.json"), "w") as out:
        json.dump({"id": name, "family": "%s/%s" % (c["verdict"][0], c["cause"][0]), "train": train, "expect": {"verdict": c["verdict"], "cause": c["cause"]},
                   "unstick": None if c["unstick"] is None else {"loss_at_most": c["unstick"]}, "takes": c.get("takes"), "leaves": c.get("leaves")}, out, indent=1)


if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    chosen = sys.argv[2:] or list(CASES)
    for name in chosen: write(sys.argv[1], name)
    print("%d cases" % len(chosen))
