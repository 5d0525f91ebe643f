#!/usr/bin/env python3
"""tickgate-bench writes what it says: figures that agree with each other in all three files, and clear refusals."""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, need_programs  # noqa: E402

MESSAGES = 50000
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def bench(*argv):
    return subprocess.run([str(BUILD / "tickgate-bench"), *argv], capture_output=True, text=True, timeout=120)


def log_total(line):
    """Samples in one line of an interval log: compressed V2, ZigZag LEB128 with runs of zeros as negative counts."""
    packed = base64.b64decode(line.split(",")[3])
    assert packed[:4] == bytes.fromhex("1c849314"), "cookie of a compressed histogram"
    plain = zlib.decompress(packed[8:])
    assert plain[:4] == bytes.fromhex("1c849313") and int.from_bytes(plain[12:16], "big") == 3
    total, at = 0, 40
    while at < len(plain):
        value = shift = 0
        while True:
            byte = plain[at]
            at += 1
            last = shift == 56
            value |= (byte if last else byte & 0x7F) << shift
            shift += 7
            if last or not byte & 0x80:
                break
        number = (value >> 1) ^ -(value & 1)
        total += max(number, 0)
    return total


def lane():
    """A lane that trades: every order is checked by the program itself, and it asks nothing of the kernel meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        done = bench("lane", "--seconds", "0.05", "--orders", "2000", "--warm", "500", "--live", "2000", "--symbols", "100", "--out", folder)
        assert done.returncode == 0, done.stderr
        result = json.loads((pathlib.Path(folder) / "result.json").read_text())
        log = (pathlib.Path(folder) / "lane.hlog").read_text().splitlines()
    figures = result["figures_ns"]
    assert result["orders"] == 2000 == log_total(log[-1])
    assert {figure["count"] for figure in figures.values()} == {2000}
    assert figures["frame_to_frame"]["p50"] >= figures["approved_sent"]["p50"] > 0
    assert result["system_calls"] in (0, -1), f"system call {result}"  # -1: this kernel cannot count them
    assert result["page_faults"] == 0 == result["voluntary_switches"], result
    with tempfile.TemporaryDirectory() as folder:
        done = bench("lane", "--seconds", "0.05", "--orders", "2000", "--warm", "500", "--live", "2000", "--symbols", "100", "--instances", "8",
                     "--clients", "3", "--out", folder)
        assert done.returncode == 0, done.stderr
        result = json.loads((pathlib.Path(folder) / "result.json").read_text())
    assert (result["instances"], result["clients"], result["orders"]) == (8, 3, 2000), result
    alone = bench("lane", "--seconds", "0.01", "--orders", "50000", "--live", "2000", "--symbols", "100", "--region", f"benchtest{os.getpid()}")
    assert alone.returncode == 1 and "nobody takes the events" in alone.stderr, alone
    assert not regions(f"benchtest{os.getpid()}")
    interrupted()
    refused = bench("lane", "--durable", "--seconds", "0.01")
    assert refused.returncode == 2 and "--region" in refused.stderr, refused.stderr
    refused = bench("lane", "--strategies", "/proc/nowhere", "--seconds", "0.01", "--live", "100")
    assert refused.returncode == 2 and "/proc/nowhere/taker.so" in refused.stderr, refused.stderr


def regions(name):
    return [p for place in ("/dev/hugepages", "/dev/shm") for p in pathlib.Path(place).glob(f"tickgate.{name}*")]


def interrupted():
    """Ctrl-C leaves no memory taken, and no file."""
    process = subprocess.Popen([str(BUILD / "tickgate-bench"), "trip", "--seconds", "0.01", "--round_s", "20", "--live", "2000", "--symbols", "100"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    socket, end = pathlib.Path(f"/tmp/tickgate-bench-{process.pid}.sock"), time.monotonic() + 20
    while not socket.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert socket.exists(), "no port came"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT and not socket.exists()
    name = f"benchint{os.getpid()}"
    process = subprocess.Popen([str(BUILD / "tickgate-bench"), "lane", "--seconds", "0.01", "--orders", "50000", "--live", "2000", "--symbols", "100",
                                "--region", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not regions(name) and time.monotonic() < end:
        time.sleep(0.01)
    assert regions(name), "no region came"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT and not regions(name), regions(name)


def report(folder):
    """Two results beside each other, and a page with a plot of them."""
    compared = bench("compare", str(folder), str(folder / "keep"))
    assert compared.returncode == 0 and "port differs: 'memif', 'ring'" in compared.stdout, compared
    same = bench("compare", str(folder), str(folder))
    assert same.returncode == 0 and "slower" not in same.stdout and "faster" not in same.stdout, same.stdout
    for text in ("[]", "{}", '{"figures_ns": 5}', (folder / "result.json").read_text()[:3000]):
        (folder / "cut").mkdir(exist_ok=True)
        (folder / "cut/result.json").write_text(text)
        senseless = bench("compare", str(folder), str(folder / "cut"))
        assert senseless.returncode == 1 and "cut/result.json" in senseless.stderr and not senseless.stdout, senseless
    other = {"figures_ns": {"another": {"p50": 0, "p99": 0}}}
    (folder / "cut/result.json").write_text(json.dumps(other))
    none = bench("compare", str(folder), str(folder / "cut"))
    assert none.returncode == 1 and "no figure in common" in none.stderr, none
    nil = bench("compare", str(folder / "cut"), str(folder / "cut"))
    assert nil.returncode == 0 and "nan" not in nil.stdout, nil
    (folder / "cut/result.json").write_text('{"figures_ns": {"echo"')  # the report goes on without it
    nothing = bench("compare", str(folder), str(folder / "nothing"))
    assert nothing.returncode == 1 and "nothing/result.json" in nothing.stderr, nothing.stderr
    (folder / "keep").rename(folder / "ring")
    conditions = subprocess.run([str(ROOT / "bench/latency/conditions.py"), str(BUILD / "tickgate-bench"), str(folder), "1", "0", "1", "2000",
                                 "alone", "second-lane", "beside-scrapes", "durable", "lanes"],
                                capture_output=True, text=True, timeout=120)
    assert conditions.returncode == 0 and (folder / "second-lane-1/result.json").exists(), conditions
    scraped = folder / "beside-scrapes-1/did.txt"
    assert scraped.exists() and int(scraped.read_text().split()[0].replace(",", "")) > 0, conditions
    durable = json.loads((folder / "durable-1/result.json").read_text())["figures_ns"]["frame_to_frame"]
    usual = json.loads((folder / "beside-scrapes-1/result.json").read_text())["figures_ns"]["frame_to_frame"]
    assert durable["count"] == 100 and durable["p50"] > usual["p50"], (durable, usual)
    lanes = json.loads((folder / "scale-lanes-1/result.json").read_text())
    assert lanes["lanes"] == 1 and lanes["orders_per_s"] == lanes["one_lane"] > 0, lanes
    (folder / "memif-feed").mkdir()
    done = bench("trip", "--leg", "feed", "--seconds", "0.05", "--round_s", "0.1", "--rounds", "1", "--live", "2000", "--symbols", "100", "--out",
                 str(folder / "memif-feed"))
    assert done.returncode == 0, done.stderr
    measured = bench("cores", "--seconds", "0.05", "--round_s", "0.05", "--out", str(folder / "cores"))
    assert measured.returncode == 0, measured.stderr
    of = json.loads((folder / "cores/result.json").read_text())["figures_ns"]
    assert 0 < of["line_round"]["p50"] < of["wake_round"]["p50"], of
    (folder / "memif").mkdir()
    for path in (*folder.glob("*.json"), *folder.glob("*.hgrm")):
        shutil.copy(path, folder / "memif")
    (folder / "peak.json").write_text(json.dumps({"lossless": 9000000, "line_rate": 36000000, "of_10gbe": 0.25, "tries": [
        {"rate": 9000000, "lossless": True, "applied": 1, "of": 1}, {"rate": 12000000, "lossless": False, "applied": 1, "of": 2}]}))
    (folder / "nothing").mkdir()
    plain = subprocess.run([sys.executable, str(ROOT / "bench/latency/report.py"), str(folder)], capture_output=True, text=True, timeout=60,
                           env={"PATH": str(folder / "nothing")})
    page = (folder / "report.html").read_text()
    assert plain.returncode == 0 and "gnuplot is not installed" in page and "<td>ring</td>" in page, plain
    if shutil.which("gnuplot"):
        written = subprocess.run([str(ROOT / "bench/latency/report.py"), str(folder)], capture_output=True, text=True, timeout=60)
        assert written.returncode == 0, written.stderr
        page = (folder / "report.html").read_text()
        for words in ("<h2>Targets</h2>", "<td>memif: order over its echo, p50 (ns)</td>", "<h2>Lanes</h2>", "<td>memif-feed</td>"):
            assert words in page, f"no {words}"
        assert "<td>second-lane</td><td>1</td><td>2000</td>" in page and "9.0 million messages a second" in page, page[-3000:]
        assert "cut: its result.json is cut" in page
        assert page.count("<svg") >= 3 and "What distorts these figures" in page and "<td>ring</td>" in page, page[:500]


def cards(told):
    """Every card that the machine has, with its driver; what the kernel knows of its firmware."""
    there = [
        path.parent
        for path in sorted(pathlib.Path("/sys/bus/pci/devices").glob("*/class"))
        if path.read_text().startswith("0x02")
    ]
    for device, line in zip(there, told.split("; ") if told else [], strict=True):
        driver = device / "driver"
        assert line.startswith(device.name + " ") and ", firmware " in line, told
        assert (driver.resolve().name if driver.exists() else "no driver") in line, told


def legs():
    """Parts of the way, each beside its echo: every best price is looked for, every order of a client is taken apart."""
    for leg, port, figure in (("feed", "memif", "frame_to_book"), ("client", "ring", "request_to_wire"), ("client", "memif", "request_to_wire")):
        with tempfile.TemporaryDirectory() as folder:
            done = bench("trip", "--leg", leg, "--port", port, "--seconds", "0.05", "--round_s", "0.1", "--rounds", "1", "--live", "2000",
                         "--symbols", "100", "--out", folder)
            assert done.returncode == 0, f"{leg} {port}: {done.stderr}"
            result = json.loads((pathlib.Path(folder) / "result.json").read_text())
            log = (pathlib.Path(folder) / f"{figure}.hlog").read_text().splitlines()
        figures = result["figures_ns"]
        assert result["leg"] == leg and result["whole"] == figure and "tick_to_order" not in figures, result
        assert result["orders"] == log_total(log[-1]) == figures[figure]["count"] > 0 == result["orders_lost"] == result["echoes_lost"], result
        assert figures["echo"]["count"] == result["echoes"] > 0, result
        assert ("decide_approved" in figures) == (leg == "client"), figures.keys()
        assert result["system_calls"] in (False, None) and result["voluntary_switches"] == 0, result
    for argv, word in ((("--leg", "nonsense"), "--leg"), (("--leg", "feed", "--port", "blocking"), "sockets of the kernel")):
        refused = bench("trip", *argv, "--seconds", "0.01")
        assert refused.returncode == 2 and word in refused.stderr, refused.stderr


def sockets_of_the_kernel():
    """The same logic over sockets, and the port of DPDK on a veth pair, where we may make such pairs."""
    veth = [str(ROOT / "bench/latency/veth.sh")]
    if subprocess.run([*veth, "up"], capture_output=True).returncode != 0:
        print("no veth pairs may be made here (or there are some): kernel sockets not run")
        return
    try:
        for port in ("blocking", "asleep", "spinning", "af_packet"):
            with tempfile.TemporaryDirectory() as folder:
                done = bench("trip", "--port", port, "--far_netns", "tgbench", "--near", "tgd0", "--far", "tgd1", "--seconds", "0.05",
                             "--round_s", "0.1", "--rounds", "1", "--live", "2000", "--symbols", "100", "--out", folder)
                assert done.returncode == 0, f"{port}: {done.stderr}"
                result = json.loads((pathlib.Path(folder) / "result.json").read_text())
            assert result["port"] == port and result["orders"] > 0 == result["orders_lost"], result
    finally:
        subprocess.run([*veth, "down"], capture_output=True)


def trip():
    """Through a port, between two cores: every order answers its trigger (the program checks), and none is missing."""
    with tempfile.TemporaryDirectory() as folder:
        day = pathlib.Path(folder) / "day.itch"
        made = subprocess.run([str(BUILD / "tickgate-exchange"), "--seed", "1", "--symbols", "50", "--live", "1000",
                               "--messages", "20000", "--write", str(day)], capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stderr
        for port, more, loop in (("memif", (), "closed"), ("vhost", (), "closed"), ("ring", (), "closed"),
                                 ("memif", ("--rate", "2000", "--poisson"), "open"), ("memif", ("--recording", str(day), "--speed", "20"), "open")):
            done = bench("trip", "--port", port, "--seconds", "0.05", "--round_s", "0.1", "--rounds", "2", "--live", "2000", "--symbols", "100",
                         "--out", folder, *more)
            assert done.returncode == 0, f"{port} {more}: {done.stderr}"
            result = json.loads((pathlib.Path(folder) / "result.json").read_text())
            log = (pathlib.Path(folder) / "tick_to_order.hlog").read_text().splitlines()
            figures = result["figures_ns"]
            assert result["loop"] == loop and result["port"] == port, result
            assert result["orders_lost"] == 0 == result["echoes_lost"], result
            assert result["orders"] == log_total(log[-1]) == figures["tick_to_order"]["count"] == figures["sent_seen"]["count"] > 0
            assert result["system_calls"] in (False, None) and result["page_faults"] == 0 == result["voluntary_switches"], result
            slow = result["slowest_ns"]
            assert len(slow) == min(100, result["orders"]) and slow[0]["whole"] == max(s["whole"] for s in slow), slow[0]
            assert all(0 <= s["sent"] <= s["stamped"] <= s["decide"] <= s["approved"] <= s["encoded"] <= s["handed"] for s in slow), slow
            looks = [s["kernel"] for s in slow if "kernel" in s]
            assert looks or loop == "open", "nobody looked at the kernel"
            assert all(k["window_ns"] > 0 == k["page_faults"] == k["voluntary_switches"] for k in looks), looks
            if port == "ring":
                shutil.copytree(folder, pathlib.Path(folder) / "keep")
        report(pathlib.Path(folder))
    sockets_of_the_kernel()
    for argv, code, word in ((("af_packet",), 2, "--near"), (("physical",), 2, "by PCI address"),
                             (("physical", "--near", "0000:ff:1f.6", "--far", "0000:ff:1f.7"), 1, "there is no PCI device 0000:ff:1f.7")):
        refused = bench("trip", "--port", *argv, "--seconds", "0.01")
        assert refused.returncode == code and word in refused.stderr, refused.stderr
    refusals()


def refusals():
    """What cannot be measured is said before anything is."""
    for argv, code, word in ((("trip", "--core", "1", "--far_core", "1"), 2, "two cores"), (("trip", "--far_core", "1000"), 1, "--far_core: core 1000"),
                             (("cores", "--core", "0"), 2, "two cores"), (("lane", "--symbols", "64"), 2, "--symbols"),
                             (("lane", "--core", "1.5"), 2, "whole number"), (("lane", "--region", ""), 2, "--region"),
                             (("lane", "--region", "a/b"), 2, "--region"), (("trip", "--poisson"), 2, "--rate"),
                             (("trip", "--rate", "100", "--recording", "x"), 2, "--recording"),
                             (("trip", "--poisson", "--recording", "x"), 2, "--recording"), (("lane", "--control", "2"), 2, "12000 orders"),
                             (("feed", "--out", "/proc/nowhere/x"), 1, "--out"), (("compare", "a"), 2, "two directories")):
        refused = bench(*argv)
        assert refused.returncode == code and word in refused.stderr, f"{argv}: {refused}"
        assert "jitter floor" not in refused.stdout, f"{argv}: measured first"


def main():
    need_programs("tickgate-bench", "tickgate-exchange", "tickgate-controlplane")
    trip()
    with tempfile.TemporaryDirectory() as folder:
        done = bench("feed", "--seconds", "0.05", "--messages", str(MESSAGES), "--live", "2000", "--symbols", "50", "--out", folder)
        assert done.returncode == 0, done.stderr
        result = json.loads((pathlib.Path(folder) / "result.json").read_text())
        hgrm = (pathlib.Path(folder) / "feed.hgrm").read_text()
        log = (pathlib.Path(folder) / "feed.hlog").read_text().splitlines()
    for word in ("jitter floor", "closed loop", "per packet", "per message"):
        assert word in done.stdout, f"'{word}' is not in: {done.stdout}"
    assert MESSAGES <= result["messages"] < MESSAGES + 100 and result["loop"] == "closed"
    assert log_total(log[-1]) == result["packets"] > 0, "the log counts other packets than the result"
    assert f"Total count    = {result['packets']:12}]" in hgrm, hgrm[-200:]
    assert result["figures_ns"]["packet"]["p50"] <= result["figures_ns"]["packet"]["p99"] <= result["figures_ns"]["packet"]["max"]
    assert {"kernel", "cpu", "kernel_command_line", "governor"} <= result["environment"].keys()
    assert result["environment"]["dpdk"].startswith("DPDK "), result["environment"]
    cards(result["environment"]["network_cards"])
    lane()
    legs()
    for argv, code, word in ((["nonsense"], 2, "spin, feed, lane, trip or cores"), (["spin", "--core", "1000"], 1, "core 1000"),
                             (["feed", "--live", "many"], 2, "--live"), (["feed", "--out", "/proc/proc/nowhere"], 1, "--out")):
        refused = bench(*argv, "--seconds", "0.01", "--messages", "1000")
        assert refused.returncode == code and word in refused.stderr, f"{argv}: {refused.returncode} {refused.stderr}"
    print(f"{result['packets']} packets in three files")


if __name__ == "__main__":
    main()
