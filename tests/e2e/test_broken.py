#!/usr/bin/env python3
"""Machines that break on purpose, all at once: each ends in the right state with the right words."""
import os
import pathlib
import sys
import time
import re
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rack import Rack, RackTest  # noqa: E402

DRIVERLESS, HANGS, SMALL, CUT = (f"r1n{n:02d}" for n in (1, 2, 3, 4))


@unittest.skipUnless(os.environ.get("MUSTER_LONG"), "takes minutes: MUSTER_LONG=1")
class Broken(RackTest):
    """Four BIOS machines; the words are those of `muster show`."""

    def setUp(self):
        self.rack = Rack("bios", "net,disk", nodes=4)
        self.addCleanup(self.rack.close)
        profile = (self.rack.site / "profiles" / "minimal.yaml").read_text()
        profile = profile.replace("retries: 3", "retries: 0")
        short = profile.replace("booting: 3m, installing: 10m", "booting: 100s, installing: 40s")
        self.assertNotEqual(short, profile)
        profiles = {"driverless": short.replace('quiet ', 'quiet module_blacklist=virtio_net '), "hangs": short,
                    "small": profile, "cut": profile.replace("retries: 0", "retries: 1")}
        self.assertNotEqual(profiles["driverless"], short)
        for name, text in profiles.items():
            (self.rack.site / "profiles" / f"{name}.yaml").write_text(text)
        nodes = (self.rack.site / "nodes.yaml").read_text().split("- name")[1:]
        (self.rack.site / "nodes.yaml").write_text("".join(
            "- name" + text.replace("profile: minimal", f"profile: {name}") for name, text in zip(profiles, nodes)))
        os.truncate(self.rack.folder / SMALL / "disk.raw", 300 << 20)
        self.rack.start()

    def monitor(self, name, command):
        with open(self.rack.folder / name / "monitor.in", "w", encoding="ascii") as monitor:
            monitor.write(command + "\n")

    def ended(self, name, words, findings=(), state="failed"):
        """Waits for its state; its words and findings are what `muster show` prints."""
        self.rack.wait_node(lambda node: node["state"] == state, state, name)
        shown = self.rack.muster("show", name).stdout
        self.rack.say(shown)
        for text in (words, *findings):
            self.assertIn(text, shown)
        return shown

    def test_each_ends_with_the_right_words(self):
        rack = self.rack
        for name in (DRIVERLESS, HANGS, SMALL, CUT):
            rack.power("on", name)

        # An installer that hangs: the machine stands still from its first report on.
        hangs = rack.wait_node(lambda node: node["state"] == "installing" and node["stage_percent"] > 0, "installs", HANGS)
        self.monitor(HANGS, "stop")
        # The power of another goes in the middle.
        rack.wait_node(lambda node: node["state"] == "installing" and node["stage_percent"] > 0, "installs", CUT)
        rack.power("off", CUT)
        rack.power("on", CUT)

        self.ended(SMALL, "the installer said: ", state="failed")
        shown = self.ended(HANGS, "it did not report `installed` within 40 s of its answers")
        self.assertIn("attempt 1 of 1 failed", shown)
        # It wakes up and goes on: nothing of what it says counts any more.
        self.monitor(HANGS, "cont")
        rack.wait_console("installer: ", HANGS, after=rack.console_size(HANGS))
        end = time.monotonic() + 120
        while not any(event["event"] == "token-refused" for event in rack.node(HANGS)["events"]):
            self.assertLess(time.monotonic(), end, rack.console(HANGS)[-2000:])
            time.sleep(0.3)
        node = rack.node(HANGS)
        self.assertEqual((node["state"], node["attempt"]), ("failed", hangs["attempt"]))
        self.assertIn("the token of attempt 1, which has ended", rack.muster("show", HANGS).stdout)

        self.ended(DRIVERLESS, "its answers were not fetched within 100 s of the first offer",
                   ["no installer asked for its answers"])

        rack.wait_state("installed", CUT)
        node = rack.node(CUT)
        self.assertEqual(node["attempt"], 2)
        failure = [event["message"] for event in node["events"] if event["event"] == "attempt-failed"]
        self.assertEqual(len(failure), 1, failure)
        self.assertIn("booted from the network again while installing (power cut or crash)", failure[0])
        recorder = rack.api(f"/api/v1/nodes/{CUT}/timeline")["recorder"]
        power = [entry["text"] for entry in recorder if entry["kind"] == "power"]
        self.assertTrue(any(re.search(r"on again or reset, \d+ s after ", text) for text in power), recorder)
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
