"""What a region holds, from its file: for tests that ask what an instance has published when it was killed."""

import mmap
import os
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def layout(struct_name, member):
    """Offset of a member, from the layout that the tests of the contract hold to the code."""
    text = (ROOT / "tests/golden/abi_layout.txt").read_text()
    part = re.search(rf"^struct {struct_name}:.*?\n(.*?)(?=^\S|\Z)", text, re.S | re.M)[1]
    return int(re.search(rf"^\s*(\d+)\s+\d+\s+{member}\b", part, re.M)[1])


def rings(header):
    """(offset, count, length of one) of the rings of events: of each source one for trading, one for diagnostics."""
    kinds = re.findall(r"^PART\((\w+),", (ROOT / "dataplane/abi/parts.def").read_text(), re.M)
    at = layout("region_header", "parts") + kinds.index("EVENT_RINGS") * 24  # offset, count, element_len, kind
    return struct.unpack_from("<QQI", header, at)


def rings_offset(header):
    return rings(header)[0]


def published(path):
    """(epoch, {source: trading events}) of the region in a file; None: there is none that is whole."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), os.fstat(file.fileno()).st_size, mmap.MAP_SHARED, mmap.PROT_READ) as m:
            word = lambda at: struct.unpack_from("<Q", m, at)[0]  # noqa: E731
            if struct.unpack_from("<I", m, layout("region_header", "version"))[0] == 0:
                return None  # as nobody else takes it: the version is stored last
            first, count, length = rings(m)
            tails = [word(first + at * length + layout("event_ring", "tail")) for at in range(0, count, 2)]
            return word(layout("region_header", "identity") + layout("region_identity", "epoch")), dict(enumerate(tails))
    except FileNotFoundError:
        return None


def untaken(path):
    """Trading events in it that nobody has taken."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), os.fstat(file.fileno()).st_size, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        first, count, length = rings(m)
        word = lambda ring, member: struct.unpack_from("<Q", m, first + ring * length + layout("event_ring", member))[0]  # noqa: E731
        return sum(word(ring, "tail") - word(ring, "committed") for ring in range(0, count, 2))
