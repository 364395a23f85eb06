#!/usr/bin/python3
"""Runs what the documentation shows.  Usage: docs_test.py [--update] FILE.md...

Each file is a session in a folder of its own:

	```epi file=NAME	is written to NAME
	```diff file=NAME	is a patch of NAME, a line each: "-" goes, "+" comes in its place
	```console		"$ COMMAND" and what it prints, on both of its outputs; "$ COMMAND &" goes on in the
				background until it has said something; a line "..." stands for any lines

Blocks of other kinds are for the eye.  --update writes what commands print into the file."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FENCE = re.compile(r"^```(\w+)?(?: file=(\S+))?$")
SHELL = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"


class Session:
    def __init__(self, update):
        self.folder, self.update = tempfile.mkdtemp(prefix="epic-docs-"), update
        self.background, self.wrong = [], []
        top = os.path.dirname(os.path.abspath(os.environ.get("EPIC", "./epic")))
        self.environment = dict(os.environ, PATH=top + ":" + os.environ["PATH"], LC_ALL="C", NO_COLOR="1",
                                PAGER="cat", XDG_RUNTIME_DIR=self.folder)
        self.environment.pop("EPIC_PATH", None)
        # As at the top of the tree.
        sources = os.path.abspath(os.environ.get("srcdir", top))
        for folder, name in ((top, "epic"), (top, "epic-graph"), (sources, "examples"), (sources, "stdlib")):
            os.symlink(os.path.join(folder, name), self.path(name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, lines):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)

    def patch(self, name, lines):
        with open(self.path(name), encoding="utf-8") as f:
            text = f.read()
        old = "".join(line[1:] + "\n" for line in lines if line[:1] in "- ")
        new = "".join(line[1:] + "\n" for line in lines if line[:1] in "+ ")
        if text.count(old) != 1:
            self.wrong.append(f"{name}: the patch fits {text.count(old)} times:\n{old}")
        self.write(name, text.replace(old, new).splitlines())

    def run(self, command):
        if command.endswith("&"):
            return self.start(command[:-1])
        done = subprocess.run([SHELL, "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode("utf-8", "replace").splitlines()

    def start(self, command):
        log = open(self.path(f".background-{len(self.background)}"), "wb")
        process = subprocess.Popen([SHELL, "-c", "exec " + command], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.background.append(process)
        until = time.monotonic() + 10
        while not os.path.getsize(log.name) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.2)
        if process.poll() is not None:
            with open(log.name, encoding="utf-8") as f:
                return f.read().splitlines()
        return []

    def end(self):
        for process in self.background:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def fits(expected, actual):
    """Whether lines are as expected; "..." stands for any."""
    if not expected:
        return not actual
    if expected[0].strip() == "...":
        return any(fits(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and expected[0].rstrip() == actual[0].rstrip() and fits(expected[1:], actual[1:])


def run_console(session, place, lines):
    """The lines as they should be."""
    out, i = [], 0
    while i < len(lines):
        if not lines[i].startswith("$ "):
            session.wrong.append(f"{place}: output without a command: {lines[i]}")
            return lines
        command = lines[i][2:]
        out.append(lines[i])
        i += 1
        while command.endswith("\\"):
            command = command[:-1] + lines[i].lstrip()
            out.append(lines[i])
            i += 1
        expected = []
        while i < len(lines) and not lines[i].startswith("$ "):
            expected.append(lines[i])
            i += 1
        actual = session.run(command)
        right = fits(expected, actual)
        if not right and not session.update:
            session.wrong.append("\n".join([f"{place}: $ {command}", "  expected:"] + ["    " + e for e in expected] +
                                           ["  printed:"] + ["    " + a for a in actual]))
        out += expected if right else [a.rstrip() for a in actual]
    return out


def needs(lines):
    """The programs that a file says it needs: `<!-- needs: curl epic-dpdkd -->`."""
    for line in lines:
        match = re.match(r"<!-- needs: (.*) -->", line)
        if match:
            return match.group(1).split()
    return []


def run_file(path, update):
    session = Session(update)
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    missing = [p for p in needs(lines) if not shutil.which(p, path=session.environment["PATH"])]
    if missing:
        print(f"left out: {path} needs {', '.join(missing)}")
        shutil.rmtree(session.folder)
        return True
    out, i = [], 0
    try:
        while i < len(lines):
            match = FENCE.match(lines[i])
            out.append(lines[i])
            i += 1
            if not match or lines[i - 1] == "```":
                continue
            block = []
            first = i + 1
            while lines[i] != "```":
                block.append(lines[i])
                i += 1
            kind, name = match.groups()
            if kind == "console":
                block = run_console(session, f"{path}:{first}", block)
            elif name and kind == "diff":
                session.patch(name, block)
            elif name:
                session.write(name, block)
            out += block + [lines[i]]
            i += 1
    finally:
        session.end()
    if update and out != lines:
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in out)
    for wrong in session.wrong:
        print(wrong)
    print(f"{'ok' if not session.wrong else 'FAILED'}: {path}")
    return not session.wrong


def main():
    update = "--update" in sys.argv
    files = [a for a in sys.argv[1:] if a != "--update"]
    results = [run_file(path, update) for path in files]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
