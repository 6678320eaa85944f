"""unstuck critical RUN: from where a run stands to the nearest critical point of its loss."""
import json, os, struct, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main


class CriticalRun(Case):
    def train(self, *options):
        # y = a + 2b on all signs of a and b, as often: a linear network's saddle at zero has the loss E[y^2]/2 = 2.5
        lines = ["%g,%g,%g" % (a, b, a + 2 * b) for _ in range(16) for a in (1, -1) for b in (1, -1)]
        self.write("p.csv", "a,b,y\n" + "\n".join(lines) + "\n")
        self.ok("train", "p.csv", "--target", "y", "--test-fraction", "0", "--no-standardize", "--model", "mlp:2:linear",
                "--lr", "1e-6", "--steps", "3", "--precision", "f64", "--run", "r", "--json", "--quiet", *options)

    def test_beside_a_saddle(self):
        self.train("--init", "normal:0.02")
        o = self.ok("critical", "r", "--save", "saddle.safetensors", "--json", "--quiet")
        self.assertEqual((o["end"], o["parameters"], o["rows"]), ("critical", 9, 64))
        p = o["points"][0]
        self.assertEqual(p["kind"], "saddle")
        self.assertAlmostEqual(p["value"], 2.5, delta=1e-12)
        self.assertLess(p["gradient_norm"], 1e-10)
        # the Hessian at zero: +-|E[y(a,b)]| = +-sqrt(5) for each hidden unit, 1 for the output's bias, zeros
        s = p["spectrum"]
        self.assertEqual((s["negative"], s["positive"], s["method"]), (2, 3, "dense"))
        self.assertAlmostEqual(s["min"], -5 ** 0.5, delta=1e-8)
        self.assertTrue(0 < p["distance"] < 0.2)
        self.assertLess(o["products"], 100)
        self.assertAlmostEqual(sum(l["share"] for l in p["escape_layers"]), 1, delta=1e-9)
        with open(self.path("saddle.safetensors"), "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        self.assertEqual(header["layer1.weight"]["shape"], [2, 2])

    def test_text_limits_and_refusals(self):
        self.train("--init", "normal:0.02")
        self.assertIn("saddle", self.ok("critical", "r", "--quiet"))
        o = self.ok("critical", "r", "--products", "1", "--json", "--quiet")
        self.assertEqual((o["end"], o["products"]), ("limit", 1))
        self.assertEqual(self.ok("critical", "r", "--reach", "1e-6", "--json", "--quiet")["end"], "limit")
        self.refused(2, ["--at", "--box", "run"], "critical", "x^2")
        os.makedirs(self.path("empty"))
        status, _, err = self.run_unstuck("critical", "empty")
        self.assertNotEqual(status, 0)
        self.assertIn("empty", err)


if __name__ == "__main__":
    main()
