#!/usr/bin/env python3
"""musterd's DHCPv6 and router advertisements against real clients: dhclient, dhcpcd, dnsmasq as a relay, rdisc6."""
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER, run  # noqa: E402

SERVER6 = "fd00:66::1"
SITE6 = f"""\
    server: {{address: [{SERVER}, "{SERVER6}"]}}
    subnets:
      - {{subnet: 10.66.0.0/24, pools: [10.66.0.100-10.66.0.250]}}
      - subnet: fd00:66::/64
        pools: [fd00:66::100-fd00:66::1ff]
        dns: ["fd00:66::53"]
        domain: rack.test
        lease: 10m
    unknown-nodes: ignore
    """

# Takes the address that dhclient was given, and says what it was told.
DHCLIENT_SCRIPT = """#!/bin/sh
echo "$reason ip=$new_ip6_address dns=$new_dhcp6_name_servers search=$new_dhcp6_domain_search" \\
     "life=$new_max_life sntp=$new_dhcp6_sntp_servers" >> {log}
[ "$reason" = BOUND6 ] && ip -6 addr replace "$new_ip6_address/128" dev eth0 nodad
exit 0
"""
DHCPCD_SCRIPT = """#!/bin/sh
echo "$reason ip=$new_dhcp6_ia_na1_ia_addr1 dns=$new_dhcp6_name_servers" >> {log}
"""

# Sends a SOLICIT as often as it can, over links that go up and down: FLOOD6 mac-in-hex.
FLOOD6 = r"""
import ipaddress, socket, sys
mac = bytes.fromhex(sys.argv[1])
source = b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
to = ipaddress.IPv6Address("ff02::1:2").packed
solicit = b"\1\0\0\7\0\1\0\x0a\0\3\0\1" + mac + b"\0\3\0\x0c" + bytes(12)
size = len(solicit) + 8
udp = b"\2\x22\2\x23" + size.to_bytes(2, "big")
summed = source + to + size.to_bytes(4, "big") + bytes(3) + b"\x11" + udp + b"\0\0" + solicit
total = sum(int.from_bytes(summed[i:i + 2], "big") for i in range(0, len(summed), 2))
while total > 0xffff: total = (total & 0xffff) + (total >> 16)
frame = (b"\x33\x33\0\1\0\2" + mac + b"\x86\xdd\x60\0\0\0" + size.to_bytes(2, "big") + b"\x11\1" + source + to +
         udp + (0xffff - total).to_bytes(2, "big") + solicit)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0x86dd))
while True:
    try: s.send(frame)
    except OSError: pass
"""


