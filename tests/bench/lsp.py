#!/usr/bin/python3
"""How long `epic lsp` takes for a keystroke in a policy of 5000 lines: from the edit and the
request behind it to the answer.  Usage: lsp.py EPIC [LINES]

Each row is the median and the largest of RUNS (default 41) keystrokes, in milliseconds; the
server's processor time is in the last column.  "findings" leaves out the pause that the server
waits for, 40 ms."""
import os
import re
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lsp"))
from client import Client, spot, uri  # noqa: E402

EPIC = sys.argv[1]
LINES = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
RUNS = int(os.environ.get("RUNS", "41"))
PAUSE = 0.040


def policy(lines):
    """The generator of bench.py, which is a program and not a module."""
    text = open(os.path.join(HERE, "bench.py"), encoding="utf-8").read()
    found = {"random": __import__("random")}
    exec(re.search(r"^ATTRIBUTES = .*$", text, re.M).group(0), found)
    exec(text[text.index("def policy("):text.index("def sibling_edges(")], found)
    return found["policy"](lines)


def cpu(pid):
    fields = open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(c, path, name, ask, line, column):
    times = []
    before = cpu(c.proc.pid)
    for i in range(RUNS):
        start = time.perf_counter()
        c.change(path, ((line, column), (line, column), "x") if i % 2 == 0 else ((line, column), (line, column + 1), ""))
        ask()
        times.append(time.perf_counter() - start)
    spent = (cpu(c.proc.pid) - before) / RUNS
    print(f"{name:12} {statistics.median(times) * 1e3:8.1f} {max(times) * 1e3:8.1f} {spent * 1e3:8.1f}")
    return statistics.median(times)


def main():
    text = policy(LINES)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(os.path.realpath(folder), "large.epi")
        c = Client(EPIC, patience=120)
        c.open(path, text)
        c.published(path)
        everything = {"start": {"line": 0, "character": 0}, "end": {"line": 99999, "character": 0}}
        about = {"textDocument": {"uri": uri(path)}, "range": everything, "context": {"diagnostics": []}}
        line, column = spot(text, "node n3", f"domain d1")
        place = {**about, "position": {"line": line, "character": column + 6}}
        print(f"{text.count(chr(10))} lines, {len(text) // 1024} kB; milliseconds\n{'':12} {'median':>8} {'largest':>8} {'cpu':>8}")
        column += len("node n3 ")  # behind the name: a syntax error and back
        worst = max(measure(c, path, m, lambda m=m: c.reply(c.post("textDocument/" + m, place)), line, column)
                    for m in ("completion", "hover", "definition", "documentSymbol", "inlayHint", "codeAction"))
        found = measure(c, path, "findings", lambda: c.published(path), line, column) - PAUSE
        print(f"findings without the pause {found * 1e3:.1f} ms; slowest median {max(worst, found) * 1e3:.1f} ms")
        c.finish()


main()
