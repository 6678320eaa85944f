"""The independent side of the zoo: plain Python arithmetic, no library of ours, no other. Linear least squares by its moments,
small nets row by row."""
import math, random


class Linear:
    """Half-mse of a linear model with intercept, from A = E[xx'], b = E[xy], c = E[yy]/2, x with a 1 at the end."""

    def __init__(self, X, y):
        rows = [list(x) + [1.0] for x in X]
        n, d = len(rows), len(rows[0])
        self.rows, self.y, self.d = rows, y, d
        self.A = [[sum(r[i] * r[j] for r in rows) / n for j in range(d)] for i in range(d)]
        self.b = [sum(r[i] * t for r, t in zip(rows, y)) / n for i in range(d)]
        self.c = sum(t * t for t in y) / (2 * n)

    def gradient(self, w):
        return [sum(a * v for a, v in zip(row, w)) - b for row, b in zip(self.A, self.b)]

    def loss(self, w):
        return self.c + sum(v * (0.5 * sum(a * u for a, u in zip(row, w)) - b) for v, row, b in zip(w, self.A, self.b))

    def largest(self):
        """The largest eigenvalue of A, by powers."""
        v = [1.0 + 0.1 * i for i in range(self.d)]
        for _ in range(3000):
            u = [sum(a * x for a, x in zip(row, v)) for row in self.A]
            size = math.sqrt(sum(x * x for x in u))
            v = [x / size for x in u]
        return size

    def optimum(self):
        """Gaussian elimination with pivots; None where A is singular."""
        M = [row[:] + [b] for row, b in zip(self.A, self.b)]
        for k in range(self.d):
            p = max(range(k, self.d), key=lambda i: abs(M[i][k]))
            if abs(M[p][k]) < 1e-10 * max(abs(x) for row in self.A for x in row): return None
            M[k], M[p] = M[p], M[k]
            for i in range(k + 1, self.d):
                f = M[i][k] / M[k][k]
                M[i] = [x - f * z for x, z in zip(M[i], M[k])]
        w = [0.0] * self.d
        for k in reversed(range(self.d)):
            w[k] = (M[k][-1] - sum(M[k][j] * w[j] for j in range(k + 1, self.d))) / M[k][k]
        return w

    def descend(self, rate, steps, momentum=0.0, decay=1.0):
        """Losses before each step and after the last; ends early when not finite."""
        w, m, losses = [0.0] * self.d, [0.0] * self.d, []
        for k in range(steps):
            losses.append(self.loss(w))
            if not math.isfinite(losses[-1]): return losses
            g = self.gradient(w)
            m = [momentum * a - rate * decay ** k * x for a, x in zip(m, g)]
            w = [a + x for a, x in zip(w, m)]
        return losses + [self.loss(w)]

    def stochastic(self, rate, batch, epochs, seed):
        """Mean loss on all rows after each epoch of shuffled batches."""
        r, w, losses = random.Random(seed), [0.0] * self.d, []
        order = list(range(len(self.rows)))
        for _ in range(epochs):
            r.shuffle(order)
            for s in range(0, len(order), batch):
                part = order[s:s + batch]
                g = [0.0] * self.d
                for i in part:
                    e = sum(a * x for a, x in zip(w, self.rows[i])) - self.y[i]
                    g = [a + e * x / len(part) for a, x in zip(g, self.rows[i])]
                w = [a - rate * x for a, x in zip(w, g)]
            losses.append(self.loss(w))
        return losses


SLOPE = {"tanh": lambda z: 1 - math.tanh(z) ** 2, "relu": lambda z: float(z > 0), "sigmoid": lambda z: squash(z) * (1 - squash(z))}
VALUE = {"tanh": math.tanh, "relu": lambda z: max(z, 0.0), "sigmoid": lambda z: squash(z)}


def squash(z): return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def xavier(sizes, r):
    """[(W, b)] of a net with these sizes."""
    return [([[r.gauss(0, math.sqrt(2 / (a + b))) for _ in range(a)] for _ in range(b)], [0.0] * b) for a, b in zip(sizes, sizes[1:])]


def pass_through(layers, act, x):
    """Inputs of every layer's activation, last the output."""
    zs, a = [], x
    for W, b in layers:
        z = [sum(p * q for p, q in zip(row, a)) + c for row, c in zip(W, b)]
        zs.append(z)
        a = [VALUE[act](v) for v in z]
    return zs


def backward(layers, act, zs, error):
    """Derivatives of half the squared error by every layer's z, the last first known: error."""
    deltas, d = [[error]], [error]
    for k in reversed(range(1, len(layers))):
        W = layers[k][0]
        d = [SLOPE[act](zs[k - 1][j]) * sum(W[i][j] * d[i] for i in range(len(d))) for j in range(len(zs[k - 1]))]
        deltas.append(d)
    return deltas[::-1]
