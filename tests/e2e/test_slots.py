#!/usr/bin/env python3
"""Eight machines switched on at once while only two may load: all are installed, and those that wait
say on their consoles which place they have."""
import json
import os
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import Rack, RackTest  # noqa: E402

NODES = [f"r1n{n:02d}" for n in range(1, 9)]
SLOTS = 2
PLACE = r"number (\d+) of (\d+)"


@unittest.skipUnless(os.environ.get("MUSTER_LONG"), "takes minutes: MUSTER_LONG=1")
class Slots(RackTest):
    """Four BIOS and four UEFI machines."""

    def setUp(self):
        self.rack = Rack("mixed", "net,disk", nodes=len(NODES))
        self.addCleanup(self.rack.close)
        self.rack.flags = ["--boot-slots", SLOTS]
        self.rack.start()

    def states(self):
        return {node["name"]: node["state"] for node in json.loads(self.rack.muster("nodes", "--json").stdout)}

    def test_all_are_installed_and_who_waits_says_so(self):
        rack = self.rack
        for name in NODES:
            rack.power("on", name)
        end = time.monotonic() + 1500
        most, before = 0, {}
        while True:
            states = self.states()
            if states != before:
                rack.say(" ".join(f"{name}:{state}" for name, state in states.items()))
                before = states
            at_once = sum(state in ("loading", "installing") for state in states.values())
            most = max(most, at_once)
            self.assertLessEqual(at_once, SLOTS, states)
            if set(states.values()) == {"installed"}:
                break
            self.assertNotIn("failed", states.values())
            self.assertLess(time.monotonic(), end, states)
            time.sleep(0.5)
        self.assertEqual(most, SLOTS)
        waited = {name: re.findall(PLACE, rack.console(name)) for name in NODES}
        rack.say(f"places on the consoles: {waited}")
        # Two had a slot at once; firmware takes its time, so of the others a few may have come late.
        self.assertGreaterEqual(sum(bool(places) for places in waited.values()), 3, waited)
        for name in NODES:
            self.assertEqual(rack.node(name)["attempt"], 1)
            rack.wait_login(name)
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
