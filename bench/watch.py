#!/usr/bin/env python3
"""What watching costs: `train --watch economy` and `full` beside `off`, in processor time, the median of rounds.

    bench/watch.py BUILD-FOLDER [--rounds 7] [--only small,medium,large]

The data are drawn here. Loading them is measured with one step, and taken off. `itself` is the share that the program says
it took, by its own clock. The standard library alone is used."""
import argparse, json, os, random, resource, statistics, struct, subprocess, sys, tempfile

MODES = ("off", "economy", "full")
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
                        "--watch", mode, "--run", "run", "--json", "--quiet"], cwd=folder, stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["rm", "-r", os.path.join(folder, "run")], check=True)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(p.stdout)["watch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="small,medium,large")
    o = parser.parse_args()
    program = os.path.abspath(os.path.join(o.build, "src/cli/unstuck"))
    with tempfile.TemporaryDirectory() as folder:
        draw(folder)
        for name in o.only.split(","):
            what, data, arguments, steps = CASES[name]
            costs, said = {m: [] for m in MODES}, {m: [] for m in MODES}
            load = min(run(program, folder, data, arguments, 1, "off")[0] for _ in range(3))
            for _ in range(o.rounds):
                times = {}
                for mode in MODES:
                    times[mode], watch = run(program, folder, data, arguments, steps, mode)
                    if watch: said[mode].append(watch["share"])
                for mode in MODES: costs[mode].append((times[mode] - load) / (times["off"] - load) - 1)
            print("%-7s %s, %d steps, %.2f s without the data" % (name, what, steps, times["off"] - load))
            for mode in MODES[1:]:
                c = sorted(costs[mode])
                print("        %-8s costs %5.1f %% (%.1f to %.1f)   itself %.1f %%" %
                      (mode, 100 * statistics.median(c), 100 * c[0], 100 * c[-1], 100 * statistics.median(said[mode])))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
