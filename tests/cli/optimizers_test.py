"""unstuck optimizers: the docs are what the program prints; one rule with formula, LaTeX, settings, source; what is mistyped."""
import os, sys
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


if __name__ == "__main__":
    main()
