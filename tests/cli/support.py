"""What the tests of the command line share. Python's standard library only."""
import json, os, shutil, subprocess, sys, tempfile, unittest

UNSTUCK = os.environ["UNSTUCK"]
ROOT = os.environ["UNSTUCK_SOURCE_ROOT"]
SHARED = os.path.normpath(os.path.join(ROOT, "..", "shared"))


class Case(unittest.TestCase):
    """Each test runs in a fresh folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="unstuck-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return name

    def run_unstuck(self, *arguments, timeout=120, **options):
        p = subprocess.run([UNSTUCK, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=timeout, **options)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def ok(self, *arguments, **options):
        """Runs, demands exit status 0, returns the JSON object (where --json is among the arguments) or the text."""
        status, out, err = self.run_unstuck(*arguments, **options)
        self.assertEqual(status, 0, "unstuck %s\n%s%s" % (" ".join(arguments), out, err))
        return json.loads(out) if "--json" in arguments else out

    def refused(self, status, words, *arguments, **options):
        """Runs, demands this exit status, nothing on standard output, and one line of error with all the words."""
        got, out, err = self.run_unstuck(*arguments, **options)
        self.assertEqual(got, status, "unstuck %s\n%s%s" % (" ".join(arguments), out, err))
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("unstuck"), err)
        for word in words:
            self.assertIn(word, err)
        return err

    def shared(self, path):
        """A file under ../shared, or the test skips and says so."""
        path = os.path.join(SHARED, path)
        if not os.path.exists(path):
            print("skipped: %s is not here" % os.path.relpath(path, ROOT))
            self.skipTest("../shared is not here")
        return path


def main():
    unittest.main(verbosity=1)
