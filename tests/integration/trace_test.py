#!/usr/bin/env python3
# beside others
"""Traces of the real control plane: a receiver decodes what arrives with the public schema; the journal tells the same
again; a collector that is slow, down or does not want them.

Exit code 77: no python3-protobuf or protoc here, or the programs are not built.
"""

import http.server
import importlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import CLI, PATIENCE_S, Node, built, free_port, until  # noqa: E402

DEBIAN = "/usr/bin/python3"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "controlplane/trace"
TRADES = 2000
LATE = sum(i % 7 == 0 for i in range(TRADES))
STAGES = ["decide", "gate", "encode", "send"]
CONFIG = """node: {{main_core: {core}}}
ports: [{{name: md0, device: net_ring0}}]
lanes: [{{name: lane0, core: {core}, idle: sleep}}]
channels:
  - {{name: itch, lane: lane0, lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]}}
http: {{listen: "127.0.0.1:{http}"}}
trace:
  endpoint: http://127.0.0.1:{port}/v1/traces
{more}"""


def schema(folder):
    """The request as python3-protobuf knows it."""
    files = sorted(str(p.relative_to(SCHEMA)) for p in SCHEMA.rglob("*.proto"))
    subprocess.run(["protoc", f"-I{SCHEMA}", f"--python_out={folder}", *files], check=True, timeout=PATIENCE_S)
    sys.path.insert(0, str(folder))
    return importlib.import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


class Collector:
    """Takes requests; <status> is what it answers, and <held> keeps it from answering."""

    def __init__(self, service):
        self.service, self.status, self.requests, self.seen = service, 200, [], []
        self.held = threading.Event()
        self.held.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.held.wait(PATIENCE_S)
                collector.seen.append((self.path, dict(self.headers)))
                if collector.status == 200:
                    collector.requests.append(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def spans(self):
        return spans_of(self.service, self.requests)

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


def attributes(message):
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in message.attributes}


def spans_of(service, bodies):
    found = []
    for body in bodies:
        request = service.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                assert scope.scope.name == "tickgate", scope.scope
                found += scope.spans
    return found


def trees(spans):
    """Spans by trace: root first."""
    out = {}
    for span in spans:
        assert len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.span_id), span
        assert span.start_time_unix_nano <= span.end_time_unix_nano, span
        out.setdefault(span.trace_id.hex(), []).append(span)
    for spans in out.values():
        spans.sort(key=lambda s: (bool(s.parent_span_id), s.span_id))
        assert not spans[0].parent_span_id, "a trace without its root"
        assert all(s.parent_span_id == spans[0].span_id for s in spans[1:]), spans
        assert len({s.span_id for s in spans}) == len(spans), "a span came twice"
    return out


def configured(folder, collector, **keys):
    core = sorted(os.sched_getaffinity(0))[0]
    path = folder / "config.yaml"
    more = "".join(f"  {key}: {value}\n" for key, value in keys.items())
    path.write_text(CONFIG.format(core=core, port=collector.port, http=free_port(), more=more), encoding="utf-8")
    return Node(folder, "--config", str(path), "--journal", str(folder / "journal"))


def traced(node):
    code, out, err = node.cli("status", "--json")
    assert code == 0, err
    return json.loads(out)["trace"]


def accounted(told):
    return told["spans"] + told["dropped_spans"]


