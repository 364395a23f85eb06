#!/usr/bin/python3
"""examples/hospital.epi as it would be run: its sites in namespaces, epic-socksd at each proxy, nginx in front of one, real
clients and servers.  What arrives is what the plan says, and what should happen on the way happens."""
import base64
import glob
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import threading
import time

import hospital_world as h
import world as w
from hospital_world import HTTPS, METRICS, OTHER
from world import expect

TOP = os.path.abspath(os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "../..")))
EXAMPLES = os.environ.get("EPIC_EXAMPLES", os.path.join(TOP, "examples"))
EHR, WARD, ARCHIVE, COMPUTE, MIRROR = "10.1.0.10", "10.1.0.20", "10.2.0.10", "198.51.100.10", "2001:db8:3::10"
EHR_6, FRONT_6 = "2001:db8:1::10", "2001:db8:1::2"
CLINIC_PX, INSTITUTE_PX, CENTRE_PX = "10.1.0.2", "10.2.0.2", "198.51.100.2"
STRANGER = "10.1.0.30"  # in the clinic's network, unknown to the policy
NAMES = "epi.hospital."  # before those of nodes in a policy that imports them
BROKER = "std.bridges.key-broker"
MARKER = b"PATIENT-0815-IN-THE-CLEAR"
BIG = 20 << 20
PERMIT = "permit ehr => {institute.archive, centre.compute, centre.mirror}"
PERMIT_LESS = "permit ehr => {centre.compute, centre.mirror}"


