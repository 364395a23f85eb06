"""What `epic new` makes, and that it makes nothing where it must not."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

EPIC = os.path.abspath(os.environ.get("EPIC", "./epic"))
SOURCE = pathlib.Path(os.environ.get("srcdir", ".")).resolve()
STARTERS = ["health", "e2", "firewall", "bng", "proxies"]
ENVIRONMENT = {"PATH": os.path.dirname(EPIC) + ":/usr/bin:/bin", "LC_ALL": "C", "ASAN_OPTIONS": "detect_leaks=0",
               "PAGER": "cat"}


def run(folder, *command, **more):
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False,
                          stdin=subprocess.DEVNULL, env={**ENVIRONMENT, "HOME": str(folder)}, **more)


def epic(folder, *arguments, program=EPIC, **more):
    return run(folder, program, *arguments, **more)


def files_of(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def must_pass(folder, script, what):
    done = run(folder, "bash", "-eo", "pipefail", "-c", script)
    assert done.returncode == 0, f"{what}: {script}\n{done.stdout}{done.stderr}"


def ci_steps(project):
    """The steps of both services."""
    github = yaml.safe_load((project / ".github/workflows/policy.yml").read_text(encoding="utf-8"))
    gitlab = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))["policy"]
    steps = [step["run"] for step in github["jobs"]["policy"]["steps"] if "run" in step]
    return steps, gitlab["before_script"] + gitlab["script"]


def readme_commands(project):
    lines = (project / "README.md").read_text(encoding="utf-8").splitlines()
    return [line.split("   #")[0].strip() for line in lines if line.startswith("    epic ")]


def a_starter_passes_its_own_ci(top, name):
    done = epic(top, "new", name, "--example", name)
    assert done.returncode == 0, done.stderr
    project = top / name
    assert f"a new project from the starter {name}" in done.stdout
    for file in files_of(project):
        assert f"  {file}\n" in done.stdout, file
    assert project.stat().st_mode & 0o777 == 0o755
    steps, script = ci_steps(project)
    for wanted in ("epic fmt --check", "epic lint", "epic test", "epic compile"):
        assert any(s.startswith(wanted) for s in steps) and any(s.startswith(wanted) for s in script), wanted
    for step in steps + script:
        must_pass(project, step, f"{name}, CI")
    commands = readme_commands(project)
    assert len(commands) >= 4, commands
    for command in commands:
        must_pass(project, command, f"{name}, README.md")


def the_ci_of_a_starter_finds_mistakes(top):
    epic(top, "new", "wrong", "--example", "health")
    policy = top / "wrong/policy.epi"
    text = policy.read_text(encoding="utf-8")
    steps, script = ci_steps(top / "wrong")
    for change, failing in [(("  default deny;\n", "   default   deny;\n"), "fmt"),
                            (('  purpose "Study 17";\n', ""), "lint"),
                            (("expect not reach lake", "expect reach lake"), "test")]:
        policy.write_text(text.replace(*change), encoding="utf-8")
        for sort in (steps, script):
            failed = [s for s in sort if run(top / "wrong", "bash", "-c", s).returncode]
            assert [s.split()[1] for s in failed] == [failing], (change, failed)


def an_empty_directory_is_taken(top):
    (top / "empty").mkdir(mode=0o750)
    assert epic(top, "new", "empty/").returncode == 0
    assert (top / "empty").stat().st_mode & 0o777 == 0o750
    (top / "here").mkdir()
    assert epic(top / "here", "new", ".").returncode == 0
    assert files_of(top / "empty") == files_of(top / "here") and "policy.epi" in files_of(top / "here")


def refused(top, arguments, code, text, **more):
    before = sorted(str(p) for p in top.rglob("*"))
    done = epic(top, "new", *arguments, **more)
    assert done.returncode == code and text in done.stderr and not done.stdout, (arguments, done)
    assert sorted(str(p) for p in top.rglob("*")) == before, arguments


def nothing_is_overwritten(top):
    (top / "full").mkdir()
    (top / "full/notes.txt").write_text("mine")
    (top / "file").write_text("mine")
    refused(top, ["full"], 2, "epic: full is not empty (it has notes.txt); nothing was written")
    refused(top, ["file"], 2, "epic: file is there already, and is no directory")
    refused(top, ["file/project"], 5, "cannot make file/project: Not a directory")
    refused(top, ["no/such/project"], 5, "cannot write to no/such: No such file or directory")
    refused(top, [], 2, "new needs one DIR")
    refused(top, ["a", "b"], 2, "new needs one DIR")
    refused(top, ["a", "--example", "helth"], 2, "--example takes health, e2, firewall, bng or proxies")


def a_failing_run_leaves_nothing(top):
    """With a file of the starters that cannot be read."""
    installed = top / "installed"
    (installed / "stdlib").mkdir(parents=True)
    shutil.copy(EPIC, installed / "epic")
    shutil.copytree(SOURCE / "examples/starters", installed / "examples/starters")
    (installed / "examples/starters/health").chmod(0o755)  # the source may be read-only
    (installed / "examples/starters/health/zzz").symlink_to("nowhere")
    (top / "empty").mkdir()
    for where in ("empty", "new"):
        refused(top, [where], 5, "health/zzz: No such file", program=str(installed / "epic"))


def main():
    os.umask(0o022)
    cases = [(a_starter_passes_its_own_ci, name) for name in STARTERS]
    cases += [(case,) for case in (the_ci_of_a_starter_finds_mistakes, an_empty_directory_is_taken,
                                   nothing_is_overwritten, a_failing_run_leaves_nothing)]
    failed = 0
    for case, *arguments in cases:
        with tempfile.TemporaryDirectory(prefix="epic-new-") as top:
            try:
                case(pathlib.Path(top).resolve(), *arguments)
                print("ok:", case.__name__, *arguments)
            except AssertionError as e:
                failed += 1
                print("FAILED:", case.__name__, *arguments, "\n", e)
    sys.exit(failed > 0)


main()
