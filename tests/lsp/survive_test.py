#!/usr/bin/python3
"""epic lsp while somebody types: all prefixes of every example (EVERY-th of them), random edits
with a seed, memory over thousands of edits.  Usage: survive_test.py EPIC [SEED]

EVERY (default 40) thins out the prefixes, EDITS (default 1500) is how many edits are made;
EPIC_TEST_SCALE divides both."""
import glob
import os
import random
import sys
import time

from client import TOP, Client, Gone

EPIC = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(os.environ.get("SEED", "6"))
SCALE = int(os.environ.get("EPIC_TEST_SCALE", "1"))
EVERY = int(os.environ.get("EVERY", "40")) * SCALE
EDITS = int(os.environ.get("EDITS", "1500")) // SCALE
PIECES = ["{", "}", ";", ":", "->", "=>", "->>", ".", "@", "\"", "#", "\n", "when ", "use std.nf", "node x", "domain d {",
          "attribute", "expect not", "5", "%", "10.0.0.1", "::", "{{{{", "\U0001F600", "é", "\t", "let a = a;", "*", "..",
          "pipeline p {", "target t : ", "slo s {", "group g {", "carries ", "@allow(", "and not (", "\r\n", "\\"]
ASKED = ["completion", "hover", "definition", "documentHighlight", "prepareRename"]


def place(rnd, text):
    at = rnd.randrange(len(text) + 1)
    line = text.count("\n", 0, at)
    start = text.rfind("\n", 0, at) + 1
    return at, (line, len(text[start:at].encode("utf-16-le")) // 2)


def examples():
    found = sorted(glob.glob(os.path.join(TOP, "examples", "**", "*.epi"), recursive=True))
    return found + sorted(glob.glob(os.path.join(TOP, "stdlib", "*.epi")))


def ask_all(c, path, line, column):
    """Every question; an error is an answer, silence or death is not."""
    about = {"textDocument": {"uri": "file://" + path}, "position": {"line": line, "character": column}}
    for method in ASKED:
        c.reply(c.post("textDocument/" + method, about))
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 99999, "character": 0}}
    for method in ("documentSymbol", "inlayHint", "codeAction", "formatting"):
        c.reply(c.post("textDocument/" + method, {**about, "range": everything, "context": {"diagnostics": []}, "options": {}}))


def prefixes(c):
    n = 0
    rnd = random.Random(SEED)
    for path in examples():
        text = open(path, encoding="utf-8").read()
        path = os.path.realpath(path)
        c.open(path, text)
        for end in range(rnd.randrange(EVERY), len(text), EVERY):
            part = text[:end]
            c.change(path, part)
            ask_all(c, path, part.count("\n"), end - part.rfind("\n") - 1)
            n += 1
        c.close(path)
    return n


def random_edits(c, n, path, text):
    rnd = random.Random(SEED)
    c.open(path, text)
    for i in range(n):
        if i % 300 == 299:  # start again before the text is nothing but noise
            now = text
            c.change(path, now)
        else:
            now = now if i else text
            (a, start), (b, end) = sorted([place(rnd, now), place(rnd, now)])
            if rnd.random() < 0.8:  # mostly small ones
                b, end = a, start
            piece = rnd.choice(PIECES) if rnd.random() < 0.8 else ""
            if b - a > 400:
                continue
            c.change(path, (start, end, piece))
            now = now[:a] + piece + now[b:]
        if i % 250 == 125:  # a pause, so that solving begins and the next edit ends it
            c.published(path)
            time.sleep(0.26)
        if i % 7 == 0:
            ask_all(c, path, *place(rnd, now)[1])
    # Piece by piece or at once, the text is the same.
    by_pieces = c.published(path)
    c.change(path, now)
    if c.published(path) != by_pieces:
        raise Gone("the edited text is not the one that was meant")
    c.close(path)


def main():
    c = Client(EPIC, patience=60)
    try:
        print(f"{prefixes(c)} prefixes (every {EVERY}. character)")
        path = os.path.realpath(os.path.join(TOP, "examples", "hospital.epi"))
        text = open(path, encoding="utf-8").read()
        random_edits(c, 200, path, text)
        before = c.memory()
        random_edits(c, EDITS, path, text)
        after = c.memory()
        print(f"seed {SEED}: {EDITS} edits; {before} kB resident before, {after} kB after")
        code = c.finish()
    except Gone as e:
        print(f"FAIL seed {SEED}: {e}")
        return 1
    if after > before + 16384:
        print("FAIL: memory grows with the number of edits")
    return 1 if code or after > before + 16384 else 0


sys.exit(main())
