#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""musterd on DPDK: what share of DPDK's own speed is left, and what does it cost beside io_uring?

Question: over memif between two processes, one core each, how many TFTP DATA packets and DHCP exchanges
          a second does musterd move, as a share of what dpdk-testpmd moves there at that packet size?
          And what does a GB of TFTP, and an exchange, cost the server: DPDK against io_uring?
Method:   rounds, each with every measurement once, in turn; the table has the medians. testpmd at
          TFTP's size sends one way (txonly to rxonly), the same bytes each time, which no file does, and
          echoes (macswap, asked by flowgen), which copies each packet twice, as reading one from a file
          and sending it does; at DHCP's it echoes, as a server answers, and an exchange is two echoes. The
          load is muster-load with the same client engines on both backends. A poll loop takes its whole
          core whatever it does, so DPDK's cost is what a core costs at full load; io_uring's is
          measured over a veth pair. No NIC is in it: memif copies each packet where a NIC's DMA would.

Usage: dpdk.py [--rounds N] [--seconds N]     as root: it makes namespaces of its own
"""
import argparse
import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
from lab import BUILD, ROOT, SERVER, Lab, run  # noqa: E402
from loads import muster_load  # noqa: E402
from servers import Musterd  # noqa: E402

BLOCK, DATA_FRAME, DHCP_FRAME = 1468, 1514, 342
EAL = "--no-huge -m 256 --no-telemetry --no-shconf --log-level=error"
TFTP = ("tftp", "--server", SERVER, "--addresses", "10.77.128.1-10.77.128.64", "--clients", 4, "--file",
        "file.bin", "--windowsize", 64)
# Machines enough that each is a new one: known ones would be spared their commit.
DHCP = ("dhcp", "--clients", 1_000_000, "--concurrency", 2048)


def memif(lab, role):
    return f"net_memif0,role={role},id=0,socket={lab.folder}/memif.sock,socket-abstract=no,rsize=13"


class DpdkLab(Lab):
    """Two namespaces whose only wire is a memif."""

    def __init__(self):
        super().__init__({"file.bin": 32 << 20})
        run("ip", "-n", self.server_ns, "addr", "flush", "dev", "eth0")


def testpmd(lab, role, cpu, mode, size):
    log = open(lab.folder / f"testpmd-{role}.log", "w", encoding="utf-8")
    # Two threads of which one only waits share the core.
    return subprocess.Popen(
        ["dpdk-testpmd", *EAL.split(), "--no-pci", f"--file-prefix=bench-{role}", "--lcores", f"0@{cpu},1@{cpu}",
         f"--vdev={memif(lab, role)}", "--", f"--forward-mode={mode}", f"--txpkts={size}", "--burst=32",
         "--total-num-mbufs=8192", "--stats-period=1", "--auto-start"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def testpmd_rate(lab, mode, asking, size, seconds):
    """Packets a second that arrive at the asking side."""
    pair = [testpmd(lab, "server", lab.server_cpu, mode, size)]
    try:
        time.sleep(2)
        pair.append(testpmd(lab, "client", lab.client_cpu, asking, size))
        time.sleep(seconds + 2)
    finally:
        for process in pair:
            process.send_signal(signal.SIGINT)
        for process in pair:
            process.wait(timeout=20)
    text = (lab.folder / "testpmd-client.log").read_text()
    rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", text)]
    if not any(rates):
        raise RuntimeError(f"testpmd moved nothing:\n{text[-2000:]}")
    return statistics.median(rate for rate in rates[1:] if rate)


def measure(lab, server_flags, load, load_flags, seconds):
    Musterd(*server_flags, subnet="10.64.0.0/12", pool=("10.64.0.10", "10.76.255.255")).start(lab)
    try:
        muster_load(lab, *load, "--duration", "1s", *load_flags)  # buffers and page cache
        before, began = lab.cpu_seconds(), time.monotonic()
        # Another seed: other machines.
        got = muster_load(lab, *load, "--duration", f"{seconds}s", "--seed", 2, *load_flags)
        return got, lab.cpu_seconds() - before, time.monotonic() - began
    finally:
        lab.stop()


def on_dpdk(load, *more):
    def call(seconds):
        lab = DpdkLab()
        try:
            return measure(lab, ["--interface", "muster0", "--backend", "dpdk", "--dpdk-port",
                                 memif(lab, "server"), "--dpdk-eal", EAL, *more],
                           load, ["--backend", "dpdk", "--dpdk-port", memif(lab, "client"), "--dpdk-eal", EAL],
                           seconds)
        finally:
            lab.close()
    return call


def on_uring(load, *more):
    def call(seconds):
        lab = Lab({"file.bin": 32 << 20})
        try:
            return measure(lab, ["--interface", "eth0", *more], load, ["--interface", "eth0"], seconds)
        finally:
            lab.close()
    return call


def tftp(call):
    def row(seconds):
        got, cpu, _ = call(seconds)
        return {"rate": got["bytes_per_second"] / BLOCK, "cost": cpu / (got["bytes"] / 1e9),
                "failed": got["failed"], "resent": got["retransmissions"]}
    return row


def dhcp(call):
    def row(seconds):
        got, cpu, _ = call(seconds)
        return {"rate": got["exchanges_per_second"], "cost": cpu / got["exchanges"] * 1e6,
                "failed": got["failed"], "resent": got["retransmissions"]}
    return row


def floor(mode, asking, size):
    def row(seconds):
        lab = DpdkLab()
        try:
            return {"rate": testpmd_rate(lab, mode, asking, size, seconds)}
        finally:
            lab.close()
    return row


MEASUREMENTS = {
    "testpmd, one way": floor("txonly", "rxonly", DATA_FRAME),
    "testpmd, echo of DATA's size": floor("macswap", "flowgen", DATA_FRAME),
    "TFTP on DPDK": tftp(on_dpdk(TFTP)),
    "testpmd, echo": floor("macswap", "flowgen", DHCP_FRAME),
    "DHCP on DPDK, in memory": dhcp(on_dpdk(DHCP, "--store", "memory:")),
    "DHCP on DPDK, durable": dhcp(on_dpdk(DHCP)),
    "TFTP on io_uring": tftp(on_uring(TFTP)),
    "DHCP on io_uring, in memory": dhcp(on_uring(DHCP, "--store", "memory:")),
    "DHCP on io_uring, durable": dhcp(on_uring(DHCP)),
}


def table(rows):
    def median(name, key):
        return statistics.median(row[key] for row in rows[name])
    lines = ["| | a second | of testpmd | server CPU |", "|---|--:|--:|--:|"]
    # What testpmd would do of it: a DATA packet is one, an exchange is two questions.
    floors = {"TFTP on DPDK": [("testpmd, one way", 1), ("testpmd, echo of DATA's size", 1)],
              "DHCP on DPDK": [("testpmd, echo", 2)]}
    for name, found in rows.items():
        kind = name.split(",")[0]
        # Of each round: what else the machine did, it did to both.
        shares = [statistics.median(row["rate"] * each / base["rate"] for row, base in zip(found, rows[of]))
                  for of, each in floors.get(kind, [])]
        share = ", ".join(f"{one:.0%}" for one in shares)
        unit = "packets" if "testpmd" in name else "DATA packets" if "TFTP" in name else "exchanges"
        cost = "" if "testpmd" in name else f"{median(name, 'cost'):.2f} " + ("s/GB" if "TFTP" in name else "µs each")
        lines.append(f"| {name} | {median(name, 'rate'):,.0f} {unit} | {share} | {cost} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="", help="measurements whose name matches this regular expression")
    options = parser.parse_args()
    wanted = {name: call for name, call in MEASUREMENTS.items() if re.search(options.only, name)}
    rows = {name: [] for name in wanted}
    for number in range(options.rounds):
        for name, call in wanted.items():
            row = call(options.seconds)
            rows[name].append(row)
            print(f"round {number + 1}: {name}: " + ", ".join(f"{k} {v:,.2f}" for k, v in row.items()),
                  file=sys.stderr, flush=True)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "dpdk.json").write_text(json.dumps(rows, indent=2) + "\n")
    if not options.only:
        text = table(rows)
        print(text)
        (out / "dpdk.md").write_text(text + "\n")
    return 1 if any(row.get("failed") for found in rows.values() for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
