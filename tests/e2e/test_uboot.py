#!/usr/bin/env python3
"""U-Boot, which calls itself an x64 UEFI, finds its address, its boot file and all of its bytes."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RackTest  # noqa: E402


class UBoot(RackTest):
    firmware, boot = "u-boot", "net,disk"

    def test_it_loads_its_boot_file_and_starts_it(self):
        """No further: Debian's shim resets the machine under it, and its iPXE never asks for an address."""
        rack = self.rack
        rack.power("on")
        # Its first try asks for a script by name in the BOOTP header; this server has none for it.
        rack.wait_console("TFTP error: 'no such file: boot.scr.uimg' (1)")
        rack.wait_console("Filename 'loaders/shimx64.efi'.")
        size = pathlib.Path("/usr/lib/shim/shimx64.efi.signed").stat().st_size
        rack.wait_console(f"Bytes transferred = {size} ")
        rack.wait_console("Booting /loaders\\shimx64.efi")
        self.assertEqual((rack.node()["arch"], rack.node()["address"]), (7, rack.lease()))
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
