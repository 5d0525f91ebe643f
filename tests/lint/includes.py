"""Includes point one way, DPDK stays in its files, and every project include is written from the root."""

import re

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What a room may include besides itself. abi <- base <- wire <- {feed, book, tcp} <- {risk, order, venue, strategy}
# <- lane <- control; config and port sit beside wire.
LOW = {"abi", "base", "wire", "config", "port"}
MIDDLE = LOW | {"feed", "book", "tcp"}
UPPER = MIDDLE | {"risk", "order", "venue", "strategy", "gateway"}
DATAPLANE = {
    "abi": set(),
    "base": {"abi"},
    "wire": {"abi", "base"},
    "config": {"abi", "base", "wire"},
    "port": {"abi", "base", "wire"},
    "feed": LOW | {"book"},
    "book": LOW,
    "tcp": LOW,
    "risk": MIDDLE,
    "order": MIDDLE,
    "venue": MIDDLE,
    "strategy": MIDDLE,
    "gateway": MIDDLE,
    "lane": UPPER,
    "control": UPPER | {"lane"},
}
DPDK_FILES = re.compile(
    r"^(dataplane/port/dpdk_\w+\.[ch]|bench/exchange/dpdk_link\.[ch]|tests/integration/[\w/]+\.[ch])$"
)


def dataplane_fault(room, target):
    parts = target.split("/")
    if parts[0] == "controlplane":
        return "the dataplane does not include the control plane"
    if parts[0] != "dataplane":
        return f"the dataplane does not include {parts[0]}/"
    if room not in DATAPLANE:
        return f"room {room} has no place in the include direction (tests/lint/includes.py)"
    if parts[1] != room and parts[1] not in DATAPLANE[room]:
        return f"{room} may not include {parts[1]} (allowed: {', '.join(sorted(DATAPLANE[room])) or 'none'})"
    return None


def controlplane_fault(room, target):
    top, below = target.split("/")[:2]
    if top == "controlplane" or (top == "dataplane" and below in ("base", "config")):
        return None
    if room == "dropcopy" and (top, below) == ("dataplane", "wire"):
        return None  # it reads what an exchange says
    if target.startswith("dataplane/abi/"):
        return None if room == "region" else "dataplane/abi is reached through controlplane/region only"
    return f"the control plane does not include {top}/{below}"


# The exchange reads and writes every protocol by itself, so that one mistake is not made on both sides.
EXCHANGE_TAKES = re.compile(r"^dataplane/(base/\w+|config/device|port/dpdk_unmap)\.h$")


def fault_of(path, target):
    parts = path.split("/")
    if parts[0] == "dataplane" and len(parts) > 2:
        return dataplane_fault(parts[1], target)
    if parts[0] == "controlplane" and len(parts) > 2:
        return controlplane_fault(parts[1], target)
    if path.startswith("bench/exchange/") and target.startswith("dataplane/") and not EXCHANGE_TAKES.match(target):
        return "the exchange shares no session or codec code with the dataplane"
    if parts[0] == "bench" and target.startswith("tests/"):
        return "bench does not include tests"
    if parts[0] == "bench" and parts[1] != "micro" and target.startswith("controlplane/"):
        return "of bench only micro, which measures rooms by themselves, includes the control plane"
    return None


def check(tree):
    for path in tree.c_files():
        for number, line in tree.lines(path):
            include = INCLUDE.match(line)
            if not include:
                continue
            kind, target = include.groups()
            if target.startswith("rte_") and not DPDK_FILES.match(path):
                yield path, number, f"{target}: DPDK headers only in dataplane/port/dpdk_*.c and the like"
            if kind == "<":
                continue
            if (tree.build / "gen" / target).is_file():
                continue  # made by the build
            if "/" not in target or ".." in target:
                yield path, number, f'"{target}": write project includes from the root of the tree'
                continue
            if not (tree.root / target).is_file():
                yield path, number, f'"{target}": no such file'
            fault = fault_of(path, target)
            if fault:
                yield path, number, fault
