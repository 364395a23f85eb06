#!/usr/bin/python3
"""The recorder takes a sound script and refuses each broken one for its own reason."""
import sys

from recorder import Recorder, Refused

SOUND = """
p = PMDPort(name='p', port_id=0)
rx = PortInc(name='rx', port=p.name)
wm = WildcardMatch(name='wm', fields=[{'offset': 12, 'num_bytes': 2}])
wm.add(values=[{'value_int': 0x0800}], masks=[{'value_int': 0xffff}], priority=2, gate=1)
wm.add(values=[{'value_int': 0x0800}], masks=[{'value_int': 0xff00}], priority=1, gate=2)
wm.set_default_gate(gate=0)
bpf = BPF(name='bpf', filters=[{'priority': 1, 'gate': 1, 'filter': 'ether[23:1] = 17'}])
q = Queue(name='q', size=64)
r = Replicate(name='r', gates=[0, 1])
tx = PortOut(name='tx', port=p.name)
s = Sink(name='s')
rx.connect(wm, 0, 0)
wm.connect(bpf, 1, 0)
wm.connect(q, 2, 0)
wm.connect(s, 0, 0)
bpf.connect(s, 0, 0)
bpf.connect(tx, 1, 0)
q.connect(r, 0, 0)
r.connect(tx, 0, 0)
r.connect(s, 1, 0)
bess.add_worker(wid=0, core=0, scheduler='experimental')
bess.add_tc(name='root', policy='priority', wid=0)
bess.add_tc(name='fair', policy='weighted_fair', parent='root', priority=1, resource='cycle')
rx.attach_task(parent='fair', share=3)
q.attach_task(parent='fair', share=1)
f = FlowGen(name='f', pps=1.5)
f.connect(s, 0, 0)
f.attach_task(parent='root', priority=0)
"""

