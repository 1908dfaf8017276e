#!/usr/bin/env python3
"""The page in a real Chromium, against a musterd with ten thousand machines and a storm."""
import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from page_world import PageWorld  # noqa: E402
import rig  # noqa: E402

PAGE = ROOT / "tools" / "page"
WEIGHT_MAX = 300 * 1000


class Page(unittest.TestCase):
    def test_1_what_is_carried_is_what_the_sources_give(self):
        done = rig.run(PAGE / "build", "--check", timeout=300)
        self.assertIn("built/index.html", done.stdout)

    def test_2_every_state_shows_and_orders_ask_first(self):
        shots = rig.BUILD / "page-screenshots"
        shots.mkdir(exist_ok=True)
        world = PageWorld()
        self.addCleanup(world.close)
        world.populate(every=8)
        world.begin_storm(count=150, power_on="12s")
        done = subprocess.run(
            ["ip", "netns", "exec", world.rig.server_ns, "node", str(ROOT / "tests" / "e2e" / "page.mjs"),
             "http://127.0.0.1:8067/", str(shots)],
            text=True, capture_output=True, timeout=240, stdin=subprocess.DEVNULL, cwd=PAGE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        print(f"page: {result}", file=sys.stderr)
        self.assertLess(result["weight"], WEIGHT_MAX)


if __name__ == "__main__":
    unittest.main()
