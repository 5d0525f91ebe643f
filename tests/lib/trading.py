"""What the tests of trading share: sections of the configuration, our account of the day, and the exchange's.

A Ledger follows the dataplane's events from the first and says what was sent, filled and ended. The exchange's own log
must say the same.
"""

import collections
import json
import socket

from system import BUILD

FILLED = 1 << 2  # bits of <did> of an ORDER event
BROKEN = 1 << 3


def sections(server, symbols=("BUAH", "TRBP"), session="", limits="", strategies=True, port="md0"):
    """Two strategies on one session; the second symbol is the taker's."""
    path = BUILD / "strategies"
    text = f"""
trading:
  limits: {{quantity: 10000, open_orders: 100, open_notional: 5000000}}
accounts:
  - {{name: main, limits: {{position: 5000}}}}
  - {{name: house, limits: {{}}}}
symbols:
  - {{names: [{', '.join(symbols)}], limits: {{quantity: 500}} {limits}}}
sessions:
  - name: nas
    server: {server}
    port: {port}
    lane: lane0
    channel: nasdaq
    account: house
    username: alice
    password: secret
    retry_ms: 50
    retry_max_ms: 200
    {session}
"""
    if strategies:
        text += f"""
strategies:
  - name: quotes
    lane: lane0
    file: {path}/maker.so
    account: main
    symbols: [{symbols[0]}]
    parameters: [100, 300, 1000]
    budget_us: 100000
  - name: takes
    lane: lane0
    file: {path}/taker.so
    account: main
    symbols: [{symbols[1]}]
    parameters: [100, 100, 2, 1000]
    budget_us: 100000
"""
    return text


class Ledger:
    """Events of one dataplane in order; <collect> often enough that the control plane's log does not run over."""

    def __init__(self, system):
        self.system, self.after, self.sequence = system, 0, 0
        self.events, self.before = [], []  # what an earlier instance has sent

    def collect(self):
        while True:
            request = {"jsonrpc": "2.0", "id": 1, "method": "events", "params": {"after": self.after, "count": 500}}
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(str(self.system.socket))
                s.sendall(json.dumps(request).encode() + b"\n")
                text = b""
                while not text.endswith(b"\n"):
                    piece = s.recv(1 << 20)
                    assert piece, f"the control plane hung up: {text[-200:]}"
                    text += piece
            result = json.loads(text)["result"]
            self.take(result["events"])
            if len(result["events"]) < 500:
                return self
            self.after = result["next_after"]

    def take(self, events):
        for event in events:
            self.after = event["number"] if "number" in event else self.after
            if event["lane"] != "lane0" or event["ring"] != "trading":
                continue
            assert event["event"] != "OVERRUN" and event["sequence"] > self.sequence, event
            self.sequence = event["sequence"]
            self.events.append(event)

    def of(self, *names):
        return [e["fields"] for e in self.events if e["event"] in names]

    @property
    def sent(self):
        """Reference and kind of everything that left."""
        return self.before + [(f["ref"], f["kind"]) for f in self.of("ORDER_SENT")]

    @property
    def fills(self):
        """Match, reference, shares, price; a broken one is taken off again."""
        fills = []
        for f in self.of("ORDER"):
            if f["did"] & BROKEN:
                at = next(i for i, fill in enumerate(fills) if fill[0] == f["match"])
                fills.pop(at)
            if f["did"] & FILLED:
                fills.append((f["match"], f["fill_shares"], f["fill_price"], f["side"]))
        return fills

    @property
    def positions(self):
        sums = collections.Counter()
        for f in self.of("ORDER"):
            sign = 1 if f["side"] == "B" else -1
            shares = f["fill_shares"] * bool(f["did"] & FILLED) - f["broken_shares"] * bool(f["did"] & BROKEN)
            sums[f["instrument"]] += sign * shares
        return {instrument: shares for instrument, shares in sums.items() if shares}

    @property
    def session_states(self):
        names = ("down", "connecting", "login", "replay", "gap", "ready")
        return [names[f["now"]] for f in self.of("ORDER_SESSION")]


class Exchange:
    """The exchange's own log."""

    def __init__(self, path, member="alice"):
        self.all = [json.loads(line) for line in path.read_text().splitlines()]
        self.records = [r for r in self.all if r.get("member") == member]

    def of(self, *events):
        return [r for r in self.records if r["event"] in events]

    @property
    def requests(self):
        kinds = {"enter": "O", "replace": "U", "modify": "M"}
        # OUCH 4.2: the number stands in the token.
        return [(r.get("user_ref") or int(r["token"][:8], 16), kinds[r["text"]])
                for r in self.of("request") if r["text"] in kinds]

    @property
    def fills(self):
        broken = {r["match"] for r in self.of("broken")}
        return [(r["match"], r["quantity"], r["price"], r["side"]) for r in self.of("executed") if r["match"] not in broken]

    @property
    def positions(self):
        return {r["symbol"]: r["position"] for r in self.of("balance") if r["position"]}


def reconcile(ledger, exchange, symbols, lost=0):
    """Both accounts of the day are the same. At most <lost> orders left and never arrived: a connection ended."""
    sent, arrived = ledger.sent, exchange.requests
    assert len(set(sent)) == len(sent), "an order number was used twice"
    assert len(set(arrived)) == len(arrived), "an order arrived twice"
    assert set(arrived) <= set(sent), f"without a decision: {sorted(set(arrived) - set(sent))[:5]}"
    missing = set(sent) - set(arrived)
    assert len(missing) <= lost, f"never arrived: {sorted(missing)[:5]}"
    assert sorted(ledger.fills) == sorted(exchange.fills), (
        f"{len(ledger.fills)} fills here, {len(exchange.fills)} there; "
        f"{sorted(set(ledger.fills) ^ set(exchange.fills))[:4]}")
    positions = {symbols[i]: shares for i, shares in ledger.positions.items()}
    assert positions == exchange.positions, f"{positions} here, {exchange.positions} there"
    decisions = {(e["sequence"]) for e in ledger.events if e["event"] == "DECISION" and e["fields"]["refusal"] == "NONE"}
    proofs = [f["decision"] for f in ledger.of("ORDER_SENT", "ORDER_NOT_SENT")]
    assert len(set(proofs)) == len(proofs) and set(proofs) == decisions, "a frame without its own decision"


def flat(system):
    """What the dataplane says when it ends: nothing open, nothing reserved."""
    text = system.log("dataplane")
    assert "; 0 orders and 0 price4 x shares still reserved" in text, text[-800:]
