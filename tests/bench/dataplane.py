#!/usr/bin/python3
"""make bench-dataplane: the published experiment on epic-dpdkd.

dataplane.py EPIC DPDKD BARE_LOOP [SECTION]...: evaluation, overhead, cost, depth, reload; or all.  A table in Markdown
on standard output, and the figures in the file that PLOT names (dataplane.svg).

RUNS      how often each measurement is repeated, interleaved with the others (3)
SEEDS     how many random ratios for each pipeline (1)
SECONDS   of each measurement, behind a warm-up (0.4)
QUEUE     packets in front of a task, in all partitions (128)

Each pipeline is run to completion first; the cycles that its modules take are what the policies then call their costs,
so that the compiler plans with true numbers, likewise the costs of queues and classifiers.  All rates count the time
that the workers had their cores: on a machine with neighbours that is less than the clock on the wall says.  The
generator runs inside the source's task, so it is in every figure, and in the published ones it is not."""
import copy
import os
import statistics
import subprocess
import sys
import tempfile

import dataplane_pipelines as pipelines
import dataplane_plot as plot
from dataplane_run import Kitchen, Refused

RUNS = int(os.environ.get("RUNS", "3"))
SEEDS = int(os.environ.get("SEEDS", "1"))
SECONDS = float(os.environ.get("SECONDS", "0.4"))
QUEUE = int(os.environ.get("QUEUE", "128"))
RELOADS = 100
SATURATION = 2.5  # offered, times what the workers can do
# Name, partition, objective; None: no slo.
MANNERS = [("to completion", "none", None), ("manual", "front", "throughput"), ("semi-manual", "branches", "throughput"),
           ("ours, tasks", "auto", "tasks"), ("ours, throughput", "auto", "throughput")]
NAMES = [m[0] for m in MANNERS]
OURS = NAMES[4]
# With several workers also: a copy of the best plan for one of them on each.
COPIES = ("ours, copies", "auto", "throughput")
COSTS, DEPTHS, OVERHEADS = (1, 2, 4, 8), (2, 3, 4, 5), (170, 300, 500)
# Averages of figures 5.6 and 5.7: ours over manual and semi-manual, packets per second and latency.
PUBLISHED = {1: ("+64.9 %", "+47.9 %", "−29.9 %", "−4.5 %", "< 1 %"), 2: ("+68.6 %", "+37.3 %", "−28.4 %", "−19.9 %", "< 4 %")}


def middle(values):
    values = list(values)
    return (statistics.median(values), min(values), max(values)) if values else None


def say(*words):
    print(*words, flush=True)