class Hospital:
    """All that runs."""

    def __init__(self, world):
        self.world = world
        self.plan = h.Plan(world, os.path.join(EXAMPLES, "hospital.epi"), "out")
        # What runs is a copy, which a reload finds changed.
        self.in_force = world.path("hospital.plan")
        shutil.copy(self.plan.path, self.in_force)
        self.sites = h.Sites(world, self.plan, {"stranger": [STRANGER]})
        self.authority = h.Authority(world)
        self.servers = {}
        tls = h.tls_of(self.authority.sign("server", *(f"DNS:{n}" for n in self.plan.nodes)))
        for node, addresses in self.plan.nodes.items():
            if not node.endswith(".px"):
                with self.sites.at[node]:
                    self.servers[node] = h.Servers(node, addresses, tls)
        self.write_settings()
        self.proxies = {}
        # The broker first, so that nobody waits for keys.
        for site, host in ("institute", INSTITUTE_PX), ("clinic", CLINIC_PX), ("centre", CENTRE_PX):
            self.start_proxy(site, host)
        self.sites.start("nginx", "clinic.px", "nginx", "-p", os.path.join(self.plan.out, "clinic-front"), "-c", "nginx.conf",
                         "-g", "daemon off;", at=(CLINIC_PX, h.FRONT))

    def write_settings(self):
        self.keys, self.audit = self.world.path("keys"), self.world.path("audit.log")
        door = self.world.path("keys.socket")
        os.mkdir(self.keys, 0o700)
        files = {site: dict(zip(("certificate", "key"), self.authority.sign(site, f"IP:{host}")))
                 for site, host in (("clinic", CLINIC_PX), ("institute", INSTITUTE_PX))}
        for each in files.values():
            each["authority"] = self.authority.certificate
        self.settings = {
            "clinic": {"settings": {"std.bridges.recorder": {"file": self.audit},
                                    "std.bridges.seal": {"broker": f"{INSTITUTE_PX}:{h.BROKER}", **files["clinic"]}}},
            "institute": {"settings": {BROKER: {"keys": self.keys, "rotate": 3600, "ahead": 1, "clients": ["clinic"],
                                                "listen": f"{INSTITUTE_PX}:{h.BROKER}", "unix": door,
                                                **files["institute"]},
                                       "std.bridges.unseal": {"broker": f"unix:{door}"}}},
            "centre": {}}

    def control(self, site):
        return self.world.path(site + ".control")

    def start_proxy(self, site, host, plan=None, settings=None):
        path = self.world.write(site + ".json", json.dumps(settings or self.settings[site]))
        self.proxies[site] = self.sites.start(
            f"epic-socksd {site}", site + ".px", w.SOCKSD, "--plan", plan or self.in_force, "--target", site + "-chain",
            "--functions", path, "--threads", "2", "--log-json", "--control", self.control(site), at=(host, h.SOCKS))
        return self.proxies[site]

    def stop_proxy(self, site):
        self.world.stop(self.proxies.pop(site))

    def command(self, site, *words, code=0):
        done = w.sh(w.SOCKSD, "ask", "--control", self.control(site), *words, check=False)
        expect(done.returncode == code, f"ask {' '.join(words)}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout

    def reach(self, node, proxy, host, port=HTTPS, source=None):
        """An open connection through a proxy."""
        s, code = h.ask(self.sites, node, proxy, host, port, source)
        expect(code == 0, f"{node} to {host} port {port} by {proxy}: reply code {code}")
        return s


# ---- who reaches whom ----

def every_pair_of_nodes_is_as_the_plan_says(it):
    arrived, tried = set(), 0
    for source, to, site in itertools.product(it.servers, it.servers, it.proxies):
        proxy = it.plan.nodes[site + ".px"][0]
        if source == to or not h.has(it.plan.nodes[source], 4):
            continue  # the proxies take requests at their IPv4 addresses
        for host, port in itertools.product(it.plan.nodes[to], (HTTPS, OTHER)):
            tried += 1
            should = it.plan.may(site + "-chain", source, to, socket.IPPROTO_TCP, port)
            if should and not h.has(it.plan.nodes[site + ".px"], 6 if h.is_six(host) else 4) and site == "institute":
                _, code = h.ask(it.sites, source, proxy, host, port)
                expect(code == 3, f"{source} to {host}, where {site} has no way: reply code {code}")
                continue
            arrives(it, source, to, proxy, host, port, should)
            arrived |= {(source, to)} if should else set()
    flows = {(f["from"], f["to"]) for f in it.plan.flows if "== 6" in f["when"]}
    expect(arrived == flows, f"{arrived} arrived, not {flows}")
    print(f"  {tried} attempts, {len(arrived)} pairs arrive")


def arrives(it, source, to, proxy, host, port, should):
    """It arrives just if it SHOULD."""
    what = f"{source} to {host} port {port} by {proxy}"
    before = it.servers[to].accepted()
    s, code = h.ask(it.sites, source, proxy, host, port)
    expect(code == (0 if should else 2), f"{what}: reply code {code}")
    if should:
        answer = h.who(s)
        expect(answer.startswith(f"server {to} "), f"{what}: {answer!r}")
    expect(it.servers[to].accepted() == before + should, f"{what}: the server saw it, or did not")


def refusals_say_why(it):
    clinic = it.proxies["clinic"]
    time.sleep(1)  # for the limit of lines per second
    for source, host, port, why in (
            ("clinic.ehr", ARCHIVE, OTHER, f"no flow of the policy goes from {EHR} to {ARCHIVE}:{OTHER}/tcp"),
            ("clinic.ward", ARCHIVE, HTTPS, f"no flow of the policy goes from {WARD} to {ARCHIVE}:{HTTPS}/tcp"),
            ("stranger", ARCHIVE, HTTPS, f"no flow of the policy goes from {STRANGER} to {ARCHIVE}:{HTTPS}/tcp"),
            ("clinic.ehr", "203.0.113.10", HTTPS, f"no flow of the policy goes from {EHR} to 203.0.113.10:{HTTPS}/tcp"),
            ("institute.archive", EHR, HTTPS, "hospital.epi:71: institute.archive => clinic.ehr of results is allowed, but does"
             " not pass target clinic-chain")):
        _, code = h.ask(it.sites, source, CLINIC_PX, host, port)
        expect(code == 2, f"{source} to {host}: code {code}")
        expect(h.logged(clinic, "refused", why), f"no line says {why!r}")
    # Nobody speaks for others, or comes in the middle of a chain.
    _, code = h.ask(it.sites, "clinic.ehr", INSTITUTE_PX, ARCHIVE, HTTPS)
    expect(code == 2, f"past the clinic's proxy: code {code}")
    expect(h.logged(it.proxies["institute"], "refused", "hospital.epi:61: clinic.ehr => institute.archive begins with"
                    " std.bridges.recorder on clinic.px, not at institute.px"), "the reason is told")


def the_network_itself_lets_nobody_past_the_proxies(it):
    for source, host in ("clinic.ehr", ARCHIVE), ("clinic.ehr", MIRROR), ("clinic.ward", "203.0.113.10"):
        try:
            it.sites.dial(source, host, HTTPS).close()
        except OSError:
            continue
        raise w.Wrong(f"{source} reaches {host} directly")


def what_the_policy_forbids_or_cannot_bridge_is_refused_with_its_line(it):
    policy = os.path.join(TOP, "tests/e2e/hospital_refused.epi")
    plan = h.Plan(it.world, policy, "refused", "-I", EXAMPLES, code=1)
    it.stop_proxy("clinic")
    try:
        refuses(it, it.start_proxy("clinic", CLINIC_PX, plan.path), plan)
    finally:
        it.stop_proxy("clinic")
        it.start_proxy("clinic", CLINIC_PX)


def refuses(it, clinic, plan):
    portal = it.plan.nodes["office.portal"][0]
    for source, status, code in ("clinic.ehr", "forbidden", "E0602"), ("clinic.ward", "unbridgeable", "E0601"):
        flow = plan.flow(NAMES + source, NAMES + "office.portal", socket.IPPROTO_TCP, HTTPS)
        expect((flow["status"], flow["code"]) == (status, code), f"the plan: {flow}")
        arrives(it, source, "office.portal", CLINIC_PX, portal, HTTPS, False)
        place = f"{flow['source']['file']}:{flow['source']['line']}"
        why = f"{place}: {flow['from']} => {flow['to']} is {status} ({code}): {flow['reason']}"
        expect(h.logged(clinic, "refused", why), f"no line says {why!r}: {h.events(clinic)[-3:]}")
    # The institute's proxy runs the policy whose names have no module in front; seal and unseal need the same names.
    for to, host in ("centre.compute", COMPUTE), ("centre.mirror", MIRROR):
        arrives(it, "clinic.ehr", to, CLINIC_PX, host, HTTPS, True)


# ---- clients that know nothing of all this ----

def curl_is_redirected(it):
    """curl, TLS from end to end, IPv4 and IPv6."""
    for node, target in ("clinic.ehr", "clinic-chain"), ("institute.archive", "institute-chain"):
        process = it.sites.start(f"redirect {node}", node, w.SOCKSD, "redirect", "--plan", it.in_force, "--target", target,
                                 "--install", "--run", "--threads", "1", "--log-json", "--control",
                                 it.world.path(node + ".control"))
        w.eventually(lambda p=process: any(e["event"] == "start" for e in h.events(p)), f"the redirector of {node} starts")
    for node, to, host, seen in (
            ("clinic.ehr", "institute.archive", ARCHIVE, INSTITUTE_PX), ("clinic.ehr", "centre.compute", COMPUTE, CLINIC_PX),
            ("clinic.ehr", "centre.mirror", MIRROR, "2001:db8:3::2"), ("institute.archive", "clinic.ehr", EHR, INSTITUTE_PX),
            ("institute.archive", "clinic.ehr", EHR_6, None)):
        code, out, error = curl(it, node, to, host)
        if seen:
            expect((code, out) == (0, f"server {to} client {seen}\n"), f"{node} => {to}: curl {code} {out!r} {error}")
        else:  # The institute has no IPv6: its proxy finds no way.
            expect(code != 0, f"{node} => {host}: {out!r}")
    code, out, _ = curl(it, "clinic.ehr", "office.portal", "203.0.113.10")
    expect(code != 0 and not out, f"an undeclared flow: curl {code} {out!r}")


def curl(it, node, to, host):
    at = f"[{host}]" if ":" in host else host
    return it.sites.curl(node, "--cacert", it.authority.certificate, "--resolve", f"{to}:{HTTPS}:{at}", f"https://{to}/")


def nginx_stands_in_front_of_the_same_chain(it):
    before = len(records(it))
    code, out, error = it.sites.curl("clinic.ehr", "--cacert", it.authority.certificate, "--connect-to",
                                     f"institute.archive:{HTTPS}:{CLINIC_PX}:{h.FRONT}", "https://institute.archive/")
    expect((code, out) == (0, f"server institute.archive client {INSTITUTE_PX}\n"), f"curl {code} {out!r} {error}")
    w.eventually(lambda: len(records(it)) > before, "the recorder writes")
    last = [r for r in records(it)[before:] if r["event"] == "open"][-1]
    told = (last["source"].rpartition(":")[0], last["destination"], last["application"], last["from"], last["to"])
    expect(told == (EHR, f"{ARCHIVE}:{HTTPS}", "archive-copy", "clinic.ehr", "institute.archive"), f"the recorder wrote {last}")
    code, out, _ = it.sites.curl("clinic.ward", f"http://{CLINIC_PX}:{h.FRONT}/")
    expect(code != 0 and not out, f"the ward by nginx: curl {code} {out!r}")


def records(it):
    with open(it.audit, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


# ---- what the functions do ----

def bytes_are_sealed_between_the_proxies_only(it):
    legs = {n: it.sites.wire(n) for n in ("clinic.ehr", "clinic.px", "institute.px", "institute.archive")}
    with h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) as s:
        for i in range(200):
            word = MARKER + b" %d\n" % i
            s.sendall(word)
            expect(w.receive(s, len(word)) == word, "what is sent comes back")
    time.sleep(0.3)
    seen = {}
    for leg, wire in legs.items():
        seen[leg], missed = wire.close()
        expect(not missed, f"{missed} packets were missed at {leg}")

    def between(leg, *hosts):
        return [data for a, b, data in seen[leg] if {a[0], b[0]} == set(hosts)]
    for leg in "clinic.px", "institute.px":
        wire = between(leg, CLINIC_PX, INSTITUTE_PX)
        expect(sum(map(len, wire)) > 2 * 200 * len(MARKER), f"the wire at {leg} was seen")
        expect(MARKER not in b"".join(wire) and not any(MARKER in data for data in wire), f"in the clear at {leg}")
        expect(any(b"epSL" in data for data in wire), f"the format of seal at {leg}")
    for leg, hosts in ("clinic.ehr", (EHR, CLINIC_PX)), ("institute.archive", (ARCHIVE, INSTITUTE_PX)):
        clear = sum(data.count(MARKER) for data in between(leg, *hosts))
        expect(clear >= 400, f"{clear} times in the clear at {leg}, both ways of 200 words")


def much_passes_unchanged_while_keys_rotate(it):
    data = os.urandom(1 << 20) * (BIG >> 20)
    names = set(os.listdir(it.keys))
    rotated = threading.Event()
    s = h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE))

    def send():
        half = len(data) // 2
        s.sendall(data[:half])
        rotated.wait(20)
        s.sendall(data[half:])
        s.shutdown(socket.SHUT_WR)
    sender, digest, n = threading.Thread(target=send), hashlib.sha256(), 0
    sender.start()
    s.settimeout(30)
    while piece := s.recv(1 << 18):
        digest.update(piece)
        n += len(piece)
        if n >= BIG // 4 and not rotated.is_set():
            it.command("institute", "function", BROKER, "rotate")
            new = set(os.listdir(it.keys)) - names
            expect(new, "the broker has made a key")
            time.sleep(1.5)  # until it begins
            rotated.set()
    sender.join()
    s.close()
    expect((n, digest.digest()) == (BIG, hashlib.sha256(data).digest()), f"{n} of {BIG} bytes, or others, came back")
    newest = max(int(name.partition(".")[0]) for name in os.listdir(it.keys) if name.endswith(".key"))
    for site, name in ("clinic", "std.bridges.seal"), ("institute", "std.bridges.unseal"):
        key = function_status(it, site, name)
        expect(key["key"] == newest and key["renewed"] >= 1, f"{name} has gone on to key {newest}: {key}")
    w.eventually(lambda: [r for r in records(it) if r["event"] == "close" and r["bytes_forward"] > BIG],
                 "the recorder has written how much it was")


