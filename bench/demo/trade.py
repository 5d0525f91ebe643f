"""The demo's second part: two strategies trade in a generated day, over OUCH 5.0 and our TCP on the shared-memory port.

In the end the exchange's own log and what the dataplane published are reconciled.
"""

import csv
import subprocess
import sys
import time

import plot
from ledger import Exchange, Ledger, reconcile
from system import bar

MESSAGES, RATE, SYMBOLS = 150000, 10000, 20
# Few orders rest: with many the thick side of a book stays the same all day, and the takers stand at their limit.
DAY = ["--messages", str(MESSAGES), "--symbols", str(SYMBOLS), "--live", "1500"]
ASKS = ("show orders", "halt --reason TEXT", "resume --reason TEXT --yes", "kill")
STAGES = ("until the strategy has decided", "gated", "encoded", "handed to the port")


def busiest(system, count):
    """The generated day's symbols with most orders in their books."""
    day = system.dir / "day.itch"
    subprocess.run([str(system.build / "tickgate-exchange"), *DAY, "--line", "A=127.0.0.1:1", "--write", str(day)],
                   check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([str(system.build / "tickgate-book"), str(day)], capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    rows.sort(key=lambda r: -int(r["bid_orders"] or 0) - int(r["ask_orders"] or 0))
    return [row["symbol"] for row in rows[:count]]


def strategies(system, symbols):
    text = ""
    for i, symbol in enumerate(symbols):
        name, parameters = (("maker", "[20, 100, 1000]"), ("taker", "[20, 200, 2, 1000]"))[i % 2]
        text += (f"  - {{name: {name}{i // 2 + 1}, lane: lane0, file: {system.build}/strategies/{name}.so, account: main, "
                 f"symbols: [{symbol}], parameters: {parameters}, budget_us: 100000}}\n")
    return text


def exchange_options(system):
    return DAY + [
        "--mode", "trade", "--rate", str(RATE), "--end-s", "2", "--linger-s", "3",
        "--port", f"net_memif0,role=server,socket={system.dir}/memif.sock,socket-abstract=no", "--ip", "10.0.0.1",
        "--core", str(system.main_core), "--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478",
        "--loss", "A=0.01", "--loss", "B=0.01", "--rerequest", "127.0.0.1:26400", "--orders-on-port", "26410",
        "--member", "demo,demo,firm=DEMO,protocol=5.0", "--order-log", str(system.dir / "orders.jsonl"),
    ] + ([] if system.huge else ["--no-huge"])


class Watch:
    """What the day looks like so far, from our own events."""

    def __init__(self, system, symbols):
        self.system, self.symbols, self.fills, self.stops = system, symbols, [], 0
        self.ledger = Ledger(system.socket)
        ready = self.ledger.ask("events", type="LANE_READY")["events"]
        self.ns_per_tick = 1e9 / ready[0]["fields"]["tsc_hz"]

    def stages(self):
        """Per order that left: ns from the burst until it was decided, gated, encoded and handed over."""
        decisions = {e["sequence"]: e["fields"] for e in self.ledger.events if e["event"] == "DECISION"}
        rows = []
        for sent in self.ledger.of("ORDER_SENT"):
            d = decisions.get(sent["decision"])
            if d:
                rows.append([t * self.ns_per_tick for t in (d["started"], d["gated"], d["encoded"], sent["handed"])])
        return rows

    def profit(self):
        """Dollars: what was sold less what was bought, and what is held at the middle of the book."""
        shares, money = self.ledger.sums()
        books = {s["symbol"]: s for s in (self.system.ask("show", "symbols") or {"symbols": []})["symbols"]}
        total = sum(money.values()) / 10000
        for instrument, count in shares.items():
            s = books.get(self.symbols[instrument])
            if count and s and s["bid_price"] and s["ask_price"]:
                total += count * (float(s["bid_price"]) + float(s["ask_price"])) / 2
        return total

    def show(self):
        feed = self.system.ask("show", "feeds")["feeds"][0]
        ledger = self.ledger.collect()
        self.fills.append(len(ledger.fills))
        self.stops = len(ledger.of("KILL", "TRADING_STATE"))
        positions = " ".join(f"{self.symbols[i]} {n:+}" for i, n in sorted(ledger.positions.items())) or "flat"
        refused = " ".join(f"{name} {n}" for name, n in ledger.refusals.most_common(4)) or "none"
        print(f"\n{bar(feed['messages'] / MESSAGES)}  {feed['messages']:,} messages  book {feed['quality']}  "
              f"session {(ledger.session_states or ['down'])[-1]}")
        print(f"  orders sent {len(ledger.sent)}, fills {len(ledger.fills)}, profit {self.profit():+,.2f} $; refused: {refused}")
        print(f"  position {positions}")
        rows = self.stages()
        if rows:
            latency(rows, "  ")
        sys.stdout.flush()


def quantile(ordered, q):
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def latency(rows, indent=""):
    """Quantiles by stage: each is the time since the one before."""
    print(f"{indent}{'tick to trade':32} {'p50':>10} {'p99':>10} {'p99.9':>10} {'max':>10}   ns, {len(rows)} orders")
    steps = [[row[i] - (row[i - 1] if i else 0) for row in rows] for i in range(len(STAGES))]
    for name, values in [*zip(STAGES, steps), ("all of it", [row[-1] for row in rows])]:
        values.sort()
        print(f"{indent}  {name:30}" + " ".join(f"{quantile(values, q):>10,.0f}" for q in (0.5, 0.99, 0.999, 1.0)))


def curves(rows):
    """(ns, orders that had passed each stage by then), up to where all have passed the last."""
    columns = [sorted(column) for column in zip(*rows)]
    out = []
    for i in range(240):
        ns = 10 ** (1 + i / 40)
        out.append((round(ns), *(sum(1 for v in column if v <= ns) for column in columns)))
        if out[-1][-1] == len(rows):
            break
    return [row for row in out if row[1]]


def summary(system, watch):
    ledger = watch.ledger
    exchange = Exchange(system.dir / "orders.jsonl", "demo")
    rows = watch.stages()
    print("\n--- trading ---")
    print(f"orders          {len(ledger.sent):,} left, {len(ledger.fills):,} fills, refused "
          + (", ".join(f"{n} x {name}" for name, n in ledger.refusals.most_common()) or "none"))
    print("position        " + (", ".join(f"{watch.symbols[i]} {n:+}" for i, n in sorted(ledger.positions.items())) or "flat"))
    print(f"profit          {watch.last_profit:+,.2f} $ at the middle of the last books, before fees")
    if rows:
        latency(rows)
        picture = plot.distribution(system.dir, "tick_to_trade", "From the burst to each stage of an order", curves(rows), "",
                                    STAGES)
        if picture:
            print(f"plot            {picture} (and .svg)")
    try:
        reconcile(ledger, exchange, watch.symbols)
    except AssertionError as difference:
        print(f"reconciled      NO: {difference}")
        return False
    print(f"reconciled      {len(exchange.requests):,} orders, {len(exchange.fills):,} executions and {len(exchange.positions)} "
          "positions of the exchange's own log equal ours; every order has its decision")
    good, said = traded(watch.fills, watch.stops)
    print(f"traded          {said}")
    return good


def traded(fills, stops):
    """Whether it went on to the end, by the number of fills at each look, and in words. <stops>: kills and halts, which excuse it."""
    if stops:
        return True, "until somebody killed or halted it: the last quarter of the day is not looked at"
    quarter = len(fills) * 3 // 4
    if fills[-1] <= (fills[quarter - 1] if quarter else 0):
        return False, "NO: no fill in the last quarter of the day"
    return True, "up to the end of the day"


def run(system, args):
    """True: both logs tell the same."""
    symbols = busiest(system, 6)
    system.configure("trade.yaml.in", CAPTURE=system.dir.parent / "capture", SYMBOLS=", ".join(symbols),
                     STRATEGIES=strategies(system, symbols))
    exchange = system.start("exchange", "tickgate-exchange", *exchange_options(system))
    system.wait_for("the exchange's port", lambda: (system.dir / "memif.sock").exists())
    dataplane = system.start_dataplane()
    watch = Watch(system, symbols)
    print("while it runs   " + "\n                ".join(f"{system.build}/tickgate {words} --socket {system.socket}" for words in ASKS))
    started = time.monotonic()
    while (system.ask("show", "feeds") or {"feeds": [{"messages": MESSAGES}]})["feeds"][0]["messages"] < MESSAGES:
        watch.show()
        system.check_alive()
        if time.monotonic() - started > 90:
            raise SystemExit(f"demo: the day does not end; logs are in {system.dir}")
        time.sleep(1)
    watch.show()
    watch.last_profit = watch.profit()
    dataplane.terminate()  # cancels what is open and logs out
    dataplane.wait(20)
    # Nobody is shown an event before it is on disk, and there are slow disks.
    system.wait_for("the lane's last event in the journal", lambda: watch.ledger.collect().of("LANE_STOPPED"))
    exchange.wait(30)
    return summary(system, watch)
