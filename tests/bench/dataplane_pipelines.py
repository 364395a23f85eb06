"""Pipelines of the published evaluation, as policies whose modules do something.

Filters decide in `acl`, `lookup` looks up routes, `balancer` finds what the proxy says; all else is `toil` on the way
and `leave` at its end, which spend `cycles`.  What a policy calls the cost of a module is what was measured of it."""
import random

HEAD = """edition 1;
module bench.{name};
use std.dataplane as dp;

function toil {{ cost 300cycles; accepts {{cycles}}; dpdk-class "work"; }}
function leave : dp.sink {{ accepts {{cycles}}; dpdk-class "work"; }}
## What a proxy finds out about a request, the same for all packets of a flow.
function verdicts {{
  affinity   flow;
  cost       100cycles;
  inspects   {{ip.src, ip.dst, ip.proto, l4.sport, l4.dport}};
  derives    verdict in {{hit, miss, denied}} via metadata;
  dpdk-class "balancer";
}}

"""


class Module:
    """WORK: nominal cycles of `toil` and `leave`, else None."""

    def __init__(self, name, base, work=None, rest=""):
        self.name, self.base, self.work, self.rest = name, base, work, rest


class Pipeline:
    """A tree of modules from `rx`.  MEMBERS: the sides of the ratio, each a tuple of classes that go one way."""

    def __init__(self, name, title, modules, edges, classes, members=None, published=None):
        self.name, self.title, self.published = name, title, published
        self.modules = {m.name: m for m in modules}
        self.edges = edges                      # (from, to, filter)
        self.paths = {c: path.split() for c, path, _ in classes}
        self.match = {c: match for c, _, match in classes}
        self.members = members or [(c,) for c, _, _ in classes]
        self.parts = {c: 1 / len(classes) for c in self.paths}  # of what comes in; calibration knows better

    def nominal(self):
        """Costs before anything was measured."""
        guess = {"dp.port-in": 80, "dp.acl": 20, "dp.lookup": 30, "verdicts": 100}
        return {m.name: (m.work or 0) + guess.get(m.base, 25) for m in self.modules.values()}

    def through(self, module):
        return [c for c, path in self.paths.items() if module in path]

    def forks(self):
        return [m for m in self.modules if sum(e[0] == m for e in self.edges) > 1]

    def scaled(self, factor):
        """The same with FACTOR times the work."""
        modules = [Module(m.name, m.base, m.work and m.work * factor, m.rest) for m in self.modules.values()]
        classes = [(c, " ".join(path), self.match[c]) for c, path in self.paths.items()]
        return Pipeline(self.name, self.title, modules, self.edges, classes, self.members, self.published)

    def text_of(self, module, cost):
        m = self.modules[module]
        work = f" cycles {m.work};" if m.work is not None else ""
        return f"  {m.name} : {m.base} {{ cost {cost:.2f}cycles;{work}{' ' + m.rest if m.rest else ''} }}"

    def policy(self, costs, rate, slo, target):
        """RATE: of all classes together.  SLO: statements, or none.  TARGET: properties of the target."""
        lines = [HEAD.format(name=self.name) + f"pipeline {self.name} {{"]
        lines += [self.text_of(m, costs[m]) for m in self.modules]
        lines += [f"  {a} -> {b}{' ' + when if when else ''};" for a, b, when in self.edges] + ["}", ""]
        for c, path in self.paths.items():
            way = " -> ".join(f"{self.name}.{m}" for m in path)
            match = f" match {self.match[c]};" if self.match[c] else ""
            lines.append(f"class {c} {{ through {way};{match} rate {max(1, round(rate * self.parts[c]))}pps; packet 64B; }}")
        enforce = "enforce shares; " if slo else ""
        if slo:
            lines += ["", "slo shares {"] + [f"  {s}" for s in slo] + ["}"]
        return "\n".join(lines + ["", f"target box : dpdk {{ for {self.name}; {enforce}{target} }}", ""])

    # ---- ratios that can be had by useful work ----

    def times(self, costs, service):
        """Cycles that each class gets for one packet offered to the pipeline."""
        return {c: self.parts[c] * sum(costs[m] * service[m] for m in path) for c, path in self.paths.items()}

    def services(self, seed):
        """Random service multipliers that never rise on the way to an exit."""
        rnd = random.Random(f"{self.name} {seed}")
        service = {"rx": 1.0}
        for a, b, _ in self.edges:
            if b != "drop":
                service[b] = service[a] * (rnd.choice((1, 0.8, 0.6, 0.45, 0.3)) if a in self.forks() else 1)
        return service

    def ratio(self, costs, seed):
        """The sides' parts of the CPU time, summing to 1."""
        times = self.times(costs, self.services(seed))
        sides = [sum(times[c] for c in side) for side in self.members]
        return [s / sum(sides) for s in sides]

    def statements(self, ratio, objective):
        names, out = [], []
        for i, side in enumerate(self.members):
            if len(side) > 1:
                names.append(f"together{i}")
                ones = " : ".join("1" for _ in side)
                out.append(f"group together{i} {{ cpu {' : '.join(side)} = {ones}; }}")
            else:
                names.append(side[0])
        parts = " : ".join(str(round(10000 * r)) for r in ratio)
        return [f"cpu {' : '.join(names)} = {parts};"] + out + [f"objective {objective};", "tolerance 0.1%;"]


PORT = 'device "gen";'

