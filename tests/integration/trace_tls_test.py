#!/usr/bin/env python3
# beside others
"""Traces to a collector behind TLS: with the authority of its certificate they arrive; without it, with another one, for
another name or out of date nothing is sent, and `status` says why.

Exit code 77: no openssl or python3-protobuf here, or the programs are not built.
"""

import importlib.util
import os
import pathlib
import shutil
import ssl
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from https_test import authority, certificate, openssl  # noqa: E402
from node import Node, built, free_port, script, until  # noqa: E402
from trace_test import CONFIG, DEBIAN, Collector, schema, traced, trees_or_none  # noqa: E402

TRADES = 20


def named(folder, name, signer, subject):
    """A certificate that is for another name than the collector's."""
    openssl(
        *f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr".split(),
        *f"-subj /CN={name} -addext subjectAltName=DNS:{subject}".split(),
        cwd=folder,
    )
    openssl(
        *f"x509 -req -in {name}.csr -CA {signer}.pem -CAkey {signer}.key -days 30 -out {name}.pem".split(),
        *"-copy_extensions copy".split(),
        cwd=folder,
    )


class Secure(Collector):
    def __init__(self, service, folder, name):
        super().__init__(service)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        # Hands are shaken by the thread of the connection: one that is refused holds nobody up.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None


def sends(folder, service, name, ca):
    """(traces that arrived, what status says of them)"""
    collector = Secure(service, folder, name)
    path = folder / "config.yaml"
    more = "  one_in: 1\n  flush_ms: 10\n  timeout_ms: 2000\n" + (f"  ca: {folder / ca}.pem\n" if ca else "")
    text = CONFIG.format(core=min(os.sched_getaffinity(0)), port=collector.port, http=free_port(), more=more)
    path.write_text(text.replace("http://127.0.0.1", "https://127.0.0.1"), encoding="utf-8")
    shutil.rmtree(folder / "journal", ignore_errors=True)
    with Node(folder, "--config", str(path), "--journal", str(folder / "journal")) as node:
        node.dataplane(f"trades {TRADES}")
        until(lambda: len(trees_or_none(collector)) == TRADES or traced(node)["state"] == "down", "sent, or told why not")
        told = traced(node)
    collector.close()
    return len(trees_or_none(collector)), told


def main():
    if importlib.util.find_spec("google") is None:
        if sys.executable != DEBIAN and os.path.exists(DEBIAN):
            os.execv(DEBIAN, [DEBIAN, *sys.argv])
        print("no python3-protobuf here")
        return 77
    missing = built() or "".join(f"no {p} here" for p in ("openssl", "protoc") if not shutil.which(p))
    if missing:
        print(missing)
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-tls-") as name:
        folder = pathlib.Path(name)
        (folder / "schema").mkdir()
        service = schema(folder / "schema")
        for who in ("ca", "other"):
            authority(folder, who)
        certificate(folder, "good", "ca")
        certificate(folder, "old", "ca", days="-1")
        named(folder, "elsewhere", "ca", "collector.example")
        arrived, told = sends(folder, service, "good", "ca")
        assert arrived == TRADES and told["state"] == "sending", (arrived, told)
        for server, ca, say in (("good", "", "certificate"), ("good", "other", "certificate"), ("old", "ca", "expired"),
                                ("elsewhere", "ca", "127.0.0.1")):
            arrived, told = sends(folder, service, server, ca)
            assert arrived == 0 and told["state"] == "down", f"{server} by {ca}: {arrived}: {told}"
            assert say in told["why"] and "trace.ca names the authority" in told["why"], f"{server} by {ca}: {told['why']}"
            print(f"{server} by {ca or 'nobody'}: {told['why']}")
    return 0


if __name__ == "__main__":
    script(main)
