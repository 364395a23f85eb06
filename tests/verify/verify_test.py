#!/usr/bin/python3
"""epic verify finds hand-made errors.  Usage: verify_test.py EPIC EXAMPLES FOLDER

Every example, compiled and left alone, agrees.  Then one thing at a time is changed, in the files
and in the plan; each must be found (exit 1), in the files with the line and the plan's row.
"""
import os
import re
import shutil
import subprocess
import sys

EPIC, EXAMPLES, FOLDER = map(os.path.abspath, sys.argv[1:4])
failures = []
n_errors = 0


def run(*arguments):
    done = subprocess.run([EPIC, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def fail(what, said=""):
    failures.append(what)
    print(f"FAIL: {what}\n{said}")


def compile_all():
    """Each in a folder of its own; returns them by name."""
    made = {}
    for folder in ("", "alpine", "dataplane"):
        top = os.path.join(EXAMPLES, folder)
        for name in sorted(os.listdir(top)):
            if not name.endswith(".epi"):
                continue
            key = (folder + "-" if folder else "") + name[:-4]
            home = os.path.join(FOLDER, key)
            shutil.copytree(EXAMPLES, home, ignore=shutil.ignore_patterns("tree", "*.out", "demo"))
            made[key] = os.path.join(home, folder, "out")
            code, out, err = run("compile", "-q", os.path.join(home, folder, name), "-o", made[key])
            if code:
                fail(f"{key} does not compile: {code}", out + err)
    return made


def must_agree(name, path):
    code, out, err = run("verify", path)
    if code or "agree" not in out:
        fail(f"{name} was not touched, and verify says {code}", out + err)


def spoil(path, file, data, what, line=True):
    """FILE of the folder gets other bytes for a moment."""
    global n_errors
    n_errors += 1
    full = os.path.join(path, file)
    kept = read(full)
    if data == kept:
        fail(f"{what}: nothing was changed")
        return
    write(full, data)
    code, out, err = run("verify", path)
    write(full, kept)
    if code != 1:
        fail(f"{what}: exit {code}, not 1", out + err)
    elif line and not re.search(re.escape(file) + r":\d+: .*\n    the plan: ", out):
        fail(f"{what}: neither line nor row of the plan is named", out + err)


def spoil_lines(path, file, pattern, change, what):
    """Each line that fits, one after the other; CHANGE gives the new line, or None to drop it."""
    lines = read(os.path.join(path, file)).decode().splitlines(keepends=True)
    found = 0
    for i, line in enumerate(lines):
        if not re.search(pattern, line):
            continue
        found += 1
        new = change(line)
        data = "".join(lines[:i] + ([] if new is None else [new]) + lines[i + 1:]).encode()
        spoil(path, file, data, f"{file}:{i + 1}: {what}")
    if not found:
        fail(f"{file}: no line fits {pattern}")
    return found


def drop(_line):
    return None


def number_up(pattern):
    """Adds one to the number that the pattern's group holds."""
    def change(line):
        m = re.search(pattern, line)
        return line[:m.start(1)] + str(int(m.group(1)) + 1) + line[m.end(1):]
    return change


def spoil_nginx(path, file):
    spoil_lines(path, file, r"^ +listen ", number_up(r":(\d+)"), "another port")
    spoil_lines(path, file, r"^ +listen ", lambda l: re.sub(r"(\d)([.\]:]\S*:\d)", r"\g<1>9\2", l, count=1), "another address")
    spoil_lines(path, file, r"^ +listen ", drop, "no listen")
    spoil_lines(path, file, r"^ +allow ", drop, "an allow removed")
    spoil_lines(path, file, r"^ +allow ", lambda l: "        allow all;\n", "an allow for all")
    spoil_lines(path, file, r"^ +allow ", lambda l: l + "        allow 192.0.2.0/24;\n", "one allow more")
    spoil_lines(path, file, r"^ +deny all", drop, "no deny")
    spoil_lines(path, file, r"^ +(proxy_pass|server) .*;", lambda l: re.sub(r"\d;", "7777;", l), "another next")
    spoil_lines(path, file, r'^ +\d+ "', drop, "a name of a flow removed")
    spoil_lines(path, file, r"^ +access_log", drop, "a setting removed")
    text = read(os.path.join(path, file)).decode()
    if "proxy_protocol on;" in text:
        spoil_lines(path, file, r"proxy_protocol on;", drop, "no proxy_protocol")
    if "ssl_certificate" in text:
        spoil_lines(path, file, r"ssl_certificate", lambda l: l.replace("lake", "other"), "another certificate")
        spoil_lines(path, file, r"https:", lambda l: l.replace("https:", "http:"), "in the clear")
        spoil_lines(path, file, r"listen .* ssl", lambda l: l.replace(" ssl", ""), "no TLS")
    # The first rule that fits counts, so that order matters.
    swapped = re.sub(r"( +allow [^\n]+\n)( +deny all;\n)", r"\2\1", text, count=1)
    spoil(path, file, swapped.encode(), f"{file}: deny before allow")
    server = re.search(r"    server \{\n.*?\n    \}\n", text, re.S).group()
    spoil(path, file, (text.replace(server, server + server.replace(":80", ":90").replace(":84", ":94"), 1)
                       ).encode(), f"{file}: one server more")
    spoil(path, file, text.replace(server, "", 1).encode(), f"{file}: one server less")
    data = text[:text.rindex("}")]
    code, out = spoil_quietly(path, file, data.encode())
    if code != 1 or "does not end" not in out:
        fail(f"{file}: a block without end: {code}", out)
    # What nginx does not see is no difference of meaning.
    code, out = spoil_quietly(path, file, text.replace("        allow", "\tallow").encode())
    if code != 1 or re.search(r"conf:\d+", out) or "changed by hand" not in out:
        fail(f"{file}: white space is taken for a difference", out)


def spoil_quietly(path, file, data):
    full = os.path.join(path, file)
    kept = read(full)
    write(full, data)
    code, out, _ = run("verify", path)
    write(full, kept)
    return code, out


def spoil_chains(path, file):
    if re.search(rb"socks\d://", read(os.path.join(path, file))):
        spoil_lines(path, file, r"socks\d://", number_up(r":(\d+) "), "another port of a link")
        spoil_lines(path, file, r"socks\d://", lambda l: l.replace(" on ", " on x"), "another proxy")
    spoil_lines(path, file, r"^  from ", lambda l: l.rstrip() + " 192.0.2.0/24\n", "one source more")
    spoil_lines(path, file, r"^  to ", lambda l: l.replace("1", "2", 1), "another destination")
    spoil_lines(path, file, r"^  when ", lambda l: l.replace("443", "444").replace("104", "105").replace("8125", "9"),
                "another filter")
    spoil_lines(path, file, r"^flow ", lambda l: l.replace("=>", "=> x"), "another flow")
    spoil_lines(path, file, r"^  (from|to|when) ", drop, "a line removed")
    text = read(os.path.join(path, file)).decode()
    links = re.search(r"  links   (socks\S+ .*)\n {10}(socks\S+ .*)\n", text)
    if links:
        data = text[:links.start(1)] + links.group(2) + "\n" + " " * 10 + links.group(1) + text[links.end(2):]
        spoil(path, file, data.encode(), f"{file}: links swapped")
    spoil(path, file, re.sub(r"port \d+\n", "port 9\n", text, count=1).encode(), f"{file}: another port")


def spoil_bess(path, file):
    spoil_lines(path, file, r"\.connect\(", drop, "an edge removed")
    spoil_lines(path, file, r"\.connect\(", number_up(r", (\d+), 0"), "another gate")
    spoil_lines(path, file, r"\.attach_task\(", drop, "a task removed")
    spoil_lines(path, file, r"add_worker", number_up(r"core=(\d+)"), "another core")
    spoil_lines(path, file, r"set_default_gate", number_up(r"gate=(\d+)"), "another default gate")
    spoil_lines(path, file, r"^\w+ = \w+\(", lambda l: re.sub(r"= \w+\(", "= Nothing(", l), "another class")
    spoil_lines(path, file, r"pci=|vdev=|port_id=", lambda l: re.sub(r"(pci|vdev|port_id)=", "other=", l), "another device")
    text = read(os.path.join(path, file)).decode()
    for pattern, group, what in ((r"share=", r"share=(\d+)", "another weight"),
                                 (r"priority=\d+\)|priority=\d+,", r"priority=(\d+)", "another priority"),
                                 (r"gate=\d+\)", r"gate=(\d+)\)", "a rule's gate"),
                                 (r"Queue\(", r"size=(\d+)", "another size"),
                                 (r"cycles_per_packet", r"cycles_per_packet=(\d+)", "another cost")):
        if re.search(pattern, text):
            spoil_lines(path, file, pattern, number_up(group), what)
    if "'gate': " in text:
        spoil_lines(path, file, r"'gate': ", number_up(r"'gate': (\d+)"), "a filter's gate")
        spoil_lines(path, file, r"'filter': '", lambda l: l.replace("ether[12:2] = 2048", "ether[12:2] = 2049", 1),
                    "a filter's number")
    if "add_tc" in text:
        spoil_lines(path, file, r"add_tc", lambda l: re.sub(r"policy='\w+'", "policy='rate_limit'", l),
                    "another policy")
    spoil(path, file, text.replace(".connect(", ".connect((", 1).encode(), f"{file}: no statement", line=False)
    code, out = spoil_quietly(path, file, text.replace(", 0)", " ,  0 )").replace("'", '"').encode())
    if code != 1 or re.search(r"bess:\d+", out):
        fail(f"{file}: spelling is taken for a difference", out)


def spoil_launch(path, file):
    spoil_lines(path, file, r"^    \d+,?$", number_up(r"(\d+)"), "another core")
    spoil_lines(path, file, r'"module"', lambda l: l.replace('"module": "', '"module": "x'), "another module")
    spoil_lines(path, file, r'"device"', lambda l: l.replace('{"device": "', '{"device": "x'), "another device")
    spoil_lines(path, file, r'"target"', lambda l: l.replace(': "', ': "x'), "another target")
    spoil_lines(path, file, r'"plan"', lambda l: l.replace("../", "../x"), "another plan")
    spoil_lines(path, file, r'^    "-', lambda l: l.replace('"-', '"-x'), "another argument")


READERS = ((r"nginx\.conf$", spoil_nginx), (r"chains\.txt$", spoil_chains), (r"\.bess$", spoil_bess),
           (r"launch\.json$", spoil_launch))


def files_of(path):
    for folder, _, names in sorted(os.walk(path)):
        for name in sorted(names):
            if folder != path:
                yield os.path.relpath(os.path.join(folder, name), path)


def spoil_plan(path):
    file = next(n for n in os.listdir(path) if n.endswith(".plan"))
    data = read(os.path.join(path, file))
    for i in range(0, len(data), max(1, len(data) // 60)):
        spoil(path, file, data[:i] + bytes([data[i] ^ 1]) + data[i + 1:], f"{file}: byte {i}", line=False)
    spoil(path, file, data[:-1], f"{file}: cut", line=False)
    spoil(path, file, data + b"\0", f"{file}: longer", line=False)


def spoil_folder(path):
    """Missing files, and folders that are none of ours."""
    for file in list(files_of(path)) + [n for n in os.listdir(path) if n.endswith(".map")]:
        os.rename(os.path.join(path, file), os.path.join(FOLDER, "away"))
        code, out, err = run("verify", path)
        os.rename(os.path.join(FOLDER, "away"), os.path.join(path, file))
        drawing = file.endswith(".svg")
        if code != (0 if drawing else 1) or (not drawing and f"{file}: is missing" not in out):
            fail(f"{file} is away: {code}", out + err)


def main():
    made = compile_all()
    for name, path in made.items():
        must_agree(name, path)
    for name in ("proxies", "hospital", "firewall", "alpine-router", "alpine-toy", "bng", "dataplane-shares"):
        for file in files_of(made[name]):
            for pattern, reader in READERS:
                if re.search(pattern, file):
                    reader(made[name], file)
    for name in ("sepsis", "proxies", "firewall"):
        spoil_plan(made[name])
    for name in ("proxies", "firewall", "bng"):
        spoil_folder(made[name])
        must_agree(name, made[name])
    empty = os.path.join(FOLDER, "empty")
    os.mkdir(empty)
    for argument, said in ((empty, "no .plan file"), (os.path.join(FOLDER, "nowhere"), "No such file"),
                           (os.path.join(made["bng"], "bng.plan"), "is no directory")):
        code, out, err = run("verify", argument)
        if code != 2 or said not in err:
            fail(f"verify {argument}: {code}", out + err)
    home = os.path.join(FOLDER, "sepsis")
    with open(os.path.join(home, "sepsis.epi"), "a", encoding="utf-8") as f:
        f.write("# one line more\n")
    code, out, err = run("verify", made["sepsis"])
    if code != 1 or "sepsis.epi: has changed since" not in out:
        fail(f"a changed source: {code}", out + err)
    print(f"{n_errors} errors made, {len(failures)} failures")
    sys.exit(1 if failures or not n_errors else 0)


main()
