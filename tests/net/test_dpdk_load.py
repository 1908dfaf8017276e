#!/usr/bin/env python3
"""musterd and muster-load joined by nothing but a memif, and what --dpdk-check says of a host."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

BUILT = "dpdk" in subprocess.run([BUILD / "musterd", "--version"], text=True,
                                 stdout=subprocess.PIPE).stdout.split("\n")[1]
EAL = "--no-huge -m 128 --no-telemetry --no-shconf --log-level=error"
SITE = f"""\
    server: {{address: {SERVER}}}
    subnets:
      - subnet: 10.66.0.0/16
        pools: [10.66.128.0-10.66.255.250]
        lease: 10m
    unknown-nodes: ignore
    """


@unittest.skipUnless(BUILT, "built without DPDK")
class Memif(RigTest):
    def setUp(self):
        super().setUp()
        self.rig.write_site(**{"site.yaml": SITE})
        self.big = bytes(i * 7 % 251 for i in range(1000)) * 3000 + b"the rest"
        (self.rig.site / "files" / "big.bin").write_bytes(self.big)

    def memif(self, role):
        return ["--backend", "dpdk", "--dpdk-eal", EAL, "--dpdk-port",
                f"net_memif0,role={role},id=0,socket={self.rig.folder}/memif.sock,socket-abstract=no"]

    def start(self, *flags):
        # The wire of the rig is left out, so that nothing can go along it.
        run("ip", "-n", self.rig.server_ns, "link", "del", "eth0", check=False)
        return self.rig.start(*self.memif("server"), *flags)

    def load(self, *arguments, expect=0):
        done = subprocess.run([BUILD / "muster-load", *map(str, arguments), *self.memif("client"), "--json"],
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def test_machines_get_addresses_of_their_own(self):
        server = self.start()
        got = self.load("dhcp", "--clients", 300, "--concurrency", 50)
        self.assertEqual((got["exchanges"], got["failed"], got["duplicate_addresses"]), (300, 0, 0))
        # They are durable: another musterd knows them.
        self.assertEqual(len(self.rig.api("/api/v1/leases")["leases"]), 300)
        server.kill()
        self.start()
        self.assertEqual(len(self.rig.api("/api/v1/leases")["leases"]), 300)

    def test_behind_a_relay(self):
        self.start()
        got = self.load("dhcp", "--mode", "relay", "--server", SERVER, "--addresses", "10.66.0.9-10.66.0.9",
                        "--clients", 40)
        self.assertEqual((got["exchanges"], got["failed"]), (40, 0))

    def test_files_come_whole(self):
        self.start()
        copy = self.rig.folder / "copy.bin"
        copy.write_bytes(self.big)
        for window in (0, 64):
            got = self.load("tftp", "--server", SERVER, "--addresses", "10.66.128.1-10.66.128.20", "--clients", 20,
                            "--file", "big.bin", "--windowsize", window, "--verify", copy)
            self.assertEqual((got["transfers"], got["failed"]), (20, 0))
            self.assertEqual(got["bytes"], 20 * len(self.big))
        copy.write_bytes(self.big[:-1] + b"X")
        self.assertEqual(self.load("tftp", "--server", SERVER, "--addresses", "10.66.128.1-10.66.128.1", "--file",
                                   "big.bin", "--verify", copy, expect=1)["failed"], 1)

    def test_a_store_in_memory_forgets(self):
        server = self.start("--store", "memory:")
        self.assertIn("are forgotten when musterd ends", server.log)
        self.assertEqual(self.load("dhcp", "--clients", 30)["failed"], 0)
        self.assertEqual(len(self.rig.api("/api/v1/leases")["leases"]), 30)
        server.stop()
        self.assertEqual(list(self.rig.data.iterdir()), [], "nothing is written")
        self.start("--store", "memory:")
        self.assertEqual(self.rig.api("/api/v1/leases")["leases"], [])

    def test_without_the_other_side_it_says_so(self):
        self.assertIn("is the other side there?", self.load("dhcp", expect=1))


class Check(unittest.TestCase):
    def check(self, *flags, expect):
        done = subprocess.run([BUILD / "musterd", "--dpdk-check", "--site", "/nowhere", *flags], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout

    @unittest.skipUnless(BUILT, "built without DPDK")
    def test_a_port_that_can_be_started(self):
        said = self.check("--dpdk-port", "net_null0", "--dpdk-eal", EAL, expect=0)
        self.assertRegex(said, r"(?m)^ok +start: net_null ")
        self.assertIn("\nready for --backend dpdk\n", said)

    @unittest.skipUnless(BUILT, "built without DPDK")
    def test_what_is_missing_is_said_with_what_to_do(self):
        said = self.check("--dpdk-port", "0000:ff:1f.7", "--dpdk-eal", EAL, expect=1)
        self.assertRegex(said, r"(?m)^missing +port 0000:ff:1f.7: there is no such PCI device\n +do: dpdk-devbind")
        self.assertTrue(said.endswith("not ready for --backend dpdk\n"), said)
        self.assertNotIn("start:", said, "DPDK was not asked")
        said = self.check("--dpdk-port", "net_af_packet0,iface=none9", "--dpdk-eal", EAL, expect=1)
        self.assertRegex(said, r"(?m)^missing +port: there is no interface none9")
        # What only DPDK itself knows.
        said = self.check("--dpdk-port", "net_nonsense0", "--dpdk-eal", EAL, expect=1)
        self.assertRegex(said, r"(?m)^missing +start: ")
        said = self.check("--dpdk-port", "net_null0", "--dpdk-eal", "--no-such-flag " + EAL, expect=1)
        self.assertRegex(said, r"(?m)^missing +start: --dpdk-eal: ")

    @unittest.skipUnless(BUILT, "built without DPDK")
    def test_without_a_port_it_lists_what_there_is(self):
        self.assertRegex(self.check("--dpdk-eal", EAL, expect=0), r"(?m)^note +port: none is named; NICs of this host: ")

    @unittest.skipIf(BUILT, "built with DPDK")
    def test_it_says_that_it_was_built_without(self):
        self.assertIn("built without", self.check(expect=1))


if __name__ == "__main__":
    unittest.main()
