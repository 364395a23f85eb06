"""sarif, github and junit, read by readers that were written elsewhere."""
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

import sarif_om

from world import HERE, SOURCE, epic, repository

UPDATE = "UPDATE" in os.environ

OVERLAP = (SOURCE / "tests/golden/cases/overlap.epi").read_text(encoding="utf-8")
EXPECTATIONS = (SOURCE / "tests/golden/cases/expectations.epi").read_text(encoding="utf-8")
BITS = "edition 1;\nlet \tnet = { 10.1.0.7/24 };\nattribute a # \u00b5 \U0001f600\nattribute b;\n"
FILES = {"net/overlap.epi": OVERLAP, "net/bits, all: 5%.epi": BITS}


def golden(name, text):
    path = HERE / "expected" / name
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    wanted = path.read_text(encoding="utf-8")
    assert text == wanted, f"{name}: expected\n{wanted}\nfound\n{text}"


# ---- SARIF ----

# The classes of sarif_om for the properties that epic writes.  Their constructors refuse what is
# unknown or missing.
MODEL = {
    "runs": "Run", "tool": "Tool", "driver": "ToolComponent", "rules": "ReportingDescriptor",
    "results": "Result", "locations": "Location", "relatedLocations": "Location",
    "physicalLocation": "PhysicalLocation", "artifactLocation": "ArtifactLocation",
    "region": "Region", "deletedRegion": "Region", "fixes": "Fix", "artifactChanges": "ArtifactChange",
    "replacements": "Replacement", "insertedContent": "ArtifactContent", "message": "Message",
    "description": "Message", "shortDescription": "MultiformatMessageString",
    "fullDescription": "MultiformatMessageString", "help": "MultiformatMessageString",
    "invocations": "Invocation", "defaultConfiguration": "ReportingConfiguration",
    "%SRCROOT%": "ArtifactLocation",
}


def modelled(value, name):
    if isinstance(value, list):
        return [modelled(v, name) for v in value]
    if not isinstance(value, dict):
        return value
    inner = {k: modelled(v, k) for k, v in value.items()}
    if name in ("properties", "partialFingerprints", "originalUriBaseIds"):
        return inner
    words = {re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), k): v for k, v in inner.items()}
    if "$schema" in words:
        words["schema_uri"] = words.pop("$schema")
    return getattr(sarif_om, MODEL.get(name, "SarifLog"))(**words)


def schema():
    """The schema of OASIS, where it is at hand."""
    for path in (os.environ.get("EPIC_SARIF_SCHEMA"), SOURCE / "tests/golden/schemas/sarif-schema-2.1.0.json"):
        if path and pathlib.Path(path).exists():
            return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return None


def validate(text):
    log = json.loads(text)
    modelled(log, "log")
    wanted = schema()
    if wanted:
        import jsonschema
        jsonschema.Draft7Validator(wanted, format_checker=jsonschema.FormatChecker()).validate(log)
    return log


def marked(root, location):
    """The text that a location of a result marks; columns are UTF-16 units."""
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uriBaseId"] == "%SRCROOT%", physical
    path = root / urllib.parse.unquote(physical["artifactLocation"]["uri"])
    region = physical["region"]
    assert region["startLine"] == region["endLine"], region
    line = path.read_text(encoding="utf-8").split("\n")[region["startLine"] - 1].encode("utf-16-le")
    return line[2 * region["startColumn"] - 2:2 * region["endColumn"] - 2].decode("utf-16-le")