ROUTER = Pipeline("router", "IP router", [
    Module("rx", "dp.port-in", rest=PORT), Module("check", "dp.acl"),
    Module("lookup", "dp.lookup", rest="routes {10.1.0.0/16, 10.2.0.0/16, 192.0.2.0/24, 198.18.0.0/15};"),
    Module("core", "leave", 60), Module("east", "leave", 60), Module("west", "leave", 60), Module("host", "leave", 60),
    Module("icmp", "leave", 30)], [
    ("rx", "check", ""), ("check", "icmp", "when ip.ttl == 1 and ip.dst in 0.0.0.0/0"), ("check", "lookup", "otherwise"),
    ("lookup", "east", "when ip.dst in 10.1.0.0/16"), ("lookup", "west", "when ip.dst in 10.2.0.0/16"),
    ("lookup", "host", "when ip.dst in 192.0.2.0/24"), ("lookup", "core", "when ip.dst in 198.18.0.0/15"),
    ("lookup", "drop", "otherwise")], [
    ("transit", "rx check lookup core", ""), ("eastern", "rx check lookup east", ""),
    ("western", "rx check lookup west", ""), ("control", "rx check lookup host", ""), ("expired", "rx check icmp", "")],
    published=(171.02, 1.91))

FIREWALL = Pipeline("firewall", "firewall", [
    Module("rx", "dp.port-in", rest=PORT), Module("wm", "dp.acl"), Module("out", "leave", 80), Module("logging", "leave", 80)],
    [("rx", "wm", ""), ("wm", "logging", "when ip.proto == udp and not l4.dport in {53, 80, 443, 5060}"),
     ("wm", "out", "otherwise")], [
    ("voice", "rx wm out", "5060/udp"), ("names", "rx wm out", "53/udp"), ("web", "rx wm out", "80/udp"),
    ("quic", "rx wm out", "443/udp"), ("logged", "rx wm logging", "")],
    [("voice", "names", "web", "quic"), ("logged",)], (166.42, 1.74))

PROXY = Pipeline("proxy", "transparent proxy", [
    Module("rx", "dp.port-in", rest=PORT), Module("steer", "dp.acl"), Module("proxy", "verdicts"),
    Module("direct", "leave", 60), Module("client", "leave", 60), Module("origin", "leave", 60), Module("refuse", "leave", 30)],
    [("rx", "steer", ""), ("steer", "proxy", "when 80/udp"), ("steer", "direct", "otherwise"),
     ("proxy", "client", "when proxy.verdict == hit"), ("proxy", "origin", "when proxy.verdict == miss"),
     ("proxy", "refuse", "when proxy.verdict == denied")], [
    ("hits", "rx steer proxy client", ""), ("misses", "rx steer proxy origin", ""), ("denied", "rx steer proxy refuse", ""),
    ("voice", "rx steer direct", "5060/udp"), ("bypass", "rx steer direct", "not 5060/udp")],
    [("hits",), ("misses",), ("denied",), ("voice", "bypass")], (216.11, 1.30))

EVALUATED = [ROUTER, FIREWALL, PROXY]


def toy(cycles):
    """Fig. 5.3: `a` sorts two classes, and all three modules take as long."""
    return Pipeline("toy", f"toy, {cycles} cycles", [
        Module("rx", "dp.port-in", rest=PORT), Module("a", "toil", cycles), Module("b", "leave", cycles), Module("c", "leave", cycles)],
        [("rx", "a", ""), ("a", "b", "when 80/udp"), ("a", "c", "otherwise")],
        [("first", "rx a b", ""), ("second", "rx a c", "")])


def fan(cycles):
    """Three ways out, all alike: with a queue at each branch four tasks."""
    ways = "bcd"
    return Pipeline("fan", f"{cycles} cycles", [
        Module("rx", "dp.port-in", rest=PORT), Module("a", "dp.acl")] + [Module(w, "leave", cycles) for w in ways],
        [("rx", "a", ""), ("a", "b", "when 80/udp"), ("a", "c", "when 81/udp"), ("a", "d", "otherwise")],
        [(f"to-{w}", f"rx a {w}", "") for w in ways])


def tree(depth, seed):
    """Fig. 5.9: a binary tree, 2^DEPTH - 1 modules of random cost, a class for each exit."""
    rnd = random.Random(f"tree {depth} {seed}")
    leaves = 1 << (depth - 1)

    def name(node):
        return "rx" if node == 1 else f"x{node - leaves}" if node >= leaves else f"m{node}"

    def prefix(node):
        level = node.bit_length() - 1
        address = (10 << 24) | (node - (1 << level)) << (24 - level)
        return ".".join(str(address >> s & 255) for s in (24, 16, 8, 0)) + f"/{8 + level}"

    modules, edges = [Module("rx", "dp.port-in", rest=PORT)], []
    for node in range(2, 2 * leaves):
        modules.append(Module(name(node), "leave" if node >= leaves else "toil", rnd.randrange(20, 200)))
    for node in range(1, leaves):
        edges += [(name(node), name(child), f"when ip.dst in {prefix(child)}") for child in (2 * node, 2 * node + 1)]
    paths = [[name(leaf >> s) for s in range(leaf.bit_length() - 1, -1, -1)] for leaf in range(leaves, 2 * leaves)]
    return Pipeline("tree", f"depth {depth}", modules, edges, [(f"c{i}", " ".join(p), "") for i, p in enumerate(paths)])
