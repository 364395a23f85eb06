#!/usr/bin/python3
"""Scripts of the backend bess do what the plan says.

Compiles policies, loads each script in the recorder, and sends packets through it: they must
pass the modules that the plan's graph says and leave where it says, and every class must have
had some.  The scheduler tree is held against the plan's schedule."""
import json
import os
import re
import subprocess
import sys
import tempfile

from packets import Filter, Maker
from recorder import Recorder, Refused

HERE = os.path.dirname(os.path.abspath(__file__))
N_PACKETS, ENOUGH, MOST_TRIES = 800, 10, 60000


def scale():
    text = os.environ.get("EPIC_TEST_SCALE", "1")
    return max(1, int(text)) if text.isdigit() else 1


# ---- the policy's side ----

class Graph:
    """A pipeline of the plan."""

    def __init__(self, pipeline, values):
        self.name = pipeline["name"]
        self.modules = {m["id"]: m for m in pipeline["modules"]}
        self.edges = [(e["from"], e["to"], e["copy"], Filter(e["when"])) for e in pipeline["edges"]]
        # values of the attribute that chooses the port, by module
        self.values = {m: values[f["function"]] for m, f in self.modules.items() if f["function"] in values}

    def sources(self):
        targets = {to for _, to, _, _ in self.edges}
        return [m for m in self.modules if m not in targets and any(f == m for f, _, _, _ in self.edges)]

    def walk(self, module, fields, way=()):
        """All ways that the packet and its copies take: (exit or None, modules)."""
        way = way + (module,)
        out = [(to, copy) for f, to, copy, when in self.edges if f == module and when.holds(fields)]
        if not any(f == module for f, _, _, _ in self.edges):
            return [(module, way)]
        ends = [end for to, _ in out for end in self.walk(to, fields, way)]
        return ends if out else [(None, way)]


def derived_values(text):
    """function: (attribute, values), as the policy declares them."""
    module = re.search(r"^module ([\w.-]+);", text, re.M)
    found = {}
    for body in re.split(r"^function ", text, flags=re.M)[1:]:
        name = re.match(r"[\w-]+", body).group(0)
        for attribute, values in re.findall(r"derives ([\w-]+) in \{([^}]*)\} via port", body):
            found[name] = attribute, [v.strip() for v in values.split(",")]
    return found, module.group(1) if module else None


# ---- the script's side ----

class Script:
    def __init__(self, text):
        self.text = text
        self.recorder = Recorder()
        self.recorder.run(text)
        self.policy_module, self.task, self.attached = {}, {}, {}
        self.left_out = set(re.findall(r"^# Task (t\d+) is left out", text, re.M))
        comment = ""
        for line in text.splitlines():
            if line.startswith("#"):
                comment = line
                continue
            name = re.match(r"\w*", line).group(0)
            for said, found in ((r"The module '([^']+)'", self.policy_module),
                                (r"Task (t\d+) begins here", self.task)):
                match = re.search(said, comment)
                if match and line.startswith(f"{name} = "):
                    found[name] = match.group(1)
            match = re.search(r"Task (t\d+): from", comment)
            if match and line.startswith(f"{name}.attach_task("):
                self.attached[name] = match.group(1)
            comment = ""

    def of_module(self, module):
        return [n for n, m in self.policy_module.items() if m == module]

    def ends(self, name, frame, chosen):
        def choose(node):
            return chosen[self.policy_module[node]]
        made = []
        for _, way in self.recorder.push(name, frame, choose):
            modules = tuple(self.policy_module[n] for n in way if n in self.policy_module)
            exit_of = self.policy_module.get(way[-1])
            made.append((exit_of, modules, [self.task[n] for n in way if n in self.task]))
        return made


# What leaves by an exit; what no edge takes is nowhere.
def gone(ends):
    return [(end, way) for end, way in ends if end]


# Two modules that write to one device: the second one's way ends at the first one.
def joined(script, ends):
    merges = {script.policy_module[n] for n, m in script.recorder.modules.items()
              if m.row["name"] == "Merge" and n in script.policy_module}
    return [(way[-2], way[:-1]) if len(way) > 1 and way[-2] in merges else (end, way) for end, way, _ in ends]


