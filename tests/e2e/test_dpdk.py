#!/usr/bin/env python3
"""A bare machine is installed with its DHCP and TFTP moved by DPDK and its HTTP by io_uring, over one
bridge: the kernel gets its share by a TAP interface, or keeps the interface and an XDP program sorts."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RACK, Rack, RackTest  # noqa: E402
from tests.support.rig import BUILD, run  # noqa: E402

BUILT = "dpdk" in subprocess.run([BUILD / "musterd", "--version"], text=True,
                                 stdout=subprocess.PIPE).stdout.split("\n")[1]
EAL = ["--backend", "dpdk", "--dpdk-eal", "--no-huge -m 128 --no-telemetry --no-shconf"]


@unittest.skipUnless(os.environ.get("MUSTER_LONG"), "takes minutes: MUSTER_LONG=1")
@unittest.skipUnless(BUILT, "built without DPDK")
class DpdkTest(RackTest):
    """OVMF, whose firmware gets its loaders by TFTP; kernel and image come by HTTP."""

    firmware, boot = "uefi", "net,disk"

    def setUp(self):
        self.rack = Rack(self.firmware, self.boot)
        self.addCleanup(self.rack.close)
        self.start()

    def in_rack(self, *command):
        return run(RACK, "exec", "--rack", self.rack.name, "--", *command).stdout

    def counts(self):
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in self.rack.metrics().splitlines() if line[:1] != "#")}

    def check_installs(self):
        rack = self.rack
        rack.power("on")
        rack.wait_state("installed", timeout=600)
        rack.wait_login(timeout=600)
        self.assertEqual(rack.states(attempt=1), ["booting", "loading", "installing", "installed"])
        counts = self.counts()
        rack.say(str({name: count for name, count in counts.items() if count and re.match("muster_(dpdk|frames)", name)}))
        # A loader of a megabyte in blocks of at most 1468 bytes is acknowledged that often by itself.
        self.assertGreater(counts['muster_tftp_transfers_total{outcome="completed"}'], 0)
        self.assertGreater(counts['muster_frames_sent_total{kind="datagram"}'], 600)
        return counts


class Xdp(DpdkTest):
    def start(self):
        # The bridge itself is the interface that is shared.
        self.rack.flags = [*EAL, "--dpdk-split", "xdp"]
        self.rack.start()

    def test_a_machine_is_installed(self):
        self.assertIn("prog/xdp", self.in_rack("ip", "-d", "link", "show", "br0"))
        counts = self.check_installs()
        self.assertEqual(counts['muster_dpdk_kernel_frames_total{direction="to"}'], 0)
        self.assertEqual(self.rack.processes[-1].stop(30), 0)
        self.assertNotIn("prog/xdp", self.in_rack("ip", "-d", "link", "show", "br0"))


class Tap(DpdkTest):
    def start(self):
        # The bridge is a mere switch now; its address goes to the interface that musterd makes.
        address = re.search(r"inet (\S+)", self.in_rack("ip", "-4", "-o", "address", "show", "br0"))[1]
        self.in_rack("ip", "address", "flush", "dev", "br0")
        self.rack.interface = "muster0"
        self.rack.flags = [*EAL, "--dpdk-port", "net_tap0,iface=dtap0"]
        text = (self.rack.site / "site.yaml").read_text()
        self.assertIn("server:", text)
        self.assertIn(address.split("/")[0], text)
        self.rack.start()
        # Its kernel's end has the address of DPDK's, which a bridge would keep to itself.
        for change in (["address", "02:00:00:00:00:02"], ["master", "br0"]):
            self.in_rack("ip", "link", "set", "dtap0", *change)

    def test_a_machine_is_installed(self):
        counts = self.check_installs()
        self.assertGreater(counts['muster_dpdk_kernel_frames_total{direction="from"}'], 10_000)
        self.assertEqual(self.rack.processes[-1].stop(30), 0)


if __name__ == "__main__":
    unittest.main()
