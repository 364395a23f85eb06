#!/usr/bin/python3
"""epic-dpdkd top and stats against a control socket with made-up statistics: the forms, the exit
codes, and on a pseudo terminal that it is left as it was.  Usage: top_test.py TOP-FIXTURE"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import prometheus

FIXTURE = os.path.abspath(sys.argv[1])
PATIENCE = 20
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?25h\x1b[?1049l"
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAIL:", what)


class Server:
    def __init__(self, path, *arguments, mode="serve"):
        self.process = subprocess.Popen([FIXTURE, mode, path, *arguments],
                                        stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        check(self.process.wait(PATIENCE) == 0, "the server ends")
        self.process.stdout.close()


def run(*arguments, **more):
    return subprocess.run([FIXTURE, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, **more)


def sorted_keys(pairs):
    keys = [k for k, _ in pairs]
    check(keys == sorted(keys, key=str.encode), f"keys {keys} are sorted")
    return dict(pairs)


# ---- stats ----

def forms(path):
    done = run("stats", "--control", path, "--as", "json")
    check(done.returncode == 0 and done.stderr == "", "stats --as json is done")
    stats = json.loads(done.stdout, object_pairs_hook=sorted_keys)
    check(stats["schema"] == "epic.dpdkd/1", "the schema is named")
    check(stats["classes"][0]["name"] == 'edge."bulk\\mail"', "names are escaped in JSON")
    check(len(stats["classes"][0]["dropped"]) == 10, "every reason of drops is there")
    done = run("stats", f"--control={path}", "--as=prometheus")
    check(done.returncode == 0, "stats --as prometheus is done")
    for problem in prometheus.problems(done.stdout):
        check(False, problem)
    lines = done.stdout.splitlines()
    for line in PROMETHEUS_LINES:
        check(line in lines, line)
    done = run("stats", "--control", path)
    check(done.returncode == 0 and "CLASS" in done.stdout and "TASK" in done.stdout,
          "stats are for people unless said otherwise")


PROMETHEUS_LINES = [
    'epic_dpdkd_info{plan="site.plan",target="edge.box",pipeline="edge.fast",slo=""} 1',
    'epic_dpdkd_worker_busy_seconds_total{worker="1",core="3",copy="1"} 0.25',
    'epic_dpdkd_class_received_bytes_total{class="edge.\\"bulk\\\\mail\\""} 64000000',
    'epic_dpdkd_class_dropped_packets_total{class="web",reason="refused"} 40',
    'epic_dpdkd_class_latency_seconds_count{class="web"} 1000',
    'epic_dpdkd_queue_capacity_packets{queue="t9",worker="0",copy="0",class=""} 1024',
    'epic_dpdkd_task_priority{task="t10",worker="1",copy="1",class="web"} -1',
    'epic_dpdkd_module_state{module="edge.nat",copy="0",counter="flows"} 17',
    'epic_dpdkd_class_held_packets{class="undecided"} 0',
    'epic_dpdkd_device_missed_packets_total{device="trace"} 2',
]


def the_checker_notices():
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{b="c"} 1\n'
    check(prometheus.problems(good) == [], "the checker takes what is right")
    for old, new in [("# HELP a_total x\n", ""), (' 1\n', ' 1e3\n'), ('"c"', '"c""'),
                     ('"c"', '"\\c"'), ("a_total", "a"), ("a_total{", "b_total{"), ("{b", "{9b"),
                     (" 1\n", " 1"), ('{b="c"}', '{b="c",b="d"}'), ('{b="c"}', '{quantile="1"}'),
                     (' 1\n', ' 1\na_total{b="c"} 2\n'), (" 1\n", " -1\n"), (" 1\n", " 01\n")]:
        check(prometheus.problems(good.replace(old, new)) != [], f"the checker notices {new!r}")


# ---- exit codes ----

def complaints(folder, path):
    absent = os.path.join(folder, "absent.sock")
    for command in ["top", "stats"]:
        done = run(command, "--control", absent)
        check(done.returncode == 5 and absent in done.stderr and "start epic-dpdkd" in done.stderr
              and done.stdout == "" and "(exit 5)" in done.stderr, f"{command} without a daemon")
    for arguments, says in [
            (["top", "--intervall", "1"], "did you mean --interval?"),
            (["top", "--interval"], "needs a value"),
            (["top", "--interval", "0"], "0.1 to 3600"),
            (["top", "--interval", "nan"], "0.1 to 3600"),
            (["top", "--count", "0"], "whole number"), (["top", "--count", "1.5"], "whole number"),
            (["top", "--once=1"], "takes no value"), (["top", "a", "b"], "one dataplane only"),
            (["stats", "--as", "xml"], "json, prometheus or human"),
            (["stats", "--once"], "no option --once")]:
        done = run(*arguments)
        check(done.returncode == 2 and says in done.stderr and "(exit 2)" in done.stderr,
              f"{arguments} is wrong use: {done.stderr}")
    for command in ["top", "stats"]:
        done = run(command, "--help")
        check(done.returncode == 0 and "--control PATH" in done.stdout
              and "Exit codes" in done.stdout, f"{command} has help")
    with open("/dev/full", "w", encoding="ascii") as full:
        for command in [["top", "--once"], ["stats"], ["stats", "--help"],
                        ["stats", "--as", "json"]]:
            arguments = command if "--help" in command else command + ["--control", path]
            done = subprocess.run([FIXTURE, *arguments], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=PATIENCE)
            check(done.returncode == 5 and "standard output" in done.stderr,
                  f"{command} on a full disk")


def odd_answers(folder):
    path = os.path.join(folder, "odd.sock")
    with Server(path, mode="serve-odd"):
        done = run("top", "--control", path, "--once")
        check(done.returncode == 5 and "before_dropped is missing" in done.stderr,
              "an odd answer is refused")


def targets(folder):
    """Sockets are found by the name of the target; only where they usually lie for this user."""
    where = "/run/epic" if os.geteuid() == 0 else os.path.join(folder, "epic")
    if os.path.isdir(where) and os.listdir(where):
        print(f"{where} is in use; not tried")
        return
    made = not os.path.isdir(where)
    done = run("stats")
    check(done.returncode == 5 and where in done.stderr, "no socket at all")
    with Server(os.path.join(where, "dpdkd-edge.box.sock")):
        check(run("stats", "edge.box").returncode == 0, "a target has its socket")
        check(run("stats").returncode == 0, "the only socket need not be named")
        done = run("stats", "other")
        check(done.returncode == 5 and "dpdkd-other.sock" in done.stderr,
              "another target has not")
        with Server(os.path.join(where, "dpdkd-second.sock")):
            done = run("top", "--once")
            check(done.returncode == 2 and "edge.box, second" in done.stderr,
                  "two must be told apart")
    if made:
        os.rmdir(where)


# ---- top, line by line ----

def lines(path):
    done = run("top", "--control", path, "--interval", "0.3", "--count", "3")
    check(done.returncode == 0, "top ends after its count")
    check("\x1b" not in done.stdout, "no control characters where there is no terminal")
    blocks = done.stdout.split("\n\n")
    check(len(blocks) == 3, "three blocks")
    for block in blocks:
        check(all(re.match(r"(plan|worker|task|class|drop|module|device)( \w+=\S+)+$",
                           re.sub(r'"(?:[^"\\]|\\.)*"', "x", line))
                  for line in block.splitlines()), "lines are key=value")
        check(len(re.findall(r"^task ", block, re.M)) == 12, "a line for each task")
        # The counters of the server grow by the same amount every 100 ms that it calls a second.
        check(re.search(r"^device device=wan .* received_pps=5000 sent_pps=4000 ", block, re.M),
              "rates are differences: " + block[-300:])
    done = run("top", "--control", path, "--once", env={**os.environ, "TERM": "dumb"})
    check(done.stdout.count("plan plan=") == 1, "once is one block")


def ended_by(number, path):
    process = subprocess.Popen([FIXTURE, "top", "--control", path, "--interval", "60"],
                               stdout=subprocess.PIPE)
    check(process.stdout.readline().startswith(b"plan "), "the first block comes at once")
    process.send_signal(number)
    check(process.wait(PATIENCE) == 0, f"signal {number} ends it with 0")
    process.stdout.close()


def reader_goes(path):
    process = subprocess.Popen([FIXTURE, "top", "--control", path, "--interval", "0.1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    check(process.wait(PATIENCE) == 5, "a reader that goes away is an error of writing")
    process.stderr.close()


# ---- top on a terminal ----

class Terminal:
    def __init__(self, path, rows=24, columns=100, interval="0.2"):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [FIXTURE, "top", "--control", path, "--interval", interval], stdin=self.slave,
            stdout=self.slave, stderr=self.slave, env={**os.environ, "TERM": "xterm"},
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        ready, _, _ = select.select([self.master], [], [], 0.1)
        part = os.read(self.master, 65536) if ready else b""
        self.seen += part
        return part

    def wait_for(self, pattern, what):
        """Waits until the pattern is seen behind what was waited for before."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            match = re.search(pattern, self.seen, re.S)
            if match:
                self.seen = self.seen[match.end():]
                return match
            self.read()
        check(False, f"{what}; seen: {self.seen[-200:]!r}")
        return None

    def end(self, what, code=0):
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        while self.read():
            pass
        check(self.process.returncode == code,
              f"{what}: ends with {code}, not {self.process.returncode}")
        check(LEAVE in self.seen, f"{what}: the screen is restored")
        check(termios.tcgetattr(self.slave) == self.before, f"{what}: the terminal is restored")
        os.close(self.master)
        os.close(self.slave)
        return self.seen[self.seen.rfind(LEAVE) + len(LEAVE):]


def frame(seen):
    """The lines of one drawing, without control characters."""
    return [re.sub(rb"\x1b\[[0-9?;]*[A-Za-z]", b"", line) for line in re.split(rb"\r*\n", seen)]


def a_frame(terminal, what):
    match = terminal.wait_for(rb"\x1b\[H((?:(?!\x1b\[H).)*)(?=\x1b\[H)", what)
    return frame(match[1]) if match else []


def keys(path):
    t = Terminal(path)
    t.wait_for(re.escape(ENTER), "the alternate screen is entered")
    check(not termios.tcgetattr(t.slave)[3] & (termios.ECHO | termios.ICANON),
          "keys come one by one")
    lines_seen = a_frame(t, "a frame")
    check(lines_seen[0].startswith(b"edge.fast of site.plan") and len(lines_seen) <= 24,
          f"the frame begins at its top: {lines_seen[:1]}")
    check(max(map(len, lines_seen)) <= 100, "no line is too wide")
    os.write(t.master, b"\x1b[B")
    t.wait_for(rb"\x1b\[H\x1b\[K\r*\nWORKER", "the arrow scrolls by one line")
    os.write(t.master, b"\x1b[A")
    t.wait_for(rb"\x1b\[Hedge.fast", "and back")
    os.write(t.master, b"\x1b[6~\x1b[6~")
    t.wait_for(rb"\x1b\[H(?!edge)", "a page further")
    os.write(t.master, b"g")
    t.wait_for(rb"\x1b\[Hedge.fast", "to the top")
    os.write(t.master, b"q")
    check(t.end("q") == b"", "q leaves nothing behind")


