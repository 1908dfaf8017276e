#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures muster and its peers in turn: every round starts each server afresh and gives it the same
load, so that a machine that grows slower meanwhile slows all of them. Tables say median [min-max]."""
import argparse
import json
import pathlib
import re
import statistics
import sys
import time

from lab import BUILD, ROOT, Lab
from loads import LOADS
from servers import serving


def measure(kind, load, servers, rounds, say):
    """Results by server; a server that fails a round keeps the reason instead."""
    results = {server.name: [] for server in servers}
    reasons = {}
    for number in range(rounds):
        for server in servers:
            if server.name in load.leaves_out:
                reasons[server.name] = "left out: " + load.leaves_out[server.name]
                continue
            lab = Lab(load.files, load.single_packets, load.link)
            try:
                server.start(lab)
                result = load.measure(lab, server)
                results[server.name].append(result)
                say(f"{kind}: {load.label}, round {number + 1}/{rounds}: {server.name}: "
                    f"{result.rate:,.0f} {load.unit}/s, {result.failed} failed")
            except Exception as error:  # one server's trouble must not cost the others their round
                reasons[server.name] = str(error).strip().splitlines()[0][:200]
                say(f"{kind}: {load.label}: {server.name}: {error}")
            finally:
                lab.close()
    return results, reasons


def spread(values, digits=0):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    middle = statistics.median(values)
    text = f"{middle:,.{digits}f}"
    return text if len(values) == 1 else f"{text} [{min(values):,.{digits}f}-{max(values):,.{digits}f}]"


def table(load, servers, results, reasons):
    """Markdown; the ratios are muster's median to the best peer's."""
    per_gb = load.unit == "MB"
    cpu_title, cpu_factor = ("CPU s/GB", 1) if per_gb else (f"CPU µs/{load.unit.rstrip('s')}", 1e6)
    lines = [f"### {load.label}", "",
             f"| server | {load.unit}/s | {cpu_title} | p50 ms | p99 ms | failed | peak MiB |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for server in servers:
        runs = results[server.name]
        if not runs:
            lines.append(f"| {server.name} | {reasons.get(server.name, '-')} | | | | | |")
            continue
        cpu = [run.cpu_per_unit * cpu_factor for run in runs if run.cpu_per_unit is not None]
        lines.append("| " + " | ".join([
            server.name, spread([run.rate for run in runs], 0 if runs[0].rate >= 20 else 1),
            spread(cpu, 3 if per_gb else 1), spread([run.p50_ms for run in runs], 2),
            spread([run.p99_ms for run in runs], 2), spread([run.failed for run in runs]),
            spread([run.peak_rss / 2**20 for run in runs if run.peak_rss])]) + " |")
    lines += ["", *ratios(servers, results), ""]
    return "\n".join(lines)


def ratios(servers, results):
    def cpu(name):
        values = [run.cpu_per_unit for run in results[name] if run.cpu_per_unit]
        return statistics.median(values) if values else None

    medians = {server.name: statistics.median(run.rate for run in results[server.name])
               for server in servers if results[server.name]}
    ours = medians.pop("musterd", None)
    floors = [server.name for server in servers if server.floor and server.name in medians]
    peers = {name: rate for name, rate in medians.items() if name not in floors and rate}
    lines = []
    if ours and peers:
        best = max(peers, key=peers.get)
        text = f"musterd is at {ours / peers[best]:.2f} × the rate of {best}, the best peer"
        if cpu("musterd") and cpu(best):
            text += f", and takes {cpu('musterd') / cpu(best):.2f} × its CPU time"
        lines.append(text + ".")
    if ours:
        lines += [f"It takes {cpu('musterd') / cpu(name):.2f} × the CPU time of the {name}, which is "
                  "the floor." for name in floors if cpu("musterd") and cpu(name)]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(LOADS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", metavar="REGEX", help="only loads whose label this matches")
    parser.add_argument("--servers", metavar="NAME,…", help="only these servers (first words count)")
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        if kind not in LOADS:
            parser.error(f"no kind '{kind}'; there are: {', '.join(LOADS)}")
    names = arguments.servers.lower().split(",") if arguments.servers else None
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)

    def say(text):
        print(text, file=sys.stderr, flush=True)

    for kind in arguments.kinds or LOADS:
        servers = serving(kind, names)
        loads = [load for load in LOADS[kind] if not arguments.only or re.search(arguments.only, load.label)]
        tables, record = [f"## {kind}", ""], []
        for load in loads:
            results, reasons = measure(kind, load, servers, arguments.rounds, say)
            tables.append(table(load, servers, results, reasons))
            record.append({"load": load.label, "unit": load.unit, "reasons": reasons,
                           "results": {name: [vars(run) | {"cpu_per_unit": run.cpu_per_unit}
                                              for run in runs]
                                       for name, runs in results.items()}})
        text = "\n".join(tables)
        (out / f"peers-{kind}.md").write_text(text)
        (out / f"peers-{kind}.json").write_text(json.dumps(
            {"kind": kind, "rounds": arguments.rounds, "build": str(BUILD.relative_to(ROOT)),
             "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "loads": record}, indent=1))
        print(text)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    main()
