#!/usr/bin/env python3
"""What the programs refuse, as a person meets it: the exit code, the place and the remedy, and nothing left behind.

Each case edits a good configuration; what must be said is a list of words that all have to be in the last lines.
"""

import contextlib
import mmap
import os
import pathlib
import signal
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, cores, need_programs, skip, wait_for  # noqa: E402

FAILED, USAGE, NOT_CONNECTED = 1, 2, 3
GOOD = """node:
  name: refuse
  region: {region}
  main_core: {main}
  control_socket: {folder}/control.sock
  huge_pages: {huge}
ports:
  - {{name: md0, device: "net_memif0,role=server,socket={folder}/m.sock,socket-abstract=no"}}
lanes:
  - {{name: lane0, core: {lane}, idle: {idle}}}
channels:
  - name: nasdaq
    lane: lane0
    symbols: 100
    orders: 10000
    lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]
    recovery: {{servers: ['127.0.0.1:9']}}
journal: {{directory: "{folder}/journal", durability: memory}}
"""

# (what is wrong, text to replace, replacement, exit code, what the message says)
CONFIGURATIONS = (
    ("unknown key", "  region:", "  regoin:", USAGE, [":3:", "node.regoin", "did you mean 'region'"]),
    ("repeated key", "  name: refuse", "  name: refuse\n  name: again", USAGE, [":3:", "node.name", "remove one"]),
    ("value out of range", "udp_port: 26477", "udp_port: 99999", USAGE, [":16:", "udp_port", "1 to 65535"]),
    ("value of another kind", "orders: 10000", "orders: many", USAGE, [":15:", "orders", "many"]),
    ("no such lane", "lane: lane0\n    sym", "lane: lane7\n    sym", USAGE, [":13:", "lane7"]),
    ("not YAML", "node:", "node: [", USAGE, ["config.yaml"]),
    ("missing PCI device", "net_memif0,role=server,socket={folder}/m.sock,socket-abstract=no", "0000:99:00.0", FAILED,
     [":8:", "ports[0].device", "no PCI device 0000:99:00.0", "dpdk-devbind.py"]),
    ("unknown argument of a device", "socket-abstract=", "socket-abstarct=", USAGE,
     [":8:", "ports[0].device", "socket-abstarct", "did you mean 'socket-abstract'"]),
    ("missing driver", "net_memif0", "net_nonsense0", FAILED, ["ports[0].device", "net_nonsense0", "does not open", "check"]),
    ("missing interface", "net_memif0,role=server,socket={folder}/m.sock,socket-abstract=no",
     "net_af_packet0,iface=nosuchif", FAILED, ["ports[0].device", "no network interface 'nosuchif'", "ip link"]),
    ("core that does not exist", "core: {lane}, idle", "core: 999, idle", USAGE, [":10:", "core 999", "take one of"]),
    ("core shared by two lanes", "lanes:\n", "lanes:\n  - {{name: lane1, core: {lane}, idle: poll}}\n", USAGE,
     ["lanes[1].core", f"core {cores()[1]}", "a core of its own"]),
    ("more memory than its limit", "orders: 10000", "orders: 100000000", USAGE, ["config.yaml:", "node.memory_limit", "largest"]),
    ("recovery by a port without an address", "recovery: {{servers", "recovery: {{via: port, servers", USAGE,
     [":17:", "recovery.via", "ip"]),
)


def said(program, *argv):
    """(exit code, last two lines of stderr) of a program that is to end by itself."""
    done = subprocess.run([str(BUILD / program), *map(str, argv)], capture_output=True, text=True, timeout=60)
    lines = done.stderr.strip().splitlines()
    return done.returncode, "; ".join(lines[-2:])


def check(what, got, code, words):
    assert got[0] == code, f"{what}: exit code {got[0]}, not {code}: {got[1]}"
    for word in words:
        assert word in got[1], f"{what}: '{word}' is not in: {got[1]}"


def regions(s):
    """What is left behind: pages without a file (DPDK's, --in-memory) are gone with their process, and how many are free
    on the machine says nothing while others run."""
    places = [pathlib.Path("/dev/hugepages"), pathlib.Path("/dev/shm")]
    return sorted(str(p) for place in places if place.exists() for p in place.iterdir() if s.name in p.name or "map_" in p.name)


def values(s):
    main, lane, _ = cores()
    return {"region": s.name, "main": main, "lane": lane, "folder": s.dir, "huge": "true" if s.huge else "false",
            "idle": "poll" if main != lane else "yield"}


def configurations(s):
    path = s.dir / "config.yaml"
    for what, old, new, code, words in CONFIGURATIONS:
        good, old, new = GOOD.format(**values(s)), old.format(**values(s)), new.format(**values(s))
        assert old in good, f"{what}: the good configuration has no '{old}'"
        path.write_text(good.replace(old, new, 1))
        check(what, said("tickgate-dataplane", "--config", path), code, words)
        assert regions(s) == [], f"{what}: {regions(s)} left behind"
    return len(CONFIGURATIONS)


