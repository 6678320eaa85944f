"""The main road: train, predict, diagnose, unstick, runs, resume; on data that the test makes and on real data."""
import csv, json, math, os, random, shlex, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, UNSTUCK, main


def points(n=300, seed=1):
    r = random.Random(seed)
    rows = [(r.uniform(-2, 2), r.uniform(-2, 2)) for _ in range(n)]
    return "a,b,y\n" + "".join("%.9f,%.9f,%.9f\n" % (a, b, math.sin(2 * a) + b / 2 + r.gauss(0, 0.05)) for a, b in rows)


def reference(path, problem):
    with open(path) as f:
        return {r["quantity"]: float(r["value"]) for r in csv.DictReader(f) if r["problem"] == problem}


class Road(Case):
    def test_train_predict_runs(self):
        self.write("p.csv", points())
        o = self.ok("train", "p.csv", "--target", "y", "--model", "mlp:16:tanh", "--epochs", "200", "--lr", "0.01", "--run", "r",
                    "--json", "--quiet")
        self.assertEqual(o["status"], "finished")
        self.assertEqual(o["parameters"], 2 * 16 + 16 + 16 + 1)
        self.assertEqual(o["samples"], 240)
        self.assertEqual(o["metric"]["name"], "rmse")
        self.assertLess(o["loss"]["last"], o["loss"]["first"] / 10)
        self.assertLess(o["metric"]["test"], 0.2)
        self.write("new.csv", "b,extra,a\n0.5,x,0.25\n-1,y,1.5\n")
        rows = list(csv.DictReader(self.ok("predict", "r", "new.csv").splitlines()))
        for row, (a, b) in zip(rows, [(0.25, 0.5), (1.5, -1)]):
            self.assertAlmostEqual(float(row["y"]), math.sin(2 * a) + b / 2, delta=0.35)
        self.assertEqual(self.ok("runs", ".", "--json")["runs"][0]["status"], "finished")
        self.refused(3, ['"a"'], "predict", "r", self.write("less.csv", "b\n1\n"))
        self.ok("runs", "--remove", "r")
        self.assertFalse(os.path.exists(self.path("r")))

    def test_classes(self):
        r = random.Random(2)
        rows = []
        for _ in range(300):
            k = r.randrange(3)
            rows.append("%.6f,%.6f,%s\n" % (r.gauss(3 * k, 0.5), r.gauss(-k, 0.5), ("red", '"green, light"', '"b""lue"')[k]))
        self.write("c.csv", "u,v,kind\n" + "".join(rows))
        o = self.ok("train", "c.csv", "--run", "r", "--epochs", "60", "--lr", "0.05", "--json", "--quiet")
        self.assertEqual(o["metric"]["name"], "accuracy")
        self.assertGreater(o["metric"]["test"], 0.9)
        first = next(csv.DictReader(self.ok("predict", "r", self.write("n.csv", "u,v\n0,0\n")).splitlines()))
        self.assertEqual(first["kind"], "red")
        probabilities = [float(v) for k, v in first.items() if k != "kind"]
        self.assertEqual(len(probabilities), 3)
        self.assertAlmostEqual(sum(probabilities), 1, places=6)

    def test_saddle_named_and_left(self):
        self.write("p.csv", points(500))
        before = self.ok("train", "p.csv", "--target", "y", "--model", "mlp:4:tanh", "--init", "zero", "--optimizer", "sgd", "--lr",
                         "0.1", "--batch", "full", "--steps", "300", "--test-fraction", "0", "--run", "r", "--json", "--quiet")
        self.assertAlmostEqual(before["loss"]["last"], 0.5, places=5)
        v = self.ok("diagnose", "r", "--json", "--quiet")
        self.assertEqual((v["verdict"], v["stuck"]), ("saddle", True))
        self.assertIn(v["cause"], ("symmetric-units", "negative-curvature"))
        self.assertLess(v["spectrum"]["min"], -v["spectrum"]["resolution"])
        self.assertGreater(v["spectrum"]["negative"], 0)
        self.assertIn("escape", [r["remedy"] for r in v["remedies"]])
        u = self.ok("unstick", "r", "--json", "--quiet")
        self.assertEqual(u["remedy"], "escape")
        self.assertLess(u["loss_after"], 0.3)
        again = self.ok("diagnose", "r", "--json", "--quiet", "--no-remedies")
        self.assertAlmostEqual(again["loss"], u["loss_after"], delta=1e-4)

    def test_minimum_is_no_saddle(self):
        self.write("p.csv", points(200))
        self.ok("train", "p.csv", "--target", "y", "--model", "linear", "--optimizer", "sgd", "--lr", "0.3", "--batch", "full", "--steps",
                "500", "--precision", "f64", "--run", "r", "--json", "--quiet")
        v = self.ok("diagnose", "r", "--json", "--quiet")
        self.assertEqual((v["verdict"], v["cause"], v["stuck"]), ("minimum", "converged", False))
        self.assertEqual(v["spectrum"]["negative"], 0)

    def test_automatic_rate(self):
        self.write("p.csv", points(300))
        status, out, err = self.run_unstuck("train", "p.csv", "--target", "y", "--model", "mlp:8:tanh", "--lr", "auto", "--steps", "300",
                                            "--run", "r", "--json")
        self.assertEqual(status, 0, err)
        self.assertIn("--lr auto: sharpness", err)
        o = json.loads(out)
        self.assertEqual(o["events"][0]["kind"], "learning-rate")
        self.assertLess(o["loss"]["last"], o["loss"]["first"] / 2)
        self.refused(2, ["--lr does not go with --resume"], "train", "--resume", "r", "--lr", "0.5", "--steps", "10")
        self.refused(2, ["--run"], "train", "--resume", "r", "--run", "s")
        again = self.ok("train", "--resume", "r", "--steps", "10", "--json", "--quiet")
        self.assertEqual(again["optimizer"]["lr"], o["optimizer"]["lr"])
        self.refused(2, ["--lr", "'auto'"], "race", "p.csv", "--lr", "auto")

    def test_groups_that_decay(self):
        self.write("p.csv", "x,y\n" + "".join("%d,%d\n" % (i, 3 * i + 5) for i in range(40)))
        fit = ["train", "p.csv", "--model", "formula: a*x + b", "--optimizer", "sgd", "--lr", "1e-9", "--start", "a=2,b=1",
               "--steps", "10", "--weight-decay", "1e7", "--json", "--quiet"]  # takes a hundredth each step
        for names, a, b in (("b", 2, 0.99 ** 10), ("?", 2 * 0.99 ** 10, 0.99 ** 10)):
            at = self.ok(*fit, "--decay-groups", names)["at"]
            self.assertAlmostEqual(at["a"], a, 4)
            self.assertAlmostEqual(at["b"], b, 4)
        self.refused(2, ["--decay-groups: c is the name of no group; they are a, b"], *fit, "--decay-groups", "a,c")
        self.refused(2, ["--decay-groups", "--weight-decay"], "train", "p.csv", "--decay-groups", "*")
        made = self.ok("train", "p.csv", "--weight-decay", "0.1", "--decay-groups", "*.bias", "--steps", "2", "--json", "--quiet")
        more = self.ok("train", "--resume", made["run"], "--steps", "2", "--json", "--quiet")
        self.assertEqual(more["steps"], 4)

    def test_diverges(self):
        self.write("p.csv", points(100))
        status, out, err = self.run_unstuck("train", "p.csv", "--target", "y", "--optimizer", "sgd", "--lr", "1000", "--batch", "full",
                                            "--steps", "2000", "--run", "r", "--json", "--quiet")
        self.assertEqual(status, 4, err)
        o = json.loads(out)
        self.assertEqual(o["status"], "diverged")
        status, out, err = self.run_unstuck("train", "p.csv", "--target", "y", "--optimizer", "sgd", "--lr", "1000", "--batch", "full",
                                            "--steps", "2000", "--run", "s", "--watch", "off")
        self.assertEqual(status, 4, err)
        self.assertRegex(out, r"training loss [0-9.]+ -> not finite")
        self.assertRegex(out, "rmse not finite on training rows")
        self.assertIn("why did it diverge? unstuck diagnose s", out)

    def test_quiet_is_one_line(self):
        self.write("d.csv", "x,y\n" + "".join("%g,%g\n" % (i / 10, i / 5) for i in range(-20, 20)))
        self.assertRegex(self.ok("train", "d.csv", "--steps", "30", "--run", "r", "--quiet"),
                         r"^r: finished after 30 steps, training loss [0-9.]+ -> [0-9.]+, on test rows [0-9.]+\n$")
        # too short to be watched: that is said, and by how much; each step of the promise is kept
        o = self.ok("train", "d.csv", "--steps", "30", "--run", "s", "--quiet", "--json")
        self.assertLessEqual(o["watch"]["share"], 0.03)
        self.assertTrue(o["watch"]["probes"] > 0 or any(w["what"] == "updates" and w["from_seconds"] > 0 for w in o["watch"]["not_measured"]))
        # a loss that is infinite from the first step on is no loss of zero
        self.write("e.csv", "x,y\n" + "".join("%g,%g\n" % (i / 10, 1e30 * (i + 1)) for i in range(40)))
        code, out, err = self.run_unstuck("train", "e.csv", "--model", "mlp:4", "--no-standardize", "--steps", "5", "--run", "i", "--quiet")
        self.assertEqual((code, out), (4, "i: diverged after 0 steps, training loss not finite -> not finite\n"))

    def test_folders_are_quoted(self):
        self.write("p.csv", points(200))
        folder = "it's; echo no"
        self.ok("train", "p.csv", "--target", "y", "--model", "mlp:3:tanh", "--init", "zero", "--optimizer", "sgd", "--lr", "0.1", "--batch",
                "full", "--steps", "200", "--run", folder, "--json", "--quiet")
        v = self.ok("diagnose", folder, "--json", "--quiet")
        self.assertTrue(v["remedies"])
        for r in v["remedies"]:
            self.assertEqual(shlex.split(r["command"]), ["unstuck", "unstick", folder, "--remedy", r["remedy"]])

    def test_interrupted_run_goes_on_to_the_same_bits(self):
        self.write("p.csv", points(2000))
        common = ["--target", "y", "--model", "mlp:64,64:tanh", "--steps", "20000", "--quiet", "--json"]
        self.ok("train", "p.csv", *common, "--run", "whole")
        p = subprocess.Popen([UNSTUCK, "train", "p.csv", *common, "--run", "cut"], cwd=self.folder, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        while not os.path.exists(self.path("cut/checkpoint.safetensors")) and p.poll() is None:
            time.sleep(0.01)
        time.sleep(0.2)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate()
        if p.returncode != 0:  # a fast machine may have been done
            self.assertEqual(p.returncode, 130, err)
            o = json.loads(out)
            self.assertEqual(o["status"], "interrupted")
            self.assertLess(o["steps"], 20000)
            o = self.ok("train", "--resume", "cut", "--quiet", "--json")
            self.assertEqual((o["status"], o["steps"]), ("finished", 20000))
        with open(self.path("whole/model.safetensors"), "rb") as a, open(self.path("cut/model.safetensors"), "rb") as b:
            self.assertEqual(a.read(), b.read())


class Real(Case):
    """Linear models reach the exact least-squares loss within 1 %; others their reference."""

    def linear(self, name, file, target, problem, *more, rmse=None):
        data = self.shared("data/%s/%s" % (name, file))
        want = rmse or reference(self.shared("data/%s/reference.csv" % name), problem)["rmse"]
        o = self.ok("train", data, "--target", target, "--test-fraction", "0", "--missing", "drop", "--optimizer", "sgd", "--lr", "0.1",
                    "--batch", "full", "--steps", "20000", "--precision", "f64", "--run", "run-" + problem, "--json", "--quiet", *more)
        print("%s %s: rmse %.6g, least squares %.6g" % (name, problem, o["metric"]["train"], want))
        self.assertLess((o["metric"]["train"] / want) ** 2, 1.01)
        self.assertGreater((o["metric"]["train"] / want) ** 2, 0.999999)

    def test_california_housing(self):
        self.linear("california-housing", "housing.csv", "median_house_value", "ols_numeric_complete_rows", "--drop", "ocean_proximity")

    def test_auto_mpg(self):
        self.linear("auto-mpg", "mpg.csv", "mpg", "ols_numeric_complete_rows", "--drop", "origin,name")

    def test_wine_quality(self):
        for colour in ("red", "white"):
            self.linear("wine-quality", "winequality-%s.csv" % colour, "quality", "ols_" + colour)

    def test_diabetes(self):
        import gzip
        x = gzip.open(self.shared("data/diabetes/diabetes_data.csv.gz"), "rt").read().split("\n")
        y = gzip.open(self.shared("data/diabetes/diabetes_target.csv.gz"), "rt").read().split("\n")
        rows = [a.split() + [b] for a, b in zip(x, y) if b.strip()]
        self.write("diabetes.csv", "\n".join(",".join(r) for r in rows) + "\n")
        want = reference(self.shared("data/diabetes/reference.csv"), "ols")["rmse"]
        o = self.ok("train", "diabetes.csv", "--task", "regression", "--test-fraction", "0", "--optimizer", "sgd", "--lr", "0.3", "--batch", "full", "--steps",
                    "5000", "--precision", "f64", "--run", "d", "--json", "--quiet")
        self.assertLess((o["metric"]["train"] / want) ** 2, 1.01)

    def test_iris(self):
        data = self.shared("data/iris/iris.data")
        o = self.ok("train", data, "--test-fraction", "0", "--epochs", "300", "--lr", "0.05", "--run", "i", "--json", "--quiet")
        self.assertGreaterEqual(o["metric"]["train"], 0.97)

    def test_mnist(self):
        data = self.shared("data/mnist/train-images-idx3-ubyte.gz")
        o = self.ok("train", data, "--model", "linear", "--epochs", "4", "--batch", "128", "--lr", "0.002", "--l2", "0.0001", "--run", "m",
                    "--json", "--quiet", timeout=600)
        print("mnist, linear: test accuracy %.4f (reference 0.9208)" % o["metric"]["test"])
        self.assertGreaterEqual(o["metric"]["test"], 0.918)


if __name__ == "__main__":
    main()