def test_every_order(folder, service):
    """N = 1: every order is one tree with its stages, in a burst far above 10,000 trades a minute."""
    collector = Collector(service)
    (folder / "headers").write_text("# who we are\nX-Desk: seven\n", encoding="utf-8")
    with configured(folder, collector, one_in=1, flush_ms=50, headers_file=folder / "headers") as node:
        node.dataplane(f"trades {TRADES}")
        node.dataplane("refuse 3")
        until(lambda: len(trees_or_none(collector)) == TRADES + 3, f"{TRADES + 3} traces arrive")
        until(lambda: traced(node)["spans"] == TRADES * 7 + 3 * 3, "all spans are taken")
        told = traced(node)
        assert told["state"] == "sending" and told["dropped_spans"] == 0 and told["traces"] == TRADES + 3, told
        text = node.get("/metrics/full")[2]
        assert f"\ntickgate_trace_spans_total {TRADES * 7 + 9}\n" in text, text
        assert "\ntickgate_journal_writing 1\n" in text and "\ntickgate_journal_lag_events 0\n" in text, text
        text = ""

        def exemplars():
            nonlocal text
            text = node.get("/metrics", Accept="application/openmetrics-text")[2]
            return f'_count{{stage="order"}} {TRADES}\n' in text

        until(exemplars, "the histogram has every order")
        named = set(re.findall(r'_bucket\{stage="order",le="[^"]+"\} \d+ # \{trace_id="([0-9a-f]{32})"\}', text))
        assert len(named) == 2 and named <= set(trees(collector.spans())), f"exemplars name traces that were told: {named}"
        node.stop_control()
    path, headers = collector.seen[0]
    assert path == "/v1/traces" and headers["X-Desk"] == "seven", headers
    assert headers["Content-Type"] == "application/x-protobuf", headers
    who = attributes(service.ExportTraceServiceRequest.FromString(collector.requests[0]).resource_spans[0].resource)
    assert who["service.name"] == "tickgate" and who["service.instance.id"] == "tickgate", who
    assert who["k8s.pod.name"] == "gate-1" and who["desk"] == "a b" and who["host.name"], who
    found = trees(collector.spans())
    orders = [t for t in found.values() if attributes(t[0])["trading.verdict"] == "approved"]
    assert len(orders) == TRADES
    sampled = [attributes(t[0])["trading.sampled"] for t in orders]
    assert sampled.count("late") == LATE and sampled.count("one_in") == TRADES - LATE
    whole(orders[1])
    refused = [t for t in found.values() if attributes(t[0])["trading.verdict"] == "refused"]
    assert len(refused) == 3
    root = attributes(refused[0][0])
    assert root["trading.refusal"] == "POSITION" and root["trading.sampled"] == "refused", root
    assert (root["trading.refusal.value"], root["trading.refusal.limit"]) == (1200, 1000), root
    assert refused[0][0].status.code == 2 and refused[0][0].status.message, refused[0][0].status
    assert [s.name for s in refused[0][1:]] == STAGES[:2], refused[0]
    again(folder, service, found)
    collector.close()


def trees_or_none(collector):
    try:
        return trees(collector.spans())
    except AssertionError:
        return {}


def whole(tree):
    assert [s.name for s in tree] == ["order", *STAGES, "exchange", "execution"], [s.name for s in tree]
    root = attributes(tree[0])
    assert root["trading.order.side"] == "buy" and root["trading.order.quantity"] == 100, root
    assert root["trading.order.price"] == 100.0 and root["trading.book.bid"] == 99.99, root
    assert root["trading.account"] == "MM" and root["trading.lane"] == "lane0", root
    for before, span in zip(tree[1:], tree[2:5]):
        assert span.start_time_unix_nano == before.end_time_unix_nano, tree
    assert tree[1].start_time_unix_nano == tree[0].start_time_unix_nano
    assert tree[1].end_time_unix_nano > tree[1].start_time_unix_nano, tree[1]
    assert attributes(tree[6])["trading.fill.shares"] == 100, tree[6]


def run(*words, code=0):
    done = subprocess.run([str(CLI), *map(str, words)], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}: {done.stderr}"
    return done.stdout if code == 0 else done.stderr.decode()


