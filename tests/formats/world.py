"""What the tests of this folder share: a scratch repository, and runs of epic in it."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

EPIC = os.environ["EPIC"]
SOURCE = pathlib.Path(os.environ.get("srcdir", ".")).resolve()
HERE = pathlib.Path(__file__).resolve().parent

@contextlib.contextmanager
def repository(files):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name).resolve() / "a b"
        (root / ".git").mkdir(parents=True)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        yield root


def clean_environment(folder, more=None):
    """The user's home is in the repository, the user's own settings are not heard."""
    root = next((f for f in (pathlib.Path(folder), *pathlib.Path(folder).parents) if (f / ".git").exists()), folder)
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("EPIC_", "GITHUB_", "XDG_", "CLICOLOR"))}
    return {**kept, "HOME": str(pathlib.Path(root) / "home"), "TERM": "dumb", **(more or {})}


def epic(folder, *arguments, stdin=None, env=None):
    """Exit code, standard output, standard error."""
    done = subprocess.run([EPIC, *map(str, arguments)], cwd=folder, input=stdin, capture_output=True,
                          env=clean_environment(folder, env), encoding="utf-8", timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr
