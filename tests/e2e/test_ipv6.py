#!/usr/bin/env python3
"""OVMF boots over IPv6: by PXE (DHCPv6, TFTP) and by HTTP, each to the kernel of the installer."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RACK, RackTest  # noqa: E402
from tests.support.rig import run  # noqa: E402

SERVER6 = "fd00:77::1"


class Ipv6(RackTest):
    """No IPv4 subnet: whatever the machine fetches, it fetches over IPv6."""

    firmware, boot = "uefi", "net,disk"

    def prepare(self):
        run(RACK, "exec", "--rack", self.rack.name, "--", "ip", "address", "add", f"{SERVER6}/64", "dev", "br0", "nodad")
        site = self.rack.site / "site.yaml"
        subnets = 'subnets:\n  - {subnet: "fd00:77::/64", pools: [fd00:77::100-fd00:77::1ff]}\n'
        site.write_text(re.sub(r"(?ms)^server:.*?(?=^unknown-nodes:)", subnets, site.read_text()))

    def check_loads(self, *console):
        rack = self.rack
        rack.power("on")
        for text in console:
            rack.wait_console(text)
        rack.wait_state("loading", timeout=600)
        rack.wait_console("installer: ", timeout=600)
        self.assertEqual(rack.node()["address"], "")
        leases = json.loads(rack.muster("leases", "--json").stdout)
        self.assertEqual([(lease["address"], lease["node"]) for lease in leases], [("fd00:77::100", "r1n01")],
                         "one machine, one address")
        self.assert_sane()


class Pxe(Ipv6):
    boot_by = "pxe6"

    def test_firmware_shim_and_grub_load_the_kernel(self):
        self.check_loads("Start PXE over IPv6", "NBP file downloaded successfully")


class Http(Ipv6):
    """HTTP boot; IPv4 comes first with OVMF, and is not answered."""

    boot_by = "http"

    def test_firmware_and_ipxe_load_the_kernel(self):
        self.check_loads("Start HTTP Boot over IPv6", f"URI: http://[{SERVER6}]/loaders/snponly.efi", "iPXE")


if __name__ == "__main__":
    unittest.main()
