#!/usr/bin/env python3
"""Every instance of a day is run again, byte for byte: the first, and those that went on from the journal after they were killed,
alone and with the control plane, with open orders, a limit and a halt that people had set, and orders that waited for the journal.
Orders of a client of the gateway come back as well and are cancelled, as its rings died with the instance; then it attaches again.

Without the beginning of the day or of the instance, or with a day that was changed, what went on from it is refused, with the place.
"""

import json
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_test import C, FAR, HELD, Clients, client_sections  # noqa: E402
from replay_test import tickgate  # noqa: E402
from restart_test import (DAY, SYMBOLS, cli, configure, kill_both, kill_dataplane, kill_while_orders_wait, nothing_open,  # noqa: E402
                          trades, up)
from system import PATIENCE_S, System, Wire, need_programs, wait_for  # noqa: E402
from trading import start_veth_exchange  # noqa: E402


def begin(s, wire, durable=False):
    log = s.dir / "orders.jsonl"
    configure(s, f"net_af_packet0,iface={wire.near}", durable=durable,
              more=f"capture: {{ring_size: 64MiB, directory: {s.dir}/capture, file_size: 8MiB}}\n"
              + client_sections(s.dir / "gateway.sock"))
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    start_veth_exchange(s, wire.far, DAY, log, wire.prefix)
    up(s, 0)
    trades(s, 1, 10)
    return log


def events(s, *words):
    done = tickgate("journal", "dump", s.dir / "journal", "--json", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def replay(s, epoch, journal="journal"):
    return tickgate("replay", s.dir / journal, s.dir / "capture", "--config", s.dir / "config.yaml", "--epoch", epoch)


def all_same(s):
    """What every instance went on from, and how many events came out the same."""
    restored = {e["epoch"]: e["fields"] for e in events(s, "--type", "RESTORED")}
    counts = []
    for epoch in sorted(restored):
        done = replay(s, epoch)
        assert done.returncode == 0 and "events are the same" in done.stdout, f"{restored[epoch]}: {done.stdout}{done.stderr}"
        counts.append(int(done.stdout.split()[2]))
    assert min(counts) > 50, counts
    return [restored[epoch] for epoch in sorted(restored)], counts


def client_orders(s):
    """(epoch, ref) of the decisions on a client's orders, and of the cancels sent for them."""
    entered = {e["fields"]["ref"]: e["epoch"] for e in events(s, "--type", "DECISION") if e["fields"]["price"] == FAR}
    return entered, [(e["epoch"], e["fields"]["ref"]) for e in events(s, "--type", "CANCEL_SENT") if e["fields"]["ref"] in entered]


def killed_under_a_client(s):
    """What it had open is at the exchange, comes back, and is cancelled; then its name is free again."""
    clients = Clients(s)
    process = clients.holding(C, "alpha")
    kill_dataplane(s)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1 and "the dataplane stopped" in err, err

    def cancelled():
        entered, cancels = client_orders(s)
        # A cancel that is not answered in time is sent again, under the same number.
        return len(entered) == HELD and {ref for _, ref in cancels} == set(entered) and cancels

    wait_for("the cancels of what it had open", cancelled, s.alive, lambda: f"; {client_orders(s)}")
    entered, cancels = client_orders(s)
    assert all(epoch > entered[ref] for epoch, ref in cancels), (entered, cancels)
    code, _, err = clients.run(C, "alpha", 1)
    assert code == 0, err


def refused(s, epoch):
    """The first segment is gone; a byte in it is another."""
    shutil.copytree(s.dir / "journal", s.dir / "part")
    first = min((s.dir / "part").glob("*.journal"))
    content = bytearray(first.read_bytes())
    content[len(content.rstrip(b"\0")) // 3] ^= 1
    first.write_bytes(content)
    done = replay(s, epoch, "part")
    assert done.returncode != 0 and "segment 1 block" in done.stderr, f"{done.stdout}{done.stderr}"
    first.unlink()
    done = replay(s, epoch, "part")
    assert done.returncode != 0 and "not all of them are there" in done.stderr, f"{done.stdout}{done.stderr}"


def beginning_gone(s):
    """Retention has taken the segment with what the newest instance went on from: it is still written to in a later one."""
    epoch = max(e["epoch"] for e in events(s, "--type", "RESTORED"))
    shutil.copytree(s.dir / "journal", s.dir / "rest")
    for path in sorted((s.dir / "rest").glob("*.journal"))[:-1]:
        path.unlink()
    left = tickgate("journal", "dump", s.dir / "rest", "--json")
    assert {json.loads(line)["epoch"] for line in left.stdout.splitlines()} == {epoch} and '"RESTORED"' not in left.stdout, left.stderr
    done = replay(s, epoch, "rest")
    assert done.returncode == 4 and "(RESTORED) is not in the journal" in done.stderr, f"{done.returncode}: {done.stdout}{done.stderr}"


def async_day():
    with Wire() as wire, System("replayrestart") as s:
        log = begin(s, wire)
        cli(s, "set", "limit", f"symbol:{SYMBOLS[0]}", "quantity", "250", "--reason", "to see it again")
        cli(s, "halt", "symbol", SYMBOLS[1], "--reason", "to see it again")
        killed_under_a_client(s)
        trades(s, 0, 10)
        cli(s, "resume", "symbol", SYMBOLS[1], "--reason", "seen", "--yes")
        kill_both(s)
        trades(s, 1, 10)
        s.end("controlplane", signal.SIGKILL)
        s.start_controlplane()  # begins a segment
        s.wait_ready()
        trades(s, 0, 10)
        nothing_open(s, log)
        went_on, counts = all_same(s)
        assert [r["instances"] for r in went_on] == [0, 1, 2], went_on
        assert went_on[2]["orders"] > went_on[1]["orders"] > HELD and went_on[1]["limits"] == 1, went_on
        assert went_on[1]["open_orders"] >= HELD, went_on
        refused(s, max(e["epoch"] for e in events(s, "--type", "RESTORED")))
        beginning_gone(s)
        print(f"instances of {counts} events, the last one went on from {went_on[2]}")


def durable_day():
    with Wire() as wire, System("replaypark") as s:
        log = begin(s, wire, durable=True)
        for _ in range(3):
            kill_while_orders_wait(s)
            trades(s, 1, 10)
        nothing_open(s, log)
        went_on, counts = all_same(s)
        assert any(r["open_orders"] for r in went_on), went_on
        print(f"durable: instances of {counts} events")


def main():
    need_programs()
    async_day()
    durable_day()


if __name__ == "__main__":
    main()
