# SPDX-License-Identifier: Apache-2.0
"""What is asked of the servers, and how the answers are read. A load measures one server once and
gives one Result. muster-load asks every server the same; tools of others ask some of it again."""
import dataclasses
import json
import os
import re

from lab import BUILD, SERVER

KIB, MIB = 1 << 10, 1 << 20


@dataclasses.dataclass
class Result:
    """One run. `work` is what was moved, in the load's unit; figures that were not measured stay
    None."""
    rate: float                 # units a second
    failed: int
    server_cpu_seconds: float   # None: not known
    work: float                 # units in all
    p50_ms: float = None
    p99_ms: float = None
    peak_rss: int = None
    extra: dict = dataclasses.field(default_factory=dict)

    @property
    def cpu_per_unit(self):
        known = self.server_cpu_seconds is not None
        return self.server_cpu_seconds / self.work if self.work and known else None


@dataclasses.dataclass
class Load:
    label: str
    unit: str                   # what `rate` counts: exchanges, GB, requests, machines
    measure: object             # (lab, server) -> Result
    files: dict = dataclasses.field(default_factory=dict)
    #: Servers that would need minutes for it or are known to die of it, with the reason.
    leaves_out: dict = dataclasses.field(default_factory=dict)
    #: What a server sends in one call arrives as on a wire, packet by packet.
    single_packets: bool = False
    #: Gb/s that the server's link carries; 0: what two CPUs move.
    link: int = 0


