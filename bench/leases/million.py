#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a million leases cost musterd: memory, the time of a restart, and whether it then serves.

Question: how much does the process grow by for N leases, and how long is it from exec to "ready"?
Method:   a store of N leases is filled by SQL (half of them with a host name), musterd is killed and
          started on it ROUNDS times; memory is its resident set once it is ready. Beside it the same
          with an empty store, so that what leases cost is a difference.
Not here: how fast leases come to be; `bench/run peers dhcp` measures that.

Usage: million.py [--leases N] [--rounds N] [--smoke]     as root: it makes namespaces of its own
"""
import argparse
import json
import pathlib
import sqlite3
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from bench.peers.lab import BUILD, ROOT, Lab, run  # noqa: E402

LIMITS = {"resident_mb": 300, "ready_seconds": 3.0}
FIRST = 0x0A800000  # 10.128.0.0, the pool


def site(lab):
    folder = lab.folder / "site"
    folder.mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(
        "server: {address: 10.77.0.1}\n"
        "subnets:\n  - subnet: 10.0.0.0/8\n    pools: [10.128.0.0-10.144.255.255]\n    lease: 1d\n"
        "unknown-nodes: ignore\n")
    return folder


def fill(database, count):
    """`count` leases that run for a day, of machines that do not exist."""
    expires = int(time.time() * 1000) + 86_400_000
    store = sqlite3.connect(database)
    with store:
        store.execute("DELETE FROM lease")
        store.executemany("INSERT INTO lease VALUES(?,?,0,?,?)", (
            (FIRST + 1 + n, b"\x52\x54" + n.to_bytes(4, "big"), expires + n * 7919 % 3_600_000,
             f"node-{n:07d}.rack" if n % 2 else "") for n in range(count)))
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def start(lab, data):
    began = time.monotonic()
    process = lab.start(BUILD / "musterd", "--site", site(lab), "--data", data, "--interface", "eth0",
                        "--workers", "1", "--user", "root")
    while "muster: ready" not in lab.server_log():
        if process.poll() is not None or time.monotonic() - began > 120:
            raise RuntimeError("musterd did not start:\n" + lab.server_log())
        time.sleep(0.005)
    return time.monotonic() - began


def measure(lab, data, rounds):
    seconds, resident, peak = [], [], []
    for _ in range(rounds):
        seconds.append(start(lab, data))
        time.sleep(0.3)
        pid = next(pid for pid in lab.server_pids()
                   if "musterd" in pathlib.Path(f"/proc/{pid}/comm").read_text())
        lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        resident.append(int(lines["VmRSS"].split()[0]) / 1024)
        peak.append(int(lines["VmHWM"].split()[0]) / 1024)
        shown = run("ip", "netns", "exec", lab.server_ns, "curl", "-s", "http://127.0.0.1:8067/metrics").stdout
        bound = next(line.split()[1] for line in shown.splitlines() if line.startswith('muster_dhcp_leases{state="bound"}'))
        # It must not only have them, it must serve: machines that were never seen.
        load = json.loads(lab.client(BUILD / "muster-load", "dhcp", "--interface", "eth0", "--clients", "200",
                                     "--seed", str(int(time.time())), "--json").stdout)
        assert load["exchanges"] == 200 and load["duplicate_addresses"] == 0, load
        lab.stop()
    return {"ready_seconds": statistics.median(seconds), "resident_mb": statistics.median(resident),
            "peak_mb": max(peak), "bound": int(float(bound))}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--leases", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--smoke", action="store_true", help="a thousand leases, once; judges nothing")
    options = options.parse_args()
    if options.smoke:
        options.leases, options.rounds = 1_000, 1
    lab = Lab({})
    try:
        data = lab.folder / "data"
        data.mkdir()
        empty = measure(lab, data, options.rounds)
        fill(data / "muster.db", options.leases)
        full = measure(lab, data, options.rounds)
    finally:
        lab.close()
    assert full["bound"] >= options.leases, f"of {options.leases} leases {full['bound']} came back"
    table = ["| store | leases | ready after s | resident MB | peak MB |", "|---|--:|--:|--:|--:|"]
    for name, count, row in (("empty", 0, empty), ("full", options.leases, full)):
        table.append(f"| {name} | {count:,} | {row['ready_seconds']:.2f} | {row['resident_mb']:.0f} | {row['peak_mb']:.0f} |")
    text = "\n".join(table)
    print(text)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "leases.md").write_text(text + "\n")
    (out / "leases.json").write_text(json.dumps({"leases": options.leases, "empty": empty, "full": full}, indent=2) + "\n")
    missed = [] if options.smoke else [name for name, limit in LIMITS.items() if full[name] > limit]
    for name in missed:
        print(f"million.py: {name} is {full[name]:.2f}, above {LIMITS[name]}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
