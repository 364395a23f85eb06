#!/usr/bin/python3
"""Each room includes only what it may (README, "How it is built"), and foreign
libraries come in by their doors.  Usage: layers.py SOURCE-DIRECTORY"""
import os
import re
import sys

MAY = {
    "compiler/base": [],
    "compiler/ast": ["base"],
    "compiler/filter": ["base"],
    "compiler/model": ["filter", "base"],
    "compiler/check": ["grammar", "ast", "model", "filter", "base"],
    "compiler/ir": ["filter", "base"],
    "compiler/lower": ["ast", "model", "ir", "filter", "base"],
    "compiler/solve": ["ir", "filter", "base"],
    "compiler/plan": ["ir", "filter", "base"],
    "grammar": ["ast", "base"],
    "backends": ["plan", "base"],
    "backends/dot": ["runtime/plan"],
    "runtime/plan": [],
    "runtime/core": [],
    "runtime/dpdk": ["runtime/core", "runtime/plan"],
    "runtime/socks": ["runtime/core", "runtime/plan"],
}
DOORS = {
    "glpk.h": r"compiler/solve/glpk_door\.c",
    "gmp.h": r"compiler/solve/exact\.c|compiler/tools/version\.c",
    "cbor.h": r"backends/cbor/(cbor|out|map)\.c|runtime/plan/[a-z_]+\.c|compiler/tools/version\.c",
    "cgraph.h": r"backends/dot/.*",
    "gvc.h": r"backends/dot/.*",
    "nettle/": r"compiler/base/sha256\.c|compiler/tools/version\.c",
    "CUnit/": r"tests/unit/.*",
    "jansson.h": r"runtime/core/json_read\.c",
    "openssl/": r"runtime/socks/.*",
    "seccomp.h": r"runtime/socks/lockdown\.c",
    "rte_": r"runtime/dpdk/.*",
    "hs/hs.h": r"runtime/dpdk/module_ids\.c",
}
# Of the runtimes the commands may use the reader of plans, and the one reader of JSON: the language
# server takes requests in JSON, and jansson has a single door.
RUNTIME_FOR_TOOLS = r"runtime/plan/.*|runtime/core/json_read\.h"
TABLES = re.compile(r"grammar/\w+\.def")


def room_of(path):
    parts = path.split("/")
    if parts[0] in ("compiler", "backends", "runtime") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def allowed(room):
    own = MAY.get(room)
    if own is None and room.startswith("backends"):
        own = MAY["backends"]
    if own is None:
        return None  # tools and driver may include all
    if room == "backends":  # the table of all, and what they share
        own = own + ["backends/bess", "backends/dpdk", "backends/nginx", "backends/socks"]
    elif room.startswith("backends/") and room != "backends/dot":
        own = own + ["backends"]
    return [room] + [r if "/" in r or r in ("grammar", "backends") else "compiler/" + r for r in own]


def check_file(top, path, problems):
    room = room_of(path)
    rooms = allowed(room)
    for number, line in enumerate(open(os.path.join(top, path), encoding="utf-8"), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        kind, name = match.groups()
        place = f"{path}:{number}"
        if kind == "<":
            for door, where in DOORS.items():
                if name.startswith(door) or name.endswith("/" + door) or name == door:
                    if not re.fullmatch(where, path):
                        problems.append(f"{place}: <{name}> has its door elsewhere")
            continue
        if TABLES.fullmatch(name):
            continue
        if not os.path.exists(os.path.join(top, name)) and name != "grammar/syntax.h":
            problems.append(f"{place}: \"{name}\" is not named from the top of the tree")
        if room == "compiler/driver":
            continue
        if room_of(name) == "compiler/driver":
            problems.append(f"{place}: only the driver includes {name}")
        if room == "compiler/tools" and name.startswith("runtime/") and not re.fullmatch(RUNTIME_FOR_TOOLS, name):
            problems.append(f"{place}: {room} may not include {name}")
        if rooms is not None and room_of(name) not in rooms:
            problems.append(f"{place}: {room} may not include {name}")


def main(top):
    problems = []
    n = 0
    for base in ("compiler", "grammar", "backends", "runtime"):
        for folder, _, names in os.walk(os.path.join(top, base)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".y", ".l")) and name not in ("syntax.c", "syntax.h", "scan.c"):
                    check_file(top, os.path.relpath(os.path.join(folder, name), top), problems)
                    n += 1
    print("\n".join(problems))
    print(f"{n} files, {len(problems)} problems")
    return 1 if problems or not n else 0


sys.exit(main(sys.argv[1]))
