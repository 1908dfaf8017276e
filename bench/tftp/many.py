#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Very many TFTP transfers at a time: does every one complete, and how much memory does one take?

Question: do N clients that all read at the same time, and so all slowly, each get their file, and by
          how much is musterd larger meanwhile?
Method:   several muster-loads, each with a share of the clients and a range of addresses, because
          each client has a socket of its own and a process may have so many descriptors only; window
          1, every byte compared. Meanwhile musterd's gauge of transfers, its resident set and its
          open descriptors are read. A few hundred transfers come first, for buffers that are used
          from then on; `bytes each` is what the set grows by afterwards. To that comes the slot that
          the tables have for each from the start: SessionTable::bytes_per_session().

Usage: many.py [--transfers N] [--kib N] [--single-port]     as root: it makes namespaces of its own
"""
import argparse
import ipaddress
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
from lab import BUILD, ROOT, SERVER, Lab, run  # noqa: E402
from servers import Musterd  # noqa: E402

SHARE = 10_000  # clients of one muster-load
WARM_UP = 500
FIRST = ipaddress.IPv4Address("10.77.128.1")


def server_of(lab):
    return next(pid for pid in lab.server_pids()
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "musterd")


def resident(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024


def metrics(lab):
    shown = run("ip", "netns", "exec", lab.server_ns, "curl", "-s", "http://127.0.0.1:8067/metrics").stdout
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in shown.splitlines()
            if line and line[0] != "#"}


def start_loads(lab, transfers):
    loads, begun = [], 0
    while begun < transfers:
        count = min(SHARE, transfers - begun)
        loads.append(subprocess.Popen(
            ["ip", "netns", "exec", lab.client_ns, "taskset", "-c", lab.client_cpu, BUILD / "muster-load",
             "tftp", "--server", SERVER, "--interface", "eth0", "--file", "file.bin", "--clients", str(count),
             "--addresses", f"{FIRST + begun}-{FIRST + begun + count - 1}", "--windowsize", "1",
             "--seed", str(len(loads) + 1), "--verify", lab.files / "file.bin", "--patience", "30s", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        begun += count
    return loads


def measure(lab, options):
    Musterd(*(["--tftp-single-port"] if options.single_port else [])).start(lab)
    pid = server_of(lab)
    start_loads(lab, WARM_UP)[0].communicate()
    before, most, largest, descriptors = resident(pid), 0, 0, 0
    cpu_before, began = lab.cpu_seconds(), time.monotonic()
    loads = start_loads(lab, options.transfers)
    try:
        while any(load.poll() is None for load in loads):
            now = metrics(lab).get("muster_tftp_sessions", 0)
            most, largest = max(most, now), max(largest, resident(pid))
            descriptors = max(descriptors, len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())))
            time.sleep(0.5)
    finally:
        for load in loads:
            if load.poll() is None:
                load.kill()
    seconds, cpu = time.monotonic() - began, lab.cpu_seconds() - cpu_before
    said = [load.communicate() for load in loads]
    results = [json.loads(out) for out, _ in said if out.strip()]
    if len(results) < len(loads):
        raise RuntimeError("".join(errors for _, errors in said))
    got = sum(result["bytes"] for result in results)
    return {
        "transfers": sum(result["transfers"] for result in results),
        "failed": sum(result["failed"] for result in results),
        "at_a_time": int(most), "seconds": seconds, "mb_per_second": got / seconds / 1e6,
        "cpu_s_per_gb": cpu / (got / 1e9), "descriptors": descriptors,
        "resident_mib_before": before / 2**20, "resident_mib_most": largest / 2**20,
        "grown_bytes_per_transfer": (largest - before) / max(most, 1),
        "completed_at_server": int(metrics(lab)['muster_tftp_transfers_total{outcome="completed"}']) - WARM_UP,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transfers", type=int, default=20_000)
    parser.add_argument("--kib", type=int, default=128, help="size of the file")
    parser.add_argument("--single-port", action="store_true", help="with --tftp-single-port")
    options = parser.parse_args()
    lab = Lab({"file.bin": options.kib * 1024})
    try:
        row = measure(lab, options)
    finally:
        lab.close()
    text = "\n".join([
        "| transfers | at a time | failed | seconds | MB/s | CPU s/GB | descriptors | resident MiB | bytes each |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        f"| {row['transfers']:,} | {row['at_a_time']:,} | {row['failed']} | {row['seconds']:.1f} | "
        f"{row['mb_per_second']:.0f} | {row['cpu_s_per_gb']:.2f} | {row['descriptors']} | "
        f"{row['resident_mib_before']:.0f} → {row['resident_mib_most']:.0f} | "
        f"{row['grown_bytes_per_transfer']:.0f} |"])
    print(text)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "many.md").write_text(text + "\n")
    (out / "many.json").write_text(json.dumps(row, indent=2) + "\n")
    # A last ACK may be lost in the burst in which all end; its client has the file, and is gone.
    return 0 if row["failed"] == 0 and row["transfers"] == options.transfers else 1


if __name__ == "__main__":
    sys.exit(main())
