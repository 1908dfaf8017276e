"""Machines that cannot boot from the network: from `muster media` to an installed system."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RackTest  # noqa: E402


class MediaTest(RackTest):
    boot = "net,disk"

    def check(self, option, name):
        rack = self.rack
        out = rack.folder / name
        rack.say(rack.muster("media", option, out).stdout)
        rack.power("on")
        rack.wait_state("installed")
        # The medium is asked first again, and its script leads to the disk.
        rack.wait_console("r1n01: booting from its own disk")
        rack.wait_login()
        kinds = [entry["kind"] for entry in rack.node()["recorder"]]
        self.assertIn("script", kinds)
        self.assertNotIn("loader", kinds, "every loader came from the medium")
        self.assert_sane()


class Bios(MediaTest):
    firmware = "bios"

    def test_a_cd_installs_and_leads_to_the_disk(self):
        self.check("--iso", "medium.iso")


class Uefi(MediaTest):
    firmware = "uefi"

    def test_a_stick_installs_and_leads_to_the_disk(self):
        self.check("--usb", "medium.img")


if __name__ == "__main__":
    unittest.main()
