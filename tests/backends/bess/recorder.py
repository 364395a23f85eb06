"""A strict stand-in for bessctl and bessd.

It executes a script as bessctl does with plain Python (the module classes, the drivers and
`bess` are its globals), refuses what bessd refuses and what loads but does not do what it
says, and then sends packets through what was recorded.

    r = Recorder()
    r.run(text)          raises Refused
    r.push("rx", frame)  [(exit, [modules on the way])], copies included
"""
import ctypes
import ctypes.util
import io
import ipaddress
import json
import keyword
import os
import re
import tokenize

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_GATES = 8192
MAX_WORKERS = 64
DROP = None
POLICIES = ("priority", "weighted_fair", "round_robin", "rate_limit")
RANGES = {"uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
          "int32": (-2**31, 2**31 - 1), "int64": (-2**63, 2**63 - 1)}


class Refused(Exception):
    """What bessd would not load, or would not run as it is written."""


def refuse(text):
    raise Refused(text)


# ---- types of arguments, as modules.json spells them ----

def split_top(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "{<") - (c in "}>")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [p.strip() for p in parts + [text[start:]] if p.strip()]


def parse_type(text):
    """(kind, detail, one-of group)"""
    text = text.strip()
    group = re.search(r"\(one of (\w+)\)", text.split("{")[0])
    text = text.replace(group.group(0), "", 1).strip() if group else text
    text = re.sub(r"\s+\{", "{", text)
    group = group.group(1) if group else None
    if text.startswith("repeated "):
        return "list", parse_type(text[len("repeated "):]), group
    if text.startswith("map<"):
        return "map", [parse_type(t) for t in split_top(text[4:-1])], group
    if "{" in text:
        return "message", parse_fields(split_top(text[text.index("{") + 1:text.rindex("}")])), group
    return text, None, group


def parse_fields(items):
    fields = {}
    for item in items:
        if not item.startswith("("):
            name, kind = item.split(":", 1)
            fields[name] = parse_type(kind)
    return fields


def check_value(where, kind, value):
    name, detail, _ = kind
    if name in RANGES:
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(f"{where} is no whole number: {value!r}")
        low, high = RANGES[name]
        if not low <= value <= high:
            refuse(f"{where} is out of the range of {name}: {value}")
    elif name in ("double", "float"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            refuse(f"{where} is no number: {value!r}")
    elif name == "bool":
        if not isinstance(value, bool):
            refuse(f"{where} is neither True nor False: {value!r}")
    elif name == "string":
        if not isinstance(value, str):
            refuse(f"{where} is no text: {value!r}")
    elif name == "bytes":
        if not isinstance(value, bytes):
            refuse(f"{where} is no bytes: {value!r}")
    elif name == "list":
        if not isinstance(value, (list, tuple)):
            refuse(f"{where} is no list: {value!r}")
        for i, member in enumerate(value):
            check_value(f"{where}[{i}]", detail, member)
    elif name == "map":
        if not isinstance(value, dict):
            refuse(f"{where} is no map: {value!r}")
        for key, member in value.items():
            check_value(f"a key of {where}", detail[0], key)
            check_value(f"{where}[{key!r}]", detail[1], member)
    elif name == "message":
        if not isinstance(value, dict):
            refuse(f"{where} is no message: {value!r}")
        check_message(where, detail, value)
    else:
        refuse(f"{where}: unknown type {name}")


def check_message(where, fields, values):
    groups = {}
    for name, value in values.items():
        if name not in fields:
            refuse(f"{where} has no field '{name}'")
        group = fields[name][2]
        if group and groups.setdefault(group, name) != name:
            refuse(f"{where} is given both '{groups[group]}' and '{name}'")
        check_value(f"{where}.{name}", fields[name], value)


# ---- BPF, by the library that bessd uses ----

class BpfProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


class PacketHeader(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long),
                ("caplen", ctypes.c_uint), ("length", ctypes.c_uint)]


