"""The shell steps of examples/ci, the problem matcher, and the hooks of pre-commit."""
import json
import os
import re
import shutil
import subprocess
import sys

import yaml

from world import EPIC, SOURCE, clean_environment, epic, repository

GOOD = """edition 1;

use std.security { firewall };

domain clinic {
  default deny;
  permit clinic.records => clinic.backup;
  node records : endpoint {
    attributes {firewall};
  }
  node backup : endpoint {
    attributes {firewall};
  }
}

expect reach clinic.records => clinic.backup;
"""
UNFORMATTED = GOOD.replace("  default deny;", "      default   deny;")
WRONG = GOOD.replace("clinic.backup;\n  node", "clinic.backups;\n  node")
FAILING = GOOD.replace("expect reach", "expect not reach")


def environment(root):
    """epic is found in PATH, and may be a wrapper of the build's."""
    return {**clean_environment(root), "PATH": os.path.dirname(EPIC) + ":/usr/bin:/bin",
            "PRE_COMMIT_HOME": str(root / "cache"), "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}


def shell(root, script):
    return subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=root, env=environment(root),
                          capture_output=True, encoding="utf-8", timeout=120, check=False)


# ---- examples/ci ----

def github_steps():
    jobs = yaml.safe_load((SOURCE / "examples/ci/github.yml").read_text(encoding="utf-8"))["jobs"]
    return [(step["name"], step["run"]) for step in jobs["policies"]["steps"] if "run" in step]


def gitlab_steps():
    job = yaml.safe_load((SOURCE / "examples/ci/gitlab.yml").read_text(encoding="utf-8"))["policies"]
    return [(line.split("\n")[0], line) for line in job["before_script"] + job["script"]]


def failing_steps(steps, policy):
    """The names of the steps that fail, and what the last one left behind."""
    with repository({"policies/clinic.epi": policy}) as root:
        failed = [name for name, script in steps if shell(root, script).returncode]
        left = {p.name: p.read_text(encoding="utf-8") for p in root.glob("epic.*")}
    return failed, left


def github_steps_run():
    steps = github_steps()
    assert [name for name, _ in steps] == ["Install epic", "Layout", "Lint", "Findings for code scanning",
                                           "Expectations"]
    failed, left = failing_steps(steps, GOOD)
    assert failed == [], failed
    assert json.loads(left["epic.sarif"])["version"] == "2.1.0"
    assert failing_steps(steps, UNFORMATTED)[0] == ["Layout"]
    failed, left = failing_steps(steps, WRONG)
    assert failed == ["Lint", "Expectations"], failed
    assert json.loads(left["epic.sarif"])["runs"][0]["results"][0]["ruleId"] == "E0301"
    assert failing_steps(steps, FAILING)[0] == ["Expectations"]


def gitlab_steps_run():
    steps = gitlab_steps()
    failed, left = failing_steps(steps, GOOD)
    assert failed == [] and 'failures="0"' in left["epic.xml"], (failed, left)
    assert failing_steps(steps, UNFORMATTED)[0] == ["epic fmt --check policies"]
    failed, left = failing_steps(steps, FAILING)
    assert failed == ["epic test --format junit policies >epic.xml"], failed
    assert 'failures="1"' in left["epic.xml"]


# ---- problem matcher ----

def matched(line):
    for matcher in json.loads((SOURCE / "editors/problem-matcher.json").read_text(encoding="utf-8"))["problemMatcher"]:
        pattern = matcher["pattern"][0]
        found = re.search(pattern["regexp"], line)
        if found:
            return {key: found[n] for key, n in pattern.items() if key != "regexp"} | \
                {key: matcher[key] for key in ("severity",) if key in matcher}
    return None


def the_matcher_reads_plain_lines():
    with repository({"a b/c:d.epi": "edition 1;\nattribute a, a;\n"}) as root:
        _, _, err = epic(root, "check", "--format", "plain", "a b/c:d.epi")
    found, rest = [matched(line) for line in err.splitlines()], matched("epic: the policy has findings (exit code 1)")
    assert found[0] == {"file": "a b/c:d.epi", "line": "2", "column": "14", "severity": "error", "code": "E0302",
                        "message": "'a' is declared twice"}, found
    assert found[-1] is None and rest is None
    assert matched("a.epi:1:2: info[L1008]: no doc") == {
        "file": "a.epi", "line": "1", "column": "2", "severity": "notice", "code": "L1008", "message": "no doc"}
    assert matched("a.epi:1:2: warning[L1001]: x")["severity"] == "warning"


# ---- pre-commit ----

def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment(folder), capture_output=True,
                          encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done
    return done.stdout.strip()


def publish_hooks(folder):
    """A repository that has the hooks of this one."""
    folder.mkdir()
    shutil.copy(SOURCE / ".pre-commit-hooks.yaml", folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "hooks")
    return git(folder, "rev-parse", "HEAD")


def hooks_passed(root, policy):
    (root / "clinic.epi").write_text(policy, encoding="utf-8")
    git(root, "add", "clinic.epi")
    done = subprocess.run(["pre-commit", "run"], cwd=root, env=environment(root), capture_output=True,
                          encoding="utf-8", timeout=120, check=False)
    found = dict(re.findall(r"^epic (\w+)\.+(Passed|Failed)$", done.stdout, re.M))
    assert set(found) == {"fmt", "lint", "test"}, done
    assert (done.returncode == 0) == (set(found.values()) == {"Passed"}), done
    return {name for name, how in found.items() if how == "Passed"}


def hooks_run():
    with repository({"notes.txt": "nothing\n"}) as root:
        shutil.rmtree(root / ".git")
        revision = publish_hooks(root / "hooks")
        (root / "work").mkdir()
        work = root / "work"
        git(work, "init", "-q")
        hooks = [{"id": f"epic-{name}"} for name in ("fmt", "lint", "test")]
        (work / ".pre-commit-config.yaml").write_text(
            yaml.safe_dump({"repos": [{"repo": str(root / "hooks"), "rev": revision, "hooks": hooks}]}))
        git(work, "add", ".")
        assert hooks_passed(work, GOOD) == {"fmt", "lint", "test"}
        assert hooks_passed(work, FAILING) == {"fmt", "lint"}
        assert hooks_passed(work, WRONG) == {"fmt"}
        assert hooks_passed(work, UNFORMATTED) == {"lint", "test"}
        assert (work / "clinic.epi").read_text(encoding="utf-8") == GOOD


TESTS = {"steps": (github_steps_run, gitlab_steps_run, the_matcher_reads_plain_lines), "hooks": (hooks_run,)}


def main():
    for test in TESTS[sys.argv[1]]:
        test()


if __name__ == "__main__":
    sys.exit(main())
