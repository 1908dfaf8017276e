"""A musterd in a network namespace of its own, with a client namespace beside it.

    server namespace  eth0 10.66.0.1/24  <== veth ==>  eth0 10.66.0.2/24 or none  client namespace

Nothing of it touches the host's network; everything goes when the test ends, whatever happens.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MUSTER_BUILD", ROOT / "build"))
SERVER = "10.66.0.1"
CLIENT = "10.66.0.2"

SITE = {
    "site.yaml": f"""\
        server:
          address: {SERVER}
        subnets:
          - subnet: 10.66.0.0/24
            pools: [10.66.0.100-10.66.0.250]
            router: {SERVER}
            dns: [{SERVER}]
            domain: rack.test
            lease: 10m
        unknown-nodes: ignore
        """,
    "nodes.yaml": """\
        - name: r1n01
          mac: [52:54:00:00:01:01]
          profile: tiny
          address: 10.66.0.21
          tags: [rack1]
        """,
    "profiles/tiny.yaml": """\
        kernel: tiny/linux
        initrd: [tiny/initrd]
        cmdline: "console=ttyS0 muster.answers={{answers_url}} muster.report={{report_url}}"
        answers: {install.conf: tiny.mustache}
        """,
    "templates/tiny.mustache": """\
        hostname="{{node.name}}"
        report="{{report_url}}"
        """,
}


# Sends bytes, shuts its side if told to, and says in hexadecimal what came back.
RAW = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
s.sendall(bytes.fromhex(sys.argv[3]))
if sys.argv[4] == "end":
    s.shutdown(socket.SHUT_WR)
got = b""
try:
    while part := s.recv(65536):
        got += part
except ConnectionResetError:
    pass
sys.stdout.write(got.hex())
"""


def run(*command, check=True, timeout=60, **kwargs):
    """Runs a command to its end; its output as text."""
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, stdin=subprocess.DEVNULL, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done


