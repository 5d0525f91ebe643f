#!/usr/bin/env python3
# beside others
"""Metrics of the real control plane: promtool has nothing to say about them, and a real Prometheus scrapes them.

Exit code 77: no Prometheus here, or the programs are not built.
"""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import CLI, PATIENCE_S, Node, built, free_port, run_tests, script, until  # noqa: E402

OPEN = "application/openmetrics-text; version=1.0.0"
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
  - job_name: full
    metrics_path: /metrics/full
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def test_promtool(node):
    for path in ("/metrics", "/metrics/full"):
        status, headers, text = node.get(path)
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0 and not done.stdout + done.stderr, f"{path}: {done.stdout}{done.stderr}"
    series = [line for line in node.get("/metrics")[2].splitlines() if not line.startswith("#")]
    assert 100 < len(series) <= 300, f"{len(series)} series"
    assert len(set(line.rsplit(" ", 1)[0] for line in series)) == len(series), "a series stands there twice"


def test_open_metrics(node):
    _, headers, text = node.get("/metrics", Accept=OPEN)
    assert headers["Content-Type"].startswith("application/openmetrics-text"), headers
    assert text.endswith("# EOF\n")
    assert "# TYPE tickgate_lane_frames counter\n" in text and "\ntickgate_lane_frames_total{" in text
    assert 'le="2.75e-06"' in text


def test_journal(node):
    """Each commit is in the histogram of what it took."""
    def series():
        lines = node.get("/metrics/full")[2].splitlines()
        return {name: float(number) for name, number in (line.split() for line in lines if line.startswith("tickgate_journal_"))}

    def counted():
        now = series()
        return now["tickgate_journal_lag_events"] == 0 and (
            now["tickgate_journal_commit_seconds_count"] == now["tickgate_journal_commits_total"] > 0)

    node.dataplane("events 5")
    until(counted, "every commit is in the histogram")
    assert series()["tickgate_journal_commit_seconds_sum"] > 0, series()


def query(port, expression):
    """Values of an instant vector by their labels; empty while Prometheus does not answer."""
    address = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            return [(r["metric"], float(r["value"][1])) for r in json.load(answer)["data"]["result"]]
    except OSError:
        return []


def value(port, expression):
    found = query(port, expression)
    return found[0][1] if len(found) == 1 else None


def cut_off(node):
    lines = node.get("/metrics")[2].splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("tickgate_http_clients_cut_off_total "))


def test_crowd(node):
    """Clients that never end their request: who asks properly is answered."""
    idle = []
    for _ in range(200):
        s = socket.create_connection(("127.0.0.1", node.port()), timeout=PATIENCE_S)
        s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept:")
        idle.append(s)
    results = []
    threads = [threading.Thread(target=lambda: results.append(node.get("/metrics")[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert results == [200] * 8, results
    assert node.cli("status")[0] == 0
    until(lambda: cut_off(node) >= 100, "those who were cut off are counted")
    for s in idle:
        s.close()


def test_kill_past_the_control_plane(node):
    """The stopwatch has it, from the moment that the command was given."""
    done = subprocess.run([str(CLI), "kill", "--direct", "--region", str(node.region), "--socket", str(node.socket)],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done
    def series(name):
        return [float(line.split()[1]) for line in node.get("/metrics")[2].splitlines() if line.startswith(name + " ")]
    until(lambda: series("tickgate_kill_noticed_seconds") and series("tickgate_kill_noticed_seconds")[0] > 0, "it is there")
    assert series("tickgate_kills_total") == [1] and series("tickgate_kill_last_order_seconds") == [0]
    assert series("tickgate_kill_noticed_seconds")[0] < PATIENCE_S
    assert node.cli("resume", "--reason", "r", "--yes")[0] == 0


def test_prometheus(node):
    folder = node.folder / "prometheus"
    folder.mkdir()
    (folder / "config.yml").write_text(CONFIG.format(port=node.port()), encoding="utf-8")
    port = free_port()
    with open(folder / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/config.yml", f"--storage.tsdb.path={folder}/data"]
            + [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=log,
            stderr=log,
        )
    try:
        said = folder / "log"
        until(lambda: value(port, 'up{job="node"}') == 1, "Prometheus scrapes /metrics")
        until(lambda: value(port, 'up{job="full"}') == 1, "Prometheus scrapes /metrics/full")
        until(lambda: value(port, "tickgate_dataplane_up{job='node'}") == 1, "what was scraped can be asked for")
        alarm = 'tickgate_lane_frame_to_book_seconds_bucket{job="node",le="2.75e-06"}'
        assert value(port, alarm) == 990, query(port, alarm)
        # What an alert asks: the share of frames above the line.
        above = f'1 - {alarm} / on() tickgate_lane_frame_to_book_seconds_count{{job="node"}}'
        assert abs(value(port, above) - 0.01) < 1e-9, query(port, above)
        assert value(port, "count({job='node'} unless {__name__=~'up|scrape_.*'})") <= 300
        assert value(port, "tickgate_refusals_total{job='node',reason='POSITION'}") == 2
        node.dataplane("messages 1234")
        moved = "tickgate_channel_messages_total{job='node',channel='itch'}"
        until(lambda: value(port, moved) == 61234, "a counter that goes on is seen")
        metadata = f"http://127.0.0.1:{port}/api/v1/metadata?metric=tickgate_lane_frame_to_book_seconds"
        with urllib.request.urlopen(metadata, timeout=PATIENCE_S) as answer:
            told = json.load(answer)["data"]["tickgate_lane_frame_to_book_seconds"][0]
        assert told["type"] == "histogram" and told["help"], told
        assert "err=" not in said.read_text(encoding="utf-8"), said.read_text(encoding="utf-8")
        node.dataplane("stop")
        until(lambda: value(port, "tickgate_dataplane_up{job='node'}") == 0, "the end of the dataplane is seen")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def main():
    missing = built()
    absent = [p for p in ("promtool", "prometheus") if not shutil.which(p)]
    if missing or absent:
        print(missing or f"no {' and no '.join(absent)} here: apt-get install prometheus")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-metrics-") as name:
        with Node(pathlib.Path(name), "--http", "127.0.0.1:0", "--journal", f"{name}/journal") as node:
            run_tests(globals(), node)
    return 0


if __name__ == "__main__":
    script(main)
