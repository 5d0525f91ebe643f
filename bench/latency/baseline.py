#!/usr/bin/env python3
"""Times of this machine against those kept for its class, and told, never failed: times are the machine's as well as ours.

usage: baseline.py PROGRAM [--update] [--folder DIR] [--rounds N] [--orders N]

A class is what decides about times: processor, cores, virtual or not, huge pages, compiler. Its figures are in DIR/CLASS.json
(bench/latency/baselines): least and most of the rounds, of one run. A figure is slower or faster when all its rounds are beyond all that
were kept."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RUN_S = 120


def class_of(environment):
    """Name of the machine's class, for people and for files."""
    flags = re.search(r"^flags\s*:.*$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    virtual = "virtual" if flags and " hypervisor" in flags.group() else "metal"
    pages = "huge" if int(environment["huge_pages_2mib"] or 0) else "small"
    cores = environment["cores"]
    isolated = "isolated" if environment["isolated_cores"] else "shared"
    compiler = re.match(r"(?:Clang )?\d+", environment["compiler"]).group()
    words = f"{environment['cpu']} {cores}-cores {virtual} {isolated} {pages}-pages compiler-{compiler}"
    return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-")


def measurements(orders):
    """Name, arguments, and figures of the result: its path in result.json."""
    inside = [("figures_ns", figure, p) for figure in ("frame_to_frame", "decide_approved", "approved_sent") for p in ("p50", "p99")]
    yield "lane", ["lane", "--core", "1", "--orders", str(orders)], inside
    yield "feed", ["feed", "--core", "1", "--messages", str(10 * orders)], [("ns_per_message",)]
    yield ("memif", ["trip", "--port", "memif", "--rounds", "1", "--round_s", f"{orders / 100000:.2f}"],
           [("figures_ns", figure, p) for figure in ("echo", "tick_to_order") for p in ("p50", "p99")])


def measure(program, rounds, orders):
    """Figures: their values, a round each; and the environment. Modes take turns."""
    figures, environment = {}, None
    for _ in range(rounds):
        for name, argv, paths in measurements(orders):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([str(program), *argv, "--seconds", "0.1", "--out", folder], capture_output=True, text=True, timeout=RUN_S)
                if done.returncode != 0:
                    print(f"{name:8} not measured: {done.stderr.strip().splitlines()[-1:]}")
                    continue
                result = json.loads((pathlib.Path(folder) / "result.json").read_text())
            environment = result["environment"]
            for path in paths:
                value = result
                for key in path:
                    value = value[key]
                figures.setdefault(" ".join((name, *path[-2:])), []).append(round(value, 1))
    if environment is None:
        raise SystemExit("baseline.py: nothing could be measured")
    return figures, environment


def compare(kept, figures):
    print(f"{'ns':38} {'kept':>19} {'now':>19}")
    for name, values in figures.items():
        was = kept.get(name)
        low, high = min(values), max(values)
        if was is None:
            print(f"{name:38} {'':>19} {f'{low:,.0f} to {high:,.0f}':>19}  not in the baseline")
            continue
        middle, before = sorted(values)[len(values) // 2], sorted(was)[len(was) // 2]
        verdict = "slower" if low > max(was) else "faster" if high < min(was) else "within noise"
        print(f"{name:38} {f'{min(was):,.0f} to {max(was):,.0f}':>19} {f'{low:,.0f} to {high:,.0f}':>19}  {100 * (middle / before - 1):+6.1f} %  {verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="keep this run as the class's baseline")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE / "baselines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=50000)
    args = parser.parse_args()
    figures, environment = measure(args.program.resolve(), args.rounds, args.orders)
    name = class_of(environment)
    path = args.folder / f"{name}.json"
    if args.update:
        args.folder.mkdir(exist_ok=True)
        rows = ",\n".join(f"  {json.dumps(figure)}: {json.dumps(values)}" for figure, values in figures.items())
        path.write_text(f'{{\n "class": "{name}",\n "version": "{environment["version"]}",\n "figures_ns": {{\n{rows}\n }}\n}}\n')
        print(f"written {path}")
    elif path.exists():
        print(f"times of this class of machine ({name})")
        compare(json.loads(path.read_text())["figures_ns"], figures)
    else:
        print(f"no times are kept of this class of machine ({name}); bench/latency/baseline.py PROGRAM --update keeps these:")
        compare({}, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
