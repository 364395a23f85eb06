#!/usr/bin/python3
"""A real client and a real server in network namespaces of their own, and epic-dpdkd between them
on two veth pairs: a stateful firewall, and address translation."""
import fcntl
import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import dataplane as dp

ID = os.getpid()
CLIENT, SERVER = f"epic-c{ID}", f"epic-s{ID}"
LAN, WAN = f"ec{ID}", f"es{ID}"  # our ends of the veth pairs

POLICY = """edition 1;
module wire;
use std.dataplane as dp;
use std.nf;

let inside = 10.9.0.0/25;

pipeline wire {
  lan-in  : dp.port-in  { device "lan"; }
  lan-out : dp.port-out { device "lan"; }
  wan-in  : dp.port-in  { device "wan"; }
  wan-out : dp.port-out { device "wan"; }
  fw      : nf.stateful-firewall { inside inside; }
  lan-in -> wan-out when eth.type == 0x0806;
  lan-in -> fw otherwise;
  wan-in -> lan-out when eth.type == 0x0806;
  wan-in -> fw otherwise;
  fw -> wan-out when ip.src in inside;
  fw -> lan-out otherwise;
}

class out  { match ip.src in inside; through wire.*; }
class back { match not ip.src in inside; through wire.*; }
target box : dpdk { for wire; }
"""
TRANSLATION = (POLICY.replace("module wire", "module nat")
               .replace("nf.stateful-firewall { inside inside; }", "nf.source-nat { inside inside; external 10.9.0.222; }")
               .replace("fw -> wan-out when ip.src in inside", "fw -> wan-out when ip.src == 10.9.0.222"))


# An ICMP echo request, and the reply to it.
ECHO = """
import socket, struct
def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    return ~(total % 0xffff) & 0xffff
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
s.settimeout(5)
head = struct.pack('!BBHHH', 8, 0, 0, 77, 1)
s.sendto(struct.pack('!BBHHH', 8, 0, checksum(head), 77, 1), ('10.9.0.200', 0))
data, sender = s.recvfrom(100)
print(sender[0], 'answers' if data[20] == 0 and data[24:28] == head[4:] else data)
"""


def sh(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True, timeout=60)


def inside(namespace, *words, **more):
    return subprocess.run(["ip", "netns", "exec", namespace, *words], capture_output=True, text=True,
                          timeout=60, check=False, **more)