def function_status(it, site, name):
    status = json.loads(it.command(site, "stats", "json"))
    return next(f["status"] for f in status["functions"] if f["name"] == name)


def no_key_is_to_be_seen_anywhere(it):
    keys = []
    for path in glob.glob(os.path.join(it.keys, "*.key")):
        with open(path, encoding="ascii") as f:
            keys.append(f.readline().strip())
    expect(len(keys) >= 2, f"{len(keys)} keys")
    texts = {f"status of {site}": (it.command(site, "stats", "json") + it.command(site, "stats", "prometheus") +
                                   it.command(site, "connections")).encode() for site in it.proxies}
    texts["the broker's answer"] = it.command("institute", "function", BROKER, "help", code=1).encode()
    files = [p for p in glob.glob(it.world.folder + "/**", recursive=True)
             if os.path.isfile(p) and not p.startswith(it.keys + "/")]
    files += glob.glob("/proc/[0-9]*/cmdline") + [f"/proc/{p.pid}/environ" for p in it.proxies.values()]
    for path in files:
        try:
            with open(path, "rb") as f:
                texts[path] = f.read()
        except OSError:  # a process that has ended
            pass
    expect(any(p.endswith("hospital.plan") for p in texts) and any("cmdline" in p for p in texts), "it was looked for")
    for key in keys:
        raw = bytes.fromhex(key)
        forms = raw, key.encode(), key.upper().encode(), base64.b64encode(raw).rstrip(b"=")
        for where, text in texts.items():
            expect(not any(form in text for form in forms), f"a key is in {where}")


