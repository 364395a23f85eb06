"""A client of `epic lsp` for tests: framing, requests, notifications, findings."""
import json
import os
import selectors
import subprocess
import time
import urllib.parse

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def uri(path):
    return "file://" + urllib.parse.quote(os.path.realpath(path))


def frame(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


class Gone(Exception):
    """The server ended or does not answer."""


class Client:
    def __init__(self, epic, *args, folder=None, encodings=None, start=True, patience=20):
        self.proc = subprocess.Popen([epic, "lsp", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
        self.wait = selectors.DefaultSelector()
        self.wait.register(self.proc.stdout, selectors.EVENT_READ)
        self.rest = b""
        self.last = 0
        self.patience = patience
        self.findings = {}   # uri -> the last notification's parameters
        self.versions = {}
        self.asked = []      # requests of the server
        if start:
            general = {"positionEncodings": encodings} if encodings else {}
            self.answer = self.ask("initialize", {"processId": None, "rootUri": uri(folder) if folder else None,
                                                  "capabilities": {"general": general, "workspace": {
                                                      "inlayHint": {"refreshSupport": True}}}})
            self.tell("initialized", {})

    # ---- messages ----

    def raw(self, data):
        self.proc.stdin.write(data)
        self.proc.stdin.flush()

    def send(self, **message):
        self.raw(frame({"jsonrpc": "2.0", **message}))

    def tell(self, method, params):
        self.send(method=method, params=params)

    def post(self, method, params):
        self.last += 1
        self.send(id=self.last, method=method, params=params)
        return self.last

    def read(self, seconds=None):
        """The next message; None if the time is over."""
        end = time.monotonic() + (self.patience if seconds is None else seconds)
        while True:
            head, sep, tail = self.rest.partition(b"\r\n\r\n")
            if sep:
                size = int(head.split(b":")[1])
                if len(tail) >= size:
                    self.rest = tail[size:]
                    return json.loads(tail[:size].decode())
            left = end - time.monotonic()
            if left <= 0 or not self.wait.select(left):
                return None
            piece = os.read(self.proc.stdout.fileno(), 1 << 20)
            if not piece:
                raise Gone(f"the server ended with {self.proc.wait()}: {self.proc.stderr.read().decode()[-2000:]}")
            self.rest += piece

    def note(self, message):
        if message.get("method") == "textDocument/publishDiagnostics":
            self.findings[message["params"]["uri"]] = message["params"]
        elif "method" in message:
            self.asked.append(message["method"])

    def reply(self, number):
        while True:
            message = self.read()
            if message is None:
                raise Gone(f"no answer to request {number}")
            if "method" in message:
                self.note(message)
            elif message["id"] == number:
                return message

    def ask(self, method, params):
        message = self.reply(self.post(method, params))
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"]

    def fail(self, method, params):
        """The error that a request is answered with."""
        return self.reply(self.post(method, params))["error"]

    # ---- documents ----

    def open(self, path, text=None):
        if text is None:
            text = open(path, encoding="utf-8").read()
        self.versions[path] = 1
        self.findings.pop(uri(path), None)
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri(path), "languageId": "epi", "version": 1,
                                                            "text": text}})

    def change(self, path, *changes):
        """Each change: a whole text, or ((line, column), (line, column), text)."""
        self.versions[path] += 1
        rows = []
        for c in changes:
            if isinstance(c, str):
                rows.append({"text": c})
            else:
                (a, b), (d, e), text = c
                rows.append({"range": {"start": {"line": a, "character": b}, "end": {"line": d, "character": e}},
                             "text": text})
        self.findings.pop(uri(path), None)
        self.tell("textDocument/didChange", {"textDocument": {"uri": uri(path), "version": self.versions[path]},
                                             "contentChanges": rows})

    def close(self, path):
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri(path)}})

    def published(self, path, good=None):
        """The findings of the document's newest version, as soon as GOOD holds for them."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            found = self.findings.get(uri(path))
            if found and found.get("version") == self.versions[path] and (not good or good(found["diagnostics"])):
                return found["diagnostics"]
            message = self.read(end - time.monotonic())
            if message:
                self.note(message)
        raise Gone(f"no such findings of {path}: {self.findings.get(uri(path))}")

    def at(self, method, path, line, column, **more):
        return self.ask("textDocument/" + method, {"textDocument": {"uri": uri(path)},
                                                   "position": {"line": line, "character": column}, **more})

    def about(self, method, path, **more):
        return self.ask("textDocument/" + method, {"textDocument": {"uri": uri(path)}, **more})

    def labels(self, path, line, column):
        return [i["label"] for i in self.at("completion", path, line, column)["items"]]

    # ---- the end ----

    def finish(self):
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.proc.wait(self.patience)

    def memory(self):
        """Resident kilobytes."""
        for line in open(f"/proc/{self.proc.pid}/status", encoding="utf-8"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0


def spot(text, needle, within=None, behind=False):
    """Line and column of NEEDLE, the first behind WITHIN."""
    at = text.index(needle, text.index(within) if within else 0) + (len(needle) if behind else 0)
    return text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)


def apply(text, edits):
    """TEXT after edits that count UTF-16 units."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(place):
        line, units = lines[place["line"]] if place["line"] < len(lines) else "", place["character"]
        n = 0
        while n < len(line) and units > 0:
            units -= 2 if ord(line[n]) > 0xffff else 1
            n += 1
        return min(starts[min(place["line"], len(lines))] + n, len(text))

    for e in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        text = text[:offset(e["range"]["start"])] + e["newText"] + text[offset(e["range"]["end"]):]
    return text
