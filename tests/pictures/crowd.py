"""Policies too large to be written by hand.  crowd.py flows FILE: 500 nodes, 1000 flows.  crowd.py modules FILE: a
pipeline of 500 modules.  crowd.py words FILE: texts that want to be more than texts."""

import random
import sys

ATTRIBUTES = ["firewall", "encryption", "firewall, encryption", "firewall, encryption, segmentation"]


def flows():
    luck = random.Random(1)
    names = [f"d{d}.n{n}" for d in range(10) for n in range(50)]
    yield "edition 1;\nmodule crowd;\nuse std.security {firewall, encryption, segmentation};"
    for d in range(10):
        yield f"domain d{d} {{\n  default allow;"
        for n in range(50):
            yield (f"  node n{n} {{ address 10.{d}.{n}.0/24; attributes {{{luck.choice(ATTRIBUTES)}}}; }}")
        yield "}"
    for a in range(10):
        yield f"application a{a} {{"
        for _ in range(100):
            one, other = luck.sample(names, 2)
            yield f"  flow {one} => {other} when {luck.randint(1, 9999)}/tcp rate {luck.randint(1, 90)}Mbps;"
        yield "}"


def modules(rows=20, columns=25):
    yield "edition 1;\nmodule many;\nuse std.dataplane as dp;\npipeline p {"
    yield '  rx : dp.port-in { device "0000:5e:00.0"; }\n  tx : dp.port-out { device "0000:5e:00.1"; }'
    for r in range(rows):
        for c in range(columns):
            yield f"  m{c}x{r} : dp.acl {{ cost {100 + r}cycles; }}"
    for c in range(columns):
        yield f"  rx -> m{c}x0 when {1000 + c}/tcp;"
        for r in range(1, rows):
            yield f"  m{c}x{r - 1} -> m{c}x{r};"
        yield f"  m{c}x{rows - 1} -> tx;"
    yield "  rx -> drop otherwise;\n}"


def words():
    bad = "</script><script>document.title=1</script><!--&quot;\\\\n"
    yield "edition 1;\nmodule words;\nuse std.dataplane as dp;\nuse std.nf;"
    yield "function eye : nf.ids { api native; derives url in string via metadata; speed 1Gbps/GHz; }"
    yield f'pipeline p {{\n  rx : dp.port-in {{ device "{bad}"; }}\n  tx : dp.port-out {{ device "]]>`#amp;"; }}'
    yield f'  see : eye;\n  rx -> see;\n  see -> tx when see.url == "{bad}";\n  see -> drop otherwise;\n}}'
    yield "domain d { node a { address 10.0.0.1; } node b { address 10.0.0.2; } default allow; }"
    yield f'application a {{ purpose "{bad}"; flow d.a => d.b; }}'


with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write("\n".join({"flows": flows, "modules": modules, "words": words}[sys.argv[1]]()) + "\n")
