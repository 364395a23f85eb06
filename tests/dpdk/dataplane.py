"""Runs epic and epic-dpdkd, and reads what they write.  For the tests beside it."""
import json
import os
import socket
import struct
import subprocess
import sys

EPIC = os.environ.get("EPIC", "./epic")
DPDKD = os.environ.get("EPIC_DPDKD", "./epic-dpdkd")
SCALE = max(1, int(os.environ.get("EPIC_TEST_SCALE", "1")))


def fail(text):
    sys.exit(f"FAIL: {text}")


def expect(condition, text):
    if not condition:
        fail(text)


def compile_policy(folder, name, text, *flags):
    """The path of the plan, or None if the policy does not compile."""
    path = os.path.join(folder, name + ".epi")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    out = os.path.join(folder, name)
    done = subprocess.run([EPIC, "compile", "-q", "--force", "-o", out, *flags, path],
                          capture_output=True, text=True, timeout=120, check=False)
    if done.returncode not in (0, 4):
        return None, done.stderr
    return os.path.join(out, name + ".plan"), done.stderr


def command(plan, *arguments):
    return [DPDKD, "--plan", plan, "-q", "--control", "none", "--no-telemetry", *arguments]


def run(plan, *arguments, seconds=60):
    """Runs to the end; the report.  Checks that every packet is accounted for."""
    report = plan + ".report.json"
    done = subprocess.run([*command(plan, *arguments), "--report", report], timeout=seconds,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"epic-dpdkd ends with {done.returncode}: {done.stderr}\n{' '.join(arguments)}")
    with open(report, encoding="utf-8") as f:
        stats = json.load(f)
    conserve(stats)
    return stats


def conserve(stats):
    """For every class: in = out + dropped + queued + held."""
    for c in stats["classes"]:
        came = c["received"] + c["copied"] + c["entered"]
        went = c["sent"] + sum(c["dropped"].values()) + c["queued"] + c["held"] + c["left"]
        expect(came == went, f"class {c['name']}: {came} packets came and {went} went: {c}")


def class_of(stats, name):
    return next(c for c in stats["classes"] if c["name"] == name)


def ask(path, line):
    """One request to a control socket: (good, answer)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        f = s.makefile("rb")
        word, size = f.readline().split()
        return word == b"ok", f.read(int(size)).decode()


# ---- packets ----

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, frames = 24, []
    while at < len(data):
        size = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames
