#!/usr/bin/env python3
"""Writes report.md and a self-contained report.html beside the results that run.sh has left in a folder: tables, what distorts them,
and plots (SVG by gnuplot) of percentiles, stages, rounds over time and scale. usage: report.py DIR"""

import html
import json
import pathlib
import re
import shutil
import subprocess
import sys

TRIPS = ("memif", "vhost", "ring", "af_xdp", "af_packet", "physical", "spinning", "blocking", "asleep")
LEGS = ("memif", "memif-feed", "memif-client", "memif-durable", "ring-feed", "ring-client")
OPEN = ("memif-open", "memif-1x", "memif-8x", "memif-20x")
CONDITIONS = ("alone", "second-lane", "one-core", "beside-cpu", "beside-memory", "beside-disk", "control-plane", "beside-scrapes", "beside-clients", "beside-catch-up", "durable", "container")
BESIDE_CONTROL = ("beside-scrapes", "beside-clients", "beside-catch-up", "durable")  # what they add to a control plane that only journals
STAGES = ("sent_stamped", "receive_decide", "decide_approved", "approved_encoded", "encoded_sent", "sent_seen")
KERNEL = ("interrupts", "page_faults", "voluntary_switches", "preemptions", "steal_ticks")
HEAD = """set terminal svg size 900,420 dynamic noenhanced font 'sans,12' background '#ffffff'
set key outside right top
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
"""


def plot(text):
    """Nothing where there is no gnuplot: the tables say the same."""
    if shutil.which("gnuplot") is None:
        return ""
    done = subprocess.run(["gnuplot"], input=HEAD + text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"report.py: gnuplot: {done.stderr.strip()}")
    return done.stdout[done.stdout.index("<svg"):]


def percentiles(path):
    """Rows of a .hgrm: value, 1 / (1 - percentile). The last one, which is at infinity, is left out."""
    rows = []
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) == 4 and not line.startswith("#"):
            try:
                rows.append((float(words[0]), float(words[3])))
            except ValueError:
                continue
    return [row for row in rows if 1 <= row[1] < float("inf")]


def data(rows):
    return "\n".join(" ".join(str(word) for word in row) for row in rows)


COLOURS = 8  # of gnuplot; then they come again


def dash(title, line):
    return " dt 2 lc 0" if title.endswith("echo") else " dt 4" if line >= COLOURS else ""


def plot_percentiles(folder, series):
    text, blocks = [], []
    for title, path in series:
        rows = percentiles(folder / path)
        if rows:
            text.append(f"'-' using 2:1 with lines lw 2{dash(title, len(blocks))} title '{title}'")
            blocks.append(data(rows) + "\ne")
    return plot("set logscale xy\nset xlabel 'percentile'\nset ylabel 'ns'\n"
                "set xtics ('p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' 100000)\n"
                f"plot {', '.join(text)}\n" + "\n".join(blocks) + "\n") if text else ""


def whole(result):
    """The figure that a trip is about."""
    return result["figures_ns"][result.get("whole", "tick_to_order")]


def plot_stages(results):
    rows = [(name, *(results[name]["figures_ns"][stage]["p50"] for stage in STAGES)) for name in TRIPS if name in results]
    columns = ", ".join(f"$d using {i + 2}:xtic(1) title '{stage.replace('_', ' ')}'" for i, stage in enumerate(STAGES))
    return plot("set style data histograms\nset style histogram rowstacked\nset style fill solid 0.8 border -1\nset boxwidth 0.6\n"
                f"set ylabel 'ns, p50 of each stage'\nset yrange [0:*]\n$d << EOD\n{data(rows)}\nEOD\nplot {columns}\n") if rows else ""


def plot_rounds(results):
    text, blocks = [], []
    for name in TRIPS:
        for key, kind in (("echo_rounds_ns", "echo"), ("order_rounds_ns", "order")):
            rounds = results.get(name, {}).get(key, [])
            if rounds:
                text.append(f"'-' using 1:2 with linespoints title '{name.replace('_', ' ')} {kind}'")
                blocks.append(data((i + 1, r["p50"]) for i, r in enumerate(rounds)) + "\ne")
    return plot("set logscale y\nset xlabel 'round'\nset xtics 1\nset ylabel 'ns, p50 of the round'\n"
                f"plot {', '.join(text)}\n" + "\n".join(blocks) + "\n") if text else ""


