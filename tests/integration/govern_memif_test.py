#!/usr/bin/env python3
"""People govern a dataplane that trades: what they see is what the exchange has, and after a kill is answered no enter
or replace joins the stream, with the control plane and without it.
"""

import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, PATIENCE_S, System, need_programs, wait_for  # noqa: E402
from trading import Ledger, configure_memif, flat, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 1600000 --rate 6000 --end-s 2 --linger-s 60".split()
QUIET_S = 0.5


def cli(s, *words, code=0, socket=True):
    """Standard output of a command that must end with <code>, and what it said besides."""
    where = ["--socket", str(s.socket)] if socket else []
    done = subprocess.run([str(BUILD / "tickgate"), *words, *where], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, f"tickgate {' '.join(words)}: {done.returncode}, not {code}: {done.stderr}"
    return done.stdout, done.stderr


def ask(s, *words):
    return json.loads(cli(s, *words, "--json")[0])


def requests(log):
    """What has arrived at the exchange so far: enter, replace, modify, cancel in order. The exchange writes on: its last
    line may be half a line."""
    records = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [r["text"] for r in records if r.get("member") == "alice" and r["event"] == "request"
            and r["text"] in ("enter", "replace", "modify", "cancel")]


def trading_goes_on(s, ledger):
    before = len(ledger.collect().sent)
    wait_for("new orders", lambda: len(ledger.collect().sent) > before + 5, s.alive)


def views(s, ledger):
    """Held still by a halt, every view says the same as the events do."""
    answer = ask(s, "halt", "--reason", "to look at it")
    assert answer["lanes"][0]["now"] == "halted" and answer["lanes"][0]["in_force_from_event"], answer
    wait_for("a refusal", lambda: ask(s, "show", "trading")["refusals"].get("HALTED"), s.alive)
    cli(s, "cancel", "--reason", "to look at it")
    wait_for("nothing open", lambda: ask(s, "show", "sessions")["sessions"][0]["open_orders"] == 0, s.alive)
    ledger.collect()
    session = ask(s, "show", "sessions")["sessions"][0]
    assert (session["session"], session["state"], session["trading"]) == ("nas", "ready", "active"), session
    assert session["sent"] == len(ledger.sent) and session["logins"] == 1, session
    orders = ask(s, "show", "orders")
    assert orders["complete"] and orders["total"] == 0, orders
    shown = {p["symbol"]: p["shares"] for p in ask(s, "show", "positions")["positions"] if p["shares"]}
    assert shown == {SYMBOLS[i]: n for i, n in ledger.positions.items()}, f"{shown}, events say {ledger.positions}"
    account = ask(s, "show", "positions", "--account", "main")["accounts"][0]
    assert account["open_orders"] == 0 and account["open_notional"] == "0.0000", account
    trading = ask(s, "show", "trading")
    assert [(f["what"], f["scope"]) for f in trading["in_force"]] == [("halted", "global")], trading
    assert trading["lanes"][0]["fills"] == len(ledger.fills), trading
    assert trading["refusals"].get("HALTED"), trading
    strategy = ask(s, "show", "strategies")["strategies"][0]
    assert strategy["strategy"] == "quotes" and strategy["state"] == "on" and strategy["calls"], strategy
    cli(s, "resume", "--reason", "looked at", "--yes")
    trading_goes_on(s, ledger)


def period(s, ledger):
    """Prices held to the one that the period began with, and shown as any other limit."""
    symbol = f"symbol:{SYMBOLS[0]}"
    refusal = cli(s, "set", "limit", symbol, "period_least", "0.5", "--reason", "r", code=1)[1]
    assert "period_least: does nothing without period" in refusal, refusal
    first = ask(s, "set", "limit", symbol, "period", "0", "--reason", "a test of prices")["lanes"][0]["in_force_from_event"]
    refused = lambda: [e["fields"] for e in ledger.collect().events  # noqa: E731
                       if e["event"] == "DECISION" and e["sequence"] > first and e["fields"]["refusal"] == "PRICE_PERIOD"]
    wait_for("prices that are refused", lambda: refused(), s.alive)
    assert all(f["value"] != f["limit"] for f in refused()), refused()[:3]
    assert ("period", 0) in [(r["control"], r["limit"]) for r in ask(s, "show", "limits", symbol)["limits"]]
    cli(s, "set", "limit", symbol, "period", "none", "--reason", "over")


def limits(s, ledger):
    """A limit that is set: from its event on every decision is by the new table, and refused by it."""
    cli(s, "set", "limit", "account:main", "touch", "5", "--reason", "r", code=1)
    assert "no such limit" in cli(s, "set", "limit", "firm", "size", "5", "--reason", "r", code=1)[1]
    refusal = cli(s, "set", "limit", f"symbol:{SYMBOLS[0]}", "last_least", "0.5", "--reason", "r", code=1)[1]
    assert f"symbol {SYMBOLS[0]}: last_least: does nothing without last; nothing was changed" in refusal, refusal
    answer = ask(s, "set", "limit", "account:main", "quantity", "99", "--reason", "a test of limits")
    assert answer["was"] is None and answer["now"] == 99, answer
    first, version = (answer["lanes"][0][key] for key in ("in_force_from_event", "limits_version"))
    changed = lambda: [e for e in ledger.collect().events if e["event"] == "DECISION" and e["sequence"] > first]  # noqa: E731
    of_main = lambda: [e["fields"] for e in changed() if e["fields"]["account"] == 0]  # noqa: E731
    wait_for("refusals", lambda: len(of_main()) >= 5, s.alive)
    assert all(f["refusal"] == "QUANTITY" and f["limit"] == 99 for f in of_main()), of_main()[:3]
    assert all(e["fields"]["limits_version"] >= version for e in changed()), changed()[:3]
    said = ledger.of("LIMIT_CHANGED")[-1]
    assert (said["control"], said["now"], said["reason"]) == ("quantity", 99, "a test of limits"), said
    assert "quantity is 99 already" in cli(s, "set", "limit", "account:main", "quantity", "99", "--reason", "r", code=4)[1]
    rows = {(r["scope"], r["name"], r["control"]): r for r in ask(s, "show", "limits")["limits"]}
    row = rows["account", "main", "quantity"]
    assert row["limit"] == 99 and row["binds"] == "firm" and row["use"] is None, row
    row = rows["firm", None, "open_notional"]
    assert float(row["use"]) + float(row["headroom"]) == float(row["limit"]) == 5000000, row
    row = rows["account", "main", "position"]
    assert row["limit"] == 5000 and row["use"] + row["headroom"] == 5000, row
    only = ask(s, "show", "limits", f"symbol:{SYMBOLS[1]}")["limits"]
    assert [(r["name"], r["control"], r["limit"]) for r in only] == [(SYMBOLS[1], "quantity", 500)], only
    out = cli(s, "set", "limit", "account:main", "quantity", "none", "--reason", "over")[0]
    assert out.startswith("account main quantity: none, was 99\n"), out
    for names in ("nas,nas", "all"):
        answer = ask(s, "set", "limit", "strategy:quotes", "venues", names, "--reason", "a test of venues")
        assert answer["now"] == names[:3], answer
    trading_goes_on(s, ledger)
    period(s, ledger)
    trading_goes_on(s, ledger)


def notional(s):
    return next(r for r in ask(s, "show", "limits", "firm")["limits"] if r["control"] == "open_notional")


def raised(s):
    """Beyond the configuration a limit goes only for a time."""
    beyond = ("set", "limit", "firm", "open_notional", "6000000")
    assert "say for how long" in cli(s, *beyond, "--reason", "r", code=1)[1]
    answer = ask(s, *beyond, "--for", "3s", "--reason", "a large order", "--yes")
    assert answer["until"] and (answer["now"], answer["back"]) == ("6000000.0000", "5000000.0000"), answer
    row = notional(s)
    assert (row["limit"], row["until"], row["back"]) == ("6000000.0000", answer["until"], "5000000.0000"), row


def raise_is_over(s):
    """By itself, also when no control plane was there at the time; the journal tells all of it."""
    wait_for("the end of the raise", lambda: (notional(s)["limit"], notional(s)["until"]) == ("5000000.0000", None), s.alive)
    history = lambda: json.loads(cli(s, "limits", "history", str(s.dir / "journal"), "--json", socket=False)[0])["history"]  # noqa: E731
    told = lambda: sorted((r["what"], r["value"], str(r["reason"])) for r in history() if r["control"] == "open_notional")  # noqa: E731
    want = [("asked for", "6000000.0000", "a large order"), ("in force", "5000000.0000", "its time is over"),
            ("in force", "6000000.0000", "a large order"), ("raise over", "5000000.0000", "None"),
            ("raised", "6000000.0000", "None")]
    wait_for("the journal", lambda: told() == want, s.alive, lambda: f"; it says {told()}")
    assert [r["value"] for r in history() if (r["control"], r["what"]) == ("venues", "in force")] == ["nas", "all"], history()


def configuration(s):
    """What the file says is in force in the lanes, and what was before is again."""
    path = s.dir / "config.yaml"
    was = path.read_text()
    path.write_text(was.replace("limits: {position: 5000}", "limits: {position: 4000}").replace("quantity: 500}", "quantity: 600}"))
    assert path.read_text() != was
    answer = ask(s, "config", "apply", "--reason", "a test", "--yes")
    assert answer["limits"] == 1 + len(SYMBOLS), answer
    limit = lambda *scope: {r["control"]: r["limit"] for r in ask(s, "show", "limits", *scope)["limits"]}  # noqa: E731
    assert limit("account:main")["position"] == 4000 and limit(f"symbol:{SYMBOLS[1]}")["quantity"] == 600
    cli(s, "config", "rollback", "--reason", "a test", "--yes")
    assert limit("account:main")["position"] == 5000 and limit(f"symbol:{SYMBOLS[1]}")["quantity"] == 500
    path.write_text(was)
    assert ask(s, "config", "diff")["rows"] == []


def strategies(s, ledger):
    cli(s, "strategy", "set", "quotes", "distance=400", "--reason", "wider", "--yes")
    shown = ask(s, "show", "strategies")["strategies"][0]["parameters"]
    assert shown["distance"] == 400 and shown["shares"] == 100, shown
    cli(s, "strategy", "disable", "takes", "--reason", "enough")
    state = lambda: ask(s, "show", "strategies")["strategies"][1]  # noqa: E731
    wait_for("off", lambda: state()["state"] == "off", s.alive)
    assert state()["why"] == "by a person", state()
    time.sleep(QUIET_S)
    ledger.collect()
    last = max(e["sequence"] for e in ledger.events if e["event"] == "STRATEGY")
    late = [e for e in ledger.events if e["event"] == "DECISION" and e["sequence"] > last and e["fields"]["strategy"] == 1]
    assert not late, late[:2]
    assert "strategy quotes is on already" in cli(s, "strategy", "enable", "quotes", "--reason", "r", "--yes", code=4)[1]
    cli(s, "strategy", "enable", "takes", "--reason", "again", "--yes")
    wait_for("on", lambda: state()["state"] == "on", s.alive)


def nothing_but_cancels(s, ledger, log, first):
    """Events of the lane from <first> on, and the exchange's log from now on."""
    time.sleep(QUIET_S)  # what left before the kill is on its way to the log
    arrived = len(requests(log))
    wait_for("nothing open", lambda: ask(s, "show", "sessions")["sessions"][0]["open_orders"] == 0, s.alive)
    time.sleep(QUIET_S)
    ledger.collect()
    sent = [e for e in ledger.events if e["event"] == "ORDER_SENT" and e["sequence"] > first]
    assert not sent, f"left after the kill was in force: {sent[:2]}"
    refused = [e for e in ledger.events if e["event"] == "DECISION" and e["sequence"] > first]
    assert refused and all(e["fields"]["refusal"] == "KILLED" for e in refused), refused[-2:]
    asked = [e["fields"]["ref"] for e in ledger.events if e["event"] == "CANCEL_SENT" and e["sequence"] > first]
    assert len(set(asked)) == len(asked), f"cancelled twice: {asked}"
    came = requests(log)[arrived:]
    assert set(came) <= {"cancel"}, f"arrived after the kill was answered: {came}"
    return len(asked)


def killed(s, ledger, log):
    begin = time.monotonic()
    answer = ask(s, "kill", "--reason", "a test of the kill")
    took_ms = (time.monotonic() - begin) * 1000
    cancels = nothing_but_cancels(s, ledger, log, answer["lanes"][0]["in_force_from_event"])
    said = ledger.of("GOVERNED")[-1]
    assert said["reason"] == "a test of the kill", said
    assert "nothing to take back for session nas" in cli(s, "resume", "session", "nas", "--reason", "r", "--yes", code=4)[1]
    cli(s, "resume", "--reason", "over", "--yes")
    trading_goes_on(s, ledger)
    return f"{took_ms:.0f} ms from the command to its answer, {cancels} cancels"


def killed_without_a_control_plane(s, log):
    raised(s)
    s.end("controlplane", signal.SIGKILL)
    assert "kill --direct" in cli(s, "kill", code=3)[1]
    out, _ = cli(s, "kill", "account", "main", "--direct", "--region", s.name, "--json", socket=False)
    assert json.loads(out)["lanes"][0]["in_force_from_event"], out
    time.sleep(QUIET_S)  # what left before the kill is on its way to the log
    arrived = len(requests(log))
    time.sleep(2 * QUIET_S)
    came = requests(log)[arrived:]
    assert set(came) <= {"cancel"}, f"arrived after the direct kill was seen: {came}"
    s.start_controlplane()
    s.wait_ready()
    raise_is_over(s)
    force = ask(s, "show", "trading")["in_force"]
    assert [(f["what"], f["scope"], f["name"], f["by"]) for f in force] == [("kill", "account", "main", "direct")], force
    wait_for("the orders of before, from the journal", lambda: ask(s, "show", "orders")["complete"], s.alive)
    cli(s, "resume", "account", "main", "--reason", "over", "--yes")
    before = len(requests(log))
    wait_for("new orders", lambda: len(requests(log)) > before + 5, s.alive)


def main():
    need_programs()
    with System("govern") as s:
        log = s.dir / "orders.jsonl"
        configure_memif(s, sections("10.0.0.1:26400", SYMBOLS))
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE", "--order-log", log)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = Ledger(s)
        wait_for("orders and fills", lambda: len(ledger.collect().fills) >= 5, s.alive,
                 lambda: f"; {len(ledger.sent)} sent, {len(ledger.fills)} fills, {ledger.session_states}")
        views(s, ledger)
        limits(s, ledger)
        configuration(s)
        strategies(s, ledger)
        print("kill:", killed(s, ledger, log))
        killed_without_a_control_plane(s, log)
        assert s.end("dataplane") == 0, "an unclean end"
        flat(s)


if __name__ == "__main__":
    main()
