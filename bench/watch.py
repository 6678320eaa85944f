#!/usr/bin/env python3
"""What watching costs: `train --watch economy` and `full` beside `off`, in processor time.

    bench/watch.py BUILD-FOLDER [--rounds 9] [--scale 1] [--only small,medium,large]

In each round every mode runs once, by turns and each time in another order, and `off` twice: what the second costs beside the
first is the noise of the measurement, and should be nothing. A cost is the ratio to the mean of both, the median over rounds,
with its standard error (from the middle half of the rounds); `fastest` is the ratio of the fastest round of each, which other
work on the machine spoils least. The data are drawn here; loading them is measured with one step,
and taken off. `itself` is the share that the program says it took, by its own clock; `--scale` multiplies the steps. The
standard library alone is used."""
import argparse, json, math, os, random, resource, statistics, struct, subprocess, sys, tempfile

RUNS = ("off", "economy", "off again", "full")
CASES = {  # rows and columns of the data, arguments, steps
    "small": ("150 rows, linear, batch 16", "small.csv", ["--model", "linear", "--batch", "16"], 400000),
    "medium": ("784-128-10, batch 32", "train-images-idx3-ubyte", ["--model", "mlp:128", "--batch", "32"], 6000),
    "large": ("784-512-512-10, batch 128", "train-images-idx3-ubyte", ["--model", "mlp:512,512", "--batch", "128"], 500),
}


def draw(folder):
    r = random.Random(1)
    with open(os.path.join(folder, "small.csv"), "w") as f:
        f.write("a,b,c,d,kind\n")
        for i in range(150):
            f.write(",".join("%.2f" % r.gauss((i % 3) * (j - 1.5), 1) for j in range(4)) + ",k%d\n" % (i % 3))
    rows = 20000
    labels = bytes(r.randrange(10) for _ in range(rows))
    means = [r.randbytes(784) for _ in range(10)]
    with open(os.path.join(folder, "train-labels-idx1-ubyte"), "wb") as f:
        f.write(struct.pack(">II", 0x801, rows) + labels)
    with open(os.path.join(folder, "train-images-idx3-ubyte"), "wb") as f:
        f.write(struct.pack(">IIII", 0x803, rows, 28, 28))
        for k in labels:  # half of the bits of the class's picture, half of noise
            a, b = int.from_bytes(means[k], "big"), int.from_bytes(r.randbytes(784), "big")
            f.write((a & b | a & (b >> 1)).to_bytes(784, "big"))


def run(program, folder, data, arguments, steps, mode):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([program, "train", data, *arguments, "--test-fraction", "0", "--optimizer", "adam", "--steps", str(steps),
                        "--watch", mode.split()[0], "--run", "run", "--json", "--quiet"], cwd=folder, stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["rm", "-r", os.path.join(folder, "run")], check=True)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(p.stdout)["watch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--only", default="small,medium,large")
    o = parser.parse_args()
    program = os.path.abspath(os.path.join(o.build, "src/cli/unstuck"))
    with tempfile.TemporaryDirectory() as folder:
        draw(folder)
        for name in o.only.split(","):
            what, data, arguments, steps = CASES[name]
            steps = int(o.scale * steps)
            costs, said, fastest = {m: [] for m in RUNS}, {m: [] for m in RUNS}, dict.fromkeys(RUNS, math.inf)
            load = min(run(program, folder, data, arguments, 1, "off")[0] for _ in range(3))
            for k in range(o.rounds):
                times = {}
                for mode in RUNS[k % 4:] + RUNS[:k % 4]:
                    times[mode], watch = run(program, folder, data, arguments, steps, mode)
                    fastest[mode] = min(fastest[mode], times[mode] - load)
                    if watch: said[mode].append(watch["share"])
                off = (times["off"] + times["off again"]) / 2 - load
                for mode in RUNS[1:]: costs[mode].append((times[mode] - load) / off - 1)
                costs["off again"][-1] *= 2  # beside the first alone
            print("%-7s %s, %d steps, %.2f s without the data" % (name, what, steps, off))
            for mode in RUNS[1:]:
                low, middle, high = statistics.quantiles(costs[mode], n=4)
                error = 1.25 * (high - low) / 1.349 / len(costs[mode]) ** 0.5  # of a median of normal values
                print("        %-9s costs %5.1f %% +- %.1f   fastest %5.1f %%" %
                      (mode, 100 * middle, 100 * error, 100 * (fastest[mode] / fastest["off"] - 1)) +
                      ("   itself %.1f %%" % (100 * statistics.median(said[mode])) if said[mode] else ""))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
