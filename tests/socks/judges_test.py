#!/usr/bin/python3
"""curl, PySocks, proxychains4 and raw bytes against epic-socksd."""
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import world as w
from world import expect

# Ports: of proxies without a policy, of the policy's targets, and of servers.
OPEN, ONLY_SIX, HOP_2, HOP_3 = 1180, 1181, 1182, 1183
PLAIN, LOCKED, FIVE = 1080, 1081, 1085
HTTP, ECHO, TALKER, NOBODY, FORBIDDEN = 8000, 8001, 8002, 8009, 9009
PX, SERVER, SERVER_6 = "127.0.0.3", "127.0.1.1", "fd66::1"
# Whoever goes there hears nothing; and there is no way to the other.
SILENT, NO_ROUTE = "10.66.0.1", "198.51.100.1"
USER, PASSWORD = "alice", "correct horse"

POLICY = """edition 1;
module judge;

domain site {
  node client { address {127.0.0.1, ::1}; }
  node server { address {127.0.1.0/24, fd66::/64}; }
  node px : proxy { address 127.0.0.3; }
  default deny;
  permit client => server;
}

application app {
  purpose "to be judged";
  flow site.client => site.server when 8000..8099/tcp;
  flow site.client => site.server when 8000..8099/udp;
}

target plain  : socks { for app; at site.px; listen 1080/tcp; }
target five   : socks { for app; at site.px; version 5; listen 1085/tcp; }
target locked : socks { for app; at site.px; version 5; listen 1081/tcp; auth password; users "file:users"; }
"""


# ---- curl ----

