#!/usr/bin/env python3
"""Writes report.md and a self-contained report.html beside the results that run.sh has left in a folder: tables, what distorts them,
and plots (SVG by gnuplot) of percentiles, stages, rounds over time and scale. usage: report.py DIR"""

import html
import json
import pathlib
import subprocess
import sys

TRIPS = ("memif", "ring", "af_xdp", "af_packet", "spinning", "blocking", "asleep")
CONDITIONS = ("alone", "second-lane", "beside-cpu", "beside-memory", "beside-disk", "container")
STAGES = ("sent_stamped", "receive_decide", "decide_approved", "approved_encoded", "encoded_sent", "sent_seen")
KERNEL = ("interrupts", "page_faults", "voluntary_switches", "preemptions", "steal_ticks")
HEAD = """set terminal svg size 900,420 dynamic noenhanced font 'sans,12' background '#ffffff'
set key outside right top
set grid lc rgb '#dddddd'
set border 3
set tics nomirror
"""


def plot(text):
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


def plot_percentiles(folder, series):
    text, blocks = [], []
    for title, path in series:
        rows = percentiles(folder / path)
        if rows:
            text.append(f"'-' using 2:1 with lines lw 2 title '{title}'")
            blocks.append(data(rows) + "\ne")
    return plot("set logscale xy\nset xlabel 'percentile'\nset ylabel 'ns'\n"
                "set xtics ('p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' 100000)\n"
                f"plot {', '.join(text)}\n" + "\n".join(blocks) + "\n") if text else ""


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


def plot_scale(results):
    live = sorted((r["live_orders"], r["ns_per_message"]) for n, r in results.items() if n.startswith("scale-orders"))
    symbols = sorted((r["symbols"], r["figures_ns"]["frame_to_frame"]["p50"], r["figures_ns"]["frame_to_frame"]["p99"])
                     for n, r in results.items() if n.startswith("scale-symbols"))
    out = []
    if live:
        out.append(("Cost of a message as live orders grow", plot("set logscale x\nset xlabel 'live orders'\nset ylabel 'ns per message'\n"
                    f"set yrange [0:*]\n$d << EOD\n{data(live)}\nEOD\nplot $d using 1:2 with linespoints lw 2 notitle\n")))
    if symbols:
        out.append(("Frame in to order out, inside the process, as symbols grow",
                    plot(f"set logscale x\nset xlabel 'symbols'\nset ylabel 'ns'\nset yrange [0:*]\n$d << EOD\n{data(symbols)}\nEOD\n"
                         "plot $d using 1:2 with linespoints lw 2 title 'p50', $d using 1:3 with linespoints lw 2 title 'p99'\n")))
    return out


def table(head, rows):
    return [list(head)] + [[str(cell) for cell in row] for row in rows]


def trips_table(results):
    base = results.get("memif", {}).get("figures_ns", {}).get("tick_to_order")
    rows = []
    for name in (*TRIPS, "memif-open"):
        r = results.get(name)
        if r is None:
            continue
        echo, order = r["figures_ns"]["echo"], r["figures_ns"]["tick_to_order"]
        times = f"{order['p50'] / base['p50']:.1f} / {order['p99'] / base['p99']:.1f}" if base else ""
        floor = f"{r['jitter']['above_10us']} / {r['jitter']['above_100us']} / {100 * r['jitter']['lost_ns'] / r['jitter']['ns']:.1f} %"
        rows.append((name, r["loop"], f"{r['orders'] * 1e9 / r['orders_ns']:.0f}", order["count"], f"{r['orders_ns'] / 1e9:.1f}", echo["p50"],
                     echo["p99"], order["p50"], order["p99"], order["p50"] - echo["p50"], order["p99"] - echo["p99"], times,
                     r["orders_lost"], floor))
    return table(("port", "loop", "orders/s", "samples", "s", "echo p50", "p99", "order p50", "p99", "excess p50", "p99",
                  "times memif p50 / p99", "lost", "floor: gaps > 10 µs / > 100 µs / lost"), rows)


def inside_table(results):
    rows = []
    for name in ("lane", "feed"):
        for figure, h in results.get(name, {}).get("figures_ns", {}).items():
            rows.append((name, figure.replace("_", " "), h["count"], h["p50"], h["p90"], h["p99"], h["p999"], h["max"]))
    return table(("mode", "figure (ns)", "samples", "p50", "p90", "p99", "p99.9", "max"), rows)


