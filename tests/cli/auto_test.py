"""train --unstick auto: XOR starts that end stuck are solved; what nothing helps stays as it was; Ctrl-C leaves a run."""
import json, os, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, UNSTUCK, main

XOR = "a,b,y\n0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n"
NET = ["--model", "mlp:2:sigmoid", "--task", "classification", "--target", "y", "--no-standardize", "--test-fraction", "0",
       "--optimizer", "sgd", "--lr", "1", "--batch", "full", "--precision", "f64", "--init", "normal:1", "--quiet"]


class Auto(Case):
    def test_stuck_xor_is_solved(self):
        self.write("xor.csv", XOR)
        stuck = 0
        for seed in range(1, 21):
            o = self.ok("train", "xor.csv", *NET, "--steps", "3000", "--seed", str(seed), "--run", "r%d" % seed, "--json")
            if o["loss"]["last"] < 0.1: continue
            stuck += 1
            a = self.ok("train", "xor.csv", *NET, "--steps", "3000", "--seed", str(seed), "--run", "a%d" % seed, "--unstick",
                        "auto", "--json")
            self.assertEqual(a["status"], "finished")
            self.assertLess(a["loss"]["last"], 0.1, "seed %d" % seed)
            taken = [e["text"] for e in a["events"] if e["kind"] == "remedy"]
            self.assertTrue(taken and taken[0].split(":")[0] in ("recycle", "restart", "escape"), taken)
            self.assertIn("helped", [e["text"] for e in a["events"] if e["kind"] == "unstick"][0])
            self.assertGreater(a["steps"], 3000)
            again = self.ok("unstick", "r%d" % seed, "--json", "--quiet", "--rounds", "2", "--seconds", "10")
            self.assertLess(again["loss_after"], 0.1)
            self.assertTrue(1 <= len(again["rounds"]) <= 2)
            self.assertEqual(again["rounds"][-1]["loss_after"], again["loss_after"])
        self.assertGreater(stuck, 0)

    def test_nothing_is_lost(self):
        # conflicting rows: the floor is reached, and nothing helps
        self.write("f.csv", "x,y\n" + "0,0\n0,1\n1,1\n1,3\n" * 5)
        plain = ["--target", "y", "--test-fraction", "0", "--optimizer", "sgd", "--lr", "0.5", "--batch", "full", "--steps",
                 "500", "--json", "--quiet"]
        a = self.ok("train", "f.csv", *plain, "--run", "a")
        b = self.ok("train", "f.csv", *plain, "--run", "b", "--unstick", "auto")
        self.assertEqual(a["loss"]["last"], b["loss"]["last"])
        self.assertEqual(a["steps"], b["steps"])
        self.assertIn("nothing", [e["text"] for e in b["events"] if e["kind"] == "unstick"][0])
        o = self.ok("unstick", "b", "--json", "--quiet")
        self.assertIsNone(o["remedy"])
        self.assertEqual(o["rounds"], [])
        self.assertEqual(o["loss_before"], o["loss_after"])

    def test_divergence_is_mended(self):
        self.write("d.csv", "x,y\n" + "".join("%g,%g\n" % (i / 10, i / 5) for i in range(-20, 20)))
        arguments = ["train", "d.csv", "--target", "y", "--optimizer", "sgd", "--lr", "50", "--batch", "full", "--steps", "2000",
                     "--json", "--quiet"]
        self.assertEqual(self.run_unstuck(*arguments, "--run", "a")[0], 4)
        # it ends within a few steps, and remedies are tried for as many as it was to do; where numbers end is told
        u = self.ok("unstick", "a", "--json", "--quiet", "--rounds", "1")
        self.assertEqual(u["verdict"]["verdict"], "diverged")
        self.assertTrue(u["rounds"] and u["rounds"][0]["steps"] == 2000, u["rounds"])
        first = u["verdict"]["first_not_finite"]
        self.assertTrue(first["step"] > 1 and first["operation"], first)

    def test_columns_are_named(self):
        rows = [(1000 * ((7 * i) % 41 - 20), ((5 * i) % 37 - 18) / 1000, 5e4 + (3 * i) % 29) for i in range(150)]
        self.write("c.csv", "wide,narrow,far,y\n" + "".join("%g,%g,%g,%g\n" % (a, b, c, a / 1000 + 1000 * b + (c - 5e4) / 10) for a, b, c in rows))
        arguments = ["train", "c.csv", "--target", "y", "--task", "regression", "--optimizer", "sgd", "--lr", "5e-10", "--batch", "full", "--steps", "3000", "--quiet"]
        self.ok(*arguments, "--run", "raw", "--no-standardize")
        d = self.ok("diagnose", "raw", "--json", "--quiet", "--no-remedies")
        self.assertEqual([d["columns"][k]["name"] for k in ("widest", "narrowest", "farthest")], ["wide", "narrow", "far"])
        self.assertGreater(d["columns"]["ratio"], 1e5)
        self.assertIn("wide has a deviation of", self.ok("diagnose", "raw", "--quiet", "--no-remedies"))
        self.ok(*arguments, "--run", "alike")
        self.assertIsNone(self.ok("diagnose", "alike", "--json", "--quiet", "--no-remedies")["columns"])

    def test_divergence_is_mended_on_the_way(self):
        self.write("d.csv", "x,y\n" + "".join("%g,%g\n" % (i / 10, i / 5) for i in range(-20, 20)))
        arguments = ["train", "d.csv", "--target", "y", "--optimizer", "sgd", "--lr", "50", "--batch", "full", "--steps", "2000",
                     "--json", "--quiet"]
        o = self.ok(*arguments, "--run", "b", "--unstick", "auto")
        self.assertEqual(o["status"], "finished")
        self.assertLess(o["loss"]["last"], o["loss"]["first"])

    def test_interrupt_leaves_a_run(self):
        self.write("xor.csv", XOR)
        p = subprocess.Popen([UNSTUCK, "train", "xor.csv", *NET, "--steps", "3000", "--seed", "2", "--run", "r", "--unstick",
                              "auto", "--unstick-share", "100000"], cwd=self.folder, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        until = time.time() + 60
        while p.poll() is None and time.time() < until:  # till the training itself is done
            if os.path.exists(self.path("r/model.safetensors")) and '"finished"' in self.run_unstuck("runs", ".", "--json")[1]: break
            time.sleep(0.05)
        p.send_signal(signal.SIGINT)
        self.assertIn(p.wait(60), (0, 130))
        o = self.ok("diagnose", "r", "--no-remedies", "--json", "--quiet")
        self.assertGreaterEqual(json.loads(self.run_unstuck("runs", ".", "--json")[1])["runs"][0]["steps"], 3000)
        self.assertLess(o["loss"], 0.9)


main()
