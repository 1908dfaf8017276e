#!/usr/bin/env python3
"""musterd killed ten times while machines ask as fast as it answers: no lease that was acknowledged
is lost, no address is given twice. MUSTER_SEED=N repeats the moments, as far as the machine allows."""
import os
import pathlib
import random
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

KILLS = 10
# Writes "address mac" of every ACK that is on the wire; a line is whole or not there.
WITNESS = r"""
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
s.bind(("eth0", 0))
print("ready", flush=True)
out = open(sys.argv[1], "a", buffering=1)
while True:
    frame = s.recv(2048)
    if frame[23] == 17 and frame[34:36] == b"\0\x43" and frame[282:285] == b"\x35\x01\x05":
        out.write(socket.inet_ntoa(frame[58:62]) + " " + frame[70:76].hex(":") + "\n")
"""


class DhcpKill(RigTest):
    client_address = False

    def setUp(self):
        super().setUp()
        for ns, address in ((self.rig.server_ns, SERVER), (self.rig.client_ns, "10.66.0.2")):
            run("ip", "-n", ns, "addr", "flush", "dev", "eth0", "scope", "global")
            run("ip", "-n", ns, "addr", "add", f"{address}/12", "dev", "eth0")
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets: [{{subnet: 10.64.0.0/12, pools: [10.72.0.0-10.75.255.250], lease: 1h}}]
            unknown-nodes: ignore
            """})
        self.seed = int(os.environ.get("MUSTER_SEED", random.randrange(1 << 30)))
        self.random = random.Random(self.seed)
        self.acks = self.rig.folder / "acks"
        self.acks.touch()
        self.witness = self.spawn(sys.executable, "-c", WITNESS, self.acks, stdout=subprocess.PIPE)
        self.assertEqual(self.witness.stdout.readline(), b"ready\n")

    def spawn(self, *command, **more):
        process = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, *map(str, command)],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **{"stdout": subprocess.DEVNULL, **more})

        def end():
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.addCleanup(end)
        return process

    def seen(self):
        return [line.split() for line in self.acks.read_text().split("\n")[:-1]]

    def stored(self):
        """Every lease by address, through the API's pages."""
        leases, after = {}, ""
        while True:
            page = self.rig.api(f"/api/v1/leases?limit=10000&after={after}")
            leases.update((lease["address"], lease) for lease in page["leases"])
            after = page["next"]
            if not after:
                return leases

    def test_ten_kills_at_full_load(self):
        owner, killed_at = {}, []
        server = self.rig.start()
        for kill in range(KILLS):
            before = len(self.seen())
            load = self.spawn(BUILD / "muster-load", "dhcp", "--interface", "eth0", "--clients", "20000",
                              "--concurrency", "64", "--seed", kill + 1, "--json")
            end = time.monotonic() + 30
            while len(self.seen()) == before:
                self.assertLess(time.monotonic(), end, "no lease was acknowledged")
                time.sleep(0.01)
            time.sleep(self.random.uniform(0.05, 0.8))
            server.kill()
            time.sleep(0.3)  # what is on its way to the witness arrives
            load.kill()
            load.wait()
            server = self.rig.start()
            acks, leases = self.seen(), self.stored()
            killed_at.append(len(acks) - before)
            told = f"seed {self.seed}, kill {kill + 1}, {len(acks)} acknowledged"
            for address, mac in acks[before:]:
                self.assertEqual(owner.setdefault(address, mac), mac, f"{address} was given twice: {told}")
            for address, mac in owner.items():
                self.assertIn(address, leases, told)
                self.assertEqual((leases[address]["mac"], leases[address]["state"]), (mac, "bound"), f"{address}: {told}")
        print(f"acknowledged before each kill: {killed_at}", file=sys.stderr)
        self.assertGreater(min(killed_at), 0)


if __name__ == "__main__":
    unittest.main()