# what is replaced, by what, and a word of the reason
BROKEN = [
    ("port_id=0", "port=0", "no field"),
    ("PMDPort(name='p', port_id=0)", "PMDPort(0)", "keywords only"),
    ("port_id=0", "port_id='0'", "no whole number"),
    ("port_id=0", "port_id=0, pci='0000:00:00.0'", "both"),
    ("name='q'", "name='rx'", "taken"),
    ("s = Sink(name='s')", "s = Sink(name='Sink')", "reserved"),
    ("s = Sink(name='s')", "s = Sink(name='a-b')", "no name"),
    ("s = Sink(name='s')", "s = Sink(name='t')", "holds"),
    ("s = Sink(name='s')", "s::Sink()", "rewrites"),
    ("rx.connect(wm, 0, 0)", "rx -> wm", "rewrites"),
    ("size=64", "size=48", "no size"),
    ("size=64", "size=2", "no size"),
    ("size=64", "size=64.0", "no whole number"),
    ("size=64", "burst=32", "no field"),
    ("wm.set_default_gate(gate=0)", "wm.set_default_gate(0)", "keywords only"),
    ("wm.set_default_gate(gate=0)", "", "drops"),
    ("priority=2, gate=1", "priority=2, gate=8192", "not in"),
    ("{'value_int': 0x0800}], masks=[{'value_int': 0xffff}", "{'value_bin': '\\x08'}], masks=[{'value_int': 0xffff}",
     "no bytes"),
    ("{'value_int': 0x0800}], masks=[{'value_int': 0xffff}", "{'value_int': 0x0801}], masks=[{'value_int': 0xff00}",
     "not covered"),
    ("{'value_int': 0x0800}], masks=[{'value_int': 0xffff}", "{'value_int': 0x10800}], masks=[{'value_int': 0xffff}",
     "more than 2 bytes"),
    ("fields=[{'offset': 12, 'num_bytes': 2}]", "fields=[{'offset': i, 'num_bytes': 2} for i in range(9)]", "9 fields"),
    ("wm.set_default_gate(gate=0)",
     "wm.set_default_gate(gate=0)\nfor i in range(8):\n    wm.add(values=[{'value_int': 0}], "
     "masks=[{'value_int': 1 << i}], priority=9 + i, gate=1)", "8 mask patterns"),
    ("ether[23:1] = 17", "ether[23:1] = = 17", "BPF"),
    ("gates=[0, 1]", "gates=[1, 0]", "gates"),
    ("wm.connect(bpf, 1, 0)", "wm.connect(bpf, 1, 1)", "input gate"),
    ("rx.connect(wm, 0, 0)", "rx.connect(wm, 1, 0)", "output gate"),
    ("r.connect(s, 1, 0)", "r.connect(s, 1, 0)\nr.connect(s, 1, 0)", "in use"),
    ("r.connect(s, 1, 0)", "", "leads nowhere"),
    ("r.connect(s, 1, 0)", "r.connect(wm, 1, 0)\nq2 = 1", None),
    ("bpf.connect(s, 0, 0)", "m = Merge(name='m')\nbpf.connect(m, 0, 0)\nm.connect(wm, 0, 0)", "loop"),
    ("rx.attach_task(parent='fair', share=3)", "", "not attached"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', share=3.0)", "no whole number"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', share=0)", "not in"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', share=1025)", "not in"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', priority=3)", "weighted_fair"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(wid=0)", "hidden round robin"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', share=3)\n"
     "rx.attach_task(parent='fair', share=3)", "twice"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fair', wid=0, share=3)", "both a parent"),
    ("rx.attach_task(parent='fair', share=3)", "rx.attach_task(parent='fare', share=3)", "no class"),
    ("s = Sink(name='s')", "s = Sink(name='s')\ns.attach_task(parent='fair', share=1)", "no task"),
    ("f.attach_task(parent='root', priority=0)", "f.attach_task(parent='root', priority=1)", "twice"),
    ("f.attach_task(parent='root', priority=0)", "f.attach_task(parent='root', priority=-1)", "not in"),
    (", resource='cycle'", "", "stalls"),
    (", resource='cycle'", ", resource='packet'", "stalls"),
    (", scheduler='experimental'", "", "starves"),
    (", scheduler='experimental'", ", scheduler='best'", "no scheduler"),
    ("bess.add_worker(wid=0, core=0,", "bess.add_worker(wid=64, core=0,", "not in"),
    ("bess.add_tc(name='root'", "bess.add_worker(wid=1, core=0)\nbess.add_tc(name='root'", "on core"),
    ("bess.add_tc(name='root'", "bess.add_worker(wid=1, core=1)\nbess.add_tc(name='root'", "nothing to do"),
    ("policy='priority', wid=0", "policy='strict', wid=0", "no policy"),
    ("name='fair', policy", "name='root', policy", "two classes"),
    ("f.attach_task(parent='root', priority=0)", "f.attach_task(parent='root', priority=0)\n"
     "bess.add_tc(name='idle', policy='round_robin', parent='root', priority=7)", "no children"),
    ("f.connect(s, 0, 0)\nf.attach_task(parent='root', priority=0)",
     "n = RoundRobin(name='n', gates=[0])\nq2 = Queue(name='q2')\nbess.add_worker(wid=1, core=1)\n"
     "f2 = FlowGen(name='f2')\nf.connect(n, 0, 0)\nf2.connect(n, 0, 0)\nn.connect(s, 0, 0)\n"
     "q2.connect(s, 0, 0)\nf.attach_task(parent='root', priority=0)\nf2.attach_task(wid=1)\n"
     "q2.attach_task(wid=1)\nwm2 = Merge(name='wm2')\nwm2.connect(q2, 0, 0)\n"
     "f3 = FlowGen(name='f3')\nf3.connect(wm2, 0, 0)\nf3.attach_task(wid=1)", "reach n"),
    ("tx = PortOut(name='tx', port=p.name)", "tx = PortOut(name='tx', port=p.name)\n"
     "t2 = PortOut(name='t2', port=p.name)", "in use"),
    ("s = Sink(name='s')", "s = Sink(name='s')\nt = Sink(name='t')", "nothing leads"),
    ("s = Sink(name='s')", "s = Sink(name='s'", "no Python"),
]


def reason_of(text):
    try:
        Recorder().run(text)
    except Refused as e:
        return str(e)
    return None


def check_broken():
    bad = 0
    for old, new, word in BROKEN:
        assert old in SOUND, old
        reason = reason_of(SOUND.replace(old, new, 1))
        if (word is None) != (reason is None) or (word and word not in reason):
            print(f"{new!r}: {reason!r}, and not {word!r}")
            bad += 1
    return bad


def check_packets():
    r = Recorder()
    r.run(SOUND)
    udp = bytes(12) + b"\x08\x00" + bytes(9) + b"\x11" + bytes(40)
    other = bytes(12) + b"\x08\x06" + bytes(50)
    seen = [sorted(str(e) for e, _ in r.push("rx", frame))
            for frame in (udp, udp[:23] + b"\x06" + udp[24:], other, bytes(64))]
    expected = [["tx"], ["s"], ["s", "tx"], ["s"]]
    if seen != expected:
        print(f"packets end at {seen}, and not at {expected}")
    return seen != expected


def main():
    sound = reason_of(SOUND)
    if sound:
        print(f"the sound script is refused: {sound}")
    bad = bool(sound) + check_broken() + check_packets()
    print(f"{len(BROKEN)} broken scripts, {bad} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        Recorder().pcap
    except OSError as e:
        print(f"libpcap is missing (Debian: libpcap0.8): {e}")
        sys.exit(77)
    sys.exit(main())
