"""A headless Chromium, driven through chromedriver's WebDriver protocol with nothing but the standard library."""

import base64
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014",
        "Down": "\ue015"}


class Browser:
    def __init__(self):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True, env={**os.environ, "HOME": self.home.name})
        self.base = None
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                self.base = f"http://127.0.0.1:{found[1]}/session"
                break
        if not self.base:
            raise RuntimeError("chromedriver does not start")
        self.base += "/" + self.ask("POST", "", {"capabilities": {"alwaysMatch": self.wishes()}})["sessionId"]

    def wishes(self):
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--window-size=1400,900", f"--user-data-dir={self.home.name}/profile"]
        return {"goog:chromeOptions": {"args": options}, "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)
            self.driver.stdout.close()
            self.home.cleanup()

    def open(self, path):
        self.ask("POST", "/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def run_async(self, script, *args):
        return self.ask("POST", "/execute/async", {"script": script, "args": list(args)})

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def point(self, selector, click=False):
        """Moves the pointer to the middle of an element; CLICK presses there."""
        acts = [{"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": self.find(selector)}]
        if click:
            acts += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": acts,
                                                   "parameters": {"pointerType": "mouse"}}]})

    def click(self, selector):
        self.point(selector, click=True)

    def keys(self, *keys):
        acts = []
        for key in keys:
            for value in [KEYS[key]] if key in KEYS else key:
                acts += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": acts}]})

    def choose(self, selector, value):
        self.run("""const s = document.querySelector(arguments[0]); s.value = arguments[1];
                    s.dispatchEvent(new Event("change", {bubbles: true}));""", selector, value)

    def media(self, kind="", **features):
        self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "media": kind, "features": [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]}})

    def requests(self):
        """Addresses that were asked for since the last call."""
        events = [json.loads(row["message"])["message"] for row in self.ask("POST", "/se/log", {"type": "performance"})]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        return [row["message"] for row in self.ask("POST", "/se/log", {"type": "browser"})]

    def shot(self, name):
        """Kept where PICTURES_SHOTS says."""
        kept = os.environ.get("PICTURES_SHOTS")
        if kept:
            time.sleep(0.1)
            with open(os.path.join(kept, name + ".png"), "wb") as out:
                out.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def printed(self):
        return base64.b64decode(self.ask("POST", "/print", {}))