class Rig:
    """Namespaces, a site folder, and musterd processes in them."""

    def __init__(self, name="t", client_address=True):
        self.id = f"mt{os.getpid() % 100000}{name}"
        self.server_ns, self.client_ns = f"{self.id}s", f"{self.id}c"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muster-rig-"))
        self.site, self.data = self.folder / "site", self.folder / "data"
        self.site.mkdir()
        self.data.mkdir()
        self.processes = []
        for ns in (self.server_ns, self.client_ns):
            run("ip", "netns", "add", ns)
            run("ip", "-n", ns, "link", "set", "lo", "up")
        self.backend = os.environ.get("MUSTER_BACKEND", "io_uring")
        # Of an XDP split the interface stays the kernel's, with its address.
        self.kernel_wire = self.backend in ("io_uring", "dpdk-xdp")
        wire = "eth0" if self.kernel_wire else "wire0"
        run("ip", "-n", self.server_ns, "link", "add", wire, "type", "veth",
            "peer", "name", "eth0", "netns", self.client_ns)
        if self.kernel_wire:
            run("ip", "-n", self.server_ns, "addr", "add", f"{SERVER}/24", "dev", "eth0")
        else:
            self._prepare_dpdk()
        if client_address:
            run("ip", "-n", self.client_ns, "addr", "add", f"{CLIENT}/24", "dev", "eth0")
        for ns, device in ((self.server_ns, wire), (self.client_ns, "eth0")):
            # Duplicate address detection would delay the link-local address, and so musterd.
            run("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.conf.{device}.accept_dad=0")
            run("ip", "-n", ns, "link", "set", device, "up")

    def _prepare_dpdk(self):
        """The wire is DPDK's: musterd makes eth0 itself, for the kernel's share."""
        run("ip", "netns", "exec", self.server_ns, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        link = "wire0"
        if self.backend == "dpdk-tap":
            # DPDK's own TAP and the wire on one bridge. The TAP is there once musterd runs.
            link = "br0"
            run("ip", "-n", self.server_ns, "link", "add", "br0", "type", "bridge")
            run("ip", "-n", self.server_ns, "link", "set", "wire0", "master", "br0")
            run("ip", "-n", self.server_ns, "link", "set", "br0", "up")
        else:
            # Nobody makes up for checksums and segments that a client's kernel leaves to a NIC.
            for feature in ("tx-checksum-ip-generic", "tx-tcp-segmentation"):
                self.client(sys.executable, ROOT / "bench/peers/offload.py", "eth0", feature, "off")
        # The kernel is not to answer there beside DPDK: who is behind it is behind eth0.
        for setting in (f"ipv4.conf.{link}.rp_filter=1", f"ipv4.conf.{link}.arp_ignore=8",
                        f"ipv6.conf.{link}.disable_ipv6=1"):
            run("ip", "netns", "exec", self.server_ns, "sysctl", "-qw", f"net.{setting}")

    def backend_flags(self):
        ports = {"dpdk-tap": "net_tap0,iface=dtap0",
                 "dpdk-af_packet": "net_af_packet0,iface=wire0",
                 "dpdk-af_xdp": "net_af_xdp0,iface=wire0,force_copy=1"}
        if self.backend == "io_uring":
            return []
        eal = ["--backend", "dpdk", "--dpdk-eal", "--no-huge -m 64 --no-telemetry --no-shconf"]
        if self.backend == "dpdk-xdp":
            return [*eal, "--dpdk-split", "xdp"]
        return [*eal, "--dpdk-port", ports[self.backend]]

    def write_site(self, **changes):
        """Writes SITE, with files replaced or added: write_site(**{"site.yaml": "..."})."""
        for name, text in {**SITE, **changes}.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        files = self.site / "files" / "tiny"
        files.mkdir(parents=True, exist_ok=True)
        (files / "linux").write_bytes(b"K" * 1_000_003)
        (files / "initrd").write_bytes(b"I" * 300_001)

    def command(self, *flags, data=None):
        return ["ip", "netns", "exec", self.server_ns, str(BUILD / "musterd"), "--site", str(self.site),
                "--data", str(data or self.data), "--interface", "eth0", *self.backend_flags(), *flags]

    def start(self, *flags, data=None, wait=True):
        """Starts musterd; returns once it says that it is ready."""
        server = Musterd(self.command(*flags, data=data), self)
        self.processes.append(server)
        if wait:
            server.wait_ready()
            if self.backend == "dpdk-tap":
                # Its kernel's end has the address of DPDK's, which a bridge would keep to itself.
                for change in (["address", "02:00:00:00:00:02"], ["master", "br0"]):
                    run("ip", "-n", self.server_ns, "link", "set", "dtap0", *change)
        return server

    def client(self, *command, **kwargs):
        """Runs a command in the client's namespace."""
        return run("ip", "netns", "exec", self.client_ns, *command, **kwargs)

    def raw(self, data, port, end="stay", server=SERVER):
        """All that comes back for these bytes until the server closes; `end`: shuts its own side."""
        return bytes.fromhex(self.client(sys.executable, "-c", RAW, server, str(port), data.hex(), end).stdout)

    def in_server(self, *command, **kwargs):
        return run("ip", "netns", "exec", self.server_ns, *command, **kwargs)

    def muster(self, *arguments, **kwargs):
        return self.in_server(BUILD / "muster", *arguments, **kwargs)

    def api(self, path, method="GET", body=None, expect=200):
        """One call of the admin API, from inside the server's namespace."""
        command = ["curl", "-s", "-X", method, "-w", "\n%{http_code}", f"http://127.0.0.1:8067{path}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        text, status = self.in_server(*command).stdout.rsplit("\n", 1)
        if int(status) != expect:
            raise AssertionError(f"{method} {path}: {status}, expected {expect}\n{text}")
        try:
            return json.loads(text)
        except ValueError:
            return text

    def node(self, name="r1n01"):
        return self.api(f"/api/v1/nodes/{name}")

    def client_mac(self, mac):
        run("ip", "-n", self.client_ns, "link", "set", "eth0", "down")
        run("ip", "-n", self.client_ns, "link", "set", "eth0", "address", mac)
        run("ip", "-n", self.client_ns, "link", "set", "eth0", "up")

    def close(self):
        for server in self.processes:
            server.kill()
        for ns in (self.server_ns, self.client_ns):
            run("ip", "netns", "del", ns, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Musterd:
    """A running musterd and what it logs."""

    def __init__(self, command, rig):
        self.rig = rig
        self.lines = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def log(self):
        return "\n".join(self.lines)

    @property
    def pid(self):
        return self.process.pid

    def wait_log(self, text, timeout=30, after=0):
        """Waits for a line that holds `text`, among those from index `after` on."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if text in line:
                        return line
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.reader.is_alive()):
                    raise AssertionError(f"no line with {text!r} in the log:\n" + self.log)
                self.changed.wait(min(left, 0.5))

    def wait_ready(self, timeout=60):
        return self.wait_log("muster: ready", timeout)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=10):
        """Its exit status."""
        status = self.process.wait(timeout)
        self.reader.join(timeout)
        return status

    def stop(self, timeout=10):
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.reader.join(5)
        self.process.stdout.close()


class RigTest(unittest.TestCase):
    """A test case with a rig and a written site; a sanitizer's report fails the test."""

    client_address = True

    def setUp(self):
        self.rig = Rig(client_address=self.client_address)
        self.addCleanup(self.rig.close)
        self.rig.write_site()

    def tearDown(self):
        for server in self.rig.processes:
            if server.process.poll() is None:
                self.assertEqual(server.stop(), 0, server.log)
            for word in ("Sanitizer", "runtime error:", "broken invariant"):
                self.assertNotIn(word, server.log)