def rounds_of(results, condition):
    """The rounds of conditions.py, the one with the middle p50 first."""
    names = sorted((n for n in results if n.rpartition("-")[0] == condition), key=lambda n: results[n]["figures_ns"]["frame_to_frame"]["p50"])
    return [names[len(names) // 2]] + [n for n in names if n != names[len(names) // 2]] if names else []


def conditions_table(results):
    def median(condition, figure):
        values = sorted(results[n]["figures_ns"]["frame_to_frame"][figure] for n in rounds_of(results, condition))
        return values[len(values) // 2], f"{values[0]} to {values[-1]}"

    rows = []
    for condition in CONDITIONS:
        names = rounds_of(results, condition)
        if not names or not rounds_of(results, "alone"):
            continue
        cells = [condition, len(names), results[names[0]]["orders"]]
        for figure in ("p50", "p99", "p999"):
            value, spread = median(condition, figure)
            cells += [value, spread, f"{value / median('alone', figure)[0]:.2f}"]
        rate = sorted(results[n]["orders"] * 1e9 / results[n]["ns"] for n in names)[len(names) // 2]
        rows.append((*cells, f"{rate:.0f}"))
    return table(("condition", "rounds", "orders a round", "p50 (ns)", "rounds", "times alone", "p99", "rounds", "times alone", "p99.9", "rounds",
                  "times alone", "orders/s"), rows)


def slowest_table(results):
    rows = []
    for name in ("memif", "memif-open"):
        for s in results.get(name, {}).get("slowest_ns", [])[:10]:
            kernel = s.get("kernel", {})
            rows.append((name, *(s[key] for key in ("whole", "sent", "stamped", "decide", "approved", "encoded", "handed")),
                         kernel.get("window_ns", 0) // 1000, *(kernel.get(key, "") for key in KERNEL)))
    return table(("port", "whole (ns)", "sent at", "stamped at", "decision at", "approved at", "encoded at", "handed over at", "kernel: in µs around",
                  *(key.replace("_", " ") for key in KERNEL)), rows)


def peak_sentences(peak):
    tries = ", ".join(f"{t['rate'] / 1e6:.1f} M: {'all' if t['lossless'] else 'not all'} applied" for t in peak["tries"])
    return [f"{peak['lossless'] / 1e6:.1f} million messages a second on each of both lines, through memif, by one lane; the sender does not wait. "
            f"That is {peak['of_10gbe']:.0%} of what one 10 Gbit/s line carries in full frames of this mix "
            f"({peak['line_rate'] / 1e6:.1f} million a second).", f"Tried in turn: {tries}."]


def environment_table(results):
    any_result = next(iter(results.values()))
    return table(("what", "value"), any_result["environment"].items())


def to_markdown(rows):
    return "\n".join(["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])] + ["| " + " | ".join(r) + " |" for r in rows[1:]])


def to_html(rows):
    def cells(row, tag):
        return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)

    return f"<div class=t><table><tr>{cells(rows[0], 'th')}</tr>" + "".join(f"<tr>{cells(r, 'td')}</tr>" for r in rows[1:]) + "</table></div>"


def sections(folder, results):
    """Heading, sentences, table or None, plot or None."""
    distortions = sorted({d.removeprefix("warning: ") for r in results.values() for d in r["distortions"]})
    yield "What distorts these figures", distortions or ["Nothing that is known."], None, None
    left_out = [p.parent.name for p in folder.glob("*/errors.txt") if not (p.parent / "result.json").exists()]
    if left_out:
        yield "Not measured here", [f"{name}: see {name}/errors.txt" for name in sorted(left_out)], None, None
    yield ("From a tick to its order, through a port", [
        "Every row: an echo of the same frame and orders in turn, on the same two cores over the same port. Spinning, blocking and asleep are "
        "sockets of the kernel: nobody sleeps, the lane does, both ends do. Closed loop: the next frame leaves when the order before is answered; "
        "what queues behind a pause is not in it. Open "
        "loop: from when a frame was due."], trips_table(results), None)
    yield "Percentiles", [], None, plot_percentiles(folder, [(f"{n.replace('_', ' ')} order", f"{n}/tick_to_order.hgrm") for n in TRIPS if n in results] +
                                                    [("memif echo", "memif/echo.hgrm")] * ("memif" in results))
    yield "Stages", ["p50 of each; they do not add up to the p50 of the whole."], None, plot_stages(results)
    yield "Rounds, in the order they ran", ["How much these differ is the noise of the machine."], None, plot_rounds(results)
    yield "Inside the process", ["Closed loop, simulated port."], inside_table(results), None
    yield ("Under other conditions", [
        "The same lane, frame in to order out inside the process, alone, beside neighbours on the other core (stress-ng: processor, memory "
        "bandwidth, disk), beside a second lane there, and in a container (podman, the same program and libraries). Conditions take turns; "
        "medians over the rounds, and the plot shows each condition's middle round."],
        conditions_table(results), plot_percentiles(folder, [(c, f"{rounds_of(results, c)[0]}/lane.hgrm") for c in CONDITIONS if rounds_of(results, c)]))
    for title, svg in plot_scale(results):
        yield title, [], None, svg
    yield "The slowest orders", ["Nanoseconds after the frame was due; the ten slowest, result.json has a hundred. Behind them what the kernel counted on the "
                                 "lane's core and of its thread between two looks around that time (steal in ticks of 10 ms). A slow order without "
                                 "an interrupt, a fault or a switch was held up by the machine below the kernel: its host, or its memory."], slowest_table(results), None
    peak = folder / "peak.json"
    if peak.exists():
        yield "Highest rate without loss", peak_sentences(json.loads(peak.read_text())), None, None
    yield "Machine and build", [], environment_table(results), None


STYLE = """body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:black;background:white}table{border-collapse:collapse;
font-size:13px}td,th{border:1px solid silver;padding:3px 7px;text-align:right}td:first-child,th:first-child{text-align:left}.t{overflow-x:auto}
svg{max-width:100%;height:auto}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"""


def main():
    folder = pathlib.Path(sys.argv[1])
    results = {p.parent.name: json.loads(p.read_text()) for p in sorted(folder.glob("*/result.json"))}
    if not results:
        raise SystemExit(f"report.py: no result.json below {folder}")
    markdown, page = ["# Latency of this machine", ""], ["<h1>Latency of this machine</h1>"]
    for number, (heading, sentences, rows, svg) in enumerate(sections(folder, results)):
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