def too_few_huge_pages(s):
    if not s.huge:
        return 0
    text = GOOD.format(**values(s)).replace("huge_pages", "memory_limit: 1000GiB\n  huge_pages")
    (s.dir / "config.yaml").write_text(text.replace("orders: 10000", "orders: 134000000"))
    check("too few huge pages", said("tickgate-dataplane", "--config", s.dir / "config.yaml"), FAILED,
          ["config.yaml:16: channels[0].orders: ", "huge pages of 2 MiB are needed", "reserve"])
    assert regions(s) == [], f"{regions(s)} left behind"
    return 1


# (what is wrong, the sections, what the message says); the files lie beside the configuration
TRADES = """
trading: {{limits: {{}}}}
accounts: [{{name: house, limits: {{}}}}]
symbols: [{{names: [AAPL, MSFT], limits: {{}}}}]
day: {{date: 2026-11-23, {day}}}
"""
DAYS = (
    ("reference data of yesterday", "reference: {folder}/old.csv",
     ["old.csv:1: effective date: is of 2026-11-20", "trading day is 2026-11-23", "day.max_age_days"]),
    ("reference data of tomorrow", "reference: {folder}/new.csv", ["new.csv:1: effective date: holds from 2026-11-24", "day.date"]),
    ("unknown symbol", "max_age_days: 3, reference: {folder}/old.csv", ["old.csv:4: symbol: 'TSLA", "day.unknown_symbols"]),
    ("positions of nobody", "positions: {folder}/positions.csv", ["positions.csv:3: account: there is no account 'fund'"]),
    ("no such file", "reference: {folder}/absent.csv", ["absent.csv: No such file", "readable"]),
    ("no such zone", "zone: America/Gotham", ["config.yaml:", "day.zone", "America/Gotham", "tzdata"]),
)


def days(s):
    """Files of the trading day: refused with file, line and remedy before anything is started; good ones are good."""
    path = s.dir / "config.yaml"
    rows = "symbol,average_volume,lot\nAAPL,58000000,100\n"
    (s.dir / "old.csv").write_text(f"tickgate,reference,1,2026-11-20\n{rows}TSLA,1,1\n")
    (s.dir / "new.csv").write_text(f"tickgate,reference,1,2026-11-24\n{rows}")
    (s.dir / "positions.csv").write_text("tickgate,positions,1,2026-11-23\naccount,symbol,shares,price\nfund,AAPL,-5,190\n")
    for what, day, words in DAYS:
        path.write_text((GOOD + TRADES).format(day=day.format(**values(s)), **values(s)))
        code = FAILED if "absent" in day else USAGE
        check(what, said("tickgate-dataplane", "--config", path, "--check"), code, words)
        check(what, said("tickgate-dataplane", "--config", path), code, words)
        assert regions(s) == [], f"{what}: {regions(s)} left behind"
    path.write_text((GOOD + TRADES).format(
        day=f"max_age_days: 3, unknown_symbols: skip, reference: {s.dir}/old.csv", **values(s)))
    got = said("tickgate-dataplane", "--config", path, "--check")
    assert got[0] == 0, f"good files: exit code {got[0]}: {got[1]}"
    return len(DAYS) + 1


def usage(s):
    path = s.dir / "absent.yaml"
    check("no configuration", said("tickgate-dataplane", "--config", path), FAILED, ["absent.yaml", "--config"])
    check("unknown option", said("tickgate-dataplane", "--cnofig", path), USAGE, ["--cnofig"])
    check("unknown option", said("tickgate-exchange", "--lien", "A=1.2.3.4:5"), USAGE, ["--lien"])
    check("nobody answers", said("tickgate", "status", "--socket", s.dir / "no.sock"), NOT_CONNECTED, ["no.sock"])
    check("no such command", said("tickgate", "frobnicate"), USAGE, ["frobnicate"])
    return 5