class Dhcp6(RigTest):
    client_address = False

    def setUp(self):
        super().setUp()
        self.rig.write_site(**{"site.yaml": SITE6})
        run("ip", "-n", self.rig.server_ns, "addr", "add", f"{SERVER6}/64", "dev", "eth0", "nodad")
        self.wait_link_local(self.rig.server_ns)
        self.wait_link_local(self.rig.client_ns)
        self.log = self.rig.folder / "client.log"
        self.config = self.rig.folder / "dhclient.conf"
        self.config.write_text("")
        self.script = self.rig.folder / "client.script"

    def wait_link_local(self, ns):
        """The kernel makes the address a moment after the link is up."""
        end = time.monotonic() + 20
        while "fe80" not in run("ip", "-n", ns, "-6", "addr", "show", "dev", "eth0", "-tentative").stdout:
            self.assertLess(time.monotonic(), end, "no link-local address")
            time.sleep(0.05)

    def client_mac(self, mac):
        self.rig.client_mac(mac)
        self.wait_link_local(self.rig.client_ns)

    def dhclient(self, *options, name="a", check=True, seconds=120):
        """One exchange of ISC dhclient, or what it does in that time; what its script was told last."""
        self.script.write_text(DHCLIENT_SCRIPT.format(log=self.log))
        self.script.chmod(0o755)
        self.log.write_text("")
        folder = self.rig.folder
        done = self.rig.client("timeout", str(seconds), "dhclient", "-6", "-1", "-v", "-cf", self.config, "-lf", folder / f"{name}.leases",
                               "-pf", folder / f"{name}.pid", "-sf", self.script, *options, "eth0", check=check)
        return (self.log.read_text().splitlines() or [""])[-1] + "\n" + done.stdout

    def stop_dhclient(self, *options, name="a"):
        """Ends a dhclient with -x, or with -r: it gives its address back first."""
        self.rig.client("dhclient", "-6", "-v", *options, "-cf", "/dev/null", "-lf", self.rig.folder / f"{name}.leases",
                        "-pf", self.rig.folder / f"{name}.pid", "-sf", self.script, "eth0")

    def dhcpcd(self):
        """dhcpcd as a host runs it: it starts DHCPv6 since a router advertisement says so."""
        self.script.write_text(DHCPCD_SCRIPT.format(log=self.log))
        self.script.chmod(0o755)
        self.log.write_text("")
        own = "mount -t tmpfs t /var/lib/dhcpcd && mkdir -p /run/dhcpcd && mount -t tmpfs t /run/dhcpcd && "
        done = self.rig.client("unshare", "--mount", "sh", "-c",
                               f"{own} exec dhcpcd -6 -1 -B -d -t 30 -o dhcp6_name_servers -f /dev/null -c {self.script} eth0", check=False)
        return self.log.read_text() + done.stdout

    def leases(self):
        return [lease for lease in self.rig.api("/api/v1/leases")["leases"] if ":" in lease["address"]]

    def test_a_router_advertisement_sends_machines_to_dhcpv6(self):
        self.rig.start()
        said = self.rig.client("rdisc6", "-1", "eth0").stdout
        self.assertRegex(said, r"Stateful address conf\. +: +Yes")
        self.assertRegex(said, r"Stateful other conf\. +: +Yes")
        self.assertRegex(said, r"Router lifetime +: +0 ")
        self.assertRegex(said, r"Prefix +: fd00:66::/64")
        self.assertRegex(said, r"On-link +: +Yes")
        self.assertRegex(said, r"Autonomous address conf\.: +No")
        routes = run("ip", "-n", self.rig.client_ns, "-6", "route").stdout
        self.assertNotIn("default", routes)

    def test_without_an_ipv6_subnet_it_is_quiet_and_off_is_off(self):
        self.rig.write_site()
        self.rig.start()
        said = self.rig.client("rdisc6", "-1", "eth0").stdout
        self.assertRegex(said, r"Stateful address conf\. +: +No")
        self.assertRegex(said, r"Stateful other conf\. +: +No")
        self.assertNotIn("Prefix", said)

    def test_off_is_off(self):
        self.rig.start("--ra", "off")
        self.assertIn("No response", self.rig.client("rdisc6", "-1", "-r", "1", "eth0", check=False).stdout)

    def test_it_keeps_silent_beside_a_router(self):
        self.rig.start()
        radv = r"""
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8), ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
"""
        self.rig.client(sys.executable, "-c", radv)
        end = time.monotonic() + 10
        while "not_for_us\"} 1" not in self.rig.api("/metrics") and time.monotonic() < end:
            time.sleep(0.1)
        self.assertIn("No response", self.rig.client("rdisc6", "-1", "-r", "1", "eth0", check=False).stdout)
        self.assertRegex(self.rig.api("/metrics"), r'router_advertiser_drops_total{reason="foreign_router"} [1-9]')

    def test_dhclient_gets_an_address_with_all_that_goes_with_it_and_gives_it_back(self):
        self.rig.start()
        told = self.dhclient()
        self.assertIn("BOUND6 ip=fd00:66::100 dns=fd00:66::53 search=rack.test. life=600", told)
        (lease,) = self.leases()
        self.assertEqual((lease["address"], lease["state"]), ("fd00:66::100", "bound"))
        self.stop_dhclient("-r")
        self.assertEqual(self.leases()[0]["state"], "released")

    def test_options_of_the_site_reach_a_client(self):
        self.rig.write_site(**{"site.yaml": SITE6.replace("        domain: rack.test", """\
        options:
          domain-search: [one.test, two.test]
          sntp-servers: ["fd00:66::5"]""")})
        self.rig.start()
        self.config.write_text("also request dhcp6.sntp-servers;\n")
        told = self.dhclient()
        self.assertIn("dns=fd00:66::53 search=one.test. two.test.", told)
        self.assertIn("sntp=fd00:66::5", told)
        self.stop_dhclient("-x")

    def test_pools_that_run_dry_are_told(self):
        self.rig.write_site(**{"site.yaml": SITE6.replace("fd00:66::100-fd00:66::1ff", "fd00:66::100-fd00:66::100")})
        server = self.rig.start()
        self.assertIn("ip=fd00:66::100 ", self.dhclient())
        self.stop_dhclient("-x")
        for attempt in range(2):
            self.client_mac(f"52:54:00:00:09:0{attempt + 8}")
            self.assertNotIn("BOUND6", self.dhclient(name=f"other{attempt}", check=False, seconds=6))
        self.assertRegex(self.rig.api("/metrics"), r"muster_dhcp6_links_dry 1\n")
        said = "no address left for 52:54:00:00:09:08 in subnet fd00:66::/64"
        self.assertEqual(server.log.count("no address left for"), 1)
        events = [event["message"] for event in self.rig.api("/api/v1/events?limit=1000")["events"]
                  if event["event"] == "limit-reached"]
        self.assertEqual(len(events), 1)
        self.assertTrue(events[0].startswith(said) and "shorten 'lease'" in events[0], events)

    def test_a_flood_from_one_machine_takes_nothing_from_others(self):
        self.rig.start()
        # Nice, as it shares the machine with the server: what floods a real one has a processor of its own.
        process = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "nice", "-n", "19", sys.executable,
                                    "-c", FLOOD6, "525400000f0f"], stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        dropped = r'muster_dhcp6_drops_total{reason="over_machine_budget"} ([0-9]+)'
        end = time.monotonic() + 20
        while int(re.search(dropped, self.rig.api("/metrics"))[1]) < 1000:
            self.assertLess(time.monotonic(), end, "the flood is not cut off")
            time.sleep(0.1)
        self.client_mac("52:54:00:00:0a:01")
        self.assertIn("BOUND6", self.dhclient())
        self.stop_dhclient("-x")
        self.assertIsNone(process.poll(), "the flood went on")

    def test_every_program_of_a_machine_gets_the_same_address(self):
        self.rig.start()
        self.assertIn("ip=fd00:66::100 ", self.dhclient("-D", "LLT"))
        self.stop_dhclient("-x")
        self.assertIn("ip=fd00:66::100 ", self.dhclient("-D", "LL", name="b"))
        self.stop_dhclient("-x", name="b")
        told = self.dhcpcd()
        self.assertIn("BOUND6 ip=fd00:66::100 dns=fd00:66::53", told)
        self.assertEqual(len(self.leases()), 1)

    def test_leases_outlive_a_crash(self):
        server = self.rig.start()
        self.assertIn("ip=fd00:66::100 ", self.dhclient())
        self.stop_dhclient("-x")
        server.signal(signal.SIGKILL)
        server.wait()
        self.rig.start()
        self.client_mac("52:54:00:00:09:09")
        self.assertIn("ip=fd00:66::101 ", self.dhclient(name="other"))
        self.stop_dhclient("-x", name="other")
        self.assertEqual(len(self.leases()), 2)

    def test_a_reserved_machine_is_known_by_its_ipv6_address(self):
        self.rig.write_site(**{"site.yaml": SITE6, "nodes.yaml": """\
            - name: r1n01
              mac: [52:54:00:00:01:01]
              profile: tiny
              address: [10.66.0.21, "fd00:66::21"]
            """})
        self.client_mac("52:54:00:00:01:01")
        self.rig.start()
        self.assertIn("ip=fd00:66::21 ", self.dhclient())
        self.assertEqual(self.rig.node()["address6"], "fd00:66::21")
        run("ip", "-n", self.rig.client_ns, "-6", "route", "replace", "fd00:66::/64", "dev", "eth0")
        script = self.rig.client("curl", "-s", "-g", f"http://[{SERVER6}]/boot/ipxe").stdout
        self.assertIn(f"http://[{SERVER6}]/files/tiny/linux", script)
        self.assertIn(f"http://[{SERVER6}]/answers/", script)
        self.stop_dhclient("-x")

    def test_an_interface_without_ipv4_serves_ipv6(self):
        run("ip", "-n", self.rig.server_ns, "-4", "addr", "flush", "dev", "eth0")
        self.rig.write_site(**{"site.yaml": """\
            subnets: [{subnet: fd00:66::/64, pools: [fd00:66::100-fd00:66::1ff]}]
            unknown-nodes: ignore
            """, "nodes.yaml": """\
            - {name: r1n01, mac: ["52:54:00:00:01:01"], profile: tiny, address: "fd00:66::21"}
            """})
        self.client_mac("52:54:00:00:01:01")
        musterd = self.rig.start()
        self.assertIn(f"ready eth0 {SERVER6} dhcp6:547 tftp:69 http:80", musterd.log)
        self.assertIn("eth0 has no IPv4 address: only IPv6 is served there", musterd.log)
        self.assertIn("ip=fd00:66::21 ", self.dhclient())
        run("ip", "-n", self.rig.client_ns, "-6", "route", "replace", "fd00:66::/64", "dev", "eth0")
        script = self.rig.client("curl", "-s", "-g", f"http://[{SERVER6}]/boot/ipxe").stdout
        self.assertIn(f"http://[{SERVER6}]/files/tiny/linux", script)
        self.assertIn(f"http://[{SERVER6}]/", self.rig.muster("render", "r1n01").stdout)
        self.stop_dhclient("-x")

    def test_an_interface_that_no_subnet_can_use_is_refused(self):
        run("ip", "-n", self.rig.server_ns, "-4", "addr", "flush", "dev", "eth0")
        self.rig.write_site()
        refused = self.rig.start(wait=False)
        self.assertNotEqual(refused.wait(), 0)
        self.assertIn("interface eth0 has no IPv4 address, and the site has no IPv6 subnet", refused.log)
        run("ip", "netns", "exec", self.rig.server_ns, "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
        refused = self.rig.start(wait=False)
        self.assertEqual(refused.wait(), 2)
        self.assertIn("--interface eth0: interface eth0 has no IPv4 address, and IPv6 is off there", refused.log)

    def test_tftp_and_http_answer_on_ipv6(self):
        self.rig.start()
        run("ip", "-n", self.rig.client_ns, "addr", "add", "fd00:66::2/64", "dev", "eth0", "nodad")
        whole = self.rig.site / "files" / "tiny" / "linux"
        for scheme in ("http", "tftp"):
            path = "files/tiny/linux" if scheme == "http" else "tiny/linux"
            got = self.rig.folder / f"got-{scheme}"
            self.rig.client("curl", "-s", "-S", "-g", "-o", got, f"{scheme}://[{SERVER6}]/{path}")
            self.assertEqual(got.read_bytes(), whole.read_bytes(), scheme)

    def test_a_client_behind_a_relay(self):
        self.rig.write_site(**{"site.yaml": SITE6.replace("    unknown-nodes", """\
      - {subnet: "fd00:67::/64", pools: [fd00:67::100-fd00:67::1ff]}
    unknown-nodes""")})
        relay = f"{self.rig.id}r"
        run("ip", "netns", "add", relay)
        self.addCleanup(run, "ip", "netns", "del", relay, check=False)
        # client eth0 <-> lower relay upper <-> eth0 server
        run("ip", "-n", self.rig.client_ns, "link", "set", "eth0", "down", "name", "upper")
        run("ip", "-n", self.rig.client_ns, "link", "set", "upper", "netns", relay)
        run("ip", "-n", relay, "link", "add", "lower", "type", "veth", "peer", "name", "eth0", "netns", self.rig.client_ns)
        for ns, name in ((relay, "upper"), (relay, "lower"), (self.rig.client_ns, "eth0")):
            run("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.conf.{name}.accept_dad=0")
            run("ip", "-n", ns, "link", "set", name, "up")
        self.wait_link_local(self.rig.client_ns)
        run("ip", "-n", relay, "addr", "add", "fd00:66::2/64", "dev", "upper", "nodad")
        run("ip", "-n", relay, "addr", "add", "fd00:67::1/64", "dev", "lower", "nodad")
        run("ip", "netns", "exec", relay, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        run("ip", "-n", self.rig.server_ns, "-6", "route", "add", "fd00:67::/64", "via", "fd00:66::2")
        self.rig.start()
        process = subprocess.Popen(["ip", "netns", "exec", relay, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                                    "--port=0", "--user=root", "--pid-file=", f"--dhcp-relay=fd00:67::1,{SERVER6}"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        mac = run("ip", "netns", "exec", self.rig.client_ns, "cat", "/sys/class/net/eth0/address").stdout.strip()
        self.assertIn("BOUND6 ip=fd00:67::100 ", self.dhclient())
        self.assertEqual(self.leases()[0]["mac"], mac)
        self.stop_dhclient("-x")


if __name__ == "__main__":
    unittest.main(verbosity=2)
