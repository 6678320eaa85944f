"""Every sentence and name that the program gives to the page has its Chinese (web/src/report/sentences.ts and words.ts), and no
entry is left of one that it gives no more. Compares the tables with the C sources. Usage: sentences_test.py SOURCE-ROOT"""
import glob, os, re, sys

root = sys.argv[1]
LITERAL = r'"(?:[^"\\]|\\.)*"'


def source(*names):
    return "\n".join(open(path, encoding="utf-8").read() for name in names for path in sorted(glob.glob(os.path.join(root, name))))


def literals(text):
    """Strings of C, adjacent ones joined, each number or text in them as {}."""
    text = re.sub(r"/\*.*?\*/|'(?:[^'\\]|\\.)'", "", text, flags=re.S)
    for found in re.finditer(r"%s(?:\s*%s)*" % (LITERAL, LITERAL), text):
        joined = "".join(part[1:-1] for part in re.findall(LITERAL, found.group(0)))
        joined = re.sub(r"%[-+#0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|j)?[a-zA-Z]", "{}", joined)
        yield joined.replace("%%", "%").replace('\\"', '"')


def calls(text, begin):
    """The literals of every call that begins so, up to its semicolon."""
    for part in text.split(begin)[1:]:
        yield from literals(part.split(";\n", 1)[0])


def words(name):
    table = re.search(r"const %s: .*?\n};\n" % name, source("web/src/report/words.ts"), re.S).group(0)
    return set(re.findall(r'(?m)^  "?([\w-]+)"?: \[', table))


sentences = source("web/src/report/sentences.ts")
table = re.search(r"const CHINESE: .*?\n};\n", sentences, re.S).group(0)
keys = {a or b for a, b in re.findall(r'(?m)^  (?:"((?:[^"\\]|\\.)*)"|(\w+)):', table)}

verdict, signs = source("src/diagnose/verdict.c"), source("src/diagnose/signs.c")
sign_names = {s for s in calls(signs, "signs_add(") if re.fullmatch("[a-z_0-9]+", s)}
spoken = {s for s in literals(verdict[verdict.index("ROWS[] = {"):]) if " " in s and not set(s.split()) <= sign_names}
spoken |= {s for s in calls(signs, "signs_add(") if " " in s}
spoken |= {s for begin in ("snprintf(why, why_size,", "snprintf(t->why, sizeof t->why,")
           for s in calls(source("src/remedy/*.c"), begin)}
spoken |= set(calls(source("src/remedy/stop.c"), "snprintf(left, sizeof left,"))
events = source("src/run/*.c", "src/cli/train_unstick.c", "src/cli/rounds.c")
kinds = set()
for part in events.split("us_run_log_event(")[1:]:
    said = list(literals(part.split(";\n", 1)[0]))
    kinds |= {s for s in said if re.fullmatch("[a-z-]+", s)}
    spoken |= {s for s in said if " " in s}
for begin in ("snprintf(text, sizeof text,", "snprintf(text + used, sizeof text - (size_t)used,"):
    spoken |= {s for s in calls(source("src/run/stall.c", "src/run/plan.c", "src/cli/rounds.c"), begin)}

solvers = source("src/descend/solvers/*.c", "src/run/solve.c")
spoken |= {s for begin in ("reason = ", "us__solver_end(") for s in calls(solvers, begin) if " " in s}

wrong = []
for s in sorted(spoken - {""}):
    if not any(s == key or (len(s) > 12 and s in key) for key in keys):
        wrong.append("no Chinese: %r" % s)
given = [s for path in glob.glob(os.path.join(root, "src/**/*.c"), recursive=True) for s in literals(open(path, encoding="utf-8").read()) if s]
given += ["{} / {}: {}", ": {}, which must gain {}"]  # put together from parts
for key in sorted(keys):
    if not any(key == s or (len(s) > 12 and s in key) for s in given):
        wrong.append("nothing says this any more: %r" % key)
for name, needed in (
        ("SIGNS", sign_names | {s for s in calls(source("src/diagnose/watch*.c"), "us__watch_sign(") if re.fullmatch("[a-z_]+", s)}),
        ("CAUSES", set(re.findall(r'US_VERDICT_\w+, "([a-z-]+)"', verdict))),
        ("REMEDIES", set(re.findall(r'\.name = "([a-z-]+)"', source("src/remedy/*.c")))),
        ("EVENTS", kinds | {"remedy"})):
    wrong += ["no word in %s: %s" % (name, missing) for missing in sorted(needed - words(name))]
print("\n".join(wrong) or "%d sentences, %d signs" % (len(spoken), len(sign_names)))
sys.exit(bool(wrong))
