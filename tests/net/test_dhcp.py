#!/usr/bin/env python3
"""musterd's DHCP against real clients: udhcpc and perfdhcp, and the leases over a crash."""
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER  # noqa: E402

# Prints what udhcpc was given, and takes the address.
SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
echo "lease $1 ip=$ip mask=$mask router=$router dns=$dns domain=$domain hostname=$hostname lease=$lease siaddr=$siaddr"
"""


class Dhcp(RigTest):
    client_address = False

    def setUp(self):
        super().setUp()
        self.script = self.rig.folder / "udhcpc.script"
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)

    def udhcpc(self, *options, check=True):
        return self.rig.client("busybox", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "4", "-T", "2",
                               "-s", self.script, *options, check=check).stdout

    def test_a_lease_with_everything_a_client_needs(self):
        self.rig.start()
        out = self.udhcpc()
        self.assertRegex(out, r"lease bound ip=10\.66\.0\.1\d\d mask=24 router=10\.66\.0\.1 dns=10\.66\.0\.1 "
                              r"domain=rack\.test .*lease=600")
        leases = self.rig.api("/api/v1/leases")["leases"]
        self.assertEqual(len(leases), 1)

    def test_a_reserved_machine_gets_its_address_and_name(self):
        self.rig.client_mac("52:54:00:00:01:01")
        self.rig.start()
        self.assertIn("ip=10.66.0.21 ", self.udhcpc())

    def test_the_same_machine_gets_the_same_address_after_kill_9(self):
        server = self.rig.start()
        first = re.search(r"ip=([\d.]+)", self.udhcpc())[1]
        server.kill()
        self.rig.start()
        leases = self.rig.api("/api/v1/leases")["leases"]
        self.assertEqual([lease["address"] for lease in leases], [first])
        self.assertEqual(re.search(r"ip=([\d.]+)", self.udhcpc("-x", "0x3d:ff00112233"))[1], first,
                         "another client id, the same machine")

    def test_perfdhcp_finds_nothing_wrong(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets:
              - subnet: 10.66.0.0/16
                pools: [10.66.1.0-10.66.60.255]
                lease: 10m
            unknown-nodes: ignore
            """})
        self.rig.start()
        self.rig.client("ip", "addr", "add", "10.66.0.2/24", "dev", "eth0")
        out = self.rig.client("perfdhcp", "-4", "-l", "eth0", "-r", "500", "-R", "3000", "-n", "3000",
                              "-W", "2000000", SERVER, check=False, timeout=120).stdout
        sent = [int(n) for n in re.findall(r"sent packets: (\d+)", out)]
        received = [int(n) for n in re.findall(r"received packets: (\d+)", out)]
        self.assertEqual(sent, received, out)
        self.assertGreaterEqual(min(received), 3000, out)
        self.assertIn("rejected leases: 0", out)
        self.assertEqual(len(re.findall(r"non unique addresses: 0", out)), 2, out)
        self.assertEqual(len(self.rig.api("/api/v1/leases?limit=10000")["leases"]), received[1])

    def test_a_router_solicitation_is_answered_quietly(self):
        self.rig.start()
        script = r"""
import socket, struct, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
index = socket.if_nametoindex("eth0")
s.setsockopt(socket.SOL_SOCKET, 25, b"eth0"); s.settimeout(5)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::1") + struct.pack("@I", index))
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
end = time.time() + 10
while time.time() < end:
    try: s.sendto(b"\x85\0\0\0\0\0\0\0", ("ff02::2", 0, 0, index))
    except OSError: time.sleep(0.2); continue
    while True:
        try: data = s.recv(1500)
        except TimeoutError: break
        if data[0] == 134: print("RA flags=%d lifetime=%d" % (data[5], struct.unpack("!H", data[6:8])[0]), "prefix" if b"\x03\x04" in data[16:18] else "plain"); sys.exit()
"""
        self.assertIn("RA flags=0 lifetime=0 plain", self.rig.client(sys.executable, "-c", script).stdout)

    def test_release_is_kept_and_the_address_comes_back(self):
        self.rig.start()
        first = re.search(r"ip=([\d.]+)", self.udhcpc("-R"))[1]
        time.sleep(0.5)
        self.assertEqual(re.search(r"ip=([\d.]+)", self.udhcpc())[1], first)


if __name__ == "__main__":
    unittest.main()
