"""The demo's first part: a day of market data with losses on both lines, watched, and compared with the books of the same
day without losses."""

import csv
import json
import re
import subprocess
import sys
import time

import plot
from system import bar

LOSS = {"A": "0.01", "B": "0.01", "both": "0.0005"}
FIELDS = "bid_price bid_shares bid_orders ask_price ask_shares ask_orders".split()


class Reference:
    """What tickgate-book makes of the day without losses, and what that says about the feed."""

    def __init__(self, system, args):
        source = args.capture
        if not source:
            source = system.dir / "day.itch"
            subprocess.run([str(system.build / "tickgate-exchange"), "--messages", str(args.messages), "--symbols", "8000",
                            "--live", "200000", "--line", "A=127.0.0.1:1", "--write", str(source)], check=True,
                           stdout=subprocess.DEVNULL)
        done = subprocess.run([str(system.build / "tickgate-book"), str(source)], capture_output=True, text=True)
        lines = done.stderr.strip().splitlines()
        if done.returncode:
            raise SystemExit(f"demo: {lines[-1] if lines else 'tickgate-book failed'}")
        self.rows, self.totals = list(csv.DictReader(done.stdout.splitlines())), lines[-1]
        self.messages = int(re.match(r"messages=(\d+)", self.totals)[1])
        (system.dir / "books.csv").write_text(done.stdout)
        feed = re.search(r"(\w+) from message (\d+) on", done.stderr)
        self.protocol = feed[1] if feed else "itch50"
        missing = re.search(r"(\d+) messages are missing", done.stderr)
        self.missing = int(missing[1]) if missing else 0
        # What begins in the middle of a session is never more than suspect.
        self.start, self.quality = ("first", "good") if not feed or feed[2] == "1" else ("live", "suspect")
        if self.missing:
            self.quality = "suspect"
        if not self.messages:
            raise SystemExit(f"demo: {source}: no message of a book in it")


def exchange_options(system, args, protocol):
    if args.capture:
        source = ["--source", args.capture, "--speed", args.speed]
    else:
        source = ["--messages", str(args.messages), "--symbols", "8000", "--live", "200000", "--rate", str(args.rate)]
    options = source + [
        "--port", f"net_memif0,role=server,socket={system.dir}/memif.sock,socket-abstract=no", "--ip", "10.0.0.1",
        "--core", str(system.main_core), "--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478",
        "--rerequest", "127.0.0.1:26400", "--end-s", "10", "--summary-json", str(system.dir / "exchange.json"),
    ]
    # Only MoldUDP64 has a server of what is lost on both lines.
    for line, probability in LOSS.items() if protocol == "itch50" else [("A", "0.05")]:
        options += ["--loss", f"{line}={probability}"]
    return options + ([] if system.huge else ["--no-huge"])


def show(system, total, costs):
    """One frame of the live view."""
    feeds, lanes = system.ask("show", "feeds"), system.ask("show", "lanes")
    top = system.ask("show", "symbols", "--sort", "activity", "--top", "6")
    if not feeds or not lanes or not top:
        return
    feed, lane = feeds["feeds"][0], lanes["lanes"][0]
    lines = " ".join(f"{l['line']} lost {l['lost_messages']}" for l in feed["lines"] if l["group"])
    rate = feed["messages_per_s"]
    # Time in which the lane was not idle, over the messages of both lines that became one.
    if rate:
        costs.append(lane["busy_permille"] * 10 ** 6 / rate)
    cost = f"{costs[-1]:,.0f} ns/message" if rate else "-"
    wait = f"{lane['frame_to_book']['p50_ns']:,} ns" if lane["frame_to_book"]["samples"] else "-"
    print(f"\n{bar(feed['messages'] / total)}  {feed['messages']:,} messages  {rate:,}/s  {cost}  "
          f"frame to book p50 {wait}  book {feed['quality']}")
    print(f"  gaps {feed['gaps']}, recovered {feed['recovered_messages']} messages, given up {feed['lost_messages']}; {lines}")
    print(f"  {'symbol':8} {'bid':>22} {'ask':>22} {'spread':>9} {'volume':>10}")
    for s in top["symbols"]:
        bid = f"{s['bid_shares']} x {s['bid_price']}" if s["bid_shares"] else "-"
        ask = f"{s['ask_price']} x {s['ask_shares']}" if s["ask_shares"] else "-"
        print(f"  {s['symbol']:8} {bid:>22} {ask:>22} {s['spread'] or '-':>9} {s['volume']:>10}")
    sys.stdout.flush()