def curl(*arguments, seconds="10"):
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(["curl", "-sS", "--noproxy", "", "--max-time", seconds, *arguments], env=environment,
                          capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr.strip()


def curl_gets(*arguments, path="/x"):
    code, out, error = curl(*arguments)
    expect((code, out) == (0, f"you asked for {path}\n"), f"curl {' '.join(arguments)}: {code} {out!r} {error}")


def curl_fails(wanted, *arguments):
    code, out, error = curl(*arguments)
    expect(code == wanted, f"curl {' '.join(arguments)}: {code}, not {wanted}: {out!r} {error}")


def curl_with_an_address_and_with_a_name(_):
    for mode in "--socks5", "--socks5-hostname":
        curl_gets(mode, f"127.0.0.1:{OPEN}", f"http://{SERVER}:{HTTP}/x")
        curl_gets(mode, f"127.0.0.1:{OPEN}", f"http://localhost:{HTTP}/x")


def curl_to_ipv6(_):
    for mode in "--socks5", "--socks5-hostname":
        curl_gets(mode, f"127.0.0.1:{OPEN}", f"http://[{SERVER_6}]:{HTTP}/x")
        curl_gets(mode, f"{PX}:{FIVE}", f"http://[{SERVER_6}]:{HTTP}/x")


def curl_speaks_through_the_policy(_):
    for mode in "--socks5", "--socks5-hostname":
        curl_gets(mode, f"{PX}:{FIVE}", f"http://{SERVER}:{HTTP}/x")


def curl_with_user_and_password(_):
    for mode in "--socks5", "--socks5-hostname":
        curl_gets(mode, f"{PX}:{LOCKED}", "--proxy-user", f"{USER}:{PASSWORD}", f"http://{SERVER}:{HTTP}/x")
        curl_gets(mode, f"{PX}:{LOCKED}", "--proxy-user", f"{USER}:{PASSWORD}", "--socks5-basic", f"http://{SERVER}:{HTTP}/x")
        # Who need not show them may.
        curl_gets(mode, f"{PX}:{FIVE}", "--proxy-user", f"{USER}:{PASSWORD}", f"http://{SERVER}:{HTTP}/x")


def curl_with_a_wrong_password_fails_as_it_should(_):
    for user in f"{USER}:wrong", "mallory:x":
        curl_fails(97, "--socks5", f"{PX}:{LOCKED}", "--proxy-user", user, f"http://{SERVER}:{HTTP}/x")
    curl_fails(97, "--socks5", f"{PX}:{LOCKED}", f"http://{SERVER}:{HTTP}/x")


def curl_is_told_of_refusals(_):
    curl_fails(97, "--socks5", f"127.0.0.1:{OPEN}", f"http://{SERVER}:{NOBODY}/x")
    curl_fails(97, "--socks5", f"{PX}:{FIVE}", f"http://{SERVER}:{FORBIDDEN}/x")
    curl_fails(97, "--socks5-hostname", f"127.0.0.1:{OPEN}", "http://no-such-host.invalid/x")


# ---- PySocks ----

def pysocks(kind=socket.SOCK_STREAM, port=OPEN, host="127.0.0.1", **more):
    s = socks.socksocket(socket.AF_INET, kind)
    s.set_proxy(socks.SOCKS5, host, port, **more)
    s.settimeout(w.WAIT)
    return s


def pysocks_over_tcp(_):
    for more in {"rdns": True}, {"rdns": False}, {"username": USER, "password": PASSWORD}:
        for host in SERVER, "localhost":
            with pysocks(**more) as s:
                s.connect((host, ECHO))
                s.sendall(b"hello")
                expect(w.receive(s, 5) == b"hello", f"an echo through PySocks with {more}")
    with pysocks(port=LOCKED, host=PX, username=USER, password=PASSWORD) as s:
        s.connect((SERVER, ECHO))
        s.sendall(b"hello")
        expect(w.receive(s, 5) == b"hello", "an echo with user and password")


def pysocks_is_told_of_errors(_):
    def error(where, **more):
        try:
            with pysocks(**more) as s:
                s.connect(where)
        except socks.ProxyError as e:
            return str(e)
        return "no error"
    expect("0x05" in error((SERVER, NOBODY)), f"refused: {error((SERVER, NOBODY))}")
    expect("0x02" in error((SERVER, FORBIDDEN), port=FIVE, host=PX), "forbidden is said to be so")
    wrong = error((SERVER, ECHO), port=LOCKED, host=PX, username=USER, password="wrong")
    expect("authentication failed" in wrong, f"a wrong password: {wrong}")


def pysocks_over_udp(_):
    with pysocks(socket.SOCK_DGRAM) as s:
        for size in 1, 512, 1400, 9000:
            data = os.urandom(size)
            s.sendto(data, (SERVER, ECHO))
            got, sender = s.recvfrom(65536)
            expect(got == data, f"{len(got)} of {size} bytes came back")
            expect(sender == (SERVER, ECHO), f"they came from {sender}")


def pysocks_over_udp_through_the_policy(_):
    with pysocks(socket.SOCK_DGRAM, port=FIVE, host=PX) as s:
        s.sendto(b"forbidden", (SERVER, FORBIDDEN))
        s.sendto(b"permitted", (SERVER, ECHO))
        expect(s.recvfrom(100)[0] == b"permitted", "only what the policy permits comes back")


# ---- proxychains4 ----

def proxychains_through_three_hops(world):
    if not shutil.which("proxychains4"):
        return "proxychains4 is missing"
    lines = "\n".join(f"socks5 127.0.0.1 {p}" for p in (OPEN, HOP_2, HOP_3))
    times = "tcp_connect_time_out 8000\ntcp_read_time_out 8000"
    conf = world.write("proxychains.conf", f"strict_chain\n{times}\n[ProxyList]\n{lines}\n")
    for host in SERVER, "127.0.1.2":
        words = ["proxychains4", "-q", "-f", conf, "curl", "-sS", "--max-time", "10", f"http://{host}:{HTTP}/x"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        expect(done.stdout == "you asked for /x\n", f"proxychains4: {done.returncode} {done.stdout!r} {done.stderr}")
    return None


# ---- splits of the stream ----

def every_byte_in_a_segment_of_its_own(_):
    cases = [(OPEN, w.GREETING, b"\5\0", w.request5(host, ECHO), w.reply5) for host in (SERVER, SERVER_6, "localhost")]
    for port, greeting, method, request, reply in cases:
        with w.dial(port) as s:
            w.dribble(s, greeting)
            expect(w.receive(s, 2) == method, "the method")
            w.dribble(s, request)
            expect(reply(s)[0] == 0, "the reply")
            w.dribble(s, b"slow")
            expect(w.receive(s, 4) == b"slow", "the echo")
    with w.dial(LOCKED, PX) as s:
        w.dribble(s, bytes([5, 2, 0, 2]))
        expect(w.receive(s, 2) == b"\5\2", "user and password are asked for")
        w.dribble(s, w.credentials(USER, PASSWORD))
        expect(w.receive(s, 2) == b"\1\0", "they are right")
        w.dribble(s, w.request5(SERVER, ECHO) + b"x")
        expect(w.reply5(s)[0] == 0 and w.receive(s, 1) == b"x", "the connection")
    for host in SERVER, SERVER_6, "localhost":
        with w.dial(OPEN) as s:
            w.dribble(s, w.request6(host, ECHO, options=w.option(2, bytes([0, 5]))) + b"early")
            expect(w.auth_reply6(s)[0] == 0, "authentication")
            expect(w.reply6(s)[0] == 0 and w.receive(s, 5) == b"early", "the connection")


def a_whole_handshake_in_one_segment(_):
    for host in SERVER, SERVER_6, "localhost":
        for data in b"", b"data", os.urandom(40000):
            with w.dial(OPEN) as s:
                s.sendall(w.GREETING + w.request5(host, ECHO) + data)
                s.shutdown(socket.SHUT_WR)
                expect(w.receive(s, 2) == b"\5\0" and w.reply5(s)[0] == 0, f"SOCKS5 to {host}")
                expect(w.receive_all(s) == data, f"SOCKS5: {len(data)} bytes to {host} come back")
            with w.dial(OPEN) as s:
                s.sendall(w.request6(host, ECHO) + data)
                s.shutdown(socket.SHUT_WR)
                expect(w.auth_reply6(s)[0] == 0 and w.reply6(s)[0] == 0, f"SOCKS6 to {host}")
                expect(w.receive_all(s) == data, f"SOCKS6: {len(data)} bytes to {host} come back")


def credentials_in_one_segment(_):
    with w.dial(LOCKED, PX) as s:
        s.sendall(bytes([5, 1, 2]) + w.credentials(USER, PASSWORD) + w.request5(SERVER, ECHO) + b"data")
        expect(w.receive(s, 2) == b"\5\2" and w.receive(s, 2) == b"\1\0", "the password is right")
        expect(w.reply5(s)[0] == 0 and w.receive(s, 4) == b"data", "the data come back")
    with w.dial(LOCKED, PX) as s:
        s.sendall(bytes([5, 1, 2]) + w.credentials(USER, "wrong") + w.request5(SERVER, ECHO) + b"data")
        expect(w.receive(s, 2) == b"\5\2", "the method")
        status = w.receive(s, 2)
        expect(status[0] == 1 and status[1] != 0, f"the password is wrong: {status.hex()}")
        expect(w.is_over(s), "nothing follows")


def a_server_that_speaks_first(_):
    for connect in w.connect5, w.connect6:
        with connect(OPEN, SERVER, TALKER) as s:
            expect(w.receive(s, 6) == b"hello\n", "the greeting of the server")


# ---- replies ----

def code5(request, port=OPEN, host="127.0.0.1", seconds=w.WAIT):
    with w.dial(port, host, seconds) as s:
        s.sendall(w.GREETING + request)
        expect(w.receive(s, 2) == b"\5\0", "a method is chosen")
        code = w.reply5(s)[0]
        expect(code == 0 or w.is_over(s), "a refusal is the end")
        return code


def code6(request, port=OPEN, host="127.0.0.1", seconds=w.WAIT):
    with w.dial(port, host, seconds) as s:
        s.sendall(request)
        expect(w.auth_reply6(s)[0] == 0, "authentication succeeds")
        code = w.reply6(s)[0]
        expect(code == 0 or w.is_over(s), "a refusal is the end")
        return code


def both_codes(wanted, host, port, **more):
    for version, code in ((5, code5(w.request5(host, port), **more)), (6, code6(w.request6(host, port), **more))):
        expect(code == wanted, f"SOCKS{version}: {host} port {port}: code {code}, not {wanted}")


def code_0_and_1_success(_):
    both_codes(0, SERVER, ECHO)
    both_codes(0, SERVER_6, ECHO)


def code_2_not_allowed(_):
    both_codes(2, "192.0.2.1", 80)
    code = code5(w.request5(SERVER, FORBIDDEN), port=FIVE, host=PX)
    expect(code == 2, f"SOCKS5, by the policy: {code}")
    code = code6(w.request6(SERVER, FORBIDDEN), port=PLAIN, host=PX)
    expect(code == 2, f"SOCKS6, by the policy: {code}")


def code_3_network_unreachable(_):
    both_codes(3, NO_ROUTE, 80)


def code_4_host_unreachable(_):
    both_codes(4, "10.67.0.1", 80)
    both_codes(4, "no-such-host.invalid", 80)


def code_5_refused(_):
    both_codes(5, SERVER, NOBODY)
    both_codes(5, SERVER_6, NOBODY)
    both_codes(5, "localhost", NOBODY)


def code_6_time_to_live_expired(world):
    """A router in between, and a request for packets that live for one hop only."""
    holders = [world.start(f"namespace {n}", "unshare", "-n", "sleep", "600") for n in ("router", "far")]
    w.eventually(lambda: all(os.readlink(f"/proc/{p.pid}/ns/net") != os.readlink("/proc/self/ns/net") for p in holders),
                 "namespaces")
    router, far = (p.pid for p in holders)

    def at(pid, *words):
        w.sh("nsenter", "-t", str(pid), "-n", *words)
    w.sh("ip", "link", "add", "ttl0", "type", "veth", "peer", "name", "near", "netns", str(router))
    w.sh("ip", "address", "add", "10.68.0.1/24", "dev", "ttl0")
    w.sh("ip", "link", "set", "ttl0", "up")
    w.sh("ip", "route", "add", "10.68.1.0/24", "via", "10.68.0.2")
    at(router, "ip", "link", "add", "away", "type", "veth", "peer", "name", "eth0", "netns", str(far))
    for name, address in ("near", "10.68.0.2/24"), ("away", "10.68.1.1/24"):
        at(router, "ip", "address", "add", address, "dev", name)
        at(router, "ip", "link", "set", name, "up")
    at(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    at(far, "ip", "address", "add", "10.68.1.2/24", "dev", "eth0")
    at(far, "ip", "link", "set", "eth0", "up")
    at(far, "ip", "route", "add", "default", "via", "10.68.1.1")
    both_codes(5, "10.68.1.2", 80)
    code = code6(w.request6("10.68.1.2", 80, options=w.option(1, bytes([2 << 6 | 1, 3, 1, 0]))), seconds=60)
    for process in holders:
        world.stop(process)
    expect(code == 6, f"code {code}, not 6")


def code_7_command_not_supported(_):
    for command in 4, 9, 0xff:
        code = code5(w.request5(SERVER, ECHO, command))
        expect(code == 7, f"SOCKS5 command {command}: code {code}")
        code = code6(w.request6(SERVER, ECHO, command))
        expect(code == 7, f"SOCKS6 command {command}: code {code}")


def code_8_address_type_not_supported(_):
    code = code5(bytes([5, 1, 0, 2]) + bytes(6))
    expect(code == 8, f"SOCKS5: code {code}")
    code = code6(bytes([6, 1, 0, 0, 0, 80, 0, 2]) + bytes(4))
    expect(code == 8, f"SOCKS6: code {code}")


def code_9_timed_out(_):
    seen = {}

    def ask(version, code, request):
        try:
            seen[version] = code(request, seconds=150)
        except (w.Wrong, OSError, EOFError) as e:
            seen[version] = e
    if not silence():
        return "nft is missing"
    questions = (5, code5, w.request5(SILENT, 80)), (6, code6, w.request6(SILENT, 80))
    asking = [threading.Thread(target=ask, args=a) for a in questions]
    for a in asking:
        a.start()
    for a in asking:
        a.join()
    expect(seen == {5: 4, 6: 9}, f"codes {seen}")
    return None


def silence():
    rules = f"table inet silence {{ chain in {{ type filter hook input priority 0;\nip daddr {SILENT} drop\n}}\n}}\n"
    return shutil.which("nft") and subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=False).returncode == 0


def no_acceptable_method(_):
    for port, methods in (LOCKED, [0]), (LOCKED, [1, 0x80]), (FIVE, [1]):
        with w.dial(port, PX) as s:
            s.sendall(bytes([5, len(methods), *methods]))
            expect(w.receive(s, 2) == b"\5\xff" and w.is_over(s), f"methods {methods}")


def who_speaks_something_else_is_sent_away(_):
    for port in OPEN, ONLY_SIX:
        for words in b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\xa5\1", b"\4\1\0\x50\x7f\0\0\1\0":
            with w.dial(port) as s:
                s.sendall(words)
                answer = b""
                try:
                    answer = w.receive_all(s)
                except ConnectionResetError:
                    pass
                expect(answer in (b"", b"\6", b"\5\xff"), f"{words!r}: {answer!r}")


# ---- BIND ----

def bind5(_):
    """The address that is told is one where a peer can connect; the second reply tells who did."""
    with w.dial(OPEN) as s:
        s.sendall(w.GREETING + w.request5(SERVER, 0, 2))
        w.receive(s, 2)
        code, host, port = w.reply5(s)
        expect(code == 0 and port, f"the first reply: {code} {host} {port}")
        with socket.socket() as peer:
            peer.bind((SERVER, 0))
            peer.settimeout(w.WAIT)
            peer.connect((host if host != "0.0.0.0" else "127.0.0.1", port))
            expect(w.reply5(s) == (0, *peer.getsockname()), "the second reply tells the peer")
            exchange(s, peer)


def bind6(_):
    with w.dial(OPEN) as s:
        s.sendall(w.request6(SERVER, 0, 2))
        expect(w.auth_reply6(s)[0] == 0, "authentication")
        code, host, port, _ = w.reply6(s)
        expect(code == 0 and port, f"the first reply: {code} {host} {port}")
        with socket.socket() as peer:
            peer.bind((SERVER, 0))
            peer.settimeout(w.WAIT)
            peer.connect((host if host != "0.0.0.0" else "127.0.0.1", port))
            expect(w.reply6(s)[:3] == (0, *peer.getsockname()), "the second reply tells the peer")
            exchange(s, peer)


def exchange(s, peer):
    s.sendall(b"to the peer")
    expect(w.receive(peer, 11) == b"to the peer", "bytes to the peer")
    peer.sendall(b"from the peer")
    peer.shutdown(socket.SHUT_WR)
    expect(w.receive_all(s) == b"from the peer", "bytes from the peer")


# ---- UDP ASSOCIATE ----

class Association:
    """SOCKS5's."""

    def __init__(self, port=OPEN, host="127.0.0.1", source="0.0.0.0", source_port=0):
        self.control = w.dial(port, host)
        self.control.sendall(w.GREETING + w.request5(source, source_port, 3))
        w.receive(self.control, 2)
        code, relay, relay_port = w.reply5(self.control)
        expect(code == 0 and relay_port, f"UDP ASSOCIATE: code {code}")
        self.relay = (relay, relay_port)
        self.udp = socket.socket(socket.AF_INET6 if ":" in relay else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.settimeout(2)

    def send(self, host, port, data, fragment=0):
        self.udp.sendto(bytes([0, 0, fragment]) + w.packed(host) + struct.pack("!H", port) + data, self.relay)

    def receive(self):
        data = self.udp.recv(65536)
        expect(data[:3] == bytes(3), f"the header of a datagram: {data[:3].hex()}")
        size = {1: 4, 4: 16}[data[3]]
        host = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, data[4:4 + size])
        return host, struct.unpack("!H", data[4 + size:6 + size])[0], data[6 + size:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.close()
        self.udp.close()


def udp5_to_addresses_and_names(_):
    with Association() as a:
        for host, told in ((SERVER, SERVER), (SERVER_6, SERVER_6), ("localhost", "127.0.0.1")):
            a.send(host, ECHO, host.encode())
            got = a.receive()
            expect(got[1:] == (ECHO, host.encode()) and got[0] in (told, "::1"), f"to {host}: {got}")


def udp5_drops_what_it_must(_):
    with Association() as a:
        a.send(SERVER, ECHO, b"first")
        expect(a.receive()[2] == b"first", "the first datagram")
        a.send(SERVER, ECHO, b"a fragment", fragment=1)
        a.udp.sendto(b"\0\0\0\1", a.relay)
        a.udp.sendto(b"\0\0\0\2" + bytes(8), a.relay)
        a.send("192.0.2.1", ECHO, b"not allowed")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.7", 0))
            stranger.sendto(bytes(3) + w.packed(SERVER) + struct.pack("!H", ECHO) + b"a stranger's", a.relay)
            a.send(SERVER, ECHO, b"last")
            expect(a.receive()[2] == b"last", "only what is right comes back")
            stranger.settimeout(0.3)
            try:
                expect(False, f"the stranger hears {stranger.recv(100)!r}")
            except socket.timeout:
                pass


def udp5_ends_with_its_connection(_):
    a = Association()
    a.send(SERVER, ECHO, b"x")
    a.receive()
    a.control.close()
    time.sleep(0.3)

    def gone():
        try:
            a.send(SERVER, ECHO, b"x")
            a.udp.settimeout(0.2)
            a.udp.recv(100)
        except (socket.timeout, ConnectionRefusedError):
            return True
        return False
    w.eventually(gone, "the association ends with the TCP connection")
    a.udp.close()


def datagram6(association, host, port, data, kind=3):
    address = w.packed(host)
    body = address[:1] + b"\0" + struct.pack("!H", port) + address[1:] + data
    return struct.pack("!BBH", 6, kind, 12 + len(body)) + association + body


def udp6_over_tcp(_):
    """draft section 2.3: association init, a datagram, its confirmation and the answer, on the one connection."""
    with w.dial(OPEN) as s:
        s.sendall(w.request6("0.0.0.0", 0, 3))
        expect(w.auth_reply6(s)[0] == 0, "authentication")
        code = w.reply6(s)[0]
        expect(code == 0, f"UDP ASSOCIATE: code {code}")
        version, kind, size = struct.unpack("!BBH", w.receive(s, 4))
        expect((version, kind, size) == (6, 1, 12), f"association init: {version} {kind} {size}")
        association = w.receive(s, 8)
        s.sendall(datagram6(association, SERVER, ECHO, b"one"))
        seen = []
        while 3 not in seen:
            version, kind, size = struct.unpack("!BBH", w.receive(s, 4))
            body = w.receive(s, size - 4)
            seen.append(kind)
            expect(body[:8] == association, "the association's number")
        expect(seen == [2, 3], f"a confirmation, then the answer: {seen}")
        expect(body[8:] == w.packed(SERVER)[:1] + b"\0" + struct.pack("!H", ECHO) + w.packed(SERVER)[1:] + b"one",
               f"the answer: {body[8:].hex(' ')}")


# ---- SOCKS6, byte by byte ----

def noop6(_):
    """As the reference answers it."""
    with w.dial(OPEN) as s:
        s.sendall(bytes.fromhex("06 00 0000 0000 00 01 00000000"))
        expect(w.receive_all(s) == bytes.fromhex("06 00 0000 06 00 0000 0000 00 01 00000000"), "a NOOP without options")


def only_six_says_so(_):
    with w.dial(ONLY_SIX) as s:
        s.sendall(b"\5\1\0")
        expect(w.receive_all(s) == b"\6", "one byte, and the end")


def begin_session():
    with w.dial(OPEN) as s:
        s.sendall(w.request6("0.0.0.0", 0, 0, w.option(5) + w.option(11, struct.pack("!I", 200))))
        kind, options = w.auth_reply6(s)
        expect(kind == 0, "a session is given")
        expect([k for k, _ in options] == [6, 12], f"a session and a window: {options}")
        expect(w.reply6(s)[0] == 0 and w.is_over(s), "a NOOP ends")
        base, size = struct.unpack("!II", options[1][1])
        expect(1 <= size <= 200, f"a window of {size}")
        return options[0][1], base


def spend(session, token):
    """Type of the authentication reply, its options, the base of the window, and the echo of some bytes."""
    with w.dial(OPEN) as s:
        s.sendall(w.request6(SERVER, ECHO, 1, w.option(6, session) + w.option(13, struct.pack("!I", token))) + b"data")
        kind, options = w.auth_reply6(s)
        base = next((struct.unpack("!I", d[:4])[0] for k, d in options if k == 12), None)
        if kind:
            expect(w.is_over(s), "a failure is the end")
            return kind, [k for k, _ in options], base
        expect(w.reply6(s)[0] == 0 and w.receive(s, 4) == b"data", "the connection")
        return kind, [k for k, _ in options], base


def sessions_and_tokens6(_):
    session, base = begin_session()
    with w.dial(OPEN) as s:
        s.sendall(w.request6(SERVER, ECHO, 1, w.option(6, session)))
        kind, options = w.auth_reply6(s)
        expect(kind == 0 and [k for k, _ in options][:1] == [8], f"the session is known: {kind} {options}")
        expect(w.reply6(s)[0] == 0, "the connection")
    kind, options, _ = spend(session, base)
    expect(kind == 0 and 14 in options, f"a token is accepted: {kind} {options}")
    kind, options, after = spend(session, base)
    expect(kind == 1 and 15 in options, f"the same token is rejected: {kind} {options}")
    expect(after in (None, (base + 1) % 2**32), f"the window moves on to {after}")
    kind, options, _ = spend(session, (base + 100000) % 2**32)
    expect(kind == 1 and 15 in options, f"a token beyond the window is rejected: {kind} {options}")


def an_unknown_session6(_):
    with w.dial(OPEN) as s:
        s.sendall(w.request6(SERVER, ECHO, 1, w.option(6, bytes(16))))
        expect(w.auth_reply6(s) == (1, [(9, b"")]) and w.is_over(s), "an unknown session ends it")


def initial_data6(_):
    """With Fast Open, with the length of the initial data, and with both."""
    tfo = w.option(1, bytes([2 << 6 | 4, 1, 0, 0]))
    for options in b"", tfo, w.option(2, bytes([0, 4])), tfo + w.option(2, bytes([0, 4])):
        with w.dial(OPEN) as s:
            s.sendall(w.request6(SERVER, ECHO, 1, options) + b"data")
            expect(w.auth_reply6(s)[0] == 0, "authentication")
            code, host, port, answered = w.reply6(s)
            expect(code == 0 and port, f"the connection: {code} {host} {port}")
            expect(all(k == 1 for k, _ in answered), f"options {answered}")
            expect(w.receive(s, 4) == b"data", "the data")


def unknown_options_are_passed_over6(_):
    with w.dial(OPEN) as s:
        s.sendall(w.request6(SERVER, ECHO, 1, w.option(0x7777, b"whatever") + w.option(64600, b"abc")) + b"x")
        expect(w.auth_reply6(s)[0] == 0 and w.reply6(s)[0] == 0 and w.receive(s, 1) == b"x", "the connection")


def stack_options_are_answered6(_):
    """Those that were asked for and can be had."""
    for leg_level, code, value in ((2 << 6 | 1, 1, 0x20), (2 << 6 | 1, 3, 33), (2 << 6 | 1, 4, 2)):
        with w.dial(OPEN) as s:
            s.sendall(w.request6(SERVER, ECHO, 1, w.option(1, bytes([leg_level, code, value, 0]))))
            expect(w.auth_reply6(s)[0] == 0, "authentication")
            result, _, _, options = w.reply6(s)
            expect(result == 0, f"option {code}: code {result}")
            expect(options == [(1, bytes([leg_level, code, value, 0]))], f"option {code}: {options}")


def broken_options_are_refused6(_):
    for options in b"\0\1\0\3", b"\0\1\0\x40\0\0\0\0", b"\0\1\0\0":
        with w.dial(OPEN) as s:
            s.sendall(w.request6(SERVER, ECHO, 1, options))
            s.shutdown(socket.SHUT_WR)
            try:
                answer = w.receive_all(s)
            except ConnectionResetError:
                answer = b""
            expect(answer[:4] != bytes([6, 0, 0, 0]) or answer[5:6] != b"\0", f"{options.hex(' ')}: {answer.hex(' ')}")


# ---- all of it ----

TESTS = [
    curl_with_an_address_and_with_a_name, curl_to_ipv6, curl_speaks_through_the_policy, curl_with_user_and_password,
    curl_with_a_wrong_password_fails_as_it_should, curl_is_told_of_refusals, pysocks_over_tcp, pysocks_is_told_of_errors,
    pysocks_over_udp, pysocks_over_udp_through_the_policy, proxychains_through_three_hops,
    every_byte_in_a_segment_of_its_own, a_whole_handshake_in_one_segment, credentials_in_one_segment,
    a_server_that_speaks_first, code_0_and_1_success, code_2_not_allowed, code_3_network_unreachable, code_4_host_unreachable,
    code_5_refused, code_6_time_to_live_expired, code_7_command_not_supported, code_8_address_type_not_supported,
    code_9_timed_out, no_acceptable_method, who_speaks_something_else_is_sent_away, bind5, bind6, udp5_to_addresses_and_names,
    udp5_drops_what_it_must, udp5_ends_with_its_connection, udp6_over_tcp, noop6, only_six_says_so, sessions_and_tokens6,
    an_unknown_session6, initial_data6, unknown_options_are_passed_over6, stack_options_are_answered6,
    broken_options_are_refused6]


def talk_first(connection):
    connection.sendall(b"hello\n")
    connection.recv(1)


def udp_echo(host, family):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((host, ECHO))

    def run():
        while True:
            data, sender = s.recvfrom(65536)
            s.sendto(data, sender)
    threading.Thread(target=run, daemon=True).start()


def serve():
    for host in SERVER, "127.0.1.2", "127.0.0.1":
        for port, talk in (HTTP, w.http), (ECHO, w.echo), (TALKER, talk_first):
            w.Server(talk, host, port)
        udp_echo(host, socket.AF_INET)
    for host in SERVER_6, "::1":
        for port, talk in (HTTP, w.http), (ECHO, w.echo):
            w.Server(talk, host, port, socket.AF_INET6)
        udp_echo(host, socket.AF_INET6)


def start_proxies(world):
    allowed = []
    for prefix in "127.0.0.0/8", "::1/128", "fd66::/64", "10.0.0.0/8", NO_ROUTE + "/32":
        allowed += ["--allow", prefix]
    world.open_proxy("open", OPEN, *allowed, "--version", "both")
    world.open_proxy("only six", ONLY_SIX, *allowed, "--version", "6")
    for name, port in ("second hop", HOP_2), ("third hop", HOP_3):
        world.open_proxy(name, port, *allowed, "--version", "5")
    plan = world.compile("judge", POLICY)
    users = os.path.join(os.path.dirname(plan), "users")
    with open(users, "w", encoding="utf-8") as f:
        f.write(f"# who may\n{USER}:{PASSWORD}\n")
    os.chmod(users, 0o600)
    targets = [word for name in ("plain", "five", "locked") for word in ("--target", name)]
    world.start("policy", w.SOCKSD, "--control", "none", "--plan", plan, *targets, host=PX, port=PLAIN)


def main():
    w.need("ip", "curl")
    w.leave_network()
    world = w.World()
    w.add_address(f"{SERVER_6}/128", f"{SILENT}/32")
    w.sh("ip", "route", "add", "unreachable", "10.67.0.0/24")
    serve()
    start_proxies(world)
    wanted = sys.argv[1:]
    tests = [t for t in TESTS if not wanted or any(name in t.__name__ for name in wanted)]
    if socks is None:
        print("left out: PySocks (python3-socks) is missing")
        tests = [t for t in tests if not t.__name__.startswith("pysocks")]
    w.run_tests(world, tests)


try:
    import socks
except ImportError:
    socks = None

if __name__ == "__main__":
    main()