def table(head, rows):
    say("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(str(c) for c in row) + " |")


def percent(part, digits=2):
    return "–" if part is None else f"{100 * part:.{digits}f} %"


def signed(part):
    return "–" if part is None else f"{100 * part:+.1f} %"


# ---- calibration ----

class Known:
    """What was measured of a pipeline."""

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.costs = pipeline.nominal()
        self.queue, self.classify = 12.0, 25.0
        self.per_packet = sum(self.costs.values())
        self.hz = 2.5e9

    def target(self, workers=1):
        more = f" workers {workers};" if workers > 1 else ""
        return (f"clock {self.hz / 1e9:.6f}GHz; queue {QUEUE}; queue-cost {self.queue:.2f}cycles; "
                f"classify-cost {self.classify:.2f}cycles;{more}")

    def rate(self, workers=1):
        return SATURATION * workers * self.hz / self.per_packet

    def policy(self, slo, workers=1):
        return self.pipeline.policy(self.costs, self.rate(workers), slo, self.target(workers))

    def cycles(self, seen):
        return seen.hz * seen.seconds * seen.workers


def calibrate(kitchen, pipeline):
    known = Known(pipeline)
    runs = [kitchen.run(kitchen.compile(known.policy(None), "none")) for _ in range(RUNS)]
    learn_costs(known, runs)
    slo = pipeline.statements(pipeline.ratio(known.costs, 1), "throughput")
    learn_classify(kitchen, known, slo)
    learn_queue(kitchen, known, slo)
    return known


def learn_costs(known, runs):
    p, name = known.pipeline, known.pipeline.name
    known.hz = runs[0].hz
    for m in p.modules:
        known.costs[m] = statistics.median(r.module_cycles[f"{name}.{m}"] for r in runs)
    known.sampled = dict(known.costs)
    for c in p.parts:
        p.parts[c] = statistics.median(r.delivered[c] / sum(r.delivered.values()) for r in runs)
    known.per_packet = statistics.median(known.cycles(r) / r.packets[f"{name}.rx"] for r in runs)


def learn_classify(kitchen, known, slo):
    """By how much the source takes longer where a classifier stands behind it."""
    rx = f"{known.pipeline.name}.rx"
    try:
        plan = kitchen.compile(known.policy(slo), "front")
    except Refused:
        return
    plain = kitchen.compile(known.policy(None), "none")
    pairs = [(kitchen.run(plan), kitchen.run(plain)) for _ in range(RUNS)]
    known.classify = max(1, statistics.median(a.module_cycles[rx] - b.module_cycles[rx] for a, b in pairs))


def learn_queue(kitchen, known, slo):
    """What a run with many queues takes beyond its modules, for each packet taken from a queue."""
    try:
        plan = kitchen.compile(known.policy(slo), "branches")
    except Refused:
        return
    p = known.pipeline
    extra = []
    for _ in range(RUNS):
        seen = kitchen.run(plan)
        work = sum(known.costs[m] * seen.packets[f"{p.name}.{m}"] for m in p.modules)
        extra.append((known.cycles(seen) - work) / max(1, seen.queued_packets))
    known.queue = max(1, statistics.median(extra))


def across_workers(kitchen, known, workers):
    """What is different where a packet changes cores on its way: its cache lines change them too.  Measured on the plan
    with a queue at every branch."""
    slo = known.pipeline.statements(known.pipeline.ratio(known.costs, 1), "throughput")
    wide = copy.deepcopy(known)
    try:
        plan = kitchen.compile(known.policy(slo, workers), "branches")
    except Refused:
        return wide
    runs = [kitchen.run(plan) for _ in range(RUNS)]
    p = wide.pipeline
    for m in p.modules:
        id_, between = f"{p.name}.{m}", max(0, known.costs[m] - known.sampled[m])
        seen = [r.module_cycles[id_] for r in runs if r.packets[id_]]
        wide.costs[m] = statistics.median(seen) + between if seen else known.costs[m]
    wide.queue = max(1, statistics.median(
        (r.task_cycles - sum(wide.costs[m] * r.packets[f"{p.name}.{m}"] for m in p.modules)) / max(1, r.queued_packets)
        for r in runs))
    wide.per_packet = statistics.median(r.task_cycles / r.packets[f"{p.name}.rx"] for r in runs)
    return wide


# ---- one way of running a pipeline ----

class Case:
    """A plan, its runs and what they came to."""

    def __init__(self, known, ratio, manner, workers):
        self.known, self.ratio, self.workers = known, ratio, workers
        self.name, self.partition, self.objective = manner
        self.copied = workers > 1 and (not self.objective or manner is COPIES)
        self.runs, self.plan, self.refused = [], None, None

    def cook(self, kitchen):
        slo = self.known.pipeline.statements(self.ratio, self.objective) if self.objective else None
        workers = 1 if self.copied or not slo else self.workers
        try:
            self.plan = kitchen.compile(self.known.policy(slo, workers), self.partition)
        except Refused as e:
            self.refused = str(e)

    def learn(self, kitchen):
        """Costs as this very partition has them (caches are colder behind queues), and the plan anew: once, as a user
        would who looks at `epic-dpdkd stats`."""
        if not self.plan or not self.objective:
            return
        seen, known, p = kitchen.run(self.plan), copy.deepcopy(self.known), self.known.pipeline
        for m in p.modules:
            id_ = f"{p.name}.{m}"
            if seen.packets[id_]:
                known.costs[m] += seen.module_cycles[id_] - known.sampled[m]
                known.sampled[m] = seen.module_cycles[id_]
        self.known = known
        self.cook(kitchen)

    def run(self, kitchen):
        copies = ["--replicas", str(self.workers)] if self.copied else []
        self.runs.append(kitchen.run(self.plan, *copies))

    def over(self, what):
        return middle(what(r) for r in self.runs) if self.runs else None

    def rate(self):
        return self.over(lambda r: r.rate(self.known.pipeline.paths))

    def latency(self, share, classes=None):
        return self.over(lambda r: r.percentile(classes or self.known.pipeline.paths, share))

    def off_target(self, run, costs):
        return sum(abs(a - b) for a, b in zip(run.shares(self.known.pipeline, costs), self.ratio))

    def share_error(self):
        """By the calibrated costs, which the plan was made with."""
        return self.over(lambda r: self.off_target(r, self.known.costs))

    def sampled_error(self):
        """By what modules took in the very run: caches are colder behind long queues."""
        def costs(r):
            k = self.known
            return {m: r.module_cycles[f"{k.pipeline.name}.{m}"] + k.costs[m] - k.sampled[m] for m in k.pipeline.modules}
        return self.over(lambda r: self.off_target(r, costs(r)))

    def predicted(self, run):
        return [run.predicted[c] * (self.workers if self.copied else 1) for c in self.known.pipeline.paths]

    def rate_error(self):
        """Of the classes' parts of all packets, against the plan's."""
        def error(r):
            plan, seen = self.predicted(r), [r.delivered[c] for c in self.known.pipeline.paths]
            return sum(abs(a / sum(plan) - b / sum(seen)) for a, b in zip(plan, seen))
        return self.over(error) if self.objective else None

    def prediction(self):
        """Measured over predicted, less 1."""
        if not self.objective:
            return None
        return self.over(lambda r: r.rate(self.known.pipeline.paths) / sum(self.predicted(r)) - 1)


def measure(kitchen, cases):
    for case in cases:
        case.cook(kitchen)
        case.learn(kitchen)
    for _ in range(RUNS):
        for case in cases:
            if case.plan:
                case.run(kitchen)


# ---- the evaluation ----

def row_of(case, seed):
    if not case.runs:
        return [case.known.pipeline.title, seed, case.name] + ["–"] * 8 + [case.refused]
    mpps, error, prediction = case.rate(), case.share_error(), case.prediction()
    rate_error = case.rate_error()
    return [case.known.pipeline.title, seed, case.name, case.runs[0].n_tasks, f"{mpps[0] / 1e6:.3f}",
            f"{(mpps[2] - mpps[1]) / mpps[0] * 100:.1f} %", f"{case.latency(0.5)[0]:.1f} / {case.latency(0.99)[0]:.1f}",
            percent(error[0]), percent(case.sampled_error()[0]), percent(rate_error[0]) if rate_error else "–", signed(prediction and prediction[0]), ""]


def class_rows(case):
    return [[case.known.pipeline.title, case.name, c, f"{case.over(lambda r: r.rate([c]))[0] / 1e6:.3f}",
             f"{case.latency(0.5, [c])[0]:.1f}", f"{case.latency(0.99, [c])[0]:.1f}"] for c in case.known.pipeline.paths]


def gain(cases, ours, other, what):
    """Of ours over the other, averaged over pipelines and seeds."""
    pairs = [(what(a), what(b)) for a, b in zip(cases[ours], cases[other]) if a.runs and b.runs]
    return statistics.mean(a[0] / b[0] - 1 for a, b in pairs) if pairs else None


def verdicts(by_name, workers):
    """The aims, in words."""
    best = COPIES[0] if COPIES[0] in by_name else OURS
    ours = by_name[best]
    enforced = [c for name in by_name if name != NAMES[0] for c in by_name[name] if c.runs]
    aim = 0.005 if workers == 1 else 0.01
    worst = max(c.share_error()[0] for c in ours if c.runs)
    sampled = max(c.sampled_error()[0] for c in ours if c.runs)
    slower = []
    for i, case in enumerate(ours):
        rivals = [by_name[n][i].rate()[0] for n in NAMES[1:3] if by_name[n][i].runs]
        if case.runs and rivals and case.rate()[0] < max(rivals):
            slower.append(f"{case.known.pipeline.title} by {percent(1 - case.rate()[0] / max(rivals), 1)}")
    off = max(abs(c.prediction()[0]) for c in enforced)
    table(["aim", "came to"], [
        [f"Σ abs(share − target) of \"{best}\" below {percent(aim, 1)}", f"{percent(worst)} at worst by calibrated costs, {percent(sampled)} by this run's"],
        ["it is not slower than manual and semi-manual", "slower: " + ", ".join(slower) if slower else "met"],
        ["ratios of packets within 1 %", f"{percent(max(c.rate_error()[0] for c in ours if c.runs))} at worst"],
        ["prediction within 10 %", f"{percent(off, 1)} off at worst"]])


def compare_published(by_name, workers):
    rate, late = Case.rate, lambda c: c.latency(0.5)
    rows = [["published"] + list(PUBLISHED[workers])]
    for ours in [n for n in (OURS, COPIES[0]) if n in by_name]:
        here = [gain(by_name, ours, other, what) for what in (rate, late) for other in NAMES[1:3]]
        worst = max(c.share_error()[0] for c in by_name[ours] if c.runs)
        rows.append([f"here: {ours}"] + [signed(g) for g in here] + [percent(worst)])
    table(["ours against", "manual, packets/s", "semi-manual, packets/s", "manual, latency", "semi-manual, latency", "error"], rows)


def draw_evaluation(by_name, workers):
    known, names = [p.title for p in pipelines.EVALUATED], list(by_name)

    def values(what, factor=1.0):
        out = []
        for i, _ in enumerate(known):
            row = []
            for name in names:
                cases = [c for c in by_name[name][i * SEEDS:(i + 1) * SEEDS] if c.runs]
                got = [what(c) for c in cases]
                row.append(tuple(factor * statistics.median(v[k] for v in got) for k in range(3)) if got else None)
            out.append(row)
        return out
    cores = "one worker" if workers == 1 else f"{workers} workers"
    return names, [plot.bars(f"packets per second, {cores}", "Mpps", known, names, values(Case.rate, 1e-6)),
                   plot.bars(f"latency, median, {cores}", "µs", known, names, values(lambda c: c.latency(0.5))),
                   plot.bars(f"error of CPU shares, {cores}", "%", known, names, values(Case.share_error, 100))]


def show_costs(known, where):
    say(f"\n## What modules cost, as measured {where}")
    table(["pipeline", "cycles of an average packet", "published", "modules", "queue", "classifier"],
          [[k.pipeline.title, f"{k.per_packet:.0f}", k.pipeline.published[0],
            ", ".join(f"{m} {c:.0f}" for m, c in k.costs.items()), f"{k.queue:.0f}", f"{k.classify:.0f}"] for k in known])


def evaluate(kitchen, figures, known, wide, workers):
    """KNOWN on one worker; WIDE where packets change workers."""
    manners = MANNERS + ([COPIES] if workers > 1 else [])
    by_name = {m[0]: [] for m in manners}
    for one, many in zip(known, wide):
        for seed in range(1, SEEDS + 1):
            for manner in manners:
                k = one if manner in (MANNERS[0], COPIES) else many
                by_name[manner[0]].append(Case(k, k.pipeline.ratio(k.costs, seed), manner, workers))
    measure(kitchen, [c for cases in by_name.values() for c in cases])
    report_evaluation(by_name, workers)
    figures.append(draw_evaluation(by_name, workers))


def evaluation(kitchen, figures):
    known = [calibrate(kitchen, p) for p in pipelines.EVALUATED]
    show_costs(known, "on one worker")
    evaluate(kitchen, figures, known, known, 1)
    if (os.cpu_count() or 1) < 2:
        say("\nTwo workers: not on this machine, which has one core")
        return
    wide = [across_workers(kitchen, k, 2) for k in known]
    show_costs(wide, "on two workers, between which packets change")
    evaluate(kitchen, figures, known, wide, 2)


def report_evaluation(by_name, workers):
    say(f"\n## {'One worker' if workers == 1 else f'{workers} workers'} (published: Fig. {'5.6' if workers == 1 else '5.7'})")
    count = len(by_name[NAMES[0]])
    rows = [row_of(by_name[name][i], i % SEEDS + 1) for i in range(count) for name in by_name]
    table(["pipeline", "ratio", "partition", "tasks", "Mpps", "spread", "latency p50 / p99 µs", "Σ abs(share − target)",
           "by this run's cycles", "Σ abs(rate − plan)", "measured − predicted", ""], rows)
    compare_published(by_name, workers)
    verdicts(by_name, workers)
    say("\nBy class:")
    rows = [row for i in range(0, count, SEEDS) for name in (NAMES[0], OURS) if by_name[name][i].runs
            for row in class_rows(by_name[name][i])]
    table(["pipeline", "partition", "class", "Mpps", "p50 µs", "p99 µs"], rows)


# ---- overhead ----

class Bare:
    def __init__(self, program):
        self.program = program

    def rate(self, cycles):
        done = subprocess.run([self.program, str(cycles), str(SECONDS)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"bare_loop: {done.stderr.strip()}")
        packets, seconds, waited = map(float, done.stdout.split())
        return packets / (seconds - waited)


def overhead(kitchen, figures, bare):
    say("\n## Beyond a bare loop that does the same work")
    cases, loops = {}, {c: [] for c in OVERHEADS}
    for cycles in OVERHEADS:
        p = pipelines.fan(cycles)
        known = Known(p)
        learn_costs(known, [kitchen.run(kitchen.compile(known.policy(None), "none"))])
        parts = [1 / 3] * 3
        one = Case(known, parts, MANNERS[0], 1)
        four = Case(known, parts, ("four tasks", "branches", "throughput"), 1)
        cases[cycles] = (one, four)
        for case in cases[cycles]:
            case.cook(kitchen)
    for _ in range(RUNS):
        for cycles in OVERHEADS:
            loops[cycles].append(bare.rate(cycles))
            for case in cases[cycles]:
                case.run(kitchen)
    rows, drawn = [], []
    for cycles in OVERHEADS:
        loop = middle(loops[cycles])
        hz = cases[cycles][0].known.hz
        mine = [c.rate() for c in cases[cycles]]
        rows.append([cycles, f"{loop[0] / 1e6:.3f} ({hz / loop[0]:.0f})"] +
                    [f"{m[0] / 1e6:.3f} ({hz / m[0]:.0f})" for m in mine] + [signed(loop[0] / m[0] - 1) for m in mine] + ["< 10 %"])
        drawn.append([tuple(v / 1e6 for v in x) for x in [loop] + mine])
    table(["cycles of work", "bare loop, Mpps (cycles)", "one task", "four tasks", "one task takes", "four tasks take", "aim"], rows)
    series = ["bare loop", "one task", "four tasks"]
    figures.append((series, [plot.bars("overhead of the runtime", "Mpps", [f"{c} cycles" for c in OVERHEADS], series, drawn)]))


# ---- growth ----

def grow(kitchen, title, made, x_title, xs, figures, unit="Mpps"):
    """MADE: pipelines, one for each x."""
    cases = [[Case(k, k.pipeline.ratio(k.costs, 1), m, 1) for m in MANNERS]
             for k in (calibrate(kitchen, p) for p in made)]
    measure(kitchen, [c for row in cases for c in row])
    rows, ours = [], 4
    for x, row in zip(xs, cases):
        rates = [c.rate() for c in row]
        best = rates[ours]
        rows.append([x, f"{row[0].known.per_packet:.0f}"] + [f"{r[0] / 1e6:.3f}" if r else "–" for r in rates] +
                    [f"{best[0] / rates[i][0]:.2f}×" if best and rates[i] else "–" for i in (1, 2)] +
                    [percent(row[ours].share_error()[0]) if best else "–"])
    table([x_title, "cycles of a packet"] + [f"{n}, {unit}" for n in NAMES] + ["ours / manual", "ours / semi-manual", "error of ours"], rows)
    lines = [[c.rate() and tuple(v / 1e6 for v in c.rate()) for c in column] for column in zip(*cases)]
    figures.append((NAMES, [plot.lines(title, unit, xs, x_title, NAMES, lines)]))


def cost(kitchen, figures):
    say("\n## Growth with the cost of modules (published: Fig. 5.8; speed-up over manual falls to 1.2 from 800 cycles on)")
    grow(kitchen, "cost of modules", [pipelines.toy(50 * f) for f in COSTS], "cycles of each module", [50 * f for f in COSTS], figures)


def depth(kitchen, figures):
    say("\n## Growth with the depth of a tree (published: Fig. 5.9; speed-up from 1.3 at depth 1 to 14 at depth 10)")
    grow(kitchen, "depth of a tree", [pipelines.tree(d, 1) for d in DEPTHS], "depth", list(DEPTHS), figures)


# ---- change of plan ----

def reload(kitchen, figures):
    say("\n## Change of plan under load")
    p = pipelines.ROUTER
    known = Known(p)
    learn_costs(known, [kitchen.run(kitchen.compile(known.policy(None), "none"))])
    plans = [kitchen.compile(known.policy(p.statements(p.ratio(known.costs, seed), "throughput"))) for seed in (1, 2)]
    running = kitchen.start(plans[0])
    pauses = []
    try:
        for i in range(RELOADS):
            good, answer = running.ask(f"reload {plans[(i + 1) % 2]}")
            if not good:
                raise RuntimeError(answer)
            pauses.append(float(answer.split()[2]))
        stats = running.look()
    finally:
        running.stop()
    pauses.sort()
    lost = stats["before_received"] - stats["before_sent"] - stats["before_dropped"]
    table(["changes", "pause, median µs", "p90", "longest", "packets lost by changing", "aim"],
          [[stats["reloads"], f"{statistics.median(pauses):.0f}", f"{pauses[len(pauses) * 9 // 10]:.0f}", f"{pauses[-1]:.0f}",
            lost, "none lost; below 100 ms"]])


# ---- the whole ----

def stolen_time():
    """Of all processors' time, what the hypervisor gave to others, in ticks; and all of it."""
    with open("/proc/stat", encoding="utf-8") as f:
        ticks = [int(t) for t in f.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")


def limits(kitchen, before):
    stolen, total = (b - a for a, b in zip(before, stolen_time()))
    waits = sorted(kitchen.noise)
    say(f"\n## What these figures do not show\n\n{processor()}, {os.cpu_count()} processors; medians of {RUNS} interleaved runs "
        f"of {SECONDS:g} s, {SEEDS} ratios for each pipeline.\n"
        f"Workers waited for their cores {percent(statistics.median(waits), 1)} of the time in the middle run and "
        f"{percent(waits[-1], 1)} in the worst; the hypervisor took {percent(stolen / max(1, total), 1)}. \"Spread\" is the "
        "range of the repeats.\nThere is no card: packets are made inside the source's task, and end in memory. So neither a "
        "card's limits nor its latency are in the figures; latency counts from where a packet is made.")


def main():
    epic, dpdkd, bare = sys.argv[1:4]
    before, figures = stolen_time(), []
    say("# epic-dpdkd")
    with tempfile.TemporaryDirectory() as folder:
        kitchen = Kitchen(epic, dpdkd, folder, SECONDS)
        sections = {"evaluation": evaluation, "overhead": lambda k, f: overhead(k, f, Bare(bare)), "cost": cost,
                    "depth": depth, "reload": reload}
        for name in sys.argv[4:] or sections:
            sections[name](kitchen, figures)
        limits(kitchen, before)
    if figures:
        path = os.environ.get("PLOT", "dataplane.svg")
        plot.write(path, figures)
        say(f"\nFigures: {path}")


if __name__ == "__main__":
    main()
