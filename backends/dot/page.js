"use strict";
(function () {
	const data = JSON.parse(document.getElementById("data").textContent);
	const svg = document.querySelector("#paper svg");
	const $ = (id) => document.getElementById(id);
	const TAGS = ["application", "class", "domain", "status"];
	const TOLD_AT_ONCE = 40;
	const SMALLEST_START = 0.5; /* smaller letters cannot be read */
	const items = new Map();
	const frames = new Map();
	let selected = null;
	let pointed = null;
	let zoom = 1;

	/* ---- what the picture holds ---- */

	function collect() {
		for (const cluster of data.clusters)
			frames.set(cluster.id, { what: cluster, el: $("c-" + cluster.id), n: 0 });
		for (const node of data.nodes)
			add(node, false);
		for (const edge of data.edges)
			add(edge, true);
		for (const item of items.values()) {
			if (!item.isEdge)
				continue;
			item.from = items.get(item.what.from);
			item.to = items.get(item.what.to);
			item.from.out.push(item);
			item.to.in.push(item);
		}
	}

	function add(what, isEdge) {
		const el = $("i-" + what.id);
		const item = { what, el, isEdge, out: [], in: [], shown: true, hit: true };

		if (!el)
			return;
		item.text = words(what).toLowerCase();
		items.set(what.id, item);
		el.dataset.item = what.id;
		el.setAttribute("tabindex", "-1");
		el.setAttribute("role", "button");
		for (const title of el.querySelectorAll("title"))
			title.remove();
		for (const link of el.querySelectorAll("a"))
			link.removeAttribute("xlink:title");
	}

	function words(what) {
		const all = [what.label, what.name || "", what.kind];

		for (const tag of TAGS)
			all.push(...what.tags[tag]);
		for (const entry of what.entries) {
			all.push(entry.title, entry.reason || "");
			for (const fact of entry.attributes)
				all.push(fact.text);
		}
		return all.join("\n");
	}

	function nameOf(item) {
		const what = item.what;

		if (item.isEdge)
			return nameOf(item.from) + " \u2192 " + nameOf(item.to);
		if (what.entries.length === 1)
			return what.entries[0].title;
		if (what.name)
			return what.name;
		return what.label.split("\n")[0];
	}

	/* ---- telling ---- */

	function make(tag, text, className) {
		const el = document.createElement(tag);

		if (text !== undefined)
			el.textContent = text;
		if (className)
			el.className = className;
		return el;
	}

	/* The unit stands behind the number already. */
	function wordsOf(key) {
		return key.replace(/_(us|bps|pps|hz|packets|cycles(_per_[a-z]+)?)$/, "").replace(/_/g, " ");
	}

	function place(source) {
		return source.file + ":" + source.line + ":" + source.col;
	}

	function tellEntry(into, entry, title) {
		const facts = make("dl");

		if (entry.title !== title)
			into.append(make("h3", entry.title));
		if (entry.reason)
			into.append(make("p", entry.reason, "reason"));
		for (const fact of entry.attributes)
			facts.append(make("dt", wordsOf(fact.key)), make("dd", fact.text));
		if (entry.source)
			facts.append(make("dt", "policy line"), make("dd", place(entry.source)));
		into.append(facts);
	}

	function kindOf(what) {
		const parts = [what.kind];

		if (what.status)
			parts.push(what.status);
		if (what.count > 1)
			parts.push("stands for " + what.count);
		if (what.internal)
			parts.push("put in by the compiler");
		return parts.join(", ");
	}

	function tell(item, most) {
		const part = document.createDocumentFragment();
		const entries = item.what.entries;

		part.append(make("h3", nameOf(item)), make("p", kindOf(item.what), "kind"));
		for (const entry of entries.slice(0, most))
			tellEntry(part, entry, nameOf(item));
		if (entries.length > most)
			part.append(make("p", "and " + (entries.length - most) + " more", "kind"));
		return part;
	}

	function link(item, word) {
		const button = make("button", word + " " + nameOf(item));

		button.type = "button";
		button.dataset.item = item.what.id;
		return button;
	}

	function tellNeighbours(into, item) {
		const list = make("p");

		if (item.isEdge)
			list.append(link(item.from, "from"), " ", link(item.to, "to"));
		for (const edge of item.in.slice(0, TOLD_AT_ONCE))
			list.append(link(edge.from, "\u2190"), " ");
		for (const edge of item.out.slice(0, TOLD_AT_ONCE))
			list.append(link(edge.to, "\u2192"), " ");
		into.append(list);
	}

	/* ---- marks ---- */

	function frameOn(id, item) {
		let rect = $(id);

		if (!rect) {
			rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
			rect.id = id;
			svg.querySelector("g").append(rect);
		}
		rect.setAttribute("visibility", item && item.shown ? "visible" : "hidden");
		if (!item || !item.shown)
			return;
		const box = item.el.getBBox();
		rect.setAttribute("x", box.x - 4);
		rect.setAttribute("y", box.y - 4);
		rect.setAttribute("width", box.width + 8);
		rect.setAttribute("height", box.height + 8);
		rect.setAttribute("rx", 5);
	}

	function markNeighbours(item, on) {
		for (const edge of item.isEdge ? [] : item.in.concat(item.out)) {
			edge.el.classList.toggle("near", on);
			(edge.from === item ? edge.to : edge.from).el.classList.toggle("near", on);
		}
	}

	function select(item) {
		if (selected) {
			markNeighbours(selected, false);
			selected.el.removeAttribute("aria-pressed");
			if (selected.li)
				selected.li.firstChild.removeAttribute("aria-current");
		}
		selected = item;
		$("details").replaceChildren(make("h2", item ? "Selected" : "Details"));
		frameOn("mark", item);
		if (!item) {
			$("details").append(make("p", "Point at something, or press Tab and the arrow keys.", "kind"));
			return;
		}
		markNeighbours(item, true);
		item.el.setAttribute("aria-pressed", "true");
		if (item.li)
			item.li.firstChild.setAttribute("aria-current", "true");
		$("details").append(tell(item, TOLD_AT_ONCE));
		tellNeighbours($("details"), item);
	}

	function point(item, x, y) {
		const tip = $("tip");

		pointed = item;
		frameOn("halo", item);
		tip.hidden = !item;
		if (!item)
			return;
		tip.replaceChildren(tell(item, 4));
		const right = Math.max(0, innerWidth - tip.offsetWidth - 8);
		const above = y + 18 + tip.offsetHeight > innerHeight;
		tip.style.left = Math.min(x + 14, right) + "px";
		tip.style.top = (above ? Math.max(4, y - tip.offsetHeight - 12) : y + 18) + "px";
	}

	function goTo(item) {
		if (!item)
			return;
		for (const old of svg.querySelectorAll('[tabindex="0"]'))
			old.setAttribute("tabindex", "-1");
		if (!item.el.hasAttribute("aria-label"))
			item.el.setAttribute("aria-label", nameOf(item) + ", " + kindOf(item.what));
		item.el.setAttribute("tabindex", "0");
		item.el.focus({ preventScroll: true });
		item.el.scrollIntoView({ block: "nearest", inline: "nearest" });
	}

	/* ---- filter and search ---- */

	function passes(item) {
		for (const tag of TAGS) {
			const wanted = $("filter-" + tag);
			const has = item.what.tags[tag];

			if (!wanted || !wanted.value)
				continue;
			if (item.isEdge && !has.length)
				continue;
			if (!has.includes(wanted.value))
				return false;
		}
		return !item.isEdge || (item.from.shown && item.to.shown);
	}

	function countInFrames(item) {
		for (let id = item.what.cluster; id; id = frames.get(id).what.parent)
			frames.get(id).n++;
	}

	function applyFilters() {
		const wanted = $("search").value.trim().toLowerCase();
		let shown = 0, boxes = 0, hits = 0;

		for (const frame of frames.values())
			frame.n = 0;
		for (const item of items.values()) {
			item.shown = passes(item);
			item.hit = item.shown && (!wanted || item.text.includes(wanted));
			item.el.classList.toggle("off", !item.shown);
			item.el.classList.toggle("hit", Boolean(wanted) && item.hit);
			if (item.li)
				item.li.hidden = !item.hit;
			hits += item.li && item.hit ? 1 : 0;
			boxes += item.isEdge ? 0 : 1;
			shown += item.isEdge || !item.shown ? 0 : 1;
			if (!item.isEdge && item.shown)
				countInFrames(item);
		}
		for (const frame of frames.values())
			if (frame.el)
				frame.el.classList.toggle("off", !frame.n);
		$("said").textContent = shown + " of " + boxes + " boxes shown" +
			(wanted ? ", " + hits + (hits === 1 ? " match" : " matches") : "");
		frameOn("mark", selected);
		frameOn("halo", null);
	}

	function makeFilter(tag) {
		const values = new Set();

		for (const item of items.values())
			for (const value of item.what.tags[tag])
				values.add(value);
		if (values.size < 2)
			return;
		const label = make("label", tag + " "), select = make("select");
		select.id = "filter-" + tag;
		select.append(new Option("all", ""));
		for (const value of Array.from(values).sort())
			select.append(new Option(value, value));
		label.append(select);
		$("filters").append(label);
	}

	function clearAll() {
		$("search").value = "";
		for (const filter of $("filters").querySelectorAll("select"))
			filter.value = "";
		select(null);
		applyFilters();
	}

	/* ---- size ---- */

	const natural = { width: svg.viewBox.baseVal.width * 4 / 3, height: svg.viewBox.baseVal.height * 4 / 3 };

	function setZoom(z) {
		zoom = Math.min(8, Math.max(0.05, z));
		svg.style.width = natural.width * zoom + "px";
		svg.style.height = natural.height * zoom + "px";
		frameOn("halo", null);
	}

	function fit() {
		const paper = $("paper");

		setZoom(Math.min(1, paper.clientWidth / natural.width, paper.clientHeight / natural.height));
	}

	/* ---- keys and pointer ---- */

	function itemOf(target) {
		const el = target.closest ? target.closest("[data-item]") : null;

		return el ? items.get(el.dataset.item) : null;
	}

	function neighbour(item, step) {
		const all = Array.from(items.values()).filter((i) => i.shown && (i.li || i === item));

		return all[(all.indexOf(item) + step + all.length) % all.length];
	}

	function follow(item, forward) {
		if (item.isEdge)
			return forward ? item.to : item.from;
		const edge = (forward ? item.out : item.in).find((e) => e.shown);
		return edge ? (forward ? edge.to : edge.from) : null;
	}

	const steps = {
		ArrowDown: (item) => neighbour(item, 1),
		ArrowUp: (item) => neighbour(item, -1),
		ArrowRight: (item) => follow(item, true),
		ArrowLeft: (item) => follow(item, false),
	};

	function keyOnItem(event, item) {
		if (steps[event.key])
			goTo(steps[event.key](item));
		else if (event.key === "Enter" || event.key === " ")
			select(item);
		else
			return false;
		return true;
	}

	const keys = {
		"/": () => $("search").focus(),
		"+": () => setZoom(zoom * 1.25),
		"-": () => setZoom(zoom / 1.25),
		"0": fit,
		"?": () => { $("help").open = !$("help").open; },
	};

	function key(event) {
		const isTyping = /^(INPUT|SELECT)$/.test(event.target.tagName);

		if (event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (event.key === "Escape") {
			point(null);
			clearAll();
		} else if (isTyping && event.key === "Enter") {
			const first = Array.from(items.values()).find((i) => i.li && i.hit);
			if (first) {
				select(first);
				goTo(first);
			}
		} else if (isTyping) {
			return;
		} else if (svg.contains(event.target) && itemOf(event.target) && keyOnItem(event, itemOf(event.target))) {
			/* done */
		} else if (keys[event.key]) {
			keys[event.key]();
		} else {
			return;
		}
		event.preventDefault();
	}

	function listen() {
		document.addEventListener("keydown", key);
		$("tools").addEventListener("submit", (event) => event.preventDefault());
		$("search").addEventListener("input", applyFilters);
		$("filters").addEventListener("change", applyFilters);
		$("clear").addEventListener("click", clearAll);
		$("larger").addEventListener("click", keys["+"]);
		$("smaller").addEventListener("click", keys["-"]);
		$("fit").addEventListener("click", fit);
		$("full").addEventListener("click", () => setZoom(1));
		svg.addEventListener("click", (event) => select(itemOf(event.target)));
		$("side").addEventListener("click", (event) => {
			const item = itemOf(event.target);

			if (!item)
				return;
			select(item);
			goTo(item);
		});
		svg.addEventListener("mousemove", (event) => {
			const item = itemOf(event.target);

			if (item !== pointed)
				point(item, event.clientX, event.clientY);
		});
		svg.addEventListener("mouseleave", () => point(null));
		svg.addEventListener("focusin", (event) => {
			const item = itemOf(event.target);

			if (!item)
				return;
			const box = item.el.getBoundingClientRect();
			point(item, box.left, box.bottom - 14);
		});
		svg.addEventListener("focusout", () => point(null));
		addEventListener("beforeprint", printAll);
		addEventListener("afterprint", () => $("print").replaceChildren());
	}

	/* Paper has no pointer: all that is shown is told. */
	function printAll() {
		$("print").replaceChildren(make("h2", "What the picture tells"));
		for (const item of items.values()) {
			if (!item.hit || !item.what.entries.length)
				continue;
			const section = make("section");
			section.append(tell(item, TOLD_AT_ONCE));
			$("print").append(section);
		}
	}

	/* Without lines that have nothing to tell. */
	function makeList() {
		const list = document.createDocumentFragment();

		for (const item of items.values()) {
			if (!item.what.entries.length && item.isEdge)
				continue;
			const button = link(item, item.what.kind + ":");

			item.li = make("li");
			item.li.append(button);
			list.append(item.li);
		}
		$("list").append(list);
	}

	collect();
	makeList();
	for (const tag of TAGS)
		makeFilter(tag);
	listen();
	fit();
	setZoom(Math.max(zoom, SMALLEST_START));
	select(null);
	applyFilters();
	const first = items.values().next().value;
	if (first)
		first.el.setAttribute("tabindex", "0");
})();