class Pcap:
    """libpcap (Debian: libpcap0.8)."""

    def __init__(self):
        name = ctypes.util.find_library("pcap") or "libpcap.so.0.8"
        self.lib = ctypes.CDLL(name)
        self.lib.pcap_open_dead.restype = ctypes.c_void_p
        self.lib.pcap_geterr.restype = ctypes.c_char_p
        self.lib.pcap_geterr.argtypes = [ctypes.c_void_p]
        self.lib.pcap_compile.argtypes = [ctypes.c_void_p, ctypes.POINTER(BpfProgram),
                                          ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
        self.lib.pcap_offline_filter.argtypes = [ctypes.POINTER(BpfProgram),
                                                 ctypes.POINTER(PacketHeader), ctypes.c_char_p]
        self.handle = self.lib.pcap_open_dead(1, 0xffff)

    def compile(self, text):
        program = BpfProgram()
        if self.lib.pcap_compile(self.handle, ctypes.byref(program), text.encode(), 1, 0xffffffff):
            refuse(f"BPF: {self.lib.pcap_geterr(self.handle).decode()}: {text[:200]}")
        return program

    def holds(self, program, frame):
        header = PacketHeader(0, 0, len(frame), len(frame))
        return self.lib.pcap_offline_filter(ctypes.byref(program), ctypes.byref(header), frame) != 0


# ---- what a script sets up ----

class Port:
    def __init__(self, driver, name, arguments):
        self.driver, self.name, self.arguments = driver, name, arguments
        self.queues = {"inc": max(1, arguments.get("num_inc_q", 0)),
                       "out": max(1, arguments.get("num_out_q", 0))}
        self.users = {"inc": {}, "out": {}}

    def acquire(self, module, direction, queue=None):
        queues = range(self.queues[direction]) if queue is None else [queue]
        for q in queues:
            if q >= self.queues[direction]:
                refuse(f"{self.name} has no queue {q}")
            if self.users[direction].setdefault(q, module) is not module:
                refuse(f"queue {q} of {self.name} is in use by {self.users[direction][q].name}")


class TrafficClass:
    def __init__(self, name, policy, parent, wid):
        self.name, self.policy, self.parent, self.wid = name, policy, parent, wid
        self.children, self.keys = [], {}  # priorities or shares, by child
        self.task = None  # of a leaf: (module, task)

    def root(self):
        return self.parent.root() if self.parent else self


class Module:
    """Base of the classes that a script sees; made by Recorder."""
    recorder = None
    row = None

    def __init__(self, *positional, **arguments):
        if positional:
            refuse(f"{self.row['name']} takes keywords only")
        self.name = arguments.pop("name", None)
        self.arguments = arguments
        self.wires = {}  # output gate: (module, input gate)
        self.attached = {}
        self.n_tasks = 1 if self.row["task"] else 0
        self.recorder.add_module(self)

    def connect(self, next_mod, ogate=0, igate=0):
        self.recorder.connect(self, next_mod, ogate, igate)
        return next_mod

    def attach_task(self, parent="", wid=-1, module_taskid=0, priority=None, share=None):
        self.recorder.attach(self, parent, wid, module_taskid, priority, share)

    def command(self, name, positional, arguments):
        if positional:
            refuse(f"{self.name}.{name} takes keywords only")
        self.recorder.check_command(self, name, arguments)


def command_of(name):
    return lambda self, *positional, **arguments: self.command(name, positional, arguments)


class Bess:
    def __init__(self, recorder):
        self._recorder = recorder

    def add_worker(self, *positional, **arguments):
        if positional:
            refuse("add_worker takes keywords only")
        self._recorder.add_worker(**arguments)

    def add_tc(self, *positional, **arguments):
        if positional:
            refuse("add_tc takes keywords only")
        self._recorder.add_tc(**arguments)


def whole(where, value, low, high):
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(f"{where} is no whole number: {value!r}")
    if not low <= value <= high:
        refuse(f"{where} is not in {low}...{high}: {value}")


class Recorder:
    def __init__(self):
        with open(os.path.join(HERE, "modules.json"), encoding="utf-8") as f:
            data = json.load(f)
        self.rows = {m["name"]: m for m in data["modules"]}
        self.drivers = data["drivers"]
        self.port_common = data["port_common"]
        self.commands = {name: parse_fields(fields) for name, fields in data["cmdargs"].items()}
        self.modules, self.ports, self.workers, self.tcs = {}, {}, {}, {}
        self.roots = {}  # by worker: tops of trees
        self._pcap = None

    @property
    def pcap(self):
        self._pcap = self._pcap or Pcap()
        return self._pcap

    # ---- running ----

    def globals(self):
        g = {"bess": Bess(self), "ConfError": Refused}
        for name, row in self.rows.items():
            members = {"recorder": self, "row": row}
            members.update({c: command_of(c) for c in row["cmds"]})
            g[name] = type(name, (Module,), members)
        for name in self.drivers:
            g[name] = self.driver(name)
        return g

    def driver(self, name):
        def make(*positional, **arguments):
            if positional:
                refuse(f"{name} takes keywords only")
            return self.add_port(name, arguments)
        return make

    def run(self, text):
        check_text(text)
        g = self.globals()
        before = set(g)
        try:
            code = compile(text, "script", "exec")
        except SyntaxError as e:
            refuse(f"no Python: {e}")
        try:
            exec(code, g)
        except Refused:
            raise
        except Exception as e:
            refuse(f"{type(e).__name__}: {e}")
        for name in before:
            if name in g and isinstance(g[name], Module):
                refuse(f"'{name}' hides what bessctl offers under that name")
        for name, value in g.items():
            if isinstance(value, (Module, Port)) and value.name != name:
                refuse(f"the variable '{name}' holds '{value.name}'")
        self.finish()

    # ---- names ----

    def check_name(self, name, taken):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            refuse(f"no name: {name!r}")
        if name in self.rows or name in self.drivers or name in ("bess", "ConfError") or keyword.iskeyword(name):
            refuse(f"the name '{name}' is reserved")
        if name in taken:
            refuse(f"the name '{name}' is taken")

    # ---- ports and modules ----

    def add_port(self, driver, arguments):
        name = arguments.pop("name", None)
        self.check_name(name, {**self.ports, **self.modules})
        fields = parse_fields(self.drivers[driver])
        fields.update({key: ("uint64", None, None) for key in self.port_common})
        check_message(name, fields, arguments)
        if driver == "PMDPort" and not any(k in arguments for k in ("port_id", "pci", "vdev")):
            refuse(f"{name} names no device")
        for other in self.ports.values():
            for key in ("port_id", "pci", "vdev"):
                if key in arguments and other.arguments.get(key) == arguments[key]:
                    refuse(f"{name} and {other.name} are one device")
        self.ports[name] = Port(driver, name, arguments)
        return self.ports[name]

    def add_module(self, m):
        kind = m.row["name"]
        self.check_name(m.name, {**self.modules, **self.ports})
        check_message(m.name, parse_fields(m.row["args"]), m.arguments)
        self.modules[m.name] = m
        check = getattr(self, "make_" + kind, None)
        if check:
            check(m)

    def make_Queue(self, m):
        size = m.arguments.get("size", 1024)
        if not 4 <= size <= 16384 or size & (size - 1):
            refuse(f"{m.name}: {size} is no size of a queue")

    def port_of(self, m):
        name = m.arguments.get("port", "")
        return self.ports.get(name) or refuse(f"{m.name}: there is no port '{name}'")

    def make_PortInc(self, m):
        port = self.port_of(m)
        port.acquire(m, "inc")
        m.n_tasks = port.queues["inc"]

    def make_PortOut(self, m):
        self.port_of(m).acquire(m, "out")

    def make_QueueInc(self, m):
        self.port_of(m).acquire(m, "inc", m.arguments.get("qid", 0))

    def make_QueueOut(self, m):
        self.port_of(m).acquire(m, "out", m.arguments.get("qid", 0))

    def make_WildcardMatch(self, m):
        fields = m.arguments.get("fields", [])
        if not 1 <= len(fields) <= 8:
            refuse(f"{m.name}: {len(fields)} fields")
        size = 0
        for f in fields:
            if ("offset" in f) == ("attr_name" in f):
                refuse(f"{m.name}: a field needs either an offset or a name")
            if not 1 <= f.get("num_bytes", 0) <= 8 or f.get("offset", 0) > 1024:
                refuse(f"{m.name}: a field of {f.get('num_bytes')} bytes")
            if size > 56:
                refuse(f"{m.name}: the last field spills over the key")
            size += f["num_bytes"]
        m.rules, m.default = [], DROP

    make_ExactMatch = make_WildcardMatch

    def make_BPF(self, m):
        m.filters = []
        self.cmd_BPF_add(m, m.arguments)

    def make_IPLookup(self, m):
        if len(m.name) > 27:
            refuse(f"{m.name}: the name of an IPLookup is cut after 27 letters")
        m.routes = {}

    def make_Replicate(self, m):
        m.gates = list(m.arguments.get("gates", []))
        if not m.gates or len(m.gates) > 32 or m.gates[0] != 0 or len(set(m.gates)) != len(m.gates):
            refuse(f"{m.name}: gates {m.gates}")

    def make_HashLB(self, m):
        m.gates = list(m.arguments.get("gates", []))
        if not m.gates:
            refuse(f"{m.name} has no gates")

    make_RoundRobin = make_RandomSplit = make_HashLB

    def make_L2Forward(self, m):
        m.default = DROP

    def make_ACL(self, m):
        m.rules = m.arguments.get("rules", [])
        for rule in m.rules:
            for key in ("src_ip", "dst_ip"):
                ipaddress.ip_network(rule.get(key, ""))

    def make_SetMetadata(self, m):
        if len(m.arguments.get("attrs", [])) > 16:
            refuse(f"{m.name}: more than 16 attributes")

    def make_NAT(self, m):
        addresses = m.arguments.get("ext_addrs", [])
        if not addresses:
            refuse(f"{m.name}: no external address")
        for a in addresses:
            ipaddress.IPv4Address(a.get("ext_addr", ""))

    def make_VLANPush(self, m):
        if m.arguments.get("tci", 0) > 0xffff:
            refuse(f"{m.name}: tci out of range")

    # ---- commands ----

    def check_command(self, m, name, arguments):
        check_message(f"{m.name}.{name}", self.commands[m.row["cmds"][name]], arguments)
        act = getattr(self, f"cmd_{m.row['name']}_{name}", None)
        if act:
            act(m, arguments)

    def check_gate(self, m, gate):
        whole(f"a gate of {m.name}", gate, 0, gates(m.row["ogates"]) - 1)

    def cmd_WildcardMatch_add(self, m, a):
        fields = m.arguments["fields"]
        values, masks = a.get("values", []), a.get("masks", [])
        if len(values) != len(fields) or len(masks) != len(fields):
            refuse(f"{m.name}: {len(values)} values and {len(masks)} masks for {len(fields)} fields")
        key, pattern = [], []
        for f, v, k in zip(fields, values, masks):
            key.append(field_number(m, f, v))
            pattern.append(field_number(m, f, k))
            if key[-1] & ~pattern[-1]:
                refuse(f"{m.name}: a value is not covered by its mask")
        self.check_gate(m, a.get("gate", 0))
        rule = (tuple(key), tuple(pattern), a.get("priority", 0), a.get("gate", 0))
        if any(r[:2] == rule[:2] for r in m.rules):
            refuse(f"{m.name}: a rule replaces another one")
        m.rules.append(rule)
        if len({r[1] for r in m.rules}) > 8:
            refuse(f"{m.name}: more than 8 mask patterns")

    def set_default(self, m, a):
        self.check_gate(m, a.get("gate", 0))
        m.default = a.get("gate", 0)

    cmd_WildcardMatch_set_default_gate = cmd_ExactMatch_set_default_gate = set_default
    cmd_L2Forward_set_default_gate = set_default

    def cmd_BPF_add(self, m, a):
        for f in a.get("filters", []):
            self.check_gate(m, f.get("gate", 0))
            program = self.pcap.compile(f.get("filter", ""))
            m.filters.append((f.get("priority", 0), f.get("gate", 0), program))
        m.filters.sort(key=lambda f: -f[0])
        if len({f[0] for f in m.filters}) != len(m.filters):
            refuse(f"{m.name}: two filters have one priority")

    def cmd_IPLookup_add(self, m, a):
        length = a.get("prefix_len", 0)
        try:
            network = ipaddress.IPv4Network((a.get("prefix", ""), length))
        except ValueError as e:
            refuse(f"{m.name}: {e}")
        self.check_gate(m, a.get("gate", 0))
        m.routes[network] = a.get("gate", 0)

    # ---- wires ----

    def connect(self, m, to, ogate, igate):
        if not isinstance(to, Module):
            refuse(f"{m.name} is connected to no module: {to!r}")
        whole(f"the output gate of {m.name}", ogate, 0, gates(m.row["ogates"]) - 1)
        whole(f"the input gate of {to.name}", igate, 0, gates(to.row["igates"]) - 1)
        if ogate in m.wires:
            refuse(f"output gate {ogate} of {m.name} is in use")
        m.wires[ogate] = (to, igate)

    # ---- scheduling ----

    def add_worker(self, wid=None, core=None, scheduler=""):
        whole("wid", wid, 0, MAX_WORKERS - 1)
        whole("core", core, 0, 1023)
        if wid in self.workers:
            refuse(f"worker {wid} is there already")
        if core in [w[0] for w in self.workers.values()]:
            refuse(f"two workers on core {core}")
        if scheduler not in ("", "experimental"):
            refuse(f"no scheduler: {scheduler!r}")
        self.workers[wid] = (core, scheduler)

    def hang(self, what, node, parent, wid, priority, share):
        if parent and wid != -1:
            refuse(f"{what}: both a parent and a worker")
        if not parent:
            if wid not in self.workers:
                refuse(f"{what}: there is no worker {wid}")
            if priority is not None or share is not None:
                refuse(f"{what}: a share or priority at the root")
            node.wid = wid
            self.roots.setdefault(wid, []).append(node)
            return
        if parent not in self.tcs:
            refuse(f"{what}: there is no class '{parent}'")
        above = self.tcs[parent]
        self.check_key(what, above, priority, share)
        above.children.append(node)
        above.keys[node] = priority if above.policy == "priority" else share
        node.parent = above

    def check_key(self, what, above, priority, share):
        if above.policy == "priority":
            if share is not None:
                refuse(f"{what}: a share under priority")
            whole(f"{what}: priority", priority, 0, 2**31 - 1)
            if priority in above.keys.values():
                refuse(f"{what}: priority {priority} twice under {above.name}")
        elif above.policy == "weighted_fair":
            if priority is not None:
                refuse(f"{what}: a priority under weighted_fair")
            whole(f"{what}: share", share, 1, 1024)
        elif priority is not None or share is not None:
            refuse(f"{what}: a share or priority under {above.policy}")
        if above.policy == "rate_limit" and above.children:
            refuse(f"{above.name} has two children")

    def add_tc(self, name=None, policy=None, wid=-1, parent="", resource=None, priority=None, share=None,
               limit=None, max_burst=None):
        if not isinstance(name, str) or not name or name[0] == "!":
            refuse(f"no name of a class: {name!r}")
        if name in self.tcs:
            refuse(f"two classes '{name}'")
        if policy not in POLICIES:
            refuse(f"{name}: no policy: {policy!r}")
        if policy == "weighted_fair" and resource != "cycle":
            refuse(f"{name}: weighted_fair by {resource!r} stalls or does not load")
        if policy in ("priority", "round_robin") and resource is not None:
            refuse(f"{name}: {policy} shares out nothing")
        if policy == "rate_limit" and (not limit or not max_burst):
            refuse(f"{name}: rate_limit needs limit and max_burst")
        node = TrafficClass(name, policy, None, -1)
        self.hang(name, node, parent, wid, priority, share)
        self.tcs[name] = node

    def attach(self, m, parent, wid, task, priority, share):
        whole(f"a task of {m.name}", task, 0, 1023)
        if task >= m.n_tasks:
            refuse(f"{m.name} has no task {task}")
        if task in m.attached:
            refuse(f"task {task} of {m.name} is attached twice")
        leaf = TrafficClass(f"!leaf_{m.name}:{task}", "leaf", None, -1)
        leaf.task = (m, task)
        self.hang(m.name, leaf, parent, wid, priority, share)
        m.attached[task] = leaf

    # ---- the whole ----

    def finish(self):
        if not self.workers:
            refuse("no workers")
        for m in self.modules.values():
            self.check_module(m)
        for tc in self.tcs.values():
            if not tc.children:
                refuse(f"the class '{tc.name}' has no children")
            if tc.policy == "priority" and self.workers[tc.root().wid][1] != "experimental":
                refuse(f"{tc.name}: an idle task of a higher priority starves those below")
        for wid, roots in self.roots.items():
            if len(roots) > 1 and any(r.policy != "leaf" for r in roots):
                refuse(f"worker {wid}: a tree beside a hidden round robin")
        for wid in self.workers:
            if wid not in self.roots:
                refuse(f"worker {wid} has nothing to do")
        self.check_loops()
        self.check_reach()

    def check_module(self, m):
        for task in range(m.n_tasks):
            if task not in m.attached:
                refuse(f"task {task} of {m.name} is not attached")
        if gates(m.row["igates"]) and not any(to is m for o in self.modules.values() for to, _ in o.wires.values()):
            refuse(f"nothing leads to {m.name}")
        for gate in self.used_gates(m):
            if gate is DROP:
                refuse(f"{m.name} drops what no rule takes")
            if gate not in m.wires:
                refuse(f"output gate {gate} of {m.name} leads nowhere")
        for gate in m.wires:
            if gates(m.row["ogates"]) > 2 and gate not in self.used_gates(m):
                refuse(f"nothing leaves {m.name} by gate {gate}")

    def used_gates(self, m):
        kind = m.row["name"]
        if kind == "WildcardMatch":
            return {r[3] for r in m.rules} | {m.default}
        if kind in ("ExactMatch", "L2Forward"):
            return {m.default}
        if kind == "BPF":
            return {f[1] for f in m.filters} | {0}
        if kind == "IPLookup":
            return set(m.routes.values()) or {DROP}
        if kind == "ACL":
            return {0} if m.rules else {DROP}
        if hasattr(m, "gates"):
            return set(m.gates)
        n = gates(m.row["ogates"])
        return set(range(n if n <= 2 else 1))

    def check_loops(self):
        state = {}

        def visit(m):
            state[m] = 1
            for to, _ in m.wires.values():
                if to.row["name"] == "Queue":
                    continue
                if state.get(to) == 1:
                    refuse(f"a loop without a Queue through {to.name}")
                if to not in state:
                    visit(to)
            state[m] = 2

        for m in self.modules.values():
            if m not in state:
                visit(m)

    def check_reach(self):
        reached = {}
        for m in self.modules.values():
            for leaf in m.attached.values():
                self.reach(m, leaf.root().wid, reached, set())
        for m, wids in reached.items():
            if len(wids) > 1 and not m.row["multiworker"]:
                refuse(f"workers {sorted(wids)} reach {m.name}, a {m.row['name']}")

    def reach(self, m, wid, reached, seen):
        if m in seen:
            return
        seen.add(m)
        reached.setdefault(m, set()).add(wid)
        for to, _ in m.wires.values():
            if to.row["name"] != "Queue":
                self.reach(to, wid, reached, seen)

    # ---- packets ----

    def push(self, name, frame, choose=None):
        """Where copies of FRAME end, and the modules on the way.  CHOOSE(module) gives the gate of a
        module that decides by itself."""
        ends = []
        self.follow(self.modules[name], frame, [], choose, ends)
        return ends

    def follow(self, m, frame, way, choose, ends):
        if len(way) > 1000:
            refuse("a packet goes round for ever")
        way = way + [m.name]
        out = self.leaving(m, frame, choose)
        if out == "end":
            ends.append((m.name, way))
            return
        for gate in out:
            if gate is DROP or gate not in m.wires:
                ends.append((None, way))
            else:
                self.follow(m.wires[gate][0], frame, way, choose, ends)

    def leaving(self, m, frame, choose):
        kind = m.row["name"]
        if not gates(m.row["ogates"]):
            return "end"
        if kind == "WildcardMatch":
            return [wildcard_gate(m, frame)]
        if kind == "BPF":
            for _, gate, program in m.filters:
                if self.pcap.holds(program, frame):
                    return [gate]
            return [0]
        if kind == "IPLookup":
            return [route_gate(m, frame)]
        if kind in ("ExactMatch", "L2Forward"):
            return [m.default]
        if kind == "Replicate":
            return m.gates
        if kind in ("NAT", "StaticNAT"):
            return [1]
        if hasattr(m, "gates") and choose:
            return [choose(m.name)]
        return [0]


def gates(text):
    return {"MAX_GATES": MAX_GATES, "kMaxGates": 32, "Worker::kMaxWorkers": MAX_WORKERS}.get(text) or int(text)


def field_number(m, field, data):
    if len(data) != 1:
        refuse(f"{m.name}: a value needs value_int or value_bin")
    if "value_bin" in data:
        if len(data["value_bin"]) != field["num_bytes"]:
            refuse(f"{m.name}: {data['value_bin']!r} is not {field['num_bytes']} bytes")
        return int.from_bytes(data["value_bin"], "big")
    if data["value_int"] >> 8 * field["num_bytes"]:
        refuse(f"{m.name}: {data['value_int']} takes more than {field['num_bytes']} bytes")
    return data["value_int"]


def wildcard_gate(m, frame):
    padded = frame + bytes(1100)
    key = [int.from_bytes(padded[f["offset"]:f["offset"] + f["num_bytes"]], "big") for f in m.arguments["fields"]]
    best = [r for r in m.rules if all(k & mask == v for k, v, mask in zip(key, r[0], r[1]))]
    if not best:
        return m.default
    top = max(r[2] for r in best)
    chosen = {r[3] for r in best if r[2] == top}
    if len(chosen) > 1:
        refuse(f"{m.name}: rules of one priority disagree")
    return chosen.pop()


def route_gate(m, frame):
    address = ipaddress.IPv4Address((frame + bytes(64))[30:34])
    best = [n for n in m.routes if address in n]
    return m.routes[max(best, key=lambda n: n.prefixlen)] if best else DROP


def check_text(text):
    """bessctl rewrites some signs before Python sees them."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError) as e:
        refuse(f"no Python: {e}")
    for before, token in zip(tokens, tokens[1:]):
        if token.string == "->" or (before.string, token.string) == (":", ":"):
            refuse(f"bessctl rewrites line {token.start[0]}")
        if token.type == tokenize.ERRORTOKEN and token.string == "$":
            refuse(f"bessctl rewrites line {token.start[0]}")
