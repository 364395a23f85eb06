#!/usr/bin/python3
"""The words of the editor modes are those of the grammar, and the modes load where their editor is
installed.  Usage: editors.py SOURCE-DIRECTORY"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.abspath(sys.argv[1])
PROBLEMS = []


def read(path):
    return open(os.path.join(TOP, path), encoding="utf-8").read()


def grammar():
    schema = read("grammar/schema.def")
    rows = re.findall(r'^PROP\(\w+, [\w.]+, "([^"]+)", (\w+), (?:"([^"]*)")?', schema, re.M)
    units = re.findall(r'^UNIT\("([^"]+)"', read("grammar/units.def"), re.M)
    reserved = re.search(r"reserved\w*\[\] = \{(.*?)\}", read("grammar/feed.c"), re.S).group(1)
    annotations = re.search(r"annotations\[\] = \{(.*?)\n\};", read("compiler/check/blocks.c"), re.S).group(1)
    return {
        "reserved": set(re.findall(r'"([\w-]+)"', reserved)),
        "properties": {name for name, _, _ in rows},
        "values": {w for _, kind, words in rows if kind in ("SYMBOL", "WORDS") for w in words.split()},
        "units": {u.encode("latin-1").decode("unicode_escape").encode("latin-1").decode() for u in units},
        "annotations": set(re.findall(r'\{ "(\w+)"', annotations)),
    }


def vim():
    text = read("editors/vim/syntax/epi.vim")
    groups = {}
    for group, words in re.findall(r"^syn keyword epi(\w+) (.*)$", text, re.M):
        groups.setdefault(group, set()).update(words.split())
    units = re.search(r'syn match epiQuantity ".*?\\\(\\\.\\d\\\+\\\)\\\?\\\((.*?)\\\)\\%', text).group(1)
    return {"reserved": groups["Declaration"] | groups["Operator"], "properties": groups["Property"],
            "values": groups["Value"], "units": {u.replace("\\/", "/") for u in units.split("\\|")}}


def emacs():
    text = read("editors/emacs/epi-mode.el")
    lists = {name: set(re.findall(r'"([^"]*)"', words))
             for name, words in re.findall(r"\(defconst epi-(\w+)\n\s*'\((.*?)\)", text, re.S)}
    return {"reserved": lists["declarations"] | lists["operators"], "properties": lists["properties"],
            "values": lists["values"], "units": lists["units"]}


def vscode():
    found = json.loads(read("editors/vscode/syntaxes/epi.tmLanguage.json"))["repository"]

    def words(name):
        re.compile(found[name]["match"])
        return set(re.search(r"\(\?:([^()?]*)\)\(\?!", found[name]["match"]).group(1).split("|"))

    return {"reserved": words("declarations") | words("operators"), "properties": words("properties"),
            "values": words("values"), "units": words("quantities"), "annotations": words("annotations")}


def compare(mode, found, wanted):
    for kind, words in found.items():
        for word in sorted(wanted[kind] - words):
            PROBLEMS.append(f"{mode}: '{word}' is missing among the {kind}")
        for word in sorted(words - wanted[kind]):
            PROBLEMS.append(f"{mode}: '{word}' is not among the {kind} of the grammar")


def patterns(tree):
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("match", "begin", "end"):
                yield value
            else:
                yield from patterns(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from patterns(value)


def check_vscode():
    folder = "editors/vscode"
    package = json.loads(read(f"{folder}/package.json"))
    rows = package["contributes"]
    for path in [rows["languages"][0]["configuration"], rows["grammars"][0]["path"]]:
        if not os.path.exists(os.path.join(TOP, folder, path)):
            PROBLEMS.append(f"vscode: package.json names {path}, which is not there")
    tree = json.loads(read(f"{folder}/syntaxes/epi.tmLanguage.json"))
    if rows["grammars"][0]["scopeName"] != tree["scopeName"]:
        PROBLEMS.append("vscode: two names for the grammar's scope")
    for p in patterns(tree):
        re.compile(p)
    for row in tree["patterns"]:
        if row["include"][1:] not in tree["repository"]:
            PROBLEMS.append(f"vscode: no pattern {row['include']}")
    plain = rows["problemMatchers"][0]["pattern"]
    match = re.match(plain["regexp"], "site.epi:12:8: error[E0301]: no node is called 'x'")
    if not match or match.group(plain["file"]) != "site.epi" or match.group(plain["code"]) != "E0301":
        PROBLEMS.append("vscode: the problem matcher does not fit --format plain")


def check_emacs():
    if not shutil.which("emacs"):
        return "emacs is not installed: the mode was not compiled"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(TOP, "editors/emacs/epi-mode.el"), folder)
        run = subprocess.run(["emacs", "-Q", "-batch", "--eval", "(setq byte-compile-error-on-warn t)", "-f",
                              "batch-byte-compile", "epi-mode.el"], cwd=folder, capture_output=True, text=True, timeout=120)
        if run.returncode:
            PROBLEMS.append(f"emacs: {run.stderr.strip()}")
    return "emacs compiled the mode"


VIM = """set nocompatible rtp^=%s
filetype plugin indent on
syntax on
edit %s
call writefile([&filetype, synIDattr(synID(search('^domain'), 1, 1), 'name'),
  \\ synIDattr(synID(search('address'), stridx(getline('.'), 'address') + 1, 1), 'name')], '%s')
normal gg=G
call writefile(getline(1, '$'), '%s')
qall!
"""


def check_vim():
    if not shutil.which("vim"):
        return "vim is not installed: the mode was not loaded"
    example = os.path.join(TOP, "examples", "hospital.epi")
    with tempfile.TemporaryDirectory() as folder:
        names, laid, script = (os.path.join(folder, n) for n in ("names", "laid", "script.vim"))
        open(script, "w", encoding="utf-8").write(VIM % (os.path.join(TOP, "editors/vim"), example, names, laid))
        # vim -es ends with 1 where the file lies on a read-only medium; what it wrote counts.
        subprocess.run(["vim", "-es", "-u", "NONE", "-i", "NONE", "-n", "-S", script], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60, check=False)
        if not os.path.exists(laid):
            return "vim is too small for file types: the mode was not loaded"
        found = open(names, encoding="utf-8").read().split()
        if found != ["epi", "epiDeclaration", "epiProperty"]:
            PROBLEMS.append(f"vim: the example is coloured as {found}")
        # What `epic fmt` laid out stays as it is.
        if open(laid, encoding="utf-8").read() != open(example, encoding="utf-8").read():
            PROBLEMS.append("vim: indenting an example changes it")
    return "vim loaded the mode"


def main():
    wanted = grammar()
    for kind, words in wanted.items():
        if len(words) < 5:
            PROBLEMS.append(f"only {len(words)} {kind} were found in the grammar: this test is blind")
    for mode, found in (("vim", vim()), ("emacs", emacs()), ("vscode", vscode())):
        compare(mode, found, wanted)
    check_vscode()
    print(check_emacs())
    print(check_vim())
    print("\n".join(PROBLEMS))
    print(f"{len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


sys.exit(main())
