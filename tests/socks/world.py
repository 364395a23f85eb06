"""A closed network for epic-socksd and those who judge it: namespaces, programs, servers, and what SOCKS says byte by
byte.  For the tests beside it.

The test's own process moves into a network namespace, which goes away with it, and everything that it started is ended
when it ends, however it ends."""
import atexit
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

EPIC = os.path.abspath(os.environ.get("EPIC", "./epic"))
SOCKSD = os.path.abspath(os.environ.get("EPIC_SOCKSD", "./epic-socksd"))
SCALE = max(1, int(os.environ.get("EPIC_TEST_SCALE", "1")))
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
WAIT = 10  # seconds for anything that should happen soon


class Wrong(Exception):
    """Something is not as it should be."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(77)


def need(*programs):
    """Skips the whole test without these."""
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is missing")


def eventually(what, text, seconds=WAIT):
    """Waits until WHAT() is true."""
    until = time.monotonic() + seconds
    while not what():
        expect(time.monotonic() < until, text)
        time.sleep(0.02)


# ---- namespaces ----

def leave_network():
    """Into a network namespace of one's own, as root of a user namespace where that is needed."""
    libc, uid, gid = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET | (0 if uid == 0 else CLONE_NEWUSER)):
        skip(f"no network namespaces here: {os.strerror(ctypes.get_errno())}")
    if uid != 0:
        try:
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                    f.write(text)
        except OSError as e:
            skip(f"no user namespaces here: {e}")
    sh("ip", "link", "set", "lo", "up")


