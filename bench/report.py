"""How fast a report of 20 runs of 100,000 logged steps is made, and how large it is. Usage: report.py BUILD-FOLDER
The goals: under 15 MB; the browser opens it in under 2 s (tests/web/report_test.mjs prints that time)."""
import math, os, shutil, sqlite3, subprocess, sys, tempfile, time

program = os.path.join(os.path.abspath(sys.argv[1]), "src/cli/unstuck")
folder = tempfile.mkdtemp(prefix="unstuck-bench-")
try:
    with open(os.path.join(folder, "d.csv"), "w") as f:
        f.write("x,y\n" + "".join("%d,%d\n" % (i, 3 * i) for i in range(50)))
    subprocess.run([program, "train", "d.csv", "--steps", "20", "--run", "r0", "--quiet"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    db = sqlite3.connect(os.path.join(folder, "r0/run.db"))
    db.execute("DELETE FROM metrics")
    db.executemany("INSERT INTO metrics VALUES(?,?,?,?,?,?,?)", (
        (s, s / 100, 2 / (1 + s / 900) + 0.1 * math.sin(s * 12.9898) ** 2, 2 / (1 + s / 900), 3 / (1 + s / 99), 0.01, s / 5000)
        for s in range(1, 100001)))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for i in range(1, 20):
        shutil.copytree(os.path.join(folder, "r0"), os.path.join(folder, "r%d" % i))
    began = time.perf_counter()
    subprocess.run([program, "report", *("r%d" % i for i in range(20)), "--no-diagnose", "--quiet"], cwd=folder, check=True)
    seconds = time.perf_counter() - began
    began = time.perf_counter()  # what any program must do: read the same numbers
    for i in range(20):
        db = sqlite3.connect("file:%s/r%d/run.db?immutable=1" % (folder, i), uri=True)
        db.execute("SELECT step, loss, mean_loss, gradient_norm, learning_rate, seconds FROM metrics").fetchall()
        db.close()
    reading = time.perf_counter() - began
    size = os.path.getsize(os.path.join(folder, "report.html")) / 1e6
    print("report of 20 runs x 100,000 steps: %.1f MB (goal < 15), %.1f s, %.2f x Python's sqlite3 reading the same rows"
          % (size, seconds, seconds / reading))
finally:
    shutil.rmtree(folder)
