"""train --find-lr: the curve and a suggestion that trains, and no run; --lr auto with rules that find their rate."""
import os, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main

ROWS = "a,b,y\n" + "".join("%g,%g,%g\n" % (i % 17, i * i % 23, 2 * (i % 17) - (i * i % 23) + 0.1 * (i % 5)) for i in range(400))


class FindLr(Case):
    def test_the_suggestion_trains(self):
        self.write("d.csv", ROWS)
        for rule in "sgd", "adam":
            o = self.ok("train", "d.csv", "--optimizer", rule, "--find-lr", "--json")
            self.assertNotIn("runs", os.listdir(self.folder))
            self.assertIsNone(o["run"])
            self.assertEqual(o["optimizer"], rule)
            self.assertEqual(o["steps"], len(o["curve"]))
            self.assertEqual([p["lr"] for p in o["curve"]], sorted(p["lr"] for p in o["curve"]))
            self.assertLessEqual(o["suggestion"], min(o["steepest"], o["lowest"] / 10) * (1 + 1e-12))
            t = self.ok("train", "d.csv", "--optimizer", rule, "--lr", str(o["suggestion"]), "--epochs", "20", "--json", "--run",
                        "run-" + rule, "--quiet")
            self.assertLess(t["loss"]["last"], 0.1 * t["loss"]["first"])
            self.assertEqual(o, self.ok("train", "d.csv", "--optimizer", rule, "--find-lr", "--json"))  # again the same

    def test_the_plot(self):
        self.write("d.csv", ROWS)
        text = self.ok("train", "d.csv", "--optimizer", "sgd", "--find-lr", "--steps", "50")
        self.assertIn("suggestion (S): --lr ", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        self.assertTrue(text.isascii())  # no terminal

    def test_what_cannot_be_is_told(self):
        self.write("d.csv", ROWS)
        self.refused(2, ["--lr"], "train", "d.csv", "--find-lr", "--lr", "1")
        self.refused(2, ["prodigy", "--lr at 1"], "train", "d.csv", "--find-lr", "--optimizer", "prodigy")
        self.refused(2, ["l-bfgs", "no learning rate"], "train", "d.csv", "--find-lr", "--optimizer", "l-bfgs")
        self.refused(2, ["--resume"], "train", "--resume", "x", "--find-lr")

    def test_auto_leaves_rules_alone_that_find_their_rate(self):
        self.write("d.csv", ROWS)
        for rule in "prodigy", "dadapt-adam", "dog":
            o = self.ok("train", "d.csv", "--optimizer", rule, "--lr", "auto", "--epochs", "2", "--json", "--quiet", "--run", rule)
            self.assertEqual(o["optimizer"]["lr"], 1)
            self.assertIn("finds its rate itself", o["events"][0]["text"])
        self.refused(2, ["--lr", "l-bfgs"], "train", "d.csv", "--optimizer", "l-bfgs", "--lr", "auto")


if __name__ == "__main__":
    main()
