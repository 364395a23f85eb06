"""The pages of epic-graph in a browser: pointer, keys, filters, search, what they say, how fast, and that they ask for
nothing.  Arguments: the folder with the pages that page_test.sh has made."""

import re
import sys

from browser import Browser

MOST_MS = 1000  # of a click with 500 boxes; a generous bound for busy machines
failures = []


def check(truth, words):
    if not truth:
        failures.append(words)
        print("FAIL", words, flush=True)


def shown(b):
    return int(re.match(r"\d+", b.text("#said"))[0])


def id_of(b, word):
    """Of the first thing in the list whose words hold WORD."""
    return b.run("""const all = JSON.parse(document.getElementById("data").textContent);
        const has = (i) => JSON.stringify(i).includes(arguments[0]);
        return "#i-" + (all.nodes.find(has) || all.edges.find(has)).id;""", word)


def pointer(b):
    card = id_of(b, '"status": "bridged"'.replace(": ", ":"))
    check(b.run("return document.getElementById('tip').hidden"), "a tip shows before anybody points")
    b.point(card)
    tip = b.text("#tip")
    for words in ("bridged", "microsegment", "200 Mbps", "sepsis.epi:", "policy line"):
        check(words in tip, f"the tip does not say {words}: {tip}")
    b.shot("hover")
    b.click(card)
    details = b.text("#details")
    for words in ("Selected", "lacks", "sepsis.epi:60", "setup", "north.ehr"):
        check(words in details, f"the details do not say {words}: {details}")
    check(b.run("return document.querySelectorAll('#list [aria-current=true]').length") == 1, "the list has no mark")
    check(b.run("return document.getElementById('mark').getAttribute('visibility')") == "visible", "no frame is drawn")
    b.shot("selected")
    b.click("#details button[data-item]")
    check("sepsis-study" not in b.text("#details h3"), "a neighbour's button does not lead to it")
    b.click("#paper svg")


def keyboard(b):
    b.keys("Escape")
    b.run("document.activeElement.blur()")
    b.keys("/")
    check(b.run("return document.activeElement.id") == "search", "/ does not lead to the search")
    b.keys("pacs" if "pacs" in b.text("#data") else "north.ehr")
    check("match" in b.text("#said"), "a search is not counted")
    check(b.run("return document.querySelectorAll('#paper .hit').length") > 0, "a search marks nothing")
    b.shot("search")
    b.keys("Enter")
    check("Selected" in b.text("#details"), "Enter does not select the first match")
    first = b.run("return document.activeElement.id")
    check(first.startswith("i-"), "Enter does not lead to the drawing")
    check(not b.run("return document.getElementById('tip').hidden"), "focus shows no tip")
    b.keys("Right")
    second = b.run("return document.activeElement.id")
    check(second != first, "an arrow key leads nowhere")
    b.keys("Left")
    check(b.run("return document.activeElement.id") != second, "left does not lead back")
    b.keys("Down", "Enter")
    name = b.run("return document.activeElement.getAttribute('aria-label')")
    check(name.split(", ")[0] in b.text("#details"), f"Enter selects something else than {name}")
    b.shot("keyboard")
    b.keys("Escape")
    check("Details" in b.text("#details") and "match" not in b.text("#said"), "Escape does not show all")
    b.run("document.activeElement.blur(); document.getElementById('search').focus()")
    for _ in range(30):
        b.keys("Tab")
        if b.run("return document.activeElement.closest('svg') !== null"):
            return
    check(False, "Tab does not lead to the drawing")


def filters(b):
    everything = shown(b)
    b.choose("#filter-domain", "lake")
    some = shown(b)
    check(0 < some < everything, f"the filter by domain shows {some} of {everything}")
    check(b.run("return getComputedStyle(document.querySelector('#paper .off')).display") == "none", "off is visible")
    b.shot("filter")
    b.choose("#filter-domain", "")
    b.choose("#filter-status", "bridged")
    check(0 < shown(b) < everything, "the filter by status does nothing")
    b.click("#clear")
    check(shown(b) == everything, "'show all' does not show all")


def classes(b):
    everything = shown(b)
    b.choose("#filter-class", "control")
    check(0 < shown(b) < everything, "the filter by class does nothing")
    b.shot("classes")
    b.click("#clear")


def sizes(b):
    width = "return document.querySelector('#paper svg').getBoundingClientRect().width"
    before = b.run(width)
    b.click("#larger")
    check(b.run(width) > before, "+ does not enlarge")
    b.click("#fit")
    check(abs(b.run(width) - before) < 1, "fit does not fit")


