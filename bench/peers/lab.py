# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces joined by a veth pair: a server in one, the load in the other, each on a
CPU of its own. Everything goes when the lab is closed, whatever happens."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MUSTER_BUILD", ROOT / "build-release"))
PEERS = ROOT / "build" / "bench" / "peers"
OFFLOAD = pathlib.Path(__file__).with_name("offload.py")
SERVER, CLIENT, PREFIX = "10.77.0.1", "10.77.255.254", 16
TICKS = os.sysconf("SC_CLK_TCK")


def run(*command, check=True, timeout=600, **more):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                           f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def raise_neighbour_limits(machines=1 << 16):
    """The kernel's neighbour table holds 1,024 machines by default, and then silently drops what is
    sent to others: all servers alike would lose machines by it. It has one limit for all namespaces
    and it is left raised, as anyone who serves so many machines would have it."""
    for name, value in (("gc_thresh1", machines // 4), ("gc_thresh2", machines // 2),
                        ("gc_thresh3", machines)):
        path = pathlib.Path("/proc/sys/net/ipv4/neigh/default", name)
        try:
            if int(path.read_text()) < value:
                path.write_text(f"{value}\n")
        except OSError:
            pass  # not ours to change; muster-load reports the table's overflows


class Lab:
    """The namespaces, a folder of files to serve, and the processes of the server under test."""

    def __init__(self, files, single_packets=False, link=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muster-bench-"))
        self.files = self.folder / "files"
        self.files.mkdir()
        os.chmod(self.folder, 0o755)
        for name, size in files.items():
            self.write(name, size)
        self.server_ns, self.client_ns = f"mb{os.getpid()}s", f"mb{os.getpid()}c"
        cpus = sorted(os.sched_getaffinity(0))
        # With one CPU both share it; the figures then say little, but the bench still runs.
        self.server_cpu, self.client_cpu = str(cpus[0]), str(cpus[-1])
        self.processes = []
        raise_neighbour_limits()
        for ns in (self.server_ns, self.client_ns):
            run("ip", "netns", "add", ns)
            run("ip", "-n", ns, "link", "set", "lo", "up")
        run("ip", "-n", self.server_ns, "link", "add", "eth0", "type", "veth",
            "peer", "name", "eth0", "netns", self.client_ns)
        for ns, address in ((self.server_ns, SERVER), (self.client_ns, CLIENT)):
            run("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0")
            if single_packets:
                # A pair of virtual devices hands UDP packets over before they are cut, which no
                # wire does, and the load's machines are packet sockets. So the kernel cuts them.
                run("ip", "netns", "exec", ns, sys.executable, OFFLOAD, "eth0",
                    "tx-udp-segmentation", "off")
            run("ip", "-n", ns, "addr", "add", f"{address}/{PREFIX}", "dev", "eth0")
            run("ip", "-n", ns, "link", "set", "eth0", "up")
            # Where bbr is the default it paces, and a sender's pace is not what is compared here.
            run("ip", "-n", ns, "route", "change", "10.77.0.0/16", "dev", "eth0", "src", address,
                "congctl", "cubic")
        self.link = link
        if link:
            # What waits for the link waits in its queue, as in a card and the switch behind it.
            run("tc", "-n", self.server_ns, "qdisc", "add", "dev", "eth0", "root", "tbf",
                "rate", f"{link}gbit", "burst", "256k", "latency", "20ms")
        # A fleet of machines lives behind this one interface: the kernel answers for all of them.
        run("ip", "-n", self.client_ns, "route", "add", "local", "10.77.128.0/17", "dev", "lo")

    def write(self, name, size):
        """A file of random bytes, so that nothing can be made smaller on its way."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as out:
            while size > 0:
                size -= out.write(os.urandom(min(size, 1 << 20)))
        return path

    def lose(self, percent):
        """From now on so many of a hundred packets are lost in each direction, drawn for each. The
        server's are cut into segments before, for else what is lost is a whole window."""
        run("ip", "-n", self.server_ns, "link", "set", "dev", "eth0", "gso_max_segs", "1")
        # A classic filter: a random number modulo 100; below `percent` 2 (drop), else 0 (let pass).
        draw = f"5,32 0 0 4294963256,148 0 0 100,53 1 0 {percent},6 0 0 2,6 0 0 0"
        for ns in (self.server_ns, self.client_ns):
            run("tc", "-n", ns, "qdisc", "add", "dev", "eth0", "clsact")
            run("tc", "-n", ns, "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "bytecode", draw)

    def start(self, *command, cwd=None):
        """A process of the server under test, on the server's CPU."""
        log = open(self.folder / f"server-{len(self.processes)}.log", "w", encoding="utf-8")
        environment = os.environ | {
            "LD_LIBRARY_PATH": f"{PEERS}/usr/lib/x86_64-linux-gnu:{PEERS}/usr/lib"}
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.server_ns, "taskset", "-c", self.server_cpu,
             *[str(word) for word in command]],
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd or self.folder,
            env=environment, start_new_session=True)
        self.processes.append(process)
        return process

    def server_log(self):
        return "\n".join(path.read_text(errors="replace")[-3000:]
                         for path in sorted(self.folder.glob("server-*.log")))

    def client(self, *command, **more):
        """Runs a command in the client's namespace, on the client's CPU."""
        return run("ip", "netns", "exec", self.client_ns, "taskset", "-c", self.client_cpu,
                   *command, **more)

    def server_pids(self):
        return [int(pid) for pid in run("ip", "netns", "pids", self.server_ns).stdout.split()]

    def cpu_seconds(self):
        """CPU time of all server processes so far, ended children included."""
        total = 0
        for pid in self.server_pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                # In nanoseconds, but without threads that have ended; `stat` has hundredths of a second.
                exact = sum(int(path.read_text().split()[0])
                            for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))
            except OSError:
                continue
            own, children = (sum(int(field) for field in pair) / TICKS
                             for pair in (fields[11:13], fields[13:15]))
            total += max(own, exact / 1e9) + children
        return total

    def peak_rss(self):
        """The sum of the peaks of the processes that run now, in bytes."""
        total = 0
        for pid in self.server_pids():
            try:
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                continue
        return total

    def wait_for(self, what, ready, seconds=20):
        end = time.monotonic() + seconds
        while not ready():
            if any(process.poll() is not None and process.returncode != 0
                   for process in self.processes):
                raise RuntimeError(f"{what} ended by itself:\n{self.server_log()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what} is not ready after {seconds} s:\n{self.server_log()}")
            time.sleep(0.05)

    def port_open(self, protocol, port):
        """Whether something in the server's namespace holds this port."""
        found = run("ip", "netns", "exec", self.server_ns, "ss", "-Hln" + protocol[0],
                    f"sport = :{port}").stdout
        return bool(found.strip())

    def stop(self):
        """Ends every process of the server's namespace."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 5
            for pid in self.server_pids():
                try:
                    os.kill(pid, sent)
                except ProcessLookupError:
                    pass
            while self.server_pids() and time.monotonic() < end:
                time.sleep(0.05)
        for process in self.processes:
            process.wait()
        self.processes.clear()
        for log in self.folder.glob("server-*.log"):
            log.unlink()

    def close(self):
        self.stop()
        for ns in (self.server_ns, self.client_ns):
            run("ip", "netns", "del", ns, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
