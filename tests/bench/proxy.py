#!/usr/bin/python3
"""make bench-proxy: the published experiments on epic-socksd and on the peers that Debian has.

proxy.py CLIENT DELAY_LINE SOCKSD [SECTION]...: latency, httping, rate, cost, bulk, idle, calls, balance; or all.  Tables
in Markdown on standard output, figures in the directory that PLOTS names (proxy-plots).  Needs root.  What is not
installed is left out, with a word about it.

RUNS      how often each measurement is repeated, interleaved with the others (5)
REQUESTS  of a latency (120)
SECONDS   of a rate (2)
IDLE      connections that are held (5000)
QUICK     1: all of it small, to see that it works

Server, proxies and client share this machine's processors, so that rates fall where they all are busy; CPU times are
those of the proxy's processes alone.  Delays come from delay_line, whose own lateness is in every latency: the round
trips that it really made are measured, and the formulas are shown with these as well."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import dataplane_plot as plot
import proxy_programs as programs
from proxy_programs import BULK, BY_NAME, OBJECT, SMALL, Programs
from proxy_world import Failed, Line, Loopback, Process

QUICK = os.environ.get("QUICK", "0") not in ("", "0")
RUNS = int(os.environ.get("RUNS", "2" if QUICK else "5"))
REQUESTS = int(os.environ.get("REQUESTS", "12" if QUICK else "120"))
SECONDS = float(os.environ.get("SECONDS", "0.3" if QUICK else "2"))
IDLE = int(os.environ.get("IDLE", "500" if QUICK else "5000"))
PART = 20 if QUICK else 1  # by which counts are divided

CONFIGURATIONS = {"D1": (5, 5, 10), "D2": (5, 10, 15), "D3": (10, 5, 15), "D4": (1, 1, 1), "D5": (5, 5, 5), "D6": (10, 10, 10)}
# The published prototypes as they were measured on a machine like this; minimum, ms.
PROTOTYPES = [
    ("NGINX, published configuration", "2CP+2PS", (20.8, 31.0, 31.0, 4.64, 20.7, 41.1)),
    ("SOCKS5 + redirector, published prototype", "4CP+2PS", (31.4, 41.8, 55.9, 6.95, 31.3, 62.1)),
    ("SOCKS6 + redirector, published prototype", "3CP+2PS", (26.3, 36.5, 41.7, 5.75, 26.1, 51.5))]
# More than the formula says, for the aims.
SLACK = 0.5
CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)
PROXIES = (1, 2, 4, 8, 16, 32)
CLIENTS = 64


def middle(values):
    values = list(values)
    return (statistics.median(values), min(values), max(values)) if values else None


def say(*words):
    print(*words, flush=True)


def table(head, rows):
    say("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(str(c) for c in row) + " |")


def number(value, digits=3):
    """That many digits that count."""
    if value is None:
        return "–"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.{max(0, digits - whole)}f}"


def interleaved(what, p, schemes, measure):
    """MEASURE of each scheme, RUNS times; a scheme that fails is said to, and left out."""
    out, broken = {s.name: [] for s in schemes}, set()
    for _ in range(RUNS):
        for s in schemes:
            if s.name in broken:
                continue
            try:
                p.prepare(s)
                out[s.name].append(measure(s))
            except (Failed, subprocess.TimeoutExpired) as e:
                broken.add(s.name)
                say(f"\n{what}: **{s.name} failed**: {e}")
    return {name: runs for name, runs in out.items() if name not in broken}


def tell_missing(p):
    for name, why in p.missing.items():
        say(f"\nNot measured: {name}: {why}.")


class Bench:
    def __init__(self, client, line, socksd, folder):
        self.client, self.line, self.socksd, self.folder = client, line, socksd, folder
        self.figures, self.worlds = {}, []

    def loopback(self):
        world = Loopback(self.folder, self.client)
        self.worlds.append(world)
        return world, Programs(world, self.socksd)

    def lines(self):
        world = Line(self.folder, self.client, self.line)
        self.worlds.append(world)
        world.set(1, 1, 1)
        return world, Programs(world, self.socksd)

    def run(self, sections):
        try:
            for name in sections:
                SECTIONS[name](self)
        finally:
            for world in self.worlds:
                world.close()


# ---- latency ----

def formula(cost):
    return "+".join(f"{n if n > 1 else ''}{way}" for n, way in zip(cost, ("CP", "PS", "CS")) if n)


def predicted(cost, trips):
    return sum(n * t for n, t in zip(cost, trips))


class Latencies:
    """Of one configuration."""

    def __init__(self, world, p, name):
        self.trips = CONFIGURATIONS[name]
        world.set(*self.trips)
        count = str(max(2, REQUESTS // RUNS))
        for s in p.schemes():  # cookies of Fast Open, caches
            warm_up(p, s)
        self.runs = interleaved(name, p, p.schemes(), lambda s: p.ask(s, "--requests", count, "--path", SMALL))

    def least(self, name):
        return min(r["min"] for r in self.runs[name]) if self.runs.get(name) else None

    def median(self, name):
        return middle(r["p50"] for r in self.runs[name]) if self.runs.get(name) else None


def warm_up(p, scheme):
    try:
        p.prepare(scheme)
        p.ask(scheme, "--requests", "3", "--path", SMALL)
    except Failed:
        pass  # said by the measurement itself


def latency(bench):
    world, p = bench.lines()
    say(f"\n## Latency of a request on a new connection, ms ({REQUESTS} requests each)")
    tell_missing(p)
    seen = {name: Latencies(world, p, name) for name in CONFIGURATIONS}
    show_latency(p, seen)
    show_aims(p, seen)
    draw_latency(bench, p, seen)
    world.close()


def show_latency(p, seen):
    heads = [f"{name} {'/'.join(map(str, c))}" for name, c in CONFIGURATIONS.items()]
    rows = [[name, text, "then"] + [number(v) for v in values] for name, text, values in PROTOTYPES]
    for s in p.schemes():
        rows.append([s.name, formula(s.cost), "formula"] + [number(predicted(s.cost, c)) for c in CONFIGURATIONS.values()])
        rows.append(["", "", "min / median"] + [pair(seen[c].least(s.name), seen[c].median(s.name)) for c in CONFIGURATIONS])
    table(["scheme", "formula", ""] + heads, rows)


def pair(least, median):
    return "failed" if least is None else f"{number(least)} / {number(median[0])}"


def lateness(latencies):
    """Of the line for one round trip; the server's own time is in it."""
    direct = BY_NAME["direct"]
    least = latencies.least(direct.name)
    return max(0, least - predicted(direct.cost, latencies.trips)) / sum(direct.cost) if least else 0


