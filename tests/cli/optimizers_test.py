"""unstuck optimizers: the docs are what the program prints; one rule with formula, LaTeX, settings, source; what is mistyped."""
import json, os, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import ROOT, Case, main


class Optimizers(Case):
    def test_docs_are_what_the_program_prints(self):
        printed = self.ok("optimizers", "--markdown")
        for name in "optimizers.md", "optimizers.zh-CN.md":
            with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
                self.assertTrue(f.read().endswith("\n\n" + printed), name + ": print it anew with unstuck optimizers --markdown")

    def test_the_example_of_a_rule_is_the_rule(self):
        with open(os.path.join(ROOT, "docs", "adding-a-rule.md"), encoding="utf-8") as f:
            diff = f.read().split("+++ b/src/descend/rules/dog.c\n")[1].split("\ndiff --git")[0].splitlines()[1:]
        with open(os.path.join(ROOT, "src", "descend", "rules", "dog.c"), encoding="utf-8") as f:
            self.assertEqual(["+" + line for line in f.read().splitlines()], diff)

    def test_each_is_shown(self):
        rules = self.ok("optimizers", "--json")["optimizers"]
        table = self.ok("optimizers").splitlines()
        self.assertGreaterEqual(len(rules), 34)
        for i, rule in enumerate(rules):
            self.assertEqual(table[i + 1].split()[0], rule["name"])
            text = self.ok("optimizers", rule["name"])
            for part in rule["latex"], rule["source"], rule["advice"], *rule["formula"].splitlines():
                self.assertIn(part, text)
            for setting in rule["hyperparameters"]:
                self.assertIn("--set %s=" % setting["name"], text)

    def test_each_solver_is_shown(self):
        solvers = self.ok("optimizers", "--json")["solvers"]
        table = self.ok("optimizers")
        self.assertGreaterEqual(len(solvers), 10)
        for solver in solvers:
            self.assertIn("\n%s " % solver["name"], table)
            text = self.ok("optimizers", solver["name"])
            for part in solver["latex"], solver["settings"], solver["source"], solver["advice"], *solver["formula"].splitlines():
                self.assertIn(part, text)
            self.assertEqual([solver], self.ok("optimizers", solver["name"], "--json")["solvers"])

    def test_minimize_by_each(self):
        for solver in self.ok("optimizers", "--json")["solvers"]:
            name = solver["name"]
            if solver["squares"]:
                self.assertIn("sums of squares", self.refused(2, [name], "minimize", "x^2", "--start", "x=1", "--solver", name))
                continue
            found = self.ok("minimize", "(x-2)^2+cosh(y-1)", "--start", "x=5,y=-1", "--solver", name, "--json")
            self.assertEqual((found["kind"], found["solver"], found["converged"]), ("minimum", name, True))
            self.assertAlmostEqual(found["at"]["x"], 2, 6)
            self.assertAlmostEqual(found["at"]["y"], 1, 6)
            code, out, _ = self.run_unstuck("minimize", "x^2/2-y^2/2+y^4/4", "--start", "x=1,y=0", "--solver", name, "--json")
            found = json.loads(out)
            self.assertEqual(code, 0 if found["kind"] == "minimum" else 1)
            self.assertEqual(found["converged"], code == 0)
            self.assertIn(found["kind"], ("minimum", "saddle"))
        self.assertIn("did you mean 'l-bfgs'", self.refused(2, [], "minimize", "x^2", "--start", "x=1", "--solver", "lbfgs"))


if __name__ == "__main__":
    main()