def again(folder, service, found):
    """The journal tells the same traces, bit for bit, without anybody running."""
    journal = folder / "journal"
    one = {k: sorted(s.SerializeToString() for s in t) for k, t in found.items()}
    body = run("trace", "export", journal, "--all", "--to", "-")
    rebuilt = trees(spans_of(service, [body]))
    assert {k: sorted(s.SerializeToString() for s in t) for k, t in rebuilt.items()} == one
    run("trace", "export", journal, "--one-in", "0", "--to", folder / "late.pb")
    late = trees(spans_of(service, [(folder / "late.pb").read_bytes()]))
    assert len(late) == LATE + 3
    told = json.loads(run("trace", next(iter(late)), journal, "--json"))
    assert [s["name"] for s in told][:3] == ["order", *STAGES[:2]], told
    text = run("trace", next(iter(late)), journal).decode()
    assert "trading.sampled" in text and "decide" in text, text
    assert "no event of this journal" in run("trace", "0" * 32, journal, code=1)
    assert "32 hexadecimal digits" in run("trace", "xyz", journal, code=2)
    assert "no address" in run("trace", "export", journal, "--to", "ftp://127.0.0.1/", code=2)
    assert "--to is missing" in run("trace", "export", journal, code=2)
    collector = Collector(service)
    run("trace", "export", journal, "--all", "--to", f"http://127.0.0.1:{collector.port}/v1/traces")
    assert len(trees(collector.spans())) == len(one)
    collector.status = 500
    assert "answers 500" in run("trace", "export", journal, "--to", f"http://127.0.0.1:{collector.port}/", code=1)
    collector.close()


def test_collector_in_trouble(folder, service):
    """Held, then not wanting them, then down: what cannot be kept is counted, and the journal and answers go on."""
    collector = Collector(service)
    with configured(folder, collector, one_in=1, flush_ms=10, queue_size="1MiB") as node:
        collector.held.clear()
        node.dataplane("trades 4000")
        until(lambda: traced(node)["dropped_spans"] > 0, "what finds no room is dropped and counted")
        assert traced(node)["queue_bytes"] <= 1 << 20
        collector.held.set()
        until(lambda: accounted(traced(node)) == 4000 * 7, "what waited is sent, and nothing is unaccounted for")
        told = traced(node)
        assert told["spans"] > 0 and told["queue_bytes"] == 0, told
        collector.status = 400
        node.dataplane("trades 10")
        until(lambda: traced(node)["rejected_spans"] == 70, "what is not wanted is counted")
        assert traced(node)["state"] == "refused" and "400" in traced(node)["why"], traced(node)
        collector.status = 503
        node.dataplane("trades 10")
        until(lambda: traced(node)["state"] == "down", "a collector that cannot now is asked again")
        collector.status = 200
        until(lambda: traced(node)["spans"] == told["spans"] + 70, "and takes them then")
        assert traced(node)["state"] == "sending", traced(node)
    collector.close()


def noticed_s(node):
    return float(re.search(r"\ntickgate_kill_noticed_seconds (\S+)\n", node.get("/metrics")[2])[1])


def test_kill(folder, service):
    collector = Collector(service)
    with configured(folder, collector, one_in=0, flush_ms=10) as node:
        code, _, err = node.cli("kill", "--reason", "drill")
        assert code == 0, err
        until(lambda: any(s.name == "kill" for s in collector.spans()), "the kill is told")
        text = node.get("/metrics")[2]
        assert "\ntickgate_kills_total 1\n" in text and "\ntickgate_kill_last_order_seconds 0\n" in text, text
        until(lambda: 0 < noticed_s(node) < PATIENCE_S, "the stopwatch has stopped")
    kill = attributes(next(s for s in collector.spans() if s.name == "kill"))
    assert kill["trading.kill.asker"] == "operator" and kill["trading.sampled"] == "kill", kill
    collector.close()


def main():
    if importlib.util.find_spec("google") is None:
        # The package belongs to Debian's own interpreter, which need not be the first in PATH.
        if sys.executable != DEBIAN and os.path.exists(DEBIAN):
            os.execv(DEBIAN, [DEBIAN, *sys.argv])
        print("no python3-protobuf here")
        return 77
    missing = built() or ("" if shutil.which("protoc") else "no protoc here")
    if missing:
        print(missing)
        return 77
    os.environ.update(K8S_POD_NAME="gate-1", OTEL_RESOURCE_ATTRIBUTES="desk=a%20b")
    place = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="tickgate-trace-", dir=place) as name:
        folder = pathlib.Path(name)
        (folder / "schema").mkdir()
        service = schema(folder / "schema")
        for test in (test_every_order, test_collector_in_trouble, test_kill):
            inside = folder / test.__name__
            inside.mkdir()
            test(inside, service)
            print(f"{test.__name__}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