# ---- the tree ----

def check_tree(script, schedule, problems):
    tasks = {t["id"]: t for t in schedule["tasks"]}
    nodes = {}
    for m in script.recorder.modules.values():
        for leaf in m.attached.values():
            nodes.setdefault(script.attached[m.name], []).append(leaf)
    for name in script.left_out:
        if tasks.pop(name)["service"]:
            problems.append(f"{name} is left out, and serves packets")
    if set(nodes) != set(tasks):
        problems.append(f"tasks {sorted(tasks)} of the plan, {sorted(map(str, nodes))} of the script")
        return
    k = schedule["workers"]
    for name, leaves in nodes.items():
        if len(leaves) != schedule["replicas"]:
            problems.append(f"{name}: {len(leaves)} leaves for {schedule['replicas']} copies")
        if any(leaf.root().wid % k != tasks[name]["worker"] for leaf in leaves):
            problems.append(f"{name} is on another worker")
    for tc in script.recorder.tcs.values():
        check_shares(tc, nodes, tasks, schedule, problems)
        check_ranks(tc, nodes, tasks, problems)


def leaves_below(node):
    return [node] if node.policy == "leaf" else [leaf for c in node.children for leaf in leaves_below(c)]


def task_of(leaf, nodes):
    return next(name for name, leaves in nodes.items() if leaf in leaves)


def check_shares(tc, nodes, tasks, schedule, problems):
    if tc.policy != "weighted_fair":
        return
    weights, slack = [], []
    most = max(0, min(0.02, schedule["tolerance"] - 0.001)) + 0.001
    for child in tc.children:
        below = [tasks[task_of(leaf, nodes)] for leaf in leaves_below(child)]
        weights.append(sum(t["weight"] for t in below))
        slack.append(schedule["accounting"] == "useful" and any(t["service"] == 1 for t in below))
    shares = [tc.keys[c] for c in tc.children]
    for i, a in enumerate(weights):
        for j, b in enumerate(weights):
            if a <= 0 or b <= 0 or 1 in (shares[i], shares[j]):
                continue  # a share is at least 1
            off = (shares[i] / shares[j]) / (a / b) - 1
            whole = 0.002 if max(shares) < 1024 and min(shares) > 500 else 0.6 / shares[i] + 0.6 / shares[j]
            if not -whole - most * slack[j] <= off <= whole + most * slack[i]:
                problems.append(f"{tc.name}: shares {shares} for weights {weights}")
                return


def check_ranks(tc, nodes, tasks, problems):
    if tc.policy != "priority" or tc.parent:
        return
    order = sorted(tc.children, key=lambda c: tc.keys[c])
    ranks = [min(tasks[task_of(leaf, nodes)]["priority"] for leaf in leaves_below(c)) for c in order]
    if ranks != sorted(ranks):
        problems.append(f"{tc.name}: ranks {ranks} in the order of priorities")


# ---- both ----