# What grows: name of the runs, key of the result, title, and what is plotted of it.
SCALES = (
    ("scale-feed-symbols", "symbols", "Cost of a message as symbols grow", (("ns per message", lambda r: r["ns_per_message"]),)),
    ("scale-orders", "live_orders", "Cost of a message as live orders grow", (("ns per message", lambda r: r["ns_per_message"]),)),
    *((f"scale-{name}", key, f"Frame in to order out, inside the process, as {what} grow",
       tuple((p, lambda r, p=p: r["figures_ns"]["frame_to_frame"][p]) for p in ("p50", "p99")))
      for name, key, what in (("symbols", "symbols", "symbols"), ("strategies", "instances", "strategies and their accounts"),
                              ("clients", "clients", "attached clients"))),
    ("scale-accounts", "accounts", "Checks of an order as accounts grow",
     tuple((p, lambda r, p=p: r["figures_ns"]["risk"][p]) for p in ("p50", "p99"))),
    ("scale-lanes", "lanes", "Orders a second as lanes grow, all lanes together",
     (("orders/s", lambda r: r["orders_per_s"]), ("lanes x one lane", lambda r: r["lanes"] * r["one_lane"]))),
)


def plot_scale(results):
    for name, key, title, series in SCALES:
        runs = [r for n, r in results.items() if n.rpartition("-")[0] == name]
        rows = sorted((r[key], *(value(r) for _, value in series)) for r in runs)
        if len(rows) > 1:
            lines = ", ".join(f"$d using 1:{i + 2} with linespoints lw 2 title '{what}'" for i, (what, _) in enumerate(series))
            axis = "" if min(rows)[0] == 0 or max(rows)[0] < 100 else "set logscale x\n"
            unit = "orders a second" if key == "lanes" else "ns"
            yield title, plot(f"{axis}set xlabel '{key.replace('_', ' ')}'\nset ylabel '{unit}'\nset yrange [0:*]\n"
                              f"$d << EOD\n{data(rows)}\nEOD\nplot {lines}\n")


def table(head, rows):
    return [list(head)] + [[str(cell) for cell in row] for row in rows]


def trips_table(results, names, compare):
    """<compare>: a column of times the first one's figures."""
    base = whole(results[names[0]]) if compare and names[0] in results else None
    rows = []
    for name in names:
        r = results.get(name)
        if r is None:
            continue
        echo, order = r["figures_ns"]["echo"], whole(r)
        times = f"{order['p50'] / base['p50']:.1f} / {order['p99'] / base['p99']:.1f}" if base else ""
        floor = f"{r['jitter']['above_10us']} / {r['jitter']['above_100us']} / {100 * r['jitter']['lost_ns'] / r['jitter']['ns']:.1f} %"
        rows.append((name, r["schedule"], f"{r['orders'] * 1e9 / r['orders_ns']:.0f}", order["count"], f"{r['orders_ns'] / 1e9:.1f}", echo["p50"],
                     echo["p99"], order["p50"], order["p99"], order["p999"], order["p50"] - echo["p50"], order["p99"] - echo["p99"],
                     *([times] if compare else []), r["orders_lost"], floor))
    return table(("port", "loop", "a second", "samples", "s", "echo p50", "p99", "p50", "p99", "p99.9", "over echo p50", "p99",
                  *(["times memif p50 / p99"] if compare else []), "lost", "floor: gaps > 10 µs / > 100 µs / lost"), rows)


def inside_table(results):
    rows = []
    for name in ("lane", "feed", "risk"):
        for figure, h in results.get(name, {}).get("figures_ns", {}).items():
            rows.append((name, figure.replace("_", " "), h["count"], h["p50"], h.get("p90", ""), h["p99"], h["p999"], h.get("max", "")))
    return table(("mode", "figure (ns)", "samples", "p50", "p90", "p99", "p99.9", "max"), rows)


