"""epic.conf: who is heard, in which order, and what is said of mistakes."""
import re
import sys

from world import epic, repository

GOOD = "edition 1;\nattribute a;\n"


def settings(root, folder, *flags, env=None):
    """What `version -v` says: name to (value, where); the lists under their names."""
    code, out, err = epic(root / folder, "version", "-v", *flags, env=env)
    assert code == 0, err
    found = {}
    for line in out.split("settings:\n")[1].splitlines():
        name, value, *where = re.split(r"  +| (?=\S*$)", line.strip())
        row = (value.strip(), " ".join(where).strip())
        found.setdefault(name, []).append(row)
    return found


def stronger_words_win():
    files = {"epic.conf": "gap 1%;\ntime-limit 10s;\nmax-errors 5;\ntoday 2026-01-01;\n",
             "home/.config/epic/epic.conf": "gap 2%; time-limit 20s; max-errors 6; fail-level info;\n",
             "inner/a.epi": GOOD}
    with repository(files) as root:
        found = settings(root, "inner", "--today", "2027-02-03", env={"EPIC_TIME_LIMIT": "30s"})
        user = str(root / "home/.config/epic/epic.conf")
        project = str(root / "epic.conf")
        assert found["today"] == [("2027-02-03", "--today")], found
        assert found["time-limit"] == [("30s", "EPIC_TIME_LIMIT")], found
        assert found["gap"] == [("1%", project + ":1")], found
        assert found["max-errors"] == [("5", project + ":3")], found
        assert found["fail-level"] == [("info", user + ":1")], found
        assert found["format"] == [("human", "default")], found
        found = settings(root, ".", "--no-config")
        assert found["gap"] == [("0%", "default")], found
        (root / "xdg/epic").mkdir(parents=True)
        (root / "xdg/epic/epic.conf").write_text("gap 7%;\n")
        found = settings(root, "/", env={"XDG_CONFIG_HOME": str(root / "xdg")})
        assert found["gap"][0][0] == "7%", found


def the_file_is_the_nearest_of_the_policy():
    files = {"epic.conf": "gap 1%;\n", "a/epic.conf": "gap 2%;\n", "a/b/p.epi": "attribute a, a;\n",
             "other.conf": "gap 3%;\n", "c/epic.conf": "format plain;\n"}
    with repository(files) as root:
        assert settings(root, "a/b")["gap"][0] == ("2%", str(root / "a/epic.conf") + ":1")
        assert settings(root, ".")["gap"][0] == ("1%", "epic.conf:1")
        assert settings(root, ".", "--config", "other.conf")["gap"][0] == ("3%", "other.conf:1")
        found = settings(root, ".", env={"EPIC_CONFIG": "other.conf"})
        assert found["gap"][0] == ("3%", "other.conf:1")
        (root / "a/epic.conf").write_text("format plain;\n")
        _, _, err = epic(root / "c", "check", "--no-config", "../a/b/p.epi")
        assert " --> " in err, err
        _, _, err = epic(root, "check", "a/b/p.epi")
        assert err.startswith("a/b/p.epi:1:14: error[E0302]"), err


def levels_are_heard_in_order():
    files = {"epic.conf": "deny missing-doc, L1003;\nwarn unused-import;\nallow naming-style;\n",
             "home/.config/epic/epic.conf": "allow missing-doc;\n"}
    with repository(files) as root:
        _, out, _ = epic(root, "version", "-v", "-A", "missing-doc")
        levels = re.findall(r"^  (deny|warn|allow) +(\S+)", out, re.M)
        assert levels == [("allow", "missing-doc"), ("deny", "missing-doc"), ("deny", "L1003"),
                          ("warn", "unused-import"), ("allow", "naming-style"), ("allow", "missing-doc")], levels


def lint_obeys():
    files = {"p/epic.conf": "deny missing-edition;\n", "p/a.epi": "attribute a;\n"}
    with repository(files) as root:
        code, _, err = epic(root, "lint", "p/a.epi")
        assert code == 1 and "error[L1001]" in err, (code, err)
        code, _, err = epic(root, "lint", "-A", "missing-edition", "p/a.epi")
        assert "L1001" not in err, err
        (root / "p/epic.conf").write_text("warn missing-edition; fail-level warning;\n")
        code, _, err = epic(root, "lint", "p/a.epi")
        assert code == 1 and "warning[L1001]" in err, (code, err)


