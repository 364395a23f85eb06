"""The Prometheus text exposition format 0.0.4, line by line: problems(TEXT) lists what is wrong."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\S+)")
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\[\\n])*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|summary|histogram|untyped)")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|NaN|[+-]Inf")


def family_of(name, kind):
    if kind == "summary":
        return re.sub(r"_(sum|count)$", "", name)
    return name


def check_sample(line, match, family, kind, seen, wrong):
    name, labels, value = match.groups()
    if family is None or family_of(name, kind) != family:
        wrong(f"a sample of {name} does not stand below its family")
    if not NUMBER.fullmatch(value):
        wrong(f"{value} is no number")
    names = re.findall(r'(?:^|,)([a-zA-Z_]\w*)="', re.sub(r'\\.', "", labels or ""))
    if len(names) != len(set(names)):
        wrong("a label is given twice")
    if any(n.startswith("__") for n in names):
        wrong("a label's name is reserved")
    if (kind == "summary" and name == family) != ("quantile" in names):
        wrong("quantile belongs to samples of summaries, and only to them")
    if (name, labels) in seen:
        wrong("the sample is given twice")
    seen.add((name, labels))
    if kind == "counter" and value.startswith("-"):
        wrong("a counter is below zero")


def check_name(name, kind, wrong):
    if (kind == "counter") != name.endswith("_total"):
        wrong("counters, and only they, end in _total")
    if re.search(r"(cycles|milliseconds|micro|kilo)", name):
        wrong("the unit is no base unit")


def problems(text):
    found, seen, families = [], set(), {}
    family = kind = helped = None
    if not text.endswith("\n"):
        found.append("the text does not end with LF")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        def wrong(what):
            found.append(f"{number}: {what}: {line}")
        if match := HELP.fullmatch(line):
            helped = match[1]
            if not match[2]:
                wrong("the help is empty")
        elif match := TYPE.fullmatch(line):
            family, kind = match.groups()
            if helped != family:
                wrong("no HELP stands above TYPE")
            if family in families:
                wrong("the family comes twice")
            families[family] = kind
            check_name(family, kind, wrong)
        elif match := SAMPLE.fullmatch(line):
            check_sample(line, match, family, kind, seen, wrong)
        else:
            wrong("is neither HELP, TYPE nor a sample")
    if not seen:
        found.append("there is no sample")
    return found
