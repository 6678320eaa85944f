#!/usr/bin/env python3
"""The speed of graphs beside PyTorch: same network, batch, rule and thread in one run, by turns; one thread by CPU time.

usage: graph.py path/to/bench_graph [part ...]     (parts: train, cnn, product, share, threads, memory, start; all of them)

Each row: ours, the peer's (PyTorch, or what the row names), their ratio, the target, and whether it is met. All of it takes
about seven minutes on an idle machine; two threads can only be judged on one.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
program = os.path.abspath(sys.argv[1])
parts = sys.argv[2:] or ["train", "cnn", "product", "share", "threads", "memory", "start"]
TURNS = 3


def ours(*words):
    out = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout
    return [float(x) for x in out.split()]


def line(work, mine, peer, ratio, target, met):
    print("%-60s %11s %12s %8.2f   %-8s %s" % (work, mine, peer, ratio, target, "met" if met else "missed"), flush=True)


def network(arch, rows):
    import torch
    sizes = [int(n) for n in arch.split("-")]
    layers = []
    for i in range(len(sizes) - 1):
        layers += [torch.nn.Linear(sizes[i], sizes[i + 1]), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]), torch.randn(rows, sizes[0]), torch.randint(0, sizes[-1], (rows,))


def torch_train(arch, batch, rule):
    """Returns a function that measures samples a second. Rows in a row: no gathering, which ours does."""
    import torch
    import torch.nn.functional as F
    rows = 32768
    net, features, labels = network(arch, rows)
    optimizer = (torch.optim.SGD if rule == "sgd" else torch.optim.Adam)(net.parameters(), lr=1e-3)

    def measure():
        steps, start = 0, time.process_time()
        while time.process_time() - start < 0.8:
            for _ in range(5):
                j = (steps * batch) % (rows - batch + 1)
                optimizer.zero_grad(set_to_none=False)
                F.cross_entropy(net(features[j : j + batch]), labels[j : j + batch]).backward()
                optimizer.step()
                steps += 1
        return batch * steps / (time.process_time() - start)

    measure()
    return measure


def torch_product(arch, rows):
    """Milliseconds of a product where the gradient's graph is retained: the second backward pass alone."""
    import torch
    import torch.nn.functional as F
    net, features, labels = network(arch, rows)
    parameters = list(net.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(net(features), labels).backward()
        optimizer.step()
    v = [torch.randn_like(p) for p in parameters]
    gradient = torch.autograd.grad(F.cross_entropy(net(features), labels), parameters, create_graph=True)

    def measure():
        calls, start = 0, time.process_time()
        while time.process_time() - start < 0.8:
            torch.autograd.grad(gradient, parameters, grad_outputs=v, retain_graph=True)
            calls += 1
        return 1e3 * (time.process_time() - start) / calls

    measure()
    return measure


def train():
    import torch
    torch.set_num_threads(1)
    for arch, rule, batch, target in [
        ("784-128-10", "sgd", 32, 2.2), ("784-128-10", "adam", 32, 4.5), ("784-128-10", "adam", 1024, 1.25),
        ("784-512-512-10", "sgd", 32, 1.7), ("784-512-512-10", "sgd", 1024, 1.05), ("784-512-512-10", "adam", 32, 2.8),
    ]:
        measure, a, b = torch_train(arch, batch, rule), [], []
        for _ in range(TURNS):
            b.append(measure())
            a.append(ours("train", arch, batch, rule)[0])
        mine, peer = statistics.median(a), statistics.median(b)
        line("mlp %s %s, batch %d, samples/s" % (arch, rule, batch), "%.0f" % mine, "%.0f" % peer, mine / peer,
             ">= %g" % target, mine >= target * peer)


def product():
    import torch
    torch.set_num_threads(1)
    for arch, over in [("784-128-10", 2.0), ("784-512-512-10", 2.5)]:
        measure, runs, b = torch_product(arch, 1024), [], []
        for _ in range(TURNS):
            b.append(measure())
            runs.append(ours("product", arch, 1024))
        gradient, nothing, kept, block = (statistics.median(column) for column in zip(*runs))
        peer = statistics.median(b)
        for name, mine, target in [("point kept", kept, 0.7), ("a vector of 16", block, 0.6)]:
            line("product %s, 1,024 rows, %s, ms" % (arch, name), "%.2f" % mine, "%.2f" % peer, mine / peer,
                 "<= %g" % target, mine <= target * peer)
        line("product %s from nothing, over our gradient, ms" % arch, "%.2f" % nothing, "%.2f" % gradient,
             nothing / gradient, "<= %g" % over, nothing <= over * gradient)


def share():
    for arch in "784-128-10", "784-512-512-10":
        for batch in 128, 1024:
            share, gemm, step = ours("share", arch, batch)
            line("SGD %s batch %d, GFLOP/s, over sgemm alone" % (arch, batch), "%.1f" % step, "%.1f" % gemm, share, ">= 0.85",
                 share >= 0.85)


def cnn_ours(*words):
    subject = os.path.join(os.path.dirname(program), "bench_cnn")
    out = subprocess.run([subject, *map(str, words)], check=True, capture_output=True, text=True).stdout
    return [float(x) for x in out.split()]


def threads():
    print("# two threads over one, wall; other load on the machine counts against two (load now %.1f)" % os.getloadavg()[0])
    for arch in "784-128-10", "784-512-512-10":
        for rule in "sgd", "adam":
            for batch in 32, 128, 1024:
                _, one, two = ours("train", arch, batch, rule)
                target = 1.6 if batch >= 128 else 0.95
                line("mlp %s %s, batch %d, 2 threads, samples/s" % (arch, rule, batch), "%.0f" % two, "%.0f" % one, two / one,
                     ">= %g" % target, two >= target * one)
    for batch in 32, 128:
        one, two = cnn_ours(batch, "sgd", "threads")
        target = 1.6 if batch >= 128 else 0.95
        line("cnn sgd, batch %d, 2 threads, samples/s" % batch, "%.0f" % two, "%.0f" % one, two / one, ">= %g" % target,
             two >= target * one)


def memory():
    for arch in "784-128-10", "784-512-512-10":
        for rows in 1024, 10000:
            gradient, product = ours("memory", arch, rows)
            line("memory of a product %s, %d rows, MB" % (arch, rows), "%.2f" % (product / 1e6), "%.2f" % (gradient / 1e6),
                 product / gradient, "<= 2.5", product <= 2.5 * gradient)


def start():
    """A whole run of one step on a file of ten rows: from the command to its end."""
    unstuck = os.path.join(os.path.dirname(program), "../src/cli/unstuck")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "ten.csv"), "w") as f:
            f.write("x,y\n" + "".join("%d,%d\n" % (i, i % 3) for i in range(10)))
        seconds = []
        for i in range(15):
            begin = time.perf_counter()
            subprocess.run([unstuck, "train", "ten.csv", "--model", "mlp:128", "--steps", "1", "--run", "r%d" % i, "--quiet"],
                           cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - begin)
    mine = 1e3 * statistics.median(seconds)
    line("start-up: a whole run of one step, ms", "%.1f" % mine, "50.0", mine / 50, "<= 1", mine <= 50)


def cnn():
    """By bench/cnn.py, whose lines become rows of this table."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cnn.py")
    subject = os.path.join(os.path.dirname(program), "bench_cnn")
    for batch in 32, 128:
        out = subprocess.run([sys.executable, script, subject, str(batch), "sgd"], check=True, capture_output=True,
                             text=True).stdout
        mine, peer = map(float, re.search(r"ours (\d+), torch \S+ (\d+)", out).groups())
        line("cnn 3x3x16-pool-3x3x32-pool-10 sgd, batch %d, samples/s" % batch, "%.0f" % mine, "%.0f" % peer, mine / peer,
             ">= 2", mine >= 2 * peer)


began = time.monotonic()
print("%-60s %11s %12s %8s   %-8s" % ("work", "ours", "peer", "ratio", "target"))
for part in parts:
    globals()[part]()
print("# %.0f s; load of the machine: %.1f" % (time.monotonic() - began, os.getloadavg()[0]))