def muster_load(lab, *words, timeout=300):
    """One object of muster-load; its exit status 1 only says that something failed."""
    pids = ",".join(map(str, lab.server_pids()))
    done = lab.client(BUILD / "muster-load", *words, "--json", "--server-pid", pids, check=False,
                      timeout=timeout)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise RuntimeError(f"muster-load {' '.join(map(str, words))}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def accounted(lab, server, call):
    """What `call` returns, and the CPU seconds of the server meanwhile; None: not known."""
    before = lab.cpu_seconds()
    result = call()
    return result, lab.cpu_seconds() - before if server.reaps else None


def dhcp_result(lab, got, cpu):
    return Result(rate=got["exchanges_per_second"], failed=got["failed"],
                  server_cpu_seconds=cpu, work=got["exchanges"],
                  p50_ms=got["latency_ms"]["p50"], p99_ms=got["latency_ms"]["p99"],
                  peak_rss=lab.peak_rss(),
                  extra={"retransmissions": got["retransmissions"],
                         "duplicate_addresses": got["duplicate_addresses"],
                         "client_limited": got.get("client_limited")})


def dhcp_words(clients, *more, seed=0):
    return ("dhcp", "--server", SERVER, "--interface", "eth0", "--mode", "relay", "--clients", clients,
            "--seed", (os.getpid() + seed) % 10_000, *more)


def dhcp(clients, concurrency):
    def measure(lab, server):
        got, cpu = accounted(lab, server, lambda: muster_load(
            lab, *dhcp_words(clients, "--concurrency", concurrency)))
        return dhcp_result(lab, got, cpu)
    return measure


def dhcp_at(rate=None, share=None):
    """Clients that come at their own times: `rate` of them a second, or that share of what the
    server does with 64 at once."""
    def measure(lab, server):
        asked = rate
        if share:
            full = muster_load(lab, *dhcp_words(20_000, "--concurrency", 64))
            asked = int(full["exchanges_per_second"] * share)
        got, cpu = accounted(lab, server, lambda: muster_load(
            lab, *dhcp_words(min(asked * 5, 10_000), "--rate", asked, seed=1)))
        return dhcp_result(lab, got, cpu)
    return measure


def best_rate(ask):
    """The best rate, to 4 %, at which ask(rate) loses at most one exchange in a hundred, asked with
    no regard to the answers. `ask` gives (rate, lost share, exchanges). A step that fails is tried
    once more, for a moment's work of something else on the machine can lose it."""
    def measure(lab, server):
        best = Result(rate=0.0, failed=0, server_cpu_seconds=0.0, work=0)

        def holds(rate):
            nonlocal best
            for _ in range(2):
                (got, lost, done), cpu = accounted(lab, server, lambda: ask(lab, int(rate)))
                if lost <= 0.01 and got >= 0.9 * rate:
                    best = Result(rate=got, failed=0, server_cpu_seconds=cpu, work=done,
                                  peak_rss=lab.peak_rss())
                    return True
            return False

        rate = 200
        while rate < 200_000 and holds(rate):
            rate *= 1.5
        low, high = rate / 1.5, rate
        for _ in range(4):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return best
    return measure


#: Seconds of a step of best_rate().
STEP = 3


def ask_perfdhcp(lab, rate):
    done = lab.client("perfdhcp", "-4", "-l", "eth0", "-r", rate, "-n", rate * STEP,
                      "-R", 1_000_000, "-s", rate, "-W", 500_000, SERVER, check=False)
    found = re.search(r"Rate: ([0-9.]+) 4-way", done.stdout)
    sent = [int(n) for n in re.findall(r"sent packets: (\d+)", done.stdout)]
    received = [int(n) for n in re.findall(r"received packets: (\d+)", done.stdout)]
    if not found or not sent or not sent[0]:
        return 0.0, 1.0, 0
    # Its rate counts the half second in which it waits for late answers.
    seconds = received[1] / float(found[1]) - 0.5 if float(found[1]) else 0
    return (received[1] / seconds if seconds > 0 else 0.0), 1 - received[1] / sent[0], received[1]


def ask_muster_load(lab, rate):
    # The same machines in each step, as with perfdhcp: else the pool is empty after some.
    got = muster_load(lab, *dhcp_words(rate * STEP, "--rate", rate))
    # Whom an answer did not reach asks again after seconds: these count as lost, as with perfdhcp,
    # and the seconds in which only they are left are no part of the rate.
    lost = got["retransmissions"] + got["failed"]
    return max(0, rate * STEP - lost) / STEP, lost / (rate * STEP), got["exchanges"]


def tftp(name, clients, concurrency, windowsize, blksize=1468, duration=None, loss=0):
    def measure(lab, server):
        if loss:
            lab.lose(loss)
        words = ["tftp", "--server", SERVER, "--interface", "eth0",
                 "--file", server.tftp_name(name), "--clients", clients,
                 "--concurrency", concurrency, "--blksize", blksize, "--windowsize", windowsize,
                 "--verify", lab.files / name]
        if duration:
            words += ["--duration", duration]
        got, cpu = accounted(lab, server, lambda: muster_load(lab, *words))
        return Result(rate=got["bytes_per_second"] / 1e6, failed=got["failed"],
                      server_cpu_seconds=cpu, work=got["bytes"] / 1e9,
                      p50_ms=got["completion_ms"]["p50"], p99_ms=got["completion_ms"]["p99"],
                      peak_rss=lab.peak_rss(),
                      extra={"retransmissions": got["retransmissions"],
                             "client_limited": got.get("client_limited")})
    return measure


def atftp(name, size, windowsize):
    def measure(lab, server):
        target = lab.folder / "fetched"
        def fetch():
            return lab.client("atftp", "--get", "--option", "blksize 1468",
                              "--option", f"windowsize {windowsize}", "-r",
                              server.tftp_name(name), "-l", target, SERVER, check=False)
        import time
        begin = time.monotonic()
        _, cpu = accounted(lab, server, fetch)
        seconds = time.monotonic() - begin
        same = target.exists() and target.read_bytes() == (lab.files / name).read_bytes()
        target.unlink(missing_ok=True)
        return Result(rate=size / seconds / 1e6 if same else 0.0, failed=0 if same else 1,
                      server_cpu_seconds=cpu, work=size / 1e9 if same else 0.0,
                      peak_rss=lab.peak_rss())
    return measure


def multicast(name, clients):
    def measure(lab, server):
        got, cpu = accounted(lab, server, lambda: muster_load(
            lab, "multicast", "--server", SERVER, "--interface", "eth0",
            "--file", server.tftp_name(name), "--clients", clients,
            "--verify", lab.files / name))
        return Result(rate=got["bytes"] / got["seconds"] / 1e6, failed=got["failed"],
                      server_cpu_seconds=cpu, work=got["bytes"] / 1e9,
                      p50_ms=got["completion_ms"]["p50"], p99_ms=got["completion_ms"]["p99"],
                      peak_rss=lab.peak_rss(), extra={"wire_bytes": got["wire_bytes"]})
    return measure


def http(name, connections, duration="5s", new_connections=False, per_request=False):
    def measure(lab, server):
        words = ["http", "--server", SERVER, "--interface", "eth0", "--path",
                 server.http_path(name), "--clients", connections, "--concurrency", connections,
                 "--duration", duration]
        if new_connections:
            words.append("--new-connections")
        got, cpu = accounted(lab, server, lambda: muster_load(lab, *words))
        rate, work = ((got["requests_per_second"], got["requests"]) if per_request
                      else (got["bytes_per_second"] / 1e6, got["bytes"] / 1e9))
        return Result(rate=rate, failed=got["failed"], server_cpu_seconds=cpu, work=work,
                      p50_ms=got["latency_ms"]["p50"], p99_ms=got["latency_ms"]["p99"],
                      peak_rss=lab.peak_rss(), extra={"client_limited": got.get("client_limited")})
    return measure


def wrk(name, connections, seconds=5, per_request=True, scheme="http"):
    def measure(lab, server):
        done, cpu = accounted(lab, server, lambda: lab.client(
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s",
            f"{scheme}://{SERVER}{server.http_path(name)}"))
        requests, length = re.search(r"(\d+) requests in [0-9.]+m?s, ([0-9.]+[KMGT]?B) read",
                                     done.stdout).groups()
        rate = float(re.search(r"Requests/sec: +([0-9.]+)", done.stdout)[1])
        size = (lab.files / name).stat().st_size
        failed = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", done.stdout)))
        return Result(rate=rate if per_request else rate * size / 1e6, failed=failed,
                      server_cpu_seconds=cpu,
                      work=int(requests) * (1 if per_request else size / 1e9),
                      p50_ms=percentile(done.stdout, "50"), p99_ms=percentile(done.stdout, "99"),
                      peak_rss=lab.peak_rss(), extra={"read": length})
    return measure


def percentile(text, which):
    found = re.search(rf"{which}% +([0-9.]+)(us|ms|s)", text)
    return float(found[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[found[2]] if found else None


def storm(nodes, firmware, power_on):
    def measure(lab, server):
        got, cpu = accounted(lab, server, lambda: muster_load(
            lab, "storm", "--server", SERVER, "--interface", "eth0", "--nodes", nodes,
            "--firmware", firmware, "--power-on", power_on, "--deadline", "10m", timeout=900))
        installed = got["time_to_installed_ms"]
        return Result(rate=got["installed"] / got["seconds"], failed=got["lost"],
                      server_cpu_seconds=cpu, work=got["installed"], p50_ms=installed["p50"],
                      p99_ms=installed["p99"], peak_rss=lab.peak_rss(),
                      extra={"installed": got["installed"],
                             "waited_ms_by_cause": got["waited_ms_by_cause"],
                             "time_to_kernel_ms": got["time_to_kernel_ms"]})
    return measure


DHCP_SLOW = {"ISC dhcpd": "an fsync a lease: minutes", "dnsmasq": "searches its leases: minutes"}

LOADS = {
    "dhcp": [
        Load("2,000 new clients, 64 at once", "exchanges", dhcp(2_000, 64), single_packets=True),
        Load("20,000 new clients, 64 at once", "exchanges", dhcp(20_000, 64),
             leaves_out=DHCP_SLOW, single_packets=True),
        Load("20,000 new clients, 256 at once", "exchanges", dhcp(20_000, 256),
             leaves_out=DHCP_SLOW, single_packets=True),
        Load("2,000 new clients, one at a time", "exchanges", dhcp(2_000, 1), single_packets=True),
        Load("1,000 new clients a second", "exchanges", dhcp_at(rate=1_000), leaves_out=DHCP_SLOW,
             single_packets=True),
        Load("half of what 64 at once reach", "exchanges", dhcp_at(share=0.5), leaves_out=DHCP_SLOW,
             single_packets=True),
        Load("perfdhcp: best rate without loss", "exchanges", best_rate(ask_perfdhcp),
             leaves_out={"bare responder": "answers muster-load alone"}, single_packets=True),
        Load("muster-load: best rate without loss", "exchanges", best_rate(ask_muster_load),
             single_packets=True),
    ],
    "tftp": [
        Load("1 × 32 MiB, window 64", "MB", tftp("32m.bin", 1, 1, 64), {"32m.bin": 32 * MIB}),
        Load("50 × 32 MiB, window 1", "MB", tftp("32m.bin", 50, 50, 1), {"32m.bin": 32 * MIB}),
        Load("50 × 32 MiB, window 16", "MB", tftp("32m.bin", 50, 50, 16), {"32m.bin": 32 * MIB}),
        Load("50 × 32 MiB, window 64", "MB", tftp("32m.bin", 50, 50, 64), {"32m.bin": 32 * MIB}),
        Load("500 × 1 MiB, window 1", "MB", tftp("1m.bin", 500, 500, 1), {"1m.bin": MIB}),
        Load("500 × 1 MiB, window 16", "MB", tftp("1m.bin", 500, 500, 16), {"1m.bin": MIB}),
        Load("500 × 1 MiB, window 64", "MB", tftp("1m.bin", 500, 500, 64), {"1m.bin": MIB}),
        Load("2,000 × 1 MiB, window 1", "MB", tftp("1m.bin", 2000, 2000, 1), {"1m.bin": MIB},
             leaves_out={"atftpd": "dies of it, and needs a restart"}),
        Load("2,000 × 1 MiB, window 16", "MB", tftp("1m.bin", 2000, 2000, 16), {"1m.bin": MIB},
             leaves_out={"atftpd": "dies of it, and needs a restart"}),
        Load("2,000 × 1 MiB, window 64", "MB", tftp("1m.bin", 2000, 2000, 64), {"1m.bin": MIB},
             leaves_out={"atftpd": "dies of it, and needs a restart"}),
        Load("50 × 1 MiB, window 16, 1 % loss", "MB", tftp("1m.bin", 50, 50, 16, loss=1),
             {"1m.bin": MIB}),
        Load("50 × 1 MiB, window 16, 5 % loss", "MB", tftp("1m.bin", 50, 50, 16, loss=5),
             {"1m.bin": MIB}, leaves_out={"dnsmasq": "has timers of whole seconds: minutes"}),
        Load("atftp: 1 × 32 MiB, window 64", "MB", atftp("32m.bin", 32 * MIB, 64),
             {"32m.bin": 32 * MIB}),
    ],
    "multicast": [
        Load("16 × 32 MiB", "MB", multicast("32m.bin", 16), {"32m.bin": 32 * MIB}),
        Load("64 × 32 MiB", "MB", multicast("32m.bin", 64), {"32m.bin": 32 * MIB}),
    ],
    "http": [
        Load("64 MiB, 1 connection", "MB", http("64m.bin", 1), {"64m.bin": 64 * MIB}),
        Load("64 MiB, 64 connections", "MB", http("64m.bin", 64), {"64m.bin": 64 * MIB}),
        Load("64 MiB, 512 connections", "MB", http("64m.bin", 512), {"64m.bin": 64 * MIB}),
        Load("1 GiB, 1 connection", "MB", http("1g.bin", 1), {"1g.bin": 1024 * MIB}),
        Load("1 GiB, 64 connections", "MB", http("1g.bin", 64), {"1g.bin": 1024 * MIB}),
        Load("1 GiB, 512 connections", "MB", http("1g.bin", 512), {"1g.bin": 1024 * MIB}),
        Load("4 KiB, 64 connections", "requests", http("4k.bin", 64, per_request=True),
             {"4k.bin": 4 * KIB}),
        Load("4 KiB, 512 connections", "requests", http("4k.bin", 512, per_request=True),
             {"4k.bin": 4 * KIB}),
        Load("4 KiB, a connection each, 64 at once", "requests",
             http("4k.bin", 64, new_connections=True, per_request=True), {"4k.bin": 4 * KIB}),
        Load("wrk: 4 KiB, 64 connections", "requests", wrk("4k.bin", 64), {"4k.bin": 4 * KIB}),
        Load("wrk: 64 MiB, 64 connections", "MB", wrk("64m.bin", 64, per_request=False),
             {"64m.bin": 64 * MIB}),
    ],
    "https": [
        Load(f"wrk: {text}, {connections} connections, TLS 1.3 AES-128-GCM", "MB" if bulk else "requests",
             wrk(file, connections, per_request=not bulk, scheme="https"), {file: size})
        for text, file, size, connections, bulk in (
            ("64 MiB", "64m.bin", 64 * MIB, 1, True), ("4 MiB", "4m.bin", 4 * MIB, 64, True),
            ("4 KiB", "4k.bin", 4 * KIB, 64, False))
    ],
    "storm": [
        Load("1,000 machines, mixed, within 30 s", "machines", storm(1000, "mixed", "30s"),
             {"storm/linux": 4 * MIB, "storm/initrd": 8 * MIB, "storm/image": 16 * MIB}),
        # 20 GiB: three minutes of such a link.
        Load("500 machines, mixed, all at once, 40 MiB each, 1 Gb/s", "machines", storm(500, "mixed", "1ms"),
             {"storm/linux": 4 * MIB, "storm/initrd": 8 * MIB, "storm/image": 28 * MIB}, link=1),
    ],
}