def the_recorder_notices_a_changed_byte(it):
    done = w.sh(w.SOCKSD, "audit", it.audit, check=False)
    expect(done.returncode == 0, f"audit: {done.returncode} {done.stdout} {done.stderr}")
    folder = it.world.path("forged")
    os.mkdir(folder)
    for path in glob.glob(it.audit + "*"):
        shutil.copy(path, folder)
    forged = os.path.join(folder, "audit.log")
    with open(forged, "r+b") as f:
        lines = f.read().splitlines(keepends=True)
        expect(len(lines) > 4, f"{len(lines)} lines")
        changed = next(i for i, line in enumerate(lines) if i > 1 and EHR.encode() in line)
        f.seek(sum(map(len, lines[:changed])) + lines[changed].index(EHR.encode()))
        f.write(b"9")
    done = w.sh(w.SOCKSD, "audit", forged, check=False)
    expect(done.returncode == 1, f"a forged log: {done.returncode}")
    expect(f"{os.path.basename(forged)}:{changed + 1}" in done.stdout + done.stderr or
           f"line {changed + 1}" in done.stdout + done.stderr, f"line {changed + 1}: {done.stdout} {done.stderr}")


def a_second_client_stays_out_of_the_segment(it):
    """The policy knows the ehr by two addresses; while one is in the receiver's segment, the other is beside it."""
    with h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) as first:
        before = it.servers["institute.archive"].accepted()
        with it.sites.dial("clinic.ehr", FRONT_6, h.FRONT, EHR_6) as second:
            try:
                second.sendall(b"who\n")
                got = w.receive_all(second)
            except OSError:
                got = b""
            expect(not got, f"the second client hears {got!r}")
        why = f"the segment of {ARCHIVE} is open to {EHR} for archive-copy, not to {EHR_6} for archive-copy"
        expect(h.logged(it.proxies["institute"], "refused", why), "the segment says why")
        # One whom the policy does not know comes neither by the proxy, nor by nginx, nor to the function itself.
        _, code = h.ask(it.sites, "stranger", CLINIC_PX, ARCHIVE, HTTPS)
        expect(code == 2, f"the stranger: code {code}")
        for host, port in (CLINIC_PX, h.FRONT), (CLINIC_PX, 11081), (INSTITUTE_PX, 11081), (INSTITUTE_PX, 11082):
            with it.sites.dial("stranger", host, port) as s:
                try:
                    if port != h.FRONT:
                        s.sendall(f"PROXY TCP4 {EHR} {CLINIC_PX} 4242 {h.FRONT}\r\n".encode())
                    s.sendall(b"who\n")
                    got = w.receive_all(s)
                except OSError:
                    got = b""
                expect(not got, f"the stranger hears {got!r} at {host} port {port}")
        expect(it.servers["institute.archive"].accepted() == before, "the receiver has seen nobody else")
        first.sendall(b"still here")
        expect(w.receive(first, 10) == b"still here", "the first one goes on")


