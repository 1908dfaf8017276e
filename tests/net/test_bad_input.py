#!/usr/bin/env python3
"""What a person or a network can get wrong: a clear message, no crash, no lost state."""
import pathlib
import random
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

BROKEN = {
    "site.yaml": """\
        server: {adress: 10.66.0.1}
        subnets:
          - subnet: 10.66.0.0/24
            pools: [10.67.0.1-10.67.0.9]
            lease: soon
        """,
    "nodes.yaml": """\
        - name: r1n01
          mac: [52:54:00:00:01]
          profile: tinny
        """,
}
PROBLEMS = ("site.yaml:1:", "adress", "address", "site.yaml:4:", "site.yaml:5:", "nodes.yaml:2:", "nodes.yaml:3:",
            "tinny", "tiny")


class Start(RigTest):
    """Errors before anything is served: one line (or one a problem), and the exit status."""

    def musterd(self, *flags):
        return run(*flags, check=False)

    def test_a_broken_site_tells_all_its_problems_at_once(self):
        self.rig.write_site(**BROKEN)
        for command in ([BUILD / "musterd", "--check", "--site", self.rig.site],
                        [BUILD / "muster", "check", self.rig.site], self.rig.command()):
            done = run(*command, check=False)
            self.assertEqual(done.returncode, 2, done.stdout)
            for problem in PROBLEMS:
                self.assertIn(problem, done.stdout)

    def test_a_good_site_passes(self):
        self.assertEqual(run(BUILD / "musterd", "--check", "--site", self.rig.site).returncode, 0)
        self.assertEqual(run(BUILD / "muster", "check", self.rig.site).returncode, 0)

    def test_flags_name_themselves_and_what_is_allowed(self):
        for flags, words in {("--tftp-port", "99999"): ("--tftp-port", "99999", "1 to 65535"),
                             ("--dhcp", "maybe"): ("--dhcp", "maybe", "server"),
                             ("--tftp", "yes"): ("--tftp", "on or off"),
                             ("--no-such-flag",): ("--no-such-flag",),
                             ("--admin", "somewhere"): ("--admin", "somewhere", "off"),
                             ("--admin", "0.0.0.0:80"): ("--admin-token-file",),
                             (): ("--interface",)}.items():
            done = run(BUILD / "musterd", *flags, check=False)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertEqual(len(done.stdout.strip().splitlines()), 1, done.stdout)
            for word in words:
                self.assertIn(word, done.stdout)

    def test_help_and_version(self):
        self.assertIn("--tftp-max-windowsize", run(BUILD / "musterd", "--help").stdout)
        self.assertIn("io_uring", run(BUILD / "musterd", "--version").stdout)

    def test_flags_come_from_file_environment_and_command_line(self):
        flags = self.rig.folder / "flags"
        flags.write_text("tftp-port = 70000\n")
        done = run(BUILD / "musterd", "--flags-file", flags, check=False)
        self.assertIn("--tftp-port 70000", done.stdout)
        done = run("env", "MUSTERD_TFTP_PORT=70001", BUILD / "musterd", "--flags-file", flags, check=False)
        self.assertIn("--tftp-port 70001", done.stdout)
        done = run("env", "MUSTERD_TFTP_PORT=70001", BUILD / "musterd", "--flags-file", flags, "--tftp-port", "70002",
                   check=False)
        self.assertIn("--tftp-port 70002", done.stdout)

    def test_an_interface_that_does_not_exist(self):
        command = [word if word != "eth0" else "eth7" for word in self.rig.command()]
        done = run(*command, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("eth7", done.stdout)

    def test_a_port_in_use(self):
        for kind, port, flag in (("DGRAM", 69, "--tftp-port"), ("STREAM", 80, "--http-port"),
                                 ("DGRAM", 67, "--dhcp-port"), ("STREAM", 8067, "--admin")):
            squatter = subprocess.Popen(
                ["ip", "netns", "exec", self.rig.server_ns, sys.executable, "-c",
                 f"import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_{kind}); s.bind(('', {port}));"
                 f"{'s.listen();' if kind == 'STREAM' else ''} print('bound', flush=True); time.sleep(60)"],
                stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(squatter.stdout.readline(), "bound\n")
                done = run(*self.rig.command(), check=False)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(flag, done.stdout)
                self.assertIn("in use", done.stdout)
            finally:
                squatter.kill()
                squatter.wait()
                squatter.stdout.close()

    def test_a_second_musterd_on_the_same_data(self):
        self.rig.start()
        done = run(*self.rig.command("--dhcp", "off", "--tftp", "off", "--http", "off", "--admin", "off"), check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(str(self.rig.data), done.stdout)


class Running(RigTest):
    """A server that serves goes on serving."""

    def setUp(self):
        super().setUp()
        self.server = self.rig.start()

    def serves(self):
        done = self.rig.client("curl", "-sS", "--max-time", "10", "--fail-with-body", "-o", "body", "-D",
                               "head", f"http://{SERVER}/files/tiny/linux", check=False, cwd=self.rig.folder)
        if done.returncode != 0:
            said = "".join(path.read_bytes().decode(errors="replace")
                           for path in (self.rig.folder / "head", self.rig.folder / "body") if path.exists())
            self.fail(f"{done.stdout}\n{said}\n{self.server.log}")

    def test_sighup_with_a_broken_site_keeps_the_old_one(self):
        self.rig.write_site(**BROKEN)
        mark = len(self.server.lines)
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("tinny", after=mark)
        self.assertEqual([n["name"] for n in self.rig.api("/api/v1/nodes")["nodes"]], ["r1n01"])
        self.assertEqual(self.rig.node()["profile"], "tiny")
        self.serves()

    def test_sighup_takes_a_good_site(self):
        self.rig.write_site(**{"nodes.yaml": """\
            - name: r1n01
              mac: [52:54:00:00:01:01]
              profile: tiny
            - name: r1n02
              mac: [52:54:00:00:01:02]
              profile: tiny
            """})
        mark = len(self.server.lines)
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("site", after=mark)
        self.assertEqual([n["name"] for n in self.rig.api("/api/v1/nodes")["nodes"]], ["r1n01", "r1n02"])

    def test_a_missing_kernel_is_named_by_script_and_event(self):
        (self.rig.site / "files" / "tiny" / "linux").unlink()
        script = self.rig.client("curl", "-sS", f"http://{SERVER}/boot/ipxe?mac=52:54:00:00:01:01").stdout
        self.assertIn("tiny/linux", script)
        self.assertIn("#!ipxe", script)
        events = self.rig.api("/api/v1/events")["events"]
        self.assertTrue(any("tiny/linux" in e["message"] for e in events), events)

    def test_a_wrong_token_changes_nothing_and_is_told(self):
        code = self.rig.client("curl", "-sS", "-w", " %{http_code}",
                               f"http://{SERVER}/report/{'0' * 32}/installed").stdout
        self.assertTrue(code.endswith(" 403"), code)
        self.assertEqual(self.rig.node()["state"], "ready")
        events = self.rig.api("/api/v1/events")["events"]
        self.assertTrue(any(e["event"] == "token-refused" for e in events), events)

    def test_hostile_packets_on_every_port(self):
        script = f"""
import random, socket
random.seed(7)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
dhcp = bytes([1, 1, 6, 0]) + bytes(24) + bytes([0x52, 0x54, 0, 0, 1, 1]) + bytes(202) + bytes([99, 130, 83, 99])
rrq = b"\\0\\1tiny/linux\\0octet\\0blksize\\0" + b"1468\\0"
http = b"GET /files/tiny/linux HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
def mutate(packet):
    packet = bytearray(packet)
    for _ in range(random.randrange(6)):
        packet[random.randrange(len(packet))] = random.randrange(256)
    return bytes(packet[:random.randrange(len(packet) + 1)]) + random.randbytes(random.choice((0, 0, 5, 300)))
for _ in range(3000):
    udp.sendto(mutate(dhcp + bytes([53, 1, 1, 55, 3, 1, 3, 6, 255])), ("{SERVER}", 67))
    udp.sendto(mutate(rrq), ("{SERVER}", 69))
    udp.sendto(random.randbytes(random.randrange(1400)), ("{SERVER}", random.choice((67, 69))))
for _ in range(300):
    tcp = socket.create_connection(("{SERVER}", 80), 5)
    try:
        tcp.sendall(mutate(http) if random.random() < 0.8 else random.randbytes(20000))
    except OSError:
        pass
    tcp.close()
"""
        self.rig.client(sys.executable, "-c", script)
        self.assertIsNone(self.server.process.poll(), self.server.log)
        self.serves()

    def test_sigusr1_writes_a_summary(self):
        mark = len(self.server.lines)
        self.server.signal(signal.SIGUSR1)
        self.server.wait_log("nodes", after=mark)

    def test_sigterm_ends_within_five_seconds_with_zero(self):
        self.assertEqual(self.server.stop(timeout=5), 0)

    def test_metrics_and_health(self):
        self.serves()
        metrics = self.rig.api("/metrics")
        for name in ("muster_http_", "muster_dhcp_", "muster_tftp_", "muster_io_connections_accepted_total"):
            self.assertIn(name, metrics)
        self.rig.api("/healthz")
        self.rig.api("/readyz")


class FullDisk(RigTest):
    """--data on a file system of its own that fills up."""

    client_address = False

    def setUp(self):
        super().setUp()
        self.script = self.rig.folder / "udhcpc.script"
        self.script.write_text('#!/bin/sh\n[ "$1" = bound ] && echo "ip=$ip"\nexit 0\n')
        self.script.chmod(0o755)
        run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.rig.data)
        self.addCleanup(run, "umount", "-l", self.rig.data, check=False)

    def udhcpc(self, mac):
        self.rig.client_mac(mac)
        return self.rig.client("busybox", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "3", "-T", "1",
                               "-s", self.script, check=False).stdout

    def test_known_leases_go_on_and_new_ones_are_refused(self):
        server = self.rig.start()
        known, new = "52:54:00:00:02:01", "52:54:00:00:02:02"
        first = self.udhcpc(known)
        self.assertIn("ip=10.66.0.", first)
        filler = self.rig.data / "filler"
        with filler.open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(random.randbytes(4096))
            except OSError:
                pass
        # A transaction may still fit what the database had reserved; fill that too.
        for number in range(40):
            if "ip=" not in self.udhcpc("52:54:00:00:03:%02x" % number):
                break
        self.assertNotIn("ip=", self.udhcpc(new), "a lease that cannot be kept is not given")
        self.assertEqual(self.udhcpc(known).split("ip=")[-1], first.split("ip=")[-1])
        server.wait_log("store", after=1)
        self.assertRegex(self.rig.api("/metrics"), r"muster_\w*store\w* [1-9]")
        filler.unlink()
        self.assertIn("ip=10.66.0.", self.udhcpc(new), "it recovers by itself")
        server.kill()
        self.rig.start()
        self.assertGreaterEqual(len(self.rig.api("/api/v1/leases")["leases"]), 2)


if __name__ == "__main__":
    unittest.main()