def rounds_of(results, condition):
    """The rounds of conditions.py, the one with the middle p50 first."""
    names = sorted((n for n in results if n.rpartition("-")[0] == condition), key=lambda n: results[n]["figures_ns"]["frame_to_frame"]["p50"])
    return [names[len(names) // 2]] + [n for n in names if n != names[len(names) // 2]] if names else []


def conditions_table(folder, results):
    def median(condition, figure):
        values = sorted(results[n]["figures_ns"]["frame_to_frame"][figure] for n in rounds_of(results, condition))
        return values[len(values) // 2], f"{values[0]} to {values[-1]}"

    rows = []
    for condition in CONDITIONS:
        names = rounds_of(results, condition)
        if not names or not rounds_of(results, "alone"):
            continue
        base = "control-plane" if condition in BESIDE_CONTROL and rounds_of(results, "control-plane") else "alone"
        cells = [condition, len(names), results[names[0]]["orders"], base]
        for figure in ("p50", "p99", "p999"):
            value, spread = median(condition, figure)
            cells += [value, spread, f"{value / median(base, figure)[0]:.2f}"]
        rate = sorted(results[n]["orders"] * 1e9 / results[n]["ns"] for n in names)[len(names) // 2]
        did = folder / names[0] / "did.txt"
        interrupts = results[names[0]].get("interrupts")
        interrupts = "" if interrupts is None else f"{interrupts * 1e9 / results[names[0]]['ns']:.0f}"
        rows.append((*cells, f"{rate:.0f}", interrupts, did.read_text().strip() if did.exists() else ""))
    return table(("condition", "rounds", "orders a round", "against", "p50 (ns)", "rounds", "times", "p99", "rounds", "times", "p99.9", "rounds",
                  "times", "orders/s", "interrupts/s", "done meanwhile"), rows)


def slowest_table(results):
    rows = []
    for name in ("memif", "memif-open"):
        for s in results.get(name, {}).get("slowest_ns", [])[:10]:
            kernel = s.get("kernel", {})
            rows.append((name, *(s.get(key, "") for key in ("whole", "sent", "stamped", "decide", "approved", "encoded", "handed")),
                         kernel.get("window_ns", 0) // 1000, *(kernel.get(key, "") for key in KERNEL)))
    return table(("port", "whole (ns)", "sent at", "stamped at", "decision at", "approved at", "encoded at", "handed over at", "kernel: in µs around",
                  *(key.replace("_", " ") for key in KERNEL)), rows)


def peak_sentences(peak):
    tries = ", ".join(f"{t['rate'] / 1e6:.1f} M: {'all' if t['lossless'] else 'not all'} applied" for t in peak["tries"])
    return [f"{peak['lossless'] / 1e6:.1f} million messages a second on each of both lines, through memif, by one lane; the sender does not wait. "
            f"That is {peak['of_10gbe']:.0%} of what one 10 Gbit/s line carries in full frames of this mix "
            f"({peak['line_rate'] / 1e6:.1f} million a second).", f"Tried in turn: {tries}."]


def ratio(results, above, below, percentile):
    return whole(results[above])[percentile] / whole(results[below])[percentile]


def excess(results, name, percentile):
    return whole(results[name])[percentile] - results[name]["figures_ns"]["echo"][percentile]


def linear_of(results):
    """Median cost of a message of both ends of the scale."""
    ends = [sorted(r["ns_per_message"] for n, r in results.items() if n.startswith(f"linear-{end}-")) for end in ("small", "large")]
    return [end[len(end) // 2] for end in ends] if all(ends) else None


def lanes_of(results):
    return max((r for n, r in results.items() if n.startswith("scale-lanes-")), key=lambda r: r["lanes"], default=None)


def targets(results):
    """What, which runs it needs, the bound, the value; 'most': at most the bound, 'least': at least."""
    for percentile, bound in (("p50", 700), ("p99", 1500)):
        yield f"memif: order over its echo, {percentile} (ns)", ("memif",), "most", bound, lambda p=percentile: excess(results, "memif", p)
    for other, what in (("blocking", "the lane asleep, its exchange spinning"), ("asleep", "both ends asleep")):
        for percentile in ("p50", "p99"):
            yield (f"kernel sockets over memif, {what}, {percentile} (times)", (other, "memif"), "least", 8,
                   lambda o=other, p=percentile: ratio(results, o, "memif", p))
    yield "busy-polled sockets over memif, p50 (times)", ("spinning", "memif"), "least", 3, lambda: ratio(results, "spinning", "memif", "p50")
    yield "blocking sockets over AF_XDP, p50 (times)", ("blocking", "af_xdp"), "least", 3, lambda: ratio(results, "blocking", "af_xdp", "p50")
    yield "busy-polled sockets over AF_XDP, p50 (times)", ("spinning", "af_xdp"), "least", 1, lambda: ratio(results, "spinning", "af_xdp", "p50")
    for percentile, bound in (("p50", 600), ("p99", 1200), ("p999", 2750)):
        yield (f"frame in to frame out inside the process, {percentile.replace('999', '99.9')} (ns)", ("lane",), "most", bound,
               lambda p=percentile: results["lane"]["figures_ns"]["frame_to_frame"][p])
    yield "checks of an order, p50 (ns)", ("risk",), "most", 80, lambda: results["risk"]["figures_ns"]["risk"]["p50"]
    yield "market data: cost of a message in the books (ns)", ("feed",), "most", 60, lambda: results["feed"]["ns_per_message"]
    yield "market data through memif without loss (messages/s)", ("peak",), "least", 10000000, lambda: results["peak"]["lossless"]
    if linear_of(results):
        yield ("cost of a message: 12,000 symbols and 2 M live orders over 100 and 10,000 (times)", (), "most", 2,
               lambda: linear_of(results)[1] / linear_of(results)[0])
    lanes = lanes_of(results)
    if lanes and lanes["lanes"] > 1:
        yield (f"{lanes['lanes']} lanes at once over so many times one (times)", (), "least", 0.95,
               lambda: lanes["orders_per_s"] / (lanes["lanes"] * lanes["one_lane"]))
    for name in ("lane", "memif", "ring"):
        yield (f"{name}: system calls, page faults and voluntary switches of the lane's thread", (name,), "most", 0,
               lambda n=name: max(int(results[n]["system_calls"] or 0), 0) + results[n]["page_faults"] + results[n]["voluntary_switches"])


def targets_table(results):
    rows = []
    for what, needs, kind, bound, value in targets(results):
        if all(name in results for name in needs):
            is_ = value()
            met = is_ <= bound if kind == "most" else is_ >= bound
            rows.append((what, f"{'at most' if kind == 'most' else 'at least'} {bound:,}", f"{is_:,.0f}" if is_ >= 100 or is_ == int(is_) else f"{is_:.2f}",
                         "met" if met else "not met"))
    return table(("target", "bound", "this run", ""), rows)


def cores_table(results):
    return table(("round trip between the two cores (ns)", "samples", "p50", "p90", "p99", "p99.9"),
                 [(name.replace("_", " "), h["count"], h["p50"], h["p90"], h["p99"], h["p999"])
                  for name, h in results.get("cores", {}).get("figures_ns", {}).items()])


def cores_sentences(results):
    said = ["Line round: a word written here, seen there, answered in another line: no way between these cores is shorter. Wake round: the other "
            "side sleeps in the kernel and is woken; wakes round: both sleep. No code of ours is in these."]
    if all(name in results for name in ("cores", "memif", "spinning", "blocking", "asleep")):
        of = results["cores"]["figures_ns"]
        p50 = {name: whole(results[name])["p50"] for name in ("memif", "spinning", "blocking", "asleep")}
        said.append(
            f"Sockets of the kernel take {p50['spinning']:,} ns where nobody sleeps, {p50['blocking'] - p50['spinning']:,} ns more where the lane sleeps "
            f"(a wake-up and its answer: {of['wake_round']['p50']:,} ns) and {p50['asleep'] - p50['blocking']:,} ns more where its exchange sleeps too "
            f"({of['wakes_round']['p50'] - of['wake_round']['p50']:,} ns). Eight times better than the lane asleep would be "
            f"{p50['blocking'] // 8:,} ns; the echo over memif alone takes {results['memif']['figures_ns']['echo']['p50']:,} ns, the time of "
            f"{results['memif']['figures_ns']['echo']['p50'] / of['line_round']['p50']:.1f} round trips of a line.")
    return said


def recording_of(folder):
    path = folder / "recording.txt"
    return f" ({path.read_text().strip()})" if path.exists() else ""


def lanes_table(results):
    rows = []
    for r in sorted((r for n, r in results.items() if n.startswith("scale-lanes-")), key=lambda r: r["lanes"]):
        rows.append((r["lanes"], r["where"], f"{r['orders_per_s']:,.0f}", f"{r['orders_per_s'] / (r['lanes'] * r['one_lane']):.2f}"))
    return table(("lanes", "on", "orders/s, all together", "of so many times one lane"), rows)


def extra_sections(results):
    yield ("Lanes", ["Each lane a process of its own with its own exchange, closed loop; those that are not measured run beside it all the time."],
           lanes_table(results), None)
    linear = linear_of(results)
    if linear:
        yield ("Linear", [f"A message costs {linear[0]:.1f} ns with 100 symbols and 10,000 live orders, {linear[1]:.1f} ns with 12,000 symbols and 2 M "
                          f"live orders: {linear[1] / linear[0]:.2f} times (target: at most 2). Medians of rounds in turn."], None, None)


def environment_table(results):
    return table(("what", "value"), next((r["environment"] for r in results.values() if "environment" in r), {}).items())


def to_markdown(rows):
    return "\n".join(["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])] + ["| " + " | ".join(r) + " |" for r in rows[1:]])


def to_html(rows):
    def cells(row, tag):
        return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

    return f"<div class=t><table><tr>{cells(rows[0], 'th')}</tr>" + "".join(f"<tr>{cells(r, 'td')}</tr>" for r in rows[1:]) + "</table></div>"


def distortions(results):
    """Each once; what differs from run to run in one sentence a core."""
    said, busy = set(), {}
    for line in (d.removeprefix("warning: ") for r in results.values() for d in r.get("distortions", [])):
        taken = re.match(r"others took (\d+) % of core (\d+)", line)
        if taken:
            busy.setdefault(int(taken[2]), []).append(int(taken[1]))
        else:
            said.add(line)
    return sorted(said) + [f"others took {min(shares)} to {max(shares)} % of core {core} before {len(shares)} of the runs began"
                           for core, shares in sorted(busy.items())]


def sections(folder, results, cut):
    """Heading, sentences, table or None, plot or None."""
    yield "What distorts these figures", distortions(results) or ["Nothing that is known."], None, None
    left_out = [p.parent.name for p in folder.glob("*/errors.txt") if not (p.parent / "result.json").exists()]
    not_here = [f"{name}: see {name}/errors.txt" for name in sorted(left_out)] + [f"{name}: its result.json is cut" for name in cut]
    if shutil.which("gnuplot") is None:
        not_here.append("plots: gnuplot is not installed")
    if not_here:
        yield "Not measured here", not_here, None, None
    yield ("Targets", ["Ratios and differences within this run. Where one is not met, the sections below say what it is made of."],
           targets_table(results), None)
    yield ("From a tick to its order, through a port", [
        "Every row: an echo of the same frame and orders in turn, on the same two cores over the same port. Spinning, blocking and asleep are "
        "sockets of the kernel: nobody sleeps, the lane does, both ends do. Closed loop: the next frame leaves when the order before is answered; "
        "what queues behind a pause is not in it."], trips_table(results, TRIPS, True), None)
    yield ("Parts of the way", [
        "Feed: market data in, its best price in shared memory where another core reads it. Client: an order of the gateway's client in, its frame "
        "out. Each beside an echo that takes the same part. The checks alone are below, inside the process."],
        trips_table(results, LEGS, False), None)
    yield ("On a schedule", [
        "Open loop: latency counts from when a frame was due, so that a pause is charged to all who waited. Random gaps (Poisson), and the "
        f"timing of a recording{recording_of(folder)}, once, 8 and 20 times as fast, its busiest stretch; the strategy has one order at a time, so "
        "that frames which are due faster than an order's round trip wait."], trips_table(results, OPEN, False), None)
    yield "What two cores cost each other", cores_sentences(results), cores_table(results), None
    yield "Percentiles", [], None, plot_percentiles(folder, [(f"{n.replace('_', ' ')} order", f"{n}/tick_to_order.hgrm") for n in TRIPS if n in results] +
                                                    [("memif echo", "memif/echo.hgrm")] * ("memif" in results))
    yield "Stages", ["p50 of each; they do not add up to the p50 of the whole."], None, plot_stages(results)
    yield "Rounds, in the order they ran", ["How much these differ is the noise of the machine."], None, plot_rounds(results)
    yield "Inside the process", ["Closed loop, simulated port."], inside_table(results), None
    yield ("Under other conditions", [
        "The same lane, frame in to order out inside the process, alone, beside neighbours on the other core (stress-ng: processor, memory "
        "bandwidth, disk), beside a second lane there or on the same core, with a control plane there that journals all its events (alone, beside "
        "scrapes of /metrics, a storm of clients at its socket, a store that catches up in PostgreSQL), and in a container (podman, the same program "
        "and libraries). With a control plane the lane writes its events into a ring of 8 MiB that another core reads, not into one that stays "
        "in its cache: compare what else it does with that. Durable: an order leaves when the journal has its record on the disk. "
        "Conditions take turns; "
        "medians over the rounds, and the plot shows each condition's middle round."],
        conditions_table(folder, results), plot_percentiles(folder, [(c, f"{rounds_of(results, c)[0]}/lane.hgrm") for c in CONDITIONS if rounds_of(results, c)]))
    yield from extra_sections(results)
    for title, svg in plot_scale(results):
        yield title, [], None, svg
    yield "The slowest orders", ["Nanoseconds after the frame was due; the ten slowest, result.json has a hundred. Behind them what the kernel counted on the "
                                 "lane's core and of its thread between two looks around that time (steal in ticks of 10 ms). A slow order without "
                                 "an interrupt, a fault or a switch was held up by the machine below the kernel: its host, or its memory."], slowest_table(results), None
    if "peak" in results:
        yield "Highest rate without loss", peak_sentences(results["peak"]), None, None
    yield "Machine and build", [], environment_table(results), None


STYLE = """body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:black;background:white}table{border-collapse:collapse;
font-size:13px}td,th{border:1px solid silver;padding:3px 7px;text-align:right}td:first-child,th:first-child{text-align:left}.t{overflow-x:auto}
svg{max-width:100%;height:auto}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"""


def results_read(folder):
    """By name; and the names of those that make no sense: a run that was ended, a disk that was full."""
    results, cut = {}, []
    for path in sorted(folder.glob("*/result.json")):
        try:
            results[path.parent.name] = json.loads(path.read_text())
        except ValueError:
            cut.append(path.parent.name)
    return results, cut


def main():
    folder = pathlib.Path(sys.argv[1])
    results, cut = results_read(folder)
    if (folder / "peak.json").exists():
        results["peak"] = json.loads((folder / "peak.json").read_text())
    if not results:
        raise SystemExit(f"report.py: no result.json below {folder}")
    markdown, page = ["# Latency of this machine", ""], ["<h1>Latency of this machine</h1>"]
    for number, (heading, sentences, rows, svg) in enumerate(sections(folder, results, cut)):
        if svg == "" or (rows is not None and len(rows) == 1):
            continue
        markdown += [f"## {heading}", "", *(f"- {s}" for s in sentences), ""]
        page += [f"<h2>{html.escape(heading)}</h2>", *(f"<p>{html.escape(s)}</p>" for s in sentences)]
        if rows is not None:
            markdown += [to_markdown(rows), ""]
            page.append(to_html(rows))
        if svg:
            (folder / f"plot{number}.svg").write_text(svg)
            markdown += [f"![{heading}](plot{number}.svg)", ""]
            page.append(svg)
    (folder / "report.md").write_text("\n".join(markdown))
    (folder / "report.html").write_text("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
                                        f"<title>Latency</title><style>{STYLE}</style>" + "\n".join(page) + "</html>\n")
    print(f"written {folder / 'report.html'} and report.md")


if __name__ == "__main__":
    main()
