"""Every case of ../shared/oracles by its own checker."""
import os, subprocess, sys
sys.path.insert(0, os.path.dirname(__file__))
from support import Case, UNSTUCK, main


class Oracles(Case):
    def check(self, kind):
        checker = self.shared("oracles/check.py")
        cases = self.shared("oracles/%s.json" % kind)
        # A sanitized build is some ten times slower.
        p = subprocess.run([sys.executable, checker, "--kind", kind, "--timeout", "120", UNSTUCK, cases], stdout=subprocess.PIPE)
        out = p.stdout.decode()
        print(out)
        self.assertEqual(p.returncode, 0, out)

    def test_critical(self):
        self.check("critical")

    def test_minimize(self):
        self.check("minimize")


if __name__ == "__main__":
    main()
