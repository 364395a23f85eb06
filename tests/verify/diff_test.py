#!/usr/bin/python3
"""epic diff tells what a change means, and nothing else.  Usage: diff_test.py EPIC EXAMPLES FOLDER"""
import itertools
import json
import os
import shutil
import subprocess
import sys

EPIC, EXAMPLES, FOLDER = map(os.path.abspath, sys.argv[1:4])
failures = []


def run(*arguments):
    done = subprocess.run([EPIC, "diff", *arguments], cwd=FOLDER, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(what, truth, said=""):
    if not truth:
        failures.append(what)
        print(f"FAIL: {what}\n{said}")


def changed(name, *replacements, new="changed.epi"):
    """A policy with other words in it; each must be there."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        text = f.read()
    for old, by in replacements:
        expect(f"{name} has {old!r}", old in text)
        text = text.replace(old, by)
    with open(os.path.join(FOLDER, new), "w", encoding="utf-8") as f:
        f.write(text)
    return new


def changes(old, new, *flags):
    code, out, err = run(old, new, "--as", "json", *flags)
    expect(f"diff {old} {new} ends well", code in (0, 1), out + err)
    result = json.loads(out)
    expect("the schema is named", result["schema"] == "epic.diff/1", out)
    found = [dict(c, kind=k) for k, rows in result["changes"].items() for c in rows]
    expect("`same` says whether there are changes", result["same"] == (not found), out)
    return found


def packets(found, way):
    return {(c["subject"], c["packets"]["filter"]) for c in found
            if c["packets"] and c["change"] == way and c["kind"] == "flows"}


def facts(found, kind):
    return {(c["subject"], f["name"]): f for c in found if c["kind"] == kind for f in c["facts"]}


def nothing():
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".epi"):
            code, out, err = run(name, name, "--exit-code")
            expect(f"{name} is like itself", (code, out) == (0, "nothing changes\n"), out + err)
    for name in ("proxies.epi", "firewall.epi", "hospital.epi", "bng.epi"):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(FOLDER, "spaced.epi"), "w", encoding="utf-8") as f:
            f.write("# another comment\n\n" + text.replace(";\n", "   ;\n\n"))
        code, out, err = run(name, "spaced.epi", "--exit-code")
        expect(f"{name}: layout is no difference", (code, out) == (0, "nothing changes\n"), out + err)
    os.unlink(os.path.join(FOLDER, "spaced.epi"))


def flows():
    wide = changed("sepsis.epi", ("hub.compute => north.ehr when https rate",
                                  "hub.compute => north.ehr when {443/tcp, 8443/tcp} rate"))
    found = changes("sepsis.epi", wide)
    back = changes(wide, "sepsis.epi")
    expect("what one way gains the other way loses",
           packets(found, "gained") == packets(back, "lost") and packets(found, "lost") == packets(back, "gained"))
    narrow = changed("sepsis.epi", ("=> hub.compute when https rate", "=> hub.compute when https and ip.dscp == 3 rate"))
    found = changes("sepsis.epi", narrow)
    lost = [c for c in found if c["packets"] and c["subject"] == "lake.ehr => hub.compute"]
    expect("a narrowed filter loses packets and gains none", [c["change"] for c in lost] == ["lost"], found)
    expect("the packets lost are told exactly",
           lost and lost[0]["packets"]["filter"] ==
           "ip.proto == 6 and l4.dport == 443 and not ip.dscp == 3"
           or lost and "ip.dscp in {0..2, 4..63}" in lost[0]["packets"]["filter"], lost)
    example = lost[0]["packets"]["example"] if lost else {}
    expect("the example is such a packet", example.get("l4.dport") == 443 and example.get("ip.dscp") != 3, example)
    gone = changed("sepsis.epi", ("  flow hub.compute => north.ehr when https rate 5Mbps carries model-weights;\n", ""),
                   ("expect reach hub.compute => north.ehr when https carries model-weights;\n", ""))
    found = changes("sepsis.epi", gone)
    expect("a flow that is gone is told",
           any(c["change"] == "lost" and "stated no more" in c["what"] for c in found), found)


def rest():
    other = changed("firewall.epi", ("cpu data : logs = 5 : 1", "cpu data : logs = 4 : 1"))
    found = changes("firewall.epi", other)
    weights = facts(found, "weights")
    key = ("task fw.acl of class data of target rack", "weight")
    expect("a weight has its relative change", key in weights and weights[key]["relative"] < 0, found)
    expect("files are counted", ("rack/rack.bess", "lines gained") in facts(found, "files"), found)
    expect("flows are let alone", not [c for c in found if c["kind"] in ("flows", "bridges", "areas")], found)
    only = changes("firewall.epi", other, "--only", "weights")
    expect("--only shows one kind", {c["kind"] for c in only} == {"weights"}, only)
    other = changed("firewall.epi", ("not l4.dport == 53;", "not l4.dport in 53..54;"), ("rate 20kpps", "rate 30kpps"))
    found = changes("firewall.epi", other)
    expect("an edge gains packets", any(c["kind"] == "pipelines" and c["change"] == "gained" and
                                        "l4.dport == 54" in (c["packets"] or {}).get("filter", "") for c in found), found)
    rate = facts(found, "classes").get(("class control", "rate_pps"))
    expect("a rate has its relative change", rate and abs(rate["relative"] - 0.5) < 1e-9, found)
    found = changes("proxies.epi", "hospital.epi")
    expect("areas and nodes appear", any(c["kind"] == "areas" and c["change"] == "gained" for c in found), found)
    expect("bridges and flows are told", any(f["name"] == "bridge" for c in found for f in c["facts"]), found)


def plans():
    subprocess.run([EPIC, "compile", "-q", "firewall.epi", "-o", "made"], cwd=FOLDER, check=True, timeout=60)
    code, out, err = run("made/firewall.plan", "firewall.epi", "--exit-code")
    expect("a plan is like its policy", (code, out) == (0, "nothing changes\n"), out + err)
    other = changed("firewall.epi", ("cpu data : logs = 5 : 1", "cpu data : logs = 4 : 1"))
    code, out, err = run("made/firewall.plan", other, "--exit-code", "-v")
    expect("a plan is unlike another policy", code == 1 and "@@" in out, out + err)
    code, out, err = run("made/firewall.plan", other)
    expect("without --exit-code a difference is no failure", code == 0 and "weights" in out, out + err)
    code, out, err = run("made/firewall.plan", other, "--as", "md", "-v")
    expect("Markdown has tables, details and lines",
           "| weight" in out.replace("`", "") and "<details" in out and "~~~~diff" in out, out + err)
    expect("details are closed", out.count("<details") == out.count("</details>"), out)
    for arguments in (("firewall.epi",), ("firewall.epi", "nowhere.epi"), ("firewall.epi", "nowhere.plan"),
                      ("firewall.epi", other, "--as", "svg"), ("firewall.epi", other, "--only", "colours")):
        code, out, err = run(*arguments)
        expect(f"diff {arguments} is wrong use", code == 2 and err, out + err)


def pairs():
    names = ["fig31.epi", "firewall.epi", "hospital.epi", "proxies.epi", "sepsis.epi", "bng.epi"]
    turned = {"gained": "lost", "lost": "gained", "changed": "changed"}
    for a, b in itertools.combinations(names, 2):
        there, back = changes(a, b), changes(b, a)
        count = lambda found, turn: sorted((c["kind"], turn(c["change"]), c["subject"]) for c in found)
        expect(f"{a} and {b} differ alike in both directions",
               count(there, lambda w: w) == count(back, turned.get))


shutil.copytree(EXAMPLES, FOLDER, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.out", "demo"))
nothing()
flows()
rest()
plans()
pairs()
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
