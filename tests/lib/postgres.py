"""PostgreSQL, PgBouncer and a store for one test: in a directory of their own, as a user without rights."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), default=pathlib.Path("/"))
BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build"))
USER = "nobody"  # PostgreSQL does not run as root
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
port = {port}
fsync = off
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
max_wal_size = 256MB
wal_level = replica
max_wal_senders = 4
hot_standby = on
logging_collector = off
log_min_error_statement = panic
"""


def skip(reason):
    print(reason)
    sys.exit(77)


def need():
    if not (BIN / "postgres").exists():
        skip("PostgreSQL is not installed (make deps)")


def wait_until(what, condition, seconds=60):
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for: {what}")
        time.sleep(0.02)


def as_user():
    """What Popen needs to start a program as somebody without rights."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def own(path):
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        for each in [path, *path.rglob("*")]:
            os.chown(each, user.pw_uid, user.pw_gid)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Place:
    """A directory that goes with the test, and the programs that were started in it."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-store-", dir="/tmp"))
        self.path.chmod(0o755)
        self.programs = []

    def folder(self, name):
        path = self.path / name
        path.mkdir(mode=0o700)
        own(path)
        return path

    def start(self, command, log, **more):
        with open(self.path / f"{log}.log", "ab") as out:
            program = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/tmp", **more)
        self.programs.append(program)
        return program

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for program in reversed(self.programs):
            if program.poll() is None:
                program.send_signal(signal.SIGQUIT)
        for program in self.programs:
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        if kind is not None:
            for log in sorted(self.path.glob("*.log")):
                print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-30:]))
        shutil.rmtree(self.path, ignore_errors=True)


