"""What the tests of trading share: sections of the configuration; the demo's two accounts of the day."""

import pathlib
import sys

from system import BUILD

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench/demo"))
import ledger  # noqa: E402
from ledger import reconcile  # noqa: E402, F401


class Ledger(ledger.Ledger):
    def __init__(self, system):
        super().__init__(system.socket)


class Exchange(ledger.Exchange):
    def __init__(self, path, member="alice"):
        super().__init__(path, member)


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


def flat(system):
    """What the dataplane says when it ends: nothing open, nothing reserved."""
    text = system.log("dataplane")
    assert "; 0 orders and 0 price4 x shares still reserved" in text, text[-800:]
