"""A report of 20 runs of 100,000 logged steps: how fast it is made, how large it is, how fast it opens. Usage: report.py BUILD-FOLDER
The goals: under 15 MB; opens in under 2 s. It is opened in Chromium by turns with an empty page that only parses the same JSON, which
is what any page with these data must do."""
import json, math, os, shutil, sqlite3, subprocess, sys, tempfile, time

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
    page = os.path.join(folder, "report.html")
    size = os.path.getsize(page) / 1e6
    print("report of 20 runs x 100,000 steps: %.1f MB (goal < 15), %.1f s, %.2f x Python's sqlite3 reading the same rows"
          % (size, seconds, seconds / reading))
    with open(page) as f:
        data = f.read().split('id="unstuck-data">', 1)[1].split("</script>", 1)[0]
    empty = os.path.join(folder, "empty.html")
    with open(empty, "w") as f:
        f.write('<!doctype html><meta charset=utf-8><script type="application/json" id="unstuck-data">%s</script><script>'
                'document.title = JSON.parse(document.getElementById("unstuck-data").textContent).runs.length</script>' % data)
    opening = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report_open.mjs")
    done = subprocess.run(["node", opening, "5", empty, page], stdout=subprocess.PIPE) if shutil.which("node") else None
    if done is None or done.returncode == 77:
        print("node, playwright-core or Chromium is not here: it is not opened")
    else:
        done.check_returncode()
        floor, ours = (json.loads(line) for line in done.stdout.splitlines())
        print("opens in Chromium: %.2f s of processor time of the page's thread (goal < 2; %.2f s by the clock), %.1f x the empty page's"
              " %.2f s (%.2f); curves of all runs, scrolled to, after %.2f s (%.2f)"
              % (ours["open"], ours["open_clock"], ours["open"] / floor["open"], floor["open"], floor["open_clock"], ours["curves"],
                 ours["curves_clock"]))
finally:
    shutil.rmtree(folder)
