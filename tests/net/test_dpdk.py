#!/usr/bin/env python3
"""musterd on DPDK: tests of DHCP and TFTP once more, by af_packet on the wire, and its flags.

Some of them, of each kind one; with MUSTER_LONG=1 in the environment, all that there are."""
import os
import pathlib
import subprocess
import sys
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
os.environ.setdefault("MUSTER_BACKEND", "dpdk-af_packet")
from tests.net.test_dhcp import Dhcp  # noqa: E402
from tests.net.test_dhcp_clients import *  # noqa: E402,F401,F403
from tests.net.test_tftp import Tftp  # noqa: E402
from tests.net.test_tftp_multicast import Multicast  # noqa: E402
from tests.support.rig import BUILD, SERVER, RigTest  # noqa: E402

BUILT = "dpdk" in subprocess.run([BUILD / "musterd", "--version"], text=True,
                                 stdout=subprocess.PIPE).stdout.split("\n")[1]
# What is about the kernel's sockets, about an interface that is there before musterd, or about one
# whose queueing the kernel does.
LEFT_OUT = {"test_ipv6", "test_ipv6_from_a_single_port", "test_blocks_fit_a_smaller_mtu",
            "test_larger_blocks_where_the_site_says_so", "test_behind_a_relay_it_is_found_by_icmp",
            "test_a_killed_master_and_a_late_joiner"}
# What MUSTER_LONG adds to: an exchange with a real client, a restart, a relay, plain transfers,
# windows, groups, losses. HTTP on the same wire is below.
FEW = {"test_a_lease_with_everything_a_client_needs", "test_a_machine_behind_a_relay_is_known_by_its_switch_port",
       "test_the_same_machine_gets_the_same_address_after_kill_9", "test_tftp_hpa",
       "test_atftp_with_blocks_and_windows", "test_what_is_lost_on_the_wire_is_sent_again",
       "test_four_with_windowsize_refused",
       # With a file that the other one of two workers would serve.
       "test_ipxe_tftm"}
LONG = os.environ.get("MUSTER_LONG", "0") != "0"


class Flags(unittest.TestCase):
    def refused(self, *flags):
        done = subprocess.run([BUILD / "musterd", "--site", "/nowhere", *flags], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stdout

    def test_what_does_not_go_together_is_named(self):
        self.assertIn("--dpdk-port: has no use without --backend dpdk",
                      self.refused("--interface", "x", "--dpdk-port", "net_null0"))
        if not BUILT:
            self.assertIn("built without DPDK", self.refused("--interface", "x", "--backend", "dpdk"))
            return
        self.assertIn("needs --dpdk-port", self.refused("--interface", "x", "--backend", "dpdk"))
        port = ["--backend", "dpdk", "--dpdk-port", "net_null0"]
        self.assertIn("exactly one --interface", self.refused("--interface", "x", "--interface", "y", *port))
        self.assertIn("--tftp-max-blksize 4096: must be at most 1468",
                      self.refused("--interface", "x", *port, "--tftp-max-blksize", "4096"))
        self.assertIn("--dpdk-split flow: rules in the NIC (rte_flow) are not there yet; must be tap, or xdp",
                      self.refused("--interface", "x", *port, "--dpdk-split", "flow"))
        self.assertIn("must be net_af_xdp0,iface=x", self.refused("--interface", "x", *port, "--dpdk-split", "xdp"))
        self.assertIn("nothing to do", self.refused("--interface", "x", *port, "--dhcp", "off", "--tftp", "off"))


@unittest.skipUnless(BUILT, "built without DPDK")
class KernelsShare(RigTest):
    def metric(self, name):
        counts = dict(line.rsplit(" ", 1) for line in self.rig.api("/metrics").splitlines() if line[:1] != "#")
        return float(counts[name])

    def wait_for(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_http_and_tftp_are_served_on_one_wire(self):
        server = self.rig.start()
        self.assertIn("(dpdk)", server.log)
        self.assertIn("without huge pages", server.log)
        for scheme in ("http", "tftp"):
            path = "files/tiny/linux" if scheme == "http" else "tiny/linux"
            size = self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                                   f"{scheme}://{SERVER}/{path}").stdout
            self.assertEqual(size, "1000003", scheme)
        # TFTP came as frames, HTTP through the kernel.
        self.assertGreater(self.metric('muster_frames_received_total{kind="datagram"}'), 1900)
        self.assertGreater(self.metric('muster_dpdk_kernel_frames_total{direction="to"}'), 10)
        self.assertEqual(server.stop(), 0)
        links = self.rig.in_server("ip", "-br", "link").stdout
        self.assertNotIn("eth0", links.replace("eth0@", ""), "the TAP goes with its process")

    def test_a_file_that_is_cut_ends_its_transfers_and_nothing_else(self):
        server = self.rig.start()
        file = self.rig.site / "files/tiny/linux"
        with subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--limit-rate", "200k",
                               "--max-time", "6", "-o", "/dev/null", f"tftp://{SERVER}/tiny/linux"],
                              stderr=subprocess.DEVNULL) as client:
            self.wait_for(lambda: self.metric('muster_frames_received_total{kind="datagram"}') > 50)
            os.truncate(file, 5000)
            self.assertNotEqual(client.wait(timeout=20), 0, "half a file was taken for a whole one")
        self.assertIsNone(server.process.poll())
        self.assertGreater(self.metric('muster_dpdk_frames_lost_total{reason="content_changed"}'), 0)
        size = self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                               f"tftp://{SERVER}/tiny/linux").stdout
        self.assertEqual(size, "5000")

    def test_a_killed_one_leaves_nothing_behind(self):
        self.rig.start().kill()
        self.assertNotIn("eth0 ", self.rig.in_server("ip", "-br", "link").stdout)
        self.rig.start()


@unittest.skipUnless(BUILT, "built without DPDK")
class ChecksumsOfAPort(RigTest):
    """DPDK's TAP computes them, in software. What has a wrong one the client's kernel drops."""

    def setUp(self):
        with unittest.mock.patch.dict(os.environ, MUSTER_BACKEND="dpdk-tap"):
            super().setUp()

    def test_a_port_that_computes_checksums_does_and_is_believed(self):
        server = self.rig.start()
        self.assertIn("computes checksums", server.log)
        size = self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                               f"tftp://{SERVER}/tiny/linux").stdout
        self.assertEqual(size, "1000003")
        wrong = self.rig.client("awk", "/^Udp:/ && ++n == 2 {print $8}", "/proc/net/snmp").stdout
        self.assertEqual(int(wrong), 0, "datagrams with a wrong checksum")


def load_tests(loader, _tests, _pattern):
    own = (Flags, KernelsShare, ChecksumsOfAPort)
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in own)
    if BUILT:
        for case in sorted({c for c in globals().values() if isinstance(c, type) and issubclass(c, RigTest)
                            and c not in (RigTest, *own)}, key=lambda c: c.__name__):
            suite.addTests(case(name) for name in loader.getTestCaseNames(case)
                           if name not in LEFT_OUT and (LONG or name in FEW))
    return suite


if __name__ == "__main__":
    unittest.main()
