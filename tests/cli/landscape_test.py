"""unstuck landscape: of formulas, whose values are known, and of runs."""
import json, math, os, signal, sqlite3, subprocess, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, UNSTUCK, main


def coordinate(axis, i):
    return axis["low"] + i / (axis["points"] - 1) * (axis["high"] - axis["low"])


class Formula(Case):
    def test_values_points_and_paths(self):
        o = self.ok("landscape", "x^4-2*x^2+y^2", "--box", "x=-2:2,y=-1:1", "--points", "21", "--start", "x=0.1,y=1",
                    "--optimizer", "sgd:lr=0.05,momentum:momentum=0.9", "--lr", "0.01,1e3", "--steps", "300", "--json",
                    "--quiet")
        self.assertEqual((o["kind"], o["directions"], o["complete"], o["done"]), ("landscape", "parameter", True, 441))
        ax, ay = o["axes"]
        self.assertEqual([ax["label"], ay["label"], ax["low"], ay["high"]], ["x", "y", -2, 1])
        for j, row in enumerate(o["loss"]):
            for i, loss in enumerate(row):
                x, y = coordinate(ax, i), coordinate(ay, j)
                self.assertAlmostEqual(loss, x ** 4 - 2 * x ** 2 + y ** 2, delta=1e-12)
        found = sorted((round(p["at"]["x"], 6), p["kind"]) for p in o["critical"])
        self.assertEqual(found, [(-1, "minimum"), (0, "saddle"), (1, "minimum")])
        names = [(p["name"], p["state"]) for p in o["paths"]]
        self.assertEqual(names[0], ("sgd lr=0.05", "minimum"))
        self.assertEqual([n for n, _ in names[1:]], ["momentum momentum=0.9 lr=0.01", "momentum momentum=0.9 lr=1000"])
        self.assertEqual(names[2][1], "diverged")
        path = o["paths"][0]
        x, y = 0.1, 1.0  # gradient descent by hand
        for k in range(5):
            self.assertEqual(path["steps"][k], k)
            self.assertAlmostEqual(path["x"][k], x, delta=1e-12)
            self.assertAlmostEqual(path["y"][k], y, delta=1e-12)
            self.assertAlmostEqual(path["loss"][k], x ** 4 - 2 * x ** 2 + y ** 2, delta=1e-12)
            x, y = x - 0.05 * (4 * x ** 3 - 4 * x), y - 0.05 * 2 * y
        self.assertAlmostEqual(path["end"]["x"], 1, delta=1e-6)

    def test_solvers_on_their_way(self):
        o = self.ok("landscape", "100*(y-x^2)^2+(1-x)^2", "--box", "x=-2:2,y=-1:3", "--points", "5", "--start", "x=-1.2,y=1",
                    "--optimizer", "l-bfgs,adam,trust-region,newton-cg", "--lr", "0.01", "--no-critical", "--json", "--quiet")
        self.assertEqual([p["name"] for p in o["paths"]], ["l-bfgs", "adam lr=0.01", "trust-region", "newton-cg"])
        for path in (p for p in o["paths"] if p["name"] != "adam lr=0.01"):
            self.assertEqual(path["state"], "minimum")
            self.assertEqual(path["steps"], list(range(len(path["steps"]))))  # every iteration, once
            self.assertEqual((path["x"][0], path["y"][0]), (-1.2, 1))
            self.assertAlmostEqual(path["end"]["x"], 1, delta=1e-6)
            self.assertAlmostEqual(path["end"]["y"], 1, delta=1e-6)
            for x, y, loss in zip(path["x"], path["y"], path["loss"]):
                self.assertAlmostEqual(loss, 100 * (y - x * x) ** 2 + (1 - x) ** 2, delta=1e-9)

    def test_order_of_the_box_one_variable_and_held_ones(self):
        o = self.ok("landscape", "a+10*b+100*c", "--box", "c=0:1,a=0:2", "--at", "b=3", "--points", "2", "--no-critical",
                    "--json", "--quiet")
        self.assertEqual([a["label"] for a in o["axes"]], ["c", "a"])
        self.assertEqual(o["loss"], [[30, 130], [32, 132]])
        self.assertEqual(o["of"]["held"], {"b": 3})
        o = self.ok("landscape", "log(x)", "--box", "x=-1:1", "--points", "5", "--json", "--quiet")
        self.assertEqual(o["loss"][0][:3], [None, None, None])
        self.assertAlmostEqual(o["loss"][0][3], math.log(0.5), delta=1e-14)
        out = self.ok("landscape", "x^2", "--box", "x=-1:1", "--quiet")
        self.assertIn("minimum", out)

    def test_bad_usage(self):
        f = "x^2+y^2"
        for words, arguments in [
                (["--box"], [f]), (["y", "--at"], [f, "--box", "x=-1:1"]), (["'z'"], [f, "--box", "z=0:1,y=0:1"]),
                (["--start"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "sgd"]),
                (["'sgdd'", "sgd"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "sgdd", "--start", "x=1,y=1"]),
                (["--lr"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "sgd", "--start", "x=1,y=1", "--lr", "0.1,-1"]),
                (["'lbfgs'", "l-bfgs"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "lbfgs", "--start", "x=1,y=1"]),
                (["l-bfgs", "no rate"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "l-bfgs:lr=1", "--start", "x=1,y=1"]),
                (["squares"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "levenberg-marquardt", "--start", "x=1,y=1"]),
                (["bta", "beta"], [f, "--box", "x=-1:1,y=-1:1", "--optimizer", "adam:bta1=1", "--start", "x=1,y=1"]),
                (["--directions"], [f, "--box", "x=-1:1,y=-1:1", "--directions", "path"]),
                (["held"], [f, "--box", "x=-1:1,y=-1:1", "--at", "x=1"]),
                (["3 variables"], [f + "+z", "--box", "x=-1:1,y=-1:1,z=0:1"])]:
            self.refused(2, words, "landscape", *arguments, "--quiet")


