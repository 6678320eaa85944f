"""docs/lecture.md and its Chinese sister: every command in them runs, and prints what they say. With --write the outputs in
them are renewed: UNSTUCK=build/src/cli/unstuck UNSTUCK_SOURCE_ROOT=. python3 tests/cli/lecture_test.py --write"""
import json, os, re, shlex, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, ROOT, UNSTUCK, main

DOCS = ["docs/lecture.md", "docs/lecture.zh-CN.md"]
BLOCK = re.compile(r"^```\n\$ (unstuck .*)\n((?:.*\n)*?)```$", re.M)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
CELLS = re.compile("[▁▂▃▄▅▆▇█]+")


def run(command, folder):
    p = subprocess.run([UNSTUCK, *shlex.split(command)[1:]], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=300)
    if p.returncode != 0:
        raise AssertionError("%s\n%s" % (command, p.stderr.decode()))
    return "".join(line.rstrip() + "\n" for line in p.stdout.decode().splitlines())


def data(folder):
    run("unstuck lecture --data . --json --quiet", folder)


def same(a, b):
    """The same words, and numbers that are near: the last digits may hang on the machine."""
    a, b = (CELLS.sub("", NUMBER.sub(" 0 ", t)).split() for t in (a, b))
    return a == b


def untimed(command, out):
    """A race ends with rankings and figures by time, which are another each time."""
    return out.split("in equal time")[0] if "race" in command else out


class Lecture(Case):
    def test_commands_of_the_docs(self):
        data(self.folder)
        done = {}
        for doc in DOCS:
            with open(os.path.join(ROOT, doc), encoding="utf-8") as f:
                blocks = BLOCK.findall(f.read())
            self.assertGreater(len(blocks), 8, doc)
            for command, said in blocks:
                if command not in done:
                    done[command] = run(command, self.folder)
                got = done[command]
                self.assertTrue(same(untimed(command, got), untimed(command, said)),
                                "%s: %s\nprints\n%s\nand not\n%s" % (doc, command, got, said))

    def test_page_and_json(self):
        o = self.ok("lecture", "--json", "--quiet")
        self.assertEqual(o["kind"], "lecture")
        scenes = list(dict.fromkeys(i["scene"] for i in o["items"]))
        self.assertEqual(scenes, ["stuck", "kinds", "dimension", "curve", "ball", "rates", "adagrad", "optimizers", "batches",
                                  "size"])
        items = {(i["scene"], i["name"]): i for i in o["items"]}
        kinds = {n: [c["kind"] for c in items["kinds", n]["landscape"]["critical"]] for n in ("minimum", "saddle", "maximum")}
        self.assertEqual(kinds, {"minimum": ["minimum"], "saddle": ["saddle"], "maximum": ["maximum"]})
        at = {p["name"]: p["end"]["x"] for p in items["ball", "momentum"]["landscape"]["paths"]}
        self.assertAlmostEqual(at["sgd lr=0.01"], 1.1309, delta=1e-3)  # the first hollow
        self.assertAlmostEqual(at["momentum lr=0.01"], -1.3008, delta=1e-2)  # the lower one
        loss = {p["name"]: p["loss"] for p in items["rates", "four"]["landscape"]["paths"]}
        self.assertGreater(loss["sgd lr=0.101"][-1], loss["sgd lr=0.101"][0])
        self.assertLess(loss["sgd lr=0.097"][-1], 0.01)
        self.assertGreater(loss["sgd lr=0.002"][-1], 1)
        self.assertEqual([a["batch"] for a in items["size", "race"]["race"]["arms"]], [1, 8, 64, 512, "full"])
        self.assertNotIn(tempfile.gettempdir(), json.dumps(o))
        # the command beside a picture makes that picture
        item = items["rates", "four"]
        words = shlex.split(item["command"])
        again = self.ok(*words[1:words.index("-o")], "--json", "--quiet")
        self.assertEqual(again, item["landscape"])
        self.assertEqual(os.listdir(self.folder), [])

    def test_data_stay_where_asked_for(self):
        self.ok("lecture", "--data", "d", "--json", "--quiet")
        self.assertEqual(sorted(os.listdir(self.path("d"))), ["line.csv", "waves.csv"])
        self.write("file", "")
        self.refused(1, ["file"], "lecture", "--data", "file", "--json", "--quiet")


def write():
    with tempfile.TemporaryDirectory() as folder:
        data(folder)
        done = {}
        for doc in DOCS:
            path = os.path.join(ROOT, doc)
            with open(path, encoding="utf-8") as f:
                text = f.read()

            def renew(match):
                command = match.group(1)
                if command not in done:
                    done[command] = run(command, folder)
                return "```\n$ %s\n%s```" % (command, done[command])
            with open(path, "w", encoding="utf-8") as f:
                f.write(BLOCK.sub(renew, text))


if "--write" in sys.argv:
    write()
else:
    main()
