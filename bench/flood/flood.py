#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole DHCP exchanges beside a flood of DISCOVERs: what is left of the rate.

Question: how many exchanges a second do 64 machines at a time get while DISCOVERs of other machines
          arrive as fast as one CPU can send them, and how many without?
Method:   muster-load, closed loop, for a few seconds, alone and beside the flood in turn, ROUNDS
          times. Kinds of flood: `one` link address; `many` link addresses; `relay`, many behind one
          giaddr by unicast. Flood and load share the client's CPU, so a fall of the rate to a half
          is the generator's; retransmissions and failures are the server's.

Usage: flood.py [--rounds N] [--seconds N] [--kinds A,B]     as root: it makes namespaces of its own
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from bench.peers.lab import BUILD, CLIENT, ROOT, SERVER, Lab, run  # noqa: E402

FLOOD = r"""
import random, socket, struct, sys
kind, count = sys.argv[1], [0]
def message(mac, giaddr):
    return (b"\1\1\6\0" + mac[2:6] + b"\0\0\x80\0" + bytes(12) + giaddr + mac + bytes(10 + 192) + b"\x63\x82\x53\x63" +
            b"\x35\1\1" + b"\xff" + bytes(56))
macs = [b"\2\7" + random.randbytes(4) for _ in range(1 if kind == "one" else 4000)]
if kind == "relay":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[2], 67)); s.connect((sys.argv[3], 67))
    frames = [message(mac, socket.inet_aton(sys.argv[2])) for mac in macs]
else:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0x0800))
    def frame(mac):
        udp = message(mac, bytes(4)); udp = struct.pack("!HHHH", 68, 67, len(udp) + 8, 0) + udp
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, len(udp) + 20, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
        total = sum(struct.unpack("!10H", head)); total = (total & 0xffff) + (total >> 16); total += total >> 16
        return b"\xff" * 6 + mac + b"\x08\0" + head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + udp
    frames = [frame(mac) for mac in macs]
print("ready", flush=True)
while True:
    for frame in frames:
        try: s.send(frame)
        except OSError: pass
"""


def site(lab):
    folder = lab.folder / "site"
    folder.mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(
        f"server: {{address: {SERVER}}}\nsubnets:\n  - subnet: 10.77.0.0/16\n    pools: [10.77.1.0-10.77.99.255]\n"
        "    lease: 10m\n  - subnet: 10.96.0.0/11\n    relay: {giaddr: " + CLIENT + "}\n"
        "    pools: [10.96.1.0-10.99.255.255]\nunknown-nodes: ignore\n")
    return folder


def metrics(lab):
    text = run("ip", "netns", "exec", lab.server_ns, "curl", "-s", "http://127.0.0.1:8067/metrics").stdout
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


def measure(lab, kind, seconds, seed):
    data = lab.folder / f"data{seed}{kind}"
    data.mkdir()
    lab.start(BUILD / "musterd", "--site", site(lab), "--data", data, "--interface", "eth0", "--workers", "1",
              "--user", "root")
    lab.wait_for("musterd", lambda: "muster: ready" in lab.server_log())
    flood = None
    if kind != "none":
        flood = subprocess.Popen(["ip", "netns", "exec", lab.client_ns, "taskset", "-c", lab.client_cpu, sys.executable,
                                  "-c", FLOOD, kind, CLIENT, SERVER], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        flood.stdout.readline()
    try:
        before, cpu = metrics(lab), lab.cpu_seconds()
        began = time.monotonic()
        load = subprocess.run(
            ["ip", "netns", "exec", lab.client_ns, "taskset", "-c", lab.client_cpu, str(BUILD / "muster-load"), "dhcp",
             "--interface", "eth0", "--clients", "20000", "--concurrency", "64", "--duration", f"{seconds}s",
             "--seed", str(seed), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True)
        lasted = time.monotonic() - began
        after, cpu = metrics(lab), lab.cpu_seconds() - cpu
    finally:
        if flood:
            flood.kill()
            flood.wait()
            flood.stdout.close()
    lab.stop()
    got = json.loads(load.stdout)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    discovers = grown.get('muster_dhcp_requests_total{type="discover"}', 0)
    return {"exchanges_per_second": got["exchanges_per_second"], "p99_ms": got["latency_ms"]["p99"],
            "retransmissions": got["retransmissions"], "failed": got["failed"],
            "discovers_per_second": discovers / lasted,
            "offers_per_second": grown.get('muster_dhcp_replies_total{type="offer"}', 0) / lasted,
            "kernel_drops_per_second": grown.get("muster_host_udp_receive_buffer_errors_total", 0) / lasted,
            "server_cpu_share": cpu / lasted}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--kinds", default="none,one,many,relay")
    options = options.parse_args()
    kinds = options.kinds.split(",")
    results = {kind: [] for kind in kinds}
    lab = Lab({})
    try:
        for turn in range(options.rounds):
            for kind in kinds:
                results[kind].append(measure(lab, kind, options.seconds, os.getpid() % 10_000 + turn))
    finally:
        lab.close()
    median = {kind: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for kind, rows in results.items()}
    keys = list(next(iter(median.values())))
    table = ["| flood | " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|---|" + "--:|" * len(keys)]
    table += [f"| {kind} | " + " | ".join(f"{row[key]:,.2f}" if row[key] < 10 else f"{row[key]:,.0f}" for key in keys) + " |"
              for kind, row in median.items()]
    print("\n".join(table))
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "flood.md").write_text("\n".join(table) + "\n")
    (out / "flood.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
