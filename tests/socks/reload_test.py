#!/usr/bin/python3
"""What epic-socksd does while its policy changes: connections that stay, connections that end, listeners that come and go,
files that are none, hundreds of reloads under load, and ends in the middle of it."""
import functools
import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time

import world as w
from world import expect

USER, PROXY, BESIDE = "10.9.0.10", "10.9.0.2", "10.9.0.3"
PLAIN, FULL, METERED = "10.9.1.10", "10.9.1.20", "10.9.1.30"
PORT, OTHER, UDP = 8100, 8102, 8101
RELOADS = max(20, 300 // w.SCALE)
POLICY = """edition 1;
module test.reload;

use std.security { firewall, audit-log, rate-limiting };
use std.bridges as bf;

let anything = 1..65535/tcp;

domain here {
  node user { address 10.9.0.10; attributes {firewall, audit-log}; }
  node px : proxy { address 10.9.0.2; hosts {bf.recorder, bf.stateful-firewall, bf.rate-meter}; }
  default deny;
  permit user => there.* when {8100/tcp, 8102/tcp};
  permit there.metered => user when anything;
  permit user => there.full when 8101/udp;
}
domain there {
  node plain { address 10.9.1.10; }
  node metered { address 10.9.1.30; attributes {firewall, audit-log, rate-limiting}; }
  node full { address 10.9.1.20; attributes {firewall, audit-log}; }
}
application recorded { flow here.user => there.plain when 8100/tcp; }
application back { flow there.metered => here.user when anything; }
application straight { flow here.user => there.full when {8100/tcp%(more)s}; }
application datagrams { flow here.user => there.full when 8101/udp; }
target px : socks { for {%(applications)s}; at here.px; %(target)s }
"""


class Proxy:
    """epic-socksd with a plan that changes, and what it can be told."""

    def __init__(self, world, name="px", threads="2", limit=None):
        self.world, self.name, self.threads, self.limit = world, name, threads, limit
        self.control = world.path(name + ".control")
        self.plan, self.settings = world.path(name + ".plan"), world.path(name + ".json")
        self.functions = {"settings": {"std.bridges.recorder": {"file": world.path(name + ".records")},
                                       "std.bridges.rate-meter": {"rate": 1000000000}}}
        self.compile()
        self.set(self.functions)
        self.start()

    def compile(self, more="", target="version 6;", applications="recorded, back, straight, datagrams", again=False):
        made = self.world.compile("reload", POLICY % {"more": more, "target": target, "applications": applications})
        os.replace(made, self.plan)
        if again:
            return self.reload()
        return None

    def set(self, functions):
        self.world.write(os.path.basename(self.settings), json.dumps(functions))

    def start(self, port=1080):
        self.world.processes[:] = [p for p in self.world.processes if p.poll() is None]
        self.process = self.world.start(self.name, w.SOCKSD, "--plan", self.plan, "--functions", self.settings, "--control",
                                        self.control, "--threads", self.threads, "--per-client", "100", "-q", port=port,
                                        host=PROXY, limit=self.limit)

    def stop(self):
        self.world.stop(self.process)

    def ask(self, *words, code=0):
        done = w.sh(w.SOCKSD, "ask", "--control", self.control, *words, check=False)
        expect(done.returncode == code, f"ask {' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def reload(self, code=0):
        return self.ask("reload", code=code)

    def stats(self):
        return json.loads(self.ask("stats"))

    def rest(self):
        """Nothing is open any more; the number of descriptors."""
        w.eventually(lambda: not self.stats()["open"], f"connections end: {self.stats()['open']}")
        return w.descriptors(self.process)


# ---- clients ----

def dial(port=1080, source=USER):
    s = socket.create_connection((PROXY, port), w.WAIT, (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def connect(host, port=PORT, at=1080):
    """A code and a connection."""
    s = dial(at)
    s.sendall(w.request6(host, port))
    expect(w.auth_reply6(s)[0] == 0, "authentication succeeds")
    code = w.reply6(s)[0]
    if code:
        s.close()
    return code, s


def reach(host, port=PORT, at=1080):
    code, s = connect(host, port, at)
    expect(code == 0, f"{host} port {port}: reply code {code}")
    return s


def talks(s, text=b"are you there?"):
    s.sendall(text)
    return w.receive(s, len(text)) == text


def refuses(port=1080):
    try:
        dial(port).close()
    except ConnectionRefusedError:
        return True
    return False


def bound_by_proxy():
    """A connection that waits for one of the server's, and where."""
    s = dial()
    s.sendall(w.request6("0.0.0.0", 0, command=2))
    expect(w.auth_reply6(s)[0] == 0, "authentication succeeds")
    code, host, port, _ = w.reply6(s)
    expect((code, host) == (0, PROXY), f"BIND: reply code {code}, at {host}")
    return s, port


def come_to(port):
    return socket.create_connection((PROXY, port), w.WAIT, (METERED, 0))


class Association:
    """Over UDP."""

    def __init__(self):
        self.control = dial()
        self.control.sendall(w.request6("0.0.0.0", 0, command=3))
        expect(w.auth_reply6(self.control)[0] == 0, "authentication succeeds")
        code, host, port, _ = w.reply6(self.control)
        expect(code == 0, f"UDP ASSOCIATE: reply code {code}")
        version, kind, size, self.id = struct.unpack("!BBHQ", w.receive(self.control, 12))
        expect((version, kind, size) == (6, 1, 12), f"the first message: {version} {kind} {size}")
        self.udp, self.at = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), (host, port)
        self.udp.bind((USER, 0))

    def message(self, host, port, data):
        address = w.packed(host)
        body = bytes([address[0], 0]) + struct.pack("!H", port) + address[1:] + data
        return struct.pack("!BBHQ", 6, 3, 12 + len(body), self.id) + body

    def answers(self, host, port, seconds=w.WAIT):
        self.udp.settimeout(seconds)
        self.udp.sendto(self.message(host, port, b"echo"), self.at)
        try:
            return self.udp.recv(2000).endswith(b"echo")
        except socket.timeout:
            return False

    def close(self):
        self.udp.close()
        self.control.close()


# ---- what stays ----

def connections_outlive_a_reload_that_allows_them(px):
    straight, recorded = reach(FULL), reach(PLAIN)
    for _ in range(5):
        answer = px.reload()
        expect(answer == "2 connections kept, 0 ended\n", answer)
        expect(talks(straight) and talks(recorded), "they go on")
    straight.close()
    recorded.close()
    px.rest()


def functions_that_were_opened_after_a_reload_outlive_the_next(px):
    """The request is older than its functions."""
    s, port = bound_by_proxy()
    px.reload()
    server = come_to(port)
    expect(w.reply6(s)[0] == 0, "the server has come")
    for _ in range(4):
        expect(px.reload() == "1 connections kept, 0 ended\n", "the connection that the server made stays")
        time.sleep(0.3)
        server.sendall(b"from the server")
        expect(w.receive(s, 15) == b"from the server", "it goes on")
    server.close()
    s.close()
    px.rest()


def an_association_outlives_what_was_denied_to_it(px):
    a = Association()
    expect(a.answers(FULL, UDP), "what is permitted passes")
    expect(not a.answers(PLAIN, UDP, 0.3), "what is not does not")
    expect(px.reload() == "1 connections kept, 0 ended\n", "the association stays")
    expect(a.answers(FULL, UDP), "and passes")
    a.close()
    px.rest()


def what_is_no_longer_permitted_ends(px):
    px.compile(more=", 8102/tcp", again=True)
    kept, gone = reach(FULL), reach(FULL, OTHER)
    answer = px.compile(again=True)
    expect(answer == "1 connections kept, 1 ended\n", answer)
    expect(w.is_over(gone) and talks(kept), "the right one")
    kept.close()
    px.rest()


def half_a_request_is_answered_by_the_new_policy(px):
    px.compile(more=", 8102/tcp", again=True)
    request = w.request6(FULL, OTHER)
    s = dial()
    s.sendall(request[:5])
    time.sleep(0.2)
    px.compile(again=True)
    s.sendall(request[5:])
    expect(w.auth_reply6(s)[0] == 0, "authentication succeeds")
    code = w.reply6(s)[0]
    expect(code == 2, f"what the new policy does not permit: reply code {code}")
    s.close()


# ---- listeners ----

def listeners_come_and_go(px):
    held = reach(FULL)
    answer = px.compile(target="version 6; listen 1090/tcp;", again=True)
    expect(answer == "0 connections kept, 1 ended\n", answer)
    expect(w.is_over(held) and refuses(), "the old port is closed")
    reach(FULL, at=1090).close()
    blocker = socket.create_server((PROXY, 1080))
    px.compile()
    expect("in use" in px.reload(code=1), "the reload fails")
    reach(FULL, at=1090).close()
    blocker.close()
    px.reload()
    expect(refuses(1090), "the new port is closed")
    reach(FULL).close()


def fast_open_comes_and_goes(px):
    held = reach(FULL)
    for target in "version 6; fast-open yes;", "version 6;":
        answer = px.compile(target=target, again=True)
        expect(answer == "1 connections kept, 0 ended\n", answer)
        expect(talks(held), "its connections go on")
        reach(FULL).close()
    held.close()


def a_function_elsewhere_may_come_to_ports_of_functions(px):
    """From the address that the settings name, which is not the proxy's own."""
    base = px.rest()
    px.set({**px.functions, "links": {"std.bridges.stateful-firewall": f"socks6://{BESIDE}:9000"}})
    px.reload()
    ports = [int(at.rpartition(":")[2]) for at in px.stats()["listeners"] if not at.endswith(":1080")]
    for port in ports * 40:
        with dial(port, BESIDE) as s:
            s.sendall(w.GREETING + w.request5(PLAIN, PORT))
            expect(w.receive(s, 2) == b"\5\0", "it is heard, however often it came")
    px.set(px.functions)
    px.reload()
    w.eventually(lambda: px.rest() <= base, "all descriptors come back")
    reach(PLAIN).close()


# ---- files that are none ----

def what_cannot_be_read_changes_nothing(px):
    held = reach(FULL)
    with open(px.plan, "rb") as f:
        good = f.read()

    def fails(what):
        answer = px.reload(code=1)
        expect(answer.strip(), f"{what}: a reason is told")
        expect(talks(held), f"{what}: connections go on")
        reach(FULL).close()
    for what, data in ("empty", b""), ("cut", good[:len(good) // 2]), ("zeros", bytes(4096)), ("text", b"{}\n"), \
            ("long", good + bytes(100 << 20)):
        with open(px.plan, "wb") as f:
            f.write(data)
        fails(f"a plan, {what}")
    os.unlink(px.plan)
    fails("no plan")
    os.mkdir(px.plan)
    fails("a folder as plan")
    os.rmdir(px.plan)
    with open(px.plan, "wb") as f:
        f.write(good)
    for text in "", "{", "[]", "null", '{"settings": 3}', '{"keys": {}}', '{"links": {"std.bridges.recorder": "nowhere"}}', \
            '{"classes": {"std.bridges.recorder": "none"}}', '{"settings": {"std.bridges.recorder": {"fiel": "x"}}}', \
            '{"settings": {"std.bridges.recorder": {}}}', "[" * 100000, '{"a":' * 10000 + "1", " " * (2 << 20):
        px.world.write("px.json", text)
        fails(f"settings {text[:60]}")
    px.set(px.functions)
    expect(px.reload() == "1 connections kept, 0 ended\n", "good ones are taken")
    held.close()


def what_cannot_begin_says_why(px):
    for words, code, why in (["open", "--listen", f"{PROXY}:1080"], 5, "in use"), \
            (["--plan", px.world.folder], 2, "Is a directory"), (["--plan", "/dev/null"], 2, "no plan"):
        done = w.sh(w.SOCKSD, *words, "--control", "none", check=False)
        expect(done.returncode == code and why in done.stderr, f"{words}: {done.returncode}: {done.stderr}")


def users_and_their_passwords_change(px):
    users = px.world.write("users", "anna:first\n")
    os.chmod(users, 0o600)
    px.compile(target=f'version 5; auth password; users "file:{users}";', applications="straight", again=True)

    def knows(password):
        with dial() as s:
            s.sendall(bytes([5, 1, 2]) + w.credentials("anna", password))
            expect(w.receive(s, 2) == b"\5\2", "a password is asked for")
            return w.receive(s, 2) == b"\1\0"
    expect(knows("first") and not knows("second"), "the first password")
    px.world.write("users", "anna:second\n")
    expect(knows("first"), "the old file is in force until a reload")
    px.reload()
    expect(knows("second") and not knows("first"), "the second password")
    px.world.write("users", "anna\n")
    expect("users" in px.reload(code=1), "a line that is none is told")
    expect(knows("second"), "the old file stays in force")
    px.compile(again=True)


# ---- load ----

class Traffic:
    """Threads that make connections of all kinds until they are told to end."""

    def __init__(self):
        self.over, self.made, self.wrong = False, 0, []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(4)]
        for t in self.threads:
            t.start()

    def run(self, i):
        while not self.over and not self.wrong:
            try:
                with reach((FULL, PLAIN)[i % 2]) as s:
                    expect(talks(s, os.urandom(1000)), "an echo")
                self.made += 1
            except (OSError, EOFError, w.Wrong) as e:
                self.wrong.append(repr(e))

    def end(self):
        self.over = True
        for t in self.threads:
            t.join()
        expect(not self.wrong, f"a connection fails: {self.wrong[:3]}")
        expect(self.made, "some were made")


def hundreds_of_reloads_under_load(px):
    base, held, a = px.rest(), [reach((FULL, PLAIN)[i % 2]) for i in range(8)], Association()
    traffic = Traffic()
    for i in range(RELOADS):
        if i == RELOADS // 4:
            before = w.memory(px.process)
        if i % 10 == 0:
            reach((FULL, PLAIN)[i // 10 % 2]).close()
            held.append(reach(FULL))
        px.reload()
    traffic.end()
    expect(all(talks(s) for s in held) and a.answers(FULL, UDP), "those that are held go on")
    grown = w.memory(px.process) - before
    # A sanitizer keeps freed memory for a while.
    expect(grown < (8 << 20) * w.SCALE, f"{grown >> 10} KiB more after {RELOADS} reloads")
    for s in held:
        s.close()
    a.close()
    w.eventually(lambda: px.rest() <= base + 4, "all descriptors come back")
    print(f"  {RELOADS} reloads among {traffic.made} connections, {grown >> 10} KiB more")


def a_storm_of_signals(px):
    traffic = Traffic()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        px.process.send_signal(signal.SIGHUP)
    traffic.end()
    px.reload()


# ---- ends ----

def who_drains_lets_nobody_in_again(px):
    held = reach(FULL)
    px.ask("drain")
    w.eventually(refuses, "nobody is let in")
    expect(px.reload() == "1 connections kept, 0 ended\n", "a reload is still possible")
    expect(refuses() and talks(held), "and lets nobody in")
    held.close()
    expect(px.process.wait(w.WAIT) == 0, "it ends with the last one")
    px.start()


def an_end_among_reloads(px):
    for number in signal.SIGTERM, signal.SIGINT:
        for _ in range(50):
            px.process.send_signal(signal.SIGHUP)
        px.process.send_signal(number)
        for _ in range(50):
            px.process.send_signal(signal.SIGHUP)
        expect(px.process.wait(w.WAIT) == 0, f"it ends with {px.process.returncode}")
        px.start()


def a_killed_one_can_be_started_again(px):
    px.process.kill()
    px.process.wait()
    expect(os.path.exists(px.control), "its control socket is still there")
    px.start()
    expect(px.stats()["open"] == 0, "it answers")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(px.control)
        s.sendall(b"sta")
        px.stats()
        s.sendall(os.urandom(8000))
        px.stats()


def is_served():
    """Descriptors of those who left are free a moment later."""
    try:
        return connect(FULL)[0] == 0
    except (ConnectionResetError, EOFError):
        return False


def threads_without_descriptors_rest(px):
    px.stop()
    few = Proxy(px.world, "few", limit=48)
    crowd = [dial() for _ in range(120)]
    for s in crowd:
        s.sendall(w.request6(FULL, PORT))
    time.sleep(0.5)
    spent = w.cpu(few.process)
    time.sleep(1)
    spent = w.cpu(few.process) - spent
    expect(spent < 0.3, f"{spent} s of a second for nothing")
    for s in crowd:
        s.close()
    w.eventually(is_served, "others are served")
    few.stop()
    px.start()


def echo_datagrams():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((FULL, UDP))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def with_proxy(test, px):
    @functools.wraps(test)
    def run(_):
        return test(px)
    return run


def main():
    w.need("ip", "prlimit")
    w.leave_network()
    w.add_address(*(f"{a}/32" for a in (USER, PROXY, BESIDE, PLAIN, FULL, METERED)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for host, port in (PLAIN, PORT), (FULL, PORT), (FULL, OTHER):
        w.Server(w.echo, host, port)
    threading.Thread(target=echo_datagrams, daemon=True).start()
    world = w.World()
    px = Proxy(world)
    tests = [connections_outlive_a_reload_that_allows_them, functions_that_were_opened_after_a_reload_outlive_the_next,
             an_association_outlives_what_was_denied_to_it, what_is_no_longer_permitted_ends,
             half_a_request_is_answered_by_the_new_policy, listeners_come_and_go, fast_open_comes_and_goes,
             a_function_elsewhere_may_come_to_ports_of_functions, what_cannot_be_read_changes_nothing,
             what_cannot_begin_says_why, users_and_their_passwords_change, hundreds_of_reloads_under_load,
             a_storm_of_signals, threads_without_descriptors_rest, who_drains_lets_nobody_in_again, an_end_among_reloads,
             a_killed_one_can_be_started_again]
    wanted = sys.argv[1:]
    w.run_tests(world, [with_proxy(t, px) for t in tests if not wanted or any(name in t.__name__ for name in wanted)])


if __name__ == "__main__":
    main()