# ---- datagrams ----

def datagrams_of_the_ward_arrive(it):
    a = h.Associate(it.sites, "clinic.ward", CLINIC_PX)
    for size in 1, 100, 1200:
        data = os.urandom(size)
        got = a.exchange(COMPUTE, METRICS, data)
        expect(got == f"centre.compute {CLINIC_PX} ".encode() + data, f"{size} bytes: {got}")
    for host, port in (COMPUTE, OTHER), (ARCHIVE, METRICS), (MIRROR, METRICS), ("203.0.113.10", METRICS):
        expect(a.exchange(host, port, b"x", 0.3) is None, f"an answer of {host} port {port}")
    expect(a.exchange(COMPUTE, METRICS, b"again") is not None, "it goes on")
    a.close()
    expect(h.logged(it.proxies["clinic"], "refused", f"no flow of the policy goes from {WARD} to {ARCHIVE}:{METRICS}/udp"),
           "the log says why")
    a = h.Associate(it.sites, "clinic.ehr", CLINIC_PX)
    expect(a.exchange(COMPUTE, METRICS, b"x", 0.3) is None, "metrics are the ward's alone")
    a.close()


# ---- a function in a process of its own ----

def a_function_may_be_a_process_of_its_own(it):
    port, name = 9000, "std.bridges.recorder"
    own = it.world.write("recorder.json", json.dumps({"settings": {name: {"file": it.world.path("own.log")}}}))

    def start():
        return it.sites.start("the recorder", "clinic.px", w.SOCKSD, "function", "--name", name, "--class", "audit-log",
                              "--listen", f"127.0.0.1:{port}", "--allow", f"{ARCHIVE}/32", "--functions", own, "--threads",
                              "1", "--log-json", "--control", it.world.path("recorder.control"), at=("127.0.0.1", port))
    recorder = start()
    seal = it.settings["clinic"]["settings"]["std.bridges.seal"]
    it.world.write("clinic.json", json.dumps({"settings": {"std.bridges.seal": seal},
                                                "links": {name: f"socks6://127.0.0.1:{port}"}}))
    it.command("clinic", "reload")
    expect(h.who(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) == f"server institute.archive client {INSTITUTE_PX}\n", "through it")

    def own_records():
        with open(it.world.path("own.log"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]
    w.eventually(lambda: len([r for r in own_records() if r["event"] == "open"]) == 1, f"it has recorded: {own_records()}")
    with h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) as s:
        os.kill(recorder.pid, signal.SIGKILL)
        expect(w.is_over(s), "its connections end with it")
    it.world.stop(recorder)
    _, code = h.ask(it.sites, "clinic.ehr", CLINIC_PX, ARCHIVE, HTTPS)
    expect(code == 5, f"without it: reply code {code}")
    expect(h.logged(it.proxies["clinic"], "refused", f"127.0.0.1:{port}"), "the log names who is gone")
    start()
    expect(h.who(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) == f"server institute.archive client {INSTITUTE_PX}\n", "again")
    w.eventually(lambda: len([r for r in own_records() if r["event"] == "open"]) == 3, "it has recorded again")
    done = w.sh(w.SOCKSD, "audit", it.world.path("own.log"), check=False)
    expect(done.returncode == 0, f"its log is whole: {done.stdout} {done.stderr}")
    it.world.write("clinic.json", json.dumps(it.settings["clinic"]))
    it.command("clinic", "reload")


