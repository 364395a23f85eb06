"""A reader of mermaid flowcharts, as far as epic-graph writes them: title, subgraphs, nodes in their shapes, edges with
labels, classes.  Anything else is refused, with the line.  flowchart.py FILE...: prints counts; exit 1 if refused.

Written from mermaid's published grammar (flow.jison): quoted text ends at the next quote, and `#N;` is a letter."""

import re
import sys

TEXT = r'"(?:[^"#<>&`\\;{}\x00-\x1f]|#\d+;|<br/>)*"'
NAME = r"[A-Za-z_]\w*"
SHAPES = [("([", "])"), ("[[", "]]"), ("[(", ")]"), ("[/", "\\]"), ("{{", "}}"), ("{", "}"), (">", "]"), ("[", "]")]
NODE = "|".join(re.escape(a) + TEXT + re.escape(b) for a, b in SHAPES)
LINES = {
    "node": re.compile(rf"({NAME})(?:{NODE})(?::::({NAME}))?"),
    "edge": re.compile(rf"({NAME}) (?:---|-->|===|==>|-\.-|-\.->|--x)(?:\|{TEXT}\|)? ({NAME})"),
    "open": re.compile(rf"subgraph ({NAME})\[{TEXT}\]"),
    "close": re.compile(r"end"),
    "class": re.compile(rf"classDef ({NAME}) [\w:#,\- ]+"),
}
RESERVED = {"end", "subgraph", "graph", "flowchart", "style", "class", "click", "default", "href", "call"}


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    if lines[0] != "---" or not re.fullmatch(f"title: {TEXT}", lines[1]) or lines[2:4] != ["---", "flowchart LR"]:
        raise ValueError(f"{path}: no head of a flowchart")
    found = {kind: [] for kind in LINES}
    depth = 0
    for number, line in enumerate(lines[4:], 5):
        if not line.strip():
            continue
        kind, match = next(((k, m) for k, r in LINES.items() if (m := r.fullmatch(line.strip()))), (None, None))
        if not kind:
            raise ValueError(f"{path}:{number}: {line}")
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if depth < 0:
            raise ValueError(f"{path}:{number}: end of nothing")
        found[kind].append(match.groups())
    if depth:
        raise ValueError(f"{path}: a subgraph stays open")
    return found


def judge(path):
    found = read(path)
    nodes = [n for n, _ in found["node"]]
    frames = [n for n, in found["open"]]
    names = nodes + frames
    if len(set(names)) != len(names) or RESERVED & set(names):
        raise ValueError(f"{path}: a name twice, or reserved")
    for ends in found["edge"]:
        if not set(ends) <= set(nodes):
            raise ValueError(f"{path}: an edge of nothing: {ends}")
    unknown = {c for _, c in found["node"] if c} - {n for n, in found["class"]}
    if unknown:
        raise ValueError(f"{path}: no class {unknown}")
    print(f"{path.rsplit('/', 1)[-1]}: {len(nodes)} nodes, {len(found['edge'])} edges, {len(frames)} subgraphs")


def main(paths):
    try:
        for path in paths:
            judge(path)
    except ValueError as error:
        sys.exit(f"refused: {error}")


main(sys.argv[1:])
