#!/usr/bin/python3
"""epic lsp, message by message: every method, every refusal.  Usage: protocol_test.py EPIC"""
import json
import os
import sys
import tempfile

from client import Client, Gone, apply, frame, spot, uri

EPIC = sys.argv[1]
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TESTS = []
MISTAKE = """edition 1;
use std.security { firewall, encryption };
domain north {
  node a { address 10.0.0.1; attributes {firewal}; }
}
"""
MOVES = """edition 1;
use std.security { firewall, encryption };
use std.bridges as bf;
use std.services { https };

## Holds the records.
@owner("clinic")
domain north {
  default allow;
  node a { address 10.0.0.1; attributes {firewall, encryption}; }
  node px : proxy { address 10.0.0.2; hosts {bf.seal, bf.unseal}; }
}
domain south {
  node b { address 10.1.0.1; attributes {firewall}; }
  node px : proxy { address 10.1.0.2; hosts {bf.unseal}; }
}
application study {
  flow north.a => south.b when https;
}
"""


def test(run):
    TESTS.append(run)
    return run


def same(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def holds(ok, what):
    if not ok:
        raise AssertionError(what)


class Folder(tempfile.TemporaryDirectory):
    def __enter__(self):
        return self

    def file(self, name, text=None):
        path = os.path.join(os.path.realpath(self.name), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return path


# ---- life ----

@test
def an_orderly_end_is_0_and_a_sudden_one_1():
    same(Client(EPIC).finish(), 0)
    c = Client(EPIC)
    c.tell("exit", None)
    same(c.proc.wait(20), 1)
    c = Client(EPIC)
    c.proc.stdin.close()
    same(c.proc.wait(20), 1)


@test
def nothing_is_answered_before_initialize_or_after_shutdown():
    c = Client(EPIC, start=False)
    same(c.fail("textDocument/hover", {})["code"], -32002)
    c.tell("textDocument/didOpen", {})
    holds("capabilities" in c.ask("initialize", {"capabilities": {}}), "no capabilities")
    same(c.fail("initialize", {"capabilities": {}})["code"], -32600)
    same(c.ask("shutdown", None), None)
    same(c.fail("textDocument/hover", {})["code"], -32600)
    c.tell("exit", None)
    same(c.proc.wait(20), 0)


@test
def what_is_no_request_is_refused_by_its_code():
    c = Client(EPIC)
    c.raw(frame(b"{nonsense"))
    same(c.read()["error"]["code"], -32700)
    c.raw(frame(b"[1]"))
    same(c.read()["error"]["code"], -32600)
    c.raw(frame(b'{"jsonrpc": "2.0", "id": 7}'))
    same(c.read()["error"]["code"], -32600)
    same(c.fail("textDocument/unheardOf", {})["code"], -32601)
    same(c.fail("textDocument/hover", {})["code"], -32602)
    same(c.fail("textDocument/hover", {"textDocument": {"uri": "file:///nowhere.epi"},
                                       "position": {"line": 0, "character": 0}})["code"], -32602)
    c.send(id="a word", method="textDocument/unheardOf", params={})
    same(c.read()["id"], "a word")
    c.tell("$/unheardOf", {})
    same(c.finish(), 0)


@test
def a_text_that_is_no_message_ends_the_talk():
    c = Client(EPIC)
    c.raw(b"GET / HTTP/1.1\r\n\r\n")
    same(c.read()["error"]["code"], -32700)
    same(c.proc.wait(20), 1)


@test
def a_message_may_come_in_pieces_and_several_at_once():
    c = Client(EPIC)
    whole = frame({"jsonrpc": "2.0", "id": "x", "method": "nothing"})
    for i in range(0, len(whole), 7):
        c.raw(whole[i:i + 7])
    same(c.read()["id"], "x")
    c.raw(whole + whole)
    same([c.read()["id"], c.read()["id"]], ["x", "x"])
    same(c.finish(), 0)


@test
def a_request_that_waits_can_be_cancelled():
    with Folder() as f:
        c = Client(EPIC)
        path = f.file("a.epi", MOVES)
        c.open(path)
        ask = {"textDocument": {"uri": uri(path)}, "position": {"line": 7, "character": 8}}
        c.raw(frame({"jsonrpc": "2.0", "id": 90, "method": "textDocument/hover", "params": ask}) +
              frame({"jsonrpc": "2.0", "id": 91, "method": "textDocument/hover", "params": ask}) +
              frame({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 91}}))
        holds("result" in c.reply(90), "the other request was not answered")
        same(c.reply(91)["error"]["code"], -32800)
        same(c.finish(), 0)


@test
def the_log_holds_both_sides():
    with Folder() as f:
        log = f.file("log")
        c = Client(EPIC, "--log", log)
        same(c.finish(), 0)
        text = open(log, encoding="utf-8").read()
        holds("<- {" in text and "-> {" in text, text)


# ---- findings and fixes ----

@test
def findings_come_by_themselves_with_their_fixes():
    with Folder() as f:
        c = Client(EPIC)
        path = f.file("a.epi", MISTAKE)
        c.open(path)
        found = c.published(path)
        same([d["code"] for d in found], ["E0301"])
        same(found[0]["severity"], 1)
        line, column = spot(MISTAKE, "firewal}")
        same(found[0]["range"], {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 7}})
        actions = c.about("codeAction", path, range=found[0]["range"], context={"diagnostics": found})
        same([(a["title"], a["kind"]) for a in actions], [("write 'firewall' (please check)", "quickfix")])
        same(actions[0]["diagnostics"][0]["code"], "E0301")
        c.change(path, apply(MISTAKE, actions[0]["edit"]["changes"][uri(path)]))
        same([d for d in c.published(path) if d["severity"] == 1], [])
        same(c.about("codeAction", path, range=found[0]["range"], context={"diagnostics": [], "only": ["refactor"]}), [])
        c.close(path)
        c.ask("shutdown", None)
        same(c.findings[uri(path)]["diagnostics"], [])


@test
def the_other_place_is_a_related_one():
    with Folder() as f:
        c = Client(EPIC)
        path = f.file("a.epi", "edition 1;\ndomain a { }\ndomain a { }\n")
        c.open(path)
        found = c.published(path)
        same(found[0]["code"], "E0302")
        same(found[0]["relatedInformation"][0]["location"]["range"]["start"], {"line": 1, "character": 7})
        same(c.finish(), 0)


@test
def places_count_utf16_units_or_bytes_as_agreed():
    text = 'edition 1;\ndomain a { contact "\U0001F600 é"; nonsense 1; }\n'
    for encodings, name, column in ((None, "utf-16", 27), (["utf-8", "utf-16"], "utf-8", 30)):
        with Folder() as f:
            c = Client(EPIC, encodings=encodings)
            same(c.answer["capabilities"]["positionEncoding"], name)
            path = f.file("a.epi", text)
            c.open(path)
            same([(d["code"], d["range"]["start"]["character"]) for d in c.published(path)], [("E0305", column)])
            c.change(path, ((1, column), (1, column + 8), "default"))
            same([d["range"]["start"]["character"] for d in c.published(path)][:1], [column + 8])
            same(c.finish(), 0)


@test
def an_unsaved_module_is_seen_by_those_that_use_it():
    with Folder() as f:
        c = Client(EPIC)
        lib, user = f.file("lib.epi", "module lib;\nattribute old;\n"), f.file("user.epi")
        c.open(user, "edition 1;\nuse lib { new };\ndomain d { node n { attributes {new}; } }\n")
        same({d["code"] for d in c.published(user)}, {"E0301"})
        c.open(lib)
        c.change(lib, "module lib;\nattribute new;\n")
        c.findings.pop(uri(user), None)
        c.published(user, lambda ds: not [d for d in ds if d["severity"] == 1])
        c.change(lib, "module lib;\nattribute new\n")
        found = next(d for d in c.published(user, lambda ds: ds) if d["message"].startswith("in lib.epi: "))
        same(found["range"]["start"], {"line": 1, "character": 4})
        same(found["relatedInformation"][0]["location"]["uri"], uri(lib))
        c.close(lib)
        c.published(user, lambda ds: {d["code"] for d in ds} == {"E0301"})
        same(c.finish(), 0)


@test
def a_module_that_was_never_saved_is_found():
    with Folder() as f:
        c = Client(EPIC)
        lib, user = f.file("lib.epi"), f.file("user.epi")
        c.open(lib, "module lib;\nattribute x;\n")
        c.open(user, "edition 1;\nuse lib { x };\n")
        same([d for d in c.published(user) if d["severity"] == 1], [])
        same(c.at("definition", user, 1, 10)["uri"], uri(lib))
        same(c.finish(), 0)


@test
def what_solving_finds_comes_later_and_moves_with_the_text():
    text = MOVES.replace("{bf.seal, bf.unseal}", "{bf.unseal}").replace("{bf.unseal}; }\n}\napp", "{bf.recorder}; }\n}\napp")
    with Folder() as f:
        c = Client(EPIC)
        path = f.file("a.epi", text)
        c.open(path)
        found = c.published(path, lambda ds: any(d["code"] == "E0601" for d in ds))
        line = next(d for d in found if d["code"] == "E0601")["range"]["start"]["line"]
        c.change(path, ((0, 0), (0, 0), "# one line more\n"))
        found = c.published(path, lambda ds: any(d["code"] == "E0601" for d in ds))
        same(next(d for d in found if d["code"] == "E0601")["range"]["start"]["line"], line + 1)
        same(c.finish(), 0)


@test
def lint_findings_are_shown_with_their_fixes():
    with Folder() as f:
        c = Client(EPIC)
        text = "edition 1;\nuse std.nf;\ndomain d { node n { address 10.0.0.1; } }\n"
        path = f.file("a.epi", text)
        c.open(path)
        found = c.published(path, lambda ds: any(d["code"] == "L1004" for d in ds))
        unused = next(d for d in found if d["code"] == "L1004")
        same(unused["tags"], [1])
        actions = c.about("codeAction", path, range=unused["range"], context={"diagnostics": []})
        fix = next(a for a in actions if a["diagnostics"][0]["code"] == "L1004")
        same(fix["isPreferred"], True)
        holds("std.nf" not in apply(text, fix["edit"]["changes"][uri(path)]), "the fix left the import")
        same(c.finish(), 0)


# ---- layout ----

@test
def formatting_gives_what_fmt_writes_and_refuses_broken_texts():
    ugly = "edition   1;\ndomain d {\nnode n { address 10.0.0.1;\n\n\n} }\n"
    with Folder() as f:
        c = Client(EPIC)
        path = f.file("a.epi", ugly)
        c.open(path)
        edits = c.about("formatting", path, options={})
        os.system(f"{EPIC} fmt -q {path}")
        same(apply(ugly, edits), open(path, encoding="utf-8").read())
        c.change(path, apply(ugly, edits))
        same(c.about("formatting", path, options={}), [])
        c.change(path, "domain d {")
        same(c.fail("textDocument/formatting", {"textDocument": {"uri": uri(path)}, "options": {}})["code"], -32803)
        same(c.finish(), 0)


# ---- names ----

def moves(f, text=MOVES):
    c = Client(EPIC, folder=f.name)
    path = f.file("a.epi", text)
    c.open(path)
    return c, path


@test
def hover_tells_kind_documentation_closure_and_properties():
    with Folder() as f:
        c, path = moves(f)

        def hover(needle, within=None):
            line, column = spot(MOVES, needle, within)
            return c.at("hover", path, line, column)["contents"]["value"]

        holds("**domain** `north`" in hover("north") and "Holds the records." in hover("north"), hover("north"))
        holds("std.security.firewall, std.security.encryption" in hover("a ", "node"), hover("a ", "node"))
        holds("**property** `hosts`" in hover("hosts") and "functions that the proxy runs" in hover("hosts"), hover("hosts"))
        holds("pair: std.bridges.unseal" in hover("seal"), hover("seal"))
        holds("443/tcp" in hover("https"), hover("https"))
        holds("**module** `std.bridges`" in hover("bf"), hover("bf"))
        same(c.at("hover", path, 4, 0), None)
        c.published(path)
        while "workspace/inlayHint/refresh" not in c.asked:
            c.note(c.read())
        holds("missing: encryption" in hover("=>") and "bridge: seal on north.px" in hover("=>"), hover("=>"))
        holds("area A" in hover("a ", "node"), hover("a ", "node"))
        same(c.finish(), 0)


@test
def definitions_lie_in_the_file_the_module_or_the_library():
    with Folder() as f:
        c, path = moves(f)
        line, column = spot(MOVES, "north.a", "flow")
        same(c.at("definition", path, line, column + 6), {"uri": uri(path), "range": {
            "start": {"line": 9, "character": 7}, "end": {"line": 9, "character": 8}}})
        line, column = spot(MOVES, "seal")
        target = c.at("definition", path, line, column)
        holds(target["uri"].endswith("/bridges.epi"), target)
        library = open(target["uri"][7:], encoding="utf-8").read().split("\n")
        holds(library[target["range"]["start"]["line"]].startswith("function seal"), target)
        line, column = spot(MOVES, "std.bridges")
        holds(c.at("definition", path, line, column)["uri"].endswith("/bridges.epi"), "the module's file")
        same(c.at("definition", path, 4, 0), None)
        same(c.finish(), 0)


