#!/usr/bin/env python3
"""The whole way: the dataplane trades over memif, the control plane writes the journal and brings it into PostgreSQL,
whose tables say what the dataplane says. The database is away in the middle."""

import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from postgres import Place, Postgres, free_port, need, wait_until
from system import BUILD, System, need_programs, wait_for
from trading import Ledger, configure_memif, sections, start_memif_trade

DAY = "--symbols 4 --live 2000 --messages 160000 --rate 8000 --end-s 2 --linger-s 30".split()


HTTP = free_port()


def configured(s, pg):
    trading = sections("10.0.0.1:26400", ("BUAH", "TRBP"), "protocol: ouch50")
    store = f"\nstore:\n  connection: '{pg.conninfo()}'\n  flush_ms: 50\n  retry_ms: 20\n  retry_max_ms: 200\n"
    store += f"http:\n  listen: 127.0.0.1:{HTTP}\n"
    configure_memif(s, trading + store)


SILENCE_S = 3


def migrate_first(s, pg):
    """--migrate makes the schema, however long the server takes for it, finds it made, and refuses a newer one."""
    program = [str(BUILD / "tickgate-controlplane"), "--config", str(s.dir / "config.yaml"), "--migrate"]

    def run():
        return subprocess.run(program, capture_output=True, text=True, timeout=60)

    impatient = s.dir / "impatient.yaml"
    impatient.write_text((s.dir / "config.yaml").read_text().replace("\nstore:\n", f"\nstore:\n  silence_ms: {SILENCE_S * 1000}\n"))
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
    # As one that migrates at this moment.
    pg.sql("CREATE TABLE other AS SELECT 1 AS going_on")
    other = threading.Thread(target=pg.sql, args=(
        "DO $$ BEGIN PERFORM pg_advisory_lock(7521983, 1); WHILE EXISTS (SELECT FROM other) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$",))
    other.start()
    wait_until("the lock is taken", lambda: pg.numbers(locks + "granted") == [1])
    with subprocess.Popen([str(impatient) if word.endswith(".yaml") else word for word in program]) as patient:
        wait_until("it waits", lambda: pg.numbers(locks + "NOT granted") == [1])
        time.sleep(SILENCE_S + 1)
        pg.sql("DELETE FROM other")
        assert patient.wait(60) == 0
    other.join()
    assert [run().returncode for _ in range(2)] == [0, 0]
    version = pg.numbers("SELECT max(version) FROM tickgate.schema_version")[0]
    pg.sql(f"INSERT INTO tickgate.schema_version VALUES ({version + 1}, 'later', '9.9')")
    refused = run()
    assert refused.returncode == 4 and "newer tickgate" in refused.stderr, refused
    pg.sql(f"DELETE FROM tickgate.schema_version WHERE version > {version}")


def scraped():
    """Families of one series of the store, as Prometheus gets them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/metrics/full", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {name[len("tickgate_store_"):]: float(value) for name, value in map(str.split, filter(
        lambda line: line.startswith("tickgate_store_"), lines))}


def lag_grows(s):
    """The database is away: more and more records, for longer and longer."""
    keys = ("lag_records", "lag_seconds")
    wait_for("a lag", lambda: all(scraped()[key] > 0 for key in keys), s.alive, lambda: f"; {scraped()}")
    before = scraped()
    wait_for("a larger lag", lambda: all(scraped()[key] > before[key] for key in keys), s.alive, lambda: f"; {before}, {scraped()}")
    assert scraped()["connected"] == 0, scraped()


def follow(s, pg):
    ledger = Ledger(s)

    def state():
        ledger.collect()  # often, as the control plane does not remember for long
        return s.ask("status")["store"]

    wait_for("orders and fills", lambda: len(ledger.collect().fills) >= 20, s.alive)
    wait_for("some of it in the database", lambda: state()["events"] > 0, s.alive, lambda: f"; {state()}")
    pg.stop(signal.SIGQUIT)
    wait_for("the store sees it", lambda: state()["state"] == "down", s.alive, lambda: f"; {state()}")
    fills = len(ledger.collect().fills)
    lag_grows(s)
    wait_for("trading goes on", lambda: len(ledger.collect().fills) > fills, s.alive)
    (pg.folder / "postmaster.pid").unlink(missing_ok=True)
    pg.start()
    wait_for("it is there again", lambda: state()["state"] in ("behind", "current"), s.alive, lambda: f"; {state()}")
    assert s.end("dataplane") == 0
    ledger.collect()
    # Nobody answers for the dataplane any more: its last event says that the store has all before it.
    last = "SELECT count(*) FROM tickgate.events WHERE type = 'LANE_STOPPED'"
    wait_for("all of it", lambda: pg.numbers(last) == [1], more=lambda: "; " + s.log("controlplane")[-300:])
    caught_up = {"connected": 1, "lag_records": 0, "lag_seconds": 0}
    wait_for("no lag", lambda: caught_up.items() <= scraped().items(), more=lambda: f"; {scraped()}")
    return ledger


def compare(pg, ledger):
    sent, fills = len(ledger.sent), len(ledger.fills)
    rows = pg.numbers("SELECT count(*), count(DISTINCT (journal, number)) FROM tickgate.executions WHERE shares > 0")
    assert rows == [fills, fills], (rows, fills)
    rows = pg.numbers("SELECT count(*) FROM tickgate.sends WHERE sent")
    assert rows == [sent], (rows, sent)
    assert pg.numbers("SELECT sum(executions) FROM tickgate.trades_per_hour") == [fills]
    assert pg.numbers("SELECT count(*) FROM tickgate.holes") == [0]
    assert pg.numbers("SELECT count(*) FROM tickgate.instances") == [1]
    named(pg, ledger)


def named(pg, ledger):
    """What the numbers mean stands there, too."""
    by_name = ("SELECT DISTINCT tickgate.name_of(journal, epoch, 'account', 0, account) || ' ' || "
               "tickgate.name_of(journal, epoch, 'session', lane, session) || ' ' || "
               "tickgate.name_of(journal, epoch, 'strategy', lane, strategy) || ' ' || "
               "tickgate.name_of(journal, epoch, 'instrument', 0, instrument) FROM tickgate.decisions ORDER BY 1")
    assert pg.sql(by_name).split("\n") == ["main nas quotes BUAH", "main nas takes TRBP"], pg.sql(by_name)
    shown = dict(row.split("|") for row in
                 pg.sql("SELECT symbol || '|' || position FROM tickgate.positions_by_name WHERE account = 'main'").split())
    want = {("BUAH", "TRBP")[i]: str(n) for i, n in ledger.positions.items() if n}
    assert want and {symbol: n for symbol, n in shown.items() if n != "0"} == want, (shown, ledger.positions)
    locates = "SELECT count(DISTINCT name) FROM tickgate.names WHERE kind = 'locate'"
    assert pg.numbers("SELECT count(*) FROM tickgate.names WHERE kind = 'lane' AND name = 'lane0'") == [1]
    assert pg.numbers(locates)[0] >= 1, "no event has named a symbol of the channel"


def main():
    need_programs()
    need()
    with Place() as place, System("stored") as s:
        pg = Postgres(place)
        configured(s, pg)
        migrate_first(s, pg)
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE,protocol=5.0", "--order-log", s.dir / "orders.jsonl")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = follow(s, pg)
        assert s.end("controlplane") == 0
        compare(pg, ledger)


if __name__ == "__main__":
    main()
