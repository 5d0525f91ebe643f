#!/usr/bin/env python3
# beside others
"""TLS with sslmode=verify-full: the right authority and name, and what is said when one of them is wrong."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from postgres import Place, Postgres, Store, need, own, same, skip

HBA = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n"
SETTINGS = "ssl = on\nssl_cert_file = '{0}/server.crt'\nssl_key_file = '{0}/server.key'\n"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(folder, name):
    """An authority of our own: its certificate, and its key beside it."""
    path = folder / f"{name}.crt"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / f"{name}.key")]
    openssl("req", "-x509", *key, "-out", str(path), "-days", "2", "-subj", f"/CN={name}")
    return path


def certificate(folder, by, names):
    """server.crt and server.key for names."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "server.key")]
    openssl("req", "-new", *key, "-out", str(folder / "server.csr"), "-subj", "/CN=server")
    (folder / "names").write_text(f"subjectAltName={names}\n")
    signed = ["-CA", str(by), "-CAkey", str(by.with_suffix(".key")), "-CAcreateserial", "-days", "2"]
    openssl("x509", "-req", "-in", str(folder / "server.csr"), *signed, "-extfile", str(folder / "names"),
            "-out", str(folder / "server.crt"))
    (folder / "server.key").chmod(0o600)


def refused(store, connection, words):
    store.start(connection)
    status = store.until("down")
    assert any(word in status["why"] for word in words), status
    assert status["taken"] == 0
    store.do("stop 0")


def main():
    need()
    if shutil.which("openssl") is None:
        skip("openssl is not installed (make deps)")
    with Place() as place:
        folder = place.folder("tls")
        ours, other = authority(folder, "ours"), authority(folder, "other")
        certificate(folder, ours, "DNS:localhost")
        own(folder)
        pg = Postgres(place, settings=SETTINGS.format(folder), hba=HBA)
        os.chmod(folder, 0o755)
        store = Store(place)
        store.do("write 20000")
        connection = f"port={pg.port} user=tick dbname=trades sslmode=verify-full"
        refused(store, f"host=localhost sslrootcert={other} {connection}", ["certificate verify failed"])
        refused(store, f"host=127.0.0.1 sslrootcert={ours} {connection}", ["does not match host name"])
        refused(store, f"host=localhost sslrootcert={folder}/missing {connection}", ["does not exist"])
        plain = connection.replace("verify-full", "disable")
        refused(store, f"host=localhost {plain}", ["pg_hba.conf", "no encryption"])
        store.start(f"host=localhost sslrootcert={ours} {connection}")
        store.caught_up()
        ssl = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tickgate'"
        assert pg.sql(ssl) == "t"
        same(pg, store)
        store.quit()


if __name__ == "__main__":
    main()
