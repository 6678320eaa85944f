#!/usr/bin/env python3
"""XOR by a 2-2-1 net of sigmoids and gradient descent: how many starts end stuck, and what frees them.

    bench/xor.py build/src/cli/unstuck                      1,000 starts by `unstuck train`, and again with --unstick auto
    bench/xor.py build/src/cli/unstuck --remedies escape,recycle,any [--seeds 200]

Each start is trained for 5,000 steps; it is solved when the loss is at most 0.1 (above it an answer is still open). With
--remedies each stuck run is handed to `unstuck unstick` once for each remedy alone (`any`: with none named). Time is that
of the processes. The standard library alone is used."""
import argparse, collections, json, os, resource, shutil, subprocess, sys, tempfile

LOW = 0.1
TRAIN = ["--model", "mlp:2:sigmoid", "--loss", "binary-cross-entropy", "--target", "y", "--no-standardize", "--test-fraction", "0",
         "--optimizer", "sgd", "--lr", "1", "--batch", "full", "--precision", "f64", "--init", "normal:1", "--steps", "5000",
         "--json", "--quiet"]


def call(program, *arguments, cwd):
    p = subprocess.run([program, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0: raise SystemExit("unstuck %s: %s" % (" ".join(arguments), p.stderr))
    return json.loads(p.stdout)


def auto(program, seeds, folder):
    """Every start twice: plainly, and with --unstick auto."""
    plain = solved = spent = 0
    helped, left = collections.Counter(), []
    for seed in range(1, seeds + 1):
        if seed % 100 == 1 and seed > 1: print("%d of %d starts solved so far" % (solved, seed - 1), file=sys.stderr, flush=True)
        for how in ("off", "auto"):
            end = call(program, "train", "xor.csv", *TRAIN, "--seed", str(seed), "--run", "run", "--unstick", how, cwd=folder)
            shutil.rmtree(os.path.join(folder, "run"))
            low = end["loss"]["last"] <= LOW
            if how == "off":
                plain += low
                continue
            solved += low
            if not low: left.append(seed)
            for e in end["events"]:
                if e["kind"] == "remedy": helped[e["text"].split(":")[0]] += 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%d starts: %d solved by training alone, %d with --unstick auto" % (seeds, plain, solved))
    for remedy, count in helped.most_common(): print("  %-18s taken %d times" % (remedy, count))
    if left: print("  not solved: seeds", " ".join(map(str, left)))
    print("  %.0f s of processor time, both together" % (used.ru_utime + used.ru_stime))


def by_remedy(program, seeds, remedies, folder):
    freed, stuck, verdicts = collections.Counter(), 0, collections.Counter()
    for seed in range(1, seeds + 1):
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
    print("%d of %d starts end stuck" % (stuck, seeds))
    for remedy in remedies: print("  %-18s frees %d" % (remedy, freed[remedy]))
    for text, count in verdicts.most_common(): print("  %4d %s" % (count, text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, help="1000, or 200 with --remedies")
    parser.add_argument("--remedies")
    o = parser.parse_args()
    program = os.path.abspath(o.program)
    folder = tempfile.mkdtemp(prefix="unstuck-xor-")
    try:
        with open(os.path.join(folder, "xor.csv"), "w") as f: f.write("a,b,y\n0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
        if o.remedies: by_remedy(program, o.seeds or 200, o.remedies.split(","), folder)
        else: auto(program, o.seeds or 1000, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
