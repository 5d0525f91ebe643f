#!/usr/bin/env python3
# beside others
"""Our codecs against tshark, field by field: Ethernet tags, ARP, IPv4, UDP, TCP, IGMP, sums, MoldUDP64 with the lengths
of its messages and SoupBinTCP, in real captures and in queries written here; and what we build, as tshark reads it.
"""

import gzip
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, SHARED, skip  # noqa: E402

DECODE = BUILD / "tests/lib/decode"
FIELDS = ("frame.cap_len eth.dst eth.src ieee8021ad.id vlan.id "
          "arp.opcode arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4 "
          "ip.hdr_len ip.src ip.dst ip.proto ip.len ip.flags.mf ip.frag_offset ip.checksum.status "
          "udp.srcport udp.dstport udp.length udp.checksum.status udp.payload "
          "moldudp64.session moldudp64.sequence moldudp64.count moldudp64.msglen "
          "tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.window_size_value tcp.flags tcp.len tcp.checksum.status "
          "soupbintcp.packet_length soupbintcp.packet_type soupbintcp.session soupbintcp.next_seq_num "
          "igmp.version igmp.type igmp.max_resp igmp.maddr igmp.saddr igmp.record_type igmp.checksum.status").split()
GOOD = "1"
MOLD = 26477


