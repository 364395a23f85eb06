"""epic --watch: a second run after each way in which editors save; the end by Ctrl-C."""
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

EPIC = os.environ["EPIC"]
GOOD = "edition 1;\nuse parts;\ndomain d { node a; node b; }\n"
BAD = "edition 1;\nuse parts;\ndomain d { node a; node a; }\n"
PATIENCE = 20


class Watched:
    """A run of epic whose lines on standard error are read as they come."""

    def __init__(self, folder, *arguments):
        self.child = subprocess.Popen([EPIC, *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def run(self):
        """The lines of one run, up to the one that says that epic waits."""
        seen, end = [], time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no run ended within {PATIENCE} s; seen: {''.join(seen)!r}") from None
            assert line is not None, f"epic ended: {''.join(seen)!r}"
            if line.startswith("epic: watching"):
                return "".join(seen)
            seen.append(line)

    def is_silent(self, seconds):
        time.sleep(seconds)
        return self.lines.empty()

    def interrupt(self):
        self.child.send_signal(signal.SIGINT)
        return self.child.wait(PATIENCE)


def write(path, text):
    path.write_text(text)


def replace(path, text):
    beside = path.with_name(path.name + ".swp")
    beside.write_text(text)
    os.rename(beside, path)


def delete_and_create(path, text):
    path.unlink()
    time.sleep(0.5)
    path.write_text(text)


def keep_a_backup(path, text):
    os.rename(path, path.with_name(path.name + "~"))
    path.write_text(text)


def lines_until(watched, wanted):
    """Runs until one says what is wanted: a save in two steps may be seen as two."""
    for _ in range(4):
        said = watched.run()
        if wanted(said):
            return said
    raise AssertionError(f"the last run says {said!r}")


def is_duplicate(said):
    return "E0302" in said


def is_clean(said):
    return "error" not in said


def each_way_of_saving_is_noticed(folder):
    root = folder / "root.epi"
    root.write_text(GOOD)
    (folder / "parts.epi").write_text("edition 1;\nmodule parts;\nattribute x;\n")
    watched = Watched(folder, "check", "--watch", "root.epi")
    assert is_clean(watched.run())
    for save in (write, replace, delete_and_create, keep_a_backup):
        save(root, BAD)
        lines_until(watched, is_duplicate)
        save(root, GOOD)
        lines_until(watched, is_clean)
    assert watched.is_silent(0.5)
    (folder / "notes.txt").write_text("not a policy")
    assert watched.is_silent(0.5), "a file that was not read matters"
    return watched


def imports_and_configuration_are_watched(folder, watched):
    (folder / "parts.epi").write_text("edition 1;\nmodule parts;\nattribute x, x;\n")
    said = lines_until(watched, is_duplicate)
    assert "---- parts.epi changed ----" in said, said
    (folder / "parts.epi").unlink()
    lines_until(watched, lambda said: "E0004" in said)
    (folder / "parts.epi").write_text("edition 1;\nmodule parts;\nattribute x;\n")
    lines_until(watched, is_clean)
    (folder / "epic.conf").write_text("gap 3;\n")
    said = lines_until(watched, lambda said: "E0401" in said)
    assert "epic.conf:1:5" in said, said
    assert watched.interrupt() == 2, "the last run's exit code"
    (folder / "epic.conf").unlink()


def a_folder_that_goes_and_comes_is_followed(folder):
    inner = folder / "inner"
    inner.mkdir()
    (inner / "root.epi").write_text("edition 1;\nattribute x;\n")
    watched = Watched(folder, "check", "--watch", "inner/root.epi")
    watched.run()
    shutil.rmtree(inner)
    lines_until(watched, lambda said: "E0002" in said)
    inner.mkdir()
    (inner / "root.epi").write_text("edition 1;\nattribute y, y;\n")
    lines_until(watched, is_duplicate)
    assert watched.interrupt() == 1


def expectations_run_again(folder):
    root = folder / "test.epi"
    text = "edition 1;\ndomain d { default allow; node a { } node b { } }\nexpect not reach d.a => d.b;\n"
    root.write_text(text)
    watched = Watched(folder, "test", "--watch", "--format", "plain", "test.epi")
    assert "E0901" in watched.run()
    started = time.monotonic()
    replace(root, text.replace("not ", ""))
    said = lines_until(watched, lambda said: "1 hold" in said)
    took = time.monotonic() - started
    assert took < 2, f"{took:.2f} s"
    assert "1 hold" in said, said
    assert watched.interrupt() == 0
    print(f"a change was answered within {took * 1000:.0f} ms")


def a_terminal_is_cleared(folder):
    ours, theirs = os.openpty()
    child = subprocess.Popen([EPIC, "check", "--watch", "test.epi"], cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen, end = b"", time.monotonic() + PATIENCE
    while seen.count(b"epic: watching") < 2 and time.monotonic() < end:
        if seen.endswith(b"ends it\r\n"):
            replace(folder / "test.epi", BAD)
        seen += os.read(ours, 4096)
    child.send_signal(signal.SIGINT)
    assert child.wait(PATIENCE) == 1
    os.close(ours)
    assert seen.count(b"\033[H\033[2J") == 2 and b"changed" not in seen, seen


def standard_input_cannot_be_watched(folder):
    done = subprocess.run([EPIC, "check", "--watch", "-"], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2 and "standard input" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        watched = each_way_of_saving_is_noticed(folder)
        imports_and_configuration_are_watched(folder, watched)
        a_folder_that_goes_and_comes_is_followed(folder)
        expectations_run_again(folder)
        a_terminal_is_cleared(folder)
        standard_input_cannot_be_watched(folder)


if __name__ == "__main__":
    sys.exit(main())