def sarif_is_what_it_says():
    with repository(FILES) as root:
        code, out, err = epic(root / "net", "check", "--format", "sarif", "overlap.epi", "bits, all: 5%.epi")
        assert (code, err) == (1, ""), (code, err)
        run = validate(out)["runs"][0]
        golden("findings.sarif", re.sub(r'"version": "\d+\.\d+\.\d+"(?=,\n      "rules)', '"version": "N"', out))
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            rule = rules[result["ruleIndex"]]
            assert rule["id"] == result["ruleId"]
            assert rule["helpUri"] and rule["fullDescription"]["text"]
        by_rule = {r["ruleId"]: r for r in run["results"]}
        assert marked(root, by_rule["E0501"]["locations"][0]) in OVERLAP
        assert marked(root, by_rule["E0501"]["relatedLocations"][0]) in OVERLAP
        assert marked(root, by_rule["E0105"]["locations"][0]) == "10.1.0.7/24"
        change = by_rule["E0105"]["fixes"][0]["artifactChanges"][0]
        assert change["artifactLocation"]["uri"] == "net/bits%2C%20all%3A%205%25.epi"
        assert change["replacements"][0]["insertedContent"]["text"] == "10.1.0.0/24"


def fingerprints_outlive_lines_above():
    def prints(root):
        _, out, _ = epic(root, "check", "--format", "sarif", "net/overlap.epi")
        return [r["partialFingerprints"] for r in validate(out)["runs"][0]["results"]]

    with repository(FILES) as root:
        before = prints(root)
        (root / "net/overlap.epi").write_text("\n# one more\n\n" + OVERLAP.replace("  ", "\t"), encoding="utf-8")
        assert before and prints(root) == before
        (root / "net/overlap.epi").write_text(OVERLAP.replace("10.0.0.0/8", "10.0.0.0/9"), encoding="utf-8")
        assert prints(root) != before


def sarif_without_places_and_without_findings():
    with repository({"good.epi": "edition 1;\nattribute a;\n"}) as root:
        code, out, _ = epic(root, "check", "--format", "sarif", "good.epi")
        run = validate(out)["runs"][0]
        assert code == 0 and run["results"] == [] and run["tool"]["driver"]["rules"] == []
        code, out, _ = epic(root, "check", "--format", "sarif", "missing.epi")
        run = validate(out)["runs"][0]
        assert code == 2 and run["results"][0]["ruleId"] == "E0002" and "locations" not in run["results"][0]
        assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 2}]
        code, out, _ = epic(root, "check", "--format", "sarif", "-", stdin="attribute a\nattribute b;\n")
        run = validate(out)["runs"][0]
        assert code == 1 and run["results"][0]["ruleId"] == "E0204"


# ---- GitHub ----

def unescaped(text, property_too=False):
    """As actions/runner reads it."""
    for code, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        if property_too or plain not in ":,":
            text = text.replace(code, plain)
    return text


def commands(out):
    found = []
    for line in out.splitlines():
        kind, properties, message = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()
        pairs = dict(p.split("=", 1) for p in properties.split(","))
        found.append((kind, {k: unescaped(v, True) for k, v in pairs.items()}, unescaped(message)))
    return found


def github_annotates():
    with repository(FILES) as root:
        summary = root / "summary.md"
        summary.write_text("before\n", encoding="utf-8")
        code, out, err = epic(root / "net", "check", "--format", "github", "bits, all: 5%.epi", "overlap.epi",
                              env={"GITHUB_STEP_SUMMARY": str(summary)})
        assert (code, err) == (1, ""), (code, err)
        golden("findings.github", out)
        golden("summary.md", summary.read_text(encoding="utf-8"))
        kind, properties, message = commands(out)[0]
        assert kind == "error" and properties["title"] == "E0105 host-bits-set"
        assert properties["file"] == "net/bits, all: 5%.epi", properties
        assert message == "10.1.0.7/24 has bits set behind its length", message
        assert "\n" in commands(out)[-1][2]


def github_shows_ten_of_a_kind():
    wrong = "edition 1;\n" + "".join(f"let a{i} = 10.0.0.{i}/8;\n" for i in range(1, 14))
    with repository({"a.epi": wrong}) as root:
        summary = root / "summary.md"
        code, out, _ = epic(root, "check", "--format", "github", "a.epi",
                            env={"GITHUB_STEP_SUMMARY": str(summary)})
        found = commands(out)
        assert code == 1 and len(found) == 10
        assert found[9][2].endswith("\nand 3 more errors, see the summary of the job"), found[9]
        assert summary.read_text(encoding="utf-8").count("| error | E0105 |") == 13
        code, _, err = epic(root, "check", "--format", "github", "a.epi",
                            env={"GITHUB_STEP_SUMMARY": str(root / "no/summary")})
        assert code == 5 and "cannot write the summary" in err, (code, err)