def sizes(path):
    t = Terminal(path, interval="60")
    t.wait_for(rb"\x1b\[Hedge.fast.*\x1b\[K", "the first frame")
    while t.read():
        pass
    t.seen = b""
    t.resize(10, 40)
    t.wait_for(rb"\x1b\[Hedge", "it is drawn again when the size changes")
    while t.read():
        pass
    lines_seen = frame(t.seen)
    check(len(lines_seen) == 10, f"as high as the terminal: {len(lines_seen)}")
    check(max(map(len, lines_seen)) <= 40, "as wide as the terminal")
    t.process.send_signal(signal.SIGTERM)
    t.end("SIGTERM")


def interrupted(path):
    for name, stop in [("SIGINT", lambda t: os.write(t.master, b"\x03")),
                       ("SIGHUP", lambda t: t.process.send_signal(signal.SIGHUP))]:
        t = Terminal(path)
        t.wait_for(rb"\x1b\[Hedge", "a frame")
        stop(t)
        t.end(name)


def stopped(path):
    t = Terminal(path)
    t.wait_for(rb"\x1b\[Hedge", "a frame")
    t.process.send_signal(signal.SIGTSTP)
    t.wait_for(re.escape(LEAVE), "stopped, it gives the terminal back")
    _, status = os.waitpid(t.process.pid, os.WUNTRACED)
    check(os.WIFSTOPPED(status), "it is stopped")
    check(termios.tcgetattr(t.slave) == t.before, "the terminal is as before while it is stopped")
    t.process.send_signal(signal.SIGCONT)
    t.wait_for(re.escape(ENTER) + rb".*\x1b\[Hedge", "it goes on")
    os.write(t.master, b"q")
    t.end("q after a stop")


def server_goes(folder):
    path = os.path.join(folder, "short.sock")
    with Server(path):
        t = Terminal(path)
        t.wait_for(rb"\x1b\[Hedge", "a frame")
    behind = t.end("the server has gone", code=5)
    check(path.encode() in behind and b"(exit 5)" in behind,
          f"the reason stands on the restored screen: {behind!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        slow, fast = os.path.join(folder, "a.sock"), os.path.join(folder, "b.sock")
        with Server(slow, "3600000"), Server(fast, "100"):
            the_checker_notices()
            forms(slow)
            complaints(folder, slow)
            lines(fast)
            for number in [signal.SIGINT, signal.SIGTERM]:
                ended_by(number, fast)
            reader_goes(fast)
            keys(fast)
            sizes(fast)
            interrupted(fast)
            stopped(fast)
        odd_answers(folder)
        server_goes(folder)
        targets(folder)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