def capture(path, payloads):
    """Ethernet frames with one UDP datagram each, as pcap."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for second, payload in enumerate(payloads):
        udp = struct.pack(">HHHH", 1, 26477, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\n\0\0\1", b"\xef\1\1\1")
        frame = b"\1\0\x5e\1\1\1\2\0\0\0\0\1\x08\0" + ip + udp
        data += struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame
    path.write_bytes(data)
    return path


def mold(session, sequence, *messages):
    return session.ljust(10) + struct.pack(">QH", sequence, len(messages)) + b"".join(
        struct.pack(">H", len(m)) + m for m in messages)


def captures(s):
    start = b"S" + struct.pack(">HH6s", 0, 0, b"\0" * 6) + b"O"
    path = s.dir / "one.pcap"
    check("other datagrams", said("tickgate-book", capture(path, [b"x" * 20, b"something else " * 5])), FAILED,
          ["one.pcap", "no market data", "2 datagrams"])
    two = [mold(b"A", 1, start), mold(b"A", 40, start), mold(b"B", 1)]
    check("two sessions", said("tickgate-book", capture(path, two)), FAILED, ["datagram 3", "another session", "tcpdump"])
    check("a few of something else", said("tickgate-book", capture(path, [*two[:1], b"y" * 30])), 0,
          ["1 datagrams are of something else", "messages=1 "])
    path.write_bytes(b"\0" * 1000)
    check("zeros", said("tickgate-book", path), FAILED, ["one.pcap", "neither a capture"])
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BUILD / "tickgate-book"), str(capture(path, two[:1]))], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    check("full disk", (done.returncode, done.stderr), FAILED, ["standard output"])
    return 5


def files(s):
    bad = s.dir / "bad.pcap"
    bad.write_bytes(b"this is no capture, and it is long enough to look at " * 10)
    check("no capture", said("tickgate-book", bad), FAILED, ["bad.pcap"])
    check("a directory", said("tickgate-book", s.dir), FAILED, [str(s.dir), "is a directory"])
    check("no such file", said("tickgate-book", s.dir / "none.itch"), FAILED, ["none.itch"])
    day = s.dir / "day.itch"
    subprocess.run([str(BUILD / "tickgate-exchange"), "--messages", "5000", "--symbols", "20", "--live", "500", "--write",
                    str(day)], check=True, stdout=subprocess.DEVNULL, timeout=60)
    whole = subprocess.run([str(BUILD / "tickgate-book"), str(day)], capture_output=True, text=True, timeout=60)
    data = day.read_bytes()
    day.write_bytes(data[:-3])
    cut = subprocess.run([str(BUILD / "tickgate-book"), str(day)], capture_output=True, text=True, timeout=60)
    assert "messages=4999" in cut.stderr and "messages=5000" in whole.stderr, cut.stderr
    assert "cut" in cut.stderr or "truncated" in cut.stderr, f"a file that is cut: {cut.stderr}"
    return 4


def second_and_killed(s):
    """One dataplane a region; one that is killed leaves nothing that its successor does not clear away."""
    (s.dir / "config.yaml").write_text(GOOD.format(**values(s)))
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    check("second dataplane", said("tickgate-dataplane", "--config", s.dir / "config.yaml"), FAILED, [s.name, "another"])
    other_core(s)
    first = s.ask("status")["epoch"]

    for how, name in ((signal.SIGKILL, "dataplane"), (signal.SIGKILL, "controlplane")):
        s.end(name, how)
    assert said("tickgate", "status", "--socket", s.socket)[0] == NOT_CONNECTED
    s.start_dataplane()
    s.start_controlplane()
    wait_for("the next dataplane", lambda: (s.ask("status") or {}).get("epoch", first) != first, s.alive)
    s.wait_ready()
    foreign_version(s)
    assert s.end("dataplane") == 0 and s.end("controlplane") == 0  # which takes the last events
    assert regions(s) == [], f"{regions(s)} left behind"
    assert not s.socket.exists() and not (s.dir / "m.sock").exists(), "a socket is left behind"
    return 5


def other_core(s):
    """A lane that polls has its core alone, also among the dataplanes of one machine."""
    given = {**values(s), "region": f"{s.name}-other"}
    if given["idle"] != "poll":
        return
    path = s.dir / "other.yaml"
    path.write_text(GOOD.format(**given))
    check("a lane's core", said("tickgate-dataplane", "--config", path), FAILED,
          ["other.yaml:10:", "lanes[0].core", f"core {given['lane']} is in use by another dataplane", "take another core"])
    path.write_text(GOOD.format(**{**given, "main": given["lane"], "lane": given["main"]}))
    check("a main core", said("tickgate-dataplane", "--config", path), FAILED,
          ["other.yaml:4:", "node.main_core", "by another dataplane, whose lane polls on it"])
    assert not any("-other" in name for name in regions(s)), regions(s)


def foreign_version(s):
    """A copy of the region whose version is another one is not attached to."""
    region = pathlib.Path(regions(s)[0])
    copy = s.dir / "region"
    with open(region, "rb") as f, contextlib.closing(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)) as m:
        data = bytearray(m[:])
    # The version stands behind the magic (docs/abi.md); a reader sees it before anything else.
    assert data[:8].strip(b"\0"), "no magic"
    data[8] ^= 0x40
    copy.write_bytes(data)
    got = subprocess.Popen([str(BUILD / "tickgate-controlplane"), "--region", str(copy), "--socket", str(s.dir / "v.sock"),
                            "--journal", "none"],
                           stdout=subprocess.PIPE, text=True)
    try:
        wait_for("the control plane's socket", (s.dir / "v.sock").exists)
        code, line = said("tickgate", "status", "--socket", s.dir / "v.sock")
        assert code == NOT_CONNECTED and "version" in line, f"another version: {code}: {line}"
    finally:
        got.terminate()
        log = got.communicate(timeout=60)[0]
    assert log.count("version") == 1 and str(copy) in log, f"the log on another version: {log}"


def main():
    need_programs()
    if os.geteuid() != 0:
        skip("needs root for huge pages and ports")
    with System("refuse") as s:
        done = sum(part(s) for part in (configurations, too_few_huge_pages, days, usage, captures, files, second_and_killed))
    print(f"{done} cases")


if __name__ == "__main__":
    main()
