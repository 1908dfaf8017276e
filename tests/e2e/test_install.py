#!/usr/bin/env python3
"""A bare machine that boots from the network first: installed once, then always its own disk."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RackTest  # noqa: E402

STATES = ["booting", "loading", "installing", "installed"]


class InstallTest(RackTest):
    """The steps, for either firmware."""

    boot = "net,disk"
    own_disk = "booting from its own disk" # the server's word

    def check_attempt(self, attempt):
        self.assertEqual(self.rack.states(attempt=attempt), STATES)
        node = self.rack.node()
        self.assertEqual((node["state"], node["attempt"]), ("installed", attempt))
        return node

    def check_reset(self, attempt):
        """A reset: the network boot ends on the own disk, and changes nothing."""
        before = self.rack.console_size()
        self.rack.power("reset")
        self.rack.wait_login(after=before)
        self.assertNotIn("installer: starting", self.rack.console(after=before))
        self.assertIn(self.own_disk, self.rack.console(after=before))
        return self.check_attempt(attempt)

    def check_installs(self):
        rack = self.rack
        node = rack.node()
        self.assertEqual((node["state"], node["attempt"]), ("ready", 0))
        rack.power("on")
        rack.wait_state("installed")
        # It restarts by itself, asks the network first, and is sent to its disk.
        rack.wait_console(self.own_disk)
        rack.wait_login()
        rack.say(str(self.check_attempt(1)["timeline"]))
        self.check_recorder()
        self.check_loader()
        address = rack.lease()
        self.assertIsNotNone(address)

        self.check_reset(1)
        self.assertEqual(rack.lease(), address)

    def check_recorder(self):
        """From the offer to the last report, and what the machine did then; nothing to complain of."""
        shown = self.rack.muster("show", "r1n01").stdout
        self.rack.say(shown)
        kinds = re.findall(r"(?m)^ +\d+ +\d+\.\d +([a-z-]+) ", shown)
        for kind in ("offer", "ack", "script", "payload", "report"):
            self.assertIn(kind, kinds, shown)
        self.assertRegex(shown, r"(?m)^ +1 +\d+\.\d +report +installed")
        self.assertRegex(shown, r"(?m)^ +2 +\d+\.\d +script +\w+: boot from its disk")
        self.assertNotIn("Look at this", shown)

    def check_installs_again(self):
        """Only an order installs again, and it waits for the machine's next boot."""
        rack = self.rack
        rack.muster("install", "r1n01")
        node = rack.node()
        self.assertEqual((node["state"], node["attempt"]), ("ready", 1))
        before = rack.console_size()
        rack.power("reset")
        rack.wait_state("installed")
        # The restart at its end asks the network first, as each.
        rack.wait_console(self.own_disk, after=before)
        rack.wait_login(after=before)
        self.assertIn("installer: starting", rack.console(after=before))
        self.check_attempt(2)


class Bios(InstallTest):
    """SeaBIOS with iPXE as the card's option ROM."""

    firmware = "bios"

    def check_loader(self):
        self.assertIn("iPXE", self.rack.console())

    def test_installs_once_then_boots_its_disk_and_again_on_order(self):
        self.check_installs()
        self.check_installs_again()
        self.assert_sane()


class Uefi(InstallTest):
    """OVMF: shim and GRUB, as the server gives them by default."""

    firmware = "uefi"

    def check_loader(self):
        pass

    def test_installs_once_then_boots_its_disk(self):
        self.check_installs()
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
