#!/usr/bin/python3
"""epic why explains each line of each generated file.  Usage: why_test.py EPIC EXAMPLES FOLDER

What it says is compared with the source map, read by another reader of CBOR."""
import os
import shutil
import subprocess
import sys

import cbor2

EPIC, EXAMPLES, FOLDER = map(os.path.abspath, sys.argv[1:4])
failures = []


def run(*arguments, cwd=FOLDER):
    done = subprocess.run([EPIC, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(what, truth, said=""):
    if not truth:
        failures.append(what)
        print(f"FAIL: {what}\n{said}")


def explained(out, file, sources):
    for r in file["ranges"]:
        place = f"{r['file']}:{r['line']}:{r['col']}\n"
        reason = r["reason"][0].upper() + r["reason"][1:]
        yield r, place in out and reason in out, sources.get(r["file"], [""] * 10**4)[r["line"] - 1]


def every_line(name):
    code, out, err = run("compile", "-q", f"{name}.epi")
    expect(f"{name} compiles", code == 0, out + err)
    folder = os.path.join(FOLDER, f"{name}.out")
    with open(os.path.join(folder, f"{name}.map"), "rb") as f:
        made = cbor2.load(f)
    made = getattr(made, "value", made)
    sources = {n: open(os.path.join(FOLDER, n), encoding="utf-8").read().split("\n")
               for n in os.listdir(FOLDER) if n.endswith(".epi")}
    for file in made["files"]:
        with open(os.path.join(folder, file["path"]), encoding="utf-8") as f:
            lines = f.read().split("\n")[:-1]
        step = max(1, len(lines) // 40)
        for i in range(0, len(lines), step):
            code, out, err = run("why", f"{name}.out/{file['path']}:{i + 1}")
            place = f"{file['path']}:{i + 1}"
            expect(f"{place} is answered", code == 0 and lines[i] in out, out + err)
            inside = [r for r in file["ranges"] if r["first"] <= i + 1 <= r["last"]]
            for r, said, text in explained(out, file, sources):
                if r in inside:
                    expect(f"{place} shows the policy", said and text.strip() in out, out)
            expect(f"{place}: lines without a statement say so",
                   bool(inside) != ("No statement of the policy is behind this line" in out), out)


def odd_ones():
    code, out, err = run("why", "chains.txt:7", cwd=os.path.join(FOLDER, "proxies.out", "hub-chain"))
    expect("a file is found from its own folder", code == 0 and "proxies.epi" not in err, out + err)
    path = os.path.join(FOLDER, "proxies.out", "hub-chain", "chains.txt")
    with open(path, "a", encoding="utf-8") as f:
        f.write("# mine\n")
    code, out, err = run("why", f"{path}:3")
    expect("a hand edit is told", code == 0 and "changed by hand" in out, out + err)
    for argument, said in ((f"{path}x:3", "did you mean"), ("proxies.epi:3", "no source map"),
                           (f"{path}:9999", "there is no line 9999"), (f"{path}:0", "FILE:LINE"),
                           (path, "FILE:LINE"), ("fig31.out/drawing/drawing.svg:2", "drawing that epic-graph makes")):
        code, out, err = run("why", argument)
        expect(f"why {argument}: says {said}", code == 2 and said in err, out + err)
    with open(os.path.join(FOLDER, "firewall.epi"), "a", encoding="utf-8") as f:
        f.write("\n")
    code, out, err = run("why", "firewall.out/rack/rack.bess:2")
    expect("a changed policy is told", code == 0 and "has changed since it was compiled" in out, out + err)


shutil.copytree(EXAMPLES, FOLDER, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.out", "demo"))
for policy in ("proxies", "hospital", "firewall", "bng"):
    every_line(policy)
run("compile", "-q", "fig31.epi")
odd_ones()
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
