"""What the tests of trading share: sections of the configuration; the demo's two accounts of the day."""

import pathlib
import sys

from system import BUILD, cores

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


def configure_memif(system, trading, journal=None, **node):
    """One channel and one session over a memif to the exchange; <trading>: the text of its sections."""
    return system.configure(
        {"md0": {"device": system.memif, "ip": "10.0.0.2"}},
        {"nasdaq": {"symbols": 100, "orders": 50000,
                    "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}},
        trading, journal, **node)


def start_memif_trade(system, day, member, *argv):
    """The exchange at the other end of that."""
    system.start_memif_exchange("--mode", "trade", "--line", "A=233.54.12.111:26477", *day, "--orders-on-port", "26400",
                                "--member", member, *argv)


def configure_veth(system, device, symbols):
    """Both strategies on one session, over a port on a veth pair with the exchange at the other end."""
    system.configure(
        {"md0": {"device": device, "rx_descriptors": 2048, "ip": "10.77.0.1"}},
        {"nasdaq": {"symbols": 100, "orders": 50000,
                    "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]",
                    "recovery": "{servers: ['10.77.0.2:26490'], via: port}"}},
        sections("10.77.0.2:26400", symbols))


def start_veth_exchange(system, interface, day, log, prefix):
    system.start_exchange("--mode", "trade", "--interface", interface, "--line", "A=233.54.12.111:26477", *day,
                          "--core", cores()[0], "--orders", "10.77.0.2:26400", "--member", "alice,secret,firm=ALCE",
                          "--order-log", log, "--pack-us", "500", "--rerequest", "10.77.0.2:26490", prefix=prefix)


def flat(system):
    """What the dataplane says when it ends: nothing open, nothing reserved."""
    text = system.log("dataplane")
    assert "; 0 orders and 0 price4 x shares still reserved" in text, text[-800:]
