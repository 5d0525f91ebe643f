#!/usr/bin/env python3
"""Sends signals over UDP, as docs/signals.md has them. Nothing but the standard library.

    signal_sender.py GROUP:PORT OWN_IP:PORT SOURCE SYMBOL < forecasts

Each line of standard input is a forecast: the change of the price in ten thousandths of a dollar, and the confidence of 10,000
behind it (9000 where there is none). Each is sent at once, in a datagram of its own.
"""

import socket
import struct
import sys
import time

HEADER = struct.Struct("<4sBBHQ")  # magic, version, records, bytes of a record, run
RECORD = struct.Struct("<QQ4q8sIIHHI")  # number, as-of, values, symbol, horizon, time to live, source, confidence, zero
HORIZON_MS, TTL_MS, CONFIDENCE = 250, 1000, 9000


def address(text):
    ip, port = text.rsplit(":", 1)
    return ip, int(port)


def datagram(run, records):
    return HEADER.pack(b"TGSG", 1, len(records), RECORD.size, run) + b"".join(records)


def record(number, source, symbol, change, confidence):
    return RECORD.pack(number, time.time_ns(), change, 0, 0, 0, symbol.encode().ljust(8), HORIZON_MS, TTL_MS, source,
                       confidence, 0)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    to, own, source, symbol = address(sys.argv[1]), address(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # The dataplane takes signals from the configured address and port only; a group is reached through the interface of
    # the own address.
    out.bind(own)
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own[0]))
    run = time.time_ns()  # larger with every start: numbers begin anew
    for number, line in enumerate(sys.stdin, 1):
        words = [int(word) for word in line.split()]
        out.sendto(datagram(run, [record(number, source, symbol, words[0], words[1] if len(words) > 1 else CONFIDENCE)]), to)


if __name__ == "__main__":
    main()
