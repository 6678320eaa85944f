#!/usr/bin/env python3
"""XOR with two hidden sigmoid units by gradient descent: how many starts end stuck, and which remedy frees them.

    bench/xor.py build/src/cli/unstuck [--seeds 200] [--remedies escape,recycle,..]

Each start is trained for 5,000 steps; it is stuck when the loss is above 0.1 (two or more answers are still open). Each
stuck run is then handed to `unstuck unstick` once for each remedy alone, and once with none named; freed is what ends at
0.1 or below. The standard library alone is used."""
import argparse, collections, json, os, shutil, subprocess, tempfile

LOW = 0.1
TRAIN = ["--model", "mlp:2:sigmoid", "--task", "classification", "--target", "y", "--no-standardize", "--test-fraction", "0",
         "--optimizer", "sgd", "--lr", "1", "--batch", "full", "--precision", "f64", "--init", "normal:1", "--steps", "5000",
         "--json", "--quiet"]


def call(program, *arguments, cwd):
    p = subprocess.run([program, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0: raise SystemExit("unstuck %s: %s" % (" ".join(arguments), p.stderr))
    return json.loads(p.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--remedies", default="escape,switch-optimizer,raise-lr,restart,recycle,any")
    o = parser.parse_args()
    program = os.path.abspath(o.program)
    remedies = o.remedies.split(",")
    freed, stuck, verdicts = collections.Counter(), 0, collections.Counter()
    folder = tempfile.mkdtemp(prefix="unstuck-xor-")
    try:
        with open(os.path.join(folder, "xor.csv"), "w") as f: f.write("a,b,y\n0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
        for seed in range(1, o.seeds + 1):
            end = call(program, "train", "xor.csv", *TRAIN, "--seed", str(seed), "--run", "run", cwd=folder)
            if end["loss"]["last"] > LOW:
                stuck += 1
                for remedy in remedies:
                    shutil.copytree(os.path.join(folder, "run"), os.path.join(folder, "copy"))
                    only = [] if remedy == "any" else ["--remedy", remedy]
                    after = call(program, "unstick", "copy", *only, "--json", "--quiet", cwd=folder)
                    freed[remedy] += after["loss_after"] <= LOW
                    if remedy == "any":
                        v = after["verdict"]
                        verdicts["%s/%s: %s" % (v["verdict"], v["cause"], after["remedy"])] += 1
                    shutil.rmtree(os.path.join(folder, "copy"))
            shutil.rmtree(os.path.join(folder, "run"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d of %d starts end stuck" % (stuck, o.seeds))
    for remedy in remedies: print("  %-18s frees %d" % (remedy, freed[remedy]))
    for text, count in verdicts.most_common(): print("  %4d %s" % (count, text))


if __name__ == "__main__":
    main()
