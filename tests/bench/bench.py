#!/usr/bin/python3
"""make bench: what the compiler needs for policies of growing size.

Every row is the median of interleaved runs of the whole program; CPU seconds (user and
system) and the largest resident set, from the operating system's own accounting.

bench.py EPIC [general] [scheduling]: all, or what is named.  RUNS is how often each is
run; SEEDS, if set, how many trees of each depth at most."""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

EPIC = sys.argv[1]
RUNS = int(os.environ.get("RUNS", "5"))
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ALPINE = os.path.join(TOP, "examples", "alpine")
# Table 5.4 of the Alpine chapter: seconds, with a commercial solver.
PUBLISHED = [("IP router, 8 modules", "router", "fair-shares", 43.41), ("firewall, 4 modules", "firewall", "by-time", 16.31),
             ("transparent proxy, 7 modules", "proxy", "by-time", 23.28)]
# Fig. 5.10: trees of each depth, fewer where each takes long.
TREES = {2: 10, 3: 10, 4: 10, 5: 10, 6: 10, 7: 10, 8: 3, 9: 2, 10: 2}
LIMIT = "60s"
# From this depth on an answer near the best one will do, or the best found in time.
LARGE, NEAR = 6, ["--gap", "5%", "--time-limit", "400ms"]
ATTRIBUTES = ["firewall", "segmentation", "encryption", "key-management", "audit-log"]