def show_aims(p, seen):
    rows = []
    for s in p.schemes():
        over = {c: (seen[c].least(s.name) - predicted(s.cost, seen[c].trips), lateness(seen[c]) * sum(s.cost))
                for c in seen if seen[c].least(s.name)}
        if s.ours and over:
            worst = max(over, key=lambda c: over[c][0] - over[c][1])
            more, late = over[worst]
            rows.append([s.name, formula(s.cost), f"{more:+.2f} ms ({worst})", f"{late:.2f} ms", f"{more - late:+.2f} ms",
                         "met" if more - late <= SLACK else "missed"])
    if rows:
        table(["ours", "formula", "minimum over formula, at worst", "of it the line's, as in direct requests", "ours",
               f"at most {SLACK} ms"], rows)


def draw_latency(bench, p, seen):
    """As the published figures 11 and 12: the time, and what of it is not there without a proxy."""
    drawn = [s for s in p.schemes() if s.name not in ("redsocks + microsocks", "nginx, stream", "ours, redirector + SOCKS5")]
    names, direct = [s.name for s in drawn], BY_NAME["direct"]

    def panel(title, configurations, without):
        less = {c: (without * seen[c].median(direct.name)[0], without * predicted(direct.cost, CONFIGURATIONS[c]))
                for c in configurations}
        values = [[shifted(seen[c].median(s), less[c][0]) for s in names] for c in configurations]
        marks = [[max(0, predicted(s.cost, CONFIGURATIONS[c]) - less[c][1]) for s in drawn] for c in configurations]
        return plot.bars(title, "ms", [f"{c}: {'/'.join(map(str, CONFIGURATIONS[c]))}" for c in configurations], names,
                         values, marks)
    line, triangle = ("D1", "D2", "D3"), ("D4", "D5", "D6")
    bench.figures["latency"] = [
        (names, [panel("request, proxy between (black: formula)", line, 0),
                 panel("request, triangle (black: formula)", triangle, 0)]),
        (names, [panel("more than direct (0: not slower), between", line, 1),
                 panel("more than direct (0: not slower), triangle", triangle, 1)])]


