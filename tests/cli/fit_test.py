"""Curve fitting: NIST's Statistical Reference Datasets from the command line, with the default solver and nothing else."""
import csv, json, math, os, re, shlex, struct, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import ROOT, Case, main

# The formulas are NIST's, with their bracket and power signs changed.
MODELS = {
    "Bennett5": "b1*(b2+x)^(-1/b3)", "BoxBOD": "b1*(1-exp(-b2*x))", "Chwirut2": "exp(-b1*x)/(b2+b3*x)", "DanWood": "b1*x^b2",
    "Eckerle4": "(b1/b2)*exp(-0.5*((x-b3)/b2)^2)", "Gauss1": "b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)",
    "Gauss2": "b1*exp(-b2*x)+b3*exp(-(x-b4)^2/b5^2)+b6*exp(-(x-b7)^2/b8^2)",
    "Lanczos1": "b1*exp(-b2*x)+b3*exp(-b4*x)+b5*exp(-b6*x)", "Lanczos3": "b1*exp(-b2*x)+b3*exp(-b4*x)+b5*exp(-b6*x)",
    "MGH09": "b1*(x^2+x*b2)/(x^2+x*b3+b4)", "MGH10": "b1*exp(b2/(x+b3))", "MGH17": "b1+b2*exp(-x*b4)+b3*exp(-x*b5)",
    "Misra1a": "b1*(1-exp(-b2*x))", "Misra1b": "b1*(1-(1+b2*x/2)^(-2))", "Misra1c": "b1*(1-(1+2*b2*x)^(-.5))",
    "Rat42": "b1/(1+exp(b2-b3*x))", "Rat43": "b1/((1+exp(b2-b3*x))^(1/b4))",
    "Thurber": "(b1+b2*x+b3*x^2+b4*x^3)/(1+b5*x+b6*x^2+b7*x^3)",
}


def table(path):
    with open(path) as f:
        return list(csv.DictReader(f))


def digits(found, certified):
    """Correct digits: the log relative error, at most 15."""
    return 15 if found == certified else min(15, -math.log10(abs(found - certified) / abs(certified)))


