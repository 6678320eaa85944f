#!/usr/bin/env python3
"""Peak resident memory of training against the size of data, parameters and their state. Usage: memory.py BUILD-FOLDER

The goal is 1.5 x (data + parameters and their state) + 30 MB, data being what is trained on: rows x columns x 4 bytes."""
import os, random, subprocess, sys, tempfile

program = os.path.abspath(os.path.join(sys.argv[1], "src/cli/unstuck"))


def peak(arguments, folder):
    """Peak resident set of the whole process, in MB, as the kernel counts it."""
    process = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("%s: %s" % (arguments, err.decode()))
    return usage.ru_maxrss / 1024


def report(name, megabytes, data, parameters, states):
    floor = data + parameters * 4 * (1 + states) / 1e6
    goal = 1.5 * floor + 30
    print("%-42s peak %6.1f MB, data and state %6.1f MB, goal %6.1f MB: %s" %
          (name, megabytes, floor, goal, "met" if megabytes * 1.048576 <= goal else "not met"))


with tempfile.TemporaryDirectory() as folder:
    r = random.Random(1)
    rows, columns = 500_000, 20
    lines = [",".join("%.7f" % r.gauss(0, 1) for _ in range(columns)) for _ in range(5000)]
    with open(os.path.join(folder, "wide.csv"), "w") as f:
        f.write(",".join("x%d" % i for i in range(columns)) + "\n")
        for i in range(rows):
            f.write(lines[i % 5000] + "\n")
    report("linear, %d x %d CSV, adam" % (rows, columns),
           peak([program, "train", "wide.csv", "--epochs", "1", "--batch", "256", "--run", "a", "--quiet"], folder),
           rows * columns * 4 / 1e6, columns, 2)
    images = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"
    if os.path.exists(images):
        report("mlp:128 on Fashion-MNIST, adam",
               peak([program, "train", images, "--model", "mlp:128", "--epochs", "1", "--run", "b", "--quiet"], folder),
               70_000 * 784 * 4 / 1e6, 784 * 128 + 128 + 1290, 2)
    else:
        print("skipped: Debian's dataset-fashion-mnist is not installed")