@test
def a_broken_text_is_answered_from_the_last_whole_one():
    with Folder() as f:
        c, path = moves(f)
        c.published(path)
        text = MOVES.replace("domain south {", "domain middle { node\ndomain south {")
        c.change(path, text)
        line, column = spot(text, "north.a", "flow")
        same(c.at("definition", path, line, column + 6)["range"]["start"], {"line": 9, "character": 7})
        line, column = spot(text, "south.b", "flow")
        same(c.at("definition", path, line, column + 6)["range"]["start"]["line"], 14)
        same(c.finish(), 0)


@test
def rename_changes_every_file_of_the_workspace_and_spares_the_library():
    with Folder() as f:
        lib = f.file("lib.epi", "module lib;\n## x\nattribute safe;\nattribute both { implies {safe}; }\n")
        user = f.file("sub/user.epi", "edition 1;\nuse lib { safe };\ndomain d { node n { attributes {safe}; } }\n")
        f.file("other.epi", "edition 1;\nattribute safe;\n")
        os.symlink(lib, f.file("sub/lib.epi"))
        c = Client(EPIC, folder=f.name)
        c.open(lib)
        edits = c.at("rename", lib, 2, 12, newName="guarded")["changes"]
        same(sorted(edits), sorted([uri(lib), uri(user)]))
        same([e["range"]["start"]["line"] for e in edits[uri(lib)]], [2, 3])
        same([e["range"]["start"]["line"] for e in edits[uri(user)]], [1, 2])
        same(len(c.at("references", lib, 2, 12, context={"includeDeclaration": False})), 3)
        same(c.at("prepareRename", lib, 2, 12)["placeholder"], "safe")
        place = {"textDocument": {"uri": uri(lib)}, "position": {"line": 2, "character": 12}}
        same(c.fail("textDocument/rename", {**place, "newName": "both"})["code"], -32803)
        same(c.fail("textDocument/rename", {**place, "newName": "node"})["code"], -32602)
        same(c.fail("textDocument/rename", {**place, "newName": "a b"})["code"], -32602)
        c.open(user)
        c.change(user, "edition 1;\nuse std.security { firewall };\n")
        place = {"textDocument": {"uri": uri(user)}, "position": {"line": 1, "character": 22}}
        error = c.fail("textDocument/rename", {**place, "newName": "wall"})
        holds("standard library" in error["message"], error)
        same(c.finish(), 0)


@test
def the_outline_has_the_blocks_and_what_stands_in_them():
    with Folder() as f:
        c, path = moves(f)
        found = c.about("documentSymbol", path)
        same([(s["name"], [k["name"] for k in s.get("children", [])]) for s in found],
             [("north", ["a", "px"]), ("south", ["b", "px"]), ("study", [])])
        line, column = spot(MOVES, "north.a", "flow")
        same(len(c.at("documentHighlight", path, line, column)), 2)
        same(c.finish(), 0)


@test
def hints_tell_inferred_rates_areas_and_the_bridge():
    text = open(os.path.join(TOP, "examples", "fig31.epi"), encoding="utf-8").read()
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 9999, "character": 0}}
    with Folder() as f:
        c, path = moves(f)
        fig = f.file("fig.epi", text)
        c.open(fig)
        same(sorted(h["label"] for h in c.about("inlayHint", fig, range=everything)),
             ["rate 2.7Gbps", "rate 300Mbps", "rate 3Gbps", "rate 6Gbps"])
        c.published(path)
        while "workspace/inlayHint/refresh" not in c.asked:
            c.note(c.read())
        same(sorted(h["label"] for h in c.about("inlayHint", path, range=everything)),
             ["area A1", "area A2", "via seal on north.px, unseal on south.px"])
        same(c.finish(), 0)


