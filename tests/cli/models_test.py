"""Models and losses as text: the docs are what the program prints; convolution, residual blocks and losses train."""
import csv, os, random, sqlite3, subprocess, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import ROOT, UNSTUCK, Case, main

NET = "input 6x6, conv 4 3x3 pad same relu, residual(conv 8 3x3 stride 2 pad same relu), avgpool"

NORMALISED = ("input 6x6, conv 4 3x3 pad same, batch-norm, relu, residual(conv 8 3x3 stride 2 pad same, batch-norm), relu, "
              "avgpool")


def pictures(n=120, seed=3):
    """Six by six pixels with a bar, upright or lying."""
    r = random.Random(seed)
    lines = [",".join("p%d" % i for i in range(36)) + ",y"]
    for _ in range(n):
        upright = r.randrange(2)
        image = [r.gauss(0, 0.1) for _ in range(36)]
        for i in range(6):
            image[i * 6 + 2 if upright else 12 + i] += 1
        lines.append(",".join("%.3f" % v for v in image) + "," + ("upright" if upright else "lying"))
    return "\n".join(lines) + "\n"


class Models(Case):
    def test_docs_are_what_the_program_prints(self):
        for name in "models.md", "models.zh-CN.md":
            with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
                text = f.read()
            for option in "--model", "--loss":
                self.assertIn("```text\n" + self.ok("train", option, "help") + "```", text, name)

    def test_pictures(self):
        self.write("p.csv", pictures())
        o = self.ok("train", "p.csv", "--model", NET, "--epochs", "40", "--lr", "0.01", "--run", "r", "--json", "--quiet")
        self.assertGreaterEqual(o["metrics"]["test"]["auc"], 0.95)
        rows = list(csv.DictReader(self.ok("predict", "r", "p.csv").splitlines()))
        self.assertEqual(len(rows), 120)
        self.assertAlmostEqual(float(rows[0]["p_lying"]) + float(rows[0]["p_upright"]), 1, places=5)
        self.assertIn(self.ok("diagnose", "r", "--json", "--quiet")["verdict"],
                      ("descending", "minimum", "plateau", "crawling", "noisy", "oscillating", "saddle"))
        self.assertEqual(self.ok("spectrum", "r", "--json", "--quiet")["parameters"], 386)

    def test_batch_normalisation(self):
        self.write("p.csv", pictures())
        o = self.ok("train", "p.csv", "--model", NORMALISED, "--epochs", "40", "--lr", "0.01", "--run", "r", "--json",
                    "--quiet")
        self.assertGreaterEqual(o["metrics"]["test"]["auc"], 0.95)
        rows = list(csv.DictReader(self.ok("predict", "r", "p.csv").splitlines()))
        right = sum((float(row["p_upright"]) > 0.5) == line.endswith("upright")
                    for row, line in zip(rows, pictures().splitlines()[1:]))
        self.assertGreaterEqual(right, 110)  # by the running values, which the run has kept
        told = self.ok("diagnose", "r", "--json", "--quiet", "--no-remedies")
        self.assertEqual((told["parameters"], told["evaluation_form"]), (398, True))  # without 24 running values
        self.assertNotEqual(told["cause"], "wrong-gradient")
        told = self.ok("spectrum", "r", "--json", "--quiet", "--by-layer")
        self.assertEqual((told["parameters"], told["evaluation_form"]), (398, True))
        self.assertNotIn("layer2.mean", [layer["name"] for layer in told["layers"]])
        self.assertIn("in evaluation form", self.ok("spectrum", "r", "--quiet"))
        told = self.ok("critical", "r", "--json", "--quiet", "--products", "50", "--save", "point.safetensors")
        self.assertEqual((told["parameters"], told["evaluation_form"]), (398, True))
        with open(self.path("point.safetensors"), "rb") as f:
            self.assertIn(b"layer2.mean", f.read())

    def test_losses_are_of_the_evaluation_form(self):
        # a full batch's step sees the loss of the training form, or not that of the average that the run gives
        self.write("p.csv", pictures())
        for model, more in (("dense 8, batch-norm, relu", ()), ("dense 8 relu, dropout 0.5", ()),
                            ("mlp:8", ("--average", "ema:0.5")), ("mlp:8", ("--optimizer", "schedule-free-sgd"))):
            name = "r%d" % len(os.listdir(self.folder))
            common = ["p.csv", "--model", model, *more, "--json", "--quiet"]
            some = self.ok("train", *common, "--lr", "1e-9", "--batch", "30", "--steps", "1", "--run", name + "a")["loss"]
            full = self.ok("train", *common, "--lr", "1e-9", "--batch", "full", "--steps", "1", "--run", name + "b")["loss"]
            self.assertAlmostEqual(some["first"], full["first"], places=6, msg=model)
            self.ok("train", *common, "--batch", "full", "--steps", "40", "--run", name + "c")
            with sqlite3.connect(self.path(name + "c/run.db")) as db:
                (mixed,), = db.execute("SELECT count(*) FROM losses WHERE test IS NULL").fetchall()
            self.assertEqual(mixed, 0, model)

    def test_depth_costs_its_own(self):
        # memory grows with the layers, not with their square: of 150 it was seven times that of 50
        self.write("p.csv", pictures())
        peak = {}
        for n in 50, 150:
            p = subprocess.Popen([UNSTUCK, "train", "p.csv", "--model", "%d*(dense 4 tanh)" % n, "--steps", "1", "--run", "r%d" % n,
                                  "--quiet"], cwd=self.folder, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = status
            self.assertEqual(status, 0)
            peak[n] = usage.ru_maxrss
        self.assertLess(peak[150], 4 * peak[50])

    def test_losses(self):
        self.write("p.csv", pictures())
        for loss in "binary-cross-entropy", "hinge", "cross-entropy:smoothing=0.1,weights=balanced":
            o = self.ok("train", "p.csv", "--model", "mlp:8", "--loss", loss, "--epochs", "40", "--run", loss.split(":")[0],
                        "--json", "--quiet")
            self.assertEqual(o["loss"]["name"], loss.split(":")[0])
            self.assertGreaterEqual(o["metrics"]["test"]["accuracy"], 0.8)
        self.refused(3, ["huber", "regression"], "train", "p.csv", "--loss", "huber", "--run", "x")


if __name__ == "__main__":
    main()