def shifted(values, by):
    return tuple(max(0, v - by) for v in values) if values else None


# ---- another client ----

def httping(bench):
    if not shutil.which("httping"):
        return say("\nNot measured: httping is not here.")
    world, p = bench.lines()
    world.set(*CONFIGURATIONS["D1"])
    say("\n## httping, another client, in configuration D1, ms")
    schemes = [s for s in p.schemes() if s.form == "direct"]

    def ask(s):
        url = f"http://{p.through(s)}{SMALL}"
        done = subprocess.run(world.as_client("httping", "-G", "-c", str(max(4, REQUESTS // RUNS)), "-i", "0.01", "-g", url),
                              capture_output=True, text=True, check=False, timeout=120)
        found = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)", done.stdout)
        if not found:
            raise Failed(done.stderr.strip() or done.stdout.strip()[-200:])
        return [float(x) for x in found.groups()[:2]]
    seen = interleaved("httping", p, schemes, ask)
    table(["scheme", "formula", "minimum", "mean"],
          [[s.name, f"{formula(s.cost)} = {predicted(s.cost, CONFIGURATIONS['D1'])}", number(min(r[0] for r in seen[s.name])),
            number(middle(r[1] for r in seen[s.name])[0])] for s in schemes if s.name in seen])
    return world.close()


# ---- rates ----

def wrk(world, url, connections):
    words = ["wrk", "-t", str(min(2, connections)), "-c", str(connections), "-d", f"{max(1, round(SECONDS))}s",
             "-H", "Connection: Close", url]
    done = subprocess.run(world.as_client(*words), capture_output=True, text=True, check=False, timeout=SECONDS + 60)
    found = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    if not found or float(found.group(1)) == 0:
        raise Failed(done.stderr.strip() or done.stdout.strip()[-200:])
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    return float(found.group(1)), sum(map(int, errors.groups())) if errors else 0


def rate(bench):
    if not shutil.which("wrk"):
        return say("\nNot measured: wrk is not here.")
    world, p = bench.loopback()
    say(f"\n## Requests per second on new connections, by wrk ({SECONDS:g} s each)")
    tell_missing(p)
    schemes = [s for s in p.schemes() if s.form == "direct"]
    counts = CONNECTIONS[::3] if QUICK else CONNECTIONS
    seen = {c: interleaved(f"{c} connections", p, schemes, lambda s, c=c: wrk(world, f"http://{p.through(s)}{SMALL}", c))
            for c in counts}
    names = [s.name for s in schemes]
    rows = []
    for name in names:
        rates = [middle(r[0] for r in seen[c].get(name, [])) for c in counts]
        errors = sum(r[1] for c in counts for r in seen[c].get(name, []))
        rows.append([name] + ["–" if not r else f"{r[0]:.0f}" for r in rates] + [errors])
    table(["scheme"] + [f"{c} connections" for c in counts] + ["errors"], rows)
    show_reduction(names, counts, seen)
    values = [[scaled(middle(r[0] for r in seen[c].get(name, [])), 1e-3) for c in counts] for name in names]
    bench.figures["rate"] = [(names, [plot.lines("requests on new connections", "1000 per second", list(counts),
                                                 "connections", names, values)])]
    return world.close()


def scaled(values, factor):
    return tuple(v * factor for v in values) if values else None


def show_reduction(names, counts, seen):
    """As the published figure 13b."""
    rows = []
    for name in names[1:]:
        parts = []
        for c in counts:
            here, direct = (middle(r[0] for r in seen[c].get(n, [])) for n in (name, names[0]))
            parts.append(f"{100 * (1 - here[0] / direct[0]):.0f} %" if here and direct else "–")
        rows.append([name] + parts)
    table(["slower than direct by"] + [f"{c} connections" for c in counts], rows)


# ---- cost ----

def cpu_of(p, scheme, run):
    """What RUN returns, and the CPU seconds that the scheme's programs took for it."""
    before = sum(x.cpu() for x in p.of(scheme))
    result = run()
    time.sleep(0.1)  # what is left to be closed
    return result, sum(x.cpu() for x in p.of(scheme)) - before


def cost_table(p, title, names, arguments, requests, aims):
    """CPU of the proxy's programs, µs per request."""
    count = max(200, requests // PART)

    def measure(s):
        result, cpu = cpu_of(p, s, lambda: p.ask(s, *arguments, "--requests", str(count), "--path", SMALL))
        if result["failed"]:
            raise Failed(f"{result['failed']} of {count} requests failed")
        return cpu / count * 1e6, count / result["seconds"], result["p50"]
    schemes = [s for s in p.schemes() if s.name in names]
    for s in schemes:
        warm_up(p, s)
    seen = interleaved(title, p, schemes, measure)
    rows = []
    for s in schemes:
        if s.name in seen:
            cost = middle(r[0] for r in seen[s.name])
            rows.append([s.name, number(cost[0]), f"{number(cost[1])} … {number(cost[2])}", f"{middle(r[1] for r in seen[s.name])[0]:.0f}",
                         number(middle(r[2] for r in seen[s.name])[0]), aims.get(s.name, "")])
    table([title, "CPU µs", "of repeats", "per second", "median ms", "aim"], rows)
    return {name: [r[0] for r in runs] for name, runs in seen.items()}


FORMS = ["nginx, published", "nginx, stream", "dante, step by step", "dante, one segment", "microsocks, step by step",
         "ours, SOCKS5 step by step", "ours, SOCKS6 step by step", "ours, SOCKS5 in one segment", "ours, SOCKS6 in one segment"]
PAIRS = ["redsocks + dante", "redsocks + microsocks", "ours, redirector + SOCKS5", "ours, redirector + SOCKS6 (A)",
         "ours, fast open (B)", "ours, warm (B)"]


def same_aim(names, text):
    return {n: text for n in names if n.startswith("ours")}


def cost(bench):
    world, p = bench.loopback()
    say("\n## CPU of the proxy's processes")
    tell_missing(p)
    cost_table(p, "new connection, one request", FORMS, ["--connections", "16"], 20000, same_aim(FORMS, "75 (best peer then: 81)"))
    cost_table(p, "redirector + proxy, new connection", PAIRS, ["--connections", "16"], 10000,
               same_aim(PAIRS, "165 (best peer then: 210)"))
    cost_table(p, "request on a kept connection", FORMS[1:] + PAIRS, ["--connections", "16", "--kept"], 100000,
               same_aim(FORMS, "10.5 (best peer then: 11.7)"))
    world.close()


# ---- bulk ----

def bulk(bench):
    world, p = bench.loopback()
    count = 1 if QUICK else 4
    say(f"\n## Bulk: {count} times {programs.SIZES[BULK] >> 20} MiB over one connection")
    tell_missing(p)
    names = ["direct"] + FORMS[:2] + ["dante, step by step", "microsocks, step by step", "ours, SOCKS5 in one segment",
                                      "ours, SOCKS6 in one segment"] + PAIRS[:4]
    schemes = [s for s in p.schemes() if s.name in names]

    def measure(s):
        result, cpu = cpu_of(p, s, lambda: p.ask(s, "--requests", str(count), "--path", BULK, *kept(s)))
        return result["bytes"] / result["seconds"], cpu * 1e3 / (result["bytes"] / 1e9)
    p.ask(schemes[0], "--requests", "1", "--path", BULK)  # into memory
    seen = interleaved("bulk", p, schemes, measure)
    direct = middle(r[0] for r in seen["direct"])[0]
    table(["scheme", "GB/s", "of direct", "CPU ms per GB", "of repeats", "aim"],
          [[s.name, number(middle(r[0] for r in seen[s.name])[0] / 1e9), number(middle(r[0] for r in seen[s.name])[0] / direct, 2),
            *([number(middle(r[1] for r in seen[s.name])[0]), "{1:.0f} … {2:.0f}".format(*middle(r[1] for r in seen[s.name]))]
              if s.programs else ["–", "–"]),
            "250 ms/GB, 0.65 (best peer then: 343, 0.57)" if s.ours else ""] for s in schemes if s.name in seen])
    world.close()


def kept(scheme):
    """nginx's published configuration closes after each page where it speaks to the server, not to the client."""
    return ["--kept"] if scheme.name != "nginx, published" else []


# ---- idle connections ----

SLABS = ("TCP", "tw_sock_TCP", "request_sock_TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq",
         "ep_head", "file_lock_cache", "skbuff_head_cache", "skbuff_small_head")


def slab_bytes():
    """In the kernel's caches that connections are made of."""
    total = 0
    with open("/proc/slabinfo", encoding="ascii") as f:
        for line in list(f)[2:]:
            name, active, _, size = line.split()[:4]
            if name in SLABS:
                total += int(active) * int(size)
    return total


def hold(world, p, scheme, rest):
    """Bytes per connection: of the proxy's own, and of the kernel's caches.  REST: what its programs held before their
    first connections, for what comes later uses memory that was not given back."""
    words = world.as_client(world.client_program, "--idle", "--connections", str(IDLE), "--form", scheme.form,
                            p.target(scheme), p.through(scheme))
    time.sleep(0.5)
    before = sum(rest.setdefault(x.name, x.memory()) for x in p.of(scheme)), slab_bytes()
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != "ready":
            raise Failed(process.communicate()[1].strip())
        time.sleep(1)
        after = sum(x.memory() for x in p.of(scheme)), slab_bytes()
    finally:
        process.kill()
        process.communicate()
        time.sleep(0.5)
    return [(b - a) / IDLE for a, b in zip(before, after)]


def idle(bench):
    world, p = bench.loopback()
    say(f"\n## Memory of {IDLE} idle connections, bytes for each")
    tell_missing(p)
    names = ["direct", "nginx, stream", "dante, step by step", "microsocks, step by step", "ours, SOCKS5 step by step",
             "ours, SOCKS6 in one segment", "ours, redirector + SOCKS6 (A)"]
    # microsocks has a thread for each, dante a process for some 30.
    schemes = [s for s in p.schemes() if s.name in names]
    rest = {}
    seen = interleaved("idle", p, schemes, lambda s: hold(world, p, s, rest))
    direct = middle(r[1] for r in seen["direct"])[0]
    rows = []
    for s in schemes[1:]:
        if s.name in seen:
            own, kernel = (middle(r[i] for r in seen[s.name])[0] - (0, direct)[i] for i in range(2))
            rows.append([s.name, *(f"{x / 1024:.2f} KiB" for x in (own, kernel, own + kernel)),
                         "1 / 6.5 KiB (best peer then: 4.5 / 9.7)" if s.ours else ""])
    table(["scheme", "own memory", "kernel's caches beyond direct", "both", "aim"], rows)
    world.close()


# ---- system calls ----

def calls(bench):
    if not shutil.which("strace"):
        return say("\nNot measured: strace is not here.")
    world, p = bench.loopback()
    say("\n## System calls of the proxy's processes")
    tell_missing(p)
    names = FORMS + PAIRS
    rows = []
    for s in [s for s in p.schemes() if s.name in names]:
        try:
            warm_up(p, s)
            new = counted(p, s, 200, [])
            again = counted(p, s, 2000, ["--kept"]) if s.name != "nginx, published" else None
        except Failed as e:
            say(f"\n**{s.name} failed**: {e}")
            continue
        rows.append([s.name, f"{new:.1f}", "–" if again is None else f"{again:.1f}",
                     "24 / 6 (best peer then: 26 / –)" if s.ours and s.name in FORMS else ""])
    table(["scheme", "per new connection with one request", "per request on a kept connection", "aim"], rows)
    return world.close()


def counted(p, scheme, requests, arguments):
    report = os.path.join(p.world.folder, "calls")
    words = ["strace", "-f", "-c", "-U", "calls,name", "-o", report]
    for process in p.of(scheme):
        for pid in process.tree():
            words += ["-p", str(pid)]
    tracer = Process("strace", words, p.world.path("strace.log"))
    time.sleep(0.5)
    p.ask(scheme, "--requests", str(requests), "--connections", "1", "--path", SMALL, *arguments)
    time.sleep(0.3)
    tracer.popen.send_signal(signal.SIGINT)
    tracer.popen.wait(20)
    tracer.stop()
    with open(report, encoding="utf-8") as f:
        total = [line.split()[0] for line in f if line.rstrip().endswith("total")]
    if not total:
        raise Failed("strace counted nothing")
    return int(total[0]) / requests


# ---- side by side ----

class Fleet:
    """As many proxies of one kind as are wished, on ports of their own."""

    def __init__(self, p, name, form, make):
        self.p, self.name, self.form, self.make = p, name, form, make
        self.processes = []

    def run(self, n, requests):
        w = self.p.world
        ports = range(9000, 9000 + n)
        fleet = []
        try:
            for port in ports:
                fleet.append(self.make(port))
            arguments = ["--form", self.form, "--connections", str(CLIENTS), "--path", OBJECT, "--requests"]
            to = [f"{w.proxy.address}:{port}" for port in ports]
            target = f"{w.server.address}:{programs.PLAIN}"
            w.ask(target, to, *arguments, str(max(CLIENTS, 2 * n)))  # into the caches
            before, began = sum(x.cpu() for x in fleet), time.monotonic()
            result = w.ask(target, to, *arguments, str(requests))
            return result["mean"], result["requests"] / result["seconds"], (
                sum(x.cpu() for x in fleet) - before) / (time.monotonic() - began), result["failed"]
        finally:
            for process in fleet:
                w.stop(process)


def fleets(p):
    w = p.world
    out = [Fleet(p, "nginx with a cache", "direct",
                 lambda port: p.nginx(w.proxy, f"cache{port}", programs.CACHE, port))]
    if "microsocks" in p.running:
        out.append(Fleet(p, "microsocks", "socks5-steps", lambda port: w.start(
            w.proxy, f"microsocks {port}", ["microsocks", "-i", w.proxy.address, "-p", str(port)], port)))
    if "socksd" in p.running:
        out.append(Fleet(p, "ours, SOCKS6 in one segment", "socks6-one", lambda port: w.start(
            w.proxy, f"socksd {port}", p.open_words(port), port)))
    return out


def balance(bench):
    world, p = bench.loopback()
    requests = max(2 * CLIENTS, 10 * CLIENTS // PART)
    load = int(os.environ.get("LOAD", "2"))
    say(f"\n## {CLIENTS} clients share 1 … 32 proxies: {requests} requests for {programs.SIZES[OBJECT] // 1000} kB, "
        f"with {load} busy processes beside")
    tell_missing(p)
    busy = [world.start(world.client, "load", [sys.executable, "-c", "while True: pass"]) for _ in range(load)]
    counts = PROXIES[::2] if QUICK else PROXIES
    kinds = fleets(p)
    seen = {k.name: {n: [] for n in counts} for k in kinds}
    for _ in range(RUNS):
        for n in counts:
            for k in kinds:
                try:
                    seen[k.name][n].append(k.run(n, requests))
                except Failed as e:
                    say(f"\n{n} proxies: **{k.name} failed**: {e}")
    for process in busy:
        world.stop(process)
    show_balance(bench, counts, seen)
    world.close()


def show_balance(bench, counts, seen):
    def of(name, n, what):
        return middle(r[what] for r in seen[name][n])
    rows = [[name] + [f"{number(of(name, n, 0)[0])} / {of(name, n, 1)[0]:.0f} / {of(name, n, 2)[0]:.2f}" if seen[name][n] else "–"
                      for n in counts] + [sum(r[3] for n in counts for r in seen[name][n])] for name in seen]
    table(["mean ms / per second / CPUs of the proxies"] + [str(n) for n in counts] + ["failed"], rows)
    say("\nPublished (Squid with a cache, 1000 requests by each client, four cores or more): two proxies take some 70 ms less "
        "than one, more than two bring nothing, from eight on it gets slower. Only nginx has a cache here; the others fetch each "
        "object from the server.")
    names = list(seen)
    bench.figures["balance"] = [(names, [plot.lines(
        f"1024 kB for {CLIENTS} clients", "ms, mean", list(counts), "proxies", names,
        [[of(name, n, 0) for n in counts] for name in names])])]


# ---- all of it ----

SECTIONS = {"latency": latency, "httping": httping, "rate": rate, "cost": cost, "bulk": bulk, "idle": idle, "calls": calls,
            "balance": balance}


def limits():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    say(f"\n## What these figures do not show\n\n{model}, {os.cpu_count()} processors; medians of {RUNS} interleaved runs. "
        "Client, proxy and server share the processors, and there is no network card: published rates come from three machines, "
        "so that only what is said relative to direct compares. SOCKS6 has no peer in Debian: the published prototypes' figures "
        "were measured before, on a machine like this. Idle memory beyond direct is that of the proxy's two sockets, without "
        "buffers.")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        sys.exit("bench-proxy: network namespaces need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    plots = os.path.abspath(os.environ.get("PLOTS", "proxy-plots"))
    say("# epic-socksd")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.chmod(folder, 0o755)
        bench = Bench(*map(os.path.abspath, sys.argv[1:4]), folder)
        bench.run(sys.argv[4:] or SECTIONS)
        limits()
    if bench.figures:
        os.makedirs(plots, exist_ok=True)
        for name, rows in bench.figures.items():
            plot.write(os.path.join(plots, name + ".svg"), rows)
        say(f"\nFigures: {plots}")


if __name__ == "__main__":
    main()
