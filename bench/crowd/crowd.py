#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP in bad company: fast clients beside slow ones, hot files beside cold ones.

Question: what do 64 fast readers lose to 10,000 that take 10 KB a second each, and what does a
          connection cost that does nothing? How long do small hot files take while 8 clients read a
          large file that is not in the page cache?
Method:   the load alone and beside the crowd in turn, ROUNDS times, musterd and nginx. Slow readers
          are one process of small receive buffers that takes each connection's bytes once a second;
          it shares the client's CPU with the fast ones, so what these lose is partly its doing: the
          server's own CPU time stands beside it.

Usage: crowd.py [--rounds N] [--slow N] [--cold-mib N] [--servers A,B]     as root: namespaces of its own
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
from lab import BUILD, ROOT, SERVER, Lab, run  # noqa: E402
import servers  # noqa: E402

MIB = 1 << 20

# PATH COUNT: connections that ask for PATH and take 10 KB a second each. COUNT ready, then for ever.
# With "idle" as third word they have had one small answer and wait.
SLOW = r"""
import resource, socket, sys, time
path, count, idle = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "idle"
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
ask = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + (b"Range: bytes=0-9\r\n" if idle else b"") + b"\r\n"
all_ = []
for n in range(count):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    s.connect((sys.argv[4], 80))
    s.sendall(ask)
    if idle: s.recv(4096)
    s.setblocking(False)
    all_.append(s)
print("ready", flush=True)
while True:
    began = time.monotonic()
    if not idle:
        for n, s in enumerate(all_):
            try:
                if not s.recv(10_000): raise OSError("closed")
            except BlockingIOError: pass
            if n % 500 == 499: time.sleep(0.02)
    time.sleep(max(0.05, 1 - (time.monotonic() - began)))
"""

# PATH SECONDS: small requests one after the other on one connection; their times.
SMALL = r"""
import socket, sys, time
s = socket.create_connection((sys.argv[3], 80)); times = []
ask = b"GET " + sys.argv[1].encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    began = time.perf_counter(); s.sendall(ask); got = b""
    while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 4096:
        more = s.recv(16384)
        if not more: sys.exit("closed")
        got += more
    times.append(time.perf_counter() - began); time.sleep(0.001)
times.sort(); ms = [1e3 * times[int(len(times) * q)] for q in (0.5, 0.99)] + [1e3 * times[-1]]
print(len(times), *ms)
"""


def start_client(lab, script, *words):
    """In the client's namespace, on its CPU; returns once it says that it is ready."""
    process = subprocess.Popen(["ip", "netns", "exec", lab.client_ns, "taskset", "-c", lab.client_cpu,
                                sys.executable, "-c", script, *map(str, words)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("the crowd did not come")
    return process


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


def resident(lab):
    total = 0
    for pid in lab.server_pids():
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def fast(lab, server):
    """MB/s of 64 readers, and the server's CPU seconds a GB of theirs."""
    before = lab.cpu_seconds()
    done = lab.client(BUILD / "muster-load", "http", "--server", SERVER, "--interface", "eth0", "--path",
                      server.http_path("64m.bin"), "--clients", 64, "--concurrency", 64, "--duration", "5s", "--json")
    got = json.loads(done.stdout)
    if got["failed"]:
        raise RuntimeError(f"{got['failed']} requests failed")
    return got["bytes_per_second"] / 1e6, (lab.cpu_seconds() - before) / (got["bytes"] / 1e9)


def beside_slow(server, count):
    lab = Lab({"64m.bin": 64 * MIB})
    try:
        server.start(lab)
        alone = fast(lab, server)
        settled = resident(lab)
        idle = start_client(lab, SLOW, server.http_path("64m.bin"), count, "idle", SERVER)
        idle_bytes = (resident(lab) - settled) / count
        end(idle)
        time.sleep(1)
        slow = start_client(lab, SLOW, server.http_path("64m.bin"), count, "slow", SERVER)
        beside = fast(lab, server)
        end(slow)
    finally:
        lab.close()
    return {"alone": alone[0], "beside": beside[0], "alone_cpu": alone[1], "beside_cpu": beside[1],
            "idle_bytes": idle_bytes}


def small(lab, server, seconds):
    out = lab.client(sys.executable, "-c", SMALL, server.http_path("4k.bin"), seconds, SERVER).stdout.split()
    return {"count": int(out[0]), "p50": float(out[1]), "p99": float(out[2]), "max": float(out[3])}


def beside_cold(server, mib):
    lab = Lab({"4k.bin": 4096, "cold.bin": mib * MIB})
    try:
        server.start(lab)
        alone = small(lab, server, 3)
        path = next(lab.folder.rglob("cold.bin"))
        run("sync", path)
        run("dd", f"if={path}", "of=/dev/null", "iflag=nocache", "count=0")  # out of the page cache
        readers = [subprocess.Popen(["ip", "netns", "exec", lab.client_ns, "curl", "-sS", "-o", "/dev/null", "-w",
                                     "%{size_download}", f"http://{SERVER}{server.http_path('cold.bin')}"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) for _ in range(8)]
        beside = small(lab, server, 8)
        sizes = [reader.communicate(timeout=600)[0] for reader in readers]
        if set(sizes) != {str(mib * MIB)}:
            raise RuntimeError(f"the cold file came as {sizes}")
    finally:
        lab.close()
    return {"alone": alone, "beside": beside}


def middle(rows, *keys):
    values = []
    for row in rows:
        for key in keys:
            row = row[key]
        values.append(row)
    return statistics.median(values)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--slow", type=int, default=9_000, help="the descriptor limit here may not allow 10,000")
    options.add_argument("--cold-mib", type=int, default=4096)
    options.add_argument("--servers", default="musterd,nginx")
    options = options.parse_args()
    chosen = [server for server in (servers.Musterd(), servers.Nginx())
              if server.name.split()[0].lower() in options.servers.lower().split(",")]
    slow = {server.name: [] for server in chosen}
    cold = {server.name: [] for server in chosen}
    for number in range(options.rounds):
        for server in chosen:
            slow[server.name].append(beside_slow(server, options.slow))
            cold[server.name].append(beside_cold(server, options.cold_mib))
            print(f"round {number + 1}: {server.name}: {slow[server.name][-1]} {cold[server.name][-1]}", file=sys.stderr)
    lines = [f"| server | 64 fast alone MB/s | beside {options.slow:,} slow | kept | CPU s/GB alone, beside | "
             "bytes an idle connection |", "|---|--:|--:|--:|--:|--:|"]
    for name, rows in slow.items():
        kept = statistics.median(row["beside"] / row["alone"] for row in rows)
        lines.append(f"| {name} | {middle(rows, 'alone'):,.0f} | {middle(rows, 'beside'):,.0f} | {kept:.2f} | "
                     f"{middle(rows, 'alone_cpu'):.3f}, {middle(rows, 'beside_cpu'):.3f} | {middle(rows, 'idle_bytes'):,.0f} |")
    lines += ["", f"| server | 4 KiB hot, alone p50 / p99 / max ms | beside 8 readers of {options.cold_mib:,} MiB cold |",
              "|---|--:|--:|"]
    for name, rows in cold.items():
        cells = [" / ".join(f"{middle(rows, when, what):.2f}" for what in ("p50", "p99", "max")) for when in ("alone", "beside")]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    text = "\n".join(lines)
    print(text)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "crowd.md").write_text(text + "\n")
    (out / "crowd.json").write_text(json.dumps({"slow": slow, "cold": cold}, indent=1) + "\n")


if __name__ == "__main__":
    main()
