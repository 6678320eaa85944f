"""Races: a grid on one problem, ranked; early stopping; interruption; the arms as ordinary runs."""
import json, os, random, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, UNSTUCK, main


def plane(n=120):
    r = random.Random(3)
    rows = [(r.gauss(0, 1), r.gauss(0, 1)) for _ in range(n)]
    return "a,b,y\n" + "".join("%.6f,%.6f,%.6f\n" % (a, b, 3 * a - b + r.gauss(0, 0.1)) for a, b in rows)


class Race(Case):
    def test_a_grid_is_ranked_the_same_on_any_threads(self):
        self.write("p.csv", plane())
        grid = ["race", "p.csv", "--optimizer", "sgd,momentum", "--lr", "0.01,0.1,1e9", "--batch", "1,full", "--epochs", "20",
                "--seeds", "3", "--json", "--quiet"]
        a, b = self.ok(*grid, "--threads", "1"), self.ok(*grid, "--threads", "3")
        self.assertEqual(a["race"], "races/p-1")
        self.assertEqual(b["race"], "races/p-2")
        self.assertEqual(len(a["arms"]), 36)
        for by in "steps", "samples":
            self.assertEqual(a["ranking"][by], b["ranking"][by])
            places = a["ranking"][by]["places"]
            self.assertEqual([p["diverged"] for p in places], [0] * 8 + [3] * 4)
            self.assertTrue(all(p["lr"] == 1e9 and p["median"] is None for p in places[8:]))
            losses = [p["median"] for p in places[:8]]
            self.assertEqual(losses, sorted(losses))
            self.assertTrue(all(p["least"] <= p["median"] <= p["most"] for p in places[:8]))
        self.assertEqual(a["ranking"]["steps"]["at"], 20)
        self.assertEqual(a["ranking"]["samples"]["at"], 20 * 96)
        # In equal samples batch 1 makes 96 times the steps: with the small rate it is far ahead.
        small = {p["batch"]: p["median"] for p in a["ranking"]["samples"]["places"] if (p["optimizer"], p["lr"]) == ("sgd", 0.01)}
        self.assertLess(small[1], small["full"] / 2)
        with open(self.path("races/p-1/race.json")) as f:
            self.assertEqual(json.load(f), a)

        listed = self.ok("runs", "races/p-1", "--json")["runs"]
        self.assertEqual(len(listed), 36)
        self.assertEqual({r["status"] for r in listed}, {"finished", "diverged"})
        arm = next(x for x in a["arms"] if x["name"] == "sgd-lr0.1-bfull-s1")
        self.assertIn("verdict", self.ok("diagnose", arm["run"], "--json", "--quiet", "--no-remedies"))

    def test_real_data_and_talk(self):
        iris = self.shared("data/iris/iris.data")
        out = self.ok("race", iris, "--optimizer", "sgd", "--lr", "0.1,1000", "--batch", "1,32,full", "--epochs", "5")
        for words in "in equal steps: 5 each", "in equal samples: 600 each", "in equal time", "above its start":
            self.assertIn(words, out)

    def test_quiet(self):
        self.write("p.csv", plane())
        status, out, err = self.run_unstuck("race", "p.csv", "--lr", "0.1", "--batch", "1,full", "--epochs", "5", "--quiet")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("in equal samples: 480 each", out)  # the ranking is the result, and no message
        # 96 rows of 120 are trained on: so many steps an epoch, by batch
        samples = out[out.index("an epoch: steps, time"):out.index("in equal time")].splitlines()[1:3]
        epochs = {line.split()[3]: line.split()[5:8] for line in samples}
        self.assertEqual({batch: int(epoch[0]) for batch, epoch in epochs.items()}, {"1": 96, "full": 1})
        self.assertTrue(all(float(epoch[1]) > 0 and epoch[2] in ("ms", "s") for epoch in epochs.values()))

    def test_halving(self):
        self.write("p.csv", plane())
        o = self.ok("race", "p.csv", "--lr", "1e-4,1e-3,1e-2,1e-1", "--steps", "64", "--halving", "--json", "--quiet")
        self.assertEqual(sorted((x["status"], x["steps"]) for x in o["arms"]),
                         [("finished", 64), ("stopped", 16), ("stopped", 16), ("stopped", 32)])
        winner = o["ranking"]["steps"]["places"][0]
        self.assertEqual(winner["arms"], [x["name"] for x in o["arms"] if x["status"] == "finished"])
        stopped = next(x for x in o["arms"] if x["status"] == "stopped")
        again = self.ok("train", "--resume", stopped["run"], "--json", "--quiet")
        self.assertEqual((again["status"], again["steps"]), ("finished", 64))
        self.assertIn("stopped at step 16", self.ok("race", "p.csv", "--lr", "1e-4,1e-3,1e-2,1e-1", "--steps", "64", "--halving"))

    def test_the_winner_of_halving_is_shown_with_the_losses_of_its_ends(self):
        self.write("p.csv", plane())
        grid = ["race", "p.csv", "--lr", "1e-3,0.3", "--batch", "4", "--steps", "64", "--seeds", "2", "--halving", "--quiet"]
        ends = sorted(x["loss"] for x in self.ok(*grid, "--json")["arms"] if x["status"] == "finished")
        self.assertEqual(len(ends), 2)
        first = next(line for line in self.ok(*grid).splitlines() if line.startswith("   1 adam")).split()
        self.assertEqual(first[4:7], ["%.6g" % x for x in (sum(ends) / 2, *ends)])

    def test_seconds(self):
        self.write("p.csv", plane())
        o = self.ok("race", "p.csv", "--batch", "1,full", "--seconds", "0.2", "--json", "--quiet")
        for arm in o["arms"]:
            self.assertEqual(arm["status"], "finished")
            self.assertGreaterEqual(arm["seconds"], 0.2)
        self.assertGreaterEqual(o["ranking"]["seconds"]["at"], 0.2)
        at = o["ranking"]["steps"]["at"]
        self.assertEqual(at, 2 ** round(at).bit_length() // 2)

    def test_interrupted(self):
        self.write("p.csv", plane())
        p = subprocess.Popen([UNSTUCK, "race", "p.csv", "--lr", "1e-3,1e-2,1e-1", "--epochs", "1e7", "--json"], cwd=self.folder,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.time() + 30
        while time.time() < deadline and not os.path.exists(self.path("races/p-1/adam-lr0.01-b32/run.db")):
            time.sleep(0.05)
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        o = json.loads(out)
        self.assertEqual(o["status"], "interrupted")
        self.assertEqual({a["status"] for a in o["arms"]}, {"interrupted"})
        self.assertEqual(self.ok("runs", "races/p-1", "--json")["runs"][0]["status"], "interrupted")

    def test_refused(self):
        self.write("p.csv", plane())
        self.refused(2, ["DATA is missing"], "race")
        self.refused(2, ["--lr", "'x'"], "race", "p.csv", "--lr", "0.1,x")
        self.refused(2, ["--batch", "'0'"], "race", "p.csv", "--batch", "0")
        self.refused(2, ["--batch is 1000", "96"], "race", "p.csv", "--batch", "32,1000")
        self.refused(2, ["'adma'", "adam"], "race", "p.csv", "--optimizer", "sgd,adma")
        self.refused(2, ["--lr has 0.1 twice"], "race", "p.csv", "--lr", "0.1,1e-1")
        self.assertEqual(self.run_unstuck("race", "p.csv", "--model", "nonsense:3", "--quiet")[0], 3)
        self.refused(3, ["none.csv"], "race", "none.csv")
        self.assertEqual(os.listdir(self.path("races")), [])


if __name__ == "__main__":
    main()
