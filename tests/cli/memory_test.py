"""Commands whose k-th block of memory can't be had: each ends with status 1 and one line, or does without it; none crashes, no
file is half written, no run is harmed. UNSTUCK_FAILING_MALLOC is the library that makes blocks fail (failing_malloc.c)."""
import os, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, main

FAILING = os.environ["UNSTUCK_FAILING_MALLOC"]
ROWS = "a,b,y\n" + "".join("%d,%d,%d\n" % (i % 7, i % 5, (i * i) % 11) for i in range(60))


class Memory(Case):
    def size(self, name):
        return os.path.getsize(self.path(name))

    def run_at(self, k, *arguments):
        """With block k failing (0: none). Returns status, output, lines of error, and how many blocks were asked for."""
        status, out, err = self.run_unstuck(*arguments, env=dict(os.environ, LD_PRELOAD=FAILING, UNSTUCK_FAIL_AT=str(k)))
        lines = err.splitlines()
        self.assertTrue(lines and lines[-1].startswith("blocks: "), "%s, block %d: status %d\n%s" % (arguments, k, status, err))
        return status, out, lines[:-1], int(lines[-1].split()[1])

    def every(self, *arguments, made=None, first=40, then=7):
        """Fails the first blocks one by one, and of the others some."""
        status, _, lines, count = self.run_at(0, *arguments)
        self.assertEqual((status, lines), (0, []))
        self.assertGreater(count, first)
        failed = 0
        for k in [*range(1, first), *range(first, count + 1, then)]:
            before = made and self.size(made)
            status, out, lines, _ = self.run_at(k, *arguments)
            what = "%s, block %d of %d: status %d %s" % (arguments, k, count, status, lines)
            self.assertIn(status, (0, 1), what)
            if status == 1:
                failed += 1
                self.assertEqual((len(lines), out), (1, ""), what)
                self.assertRegex(lines[0], "^unstuck.*out of memory", what)
            if made:
                self.assertGreater(self.size(made), 0.9 * before, what)
                self.assertFalse([name for name in os.listdir(self.folder) if name.startswith(made + ".")], what)
        self.assertGreater(failed, first // 3)

    def test_landscape_of_a_formula(self):
        self.every("landscape", "x^4-x^2+y^2", "--box", "x=-1:1,y=-1:1", "--points", "5", "--start", "x=1,y=1", "--optimizer",
                   "sgd,l-bfgs,trust-region", "--no-critical", "--threads", "1", "--json", "--quiet")

    def test_landscape_and_report_of_a_run(self):
        self.write("d.csv", ROWS)
        self.ok("train", "d.csv", "--model", "mlp:3:tanh", "--steps", "40", "--keep-path", "8", "--run", "r", "--quiet")
        before = self.ok("report", "r", "--no-diagnose", "--json", "--quiet")["runs"][0]
        self.every("landscape", "r", "--directions", "path", "--points", "5", "--threads", "1", "--json", "--quiet")
        self.every("report", "r", "--no-diagnose", "--json", "--quiet")
        after = self.ok("report", "r", "--no-diagnose", "--json", "--quiet")["runs"][0]
        self.assertEqual({**before, "results": None}, {**after, "results": None})
        self.ok("train", "--resume", "r", "--steps", "60", "--quiet")

    def test_a_page_is_replaced_as_a_whole(self):
        self.write("d.csv", ROWS)
        self.ok("train", "d.csv", "--model", "linear", "--steps", "40", "--run", "r", "--quiet")
        status, _, err = self.run_unstuck("report", "r", "--no-diagnose", "-o", "page.html", "--quiet")
        if "without its page" in err:
            self.skipTest("the program has no page")
        self.assertEqual(status, 0, err)
        self.every("report", "r", "--no-diagnose", "-o", "page.html", "--quiet", made="page.html")

    def test_other_commands(self):
        self.write("d.csv", ROWS)
        self.ok("train", "d.csv", "--model", "mlp:3:tanh", "--steps", "40", "--run", "r", "--quiet")
        for command in ("diagnose r --no-remedies --quiet", "predict r d.csv --quiet", "spectrum r --quiet",
                        "minimize x^2+y^2 --start x=1,y=1 --quiet", "critical x^2-y^2 --at x=0,y=0"):
            self.every(*command.split(), first=6, then=17)

    def test_lecture(self):
        for k in (1, 2, 3, 5, 8, 20, 50, 120, 300, 1000):
            status, out, lines, _ = self.run_at(k, "lecture", "--json", "--quiet", "--threads", "1")
            self.assertEqual((status, out, len(lines)), (1, "", 1), "block %d: %s" % (k, lines))
            self.assertIn("out of memory", lines[0])


main()