def search_roots_are_beside_the_file():
    files = {"conf/epic.conf": "include \"lib\", \"more\";\n", "conf/lib/parts.epi": "edition 1;\nmodule parts;\nattribute x;\n",
             "conf/inner/a.epi": "edition 1;\nuse parts;\ndomain d { node n: endpoint { attributes {parts.x}; } }\n"}
    with repository(files) as root:
        code, _, err = epic(root, "check", "conf/inner/a.epi")
        assert code == 0, err
        code, _, err = epic(root, "check", "--no-config", "conf/inner/a.epi")
        assert code == 1 and "E0004" in err, err
        found = settings(root, "conf", "-I", "/flag", env={"EPIC_PATH": "/variable"})
        assert [row[0] for row in found["include"]] == ["/flag", "/variable", "./lib", "./more"] or \
            [row[0].split("/")[-1] for row in found["include"]] == ["flag", "variable", "lib", "more"], found


WRONG = [
    ("deny literal-secrt;", "E0301", "did you mean 'literal-secret'?"),
    ("deny E0301;", "E0301", "epic lint --rules"),
    ("gapp 3%;", "E0305", "did you mean 'gap'?"),
    ("gap 4;", "E0401", "'gap' takes a share like 1%"),
    ("gap 4%; gap 5%;", "E0306", "first here"),
    ("time-limit 4s\nmax-errors 3;", "E0204", "a ';' is missing behind this"),
    ("time-limit 4Mbps;", "E0401", "a time like 60s"),
    ("max-errors -3;", "E0101", "'-' has no meaning here"),
    ("format \"human\";", "E0401", "human, plain, json"),
    ("format humane;", "E0401", "human, plain, json"),
    ("fail-level warning, error;", "E0401", "error, warning or info"),
    ("today 2026-02-30;", "E0106", "not a day of the calendar"),
    ("include lib;", "E0401", "strings"),
    ("baseline lint;", "E0401", "the path of a file"),
    ("color auto = always;", "E0206", "properties only"),
    ("node a;", "E0206", "properties only"),
    ("a -> b;", "E0206", "properties only"),
    ("gap", "E0201", "epic.conf:2:1"),
    ("gap 4x;", "E0103", "4x"),
    ("}", "E0201", "epic.conf:1:1"),
]


def mistakes_are_shown_in_their_place():
    for text, code, said in WRONG:
        with repository({"epic.conf": text + "\n", "a.epi": GOOD}) as root:
            exit_code, out, err = epic(root, "check", "a.epi")
            assert exit_code == 2 and not out, (text, exit_code, err)
            assert f"[{code}]" in err and said in err and " --> epic.conf:" in err, (text, err)
            assert err.endswith("epic: wrong use (exit code 2)\n"), err


def mistakes_elsewhere_are_told_too():
    with repository({"a.epi": GOOD, "epic.conf": "\0", "utf.conf": "x"}) as root:
        code, _, err = epic(root, "check", "a.epi")
        assert code == 2 and "epic.conf is not plain UTF-8" in err, err
        code, _, err = epic(root, "check", "--config", "none.conf", "a.epi")
        assert code == 2 and "none.conf" in err, err
        code, _, err = epic(root, "check", "a.epi", env={"EPIC_CONFIG": "none.conf"})
        assert code == 2 and "none.conf" in err, err
        code, _, err = epic(root, "check", "--config", "x", "--no-config", "a.epi")
        assert code == 2 and "contradict" in err, err
        code, _, err = epic(root, "check", "--no-config", "a.epi", env={"EPIC_TIME_LIMIT": "soon"})
        assert code == 2 and "EPIC_TIME_LIMIT takes a time like 60s" in err, err
        code, _, err = epic(root, "help")
        assert code == 0, err
        code, out, _ = epic(root, "check", "--format", "sarif", "a.epi")
        assert code == 2 and '"E0003"' in out, out


def an_empty_file_says_nothing():
    with repository({"a.epi": GOOD, "epic.conf": "# nothing yet\n"}) as root:
        code, out, err = epic(root, "check", "a.epi")
        assert (code, out, err) == (0, "", ""), (code, out, err)


def main():
    stronger_words_win()
    the_file_is_the_nearest_of_the_policy()
    levels_are_heard_in_order()
    lint_obeys()
    search_roots_are_beside_the_file()
    mistakes_are_shown_in_their_place()
    mistakes_elsewhere_are_told_too()
    an_empty_file_says_nothing()


if __name__ == "__main__":
    sys.exit(main())
