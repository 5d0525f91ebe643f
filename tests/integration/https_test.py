#!/usr/bin/env python3
# beside others
"""HTTP beyond loopback: TLS, tokens, certificates of clients, and what is refused at the start, with file and remedy.

Exit code 77: no openssl here, or the programs are not built.
"""

import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import CONTROL, PATIENCE_S, Node, built, free_port, run_tests, script  # noqa: E402

TOKEN = "0123456789abcdef0123"
CONFIG = """node: {{main_core: {core}}}
ports: [{{name: md0, device: net_ring0}}]
lanes: [{{name: lane0, core: {core}, idle: sleep}}]
channels:
  - {{name: itch, lane: lane0, lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]}}
http:
  listen: {listen}
{more}"""


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True, timeout=PATIENCE_S)


def authority(folder, name):
    openssl(
        *f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.pem".split(),
        *f"-days 30 -subj /CN={name}".split(),
        cwd=folder,
    )


def certificate(folder, name, signer, days="30"):
    openssl(
        *f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr".split(),
        *f"-subj /CN={name} -addext subjectAltName=IP:127.0.0.1".split(),
        cwd=folder,
    )
    openssl(
        *f"x509 -req -in {name}.csr -CA {signer}.pem -CAkey {signer}.key -days {days} -out {name}.pem".split(),
        *"-copy_extensions copy".split(),
        cwd=folder,
    )
    (folder / f"{name}.key").chmod(0o600)


def files(folder):
    for name in ("ca", "other"):
        authority(folder, name)
    certificate(folder, "server", "ca")
    certificate(folder, "client", "ca")
    certificate(folder, "stranger", "other")
    certificate(folder, "old", "ca", days="-1")
    (folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
    (folder / "token").chmod(0o600)


def configuration(folder, listen, **keys):
    path = folder / "config.yaml"
    more = "".join(f"  {key}: {folder / value}\n" for key, value in keys.items())
    core = min(os.sched_getaffinity(0))
    path.write_text(CONFIG.format(core=core, listen=listen, more=more), encoding="utf-8")
    return path


GOOD = {"tls_certificate": "server.pem", "tls_key": "server.key"}


def refused(folder, say, listen="0.0.0.0:9180", code=2, **keys):
    path = configuration(folder, listen, **keys)
    done = subprocess.run(
        [str(CONTROL), "--config", str(path), "--region", str(folder / "none"), "--socket", str(folder / "s"),
         "--journal", "none"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, f"{keys}: exit code {done.returncode}: {done.stderr}"
    assert say in done.stderr, f"'{say}' is not said: {done.stderr}"
    assert not (folder / "s").exists(), "the control socket is left behind"


def test_refusals(folder):
    place = f"{folder}/config.yaml:7: http.listen: "
    refused(folder, place + "other machines can reach this address, which takes TLS; set tls_certificate")
    refused(folder, "set token_file or client_ca", **GOOD)
    refused(folder, "config.yaml:8: http.tls_certificate: is of no use without tls_key", tls_certificate="server.pem", token_file="token")
    with_token = {**GOOD, "token_file": "token"}
    refused(folder, f"http.tls_key: {folder}/none.key: No such file", **{**with_token, "tls_key": "none.key"})
    refused(folder, f"http.tls_key: {folder}/client.key: is not the key of", **{**with_token, "tls_key": "client.key"})
    refused(folder, f"http.tls_certificate: {folder}/token: ", **{**with_token, "tls_certificate": "token"})
    refused(folder, "it takes a private key as PEM", **{**with_token, "tls_key": "token"})
    old = {**with_token, "tls_certificate": "old.pem", "tls_key": "old.key"}
    refused(folder, f"http.tls_certificate: {folder}/old.pem: expired on ", **old)
    refused(folder, f"http.client_ca: {folder}/token: ", **GOOD, client_ca="token")
    (folder / "short").write_text("abc\n", encoding="utf-8")
    (folder / "short").chmod(0o600)
    refused(folder, f"http.token_file: {folder}/short: its first line has 3 characters", **GOOD, token_file="short")
    (folder / "open.key").write_bytes((folder / "server.key").read_bytes())
    (folder / "open.key").chmod(0o644)
    refused(folder, f"chmod o= {folder}/open.key", **{**with_token, "tls_key": "open.key"})
    refused(folder, f"http.token_file: {folder}: ", **GOOD, token_file="")
    refused(folder, "http.listen", listen="everywhere:1", **with_token)
    # What an option says is held to the same.
    done = subprocess.run(
        [str(CONTROL), "--http", "0.0.0.0:0", "--region", str(folder / "none"), "--socket", str(folder / "s"),
         "--journal", "none"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2 and "takes TLS" in done.stderr, done


def context(folder, name=None):
    made = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if name:
        made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return made


def served(folder, **keys):
    path = configuration(folder, f"0.0.0.0:{free_port()}", **GOOD, **keys)
    return Node(folder, "--config", str(path), scheme="https")


def let_in(node, folder, who=None, **headers):
    return node.get("/metrics", context(folder, who), **headers)[0] == 200


def test_token(folder):
    with served(folder, token_file="token") as node:
        status, headers, _ = node.get("/metrics", context(folder))
        assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer"), headers
        assert node.get("/nowhere", context(folder))[0] == 401, "who is not let in learns nothing"
        for path in ("/livez", "/readyz"):
            assert node.get(path, context(folder))[0] == 200
        assert let_in(node, folder, Authorization=f"Bearer {TOKEN}")
        for wrong in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ", f"Basic {TOKEN}", TOKEN):
            assert not let_in(node, folder, Authorization=wrong), wrong
        # A certificate is nothing where no authority is named.
        assert not let_in(node, folder, "client")
        try:
            node.get("/livez", ssl.create_default_context())
            raise AssertionError("a certificate that nobody vouches for was taken")
        except OSError:
            pass
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            exactly = context(folder)
            exactly.minimum_version = exactly.maximum_version = version
            assert node.get("/livez", exactly)[0] == 200, version


def test_client_certificate(folder):
    with served(folder, client_ca="ca.pem") as node:
        assert let_in(node, folder, "client")
        assert not let_in(node, folder)
        assert not let_in(node, folder, Authorization=f"Bearer {TOKEN}")
        try:
            assert not let_in(node, folder, "stranger")
        except OSError:
            pass  # refused in the handshake


def test_both(folder):
    with served(folder, client_ca="ca.pem", token_file="token") as node:
        assert let_in(node, folder, "client")
        assert let_in(node, folder, Authorization=f"Bearer {TOKEN}")
        assert not let_in(node, folder)


def main():
    missing = built()
    if missing or not shutil.which("openssl"):
        print(missing or "no openssl here: apt-get install openssl")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-https-") as name:
        folder = pathlib.Path(name)
        files(folder)
        run_tests(globals(), folder)
    return 0


if __name__ == "__main__":
    script(main)