class Run:
    def __init__(self, plan, target, script, policy):
        self.plan, self.target, self.script = plan, target, script
        self.problems = []
        values, module = derived_values(policy)
        functions = {}
        for name, (attribute, members) in values.items():
            functions[name] = functions[f"{module}.{name}"] = (attribute, members)
        self.graphs = [Graph(p, functions) for p in plan["pipelines"] if p["name"] in target["config"]["pipelines"]]
        index = target["config"]["schedule"]
        self.schedule = None if index is None else plan["schedules"][index]
        classifier = self.schedule and self.schedule["classifier"]
        self.early = classifier and [(c["name"], Filter(c["when"]).holds) for c in classifier["classes"]]

    def classes_of(self, graph):
        found = []
        for c in self.plan["classes"]:
            paths = [tuple(p) for p in c["paths"] if p[0] in graph.modules]
            if paths:
                found.append((c["name"], Filter(c["match"]), set(paths)))
        return found

    def early_class(self, fields):
        if not self.early:
            return None
        return next((name for name, holds in self.early if name == "rest" or holds(fields)), "nobody")

    def check_tasks(self, fields, ways):
        """A parted packet is fed to tasks of its class, any packet to the tasks that have its modules."""
        tasks = {t["id"]: t for t in self.schedule["tasks"]}
        name = self.early_class(fields)
        for _, modules, fed in ways:
            for t in fed:
                if tasks[t]["class"] != name:
                    return f"fed to {t} of class {tasks[t]['class']}, and is of {name}"
                if tasks[t]["root"] not in modules:
                    return f"fed to {t}, whose root it does not pass"
            if name and name != "nobody" and not fed and any(
                    t["class"] == name and t["queue"] and t["root"] in modules for t in self.schedule["tasks"]):
                return f"passes no queue of {name}"
        return None

    def try_packet(self, graph, source, nodes, maker, met):
        device = graph.modules[source]["config"].get("device")
        frame, fields = maker.frame(device if isinstance(device, str) else None)
        chosen = {}
        for module, (attribute, values) in graph.values.items():
            chosen[module] = maker.random.randrange(len(values))
            fields[f"{module}.{attribute}"] = values[chosen[module]]
        if self.early_class(fields) == "nobody":
            return True
        expected = sorted(gone(graph.walk(source, fields)), key=str)
        node = maker.random.choice(nodes)
        ends = self.script.ends(node, frame, chosen)
        actual = sorted(gone(joined(self.script, ends)), key=str)
        wrong = None if expected == actual else f"takes {actual} and not {expected}"
        if not wrong and self.schedule:
            wrong = self.check_tasks(fields, ends)
        if wrong:
            self.problems.append(f"from {node}: {fields}: {wrong}")
        for name, match, paths in self.classes:
            if match.holds(fields) and any(way in paths for _, way in expected):
                met[name] = met.get(name, 0) + 1
        return not wrong

    def packets(self, graph, seed):
        filters = [f for _, _, _, f in graph.edges]
        self.classes = self.classes_of(graph)
        filters += [m for _, m, _ in self.classes]
        maker, met = Maker(seed, filters), {}
        sources = [(s, self.script.of_module(s)) for s in graph.sources()]
        for source, nodes in sources:
            if len(nodes) != self.target["config"]["replicas"]:
                self.problems.append(f"{source} is there {len(nodes)} times")
                return met
        tries = 0
        while tries < MOST_TRIES and (tries < N_PACKETS // scale() or any(
                met.get(name, 0) < ENOUGH for name, _, _ in self.classes)):
            source, nodes = sources[tries % len(sources)]
            tries += 1
            if not self.try_packet(graph, source, nodes, maker, met):
                break
        for name, _, _ in self.classes:
            if not self.problems and met.get(name, 0) < ENOUGH:
                self.problems.append(f"only {met.get(name, 0)} packets of {name} in {tries}")
        return met

    def check(self):
        counts = {}
        for i, graph in enumerate(self.graphs):
            counts.update(self.packets(graph, 7 + i))
        if self.schedule:
            check_tree(self.script, self.schedule, self.problems)
        return counts