def without_offload(name):
    """As ethtool -K NAME tx off tso off gso off gro off: what the kernel leaves to a card is lost here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        import ctypes
        for command in (0x17, 0x1f, 0x24, 0x2c):  # ETHTOOL_STXCSUM, STSO, SGSO, SGRO
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", name.encode(), ctypes.addressof(value))
            try:
                fcntl.ioctl(s, 0x8946, request.ljust(40, b"\0"))
            except OSError:
                pass


def pair(ours, namespace, address):
    sh("ip", "netns", "add", namespace)
    sh("ip", "link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    inside(namespace, "ip", "address", "add", address, "dev", "eth0")
    inside(namespace, "ip", "link", "set", "lo", "up")
    inside(namespace, "ip", "link", "set", "eth0", "up")
    sh("ip", "link", "set", ours, "up")
    with open(f"/proc/sys/net/ipv6/conf/{ours}/disable_ipv6", "w", encoding="ascii") as f:
        f.write("1")
    without_offload(ours)
    inside(namespace, sys.executable, __file__, "--no-offload")


def tear_down():
    for namespace in CLIENT, SERVER:
        sh("ip", "netns", "del", namespace, check=False)
    for name in LAN, WAN:
        sh("ip", "link", "del", name, check=False)


def start(folder, plan):
    path = f"{folder}/control"
    errors = open(f"{folder}/errors", "w+", encoding="utf-8")
    process = subprocess.Popen(
        [dp.DPDKD, "--plan", plan, "-q", "--control", path, "--no-telemetry", "--report", f"{folder}/report",
         f"--device=lan=net_af_packet0,iface={LAN}", f"--device=wan=net_af_packet1,iface={WAN}"], stderr=errors)
    for _ in range(400):
        try:
            if dp.ask(path, "help")[0]:
                return process, path
        except (OSError, ValueError):
            time.sleep(0.05)
        if process.poll() is not None:
            break
    errors.seek(0)
    return dp.fail(f"epic-dpdkd does not start: {errors.read()}")


def curl(namespace, address, *arguments):
    done = inside(namespace, "curl", "-s", "--connect-timeout", "2", "--max-time", "40", *arguments,
                  f"http://{address}:8000/file")
    return done.returncode, done.stdout


def serve(namespace, folder):
    return subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, "-m", "http.server", "8000",
                             "--directory", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def download(folder, path, plan, size):
    """A file through the dataplane, while its plan is replaced again and again."""
    with open(f"{folder}/www/file", "wb") as f:
        f.write(os.urandom(size))
    with open(f"{folder}/www/file", "rb") as f:
        wanted = hashlib.sha256(f.read()).hexdigest()
    getting = subprocess.Popen(["ip", "netns", "exec", CLIENT, "curl", "-s", "--max-time", "50", "-o",
                                f"{folder}/got", "http://10.9.0.200:8000/file"])
    reloads = 0
    while getting.poll() is None:
        good, answer = dp.ask(path, f"reload {plan}")
        dp.expect(good, answer)
        reloads += 1
        time.sleep(0.02)
    dp.expect(getting.returncode == 0, f"curl ends with {getting.returncode}")
    with open(f"{folder}/got", "rb") as f:
        dp.expect(hashlib.sha256(f.read()).hexdigest() == wanted, "the file arrives as it was")
    return reloads


def firewall(folder):
    plan, errors = dp.compile_policy(folder, "wire", POLICY)
    dp.expect(plan, errors)
    process, path = start(folder, plan)
    at_server, at_client = serve(SERVER, f"{folder}/www"), serve(CLIENT, f"{folder}/www")
    try:
        for _ in range(40):
            code, body = curl(CLIENT, "10.9.0.200")
            if code == 0:
                break
            time.sleep(0.1)
        dp.expect(code == 0 and body == "hello", f"from inside: curl {code} {body!r}")
        code, _ = curl(SERVER, "10.9.0.1")
        dp.expect(code == 28, f"from outside nothing answers: curl {code}")
        reloads = download(folder, path, plan, 20_000_000)
    finally:
        stop(at_server)
        stop(at_client)
        stop(process)
    import json
    with open(f"{folder}/report", encoding="utf-8") as f:
        dp.conserve(json.load(f))
    print(f"firewall: 20 MB while the plan was replaced {reloads} times")


def translation(folder):
    plan, errors = dp.compile_policy(folder, "nat", TRANSLATION)
    dp.expect(plan, errors)
    mac = inside(CLIENT, "cat", "/sys/class/net/eth0/address").stdout.strip()
    inside(SERVER, "ip", "neigh", "replace", "10.9.0.222", "lladdr", mac, "dev", "eth0")
    process, _ = start(folder, plan)
    listener = subprocess.Popen(["ip", "netns", "exec", SERVER, sys.executable, "-c",
                                 "import socket; s = socket.create_server(('10.9.0.200', 9000)); c, a = s.accept(); "
                                 "c.sendall(a[0].encode()); c.close()"])
    try:
        time.sleep(0.5)
        done = inside(CLIENT, sys.executable, "-c",
                      "import socket; s = socket.create_connection(('10.9.0.200', 9000), 10); print(s.recv(100).decode())")
        dp.expect(done.stdout.strip() == "10.9.0.222", f"the server saw {done.stdout!r} {done.stderr}")
        done = inside(CLIENT, sys.executable, "-c", ECHO)
        dp.expect(done.stdout.strip() == "10.9.0.200 answers", f"an echo through the translation: {done.stdout} {done.stderr}")
    finally:
        listener.kill()
        stop(process)
    print("translation: the server sees 10.9.0.222")


def main():
    if sys.argv[1:] == ["--no-offload"]:
        return without_offload("eth0")
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/www")
        with open(f"{folder}/www/file", "w", encoding="utf-8") as f:
            f.write("hello")
        try:
            pair(LAN, CLIENT, "10.9.0.1/24")
            pair(WAN, SERVER, "10.9.0.200/24")
            firewall(folder)
            translation(folder)
        finally:
            tear_down()
    return None


main()
