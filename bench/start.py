#!/usr/bin/env python3
"""How long `unstuck --version` takes, as a whole process, beside `true`. Usage: start.py BUILD-FOLDER"""
import os, statistics, subprocess, sys, time

program = os.path.join(sys.argv[1], "src/cli/unstuck")


def run(command, times=40):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1e3


run([program, "--version"], 5)
ours, floor = run([program, "--version"]), run(["/bin/true"])
print("unstuck --version  %.2f ms (median of 40; /bin/true through the same call %.2f ms)" % (ours, floor))
