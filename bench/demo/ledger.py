"""Two accounts of a trading day: ours from the dataplane's events, the exchange's from its own log.

A Ledger follows the events from the first and says what was sent, filled and ended. The exchange's own log must say the
same: `reconcile` raises AssertionError where it does not.
"""

import collections
import json
import socket

FILLED = 1 << 2  # bits of <did> of an ORDER event
BROKEN = 1 << 3


def terms(kind, quantity, price, side, symbol):
    """What an order, replace or modify says; a replace names no symbol and side, a modify no price."""
    return {"O": (quantity, price, side, symbol), "U": (quantity, price), "M": (quantity,)}[kind]


class Ledger:
    """Events of one dataplane in order; <collect> often enough that the control plane's log does not run over."""

    def __init__(self, control_socket):
        self.socket, self.after, self.sequence = str(control_socket), 0, 0
        self.events, self.before = [], []  # what an earlier instance has sent

    def ask(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.socket)
            s.sendall(json.dumps(request).encode() + b"\n")
            text = b""
            while not text.endswith(b"\n"):
                piece = s.recv(1 << 20)
                assert piece, f"the control plane hung up: {text[-200:]}"
                text += piece
        return json.loads(text)["result"]

    def collect(self):
        while True:
            result = self.ask("events", after=self.after, count=500)
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

    def terms(self, symbols):
        """What was decided for everything that left, by reference and kind; of this instance."""
        decisions = {e["sequence"]: e["fields"] for e in self.events if e["event"] == "DECISION"}
        sent = [(f["ref"], f["kind"], decisions[f["decision"]]) for f in self.of("ORDER_SENT")]
        return {(ref, kind): terms(kind, d["quantity"], d["price"], d["side"], symbols[d["instrument"]])
                for ref, kind, d in sent}

    @property
    def fills(self):
        """Match, shares, price and side; a broken one is taken off again, or not there: broken before it was told."""
        fills = []
        for f in self.of("ORDER"):
            if f["did"] & BROKEN and f["did"] & FILLED and \
                    (f["fill_shares"], f["fill_price"]) == (f["broken_shares"], f["broken_price"]):
                continue
            if f["did"] & BROKEN:
                at = next(i for i, fill in enumerate(fills) if fill[0] == f["match"])
                fills.pop(at)
            if f["did"] & FILLED:
                fills.append((f["match"], f["fill_shares"], f["fill_price"], f["side"]))
        return fills

    def sums(self):
        """Shares and money (price4 x shares) of each instrument: a position and what it has cost."""
        shares, money = collections.Counter(), collections.Counter()
        for f in self.of("ORDER"):
            sign = 1 if f["side"] == "B" else -1
            filled = f["fill_shares"] * bool(f["did"] & FILLED)
            broken = f["broken_shares"] * bool(f["did"] & BROKEN)
            shares[f["instrument"]] += sign * (filled - broken)
            money[f["instrument"]] -= sign * (filled * f["fill_price"] - broken * f["broken_price"])
        return shares, money

    @property
    def positions(self):
        return {instrument: shares for instrument, shares in self.sums()[0].items() if shares}

    @property
    def refusals(self):
        return collections.Counter(f["refusal"] for f in self.of("DECISION") if f["refusal"] != "NONE")

    @property
    def session_states(self):
        names = ("down", "connecting", "login", "replay", "gap", "ready")
        return [names[f["now"]] for f in self.of("ORDER_SESSION")]


class Exchange:
    """The exchange's own log."""

    def __init__(self, path, member):
        self.all = [json.loads(line) for line in path.read_text().splitlines()]
        self.records = [r for r in self.all if r.get("member") == member]

    def of(self, *events):
        return [r for r in self.records if r["event"] in events]

    @property
    def asked(self):
        """Reference, kind and record of every order, replace and modify that arrived."""
        kinds = {"enter": "O", "replace": "U", "modify": "M"}
        # OUCH 4.2: the number stands in the token.
        return [(r.get("user_ref") or int(r["token"][:8], 16), kinds[r["text"]], r)
                for r in self.of("request") if r["text"] in kinds]

    @property
    def requests(self):
        return [(ref, kind) for ref, kind, _ in self.asked]

    @property
    def terms(self):
        return {(ref, kind): terms(kind, r["quantity"], r.get("price"), r.get("side"), r.get("symbol"))
                for ref, kind, r in self.asked}

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
    ours = ledger.terms(symbols)
    other = [(order, ours[order], said) for order, said in exchange.terms.items() if ours.get(order, said) != said]
    assert not other, f"not as decided: {other[:3]} (reference and kind, decided, arrived)"
    missing = set(sent) - set(arrived)
    assert len(missing) <= lost, f"never arrived: {sorted(missing)[:5]}"
    assert sorted(ledger.fills) == sorted(exchange.fills), (
        f"{len(ledger.fills)} fills here, {len(exchange.fills)} there; "
        f"{sorted(set(ledger.fills) ^ set(exchange.fills))[:4]}")
    positions = {symbols[i]: shares for i, shares in ledger.positions.items()}
    assert positions == exchange.positions, f"{positions} here, {exchange.positions} there"
    decisions = {e["sequence"] for e in ledger.events if e["event"] == "DECISION" and e["fields"]["refusal"] == "NONE"}
    proofs = [f["decision"] for f in ledger.of("ORDER_SENT", "ORDER_NOT_SENT")]
    assert len(set(proofs)) == len(proofs) and set(proofs) == decisions, "a frame without its own decision"
