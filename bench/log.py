#!/usr/bin/env python3
"""What keeping a run on disk costs beside the same steps without. Usage: log.py BUILD-FOLDER [STEPS]"""
import os, subprocess, sys, tempfile

with tempfile.TemporaryDirectory() as folder:
    steps = sys.argv[2] if len(sys.argv) > 2 else "40000"
    subprocess.run([os.path.join(sys.argv[1], "bench/bench_log"), folder, steps], check=True)