def next_numbers(path, soup):
    """Next Sequence Number of each login's answer: the field holds an X in tshark 4.0, its text has the number."""
    command = ["tshark", "-r", str(path), "-V", "-d", f"tcp.port=={soup},soupbintcp"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return re.findall(r"Next sequence number: (\d+)", done.stdout)


def tshark(path, soup):
    """A dictionary of fields for each frame."""
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a",
               "-d", f"udp.port=={MOLD},moldudp64"]
    for layer in ("ip", "udp", "tcp"):
        command += ["-o", f"{layer}.check_checksum:TRUE"]
    for field in FIELDS:
        command += ["-e", field]
    if soup:
        command += ["-d", f"tcp.port=={soup},soupbintcp"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    frames = [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.splitlines()]
    for t, number in zip((t for t in frames if t["soupbintcp.next_seq_num"]), next_numbers(path, soup) if soup else ()):
        t["soupbintcp.next_seq_num"] = number
    return frames


def decode(*arguments):
    done = subprocess.run([str(DECODE), *map(str, arguments)], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


def vlans_of(t):
    return [str(int(v, 0)) for v in f"{t['ieee8021ad.id']},{t['vlan.id']}".split(",") if v]


def soup_of(t):
    """The packets of a segment, as decode prints them. Only a login's answer has a session and a number."""
    packets = []
    for length, kind in zip(t["soupbintcp.packet_length"].split(","), t["soupbintcp.packet_type"].replace("'", "").split(",")):
        accepted = f"{t['soupbintcp.session'].strip()},{int(t['soupbintcp.next_seq_num'])}" if kind == "A" else ""
        packets.append(f"{length},{kind},{accepted} ")
    return "".join(packets) if t["soupbintcp.packet_length"] else ""


def transport(t, behind_ip, soup):
    """What follows the IP protocol in the line of decode."""
    if t["ip.proto"] == "17":
        behind = behind_ip - int(t["udp.length"])
        sums = "".join("1" if t[f"{p}.checksum.status"] == GOOD else "0" for p in ("ip", "udp"))
        line = [f"{t['udp.srcport']},{t['udp.dstport']}", str(int(t["udp.length"]) - 8), str(behind), sums]
        mold = [t[f"moldudp64.{f}"] for f in ("session", "sequence", "count", "msglen")]
        return line + (mold if mold[0] else [])
    if t["ip.proto"] == "6":
        good = all(t[f"{p}.checksum.status"] == GOOD for p in ("ip", "tcp"))
        line = ["good sum" if good else "bad sum", f"{t['tcp.srcport']},{t['tcp.dstport']}"]
        line += [t["tcp.seq_raw"], t["tcp.ack_raw"], t["tcp.window_size_value"], str(int(t["tcp.flags"], 0)), t["tcp.len"]]
        return line + ([soup_of(t)] if soup else [])
    if t["igmp.type"] and int(t["igmp.type"], 0) == 0x11 and t["igmp.checksum.status"] == GOOD:
        response = "100" if t["igmp.version"] == "1" else t["igmp.max_resp"]
        return [t["igmp.version"], t["igmp.maddr"], response, t["igmp.saddr"]]
    return []


def expected(t, soup):
    """The line that decode prints for what tshark saw."""
    vlans = vlans_of(t)
    if t["arp.opcode"]:
        return ["arp", ",".join(vlans), *(t[f] for f in FIELDS if f.startswith("arp."))]
    if not t["ip.src"]:
        return None  # not IPv4: the two name these differently
    if t["ip.flags.mf"] in ("1", "True") or t["ip.frag_offset"] not in ("", "0"):
        return ["fragment", ""]
    kind = {"17": "udp", "2": "igmp"}.get(t["ip.proto"], "other")
    behind_ip = int(t["frame.cap_len"]) - 14 - 4 * len(vlans) - int(t["ip.hdr_len"])
    return [kind, ",".join(vlans), t["ip.src"], t["ip.dst"], t["ip.proto"], *transport(t, behind_ip, soup)]


def compare(path, soup=0):
    if path.suffix == ".gz":
        with tempfile.NamedTemporaryFile(suffix=".pcap") as plain:
            plain.write(gzip.decompress(path.read_bytes()))
            plain.flush()
            return compare(pathlib.Path(plain.name), soup)
    theirs = tshark(path, soup)
    ours = decode("frames", path, MOLD, soup)
    assert len(ours) == len(theirs) > 0, f"{path}: {len(ours)} frames, tshark sees {len(theirs)}"
    for number, (line, fields) in enumerate(zip(ours, theirs), 1):
        want = expected(fields, soup)
        if want is not None:
            got = line.split("|")[: len(want)]
            assert got == want, f"{path} frame {number}: {got}, tshark says {want}"
    return len(ours)


def soup_port(path):
    """The lower port of a capture's connection is the server's."""
    ports = tshark(path, 0)[0]
    return min(int(ports["tcp.srcport"]), int(ports["tcp.dstport"]))


def captures():
    data = SHARED / "data"
    for folder in ("totalview-pcap", "iex", "cme"):
        for path in sorted((data / folder).glob("*.pcap*")):
            yield path, 0
    for folder in ("ouch-pcap", "soup-pcap"):
        for path in sorted((data / folder).glob("*.pcap*")):
            yield path, soup_port(path)


# --- queries written here ---


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def summed(data, at):
    return data[:at] + struct.pack(">H", checksum(data)) + data[at + 2:]


def query(r):
    """A query of any version, with sources in version 3, now and then damaged."""
    group = 0 if r.random() < 0.3 else 0xE0000000 | r.getrandbits(28)
    version = r.choice((1, 2, 3))
    code = 0 if version == 1 else r.randrange(1, 256)
    data = struct.pack(">BBHI", 0x11, code, 0, group)
    if version == 3:
        sources = [r.getrandbits(32) for _ in range(r.choice((0, 0, 1, 2, 30)))] if group else []
        data += struct.pack(f">BBH{len(sources)}I", r.randrange(16), r.randrange(256), len(sources), *sources)
    data = summed(data, 2)
    return data if r.random() < 0.9 else bytes((data[0], data[1] ^ 1)) + data[2:]


def frame(r, protocol, payload):
    """Payload behind IP with or without the router alert, up to two tags, padded."""
    options = b"\x94\x04\0\0" if r.random() < 0.5 else b""
    head = struct.pack(">BBHHHBBHII", 0x45 + len(options) // 4, 0xC0, 20 + len(options) + len(payload), r.getrandbits(16),
                       0x4000, 1, protocol, 0, r.getrandbits(32), 0xE0000001) + options
    tags = b"".join(struct.pack(">HH", kind, r.getrandbits(16))
                    for kind in r.choice(([], [], [0x8100], [0x88A8, 0x8100], [0x8100, 0x8100])))
    whole = b"\x01\x00\x5e\0\0\x01\x02\0\0\0\0\x09" + tags + b"\x08\0" + summed(head, 10) + payload
    return whole + bytes(max(0, 60 - len(whole)))


def arp(r):
    payload = struct.pack(">HHBBH6sI6sI", 1, 0x800, 6, 4, r.choice((1, 2)), r.randbytes(6), r.getrandbits(32), r.randbytes(6),
                          r.getrandbits(32))
    tag = struct.pack(">HH", 0x8100, r.getrandbits(16)) if r.random() < 0.5 else b""
    return b"\xff" * 6 + r.randbytes(6) + tag + b"\x08\x06" + payload + bytes(18)


def compare_written(folder, count):
    r = random.Random(1)
    path = folder / "written.pcap"
    frames = [arp(r) if r.random() < 0.2 else frame(r, 2, query(r)) for _ in range(count)]
    records = b"".join(struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)
    return compare(path)


# --- what we build ---


def built_line(t):
    """The line that decode prints about a frame that it built, from what tshark saw in it."""
    head = [",".join(vlans_of(t)), t["eth.dst"]]
    if t["arp.opcode"]:
        return ["arp", *head, *(t[f] for f in FIELDS if f.startswith("arp."))]
    assert t["ip.checksum.status"] == GOOD, t
    head += [t["ip.src"], t["ip.dst"]]
    if t["ip.proto"] == "2":
        assert t["igmp.checksum.status"] == GOOD and t["ip.hdr_len"] == "24", t
        return ["igmp", *head, str(int(t["igmp.type"], 0)), t["igmp.record_type"], t["igmp.maddr"], t["igmp.saddr"]]
    assert t["udp.checksum.status"] == GOOD, t
    return ["udp", *head, f"{t['udp.srcport']},{t['udp.dstport']}", str(int(t["udp.length"]) - 8), t["udp.payload"]]


def compare_built(folder):
    path = folder / "built.pcap"
    ours = decode("build", path)
    theirs = tshark(path, 0)
    assert len(ours) == len(theirs) > 0
    for number, (line, fields) in enumerate(zip(ours, theirs), 1):
        want = built_line(fields)
        got = line.split("|")[: len(want)]
        assert got == want, f"built frame {number}: {got}, tshark says {want}"
        assert fields["eth.src"] == "02:00:00:00:00:07" and int(fields["frame.cap_len"]) >= 60, fields
    return len(ours)


def main():
    if not DECODE.exists():
        skip(f"{DECODE} is not built")
    if not shutil.which("tshark"):
        skip("tshark is not installed")
    with tempfile.TemporaryDirectory(prefix="tickgate-tshark-") as folder:
        built = compare_built(pathlib.Path(folder))
        written = compare_written(pathlib.Path(folder), 2000)
    said = f"{built} frames of ours are what we meant, {written} of others too"
    if not (SHARED / "data").exists():
        skip(f"{said}; no captures here ({SHARED}/data)")
    frames = sum(compare(path, soup) for path, soup in captures())
    print(f"{said}; {frames} captured frames as tshark decodes them")


if __name__ == "__main__":
    main()