def sh(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise Wrong(f"{' '.join(words)}: {done.stderr.strip()}")
    return done


def add_address(*addresses):
    for address in addresses:
        sh("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))


# ---- programs ----

class World:
    """What is running, and where it writes."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="epic-socks-")
        self.processes = []
        atexit.register(self.end)
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            signal.signal(number, lambda *_: sys.exit(1))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def start(self, name, *words, port=None, family=socket.AF_INET, host="127.0.0.1", namespace=None, limit=None):
        """A program in the background; with PORT, waits until it can be reached there.  LIMIT: of open files."""
        if namespace:
            words = ("nsenter", "-t", str(namespace), "-n", *words)
        if limit:
            words = ("prlimit", f"--nofile={limit}", *words)
        log = open(self.path(name.replace(" ", "-") + ".log"), "ab")
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        process.name, process.log = name, log.name
        log.close()
        self.processes.append(process)
        if port:
            self.wait_for_port(process, family, host, port)
        return process

    def wait_for_port(self, process, family, host, port):
        def reached():
            if process.poll() is not None:
                raise Wrong(f"{process.name} ended with {process.returncode}: {self.tail(process)}")
            with socket.socket(family) as s:
                s.settimeout(1)
                return s.connect_ex((host, port)) == 0
        eventually(reached, f"{process.name} does not listen on {host} port {port}")

    def tail(self, process, size=2000):
        with open(process.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-size:].strip()

    def stop(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        self.processes.remove(process)

    def end(self):
        for process in list(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def compile(self, name, text):
        """The path of the plan."""
        out = self.path(name + ".out")
        done = sh(EPIC, "compile", "-q", "--force", "-o", out, self.write(name + ".epi", text), check=False)
        expect(done.returncode == 0, f"epic compile: {done.stderr}")
        return os.path.join(out, name + ".plan")

    def open_proxy(self, name, port, *arguments, host="127.0.0.1", **more):
        """epic-socksd without a policy."""
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return self.start(name, SOCKSD, "open", "--listen", at, "--threads", "1", "--control", "none", *arguments,
                          port=port, family=family, host=host, **more)


def run_tests(world, tests):
    """Each function; its name is a sentence.  Whatever one breaks is told, with the logs, and the next goes on."""
    failures = 0
    for test in tests:
        sentence = test.__name__.replace("_", " ")
        try:
            why = test(world)
            print(f"left out: {sentence}: {why}" if why else f"ok: {sentence}", flush=True)
        except (Wrong, OSError, EOFError, subprocess.TimeoutExpired) as e:
            failures += 1
            where = traceback.extract_tb(e.__traceback__)
            line = next((f.lineno for f in where if f.name == test.__name__), 0)
            print(f"FAILED: {sentence} (line {line}): {type(e).__name__}: {e}", flush=True)
    for process in world.processes:
        if process.poll() is not None:
            failures += 1
            print(f"FAILED: {process.name} ended with {process.returncode}")
    if failures:
        for process in world.processes:
            print(f"---- {process.name}\n{world.tail(process)}")
        sys.exit(f"{failures} failed")
    print("all passed")


# ---- what is known of a process ----

def memory(process):
    """Bytes that it holds."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) * 1024


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def cpu(process):
    """Seconds."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- servers ----

class Server:
    """A thread for each connection, which does TALK(connection); errors of TALK end it silently, for the other side must
    notice."""

    def __init__(self, talk, host="127.0.1.1", port=0, family=socket.AF_INET, backlog=128):
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(backlog)
        self.talk, self.address = talk, self.listener.getsockname()[:2]
        self.port = self.address[1]
        self.accepted = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            self.talk(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.listener.close()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def http(connection):
    """One request; the body tells the path."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096) or b"\r\n\r\n"
    body = b"you asked for " + head.split(b" ")[1] + b"\n"
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


# ---- bytes ----

def dial(port, host="127.0.0.1", seconds=WAIT):
    s = socket.create_connection((host, port), seconds)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def receive(s, n):
    """Exactly N bytes."""
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError(f"{len(data)} of {n} bytes came: {data.hex(' ')}")
        data += piece
    return data


def receive_all(s):
    data = bytearray()
    while piece := s.recv(65536):
        data += piece
    return bytes(data)


def dribble(s, data):
    """Each byte in a segment of its own."""
    for i in range(len(data)):
        s.sendall(data[i:i + 1])
        time.sleep(0.002)


def packed(host):
    """Address type and address, as both versions write them, names without padding."""
    for kind, family in ((1, socket.AF_INET), (4, socket.AF_INET6)):
        try:
            return bytes([kind]) + socket.inet_pton(family, host)
        except OSError:
            pass
    return bytes([3, len(host)]) + host.encode()


GREETING = bytes([5, 1, 0])


def request5(host, port, command=1):
    return bytes([5, command, 0]) + packed(host) + struct.pack("!H", port)


def credentials(user, password):
    return bytes([1, len(user)]) + user.encode() + bytes([len(password)]) + password.encode()


def read_address(s, kind):
    expect(kind in (1, 3, 4), f"address type {kind}")
    if kind == 3:
        return receive(s, receive(s, 1)[0]).rstrip(b"\0").decode()
    return socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, receive(s, 4 if kind == 1 else 16))


def reply5(s):
    """Code, address and port."""
    version, code, reserved, kind = receive(s, 4)
    expect((version, reserved) == (5, 0), f"a reply that begins with {version} {code} {reserved}")
    host = read_address(s, kind)
    return code, host, struct.unpack("!H", receive(s, 2))[0]


def request6(host, port, command=1, options=b""):
    address = packed(host)
    if address[0] == 3:  # draft -12: the padding is counted
        name = host.encode()
        name += bytes(-(1 + len(name)) % 4)
        address = bytes([3, len(name)]) + name
    return bytes([6, command]) + struct.pack("!HHB", len(options), port, 0) + address + options


def option(kind, data=b""):
    data += bytes(-len(data) % 4)
    return struct.pack("!HH", kind, 4 + len(data)) + data


def options_of(data):
    """Kind and data of each."""
    out = []
    while data:
        kind, size = struct.unpack("!HH", data[:4])
        expect(4 <= size <= len(data) and size % 4 == 0, f"an option of {size} bytes in {data.hex(' ')}")
        out.append((kind, data[4:size]))
        data = data[size:]
    return out


def auth_reply6(s):
    """Type and options."""
    version, kind, size = struct.unpack("!BBH", receive(s, 4))
    expect(version == 6, f"an authentication reply of version {version}")
    return kind, options_of(receive(s, size))


def reply6(s):
    """Code, address, port and options of an operation reply."""
    version, code, size, port, padding, kind = struct.unpack("!BBHHBB", receive(s, 8))
    expect((version, padding) == (6, 0), f"an operation reply that begins with {version} {code}, padding {padding}")
    return code, read_address(s, kind), port, options_of(receive(s, size))


def connect5(proxy, host, port, at="127.0.0.1"):
    """A connection through a proxy."""
    s = dial(proxy, at)
    s.sendall(GREETING + request5(host, port))
    expect(receive(s, 2) == b"\5\0", "a method is chosen")
    code = reply5(s)[0]
    expect(code == 0, f"{host} port {port}: reply code {code}")
    return s


def connect6(proxy, host, port, data=b""):
    s = dial(proxy)
    s.sendall(request6(host, port) + data)
    expect(auth_reply6(s)[0] == 0, "authentication succeeds")
    code = reply6(s)[0]
    expect(code == 0, f"{host} port {port}: reply code {code}")
    return s


def is_over(s):
    """Whether the other side closes without another byte."""
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True