@test
def a_lens_runs_the_expectations_of_the_open_text():
    with Folder() as f:
        c, path = moves(f, MOVES + "expect reach north.a => south.b;\n")
        lenses = c.about("codeLens", path)
        same([x["range"]["start"]["line"] for x in lenses], [MOVES.count("\n")])

        def run():
            command = lenses[0]["command"]
            same(c.ask("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}), None)
            while True:
                message = c.read()
                if message.get("method") == "window/showMessage":
                    return message["params"]
                c.note(message)

        passed = run()
        holds(passed["type"] == 3 and "1 hold" in passed["message"], passed)
        c.change(path, MOVES + "expect not reach north.a => south.b;\n")
        failed = run()
        holds(failed["type"] == 1 and "E0901" in failed["message"], failed)
        same(c.fail("workspace/executeCommand", {"command": "other"})["code"], -32602)
        same(c.finish(), 0)


# ---- completion ----

# What is typed at |, and what must and must not be proposed there.
PLACES = [
    ("|", ["domain", "use", "target"], ["address"]),
    ("domain x { | }", ["node", "permit", "default"], ["domain", "address"]),
    ("domain x { node n { | } }", ["address", "trust", "attributes"], ["hosts", "node"]),
    ("domain x { node n : proxy { | } }", ["hosts", "base-port"], ["nic"]),
    ("domain x { node n : proxy { hosts {|", ["bf"], ["north", "firewall"]),
    ("domain x { node n { attributes {fi|", ["firewall", "encryption"], ["north"]),
    ("domain x { node n { trust |", ["low", "medium", "high"], ["firewall"]),
    ("domain x { node n : |", ["proxy", "server", "switch"], []),
    ("target t : |", ["nginx", "socks", "dot"], ["north"]),
    ("target t : nginx { |", ["listen", "at"], ["workers"]),
    ("target t : nginx { for |", ["study"], ["north"]),
    ("application x { flow |", ["north", "south"], ["firewall"]),
    ("application x { flow north.|", ["a", "px"], ["b", "north"]),
    ("application x { flow north.a => south.b |", ["when", "rate", "carries"], []),
    ("application x { flow north.a => south.b when |", ["ip.src", "https"], ["trust"]),
    ("application x { flow north.a => south.b when ip.|", ["src", "dst"], ["ip.src"]),
    ("function f : bf.|", ["seal", "unseal"], ["north"]),
    ("use |", ["std.bridges", "std.nf"], ["north"]),
    ("use std.bridges { |", ["seal"], ["north"]),
    ("use std.privacy { |", ["aggregated", "identifiable"], ["seal", "north"]),
    ("use near { |", ["here"], ["_hidden"]),
    ("expect |", ["reach", "not", "feasible"], []),
    ("expect reach |", ["north"], ["study"]),
    ("@allow(|", ["missing-edition", "unused-import"], ["owner", "domain"]),
    ("@|", ["owner", "expires", "allow"], ["domain"]),
    ("function f { setup 5|", ["5ms"], ["5Gbps"]),
    ("class c { rate 5|", ["5Gbps", "5kpps"], []),
    ("pipeline p { i : |", ["bf"], ["north"]),
    ('domain x { contact "|', [], ["north", "node"]),
    ("# |", [], ["domain"]),
]


@test
def completion_fits_the_place():
    with Folder() as f:
        c, path = moves(f)
        f.file("near.epi", "module near;\nattribute here, _hidden;\n")
        c.published(path)
        for typed, wanted, unwanted in PLACES:
            before = MOVES + typed.partition("|")[0]
            c.change(path, before + typed.partition("|")[2])
            found = c.labels(path, *spot(before, before, behind=True))
            for word in wanted:
                holds(word in found, f"{typed}: no {word} in {found[:40]}")
            for word in unwanted:
                holds(word not in found, f"{typed}: {word} is proposed")
            holds(len(found) == len(set(found)), f"{typed}: something is proposed twice: {sorted(found)}")
        same(c.finish(), 0)


@test
def a_proposal_replaces_what_was_typed_and_explains_itself():
    with Folder() as f:
        c, path = moves(f)
        text = MOVES + "domain x { node n { addr"
        c.change(path, text)
        item = next(i for i in c.at("completion", path, *spot(text, text, behind=True))["items"] if i["label"] == "address")
        same(apply(text, [item["textEdit"]])[-7:], "address")
        same(item["documentation"], "addresses and prefixes of the node")
        same(c.finish(), 0)


def main():
    failed = 0
    only = sys.argv[2:]
    for run in TESTS:
        if only and run.__name__ not in only:
            continue
        try:
            run()
            print("ok  ", run.__name__)
        except (AssertionError, Gone, RuntimeError, KeyError, IndexError, StopIteration, TypeError) as e:
            failed += 1
            print("FAIL", run.__name__, "--", type(e).__name__, e)
    print(f"{len(TESTS)} tests, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