# ---- JUnit ----

def junit(root, command, *arguments):
    code, out, err = epic(root, command, "--format", "junit", *arguments)
    assert err == "", err
    (root / "out.xml").write_text(out, encoding="utf-8")
    xsd = SOURCE / "tests/golden/schemas/junit-10.xsd"
    against = ["--schema", str(xsd)] if xsd.exists() else []
    subprocess.run(["xmllint", "--noout", *against, str(root / "out.xml")], check=True)
    suites = ElementTree.fromstring(out)
    for suite in [suites, *suites]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == sum(c.find("failure") is not None for c in cases)
        assert int(suite.get("errors")) == sum(c.find("error") is not None for c in cases)
    return code, out, suites


def junit_has_a_case_for_each_expectation():
    with repository({"expect.epi": EXPECTATIONS, "good.epi": "edition 1;\n"}) as root:
        code, out, suites = junit(root, "test", "expect.epi", "good.epi")
        golden("expectations.junit", out)
        assert code == 1
        names = [c.get("name") for c in suites[0]]
        wanted = [re.sub(r"\s+", " ", e) for e in re.findall(r"^(expect .*?);", EXPECTATIONS, re.M | re.S)]
        assert names == wanted, names
        assert [c.get("name") for c in suites[1]] == ["good.epi"]


def junit_has_a_case_for_each_file():
    files = {"<&\">.epi": "edition 1;\nattribute a, a;\n", "good.epi": "edition 1;\n", "bad.epi": "attribute"}
    with repository(files) as root:
        code, _, suites = junit(root, "check", *sorted(files))
        cases = {c.get("name"): c.find("failure") for c in suites.iter("testcase")}
        assert code == 1 and set(cases) == set(files)
        assert cases["good.epi"] is None
        assert cases["<&\">.epi"].get("type") == "E0302"
        _, _, suites = junit(root, "test", "bad.epi")
        assert suites[0][0].find("failure").get("type") == "E0201"


# ---- results beside findings ----

def results_need_a_file_of_their_own():
    with repository(FILES) as root:
        for form in ("json", "jsonl", "sarif", "github", "junit"):
            for words in (("explain", "areas", "net/overlap.epi"), ("graph", "net/overlap.epi"),
                          ("compile", "--only-emit", "--emit", "plan", "-o", "-", "net/overlap.epi"),
                          ("trace", "tcp 10.0.0.1:1 > 10.0.0.2:2", "net/overlap.epi"),
                          ("fmt", "--diff", "net/overlap.epi")):
                code, out, err = epic(root, *words, "--format", form)
                assert code == 2 and not out and ("-o FILE" in err or "human" in err), (words, form, code, out, err)
        (root / "good.epi").write_text("edition 1;\nattribute a;\n", encoding="utf-8")
        code, out, _ = epic(root, "explain", "areas", "good.epi", "--format", "sarif", "-o", "areas.txt")
        assert code == 0 and validate(out)["runs"][0]["results"] == [], out
        assert (root / "areas.txt").read_text(encoding="utf-8")
        code, out, _ = epic(root, "explain", "E0105", "-o", "page.txt")
        assert code == 0 and not out and "10.1.0.0" in (root / "page.txt").read_text(encoding="utf-8")


def main():
    sarif_is_what_it_says()
    fingerprints_outlive_lines_above()
    sarif_without_places_and_without_findings()
    github_annotates()
    github_shows_ten_of_a_kind()
    junit_has_a_case_for_each_expectation()
    junit_has_a_case_for_each_file()
    results_need_a_file_of_their_own()
    print("SARIF was read with sarif_om" + (" and validated against the schema" if schema() else
                                            "; its schema is not at hand"))


if __name__ == "__main__":
    sys.exit(main())
