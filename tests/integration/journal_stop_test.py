#!/usr/bin/env python3
"""A disk that fills up under a dataplane that trades: new orders are refused by JOURNAL though the event ring has room,
what is open is filled and cancelled all the same, and when there is room again orders go on by themselves. A journal
that is damaged when the control plane starts lets no order through either; nor does none at all where one is needed.
"""

import os
import pathlib
import signal
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from small_disk import SmallDisk  # noqa: E402
from system import System, need_programs, skip, wait_for  # noqa: E402
from trading import configure_memif, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 1600000 --rate 8000 --end-s 2 --linger-s 120".split()


def refusals(s):
    return (s.ask("show", "trading") or {}).get("refusals", {}).get("JOURNAL", 0)


def more_refusals(s):
    before = refusals(s)
    return lambda: refusals(s) > before + 20


def desk(s):
    lanes = (s.ask("show", "trading") or {}).get("lanes")
    return lanes[0] if lanes else {"journal": None, "approved": 0, "open_orders": 0, "fills": 0}


def journal(s):
    return (s.ask("status") or {}).get("journal", {})


def stands_still(s, state):
    """Refused by code; what was open goes; and then nothing is approved any more, however often somebody asks."""
    wait_for(f"the lane sees {state}", lambda: desk(s)["journal"] == state, s.alive, lambda: f"; {desk(s)} {journal(s)}")
    wait_for("orders are refused", more_refusals(s), s.alive, lambda: f"; {desk(s)}")
    approved = desk(s)["approved"]  # the main lcore has copied the counters since
    wait_for("orders are refused", more_refusals(s), s.alive, lambda: f"; {desk(s)}")
    assert desk(s)["approved"] == approved, desk(s)
    assert s.ask("status")["events"]["trading_lost"] == 0, "the ring was full: not the journal has stopped them"


def full(s, disk):
    """A control plane that finds no room, once before any other and once in the place of one that was killed."""
    disk.fill()
    s.start_controlplane()
    s.wait_ready()
    wait_for("the disk is full", lambda: journal(s).get("state") == "full", s.alive, lambda: f"; {journal(s)}")
    assert "no order is taken" in journal(s)["why"]
    stands_still(s, "full")
    disk.clear()
    goes_on(s)
    s.end("controlplane", signal.SIGKILL)
    disk.fill()
    s.start_controlplane()
    s.wait_ready()
    stands_still(s, "full")
    # Cancels pass.
    assert s.ask("cancel", "--reason", "the disk is full")
    wait_for("nothing is open", lambda: desk(s)["open_orders"] == 0, s.alive, lambda: f"; {desk(s)}")
    disk.clear()
    goes_on(s)


def goes_on(s):
    wait_for("it is written again", lambda: desk(s)["journal"] == "memory", s.alive, lambda: f"; {desk(s)} {journal(s)}")
    approved = desk(s)["approved"]
    wait_for("orders enter by themselves", lambda: desk(s)["approved"] > approved + 20, s.alive, lambda: f"; {desk(s)}")


def damaged(s, directory):
    """A record of the newest segment is changed while nobody writes it."""
    assert s.end("controlplane") == 0
    newest = max(directory.glob("*.journal"))
    with open(newest, "r+b") as segment:
        align = struct.unpack_from("<I", segment.read(16), 12)[0]
        segment.seek(align + 200)
        byte = segment.read(1)
        segment.seek(align + 200)
        segment.write(bytes([byte[0] ^ 1]))
    s.start_controlplane()
    s.wait_ready()
    stands_still(s, "damaged")
    why = journal(s)["why"]
    assert f"segment {int(newest.stem)} block 0" in why and "record" in why and "no order taken" in why, why
    assert s.end("controlplane") == 0
    directory.rename(directory.with_name("old"))
    s.start_controlplane()
    s.wait_ready()
    goes_on(s)


def main():
    need_programs()
    if os.geteuid() != 0:
        skip("needs root to mount a small file system")
    with System("stop") as s:
        disk = SmallDisk(s.dir, 40)
        try:
            trading = sections("10.0.0.1:26400", SYMBOLS).replace("trading:\n", "trading:\n  journal: needed\n")
            # Beside the journal the capture would give way, and the disk would not be full.
            capture = f"capture: {{directory: {s.dir}/capture, file_size: 8MiB, keep_size: 64MiB}}\n"
            configure_memif(s, trading + capture, {"directory": disk.path / "journal"}, trading_slots=1 << 18)
            start_memif_trade(s, DAY, "alice,secret,firm=ALCE")
            s.start_dataplane()
            full(s, disk)
            damaged(s, disk.path / "journal")
            now = desk(s)
            print(f"{now['approved']} orders approved, {refusals(s)} refused while the disk was full or the journal damaged")
        finally:
            s.stop()
            disk.end()


if __name__ == "__main__":
    main()
