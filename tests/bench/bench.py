#!/usr/bin/python3
"""make bench: what the compiler needs for policies of growing size.

Every row is the median of interleaved runs of the whole program; CPU seconds (user and
system) and the largest resident set, from the operating system's own accounting."""
import os
import random
import statistics
import sys
import tempfile

EPIC = sys.argv[1]
RUNS = int(os.environ.get("RUNS", "5"))
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


def main():
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


main()