def same(row, symbol):
    def text(key):
        value = symbol[key] if symbol else None
        empty = value is None or (key.endswith(("shares", "orders")) and value == 0)
        return "" if empty else str(value)
    return all(row[key] == text(key) for key in FIELDS)


def buckets(system, name):
    histograms = system.ask("show", "latency") or {}
    for histogram in histograms.get("histograms", []):
        if name in (histogram.get("name"), histogram.get("histogram")):
            rows = zip(histograms["edges_ns"], histogram.get("buckets", []))
            return [(edge, count) for edge, count in rows if count and edge < 10 ** 10]
    return []


def summary(system, reference, costs):
    feed = system.ask("show", "feeds")["feeds"][0]
    lane = system.ask("show", "lanes")["lanes"][0]
    symbols = {s["symbol"]: s for s in system.ask("show", "symbols")["symbols"]}
    sent = json.loads((system.dir / "exchange.json").read_text())["channels"][0]
    injected = {line["name"]: line["lost"] for line in sent["lines"]}
    different = [row["symbol"] for row in reference.rows if not same(row, symbols.get(row["symbol"]))]
    empty = set(symbols) - {row["symbol"] for row in reference.rows}
    different += [name for name in sorted(empty) if symbols[name]["bid_shares"] or symbols[name]["ask_shares"]]
    print("\n--- market data ---")
    print(f"messages        {feed['messages']:,} in {feed['packets']:,} packets of both lines")
    for line in feed["lines"]:
        if line["group"]:
            print(f"line {line['line']:10} the exchange lost {injected[line['line']]:,} packets, here {line['lost_messages']:,} "
                  f"messages are missing; used {line['used']:,} packets, {line['duplicate']:,} copies")
    print(f"gaps            {feed['gaps']:,} on both lines; {feed['recovered_messages']:,} messages recovered, "
          f"{feed['lost_messages']:,} given up; book is {feed['quality']}")
    h = lane["frame_to_book"]
    if h["samples"]:
        print(f"frame to book   p50 {h['p50_ns']:,} ns, p99 {h['p99_ns']:,} ns, max {h['max_ns']:,} ns ({h['samples']:,} bursts, "
              "each until its last message)")
    if any(costs):  # a short capture is over before the first view
        print(f"per message     {sorted(costs)[len(costs) // 2]:,.0f} ns of the lane, copies and idle turns between packets "
              "included (median of the views)")
    for s in sorted(symbols.values(), key=lambda s: -s["changes"])[:5]:
        print(f"busiest         {s['symbol']:8} {s['bid_shares'] or 0:>8} x {s['bid_price'] or '-':>11}  "
              f"{s['ask_price'] or '-':>11} x {s['ask_shares'] or 0:<8} spread {s['spread'] or '-'}")
    print(f"tickgate-book   {reference.totals}")
    print(f"compared        {len(reference.rows):,} books with those of the day without losses: "
          + ("all equal" if not different else f"{len(different)} differ: {' '.join(different[:10])}"))
    picture = plot.distribution(system.dir, "frame_to_book", "From the burst to its last message in a book",
                                buckets(system, "frame_to_book"), "bursts")
    if picture:
        print(f"plot            {picture} (and .svg)")
    return (not different and feed["lost_messages"] == reference.missing and feed["quality"] == reference.quality
            and feed["messages"] == reference.messages)


def complete(system, reference):
    feed = (system.ask("show", "feeds") or {"feeds": [None]})["feeds"][0]
    return feed and feed["messages"] >= reference.messages and feed["lost_messages"] >= reference.missing


def run(system, args):
    """True: every book is as it should be."""
    costs = []
    reference = Reference(system, args)
    system.configure("demo.yaml.in", PROTOCOL=reference.protocol, START=reference.start)
    exchange = system.start("exchange", "tickgate-exchange", *exchange_options(system, args, reference.protocol))
    system.wait_for("the exchange's port", lambda: (system.dir / "memif.sock").exists())
    system.start_dataplane()
    started = time.monotonic()
    while not complete(system, reference) and exchange.poll() is None and time.monotonic() - started < 300:
        show(system, reference.messages, costs)
        system.check_alive()
        time.sleep(1)
    show(system, reference.messages, costs)
    exchange.terminate()
    exchange.wait(20)
    return summary(system, reference, costs)
