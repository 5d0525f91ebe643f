#!/usr/bin/env python3
"""Our decoding of real captures against tshark's, field by field: Ethernet tags, IPv4, UDP, sums, MoldUDP64 and the
lengths of its messages; and every message of ITCH 5.0 and DEEP 1.0 that was decoded by others, value by value.
"""

import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, SHARED, skip  # noqa: E402

DECODE = BUILD / "tests/lib/decode"
FIELDS = ("frame.cap_len eth.dst vlan.id ip.hdr_len ip.src ip.dst ip.proto ip.len ip.flags.mf ip.frag_offset udp.srcport "
          "udp.dstport udp.length ip.checksum.status udp.checksum.status moldudp64.session moldudp64.sequence "
          "moldudp64.count moldudp64.msglen").split()
GOOD = "1"


def tshark(path, port):
    """A dictionary of fields for each frame."""
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-o",
               "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    for field in FIELDS:
        command += ["-e", field]
    if port:
        command += ["-d", f"udp.port=={port},moldudp64"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.splitlines()]


def expected(t):
    """The line that decode prints for what tshark saw."""
    if not t["ip.src"]:
        return None  # not IPv4: the two name these differently
    vlans = [str(int(v, 0)) for v in t["vlan.id"].split(",") if v]
    if t["ip.flags.mf"] in ("1", "True") or t["ip.frag_offset"] not in ("", "0"):
        return ["fragment", ""]
    head = [",".join(vlans), t["ip.src"], t["ip.dst"], t["ip.proto"]]
    if t["ip.proto"] != "17":
        return ["igmp" if t["ip.proto"] == "2" else "other", *head, ""]
    behind = int(t["frame.cap_len"]) - 14 - 4 * len(vlans) - int(t["ip.hdr_len"]) - int(t["udp.length"])
    sums = "".join("1" if t[f"{p}.checksum.status"] == GOOD else "0" for p in ("ip", "udp"))
    line = ["udp", *head, f"{t['udp.srcport']},{t['udp.dstport']}", str(int(t["udp.length"]) - 8), str(behind), sums]
    if t["moldudp64.session"]:
        line += [t["moldudp64.session"], t["moldudp64.sequence"], t["moldudp64.count"], t["moldudp64.msglen"]]
    return line


def captures():
    """(path, UDP port on which MoldUDP64 is spoken)"""
    for path in sorted((SHARED / "data/totalview-pcap").glob("*.pcap")):
        yield path, 26477
    for folder in ("ouch-pcap", "soup-pcap", "iex", "cme"):
        for path in sorted((SHARED / "data" / folder).glob("*.pcap*")):
            yield path, 0


def compare(path, port):
    if path.suffix == ".gz":
        with tempfile.NamedTemporaryFile(suffix=".pcap") as plain:
            plain.write(gzip.decompress(path.read_bytes()))
            plain.flush()
            return compare(pathlib.Path(plain.name), port)
    theirs = tshark(path, port)
    done = subprocess.run([str(DECODE), "frames", str(path), str(port)], capture_output=True, text=True, check=True, timeout=120)
    ours = done.stdout.splitlines()
    assert len(ours) == len(theirs) > 0, f"{path}: {len(ours)} frames, tshark sees {len(theirs)}"
    for number, (line, fields) in enumerate(zip(ours, theirs), 1):
        want = expected(fields)
        if want is not None:
            got = line.split("|")[: len(want)]
            assert got == want, f"{path} frame {number}: {got}, tshark says {want}"
    return len(ours)


def vectors():
    """Messages that others decoded: every value in wire order; the names are theirs."""
    kinds = {"ITCH 5.0": "itch50", "IEX DEEP 1.0": "deep10"}
    count, types = 0, set()
    for vector in json.loads((SHARED / "protocols_vectors.json").read_text()):
        if vector["protocol"] not in kinds:
            continue
        command = [str(DECODE), kinds[vector["protocol"]], vector["hex"]]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        want = [str(value).rstrip() for value in vector["fields"].values()]
        assert done.stdout.splitlines() == want, f"{vector}: {done.stdout.split()}"
        types.add((vector["protocol"], vector["fields"]["message_type"]))
        count += 1
    return count, len(types)


def main():
    if not DECODE.exists():
        skip(f"{DECODE} is not built")
    if not shutil.which("tshark"):
        skip("tshark is not installed")
    if not (SHARED / "data").exists():
        skip(f"no captures here ({SHARED}/data)")
    frames = sum(compare(path, port) for path, port in captures())
    count, types = vectors()
    print(f"{frames} frames as tshark decodes them; {count} messages of {types} types as others did")


if __name__ == "__main__":
    main()
