#!/usr/bin/env python3
# beside others
"""Another decoder reads what our sessions and the exchange say to each other: every packet of SoupBinTCP of both
directions, and every message of OUCH 4.2, field by field. The bytes come from a simulated session with thousands of
orders. (tshark 4.0 knows no OUCH 5.0; of that session it reads the packets around the messages.)
"""

import collections
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from exchange_client import capture_write  # noqa: E402
from system import BUILD, skip  # noqa: E402

SIM = BUILD / "tests/sim/trade_test"
PORT = 26000

# Fields by direction (True: ours) and letter, from the text of OUCH 4.2: offset, length, tshark's name; a number unless
# the name begins with a star. Fields that tshark 4.0 does not name are left out.
SHARED_A = [(9, 14, "*ouch.order_token"), (23, 1, "*ouch.buy_sell_indicator"), (24, 4, "ouch.shares"), (28, 8, "*ouch.stock"),
            (36, 4, "ouch.price"), (49, 8, "ouch.order_reference_number")]
FIELDS = {
    (True, "O"): [(1, 14, "*ouch.order_token"), (15, 1, "*ouch.buy_sell_indicator"), (16, 4, "ouch.shares"),
                  (20, 8, "*ouch.stock"), (28, 4, "ouch.price")],
    (True, "U"): [(1, 14, "*ouch.existing_order_token"), (15, 14, "*ouch.replacement_order_token"), (29, 4, "ouch.shares"),
                  (33, 4, "ouch.price")],
    (True, "X"): [(1, 14, "*ouch.order_token"), (15, 4, "ouch.shares")],
    (False, "A"): SHARED_A,
    (False, "U"): [(9, 14, "*ouch.replacement_order_token"), *SHARED_A[1:], (65, 14, "*ouch.previous_order_token")],
    (False, "C"): [(9, 14, "*ouch.order_token"), (23, 4, "ouch.decrement_shares")],
    (False, "E"): [(9, 14, "*ouch.order_token"), (23, 4, "ouch.executed_shares"), (27, 4, "ouch.execution_price"),
                   (32, 8, "ouch.match_number")],
}


def pieces_read(path, venue):
    """(from us?, bytes) of one venue's connection, as they left."""
    data, at, pieces = path.read_bytes(), 0, []
    while at < len(data):
        index, ours, length = struct.unpack_from(">BBI", data, at)
        if index == venue:
            pieces.append((bool(ours), data[at + 6 : at + 6 + length]))
        at += 6 + length
    return pieces


def packets_of(pieces, ours):
    """SoupBinTCP of one direction: (type, payload)."""
    data, at, packets = b"".join(p for o, p in pieces if o == ours), 0, []
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        packets.append((chr(data[at + 2]), data[at + 3 : at + 2 + length]))
        at += 2 + length
    assert at == len(data)
    return packets


def tshark(path):
    words = ["tshark", "-r", path, "-d", f"tcp.port=={PORT},soupbintcp", "--enable-heuristic", "ouch_soupbintcp", "-T", "json",
             "--no-duplicate-keys"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=240)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def layers_of(frames, name, ours):
    """All layers of a protocol in the frames of a direction, in order."""
    found = []
    for layers in frames:
        if (layers["tcp"]["tcp.dstport"] == str(PORT)) != ours or name not in layers:
            continue
        got = layers[name]
        found += got if isinstance(got, list) else [got]
    return found


def message_check(ours, message, seen):
    letter = chr(message[0])
    assert seen["ouch.packet_type"].strip("'") == letter, (letter, seen)
    for offset, length, name in FIELDS.get((ours, letter), []):
        raw, text = message[offset : offset + length], name.startswith("*")
        got = seen[name.lstrip("*")]
        if text:
            assert got.strip(" '") == raw.decode().strip(), (name, raw, got)
        elif "price" in name:
            number = int.from_bytes(raw, "big")
            assert f"{number / 10000:.4f}" in got or got == str(number), (name, number, got)
        else:
            assert int(got, 0) == int.from_bytes(raw, "big"), (name, raw, got)


def compare(folder, wire, venue):
    pieces = pieces_read(wire, venue)
    path = folder / f"venue{venue}.pcap"
    capture_write(path, pieces, PORT)
    frames = tshark(path)
    assert not any("_ws.malformed" in json.dumps(layers) for layers in frames), "tshark finds a malformed frame"
    count = collections.Counter()
    for ours in (True, False):
        packets = packets_of(pieces, ours)
        soup = layers_of(frames, "soupbintcp", ours)
        assert [s["soupbintcp.packet_type"].strip("'") for s in soup] == [t for t, _ in packets], "other packets"
        if venue == 0:
            continue
        messages = [p for t, p in packets if t in "US"]
        seen = layers_of(frames, "ouch", ours)
        assert len(seen) == len(messages), f"tshark sees {len(seen)} messages of {len(messages)}"
        for message, layer in zip(messages, seen):
            message_check(ours, message, layer)
            count["our" if ours else "the exchange's"] += 1
        letters = {chr(m[0]) for m in messages}
        assert letters >= set("OUXM" if ours else "AUCEM"), f"only {letters} were said"
    return len(frames), count


def main():
    if not SIM.exists():
        skip(f"{SIM} is not built")
    if not shutil.which("tshark"):
        skip("tshark is not installed")
    with tempfile.TemporaryDirectory(prefix="tickgate-tshark-") as name:
        folder = pathlib.Path(name)
        env = dict(os.environ, SIM_WIRE=str(folder / "wire"), TICKGATE_SEED="1", TICKGATE_SEEDS="1")
        subprocess.run([SIM, "test_honest"], check=True, env=env, capture_output=True, timeout=120)
        for venue in (1, 0):
            frames, count = compare(folder, folder / "wire", venue)
            said = ", ".join(f"{n} messages of {who} side" for who, n in count.items()) or "their packets"
            print(f"{'OUCH 4.2' if venue else 'OUCH 5.0'}: {frames} frames, {said} as tshark decodes them")


if __name__ == "__main__":
    main()