class Run(Case):
    def train(self, folder="r", *more):
        rows = ["%g,%g,%g" % (math.sin(i), math.cos(2.3 * i), math.sin(2 * math.sin(i)) + 0.3 * math.cos(2.3 * i))
                for i in range(120)]
        self.write("d.csv", "a,b,y\n" + "\n".join(rows) + "\n")
        self.ok("train", "d.csv", "--model", "mlp:6:tanh", "--steps", "150", "--run", folder, "--quiet", "--json", *more)

    def test_every_kind_of_direction(self):
        self.train()
        at_all = None
        for kind in ("eigen", "path", "random"):
            o = self.ok("landscape", "r", "--directions", kind, "--points", "9", "--json", "--quiet", "--span", "0.5")
            self.assertEqual((o["directions"], o["complete"], len(o["loss"])), (kind, True, 9))
            self.assertEqual((o["of"]["rows"], o["of"]["samples"], o["of"]["step"]), (96, 96, 150))
            self.assertAlmostEqual(o["loss"][4][4], o["of"]["loss"], delta=1e-9)  # where the run stands
            path = o["paths"][0]
            self.assertEqual((path["steps"][0], path["steps"][-1]), (0, 150))
            self.assertAlmostEqual(path["x"][-1], 0, delta=1e-6)
            self.assertAlmostEqual(path["loss"][-1], o["of"]["loss"], delta=1e-12)
            at_all = at_all or o["of"]["loss"]
            self.assertEqual(o["of"]["loss"], at_all)
        s = self.ok("spectrum", "r", "--top", "1", "--bottom", "1", "--json", "--quiet")
        o = self.ok("landscape", "r", "--points", "3", "--json", "--quiet")
        self.assertAlmostEqual(o["axes"][0]["eigenvalue"], s["bottom"][0]["value"], delta=0.02 * s["top"][0]["value"])
        self.assertAlmostEqual(o["axes"][1]["eigenvalue"], s["top"][0]["value"], delta=1e-4 * s["top"][0]["value"])
        o = self.ok("landscape", "r", "--one", "--points", "5", "--rows", "40", "--json", "--quiet")
        self.assertEqual((len(o["loss"]), len(o["axes"]), o["of"]["rows"]), (1, 1, 40))
        self.assertIn("the picture was in the run", self.ok("landscape", "r", "--points", "3", "--quiet"))

    def results(self):
        with sqlite3.connect(self.path("r/run.db")) as db:
            return [json.loads(t) for (t,) in db.execute("SELECT json FROM results WHERE kind='landscape' ORDER BY id")]

    def test_interrupted_goes_on_and_ends_in_the_same_numbers(self):
        self.train()
        command = ["landscape", "r", "--directions", "random", "--points", "301", "--rows", "all", "--threads", "1"]
        p = subprocess.Popen([UNSTUCK, *command], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stderr.readline()  # it is on its way
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        self.assertIn(b"goes on", err)
        part, = self.results()
        self.assertTrue(0 < part["done"] < 301 * 301 and not part["complete"])
        whole = self.ok(*command, "--json", "--quiet")
        self.assertTrue(whole["complete"])
        kept, = self.results()  # the part is replaced
        self.assertEqual(kept, whole)
        with sqlite3.connect(self.path("r/run.db")) as db:
            db.execute("DELETE FROM results")
        self.assertEqual(self.ok(*command[:-1], "2", "--json", "--quiet"), whole)

    def test_paths_of_a_race(self):
        rows = ["%g,%g" % (x / 50, 2 * x / 50 + 0.5 + 0.3 * math.sin(37 * x)) for x in range(-50, 50)]
        self.write("line.csv", "x,y\n" + "\n".join(rows) + "\n")
        self.ok("race", "line.csv", "--no-standardize", "--test-fraction", "0", "--optimizer", "sgd", "--lr", "0.3",
                "--batch", "1,full", "--epochs", "3", "--keep-path", "1000", "--run", "b", "--quiet", "--json")
        o = self.ok("landscape", "b", "--points", "5", "--json", "--quiet")
        self.assertEqual([p["name"] for p in o["paths"]], ["sgd-lr0.3-b1", "sgd-lr0.3-bfull"])
        self.assertEqual(len(o["paths"][0]["x"]), 301)
        self.assertEqual(o["directions"], "parameter")
        self.assertEqual([a["label"] for a in o["axes"]], ["layer1.weight", "layer1.bias"])
        self.train("other")
        self.refused(2, ["another model"], "landscape", "other", "b", "--quiet")

    def test_no_path_and_no_run(self):
        self.train("r", "--keep-path", "0")
        self.refused(2, ["--keep-path"], "landscape", "r", "--directions", "path", "--quiet")
        self.refused(2, ["--box"], "landscape", "r", "--box", "x=0:1", "--quiet")
        os.mkdir(self.path("empty"))
        self.refused(3, ["empty"], "landscape", "empty", "--quiet")

    def test_page(self):
        self.train()
        status, out, err = self.run_unstuck("landscape", "r", "--points", "5", "-o", "p.html", "--quiet")
        if "without its page" in err:
            self.assertEqual(status, 1)
            self.skipTest("the program was built without the page")
        self.assertEqual(status, 0, err)
        with open(self.path("p.html")) as f:
            page = f.read()
        data = page.split('id="unstuck-data">')[1].split("</script>")[0]
        self.assertEqual(json.loads(data)["kind"], "landscape")


main()
