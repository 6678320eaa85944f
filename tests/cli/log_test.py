"""diagnose --log: a verdict object from a log alone, and what is said of logs that are none."""
import json, math, os, random, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main


class Log(Case):
    def test_verdict_object(self):
        r = random.Random(4)
        self.write("noisy.csv", "step,train_loss,batch_size\n" + "".join("%d,%r,32\n" % (i, 0.5 + r.gauss(0, 0.05)) for i in range(300)))
        o = self.ok("diagnose", "--log", "noisy.csv", "--json")
        self.assertEqual((o["verdict"], o["cause"], o["stuck"]), ("noisy", None, True))
        self.assertIsNone(o["spectrum"])
        self.assertEqual(o["remedies"], [])
        self.assertEqual(o["next"]["log"], "noise_scale")
        self.assertEqual(o["log"], {"file": "noisy.csv", "rows": 300, "gaps": 0, "loss": "train_loss"})
        self.assertTrue(0 < o["confidence"] <= 0.9)
        self.assertEqual({s["name"] for s in o["rests_on"]}, {"noise", "loss_slope", "fall"})
        code, out, err = self.run_unstuck("diagnose", "--log", "noisy.csv")
        self.assertEqual(code, 0)
        self.assertIn("Log next: noise_scale", out)

    def test_json_lines_that_diverge(self):
        self.write("d.jsonl", "".join('{"step": %d, "loss": %s}\n' % (i, 0.5 * 1.1 ** i if i < 60 else "NaN") for i in range(62)))
        o = self.ok("diagnose", "--log", "d.jsonl", "--json")
        self.assertEqual((o["verdict"], o["cause"]), ("diverged", "lr-above-stability"))
        self.assertEqual([s["value"] for s in o["signs"] if s["name"] == "not_finite_at"], [60])

    def test_what_is_no_log(self):
        self.write("a.csv", "a,b\n1,2\n2,3\n")
        for arguments, status, text in [(["--log", "none.csv"], 3, "none.csv"), (["--log", "a.csv"], 3, "no column of losses"),
                                        (["--log", "a.csv", "run"], 2, "one argument too many"), ([], 2, "--log FILE")]:
            code, out, err = self.run_unstuck("diagnose", *arguments)
            self.assertEqual((code, out, err.count("\n")), (status, "", 1), err)
            self.assertIn(text, err)


main()