def is_alone(b):
    """Nothing was asked for, nothing can be, and nothing foreign runs."""
    check(b.run("return performance.getEntriesByType('resource').length") == 0, "the page has fetched something")
    asked = [url for url in b.requests() if not url.startswith(("file://", "data:", "chrome:", "chrome-untrusted:"))]
    check(not asked, f"asked for {asked}")
    check(not b.complaints(), "the page complains")
    refused = b.run_async("""const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
        fetch("https://example.org/").catch(() => 0); setTimeout(() => done("nothing"), 3000);""")
    check(refused == "connect-src", f"a request is stopped by {refused}")
    b.run("document.body.insertAdjacentHTML('beforeend', '<p id=w onclick=\"document.title=1\">x</p>');"
          "document.getElementById('w').click(); document.getElementById('w').remove()")
    check(b.run("return document.title") != "1", "an inline handler runs")
    b.requests()
    b.complaints()


# The contrast of WCAG 2, of letters on the nearest ground that is not transparent.
CONTRAST = """
const parts = (c) => c.match(/[\\d.]+/g).map(Number);
const light = (c) => { const [r, g, b] = parts(c).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
	const p = parts(c); if (p.length < 4 || p[3] > 0) return c; } return "rgb(255, 255, 255)"; };
return Array.from(document.querySelectorAll("h1, h1 span, h2, h3, p, dt, dd, label, button, summary, output, #tip p"))
	.filter((e) => e.textContent.trim() && e.getClientRects().length).map((e) => {
		const a = light(getComputedStyle(e).color), b = light(ground(e));
		return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + " " + e.textContent.slice(0, 30)]; })
	.sort((x, y) => x[0] - y[0])[0];"""


def contrasts(b, card):
    for scheme in ("light", "dark"):
        b.media(prefers_color_scheme=scheme)
        b.click(card)
        ratio, where = b.run(CONTRAST)
        check(ratio >= 4.5, f"{scheme}: contrast {ratio:.2f} at {where}")
        b.shot(scheme)
    b.media("print", prefers_color_scheme="dark")
    b.run("dispatchEvent(new Event('beforeprint'))")
    for gone in ("#tools", "#side"):
        check(b.run("return getComputedStyle(document.querySelector(arguments[0])).display", gone) == "none",
              f"{gone} is printed")
    check("policy line" in b.text("#print"), "paper does not tell what the pointer tells")
    check(b.run("return getComputedStyle(document.querySelector('#paper svg')).filter") == "none", "print is inverted")
    b.shot("print")
    b.run("dispatchEvent(new Event('afterprint'))")
    b.media()
    check(b.printed().startswith(b"%PDF"), "it cannot be printed")


def free_text(b):
    check(b.run("return document.title").endswith("pipelines"), "a text of the policy has run")
    check(b.run("return document.scripts.length") == 2, "a text of the policy has become a script")
    check("</script>" in b.run("return JSON.parse(document.getElementById('data').textContent).nodes"
                               ".map((n) => JSON.stringify(n)).join()"), "the text is lost")


def click_time(b):
    """From the click to the picture that answers it."""
    boxes = shown(b)
    times = b.run_async("""const done = arguments[0], times = [];
        const all = Array.from(document.querySelectorAll("#paper g.node")).filter((e, i) => i % 25 === 0);
        function next() {
            const el = all.pop();
            if (!el) return done(times);
            const start = performance.now();
            el.dispatchEvent(new MouseEvent("click", {bubbles: true}));
            requestAnimationFrame(() => setTimeout(() => { times.push(performance.now() - start); next(); }));
        }
        next();""")
    typed = b.run_async("""const done = arguments[0], s = document.getElementById("search"), start = performance.now();
        s.value = "m7"; s.dispatchEvent(new Event("input"));
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));""")
    times.sort()
    print(f"{boxes} boxes: a click is answered in {times[len(times) // 2]:.0f} ms (median of {len(times)}), "
          f"{times[-1]:.0f} ms at most; a letter of a search in {typed:.0f} ms")
    check(boxes >= 500, f"there are only {boxes} boxes")
    check(times[-1] < MOST_MS, f"a click takes {times[-1]:.0f} ms")
    check(typed < MOST_MS, f"a letter takes {typed:.0f} ms")
    b.shot("many")


def main(pages):
    try:
        b = Browser()
    except RuntimeError as error:
        print(f"skipped: Chromium does not start here: {error}")
        sys.exit(77)
    try:
        b.open(f"{pages}/sepsis.html")
        b.shot("flows")
        for part in (is_alone, pointer, keyboard, filters, sizes):
            part(b)
        contrasts(b, "#i-g1")
        b.open(f"{pages}/firewall.html")
        classes(b)
        b.open(f"{pages}/words.html")
        free_text(b)
        for name in ("crowd", "many"):
            b.open(f"{pages}/{name}.html")
            b.shot(name)
        click_time(b)
    finally:
        b.close()
    sys.exit(1 if failures else 0)


main(sys.argv[1])
