"""A text: train, resume, predict, go on with a prompt; on a text that the test makes and on a real one."""
import csv, io, math, os, random, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main

MODEL = "embed 16, attention 2, feed-forward 32"


def rhyme(n=2000, seed=1):
    """Words of three letters, where the first letter decides the other two. The stride of rows is odd, as words of four signs
    would otherwise always begin at the same positions."""
    r = random.Random(seed)
    return "\u00e9\n" + "".join(r.choice(["abc", "bca", "caa"]) + " " for _ in range(n))


class Text(Case):
    def test_the_road(self):
        self.write("rhyme.txt", rhyme())
        o = self.ok("train", "rhyme.txt", "--model", MODEL, "--context", "16", "--stride", "5", "--epochs", "8", "--lr", "0.01",
                    "--run", "r", "--json", "--quiet")
        self.assertEqual(o["status"], "finished")
        self.assertEqual(o["metric"]["name"], "accuracy")
        # a word's first letter is one of three, the other three characters are known: ln 3 / 4 nats a character, at best
        self.assertLess(o["loss"]["test"], 0.45)
        self.assertGreater(o["loss"]["test"], math.log(3) / 4 - 0.05)
        self.assertGreater(o["metric"]["test"], 0.75)
        said = self.ok("predict", "r", "--prompt", "abc b", "--length", "40", "--temperature", "0.5", "--seed", "3")
        self.assertEqual(len(said), 46)
        self.assertTrue(said.startswith("abc b"))
        words = said[:-1].split(" ")[:-1]
        self.assertGreater(sum(w in ("abc", "bca", "caa") for w in words), len(words) - 2, said)
        self.assertEqual(said, self.ok("predict", "r", "--prompt", "abc b", "--length", "40", "--temperature", "0.5", "--seed",
                                       "3"))
        self.assertNotEqual(said, self.ok("predict", "r", "--prompt", "abc b", "--length", "40", "--seed", "4"))
        self.assertTrue(self.ok("predict", "r", "--prompt", "ca", "--length", "3", "--temperature", "0").startswith("caa "))
        # a line for each character of a file: what follows it
        self.write("new.txt", "abc bca caa abc bca b")
        rows = list(csv.DictReader(io.StringIO(self.ok("predict", "r", "new.txt"))))
        self.assertEqual(len(rows), 21)
        self.assertEqual([rows[i]["next"] for i in (4, 5, 6, 8, 9, 20)], ["c", "a", " ", "a", "a", "c"])
        for row in rows:
            self.assertAlmostEqual(sum(float(row[k]) for k in row if k.startswith("p_")), 1, places=5)
        # what is not in the text, or no text
        self.refused(3, ["the prompt:1:2", '"x"'], "predict", "r", "--prompt", "ax")
        self.refused(2, ["--prompt"], "predict", "r", "--prompt", "")
        self.write("t.csv", "a,b\n1,2\n2,3\n3,5\n4,6\n5,9\n")
        self.ok("train", "t.csv", "--steps", "2", "--batch", "2", "--run", "table", "--quiet")
        self.refused(2, ["not of a text"], "predict", "table", "--prompt", "a")
        self.refused(2, ["--prompt"], "predict", "r")

    def test_resumed_bits_are_the_same(self):
        self.write("rhyme.txt", rhyme())
        common = ["--model", MODEL, "--context", "8", "--quiet", "--lr", "0.01"]
        self.ok("train", "rhyme.txt", *common, "--steps", "60", "--run", "whole")
        self.ok("train", "rhyme.txt", *common, "--steps", "20", "--run", "parts")
        self.ok("train", "--resume", "parts", "--steps", "40", "--quiet")
        with open(self.path("whole/model.safetensors"), "rb") as a, open(self.path("parts/model.safetensors"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.write("rhyme.txt", rhyme(seed=2))
        self.refused(3, ["not the file that was trained on"], "train", "--resume", "parts", "--steps", "4", "--quiet")

    def test_rows_that_begin_anywhere_cost_no_more(self):
        self.write("rhyme.txt", rhyme())
        o = self.ok("train", "rhyme.txt", "--model", "embed 8, attention 1, feed-forward 8", "--context", "16", "--stride", "1",
                    "--steps", "60", "--lr", "0.01", "--run", "r", "--json", "--quiet")
        # 8,002 characters, 800 for testing: rows begin at 7,202 - 16; 65,536 and 4,096 characters stand for all
        self.assertEqual(o["samples"], 7186)
        self.assertEqual(o["loss"]["rows"], 65536 // 16)
        self.assertAlmostEqual(o["metrics"]["train"]["bits"], o["loss"]["last"] / math.log(2), places=4)
        self.assertAlmostEqual(o["metrics"]["test"]["bits"], o["loss"]["test"] / math.log(2), places=4)
        v = self.ok("diagnose", "r", "--no-remedies", "--dense-limit", "100", "--json", "--quiet")
        self.assertEqual((v["rows"], v["samples"]), (4096 // 16, 7186))
        self.assertIn("(a sample of the training rows)",
                      self.ok("diagnose", "r", "--no-remedies", "--dense-limit", "100", "--rows", "32", "--quiet"))
        s = self.ok("spectrum", "r", "--top", "1", "--bottom", "1", "--products", "60", "--json", "--quiet")
        self.assertEqual(s["rows"], 4096 // 16)
        self.refused(2, ["--rows"], "diagnose", "r", "--rows", "some")

    def test_bad_input(self):
        self.write("bad.txt", "one two\nthree fo\u00e9ur".encode("latin-1") * 100)
        self.refused(3, ["bad.txt:2:9", "0xE9"], "train", "bad.txt", "--model", MODEL, "--run", "r", "--quiet")
        self.write("short.txt", "to be or not to be")
        self.refused(3, ["--context"], "train", "short.txt", "--model", MODEL, "--run", "r", "--quiet")
        self.write("rhyme.txt", rhyme())
        status, out, err = self.run_unstuck("train", "rhyme.txt", "--model", "mlp:8", "--run", "r", "--quiet")
        self.assertEqual(status, 3, err)
        self.assertIn("embed", err)
        status, out, err = self.run_unstuck("train", "rhyme.txt", "--run", "r", "--quiet")
        self.assertNotEqual(status, 0)
        self.assertIn("embed", err)

    def test_tiny_shakespeare(self):
        path = self.shared("data/tiny-shakespeare/input.txt")
        with open(path) as f:
            self.write("part.txt", f.read(40000))
        o = self.ok("train", "part.txt", "--model", MODEL, "--context", "32", "--epochs", "6", "--batch", "16", "--lr", "0.005",
                    "--run", "r", "--json", "--quiet")
        self.assertLess(o["loss"]["test"], 2.9)  # the best constant has 3.3
        self.assertTrue(self.ok("predict", "r", "--prompt", "All:", "--length", "30").startswith("All:"))


if __name__ == "__main__":
    main()