# ---- while it runs ----

def a_reload_ends_what_is_no_longer_permitted_and_nothing_else(it):
    clinic = it.proxies["clinic"]
    gone = h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE))
    gone_too = h.echo(it.sites.dial("clinic.ehr", CLINIC_PX, h.FRONT))
    stays = h.echo(it.reach("clinic.ehr", CLINIC_PX, COMPUTE))
    by_chain = h.echo(it.reach("clinic.ehr", CLINIC_PX, MIRROR))
    association = h.Associate(it.sites, "clinic.ward", CLINIC_PX)
    expect(association.exchange(COMPUTE, METRICS, b"1"), "datagrams pass")
    data, got, ended = os.urandom(1 << 20) * 6, [], threading.Event()

    def pump():
        sender = threading.Thread(target=lambda: [(stays.sendall(data[i:i + 65536]), time.sleep(0.01))
                                                  for i in range(0, len(data), 65536)])
        sender.start()
        stays.settimeout(20)
        got.append(w.receive(stays, len(data)))
        sender.join()
        ended.set()
    pumping = threading.Thread(target=pump)
    pumping.start()
    with open(os.path.join(EXAMPLES, "hospital.epi"), encoding="utf-8") as f:
        text = f.read()
    expect(PERMIT in text, "the permit is there")
    less = h.Plan(it.world, it.world.write("hospital.epi", text.replace(PERMIT, PERMIT_LESS)), "less", code=1)
    ends = len([e for e in h.events(clinic) if e["event"] == "reload"])
    expect(not ended.is_set(), "the transfer runs")
    replace(it, less.path)
    clinic.send_signal(signal.SIGHUP)
    w.eventually(lambda: len([e for e in h.events(clinic) if e["event"] == "reload"]) >= ends + 2, "it reloads")
    expect(w.is_over(gone), "what is forbidden now ends")
    expect(w.is_over(gone_too), "by nginx, too")
    why = "hospital.epi:61: clinic.ehr => institute.archive is forbidden (E0603)"
    expect(h.logged(clinic, "reload", why), f"the log says why: {h.events(clinic)[-3:]}")
    arrives(it, "clinic.ehr", "institute.archive", CLINIC_PX, ARCHIVE, HTTPS, False)
    expect(h.logged(clinic, "refused", why), "and why new ones are refused")
    pumping.join()
    expect(got == [data], "the other goes on without losing a byte")
    by_chain.sendall(b"me too")
    expect(w.receive(by_chain, 6) == b"me too", "the one through the other chain, too")
    expect(association.exchange(COMPUTE, METRICS, b"2"), "and datagrams")
    facts = [e for e in h.events(clinic) if e["event"] == "reload" and "ended" in e][-1]
    expect(facts["ended"] == "2" and facts["kept"] == "3", f"what it says: {facts}")
    association.close()
    for s in gone, gone_too, stays:
        s.close()
    a_broken_plan_changes_nothing(it, clinic, by_chain)
    replace(it, it.plan.path)
    clinic.send_signal(signal.SIGHUP)
    w.eventually(lambda: not h.ask(it.sites, "clinic.ehr", CLINIC_PX, ARCHIVE, HTTPS)[1], "with the permit it is as before")


