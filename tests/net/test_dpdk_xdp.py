#!/usr/bin/env python3
"""musterd on DPDK by AF_XDP on an interface that it shares with the kernel: tests of DHCP and TFTP once
more, what the kernel keeps, and what is left when musterd is gone.

Some of the former, of each kind one; with MUSTER_LONG=1 in the environment, all that there are."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
os.environ["MUSTER_BACKEND"] = "dpdk-xdp"
import tests.net.test_dpdk as dpdk  # noqa: E402
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402


@unittest.skipUnless(dpdk.BUILT, "built without DPDK")
class Shared(RigTest):
    def program(self):
        """The XDP program of the server's interface; empty: none."""
        words = self.rig.in_server("ip", "-o", "-d", "link", "show", "eth0").stdout.split()
        return words[words.index("prog/xdp") + 1:][:2] if "prog/xdp" in words else []

    def fetch(self, scheme):
        path = "files/tiny/linux" if scheme == "http" else "tiny/linux"
        return self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                               f"{scheme}://{SERVER}/{path}").stdout

    def counts(self):
        return dict(line.rsplit(" ", 1) for line in self.rig.api("/metrics").splitlines() if line[:1] != "#")

    def test_http_and_tftp_are_served_on_one_interface(self):
        server = self.rig.start()
        self.assertIn("(dpdk)", server.log)
        self.assertIn("by xdp", server.log)
        self.assertTrue(self.program())
        self.assertEqual(self.fetch("http"), "1000003")
        http_alone = float(self.counts()['muster_frames_received_total{kind="datagram"}'])
        self.assertEqual(http_alone, 0, "what is the kernel's came to DPDK")
        self.assertEqual(self.fetch("tftp"), "1000003")
        self.assertGreater(float(self.counts()['muster_frames_received_total{kind="datagram"}']), 1900)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(self.program(), "it goes with its process")
        self.assertNotIn("rror", "\n".join(server.log.split("muster: ready", 1)[1].split("\n")[1:]))

    def test_a_killed_one_leaves_nothing_behind(self):
        self.rig.start().kill()
        self.assertFalse(self.program())
        self.rig.start()
        self.assertEqual(self.fetch("tftp"), "1000003")

    def test_a_second_one_is_refused_and_the_first_goes_on(self):
        self.rig.start()
        other = self.rig.folder / "other"
        second = self.rig.start("--admin", "off", data=other, wait=False)
        self.assertEqual(second.process.wait(30), 1)
        second.reader.join(10)
        self.assertIn("XDP on eth0: another musterd has it", second.log)
        self.assertTrue(self.program())
        self.assertEqual(self.fetch("tftp"), "1000003")

    def test_without_an_address_it_says_so(self):
        run("ip", "-n", self.rig.server_ns, "addr", "flush", "dev", "eth0", "scope", "global")
        server = self.rig.start(wait=False)
        self.assertNotEqual(server.process.wait(30), 0)
        server.reader.join(10)
        self.assertIn("no IPv4 address", server.log)
        self.assertFalse(self.program())


@unittest.skipUnless(dpdk.BUILT, "built without DPDK")
class Check(RigTest):
    def test_it_starts_the_port_and_takes_the_program_off_again(self):
        eal = "--no-huge -m 64 --no-telemetry --no-shconf"
        said = self.rig.in_server(BUILD / "musterd", "--dpdk-check", "--dpdk-split", "xdp", "--interface", "eth0",
                                  "--dpdk-eal", eal, "--site", self.rig.site).stdout
        self.assertRegex(said, r"(?m)^ok +split xdp: one receive queue")
        self.assertRegex(said, r"(?m)^ok +start: net_af_xdp ")
        self.assertNotIn("prog/xdp", self.rig.in_server("ip", "-d", "link", "show", "eth0").stdout)


def load_tests(loader, _tests, _pattern):
    # ARP is the kernel's here, and what it says of addresses in use has to be heard all the same.
    dpdk.FEW.add("test_an_address_that_somebody_has_is_not_offered")
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Shared, Check))
    for test in dpdk.load_tests(loader, None, None):
        for case in (test if isinstance(test, unittest.TestSuite) else [test]):
            # Its flags, and its TAP, are not of this split.
            if not isinstance(case, (dpdk.Flags, dpdk.KernelsShare)):
                suite.addTest(case)
    return suite


if __name__ == "__main__":
    unittest.main()
