"""unstuck spectrum: on linear regression, whose Hessian is the second moments of the features, whatever the parameters."""
import json, os, sqlite3, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main


class Spectrum(Case):
    def train(self, rows=64):
        # a = ±2, b = ±1/2, each pair of signs as often: the moments of (a, b, 1) are diag(4, 1/4, 1)
        lines = ["%g,%g,%g" % (a, b, a - b) for _ in range(rows // 4) for a in (2, -2) for b in (0.5, -0.5)]
        self.write("p.csv", "a,b,y\n" + "\n".join(lines) + "\n")
        self.ok("train", "p.csv", "--target", "y", "--test-fraction", "0", "--no-standardize", "--steps", "3", "--run", "r",
                "--json", "--quiet")

    def test_values_trace_and_density(self):
        self.train()
        o = self.ok("spectrum", "r", "--top", "2", "--bottom", "1", "--trace", "--density", "--by-layer", "--json", "--quiet")
        for pair, value in zip(o["top"] + o["bottom"], (4, 1, 0.25)):
            self.assertAlmostEqual(pair["value"], value, delta=1e-12)
            self.assertTrue(pair["converged"] and pair["residual"] < 1e-12)
        self.assertAlmostEqual(o["trace"]["value"], 5.25, delta=1e-9)
        self.assertLess(o["trace"]["standard_error"], 1e-9)
        d = o["density"]
        area = sum((a + b) / 2 * (y - x) for a, b, x, y in zip(d["density"], d["density"][1:], d["at"], d["at"][1:]))
        self.assertAlmostEqual(area, 1, delta=0.02)
        self.assertEqual((o["rows"], o["parameters"]), (64, 3))
        self.assertAlmostEqual(o["condition"]["value"], 16, delta=1e-9)
        self.assertTrue(o["condition"]["low"] <= 16 <= o["condition"]["high"])
        e = o["effective_dimension"]
        self.assertAlmostEqual(e["tau"], 4e-3, delta=1e-9)
        self.assertAlmostEqual(e["value"], sum(x / (x + e["tau"]) for x in (4, 1, 0.25)),
                               delta=5 * e["standard_error"] + 1e-12)
        self.assertLess(e["standard_error"], 0.1)
        self.assertTrue(0 < o["resolution"] < 1e-12)
        self.assertLessEqual(o["bounds"]["low"], 0.25)
        with sqlite3.connect(self.path("r/run.db")) as db:
            (step, name, kept), = db.execute("SELECT step, name, json FROM results WHERE kind='spectrum'").fetchall()
        self.assertEqual((step, name, json.loads(kept)), (3, "hessian", o))
        weight = [l for l in o["layers"] if l["name"] == "layer1.weight"][0]
        self.assertAlmostEqual(weight["top"], 1, delta=1e-9)

    def test_other_curvatures(self):
        self.train()
        h = self.ok("spectrum", "r", "--top", "2", "--bottom", "1", "--json", "--quiet")
        g = self.ok("spectrum", "r", "--top", "2", "--bottom", "1", "--of", "gauss-newton", "--json", "--quiet")
        f = self.ok("spectrum", "r", "--top", "2", "--bottom", "1", "--of", "fisher", "--rows", "48", "--json", "--quiet")
        self.assertEqual([h["of"], g["of"], f["of"]], ["hessian", "gauss-newton", "fisher"])
        for a, b in zip(h["top"] + h["bottom"], g["top"] + g["bottom"]):  # a linear model
            self.assertAlmostEqual(a["value"], b["value"], delta=1e-12)
        self.assertGreater(f["top"][0]["value"], 0)
        self.assertGreaterEqual(f["bottom"][0]["value"], -1e-12)
        self.assertNotAlmostEqual(f["top"][0]["value"], 4, delta=1e-3)
        self.assertIn("Fisher", self.ok("spectrum", "r", "--of", "fisher", "--quiet"))
        self.refused(2, ["--of"], "spectrum", "r", "--of", "kfac")

    def test_a_sample_of_the_rows(self):
        self.train()
        o = self.ok("spectrum", "r", "--top", "1", "--bottom", "1", "--rows", "48", "--json", "--quiet")
        self.assertEqual(o["rows"], 48)
        self.assertIsNone(o["trace"])
        self.assertIsNone(o["density"])
        self.assertGreater(o["resolution"], 1e-9)  # what other rows would have made of it
        # "none" is never said of a sample: it grew to all rows
        self.assertEqual((o["sign"]["negative"], o["sign"]["rows"]), (False, 64))

    def test_the_sign_and_the_index(self):
        self.train()
        o = self.ok("spectrum", "r", "--index", "--confidence", "0.99", "--block", "2", "--json", "--quiet")
        self.assertEqual((o["sign"]["negative"], o["sign"]["needs"], o["sign"]["confidence"]), (False, None, 0.99))
        self.assertEqual(o["index"], {"negative": 0, "error": 0, "method": "factorisation"})
        text = self.ok("spectrum", "r", "--index", "--quiet")
        self.assertIn("no negative curvature", text)
        self.assertIn("3 positive", text)
        self.refused(2, ["--confidence"], "spectrum", "r", "--confidence", "1")

    def test_a_saddle_is_proved_and_placed(self):
        # two linear layers, all weights zero: the Hessian is [[0, -s], [-s, 0]], with s the covariance of a and y
        lines = ["%g,%g" % (a, 3 * a) for a in (-1, 1, -2, 2)]
        self.write("s.csv", "a,y\n" + "\n".join(lines) + "\n")
        self.ok("train", "s.csv", "--target", "y", "--model", "mlp:1:linear", "--init", "zero", "--test-fraction", "0",
                "--no-standardize", "--steps", "1", "--run", "s", "--quiet")
        o = self.ok("spectrum", "s", "--top", "1", "--bottom", "1", "--by-layer", "--index", "--json", "--quiet")
        self.assertAlmostEqual(o["bottom"][0]["value"], -7.5, delta=1e-9)
        self.assertIs(o["sign"]["negative"], True)
        self.assertEqual(o["index"]["negative"], 1)
        shares = {l["name"]: l["bottom"] for l in o["layers"]}
        self.assertAlmostEqual(shares["layer1.weight"], 0.5, delta=1e-9)
        self.assertAlmostEqual(shares["layer2.weight"], 0.5, delta=1e-9)
        self.assertIn("proved", self.ok("spectrum", "s", "--quiet"))

    def test_text_and_refusals(self):
        self.train()
        self.assertIn("largest", self.ok("spectrum", "r", "--quiet"))
        self.refused(2, ["--rows"], "spectrum", "r", "--rows", "many")
        self.refused(2, ["--top"], "spectrum", "r", "--top", "0", "--bottom", "0")
        status, _, err = self.run_unstuck("spectrum", "nowhere")
        self.assertNotEqual(status, 0)
        self.assertIn("nowhere", err)


if __name__ == "__main__":
    main()
