#!/usr/bin/env python3
"""musterd killed again and again while a machine installs: nothing told is ever untold.

MUSTER_SEED=N repeats the moments of an earlier run, as far as the machine's speed allows.
"""
import os
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import RackTest  # noqa: E402

ORDER = ["new", "ready", "booting", "loading", "installing", "installed"]
SECONDS_MAX = 800  # for all of it; some 100 on an idle machine


class Kill(RackTest):
    """BIOS, its own disk first: what is installed never asks the network again."""

    firmware, boot = "bios", "disk,net"

    def reached(self, state, percent=0):
        """Whether a node is at least that far in its attempt."""
        def check(node):
            self.nurse()
            at = ORDER.index(node["state"])
            return (at, node["stage_percent"] if at == ORDER.index(state) else 0) >= (ORDER.index(state), percent)
        return check

    def nurse(self):
        """SeaBIOS gives up for good when nothing can be booted; in a real rack it would be reset, too."""
        console = self.rack.console(after=self.seen)
        if "No bootable device" in console:
            self.seen = self.rack.console_size()
            self.rack.power("reset")

    def facts(self):
        node = self.rack.node()
        return node, [(event["id"], event["message"]) for event in node["events"]], self.rack.lease()

    def kill(self, phase, delay):
        time.sleep(delay)
        before, events_before, lease_before = self.facts()
        self.rack.restart_after_kill()
        after, events_after, lease_after = self.facts()
        told = (f"killed in {before['state']} (for {phase}, {delay:.2f} s into it), attempt {before['attempt']}; "
                f"then {after['state']}, attempt {after['attempt']}")
        self.rack.say(told)
        self.assertEqual(events_after[:len(events_before)], events_before, told)
        self.assertGreaterEqual(after["attempt"], before["attempt"], told)
        if events_after == events_before or before["state"] == "installed":
            self.assertEqual(after["state"], before["state"], told)
        if lease_before is not None:
            self.assertEqual(lease_after, lease_before, told)
        return lease_before

    def wait(self, wanted, what):
        return self.rack.wait_node(wanted, what, timeout=max(1, self.end - time.monotonic()))

    def test_killed_at_any_moment_it_installs_all_the_same(self):
        seed = int(os.environ.get("MUSTER_SEED", random.randrange(1 << 32)))
        chance = random.Random(seed)
        rack = self.rack
        rack.say(f"seed {seed} (MUSTER_SEED)")
        self.end = time.monotonic() + SECONDS_MAX
        self.seen = 0
        leases = set()

        rack.power("on")
        for phase, percent, late in (("booting", 0, 0.2), ("loading", 0, 2), ("installing", 0, 3),
                                     ("installing", chance.randint(1, 80), 0)):
            self.wait(self.reached(phase, percent), f"{phase}, {percent} %")
            leases.add(self.kill(phase, chance.uniform(0, late)))
        # The writing of the last megabytes, and the report that it is done.
        self.wait(lambda node: node["state"] == "installed" or "installer: unpacked" in rack.console(), "reporting")
        leases.add(self.kill("reporting", chance.uniform(0, 1)))
        self.wait(self.reached("installed"), "installed")
        leases.add(self.kill("installed", chance.uniform(0, 3)))
        attempt = rack.node()["attempt"]

        rack.wait_login(timeout=max(1, self.end - time.monotonic()))
        node = rack.node()
        for line in rack.console().splitlines():
            if "again in" in line: # who had to wait for the server
                rack.say(line.strip())
        rack.say(f"attempts: {attempt}; {node['timeline']}")
        self.assertEqual((node["state"], node["attempt"]), ("installed", attempt))
        self.assertEqual(len(leases - {None}), 1, leases)
        self.assertEqual(rack.lease(), (leases - {None}).pop())
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
