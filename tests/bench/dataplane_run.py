"""Compiles policies, runs epic-dpdkd on its own traffic, and tells what happened between two looks at its counters."""
import glob
import json
import os
import socket
import subprocess
import time

TRAFFIC = "all=max,flows=2000"
WARM = 0.25  # seconds before the first look


class Refused(Exception):
    """A policy that does not compile; the text is the first error."""


class Kitchen:
    def __init__(self, epic, dpdkd, folder, seconds):
        self.epic, self.dpdkd, self.folder, self.seconds = epic, dpdkd, folder, seconds
        self.n = 0
        self.noise = []  # part of the time that others had the workers' cores, by run

    # ---- compiling ----

    def compile(self, text, partition="auto"):
        """The path of the plan."""
        self.n += 1
        out = os.path.join(self.folder, f"p{self.n}")
        path = out + ".epi"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([self.epic, "compile", "--format", "plain", "--partition", partition, "--time-limit", "1s",
                               "-o", out, path], capture_output=True, text=True, check=False)
        if done.returncode not in (0, 4):
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            raise Refused(errors[0].split(": ", 2)[-1] if errors else done.stderr.strip())
        return os.path.join(out, f"p{self.n}.plan")

    # ---- running ----

    def start(self, plan, *arguments):
        control = os.path.join(self.folder, f"c{self.n}")
        self.n += 1
        process = subprocess.Popen([self.dpdkd, "--plan", plan, "-q", "--control", control, "--generate", TRAFFIC,
                                    "--no-telemetry", "--file-prefix", f"bench{os.getpid()}", *arguments],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(1500):
            if os.path.exists(control) or process.poll() is not None:
                break
            time.sleep(0.01)
        if process.poll() is not None:
            raise RuntimeError(f"epic-dpdkd: {process.stderr.read().strip()}")
        return Running(process, control)

    def run(self, plan, *arguments):
        """What happened in the seconds behind a warm-up."""
        running = self.start(plan, *arguments)
        try:
            time.sleep(WARM)
            before = running.look()
            time.sleep(self.seconds)
            after = running.look()
        except OSError as e:
            raise RuntimeError(f"epic-dpdkd ended with {running.process.poll()} on {plan}: {e}") from e
        finally:
            running.stop()
        seen = Seen(before, after)
        self.noise.append(seen.stolen)
        return seen


class Running:
    def __init__(self, process, control):
        self.process, self.control = process, control

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.control)
            s.sendall(line.encode() + b"\n")
            f = s.makefile("rb")
            word, size = f.readline().split()
            return word == b"ok", f.read(int(size)).decode()

    def look(self):
        good, text = self.ask("stats")
        if not good:
            raise RuntimeError(text)
        stats = json.loads(text)
        stats["waited"] = self.waited()
        return stats

    def waited(self):
        """Seconds in which workers were ready to run and others had their cores."""
        waits = []
        for task in glob.glob(f"/proc/{self.process.pid}/task/*"):
            with open(task + "/comm", encoding="utf-8") as f:
                if not f.read().startswith("rte-worker"):
                    continue
            with open(task + "/schedstat", encoding="utf-8") as f:
                waits.append(int(f.read().split()[1]) / 1e9)
        return waits

    def stop(self):
        self.process.terminate()
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def delivered(c):
    return c["sent"] + c["dropped"]["exit"]


def keyed(rows, key="id"):
    """By id; the copies of replicas and the tasks of workers are summed by who asks."""
    out = {}
    for row in rows:
        out.setdefault(row[key], []).append(row)
    return out


class Seen:
    """The difference of two looks at the counters; rates are per second that the workers had their cores."""

    def __init__(self, before, after):
        self.hz = after["hz"]
        self.after = after
        self.workers = len(after["workers"])
        elapsed = after["seconds"] - before["seconds"]
        waited = sum(b - a for a, b in zip(before["waited"], after["waited"])) / max(1, len(after["waited"]))
        self.stolen = min(0.95, waited / elapsed)
        self.seconds = elapsed * (1 - self.stolen)
        was, now = keyed(before["classes"], "name"), keyed(after["classes"], "name")
        self.delivered = {c: delivered(now[c][0]) - delivered(was[c][0]) for c in now}
        self.predicted = {c: now[c][0]["rate_pps"] for c in now}
        self.latency = {c: minus(now[c][0]["latency"]["buckets"], was[c][0]["latency"]["buckets"]) for c in now}
        self.packets = self.summed(before, after, "modules", "packets")
        self.module_cycles = {m: mean([(r["cycles"], r["packets"]) for r in rows])
                              for m, rows in keyed(after["modules"]).items()}
        self.tasks = after["tasks"]
        self.task_packets = self.summed(before, after, "tasks", "packets")
        self.task_cycles = sum(self.summed(before, after, "tasks", "cycles").values())
        self.queued_packets = sum(self.task_packets[t["id"]] for t in unique(after["tasks"]) if t["queue"])
        self.early = {t["early"]: 0 for t in after["tasks"] if t["early"]}
        self.early_tasks = [(t["early"], t["root"], self.task_packets[t["id"]]) for t in unique(after["tasks"]) if t["early"]]
        self.n_tasks = len(after["tasks"])

    @staticmethod
    def summed(before, after, rows, field):
        was = keyed(before[rows])
        return {k: sum(r[field] for r in now) - sum(r[field] for r in was[k]) for k, now in keyed(after[rows]).items()}

    def rate(self, classes):
        return sum(self.delivered[c] for c in classes) / self.seconds

    def percentile(self, classes, share):
        """Microseconds."""
        merged = {}
        for c in classes:
            for begin, n in self.latency[c].items():
                merged[begin] = merged.get(begin, 0) + n
        need = share * sum(merged.values())
        for begin in sorted(merged):
            need -= merged[begin]
            if need <= 0:
                return begin * (1 + 1 / 32) / self.hz * 1e6
        return 0

    def at(self, pipeline, module, c):
        """Packets of class C that MODULE has worked on.  Classes that come the same way are served alike, unless a
        classifier in front has parted them."""
        if module != "rx" and self.early:
            rows = [n for early, root, n in self.early_tasks if early == c and self.begins(pipeline, root, module, c)]
            if rows:
                return min(rows)
        here = pipeline.through(module)
        return self.packets[f"{pipeline.name}.{module}"] * pipeline.parts[c] / sum(pipeline.parts[x] for x in here)

    @staticmethod
    def begins(pipeline, root, module, c):
        """Whether the task that begins at ROOT comes before MODULE, or with it, on the way of C."""
        path = pipeline.paths[c]
        root = root.split(".")[-1]
        return root in path and path.index(root) <= path.index(module)

    def shares(self, pipeline, costs):
        """Of the sides of the ratio: packets times measured cycles of the modules, summing to 1."""
        time_of = {c: sum(self.at(pipeline, m, c) * costs[m] for m in path) for c, path in pipeline.paths.items()}
        total = sum(time_of.values())
        return [sum(time_of[c] for c in side) / total for side in pipeline.members]


def unique(tasks):
    return {t["id"]: t for t in tasks}.values()


def mean(pairs):
    packets = sum(n for _, n in pairs)
    return sum(x * n for x, n in pairs) / packets if packets else 0


def minus(after, before):
    was = dict(map(tuple, before))
    return {begin: n - was.get(begin, 0) for begin, n in after if n > was.get(begin, 0)}