def compile_policy(path, out):
    epic = os.environ.get("EPIC", "./epic")
    done = subprocess.run([epic, "compile", path, "-o", out, "--emit", "plan.json"],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def check_launch(out, target, plan):
    """What epic-dpdkd is started with (backend dpdk)."""
    path = os.path.join(out, target["files"][0])
    with open(path, encoding="utf-8") as f:
        launch = json.load(f)
    problems = []
    if list(launch) != ["devices", "eal", "lcores", "plan", "target"]:
        problems.append(f"keys {list(launch)}")
    if not os.path.exists(os.path.join(os.path.dirname(path), launch["plan"])):
        problems.append(f"there is no plan {launch['plan']}")
    config = target["config"]
    if len(set(launch["lcores"])) != config["replicas"] * len(config["cores"]):
        problems.append(f"lcores {launch['lcores']}")
    stated = {m["id"]: m["config"]["device"] for p in plan["pipelines"] if p["name"] in config["pipelines"]
              for m in p["modules"] if "device" in m["config"]}
    if {d["module"]: d["device"] for d in launch["devices"]} != stated:
        problems.append(f"devices {launch['devices']}")
    named = [d for option, d in zip(launch["eal"], launch["eal"][1:]) if option in ("-a", "--vdev")]
    if sorted(named) != sorted({d for d in stated.values() if re.match(r"net_|[0-9a-f:]+\.", d)}):
        problems.append(f"eal {launch['eal']}")
    return problems


def check_policy(path):
    with open(path, encoding="utf-8") as f:
        policy = f.read()
    stem = os.path.splitext(os.path.basename(path))[0]
    bad = n = 0
    with tempfile.TemporaryDirectory() as out:
        code, errors = compile_policy(path, out)
        if code:
            print(f"{stem}: epic ends with {code}\n{errors}")
            return 0, 1
        with open(os.path.join(out, stem + ".plan.json"), encoding="utf-8") as f:
            plan = json.load(f)
        for target in plan["targets"]:
            if target["backend"] == "dpdk":
                problems = check_launch(out, target, plan)
                print(f"{stem}, {target['name']}: launch.json{' ' if problems else ''}{'; '.join(problems)}")
                bad += bool(problems)
            if target["backend"] != "bess":
                continue
            n += 1
            with open(os.path.join(out, target["files"][0]), encoding="utf-8") as f:
                text = f.read()
            try:
                run = Run(plan, target, Script(text), policy)
                counts = run.check()
                problems = run.problems
            except Refused as e:
                counts, problems = {}, [f"refused: {e}"]
            if not problems and goes_unnoticed(plan, target, text, policy):
                problems = ["exchanged wires go unnoticed"]
            print(f"{stem}, {target['name']}: {counts}")
            for p in problems[:3]:
                print(f"  {p}")
            bad += bool(problems)
    return n, bad


def spoilt(text):
    """The script with two wires of a matcher exchanged; None: it has none that differ."""
    wires = re.findall(r"^(\w+)\.connect\((\w+), (\d+), 0\)$", text, re.M)
    for i, (name, to, gate) in enumerate(wires):
        for other, leads, number in wires[i + 1:]:
            if other == name and leads != to and re.search(rf"^{name} = WildcardMatch", text, re.M):
                return text.replace(f"{name}.connect({to}, {gate}, 0)", "EXCHANGED").replace(
                    f"{name}.connect({leads}, {number}, 0)", f"{name}.connect({to}, {number}, 0)").replace(
                    "EXCHANGED", f"{name}.connect({leads}, {gate}, 0)")
    return None


def goes_unnoticed(plan, target, text, policy):
    wrong = spoilt(text)
    if not wrong:
        return False
    try:
        run = Run(plan, target, Script(wrong), policy)
        run.check()
        return not run.problems
    except Refused:
        return False


def check_refused():
    """Each policy's first line says why BESS cannot do it."""
    folder = os.path.join(HERE, "refused")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".epi"))
    bad = 0
    for name in names:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as f:
            reason = f.readline()[2:].strip()
        with tempfile.TemporaryDirectory() as out:
            code, errors = compile_policy(path, out)
        if code != 1 or "error[E0802]" not in errors or reason not in errors:
            print(f"{name} ends with {code}, and not with: {reason}\n{errors}")
            bad += 1
    print(f"{len(names)} policies refused, {bad} of them wrongly")
    return bad + (not names)


def main(paths):
    n, bad = 0, check_refused()
    for path in paths:
        scripts, wrong = check_policy(path)
        n, bad = n + scripts, bad + wrong
    print(f"{n} scripts, {bad} of them wrong")
    return 1 if bad or not n else 0


if __name__ == "__main__":
    try:
        Recorder().pcap
    except OSError as e:
        print(f"libpcap is missing (Debian: libpcap0.8): {e}")
        sys.exit(77)
    sys.exit(main(sys.argv[1:]))
