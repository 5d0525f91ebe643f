#!/usr/bin/env python3
"""Books that the main lcore loads while a lane has lent them are in the capture: a dataplane that joins in mid-day by a snapshot,
is killed, and joins again beside the journal of its day and beside the extract of its first segment, is run again byte for byte,
every time; and so is one on whose channel another session begins.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from replay_restart_test import all_same, events, replay  # noqa: E402
from restart_test import DAY, kill_both, kill_dataplane, nothing_open, stages, trades, up  # noqa: E402
from system import System, Wire, cores, need_programs, wait_for  # noqa: E402
from trading import sections, start_veth_exchange  # noqa: E402

GLIMPSE = 26500
FIRST = "--seed 14 --symbols 200 --live 5000 --messages 40000".split()
SECOND = "--seed 15 --symbols 250 --live 5000 --messages 40000".split()


def capture(s):
    return f"capture: {{ring_size: 64MiB, directory: {s.dir}/capture, file_size: 8MiB}}\n"


def snapshot(wire):
    return f"{{server: '{wire.there}:{GLIMPSE}', username: tester, password: secret}}"


def trades_behind_snapshot(s):
    trades(s, 1, 10)
    assert s.counters()["snapshots"] >= 1, s.counters()


def mid_day():
    with Wire() as wire, System("replaymidday") as s:
        log = s.dir / "orders.jsonl"
        text = sections("10.77.0.2:26400", session="cancel_on_stop: true").replace("trading:\n", "trading:\n  start: journal\n", 1)
        s.configure({"md0": {"device": f"net_af_packet0,iface={wire.near}", "rx_descriptors": 2048, "ip": "10.77.0.1"}},
                    {"nasdaq": {"symbols": 100, "orders": 50000, "start": "snapshot", "snapshot": snapshot(wire),
                                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]",
                                "recovery": "{servers: ['10.77.0.2:26490'], via: port}"}}, text + capture(s))
        start_veth_exchange(s, wire.far, [*DAY, "--glimpse", f"{wire.there}:{GLIMPSE},tester,secret"], log, wire.prefix)
        heard = pathlib.Path(f"/sys/class/net/{wire.near}/statistics/rx_packets")
        wait_for("a part of the day that nobody hears", lambda: int(heard.read_text()) > 500, s.alive, lambda: f"; {heard.read_text()}")
        s.start_dataplane()
        s.start_controlplane()
        up(s, 0)
        trades_behind_snapshot(s)
        kill_both(s)  # another control plane begins another segment, and makes an extract of the one before
        trades_behind_snapshot(s)
        wait_for("an extract", lambda: (s.dir / "journal" / "0000000000000001.extract").exists(), s.alive)
        said = len(s.log("controlplane"))
        kill_dataplane(s)
        assert re.search(r"from [1-9]\d* extracts", s.log("controlplane")[said:]), s.log("controlplane")[said:]
        trades_behind_snapshot(s)
        print(stages(s.log("dataplane")))
        nothing_open(s, log)
        went_on, counts = all_same(s)
        assert len(went_on) == 3, went_on
        print(f"mid-day: instances of {counts} events")


def sessions():
    with Wire() as wire, System("replaysession") as s:
        server = f"{wire.there}:26400"
        s.configure({"md0": {"device": f"net_af_packet0,iface={wire.near}", "rx_descriptors": 2048}},
                    {"nasdaq": {"symbols": 1000, "orders": 50000, "recovery": f"{{servers: ['{server}']}}",
                                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}}, capture(s))
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        for day, name, after_s in ((FIRST, "MORNING", "1"), (SECOND, "EVENING", "30")):
            s.start_exchange("--interface", wire.far, "--line", "A=233.54.12.111:26477", "--core", cores()[0], "--rate", "40000",
                             "--pack-us", "500", *day, "--session", name, "--end-s", after_s, "--rerequest", server,
                             prefix=wire.prefix)
            if name == "MORNING":
                assert s.processes["exchange"].wait(60) == 0
        s.wait_counters("the second session", lambda c: c["end_of_session"] == 2 and c["next_sequence"] == 40001)
        assert s.counters()["session_changes"] == 1, s.counters()
        assert s.end("dataplane") == 0
        s.end("exchange")
        s.end("controlplane")
        done = replay(s, events(s)[0]["epoch"])
        assert done.returncode == 0 and "events are the same" in done.stdout, f"{done.stdout}{done.stderr}"
        print(f"two sessions: {done.stdout.strip()}")


def main():
    need_programs()
    mid_day()
    sessions()


if __name__ == "__main__":
    main()
