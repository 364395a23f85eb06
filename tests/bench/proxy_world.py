"""Three hosts, client, proxy and server, and the programs that run on them.

Line: each host in a network namespace of its own, with delays between them (delay_line.c).  Loopback: all three on one
device in one namespace, where nothing but the programs takes time.  All that is started is ended with the process."""
import atexit
import json
import os
import shutil
import signal
import subprocess
import time
from collections import namedtuple

Host = namedtuple("Host", "namespace address")
# Only the connections of this user are redirected; proxies run as others, dante as nobody.
CLIENT_USER = 64999
TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A program that does not start, or a run that does not end well."""


def sh(*words, text=None, check=True):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip()}")
    return done


class Process:
    """A program on a host, and what it costs."""

    def __init__(self, name, words, log):
        self.name, self.log = name, log
        with open(log, "wb") as f:
            self.popen = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)
        self.pid = self.popen.pid

    def tree(self):
        """Its own number and those of all processes below it."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat_of(int(entry))
                if fields:
                    children.setdefault(int(fields[1]), []).append(int(entry))
        out, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            out.append(pid)
            todo += children.get(pid, [])
        return out

    def cpu(self):
        """Seconds, of ended children too."""
        ticks = 0
        for pid in self.tree():
            fields = stat_of(pid)
            if fields:
                ticks += sum(map(int, fields[11:15]))
        return ticks / TICK

    def memory(self):
        """Bytes of its own: pages that are shared count in parts."""
        total = 0
        for pid in self.tree():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024
        return total

    def listens(self, port):
        try:
            lines = []
            for kind in "tcp", "tcp6":
                with open(f"/proc/{self.pid}/net/{kind}", encoding="ascii") as f:
                    lines += list(f)[1:]
        except OSError:
            return False  # it has ended
        words = [line.split() for line in lines]
        return any(w[3] == "0A" and int(w[1].split(":")[1], 16) == port for w in words)

    def wait_for(self, port):
        for _ in range(500):
            if self.popen.poll() is not None:
                break
            if self.listens(port):
                return self
            time.sleep(0.01)
        with open(self.log, encoding="utf-8", errors="replace") as f:
            raise Failed(f"{self.name} does not listen on port {port}: {f.read().strip()[-500:]}")

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(3)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()


def stat_of(pid):
    """The fields of /proc/PID/stat behind the name."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


class World:
    def __init__(self, folder, client_program, label):
        self.folder, self.client_program = folder, shutil.copy(client_program, folder)  # where its user may read it
        self.prefix = f"bench{os.getpid()}{label}"
        self.namespaces, self.processes, self.n = [], [], 0
        atexit.register(self.close)

    def add_namespace(self, name):
        name = f"{self.prefix}{name}"
        sh("ip", "netns", "add", name)
        self.namespaces.append(name)
        sh("ip", "-n", name, "link", "set", "lo", "up")
        self.inside(name, "sh", "-c", "echo 3 >/proc/sys/net/ipv4/tcp_fastopen; "
                    "echo 1024 60999 >/proc/sys/net/ipv4/ip_local_port_range")
        return name

    def inside(self, namespace, *words, **more):
        return sh("ip", "netns", "exec", namespace, *words, **more)

    def path(self, name):
        return os.path.join(self.folder, self.prefix + name)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start(self, host, name, words, port=None):
        self.n += 1
        process = Process(name, ["ip", "netns", "exec", host.namespace, *words], self.path(f"{self.n}.log"))
        self.processes.append(process)
        return process.wait_for(port) if port else process

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def as_client(self, *words):
        return ["ip", "netns", "exec", self.client.namespace, "setpriv", f"--reuid={CLIENT_USER}", "--clear-groups", *words]

    def ask(self, target, through, *arguments, host=None):
        """What proxy_client tells."""
        words = self.as_client(self.client_program, *arguments, target, *through)
        if host:
            words[3] = host.namespace
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise Failed(f"{' '.join(words[6:])}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def redirect(self, catches):
        """CATCHES: port of the server, port of the redirector.  Only these connections are tracked: the table of
        connections would be full soon, and the others would pay for it."""
        name = self.client.namespace
        ports, to = (", ".join(str(c[i]) for c in catches) for i in (0, 1))
        tracked = f"tcp dport {{ {ports}, {to} }} accept; tcp sport {{ {ports}, {to} }} accept; notrack"
        rules = "\n".join(f"ip daddr {self.server.address} tcp dport {port} meta skuid {CLIENT_USER} redirect to :{to}"
                          for port, to in catches)
        self.inside(name, "nft", "-f", "-", text=f"""table ip bench
delete table ip bench
table ip bench {{
chain untracked-out {{ type filter hook output priority raw; {tracked}; }}
chain untracked-in {{ type filter hook prerouting priority raw; {tracked}; }}
chain out {{ type nat hook output priority -100;
{rules}
}}
}}
""")
        self.inside(name, "sh", "-c", "for f in close close_wait fin_wait last_ack time_wait; do "
                    "echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_$f; done")

    def unredirect(self):
        self.inside(self.client.namespace, "nft", "delete", "table", "ip", "bench")

    def close(self):
        for process in self.processes:
            process.stop()
        for name in self.namespaces:
            sh("ip", "netns", "del", name, check=False)
        self.processes, self.namespaces = [], []


class Loopback(World):
    def __init__(self, folder, client_program):
        super().__init__(folder, client_program, "l")
        namespace = self.add_namespace("")
        self.hosts = [Host(namespace, f"10.78.0.{i}") for i in (1, 2, 3)]
        for host in self.hosts:
            sh("ip", "-n", namespace, "address", "add", host.address + "/32", "dev", "lo")
        self.client, self.proxy, self.server = self.hosts


class Line(World):
    def __init__(self, folder, client_program, line_program):
        super().__init__(folder, client_program, "d")
        self.line_program, self.line = line_program, None
        self.hosts = [Host(self.add_namespace(c), f"10.77.0.{i}") for c, i in (("c", 1), ("p", 2), ("s", 3))]
        self.client, self.proxy, self.server = self.hosts
        for host in self.hosts:
            sh("ip", "-n", host.namespace, "tuntap", "add", "dev", "line0", "mode", "tun")
            sh("ip", "-n", host.namespace, "address", "add", host.address + "/24", "dev", "line0")
            sh("ip", "-n", host.namespace, "link", "set", "line0", "up")

    def set(self, cp, ps, cs):
        """Round trips in ms."""
        if self.line:
            self.stop(self.line)
        ways = [f"{a}-{b}={round(ms * 500)}" for a, b, ms in ((1, 2, cp), (2, 3, ps), (1, 3, cs))]
        log = self.path("line.log")
        self.line = Process("delay_line", [self.line_program, *[h.namespace for h in self.hosts], *ways], log)
        self.processes.append(self.line)
        for _ in range(200):
            with open(log, encoding="utf-8") as f:
                if "ready" in f.read():
                    return
            time.sleep(0.01)
        raise Failed("delay_line does not start")