class Nist(Case):
    def data(self, group, name):
        models = {m["dataset"]: m for m in table(self.shared("data/%s/models.csv" % group))}
        with open(self.shared("data/%s/%s.dat" % (group, name))) as f:
            lines = f.read().split("\n")
        return [l.split() for l in lines[int(models[name]["first_data_line"]) - 1:int(models[name]["last_data_line"])]]

    def test_nonlinear(self):
        certified = table(self.shared("data/nist-nonlinear/certified.csv"))
        worst = 15
        for name, formula in MODELS.items():
            rows = self.data("nist-nonlinear", name)
            self.write(name + ".csv", "y,x\n" + "".join(",".join(r) + "\n" for r in rows))
            known = {c["name"]: c for c in certified if c["dataset"] == name}
            parameters = [p for p in known if re.fullmatch(r"b\d+", p)]
            for start in ("start1", "start2"):
                o = self.ok("train", name + ".csv", "--target", "y", "--model", "formula: " + formula, "--start",
                            ",".join("%s=%s" % (p, known[p][start]) for p in parameters), "--run", name + start, "--json", "--quiet")
                got = min(digits(o["at"][p], float(known[p]["value"])) for p in parameters)
                worst = min(worst, got)
                print("%-9s %s: %.1f digits" % (name, start, got))
                self.assertGreaterEqual(got, 8, name)
                self.assertEqual((o["kind"], o["optimizer"]["name"]), ("minimum", "trust-region"), name)
                if name != "Lanczos1":  # its residuals are rounding
                    for p in parameters:
                        self.assertGreaterEqual(digits(o["standard_error"][p], float(known[p]["sd"])), 6, name)
        print("at least %.1f digits of every parameter on all 36" % worst)

    # What LAPACK's dgelsd gets of the same matrix of doubles (numpy.linalg.lstsq, rcond=-1), in digits: tests/oracle/dgelsd.py.
    DGELSD = json.load(open(os.path.join(os.path.dirname(__file__), "..", "oracle", "dgelsd.json")))

    def test_linear(self):
        refined = table(self.shared("data/nist-linear/refined.csv"))
        models = {m["dataset"]: m["formula"] for m in table(self.shared("data/nist-linear/models.csv"))}
        for name in models:
            rows = self.data("nist-linear", name)
            known = {r["name"]: float(r["value"]) for r in refined if r["dataset"] == name and re.fullmatch(r"B\d+", r["name"])}
            powers = len(rows[0]) == 2
            header = "y,x" if powers else "y," + ",".join("x%d" % i for i in range(1, len(rows[0])))
            self.write(name + ".csv", header + "\n" + "".join(",".join(r) + "\n" for r in rows))
            terms = [p.lower() + ("" if p == "B0" else "*x^" + p[1:] if powers else "*x" + p[1:]) for p in known]
            o = self.ok("train", name + ".csv", "--target", "y", "--model", "formula: " + "+".join(terms), "--run", name, "--json",
                        "--quiet")
            got = min(digits(o["at"][p.lower()], known[p]) for p in known)
            print("%-9s %.1f digits, dgelsd %.1f" % (name, got, self.DGELSD[name]))
            self.assertGreaterEqual(got, min(self.DGELSD[name], 14), name)
            self.assertIn(o["kind"], ("minimum", "degenerate"))  # Filip's smallest eigenvalue drowns in rounding
            if powers or name == "NoInt1" or name == "NoInt2":
                continue
            # The linear model, on the columns as they are.
            self.ok("train", name + ".csv", "--target", "y", "--model", "linear", "--optimizer", "least-squares", "--no-standardize",
                    "--precision", "f64", "--test-fraction", "0", "--run", name + "-linear", "--json", "--quiet")
            with open(self.path(name + "-linear/model.safetensors"), "rb") as f:
                length = struct.unpack("<Q", f.read(8))[0]
                tensors, body = json.loads(f.read(length)), f.read()
            weights = []
            for tensor in ("layer1.bias", "layer1.weight"):
                a, b = tensors[tensor]["data_offsets"]
                weights += struct.unpack("<%dd" % ((b - a) // 8), body[a:b])
            got = min(digits(w, known["B%d" % i]) for i, w in enumerate(weights))
            print("%-9s --model linear: %.1f digits" % (name, got))
            self.assertGreaterEqual(got, min(self.DGELSD[name], 14), name)

    def test_the_example_of_the_docs(self):
        rows = self.data("nist-nonlinear", "Misra1a")
        self.write("misra1a.csv", "y,x\n" + "".join(",".join(r) + "\n" for r in rows))
        for name in "fitting.md", "fitting.zh-CN.md":
            with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
                blocks = re.findall(r"```\n\$ unstuck (train .*?)\n(.*?)```", f.read(), re.S)
            self.assertEqual(len(blocks), 4)
            for i, (command, shown) in enumerate(blocks):
                text = self.ok(*shlex.split(command), "--run", "%s-%d" % (name, i), "--seed", "1")
                for line in shown.splitlines():
                    if "b3" in line or "kept in" in line or "finished" in line: continue  # any value; names; time
                    if "b1=0" in command and not line.startswith("  not converged"): continue  # far out, digits are rounding
                    self.assertIn(line, text)


class Fit(Case):
    def test_told(self):
        self.write("d.csv", "t,y\n" + "".join("%g,%.6f\n" % (t, 3 * math.exp(-t / 2) + 0.01 * (-1) ** t) for t in range(12)))
        text = self.ok("train", "d.csv", "--target", "y", "--model", "formula: a*exp(-b*t)", "--start", "a=1,b=0.1")
        self.assertNotIn("why does it not get lower", text)
        for word in ("a ", "b ", "+-", "degrees of freedom", "minimum"):
            self.assertIn(word, text)
        o = self.ok("train", "d.csv", "--target", "y", "--model", "formula: a*exp(-b*t)", "--start", "a=1,b=0.1", "--optimizer",
                    "levenberg-marquardt", "--run", "lm", "--json", "--quiet")
        self.assertEqual((o["degrees_of_freedom"], o["kind"]), (10, "minimum"))
        self.assertAlmostEqual(o["at"]["a"], 3, delta=0.02)
        mse = self.ok("train", "d.csv", "--target", "y", "--model", "formula: a*exp(-b*t)", "--start", "a=1,b=0.1", "--loss", "mse",
                      "--run", "mse", "--json", "--quiet")
        self.assertAlmostEqual(mse["residual_deviation"] / o["residual_deviation"], 1, places=9)
        self.assertAlmostEqual(mse["standard_error"]["a"] / o["standard_error"]["a"], 1, places=6)

    def test_refused(self):
        self.write("d.csv", "t,y\n1,2.5\n2,3.25\n3,5.125\n")
        formula = ["train", "d.csv", "--target", "y", "--model", "formula: a+b*t", "--run", "r"]
        self.refused(2, ["--lr", "update rules", "trust-region"], *formula, "--lr", "0.1")
        self.refused(2, ["--batch", "all rows"], *formula, "--batch", "1")
        self.refused(2, ["did you mean 'levenberg-marquardt'"], *formula, "--optimizer", "levenberg-marquart")
        self.ok(*formula, "--optimizer", "adam", "--lr", "0.1", "--json", "--quiet")


if __name__ == "__main__":
    main()