class Postgres:
    """A cluster. Trusts whoever connects, unless <hba> says otherwise."""

    def __init__(self, place, name="pg", settings="", hba=None, like=None):
        self.place, self.name = place, name
        self.folder = place.path / name
        self.port = free_port()
        self.program = None
        if like:
            self.run("pg_basebackup", "-D", str(self.folder), "-h", "127.0.0.1", "-p", str(like.port), "-U", "tick", "-R", "-c", "fast")
        else:
            self.run("initdb", "-D", str(self.folder), "-U", "tick", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        if hba:
            (self.folder / "pg_hba.conf").write_text(hba)
        with open(self.folder / "postgresql.conf", "a") as out:
            out.write(SETTINGS.format(folder=place.path / name, port=self.port) + settings)
        self.start()
        if not like:
            self.sql("CREATE DATABASE trades", database="postgres")

    def run(self, program, *arguments):
        if not self.folder.exists():
            self.place.folder(self.name)
        done = subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True, cwd="/tmp", **as_user())
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self):
        self.program = self.place.start([str(BIN / "postgres"), "-D", str(self.folder)], self.name, **as_user())
        wait_until("PostgreSQL answers", self.answers)

    def answers(self):
        assert self.program.poll() is None, f"PostgreSQL {self.name} has ended"
        done = subprocess.run([str(BIN / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)], check=False)
        return done.returncode == 0

    def stop(self, how=signal.SIGINT):
        self.program.send_signal(how)
        self.program.wait(60)

    def conninfo(self, more=""):
        return f"host=127.0.0.1 port={self.port} user=tick dbname=trades {more}"

    def sql(self, text, database="trades"):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port)]
        done = subprocess.run(
            [*command, "-U", "tick", "-d", database, "-c", text], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout.strip()

    def row(self, text):
        return self.sql(text).split("|")

    def numbers(self, text):
        return [int(each or 0) for each in self.row(text)]


class Pooler:
    """PgBouncer with one connection to the server, lent for a transaction at a time."""

    def __init__(self, place, pg):
        self.port = free_port()
        folder = place.folder("pooler")
        users, settings = folder / "users", folder / "pgbouncer.ini"
        users.write_text('"tick" ""\n')
        settings.write_text(f"""
[databases]
trades = host=127.0.0.1 port={pg.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 1
max_client_conn = 20
query_wait_timeout = 60
""")
        own(folder)
        self.place, self.settings = place, settings
        self.program = None
        self.start()

    def start(self):
        self.program = self.place.start(["/usr/sbin/pgbouncer", str(self.settings)], "pooler", **as_user())

    def conninfo(self):
        return f"host=127.0.0.1 port={self.port} user=tick dbname=trades"


class Store:
    """tests/lib/store_run.c: a journal and a store."""

    def __init__(self, place, journal="journal", epoch_s=None):
        self.log = open(place.path / "store.log", "ab")
        folder = place.path / journal
        self.program = subprocess.Popen(
            [str(BUILD / "tests/lib/store_run"), str(folder), str(epoch_s or int(time.time()))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        place.programs.append(self.program)

    def do(self, line):
        self.program.stdin.write(line + "\n")
        self.program.stdin.flush()
        answer = self.program.stdout.readline()
        assert answer, f"store_run ended at: {line}"
        return json.loads(answer)

    def start(self, connection, flush_ms=20, events=5000):
        answer = self.do(f"start {flush_ms} {events} {connection}")
        assert "error" not in answer, answer

    def caught_up(self, seconds=60):
        status = self.do(f"wait {seconds}")
        assert status["taken"] == status["committed"], status
        return status

    def status(self):
        return self.do("status")

    def until(self, state, seconds=60):
        """Waits for a state; returns the status."""
        return wait_until(f"state {state}", lambda: (s := self.status())["state"] == state and s, seconds)

    def kill(self):
        self.program.kill()
        self.program.wait()

    def quit(self):
        self.program.stdin.write("quit\n")
        self.program.stdin.close()
        assert self.program.wait(60) == 0


def same(pg, store):
    """The database holds what the journal says: counts and sums, nothing twice, nothing missing."""
    want = store.do("expect")
    types = want["types"]
    got = {}
    for table in pg.sql("SELECT unnest(tickgate.daily())").split():
        rows, distinct = pg.numbers(f"SELECT count(*), count(DISTINCT (journal, number)) FROM tickgate.{table}")
        assert rows == distinct, f"{table}: {rows} rows, {distinct} of them different"
        got[table] = rows
    assert sum(got.values()) - got["executions"] == want["events"], (got, want)
    assert got["executions"] == want["executions"], (got, want)
    assert got["decisions"] == types.get("DECISION", 0)
    assert got["order_messages"] == types.get("ORDER", 0)
    assert got["sends"] == types.get("ORDER_SENT", 0) + types.get("ORDER_NOT_SENT", 0)
    assert got["releases"] == types.get("ORDER_RELEASED", 0) != 0
    assert got["cancels"] == types.get("CANCEL_SENT", 0)
    assert pg.numbers("SELECT sum(quantity) FROM tickgate.decisions") == [want["quantity"]]
    sums = "sum(shares - broken_shares), sum(shares * price - broken_shares * broken_price)"
    assert pg.numbers(f"SELECT {sums} FROM tickgate.executions") == [want["shares"], want["value"]]
    once = pg.numbers(f"SELECT {sums}, count(*) FILTER (WHERE shares > 0) FROM tickgate.executions WHERE NOT again")
    told = [types.get("DECISION", 0), types.get("ORDER", 0)]
    for table in ("sums_minute", "sums_hour"):
        names = "sum(shares), sum(value), sum(executions), sum(decisions), sum(messages)"
        assert pg.numbers(f"SELECT {names} FROM tickgate.{table}") == once + told, table
    held = "SELECT sum(abs(position)) FROM tickgate.positions WHERE epoch = (SELECT max(epoch) FROM tickgate.positions)"
    assert pg.numbers(held) == [want["held"]]
    assert pg.numbers("SELECT number, events FROM tickgate.journals") == [want["last"], want["events"]]
    for table in ("latency_minute", "latency_hour"):
        assert pg.numbers(f"SELECT sum(count) FROM tickgate.{table} WHERE stage = 3") == [types.get("ORDER_SENT", 0)]
    return want
