#!/usr/bin/env python3
"""musterd's DHCP against real clients: udhcpc and perfdhcp, and the leases over a crash."""
import pathlib
import re
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER  # noqa: E402

# Prints what udhcpc was given, and takes the address.
SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
echo "lease $1 ip=$ip mask=$mask router=$router dns=$dns domain=$domain hostname=$hostname lease=$lease siaddr=$siaddr"
echo "options ntp=$ntpsrv search=$search routes=$staticroutes mtu=$mtu rootpath=$rootpath"
"""

# Sends one message as a relay, a BOOTP client or firmware would, and prints the answer:
# ONE bind-port destination-port destination payload-in-hex.
ONE = r"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, 25, b"eth0")
s.bind(("", int(sys.argv[1]))); s.settimeout(2)
for attempt in range(5):
    s.sendto(bytes.fromhex(sys.argv[4]), (sys.argv[3], int(sys.argv[2])))
    try: data, peer = s.recvfrom(2000)
    except TimeoutError: continue
    print(data.hex(), peer[1]); break
"""


# Sends a message as often as it can, over links that go up and down: FLOOD payload-in-hex.
FLOOD = r"""
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0x0800))
payload = bytes.fromhex(sys.argv[1])
udp = b"\0\x44\0\x43" + (len(payload) + 8).to_bytes(2, "big") + b"\0\0" + payload
head = b"\x45\0" + (len(udp) + 20).to_bytes(2, "big") + b"\0\0\0\0\x40\x11\0\0" + bytes(4) + b"\xff" * 4
total = sum(int.from_bytes(head[i:i + 2], "big") for i in range(0, 20, 2))
while total > 0xffff: total = (total & 0xffff) + (total >> 16)
head = head[:10] + (0xffff - total).to_bytes(2, "big") + head[12:]
frame = b"\xff" * 6 + payload[28:34] + b"\x08\0" + head + udp
while True:
    try: s.send(frame)
    except OSError: pass
"""


def message(mac, options, ciaddr="0.0.0.0", giaddr="0.0.0.0"):
    """A BOOTREQUEST with the broadcast flag; `options`: pairs of code and bytes."""
    tail = b"".join(bytes([code, len(value)]) + value for code, value in options) + b"\xff"
    return (bytes([1, 1, 6, 0]) + b"\x12\x34\x56\x78" + b"\0\0" + b"\x80\0" + socket.inet_aton(ciaddr) + bytes(8) +
            socket.inet_aton(giaddr) + bytes.fromhex(mac.replace(":", "")) + bytes(10 + 192) +
            bytes([99, 130, 83, 99]) + tail).ljust(300, b"\0")


