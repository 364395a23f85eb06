"""Judges "epic.graph/1" of doc/pictures.md: graph_json.py FILE...  Exit 1 with the first thing that is wrong."""

import json
import sys

WHAT = {"id": str, "kind": str, "label": str}
TELLS = {"count": int, "internal": bool, "tags": dict, "via": list, "entries": list}


def need(truth, words):
    if not truth:
        sys.exit(f"wrong: {words}")


def keys(row, *shapes):
    for shape in shapes:
        for key, kind in shape.items():
            need(isinstance(row.get(key), kind), f"{key} of {row}")


def optional(row, key, kind):
    need(key in row and isinstance(row[key], (kind, type(None))), f"{key} of {row}")


def judge_entry(entry):
    keys(entry, {"title": str, "attributes": list})
    optional(entry, "reason", str)
    optional(entry, "source", dict)
    if entry["source"]:
        keys(entry["source"], {"file": str, "line": int, "col": int})
    for fact in entry["attributes"]:
        keys(fact, {"key": str, "text": str})
        optional(fact, "value", (int, float))


def judge_item(item, nodes):
    keys(item, WHAT, TELLS)
    optional(item, "name", str)
    optional(item, "status", str)
    need(set(item["tags"]) == {"application", "class", "domain", "status"}, f"tags of {item['id']}")
    need(set(item["via"]) <= nodes, f"via of {item['id']}")
    for entry in item["entries"]:
        judge_entry(entry)


def judge(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    need("<" not in text, f"{path} could end a script")
    graph = json.loads(text)
    need(graph["schema"] == "epic.graph/1", "schema")
    clusters = {c["id"] for c in graph["clusters"]}
    nodes = {n["id"] for n in graph["nodes"]}
    need(len(nodes) == len(graph["nodes"]) and len(clusters) == len(graph["clusters"]), "an id twice")
    for cluster in graph["clusters"]:
        keys(cluster, WHAT)
        need(cluster["parent"] is None or cluster["parent"] in clusters, f"parent of {cluster['id']}")
    for node in graph["nodes"]:
        judge_item(node, nodes)
        need(node["cluster"] is None or node["cluster"] in clusters, f"cluster of {node['id']}")
    for edge in graph["edges"]:
        judge_item(edge, nodes)
        need(edge["from"] in nodes and edge["to"] in nodes, f"ends of {edge['id']}")


for argument in sys.argv[1:]:
    judge(argument)