def policy(lines):
    """Nodes, flows, edges and classes in equal parts; every flow is direct or bridged."""
    rnd = random.Random(lines)
    part = max(1, lines // 4)
    domains = max(1, part // 18)
    out = ["edition 1;", "use std.security { firewall, segmentation, encryption, key-management, audit-log };",
           "use std.bridges as bf;", "use std.dataplane as dp;"]
    for d in range(domains):
        net = f"10.{d >> 8 & 255}.{d & 255}"
        out += [f"domain d{d} {{", "  default allow;",
                f"  node px : proxy {{ address {net}.2; attributes {{encryption}}; hosts {{bf.seal, bf.unseal, "
                "bf.microsegment, bf.key-broker, bf.stateful-firewall, bf.recorder}; cores 64; clock 2GHz; }"]
        for i in range(16):
            mine = ", ".join(rnd.sample(ATTRIBUTES, rnd.randint(0, 4)))
            out.append(f"  node n{i} {{ address {net}.{i + 10}; attributes {{{mine}}}; }}")
        out.append("}")
    out.append("application study {")
    for _ in range(part):
        a, b = rnd.randrange(domains), rnd.randrange(domains)
        x, y = rnd.sample(range(16), 2)
        out.append(f"  flow d{a}.n{x} => d{b}.n{y} when {rnd.randrange(1, 65000)}/tcp rate 1Mbps;")
    out += ["}", "pipeline p {", "  rx : dp.port-in;", "  hub : dp.acl;"]
    for i in range(part // 2):
        out.append(f"  o{i} : dp.port-out;")
    out.append("  rx -> hub rate 1Mpps;")
    for i in range(part // 2):
        out.append(f"  hub -> o{i} when ip.dst == {address(10, i)} and udp.dport == {i % 60000};")
    out.append("}")
    for i in range(part):
        out.append(f"class c{i} {{ match ip.src == {address(11, i)} and ip.proto == udp; "
                   f"through p.rx -> p.hub -> p.o{i % max(1, part // 2)}; rate 10pps; }}")
    return "\n".join(out) + "\n"


def address(first, i):
    return f"{first}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def sibling_edges(n):
    out = ["edition 1;", "use std.dataplane as dp;", "pipeline p {", "  rx : dp.port-in;", "  hub : dp.acl;",
           "  tx : dp.port-out;", "  rx -> hub;"]
    rnd = random.Random(n)
    for i in range(n):
        out.append(f"  hub -> tx when ip.src in {address(10, i % 100 << 8)}/24 and l4.dport == {i // 100 + 1} "
                   f"and ip.proto == {rnd.choice(['tcp', 'udp'])};")
    return "\n".join(out + ["  hub -> drop otherwise;", "}"]) + "\n"


def bridges(flows, proxies, functions, clock):
    rnd = random.Random(7)
    attributes = [f"a{i}" for i in range(12)]
    out = ["edition 1;", f"attribute {', '.join(attributes)};"]
    for f in range(functions):
        give = ", ".join(rnd.sample(attributes, rnd.choice([1, 1, 1, 2])))
        out.append(f"function f{f} {{ provides {{{give}}}; setup {rnd.randrange(5, 200)}ms; cost {rnd.randrange(50, 900)}cycles; }}")
    domains = proxies // 5
    for d in range(domains):
        out += [f"domain d{d} {{", "  default allow;"]
        for p in range(5):
            hosts = ", ".join(f"f{f}" for f in rnd.sample(range(functions), 20))
            out.append(f"  node px{p} : proxy {{ address 10.{d}.0.{p + 2}; hosts {{{hosts}}}; cores 1; clock {clock}; }}")
        for n in range(20):
            mine = ", ".join(rnd.sample(attributes, rnd.randint(2, 8)))
            out.append(f"  node n{n} {{ attributes {{{mine}}}; }}")
        out.append("}")
    out.append("application a {")
    for _ in range(flows):
        a, b = rnd.sample(range(domains), 2)
        out.append(f"  flow d{a}.n{rnd.randrange(20)} => d{b}.n{rnd.randrange(20)} rate {rnd.randrange(1, 50)}Mbps;")
    out.append("}")
    return "\n".join(out) + "\n"


def run(arguments):
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        os.execv(EPIC, [EPIC] + arguments)
    _, status, usage = os.wait4(pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def measure(cases):
    """Interleaved, so that a slow minute of the machine hits all cases alike."""
    seen = {name: [] for name, _, _ in cases}
    for _ in range(RUNS):
        for name, arguments, _ in cases:
            seen[name].append(run(arguments))
    print(f"{'work':58} {'CPU s':>8} {'MB':>7} {'exit':>5}  aim")
    for name, _, aim in cases:
        cpu = statistics.median(r[0] for r in seen[name])
        memory = statistics.median(r[1] for r in seen[name])
        print(f"{name:58} {cpu:8.3f} {memory:7.1f} {seen[name][0][2]:5}  {aim}")


# ---- scheduling ----


def alone(name, target):
    """An Alpine policy with one of its targets, without expectations."""
    with open(os.path.join(ALPINE, name + ".epi"), encoding="utf-8") as f:
        lines = f.readlines()
    return "".join(line for line in lines if not line.startswith("expect ") and
                   (not line.startswith("target ") or line.split()[1] == target))


def tree(depth, seed, kind="random"):
    return subprocess.run([sys.executable, os.path.join(ALPINE, "tree"), str(depth), str(seed), kind],
                          check=True, capture_output=True, text=True).stdout


class Shop:
    """Policies in a folder of their own, and what compiling them gave."""

    def __init__(self, folder):
        self.folder = folder

    def policy(self, name, text):
        path = os.path.join(self.folder, name + ".epi")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def out(self, path):
        return path[:-len(".epi")] + ".out"

    def compile(self, path, flags=()):
        """CPU seconds, megabytes, exit code and what the plan says of its schedule."""
        plan = os.path.join(self.out(path), os.path.basename(path)[:-len(".epi")] + ".plan.json")
        if os.path.exists(plan):
            os.remove(plan)
        cpu, memory, code = run(["compile", path, "--emit", "plan.json", "-o", self.out(path)] + list(flags))
        objective = None
        if os.path.exists(plan):
            with open(plan, encoding="utf-8") as f:
                objective = json.load(f)["schedules"][0]["objective"]
        return cpu, memory, code, objective


def verdict(code, objective):
    """In words: what a compilation came to."""
    if not objective or objective["tasks"] in (None, 0):
        return f"exit {code}: " + {3: "impossible", 4: "no answer within the limit"}.get(code, "no schedule")
    said = "proven" if objective["optimal"] else f"bound {objective['bound']:.6g}, gap {objective['gap']:.1%}"
    return f"{objective['tasks']} tasks, {said}" + (f", exit {code}" if code else "")


def interleaved(shop, cases, runs):
    seen = [[] for _ in cases]
    for _ in range(runs):
        for i, (path, flags) in enumerate(cases):
            seen[i].append(shop.compile(path, flags))
    return [(statistics.median(r[0] for r in rows), verdict(rows[0][2], rows[0][3])) for rows in seen]


def published(shop):
    """Table 5.4, and all kinds of statements at once."""
    rows = [(what, published, shop.policy(f"{name}-{target}", alone(name, target)))
            for what, name, target, published in PUBLISHED]
    rows += [(f"{name}: priority, CPU and throughput at once", None, shop.policy(f"{name}-{target}", alone(name, target)))
             for _, name, _, _ in PUBLISHED for target in ["three-kinds"]]
    rows.append(("two workers, 12 modules, 6 classes", None, os.path.join(TOP, "tests", "bench", "two_workers.epi")))
    copies = [shop.policy(f"case{i}", open(path, encoding="utf-8").read()) for i, (_, _, path) in enumerate(rows)]
    print(f"\n{'schedule of':46} {'published s':>11} {'ours s':>8} {'ratio':>8}  ours; aim")
    for (what, then, _), (now, said) in zip(rows, interleaved(shop, [(c, ()) for c in copies], RUNS)):
        aim = "under 5 s" if what.startswith("two") else "under 0.050 s"
        print(f"{what:46} {f'{then:.2f}' if then else '':>11} {now:8.3f} "
              f"{f'{then / max(now, 1e-3):.0f}' if then else '':>8}  {said}; {aim}")


def trees(shop):
    """Fig. 5.10: published is only that it takes over an hour from depth 9 on."""
    most = int(os.environ.get("SEEDS", "10"))
    print(f"\n{'binary tree':36} {'median s':>8} {'worst s':>8} {'MB':>6} {'tasks':>6} {'bound':>6} {'gap':>6} {'proven':>7}  aim")
    for depth, seeds in TREES.items():
        flags = NEAR if depth >= LARGE else ["--time-limit", LIMIT]
        rows = [shop.compile(shop.policy(f"tree{depth}-{seed}", tree(depth, seed)), flags)
                for seed in range(1, min(seeds, most) + 1)]
        met = [r[3] for r in rows if r[3] and r[3]["tasks"]]

        def middle(key):
            return f"{statistics.median(o[key] for o in met):.4g}" if met else "-"
        proven = f"{sum(bool(o['optimal']) for o in met)}/{len(rows)}"
        missed = f"; {len(rows) - len(met)} without an answer" if len(met) < len(rows) else ""
        over = sum(o["tasks"] > 2 ** (depth - 1) for o in met)
        missed += f"; {over} with more tasks than classes" if over else ""
        print(f"{f'depth {depth}: {2 ** depth - 1} modules, {2 ** (depth - 1)} classes':36} "
              f"{statistics.median(r[0] for r in rows):8.3f} {max(r[0] for r in rows):8.3f} {max(r[1] for r in rows):6.1f} "
              f"{middle('tasks'):>6} {middle('bound'):>6} {middle('gap'):>6} {proven:>7}  "
              f"{'proven, ' if depth <= 5 else ''}under 1 s{missed}")


def formulations(shop):
    """The published formulation, linearised, on the same solver and machine."""
    entitled = "objective tasks;\n  accounting entitlement;"
    cases = [("IP router", alone("router", "fair-shares"), RUNS), ("IP router, all three kinds", alone("router", "three-kinds"), RUNS),
             ("firewall", alone("firewall", "by-time"), RUNS), ("transparent proxy", alone("proxy", "by-time"), RUNS)]
    cases += [(f"binary tree of depth {d}, {kind}", tree(d, 1, kind).replace("objective tasks;", entitled), 1)
              for d in (3, 4, 5) for kind in ("random", "exact")]
    print(f"\n{'formulation':34} {'paper s':>8} {'ours s':>8} {'ratio':>8}  paper; ours")
    for i, (what, text, runs) in enumerate(cases):
        path = shop.policy(f"formulation{i}", text)
        limit = ("--time-limit", LIMIT)
        paper, ours = interleaved(shop, [(path, limit + ("--formulation", "paper")), (path, limit)], runs)
        print(f"{what:34} {paper[0]:8.3f} {ours[0]:8.3f} {paper[0] / max(ours[0], 1e-3):8.1f}  {paper[1]}; {ours[1]}", flush=True)


def scheduling():
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(folder)
        published(shop)
        trees(shop)
        formulations(shop)
        print(f"\nwhole command, CPU seconds; at most {LIMIT} of solving, from depth {LARGE} on {' '.join(NEAR)};\n"
              "published: a commercial solver on another machine; ratios count ours as 1 ms at least")


def general():
    with tempfile.TemporaryDirectory() as folder:
        def case(name, text, command, aim):
            path = os.path.join(folder, f"p{len(cases)}.epi")
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            arguments = command + [path]
            if command[0] == "compile":
                arguments += ["-o", os.path.join(folder, "out")]
            cases.append((name, arguments, aim))

        cases = []
        case("check, 100 lines", policy(100), ["check"], "under 0.010 s")
        case("check, 1 000 lines (1x)", policy(1000), ["check"], "")
        case("check, 10 000 lines (10x)", policy(10000), ["check"], "")
        case("check, 100 000 lines (100x)", policy(100000), ["check"], "under 2 s, 500 MB")
        case("check, 100 sibling edges (1x)", sibling_edges(100), ["check"], "")
        case("check, 1 000 sibling edges (10x)", sibling_edges(1000), ["check"], "")
        case("check, 10 000 sibling edges (100x)", sibling_edges(10000), ["check"], "under 2 s")
        case("compile, 10 flows, 50 proxies, 200 functions", bridges(10, 50, 200, "2GHz"), ["compile"], "")
        case("compile, 100 flows, 50 proxies, 200 functions", bridges(100, 50, 200, "2GHz"), ["compile"], "")
        case("compile, 1000 flows, 50 proxies, 200 functions", bridges(1000, 50, 200, "2GHz"), ["compile"], "under 5 s")
        case("the same, proxies nearly full (60 MHz each)", bridges(1000, 50, 200, "60MHz"), ["compile"], "under 5 s")
        case("the same, too little room (20 MHz each)", bridges(1000, 50, 200, "20MHz"), ["compile"], "")
        case("fmt --check, 10 000 lines", policy(10000), ["fmt", "--check"], "")
        measure(cases)
        print(f"\nmedians of {RUNS} interleaved runs of the whole program, one thread, on {os.cpu_count()} processors")


def main():
    sections = {"general": general, "scheduling": scheduling}
    for name in sys.argv[2:] or sections:
        sections[name]()


main()
