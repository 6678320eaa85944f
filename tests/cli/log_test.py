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


class Loops(Case):
    """Training loops as people write them: logistic regression by SGD, in plain Python, logged in each program's own way."""

    def loop(self, rate, batch, steps, seed=1, decay=1.0):
        r = random.Random(seed)
        rows = [([r.gauss(0, 1) for _ in range(6)], r.random() < 0.5) for _ in range(400)]
        rows = [([x[0] + (1.5 if y else -1.5)] + x[1:], y) for x, y in rows]
        w = [0.0] * 7
        for step in range(steps):
            picked, loss, g = r.sample(rows, batch), 0.0, [0.0] * 7
            for x, y in picked:
                z = w[6] + sum(a * b for a, b in zip(w, x))
                p = 1 / (1 + math.exp(-max(-500.0, min(500.0, z))))
                loss -= math.log(max(p if y else 1 - p, 1e-300)) / batch
                for i in range(7): g[i] += (p - y) * (x[i] if i < 6 else 1) / batch
            yield step, loss, math.sqrt(sum(v * v for v in g)), rate
            w = [a - rate * b for a, b in zip(w, g)]
            rate *= decay

    def steep(self, rate, steps):
        """Gradient descent on log cosh 5x: bounded at any rate, to and fro above 2/25."""
        x = 2.0
        for step in range(steps):
            yield step, math.log(math.cosh(5 * x)), abs(5 * math.tanh(5 * x)), rate
            x -= rate * 5 * math.tanh(5 * x)

    def judged(self, name, text):
        self.write(name, text)
        o = self.ok("diagnose", "--log", name, "--json")
        return o["verdict"], o["cause"], o["log"]

    def test_each_programs_own_format(self):
        loop = list(self.loop(0.006, 64, 300))
        dicts = [{"step": s, "loss": l, "grad_norm": g, "lr": a} for s, l, g, a in loop]
        formats = {
            # csv.DictWriter in a loop: a line a step, validation at the end of an epoch alone
            "writer.csv": "epoch,step,train_loss,val_loss,lr\n" + "".join(
                "%d,%d,%r,%s,%g\n" % (s // 50, s, l, repr(l + 0.01) if s % 50 == 49 else "", a) for s, l, g, a in loop),
            # Lightning's CSVLogger: a row a step, and one an epoch of which the columns of the steps are empty
            "metrics.csv": "epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val_loss\n" + "".join(
                "%d,,%d,,%r,\n" % (s // 50, s, l) + ("%d,,%d,%r,,%r\n" % (s // 50, s, l, l) if s % 50 == 49 else "")
                for s, l, g, a in loop),
            # Keras' CSVLogger: a row an epoch, here of five steps
            "keras.csv": "epoch,accuracy,loss,val_accuracy,val_loss\n" + "".join(
                "%d,0.9,%r,0.9,%r\n" % (i, sum(l for _, l, _, _ in loop[5 * i:5 * i + 5]) / 5, 0.5) for i in range(60)),
            # an export of Weights & Biases: quoted names with the run's before them
            "wandb.csv": '"Step","calm-sea-7 - train/loss","calm-sea-7 - train/loss__MIN"\n' + "".join(
                '"%d","%r","%r"\n' % (s, l, l) for s, l, g, a in loop),
            # json.dumps a step; a time, a message on the way
            "log.jsonl": "".join(json.dumps({**d, "time": 1.7e9 + d["step"]}) + "\n" for d in dicts) + '{"message": "done"}\n',
            # the Trainer of transformers: trainer_state.json, whose list has evaluations between
            "trainer_state.json": json.dumps({"best_metric": None, "epoch": 3.0, "log_history": [
                e for s, l, g, a in loop for e in [{"epoch": s / 100, "grad_norm": g, "learning_rate": a, "loss": l, "step": s}] +
                ([{"epoch": s / 100, "eval_loss": l, "eval_runtime": 0.1, "step": s}] if s % 100 == 99 else [])]}, indent=2),
            # json.dump of Keras' history.history, or of a dict of lists
            "columns.json": json.dumps({"loss": [l for _, l, _, _ in loop], "val_loss": [0.5] * 300, "lr": [a for _, _, _, a in loop]}),
            # the same with what else belongs to the object
            "object.json": json.dumps({"params": {"epochs": 300, "steps": 1}, "history": {"loss": [l for _, l, _, _ in loop]}}),
            # json.dump of the list of all steps
            "history.json": json.dumps(dicts),
        }
        for name, text in formats.items():
            verdict, cause, log = self.judged(name, text)
            self.assertEqual((name, verdict, cause), (name, "descending", None))
            self.assertEqual(log["rows"], 60 if name == "keras.csv" else 300, name)
        self.assertEqual(self.judged("metrics.csv", formats["metrics.csv"])[2]["gaps"], 6)
        self.assertEqual(self.judged("trainer_state.json", formats["trainer_state.json"])[2]["gaps"], 3)

    def test_what_they_show(self):
        head, line = "step,loss,grad_norm,lr\n", "%d,%r,%r,%g\n"
        for what, wanted, loop in [
                ("a rate that is far too large", ("oscillating", "lr-above-stability"), self.steep(0.3, 200)),
                ("a rate that is far too small", ("crawling", "lr-too-small"), self.loop(1e-7, 400, 200)),
                ("a rate that is gone", ("crawling", "lr-decayed"), self.loop(0.05, 400, 400, decay=0.9)),
                ("batches of two at the end", ("noisy", None), self.loop(0.3, 2, 2000, seed=3))]:
            self.assertEqual((what, self.judged("l.csv", head + "".join(line % row for row in loop))[:2]), (what, wanted))

    def test_a_tensor_is_no_number(self):
        self.write("t.csv", "step,loss\n0,tensor(0.6931)\n1,tensor(0.6920)\n")
        code, out, err = self.run_unstuck("diagnose", "--log", "t.csv")
        self.assertEqual((code, out, err.count("\n")), (3, "", 1), err)
        self.assertIn("t.csv:2: column loss has 'tensor(0.6931)', which is no number", err)
        self.write("t.json", "[1, 2]")
        code, out, err = self.run_unstuck("diagnose", "--log", "t.json")
        self.assertEqual((code, out, err.count("\n")), (3, "", 1), err)
        self.assertIn("value 1 of the list is no JSON object", err)


main()
