"""The page's template as C. Usage: embed.py PAGE.html OUTPUT.c DEPFILE. Without the page (it is built from npm packages,
see ./dev) an empty one is made, and the program says how to get it. Split where the data go; written only when changed."""
import os, sys

MARK = b'<script type="application/json" id="unstuck-data">'


def literal(name, data):
    escaped = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}
    lines = []
    for start in range(0, len(data), 96):
        part = data[start:start + 96]
        lines.append('    "%s"' % "".join(
            escaped.get(b) or (chr(b) if 32 <= b < 127 else "\\%03o" % b) for b in part))
    return "const char us__page_%s[] =\n%s;\nconst size_t us__page_%s_size = %d;\n" % (
        name, "\n".join(lines) or '    ""', name, len(data))


page, output, depfile = sys.argv[1:]
html = b""
if os.path.exists(page):
    with open(page, "rb") as f:
        html = f.read()
    if html.count(MARK) != 1:
        sys.exit("%s: it must have %s once, and has it %d times" % (page, MARK.decode(), html.count(MARK)))
head, mark, tail = html.partition(MARK)
text = "/* Made by src/report/embed.py. */\n#include \"report/page.h\"\n\n%s\n%s" % (
    literal("head", head + mark), literal("tail", tail))
if not os.path.exists(output) or open(output).read() != text:
    with open(output, "w") as f:
        f.write(text)
with open(depfile, "w") as f:
    f.write("%s: %s\n" % (output, page))