class Answer:
    def __init__(self, text):
        data, self.port = bytes.fromhex(text.split()[0]), int(text.split()[1])
        self.size, self.yiaddr, self.siaddr = len(data), socket.inet_ntoa(data[16:20]), socket.inet_ntoa(data[20:24])
        self.file = data[108:236].split(b"\0")[0].decode()
        self.options, self.codes, at = {}, [], 240
        while at < len(data) and data[at] != 255:
            if data[at]:
                self.options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
                self.codes.append(data[at])
                at += data[at + 1] + 1
            at += 1


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

    def ask(self, payload, bind=68, port=67, to="255.255.255.255"):
        out = self.rig.client(sys.executable, "-c", ONE, str(bind), str(port), to, payload.hex()).stdout
        return Answer(out) if out.strip() else None

    def test_options_by_name_and_by_class_reach_a_real_client(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            classes:
              lab: {{match: {{vendor-class: "lab-*"}}, options: {{interface-mtu: 1400, root-path: /lab}}}}
            subnets:
              - subnet: 10.66.0.0/24
                pools: [10.66.0.100-10.66.0.150, {{range: 10.66.0.200-10.66.0.210, class: lab}}]
                options: {{domain-search: [rack.test, a.rack.test], interface-mtu: 1450}}
            defaults:
              options:
                ntp-servers: [10.66.0.5, 10.66.0.6]
                classless-routes: ["10.9.0.0/16 via 10.66.0.254", "default via {SERVER}"]
            unknown-nodes: ignore
            """})
        self.rig.start()
        asking = ["-O", "ntpsrv", "-O", "search", "-O", "staticroutes", "-O", "mtu", "-O", "rootpath"]
        out = self.udhcpc(*asking)
        self.assertIn("ip=10.66.0.100 ", out)
        self.assertIn("options ntp=10.66.0.5 10.66.0.6 search=rack.test a.rack.test "
                      f"routes=10.9.0.0/16 10.66.0.254 0.0.0.0/0 {SERVER} mtu=1450 rootpath=\n", out)
        self.rig.client_mac("52:54:00:00:09:09")
        out = self.udhcpc("-V", "lab-7", *asking)
        self.assertIn("ip=10.66.0.1", out)
        self.assertIn("mtu=1400 rootpath=/lab", out)

    def test_a_machine_behind_a_relay_is_known_by_its_switch_port(self):
        self.rig.write_site(**{
            "site.yaml": f"""\
                server: {{address: {SERVER}}}
                subnets:
                  - {{subnet: 10.66.0.0/24}}
                  - subnet: 10.67.0.0/24
                    relay: {{giaddr: 10.66.0.2}}
                    pools: [10.67.0.100-10.67.0.150]
                  - {{subnet: 10.68.0.0/24, pools: [10.68.0.7]}}
                unknown-nodes: ignore
                """,
            "nodes.yaml": """\
                - name: u17
                  match: {circuit-id: port17, remote-id: 0x0006aabbccddeeff}
                  profile: tiny
                  address: 10.67.0.17
                """})
        self.rig.start()
        self.rig.client("ip", "addr", "add", "10.66.0.2/24", "dev", "eth0")
        agent = b"\x01\x06port17" + b"\x02\x08\x00\x06\xaa\xbb\xcc\xdd\xee\xff"

        def discover(agent):
            return self.ask(message("52:54:00:00:07:07", [(53, b"\1"), (55, b"\x01\x0c"), (82, agent)], giaddr="10.66.0.2"),
                            bind=67, to=SERVER)
        answer = discover(agent)
        self.assertEqual(answer.yiaddr, "10.67.0.17")
        self.assertEqual(answer.options[12], b"u17")
        self.assertEqual(answer.options[82], agent)
        self.assertEqual(answer.codes[-1], 82)
        self.assertEqual(discover(b"\x01\x06port18").yiaddr, "10.67.0.100")
        chosen = discover(b"\x05\x04" + socket.inet_aton("10.68.0.0") + b"\x0b\x04" + socket.inet_aton("10.66.0.2"))
        self.assertEqual(chosen.yiaddr, "10.68.0.7")
        self.assertEqual(chosen.options[54], socket.inet_aton("10.66.0.2"))

    def test_a_bootp_client_gets_300_bytes_and_its_address(self):
        self.rig.start()
        self.assertIsNone(self.ask(message("52:54:00:00:0b:01", [])), "no pool allows it")
        answer = self.ask(message("52:54:00:00:01:01", []))
        self.assertEqual((answer.yiaddr, answer.size), ("10.66.0.21", 300))
        self.assertNotIn(53, answer.options)
        self.assertEqual(answer.options[12], b"r1n01")

    def test_pools_that_run_dry_are_told(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets: [{{subnet: 10.66.0.0/24, pools: [10.66.0.100]}}]
            unknown-nodes: ignore
            """})
        server = self.rig.start()
        self.assertIn("ip=10.66.0.100", self.udhcpc())
        self.rig.client_mac("52:54:00:00:09:09")
        self.udhcpc(check=False)
        self.assertRegex(self.rig.api("/metrics"), r"muster_dhcp_links_dry 1\n")
        said = "no address left for 52:54:00:00:09:09 in subnet 10.66.0.0/24"
        self.assertEqual(server.log.count(said), 1)
        events = [event["message"] for event in self.rig.api("/api/v1/events?limit=1000")["events"]
                  if event["event"] == "limit-reached"]
        self.assertEqual(len(events), 1)
        self.assertTrue(events[0].startswith(said) and "shorten 'lease'" in events[0], events)

    def metric(self, name):
        found = re.search(rf"^{re.escape(name)} (\d+)$", self.rig.api("/metrics"), re.M)
        return int(found[1]) if found else None

    def wait_metric(self, name, least, seconds=20):
        end = time.monotonic() + seconds
        while self.metric(name) < least:
            self.assertLess(time.monotonic(), end, f"{name} stays {self.metric(name)}")
            time.sleep(0.1)

    def wait_conflicts(self, count):
        """The events, once there are so many."""
        self.wait_metric("muster_dhcp_conflicts_total", count)
        end = time.monotonic() + 20
        while True:
            events = [event["message"] for event in self.rig.api("/api/v1/events?limit=1000")["events"]
                      if event["event"] == "address-in-use"]
            if len(events) >= count:
                return events
            self.assertLess(time.monotonic(), end, f"events: {events}")
            time.sleep(0.1)

    def test_an_address_that_somebody_has_is_not_offered(self):
        self.rig.client("ip", "addr", "add", "10.66.0.100/24", "dev", "eth0")
        self.rig.client("ip", "addr", "add", "10.66.0.102/24", "dev", "eth0")
        mac = self.rig.client("cat", "/sys/class/net/eth0/address").stdout.strip()
        server = self.rig.start()
        events = self.wait_conflicts(2)
        self.assertEqual(len(events), 2)
        for event, address in zip(sorted(events), ("10.66.0.100", "10.66.0.102")):
            self.assertRegex(event, rf"^{re.escape(address)} is in use in subnet 10\.66\.0\.0/24 on \S+: "
                                    rf"{mac} answers there, so it is offered to nobody for 600 s")
            server.wait_log(event)
            self.assertEqual(server.log.count(event), 1)
        self.rig.client("ip", "addr", "flush", "dev", "eth0", "scope", "global")
        self.assertIn("ip=10.66.0.101 ", self.udhcpc())
        self.rig.client_mac("52:54:00:00:09:09")
        self.assertIn("ip=10.66.0.103 ", self.udhcpc())
        states = {lease["address"]: lease["state"] for lease in self.rig.api("/api/v1/leases")["leases"]}
        self.assertEqual(states, {"10.66.0.100": "declined", "10.66.0.101": "bound",
                                  "10.66.0.102": "declined", "10.66.0.103": "bound"})

    def test_behind_a_relay_it_is_found_by_icmp(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets:
              - {{subnet: 10.66.0.0/24}}
              - {{subnet: 10.67.0.0/24, relay: {{giaddr: 10.66.0.2}}, pools: [10.67.0.100-10.67.0.110]}}
            unknown-nodes: ignore
            """})
        self.rig.client("ip", "addr", "add", "10.66.0.2/24", "dev", "eth0")
        self.rig.client("ip", "addr", "add", "10.67.0.100/32", "dev", "lo")
        self.rig.in_server("ip", "route", "add", "10.67.0.0/24", "via", "10.66.0.2")
        self.rig.start()
        events = self.wait_conflicts(1)
        self.assertEqual(len(events), 1)
        self.assertTrue(events[0].startswith("10.67.0.100 is in use in subnet 10.67.0.0/24: somebody answers"), events)
        discover = message("52:54:00:00:07:07", [(53, b"\1")], giaddr="10.66.0.2")
        self.assertEqual(self.ask(discover, bind=67, to=SERVER).yiaddr, "10.67.0.101")

    def test_the_timeline_says_what_a_boot_waited_for(self):
        """A ROM that collects offers for two seconds, as EDK2 does when none of a proxy comes."""
        self.rig.start()
        pxe = [(93, b"\0\7"), (94, b"\1\3\x10"), (97, bytes(17)), (60, b"PXEClient:Arch:00007:UNDI:003016")]
        offer = self.ask(message("52:54:00:00:01:01", [(53, b"\1"), *pxe]))
        self.assertEqual(offer.yiaddr, "10.66.0.21")
        time.sleep(2)
        ack = self.ask(message("52:54:00:00:01:01", [(53, b"\3"), (54, offer.options[54]),
                                                     (50, socket.inet_aton(offer.yiaddr)), *pxe]))
        self.assertEqual(ack.options[53], b"\5")
        end = time.monotonic() + 20
        while True:  # control hears of it with the ACK
            waited = self.rig.api("/api/v1/nodes/r1n01/timeline")["attempts"][-1]["waited_ms_by_cause"]
            if waited["dhcp_collecting"] > 0:
                break
            self.assertLess(time.monotonic(), end, waited)
            time.sleep(0.1)
        self.assertEqual(set(waited), {"dhcp_collecting", "dhcp_flush", "dhcp_probe", "governor", "tftp_no_answer"})
        self.assertGreaterEqual(waited["dhcp_collecting"], 1_900, "it did wait so long")
        self.assertGreater(waited["dhcp_flush"], 0, "a disk takes some time")
        self.assertEqual(waited["dhcp_probe"], 0)
        shown = self.rig.muster("show", "r1n01").stdout
        self.assertRegex(shown, r"(?m)^ +1 +\d+\.\d{3} +dhcp_collecting$")
        self.assertRegex(shown, r"(?m)^ +1 +0\.0 +offer +PXE ROM, x64 UEFI: 10\.66\.0\.21$")
        self.assertRegex(shown, r"(?m)^ +1 +[2-9]\.\d +ack +PXE ROM, x64 UEFI: 10\.66\.0\.21$")
        self.assertNotIn("Look at this", shown)

    def test_the_flight_recorder_names_a_slow_port_and_a_second_dhcp_server(self):
        """A ROM whose port passed nothing for 31 s, and which takes a stranger's offer; over a restart."""
        server = self.rig.start()
        pxe = [(93, b"\0\7"), (94, b"\1\3\x10"), (97, bytes(17)), (60, b"PXEClient:Arch:00007:UNDI:003016")]
        discover = bytearray(message("52:54:00:00:01:01", [(53, b"\1"), *pxe]))
        discover[8:10] = (31).to_bytes(2, "big")
        offer = self.ask(bytes(discover))
        self.assertEqual(offer.yiaddr, "10.66.0.21")
        self.assertIsNone(self.ask(message("52:54:00:00:01:01", [
            (53, b"\3"), (54, socket.inet_aton("10.66.0.99")), (50, socket.inet_aton("10.66.0.7")), *pxe])))

        def recorder():
            return self.rig.api("/api/v1/nodes/r1n01/timeline")
        end = time.monotonic() + 20
        while len(recorder()["recorder"]) < 3:
            self.assertLess(time.monotonic(), end, recorder())
            time.sleep(0.1)
        told = recorder()
        self.assertEqual([entry["kind"] for entry in told["recorder"]], ["late", "offer", "other-server"])
        self.assertEqual([finding["code"] for finding in told["findings"]], ["late-link", "other-dhcp-server"])
        shown = self.rig.muster("show", "r1n01").stdout
        self.assertIn("10.66.0.99 answers DHCP on this wire", shown)
        time.sleep(6)  # it is kept every five seconds
        server.kill()
        self.rig.start()
        self.assertEqual(recorder()["recorder"], told["recorder"])

    def test_a_flood_from_one_machine_takes_nothing_from_others(self):
        self.rig.start()
        flood = message("52:54:00:00:0f:0f", [(53, b"\1")])
        # Nice, as it shares the machine with the server: what floods a real one has a processor of its own.
        process = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "nice", "-n", "19", sys.executable,
                                    "-c", FLOOD, flood.hex()], stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        self.wait_metric('muster_dhcp_drops_total{reason="over_machine_budget"}', 1000)
        for machine in range(5):
            self.rig.client_mac(f"52:54:00:00:0a:{machine:02x}")
            self.assertIn("lease bound", self.udhcpc())
        self.assertIsNone(process.poll(), "the flood went on")
        offers = self.metric('muster_dhcp_replies_total{type="offer"}')
        self.assertGreater(self.metric('muster_dhcp_requests_total{type="discover"}'), 2 * offers)

    def test_a_proxy_says_what_to_boot_and_gives_no_address(self):
        self.rig.start("--dhcp", "proxy")
        self.assertIn("no lease", self.udhcpc(check=False))
        self.rig.client("ip", "addr", "add", "10.66.0.2/24", "dev", "eth0")
        uuid = (97, bytes(17))

        def rom(arch):
            name = f"PXEClient:Arch:{arch:05d}:UNDI:003000".encode()
            return [(60, name), (93, bytes([0, arch])), uuid, (55, b"\x2b\x3c\x42\x43")]
        bios = self.ask(message("52:54:00:00:01:01", [(53, b"\1"), *rom(0)]))
        self.assertEqual((bios.yiaddr, bios.siaddr, bios.file), ("0.0.0.0", SERVER, "loaders/undionly.kpxe"))
        uefi = self.ask(message("52:54:00:00:01:01", [(53, b"\1"), *rom(7)]))
        self.assertEqual((uefi.options[60], uefi.file, 43 in uefi.options), (b"PXEClient", "", False))
        told = self.ask(message("52:54:00:00:01:01", [(53, b"\3"), *rom(7)], ciaddr="10.66.0.2"), bind=4011, port=4011, to=SERVER)
        self.assertEqual((told.options[53], told.file, told.port), (b"\5", "loaders/shimx64.efi", 4011))
        self.assertEqual(self.rig.node()["address"], "10.66.0.2")

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
        # It may do a few exchanges more than it was told, so there are more machines than that.
        out = self.rig.client("perfdhcp", "-4", "-l", "eth0", "-r", "500", "-R", "3500", "-n", "3000",
                              "-W", "2000000", SERVER, check=False, timeout=120).stdout
        sent = [int(n) for n in re.findall(r"sent packets: (\d+)", out)]
        received = [int(n) for n in re.findall(r"received packets: (\d+)", out)]
        # It repeats nothing, so where the machine is busy some find no room in a socket; no more.
        self.assertGreaterEqual(min(received), 0.9 * 3000, out)
        self.assertEqual(len(sent), 2, out)
        self.assertIn("Malformed packets: 0", out)
        self.assertIn("rejected leases: 0", out)
        self.assertEqual(len(re.findall(r"non unique addresses: 0", out)), 2, out)
        leases = len(self.rig.api("/api/v1/leases?limit=10000")["leases"])
        self.assertTrue(received[1] <= leases <= sent[1], (leases, out))

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
