#!/usr/bin/env python3
"""Strategies as others write them: the first one of docs/strategies.md, compiled as it says there against the header alone,
is loaded and trades; one of another interface, one without a strategy in it and one that does not want to start end the start
of the dataplane with the place and the cause, and nothing is left behind.
"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs, skip, wait_for  # noqa: E402
from trading import Ledger, flat, sections, start_memif_trade  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 160000 --rate 8000 --end-s 2 --linger-s 30".split()
USAGE = 2
# (what is wrong, text of the example, what stands there instead, what is said)
WRONG = (("interface", "STRATEGY_INTERFACE,", "STRATEGY_INTERFACE + 1,", "this dataplane speaks"),
         ("nothing", "const struct strategy tickgate_strategy", "const struct strategy other_strategy",
          "exports no tickgate_strategy"),
         ("start", "return setup->symbol_count == 1", "return setup->symbol_count == 7", "wants one symbol"))


def example():
    """Source and compiler line of the page."""
    page = (ROOT / "docs/strategies.md").read_text()
    return re.search(r"```c\n(.*?)```", page, re.S)[1], re.search(r"^    (cc .*)$", page, re.M)[1]


def compiled(folder, name, source, line):
    include = folder / "include/tickgate"
    include.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dataplane/strategy/strategy.h", include)
    (folder / f"{name}.c").write_text(source)
    words = line.replace("/usr/local/include", str(include.parent)).replace("first", name).split() + ["-Wextra", "-Werror"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / f"{name}.so"


def configure(s, file, device):
    text = sections("10.0.0.1:26400", SYMBOLS, strategies=False) + f"""
strategies:
  - name: first
    lane: lane0
    file: {file}
    account: main
    symbols: [{SYMBOLS[0]}]
    parameters: []
    budget_us: 100000
"""
    s.configure({"md0": {"device": device, "ip": "10.0.0.2"}},
                {"nasdaq": {"symbols": 100, "orders": 50000,
                            "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}}, text)


def trades(s, log):
    start_memif_trade(s, DAY, "alice,secret,firm=ALCE", "--order-log", log)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    ledger = Ledger(s)
    wait_for("its order", lambda: ledger.collect().sent, s.alive)
    wait_for("what became of it", lambda: ledger.collect().of("ORDER"), s.alive)
    wait_for("more of the day", lambda: s.counters()["messages"] >= 12000, s.alive)
    assert s.end("dataplane") == 0 and s.end("exchange") == 0
    ledger.collect()
    flat(s)
    assert len(ledger.sent) == 1, f"it buys once: {ledger.sent}"


def main():
    need_programs()
    if not shutil.which("cc"):
        skip("there is no compiler")
    source, line = example()
    with System("plugin") as s:
        for name, old, new, words in WRONG:
            assert old in source, f"the example has no '{old}'"
            alone = s.memif.replace("role=client", "role=server")  # it need not wait for anybody
            configure(s, compiled(s.dir, name, source.replace(old, new), line), alone)
            done = subprocess.run([str(BUILD / "tickgate-dataplane"), "--config", str(s.dir / "config.yaml")],
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == USAGE, f"{name}: {done.returncode}: {done.stderr}"
            assert words in done.stderr and "strategies[0]" in done.stderr, f"{name}: {done.stderr}"
            left = [p for place in ("/dev/hugepages", "/dev/shm") for p in pathlib.Path(place).glob(f"*{s.name}*")]
            assert not left, f"{name}: {left}"
        configure(s, compiled(s.dir, "first", source, line), s.memif)
        trades(s, s.dir / "orders.jsonl")
    print(f"{len(WRONG)} refused, the first one buys once")


if __name__ == "__main__":
    main()
