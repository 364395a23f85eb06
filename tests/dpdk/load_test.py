#!/usr/bin/python3
"""epic-dpdkd under load: new plans by the hundred, plans and packets that are broken, tables that
are full, processes that are killed.  Every packet is accounted for, and none is kept."""
import atexit
import os
import random
import signal
import stat
import struct
import subprocess
import tempfile
import time

import cbor2

import dataplane as dp

RELOADS = max(20, 1000 // dp.SCALE)
BROKEN_PLANS = max(40, 600 // dp.SCALE)
BROKEN_PACKETS = max(500, 20000 // dp.SCALE)

WORKS = """edition 1;
module works;
use std.dataplane as dp;
use std.nf;

function backends : nf.balancer { derives side in {left, right} via port; }

pipeline p {
  rx    : dp.port-in { device "in"; }
  fork  : dp.acl;
  sides : backends;
  slow  : dp.work { cost 200cycles; }
  count : dp.counter;
  late  : dp.delay { time 2ms; }
  a     : dp.port-out { device "a"; }
  b     : dp.port-out { device "b"; }
  rx -> fork;
  fork -> sides when ip.proto == udp;
  fork -> late when ip.proto == tcp;
  sides -> slow when sides.side == left;
  sides -> count when sides.side == right;
  slow -> a;
  late -> a;
  count -> b;
  fork ->> count when 53/udp;
}
class dns { match 53/udp; through p.*; rate 100kpps; packet 64B; }
class web { match 80/tcp; through p.*; rate 100kpps; packet 200B; }
slo s { cpu dns : web = 1 : 1; accounting entitlement; tolerance 50%; }
target one : dpdk { for p; enforce s; clock 2GHz; }
target two : dpdk { for p; enforce s; clock 2GHz; workers 2; }
target plain : dpdk { for p; }
"""

CHAIN = """edition 1;
module chain;
use std.dataplane as dp;
use std.nf;

function alarms : nf.pattern-ids { derives alarm in {clean, dirty} via metadata; }

pipeline p {
  rx     : dp.port-in { device "in"; }
  clean  : nf.packet-normalizer { timeout 50ms; fragments 64; }
  ids    : alarms { patterns "file:patterns"; }
  guard  : nf.stateful-firewall { inside {10.0.0.0/8, fd00::/8}; flows 1024; }
  nat    : nf.source-nat { inside 10.0.0.0/8; external 192.0.2.1; flows 256; ports 2000..2999; }
  seal   : nf.esp { direction "seal"; spi 4096; key "file:key"; }
  out    : dp.port-out { device "out"; }
  dirty  : dp.port-out { device "dirty"; }
  rx -> clean -> ids -> guard;
  guard -> dirty when ids.alarm == dirty;
  guard -> nat when ip.src in 10.0.0.0/8 and not ids.alarm == dirty;
  guard -> seal when not ip.src in 10.0.0.0/8 and not ids.alarm == dirty;
  nat -> out;
  seal -> out;
}
class all { through p.*; rate 100kpps; packet 200B; }
target t : dpdk { for p; }
"""


RUNNING = []


def kill_all():
    for process in RUNNING:
        if process.poll() is None:
            process.kill()


def serve(folder, plan, *arguments):
    """A dataplane in the background, and its control socket once it answers."""
    path = os.path.join(folder, "control")
    errors = open(os.path.join(folder, "errors"), "w+", encoding="utf-8")
    process = subprocess.Popen([dp.DPDKD, "--plan", plan, "-q", "--control", path, "--no-telemetry", *arguments],
                               stderr=errors)
    RUNNING.append(process)
    for _ in range(600):
        try:
            if dp.ask(path, "help")[0]:
                return process, path, errors
        except (OSError, ValueError):
            time.sleep(0.05)
        if process.poll() is not None:
            break
    errors.seek(0)
    return dp.fail(f"epic-dpdkd does not start: {errors.read()}")


def finish(process, errors):
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    errors.seek(0)
    said = errors.read()
    errors.close()
    dp.expect(code == 0, f"epic-dpdkd ends with {code}: {said[-2000:]}")
    dp.expect("never given back" not in said, said)
    return said


def report(path):
    import json
    with open(path, encoding="utf-8") as f:
        stats = json.load(f)
    dp.conserve(stats)
    return stats


def reloads_lose_nothing(folder):
    plan, errors = dp.compile_policy(folder, "works", WORKS)
    dp.expect(plan, errors)
    other, errors = dp.compile_policy(folder, "other", WORKS.replace("module works", "module other")
                                      .replace("200cycles", "300cycles").replace("1 : 1", "2 : 1"))
    dp.expect(other, errors)
    out = f"{folder}/report.json"
    process, path, said = serve(folder, plan, "--target", "one", "--generate", "all=50kpps,flows=500",
                                "--report", out)
    longest = 0
    for i in range(RELOADS):
        if i % 10 == 9:
            good, answer = dp.ask(path, "reload /nonexistent.plan")
            dp.expect(not good, "a plan that is not there is refused")
        good, answer = dp.ask(path, f"reload {other if i % 2 else plan}")
        dp.expect(good, f"reload {i}: {answer}")
        longest = max(longest, int(answer.split()[2]))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    finish(process, said)
    stats = report(out)
    dp.expect(stats["reloads"] == RELOADS + 1, f"{stats['reloads']} reloads")
    lost = stats["before_received"] - stats["before_sent"] - stats["before_dropped"]
    kept = dp.class_of(stats, "undecided")["entered"]
    dp.expect(stats["before_received"] > 1000, "packets came")
    dp.expect(0 <= lost <= 5000 and stats["before_dropped"] == 0,
              f"lost {lost}, dropped {stats['before_dropped']}, kept {kept}")
    print(f"{RELOADS} reloads, {stats['before_received']} packets, the longest pause {longest} us")


def broken(rng, value, depth=0):
    """The same with a few things changed, removed or doubled."""
    if isinstance(value, dict):
        return {k: broken(rng, v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        items = [broken(rng, v, depth + 1) for v in value]
        if items and rng.random() < 0.02:
            items.pop(rng.randrange(len(items)))
        if items and rng.random() < 0.02:
            items.insert(rng.randrange(len(items)), rng.choice(items))
        return items
    if rng.random() < 0.01:
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return rng.choice([0, 1, 2, 7, 1024, 65536])
        if isinstance(value, str):
            return rng.choice(["", "p.fork", "p.rx", "p.a", "true", "t1", "dns", "drop", "lpm", "work", "in",
                               "ip.dst in 10.0.0.0/8", "not true", "l4.dport in 1..70000", value + "x"])
    return value


def broken_plans_are_refused_or_run(folder):
    plan = f"{folder}/works/works.plan"
    with open(plan, "rb") as f:
        whole = cbor2.load(f)
    whole = whole.value if isinstance(whole, cbor2.CBORTag) else whole
    out, bad = f"{folder}/report.json", f"{folder}/bad.plan"
    process, path, said = serve(folder, plan, "--target", "one", "--generate", "all=50kpps", "--report", out)
    rng, taken = random.Random(7), 0
    for i in range(BROKEN_PLANS):
        data = cbor2.dumps(cbor2.CBORTag(55799, broken(rng, whole)), canonical=True)
        if i % 4 == 3:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]
        with open(bad, "wb") as f:
            f.write(data)
        try:
            good, answer = dp.ask(path, f"reload {bad}")
        except (OSError, ValueError):
            process.wait(60)
            finish(process, said)
            raise
        taken += good
        dp.expect(good or len(answer) > 10, f"a refusal without a reason: {answer!r}")
        dp.expect(process.poll() is None, "epic-dpdkd survives a broken plan")
    good, answer = dp.ask(path, f"reload {plan}")
    dp.expect(good, answer)
    finish(process, said)
    report(out)
    dp.expect(0 < taken < BROKEN_PLANS, f"{taken} of {BROKEN_PLANS} broken plans ran")
    print(f"{BROKEN_PLANS} broken plans, {taken} of them could run")


def random_frame(rng, whole):
    """A packet, whole or with some bytes changed or cut off."""
    proto = rng.choice([6, 17, 1, 50, 132, 44])
    payload = rng.choice([b"", b"GET / HTTP/1.1", b"cmd.exe", rng.randbytes(rng.randrange(200))])
    if proto == 6:
        l4 = struct.pack("!HHIIBBHHH", rng.randrange(65536), rng.choice([80, 443]), 1, 2, 0x50,
                         rng.choice([2, 16, 24, 3, 1, 4, 0]), 100, 0, 0) + payload
    elif proto == 17:
        l4 = struct.pack("!HHHH", rng.randrange(65536), rng.choice([53, 80]), 8 + len(payload), 0) + payload
    else:
        l4 = struct.pack("!BBHI", rng.choice([0, 3, 8]), 0, 0, rng.randrange(1 << 32)) + payload
    src = bytes(rng.choice([[10, 0, 0, rng.randrange(256)], [198, 51, 100, 7]]))
    dst = bytes(rng.choice([[192, 0, 2, 1], [203, 0, 113, 9], [10, 9, 9, 9]]))
    frag = rng.choice([0, 0, 0, 0, 0x2000, 0x2001, 0x0003])
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), rng.randrange(8), frag, 64, proto, 0) + src + dst
    head = head[:10] + struct.pack("!H", dp.checksum(head)) + head[12:]
    frame = bytes.fromhex("0200000000020200000000010800") + head + l4
    if whole:
        return frame.ljust(60, b"\0")
    data = bytearray(frame)
    for _ in range(rng.randrange(4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[:rng.randrange(14, len(data) + 1)])


def pieces(number):
    """A datagram in two fragments."""
    l4 = struct.pack("!HHHH", 4000, 53, 48, 0) + bytes(40)
    for data, frag in (l4[:24], 0x2000), (l4[24:], 3):
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), number, frag, 64, 17, 0) + bytes([10, 0, 0, 1, 203, 0, 113, 9])
        head = head[:10] + struct.pack("!H", dp.checksum(head)) + head[12:]
        yield bytes.fromhex("0200000000020200000000010800") + head + data


def broken_packets_are_counted(folder):
    with open(f"{folder}/patterns", "w", encoding="utf-8") as f:
        f.write("dirty: cmd.exe\n")
    with open(f"{folder}/key", "w", encoding="utf-8") as f:
        f.write("00112233445566778899aabbccddeeff00112233\n")
    plan, errors = dp.compile_policy(folder, "chain", CHAIN)
    dp.expect(plan, errors)
    for name in ("patterns", "key"):
        os.link(f"{folder}/{name}", os.path.join(os.path.dirname(plan), name))
    rng = random.Random(11)
    frames = [random_frame(rng, rng.random() < 0.4) for _ in range(BROKEN_PACKETS)]
    frames = [piece for number in range(1000, 1050) for piece in pieces(number)] + frames
    dp.write_pcap(f"{folder}/broken.pcap", frames)
    stats = dp.run(plan, f"--device=in=replay:{folder}/broken.pcap,speed=max", "--device=out=null",
                   "--device=dirty=null")
    total = {}
    for c in stats["classes"]:
        for reason, n in c["dropped"].items():
            total[reason] = total.get(reason, 0) + n
    received = sum(c["received"] for c in stats["classes"])
    dp.expect(received == len(frames), f"{received} of {len(frames)} packets came in")
    for reason in ("refused", "malformed", "merged", "full"):
        dp.expect(total.get(reason), f"no packet was dropped as {reason}: {total}")
    print(f"{received} packets, dropped: { {k: v for k, v in total.items() if v} }")


def workers_share_what_they_run(folder):
    plan = f"{folder}/works/works.plan"
    for target, cores in (("two", "0,1"), ("plain", "0")):
        if int(cores[-1]) >= os.cpu_count():
            continue
        stats = dp.run(plan, "--target", target, "--generate", "all=max", "--time", "0.5", "--cores", cores)
        classes = {c["name"]: c for c in stats["classes"]}
        dp.expect(classes["dns"]["received"] > 1000 and classes["web"]["sent"] > 1000, f"{target}: {classes}")
        dp.expect(classes["dns"]["copied"] > 0, "copies were made")


def a_killed_one_leaves_nothing_in_the_way(folder):
    plan = f"{folder}/works/works.plan"
    for _ in range(3):
        process, path, errors = serve(folder, plan, "--target", "one", "--generate", "all=50kpps")
        busy = subprocess.run([dp.DPDKD, "--plan", plan, "--target", "one", "--control", path, "--generate", "all",
                               "--no-telemetry", "-q"], capture_output=True, text=True, timeout=60, check=False)
        dp.expect(busy.returncode == 5 and path in busy.stderr, f"a second one is refused: {busy.stderr}")
        process.kill()
        process.wait()
        errors.close()
    process, path, errors = serve(folder, plan, "--target", "one", "--generate", "all=50kpps")
    finish(process, errors)


def edges_can_be_captured(folder):
    plan = f"{folder}/works/works.plan"
    rng = random.Random(3)
    frames = [random_frame(rng, True) for _ in range(400)]
    dp.write_pcap(f"{folder}/some.pcap", frames)
    dp.run(plan, "--target", "plain", f"--device=in=replay:{folder}/some.pcap,speed=max", "--device=a=null",
           "--device=b=null", f"--capture=p.fork:p.sides={folder}/edge.pcap")
    got = dp.read_pcap(f"{folder}/edge.pcap")
    udp = sorted(f for f in frames if f[23] == 17)
    dp.expect(sorted(got) == udp, f"{len(got)} packets captured, {len(udp)} crossed")


def tools_speak_with_it(folder):
    plan = f"{folder}/works/works.plan"
    process, path, errors = serve(folder, plan, "--target", "one", "--generate", "all=50kpps,seed=4",
                                  "--rates", f"{folder}/rates.epi")
    time.sleep(1)
    for arguments, words in ((["stats", "--control", path, "--as", "json"], '"schema":"epic.dpdkd/1"'),
                             (["stats", "--control", path, "--as", "prometheus"], 'epic_dpdkd_class_received_packets_total{class="dns"}'),
                             (["stats", "--control", path, "--as", "human"], "CLASS"),
                             (["top", "--control", path, "--once"], "class class=dns"),
                             (["ask", "--control", path, "rates"], "let dns-rate = ")):
        done = subprocess.run([dp.DPDKD, *arguments], capture_output=True, text=True, timeout=60, check=False)
        dp.expect(done.returncode == 0 and words in done.stdout, f"{arguments}: {done.returncode} {done.stdout[:600]} {done.stderr}")
    done = subprocess.run([dp.DPDKD, "ask", "--control", path, "reload", "/nonexistent"], capture_output=True, text=True,
                          timeout=60, check=False)
    dp.expect(done.returncode == 1 and "/nonexistent" in done.stderr, f"a refused command: {done.returncode}")
    finish(process, errors)
    done = subprocess.run([dp.EPIC, "check", f"{folder}/rates.epi"], capture_output=True, text=True, timeout=60, check=False)
    dp.expect(done.returncode == 0, f"the rates are a module: {done.stderr}")


def reports_go_where_they_are_sent(folder):
    pipe, plan = f"{folder}/pipe", f"{folder}/works/works.plan"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    done = subprocess.run([*dp.command(plan, "--target", "one", "--generate", "all=50kpps", "--time", "0.2"), "--report", pipe],
                          timeout=60, check=False)
    dp.expect(done.returncode == 0, "a report goes into a pipe")
    dp.expect(reader.communicate(timeout=10)[0].startswith('{"before_dropped"'), "the whole report")
    dp.expect(stat.S_ISFIFO(os.stat(pipe).st_mode), "a pipe stays a pipe")
    done = subprocess.run([*dp.command(plan, "--target", "one", "--generate", "all=50kpps", "--time", "0.1"), "--report",
                           f"{folder}/nowhere/report"], timeout=60, check=False, capture_output=True, text=True)
    dp.expect(done.returncode == 5 and "nowhere" in done.stderr, f"a report that cannot be written: {done.stderr}")


def costs_are_a_module(folder):
    os.mkdir(f"{folder}/std")
    done = subprocess.run([dp.DPDKD, "profile", "--rounds", "1", "-o", f"{folder}/std/measured.epi"], timeout=120,
                          check=False, capture_output=True, text=True)
    dp.expect(done.returncode == 0, f"profile: {done.stderr}")
    with open(f"{folder}/uses.epi", "w", encoding="utf-8") as f:
        f.write("edition 1;\nuse std.measured as m;\nfunction mine : m.acl { dpdk-class \"acl\"; }\n")
    done = subprocess.run([dp.EPIC, "check", "-q", f"{folder}/std/measured.epi", f"{folder}/uses.epi"], timeout=60, check=False,
                          capture_output=True, text=True)
    dp.expect(done.returncode == 0, f"measured costs can be used: {done.stderr}")


def launch_files_start_as_they_are(folder):
    text = WORKS.replace("module works", "module launched").replace('"in"', '"net_null0"').replace('"a"', '"net_null1"')
    plan, errors = dp.compile_policy(folder, "launched", text.replace('"b"', '"net_null2"'))
    dp.expect(plan, errors)
    launch = os.path.join(os.path.dirname(plan), "one", "launch.json")
    done = subprocess.run([dp.DPDKD, "--launch", launch, "-q", "--control", "none", "--no-telemetry", "--time", "0.3",
                           "--report", f"{folder}/launched.json"], capture_output=True, text=True, timeout=60, check=False)
    dp.expect(done.returncode == 0, done.stderr)
    dp.expect(sum(c["received"] for c in report(f"{folder}/launched.json")["classes"]) > 1000, "packets came")


def mistakes_are_told(folder):
    plan = f"{folder}/works/works.plan"
    for arguments, words in (
            (["--target", "nobody"], "no target 'nobody'"),
            ([], "--target"),
            (["--target", "one"], "is bound to nothing; start with --device"),
            (["--target", "one", "--device", "in"], "binds nothing"),
            (["--target", "one", "--device", "a=null", "--device", "b=null", "--device", "in=net_pcap0,rx_pcap=/nonexistent"], "/nonexistent"),
            (["--target", "one", "--generate", "nosuch=1pps"], "nosuch"),
            (["--target", "one", "--generate", "all", "--capture", "p.rx:p.none=x"], "no edge"),
            (["--target", "one", "--generate", "all", "--cores", "999"], "core 999"),
            (["--target", "one", "--generate", "all", "--replicas", "0"], "--replicas"),
    ):
        done = subprocess.run(dp.command(plan, *arguments), capture_output=True, text=True, timeout=60, check=False)
        dp.expect(done.returncode == 2 and words in done.stderr, f"{arguments}: {done.returncode} {done.stderr}")
    cached, errors = dp.compile_policy(folder, "cached", "\n".join([
        "edition 1;", "module cached;", "use std.dataplane as dp;", "use std.nf;", "pipeline p {",
        '  rx : dp.port-in { device "in"; }', "  cache : nf.web-cache;", '  tx : dp.port-out { device "out"; }',
        "  rx -> cache -> tx;", "}", "target t : dpdk { for p; }", ""]))
    dp.expect(cached, errors)
    done = subprocess.run(dp.command(cached, "--device", "in=null", "--device", "out=null"), capture_output=True,
                          text=True, timeout=60, check=False)
    dp.expect(done.returncode == 2 and "cached.epi:7:3: p.cache: " in done.stderr, done.stderr)


atexit.register(kill_all)
with tempfile.TemporaryDirectory() as temporary:
    reloads_lose_nothing(temporary)
    broken_plans_are_refused_or_run(temporary)
    broken_packets_are_counted(temporary)
    workers_share_what_they_run(temporary)
    edges_can_be_captured(temporary)
    tools_speak_with_it(temporary)
    reports_go_where_they_are_sent(temporary)
    costs_are_a_module(temporary)
    launch_files_start_as_they_are(temporary)
    a_killed_one_leaves_nothing_in_the_way(temporary)
    mistakes_are_told(temporary)
