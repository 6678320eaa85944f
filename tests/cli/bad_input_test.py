"""Bad input: one clear line, the right exit status, nothing lost."""
import gzip, os, struct, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main

GOOD = "a,b,y\n" + "".join("%d,%d,%d\n" % (i, (i * i) % 7, 2 * i + 1) for i in range(20))


class Usage(Case):
    def test_unknown_command_suggests(self):
        self.refused(2, ["no command 'trian'", "train"], "trian")

    def test_unknown_option_suggests(self):
        self.refused(2, ["--optimiser", "--optimizer"], "train", self.write("a.csv", GOOD), "--optimiser", "adam")

    def test_unknown_optimizer_suggests(self):
        self.refused(2, ["'adma'", "adam"], "train", self.write("a.csv", GOOD), "--optimizer", "adma")
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.csv"] if not os.path.isdir(self.path("runs")) else sorted(["a.csv", "runs"]))

    def test_values_out_of_range(self):
        self.write("a.csv", GOOD)
        for arguments, words in [
            (["--lr", "-0.1"], ["--lr", "-0.1"]),
            (["--lr", "0"], ["--lr"]),
            (["--lr", "nan"], ["--lr"]),
            (["--lr", "fast"], ["--lr", "fast"]),
            (["--batch", "0"], ["--batch"]),
            (["--batch", "1.5"], ["--batch"]),
            (["--batch", "1000"], ["--batch", "1000"]),
            (["--epochs", "-1"], ["--epochs"]),
            (["--precision", "f16"], ["--precision", "f32|f64"]),
            (["--test-fraction", "1"], ["--test-fraction"]),
            (["--optimizer", "adam", "--set", "beta1=2"], ["beta1"]),
            (["--optimizer", "adam", "--set", "beta9=0.5"], ["beta9"]),
            (["--schedule", "sometimes"], ["sometimes"]),
            (["--lr"], ["--lr"]),
        ]:
            with self.subTest(arguments=arguments):
                self.refused(2, words, "train", "a.csv", "--run", "r", *arguments)
                self.assertFalse(os.path.exists(self.path("r")))

    def test_no_data(self):
        self.refused(2, ["DATA"], "train")


class Data(Case):
    def test_files_that_are_none(self):
        os.mkdir(self.path("folder"))
        self.write("empty.csv", "")
        self.write("header.csv", "a,b,y\n")
        for name, words in [("missing.csv", ["missing.csv"]), ("folder", ["folder", "directory"]), ("empty.csv", ["empty.csv"]),
                            ("header.csv", ["header.csv"])]:
            with self.subTest(name=name):
                self.refused(3, words, "train", name, "--run", "r")
                self.assertFalse(os.path.exists(self.path("r")))

    def test_targets(self):
        self.write("a.csv", GOOD)
        self.refused(3, ['"z"'], "train", "a.csv", "--target", "z", "--run", "r")
        self.write("text.csv", "a,y\n1,2\n2,three\n3,4\n")
        self.refused(3, ["text.csv", "three", "3"], "train", "text.csv", "--task", "regression", "--run", "r")
        self.write("one.csv", "a,y\n" + "".join("%d,yes\n" % i for i in range(9)))
        self.refused(3, ["class"], "train", "one.csv", "--run", "r")

    def test_features(self):
        self.write("inf.csv", "a,y\n1,2\n2,3\ninf,4\n4,5\n")
        status, out, err = self.run_unstuck("train", "inf.csv", "--run", "r")
        self.assertIn(status, (0, 3))
        if status == 3:
            self.assertIn("inf.csv", err)
        self.write("many.csv", "a,y\n" + "".join("name%d,%d\n" % (i, i) for i in range(150)))
        self.refused(3, ["\"a\"", "categories", "--drop"], "train", "many.csv", "--run", "r2")

    def test_ragged(self):
        self.write("ragged.csv", "a,b,y\n1,2,3\n4,5\n6,7,8\n")
        self.refused(3, ["ragged.csv:3"], "train", "ragged.csv", "--run", "r")

    def test_idx(self):
        image = struct.pack(">IIII", 0x803, 10, 2, 2) + bytes(range(40))
        with gzip.open(self.path("train-images-idx3-ubyte.gz"), "wb") as f:
            f.write(image)
        self.refused(3, ["labels"], "train", "train-images-idx3-ubyte.gz", "--run", "r")
        with gzip.open(self.path("train-labels-idx1-ubyte.gz"), "wb") as f:
            f.write(struct.pack(">II", 0x801, 9) + bytes(9))
        self.refused(3, ["9", "10"], "train", "train-images-idx3-ubyte.gz", "--run", "r")
        with open(self.path("short-images-idx3-ubyte"), "wb") as f:
            f.write(image[:30])
        self.refused(3, ["short-images-idx3-ubyte"], "train", "short-images-idx3-ubyte", "--run", "r")


class Runs(Case):
    def make(self, *more):
        self.write("a.csv", GOOD)
        return self.ok("train", "a.csv", "--run", "r", "--steps", "20", "--json", "--quiet", *more)

    def test_folder_is_there(self):
        self.make()
        before = sorted(os.listdir(self.path("r")))
        self.refused(2, ["r"], "train", "a.csv", "--run", "r")
        self.assertEqual(sorted(os.listdir(self.path("r"))), before)

    def test_not_a_run(self):
        os.mkdir(self.path("q"))
        for command in ("diagnose", "unstick"):
            status, out, err = self.run_unstuck(command, "q")
            self.assertIn(status, (1, 3))
            self.assertEqual(err.count("\n"), 1)
            self.assertEqual(os.listdir(self.path("q")), [])

    def test_damaged_checkpoint(self):
        self.make()
        path = self.path("r/checkpoint.safetensors")
        with open(path, "rb") as f:
            whole = f.read()
        for damaged in (whole[: len(whole) // 2], whole[:5], b"", b"\xff" * len(whole)):
            with open(path, "wb") as f:
                f.write(damaged)
            self.refused(3, ["checkpoint.safetensors"], "diagnose", "r", "--quiet")
            self.assertEqual(open(path, "rb").read(), damaged)

    def test_start_with_wrong_names(self):
        self.make("--model", "mlp:3")
        os.rename(self.path("r/model.safetensors"), self.path("w.safetensors"))
        self.refused(3, ["layer"], "train", "a.csv", "--model", "mlp:4", "--start", "w.safetensors", "--run", "s", "--quiet")
        self.assertFalse(os.path.exists(self.path("s")))

    def test_changed_data(self):
        self.make()
        self.write("a.csv", GOOD + "1,2,3\n")
        self.refused(3, ["a.csv"], "diagnose", "r", "--quiet")


class Formulas(Case):
    def test_the_place_is_shown(self):
        for formula, column in [("x^2+", 4), ("2x", 1), ("sine(x)", 0), ("(x+1", 4), ("x+)", 2), ("", 0)]:
            with self.subTest(formula=formula):
                status, out, err = self.run_unstuck("critical", formula, "--at", "x=0")
                self.assertEqual(status, 3, err)
                self.assertEqual(out, "")
                if formula:
                    lines = err.rstrip("\n").split("\n")
                    self.assertTrue(lines[-1].strip() == "^", err)

    def test_assignments(self):
        self.refused(2, ["y"], "critical", "x^2+y^2", "--at", "x=0")
        self.refused(2, ["z"], "critical", "x^2", "--at", "x=0,z=1")
        self.refused(2, ["x"], "critical", "x^2", "--at", "x=zero")
        self.refused(2, ["empty"], "critical", "x^2", "--box", "x=1:-1")
        self.refused(2, ["--at", "--box"], "critical", "x^2")
        self.refused(2, ["--start"], "minimize", "x^2")


if __name__ == "__main__":
    main()