def replace(it, path):
    """As an administrator should: never half a file."""
    shutil.copy(path, it.in_force + ".new")
    os.rename(it.in_force + ".new", it.in_force)


def a_broken_plan_changes_nothing(it, clinic, open_one):
    with open(it.plan.path, "rb") as f:
        whole = f.read()
    for broken in whole[:len(whole) // 2], whole[:100] + b"\xff" + whole[101:], b"":
        with open(it.in_force, "wb") as f:
            f.write(broken)
        done = w.sh(w.SOCKSD, "ask", "--control", it.control("clinic"), "reload", check=False)
        expect(done.returncode == 1 and done.stderr + done.stdout, f"a reload of a broken plan: {done}")
    expect(h.logged(clinic, "reload", "the old policy stays in force"), "the log says so")
    open_one.sendall(b"on")
    expect(w.receive(open_one, 2) == b"on", "connections go on")
    open_one.close()
    arrives(it, "clinic.ehr", "centre.compute", CLINIC_PX, COMPUTE, HTTPS, True)
    arrives(it, "clinic.ehr", "institute.archive", CLINIC_PX, ARCHIVE, HTTPS, False)


def the_end_waits_for_a_transfer_and_lets_nobody_in(it):
    clinic, go_on = it.proxies.pop("clinic"), threading.Event()
    data = os.urandom(1 << 20) * 4
    with h.echo(it.reach("clinic.ehr", CLINIC_PX, ARCHIVE)) as s:
        s.settimeout(20)

        def send():
            s.sendall(data[:len(data) // 2])
            go_on.wait(10)
            s.sendall(data[len(data) // 2:])
            s.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        first = w.receive(s, 1 << 20)
        clinic.send_signal(signal.SIGTERM)
        w.eventually(lambda: is_shut(it), "nobody is let in")
        go_on.set()
        expect(first + w.receive_all(s) == data, "the running transfer completes")
        sender.join()
    expect(clinic.wait(10) == 0, f"then it ends with {clinic.returncode}: {it.world.tail(clinic)}")
    it.world.stop(clinic)


def is_shut(it):
    try:
        it.sites.dial("clinic.ehr", CLINIC_PX, h.SOCKS).close()
        return False
    except ConnectionRefusedError:
        return True


TESTS = [
    every_pair_of_nodes_is_as_the_plan_says, refusals_say_why, the_network_itself_lets_nobody_past_the_proxies,
    what_the_policy_forbids_or_cannot_bridge_is_refused_with_its_line, bytes_are_sealed_between_the_proxies_only,
    much_passes_unchanged_while_keys_rotate, nginx_stands_in_front_of_the_same_chain, curl_is_redirected,
    a_second_client_stays_out_of_the_segment, datagrams_of_the_ward_arrive, a_function_may_be_a_process_of_its_own,
    a_reload_ends_what_is_no_longer_permitted_and_nothing_else, no_key_is_to_be_seen_anywhere,
    the_recorder_notices_a_changed_byte, the_end_waits_for_a_transfer_and_lets_nobody_in]


def main():
    if os.getuid():
        w.skip("only root gives each node a network of its own and starts nginx there")
    w.need("ip", "nft", "nginx", "curl", "openssl", "nsenter", "unshare")
    if not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
        w.skip("nginx has no stream module (Debian: libnginx-mod-stream)")
    w.leave_network()
    world = w.World()
    it = Hospital(world)
    wanted = os.environ.get("TESTS", "").split()

    def of(test):
        def run(_):
            began = time.monotonic()
            try:
                test(it)
            except (LookupError, TypeError, ValueError, StopIteration) as e:
                raise w.Wrong(f"what it read is not as expected: {e!r}") from e
            print(f"  {time.monotonic() - began:.1f} s", flush=True)
        run.__name__ = test.__name__
        return run
    w.run_tests(world, [of(t) for t in TESTS if not wanted or any(n in t.__name__ for n in wanted)])


if __name__ == "__main__":
    main()
