#!/usr/bin/env python3
"""musterd's DHCP against the clients that machines really run, one after the other on one machine:
udhcpc, dhclient, dhcpcd and systemd-networkd, each with an identity of its own."""
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER  # noqa: E402
from tests.net.test_dhcp import SCRIPT  # noqa: E402

# What dhclient and dhcpcd call: it takes the address, so that renewals can leave from it.
HOOK = """#!/bin/sh
case "$reason" in
PREINIT) ip link set dev "$interface" up ;;
BOUND|RENEW|REBIND|REBOOT)
    ip addr replace "$new_ip_address/${new_subnet_mask:-24}" dev "$interface"
    echo "$reason ip=$new_ip_address router=$new_routers dns=$new_domain_name_servers" \\
         "domain=$new_domain_name hostname=$new_host_name lease=$new_dhcp_lease_time" \\
         "routes=$new_rfc3442_classless_static_routes$new_classless_static_routes" >>"$MUSTER_OUT" ;;
esac
"""
# `ip netns exec` gives each command mounts of its own: nothing of this is seen outside.
PRIVATE = "mount -t tmpfs none /run && mkdir -p /var/lib/dhcpcd && mount -t tmpfs none /var/lib/dhcpcd && "
NETWORK = """[Match]
Name=eth0
[Network]
DHCP=ipv4
IPv6AcceptRA=no
LinkLocalAddressing=no
[DHCPv4]
ClientIdentifier={identifier}
"""


class DhcpClients(RigTest):
    client_address = False

    def setUp(self):
        super().setUp()
        self.out = self.rig.folder / "hook.out"
        for name, text in (("udhcpc.script", SCRIPT), ("hook", HOOK)):
            (self.rig.folder / name).write_text(text)
            (self.rig.folder / name).chmod(0o755)

    def shell(self, text, **more):
        return self.rig.client("sh", "-c", f"export MUSTER_OUT={self.out}; {text}", **more)

    def bound(self):
        """What the hook was told last."""
        text = self.out.read_text().splitlines() if self.out.exists() else []
        self.out.unlink(missing_ok=True)
        self.assertTrue(text, "the client was given nothing")
        return text[-1]

    def forget_address(self):
        self.rig.client("ip", "addr", "flush", "dev", "eth0", "scope", "global")

    # Each returns the line that says what it was given.

    def udhcpc(self, *options):
        out = self.rig.client("busybox", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "4", "-T", "2",
                              "-s", self.rig.folder / "udhcpc.script", *options).stdout
        return re.search("lease bound .*", out)[0]

    def dhclient(self, config="", leases="dhclient.leases"):
        folder = self.rig.folder
        (folder / "dhclient.conf").write_text("timeout 20;\n" + config)
        self.shell(f"dhclient -4 -1 -v -sf {folder}/hook -e MUSTER_OUT={self.out} -lf {folder}/{leases} "
                   f"-pf {folder}/dhclient.pid -cf {folder}/dhclient.conf eth0; "
                   f"until [ -s {folder}/dhclient.pid ]; do sleep 0.1; done; kill $(cat {folder}/dhclient.pid)")
        (folder / "dhclient.pid").unlink()
        return self.bound()

    def dhcpcd(self, *options):
        self.shell(f"{PRIVATE} dhcpcd -4 -1 -t 20 --noarp -o domain_name -o host_name -o domain_name_servers -f /dev/null -c {self.rig.folder}/hook "
                   f"-e MUSTER_OUT={self.out} {' '.join(options)} eth0")
        return self.bound()

    def networkd(self, identifier="duid"):
        """systemd-networkd until it has a lease; the lease as it keeps it."""
        unit = NETWORK.format(identifier=identifier)
        lease = self.rig.folder / "networkd.lease"
        lease.unlink(missing_ok=True)
        # Without udev it waits for nobody; it knows that by a /sys that cannot be written.
        script = (PRIVATE + "mkdir -p /run/systemd/network /run/systemd/netif && "
                  f"printf '{unit}' >/run/systemd/network/eth0.network && "
                  "chown -R systemd-network /run/systemd/netif && mount -o remount,ro /sys && "
                  "{ /lib/systemd/systemd-networkd & } && "
                  "for i in $(seq 300); do cat /run/systemd/netif/leases/* 2>/dev/null | grep -q ADDRESS && break; sleep 0.1; done; "
                  f"cat /run/systemd/netif/leases/* >{lease}; kill $!; wait")
        done = self.shell(script, check=False)
        self.assertTrue(lease.exists() and "ADDRESS=" in lease.read_text(), done.stdout)
        return "networkd ip=" + re.search("^ADDRESS=(.*)$", lease.read_text(), re.M)[1] + " " + lease.read_text()

    def leases(self):
        return {lease["address"]: lease for lease in self.rig.api("/api/v1/leases")["leases"]}

    @staticmethod
    def address(line):
        return re.search(r"ip=([\d.]+)", line)[1]

    def test_every_client_understands_what_it_is_given(self):
        self.rig.client_mac("52:54:00:00:01:01")
        self.rig.start()
        for client in (self.dhclient, self.dhcpcd):
            line = client()
            self.assertIn(f"ip=10.66.0.21 router={SERVER} dns={SERVER} domain=rack.test hostname=r1n01 lease=",
                          line, client.__name__)
            self.forget_address()
        kept = self.networkd()
        for word in ("ADDRESS=10.66.0.21", f"ROUTER={SERVER}", f"DNS={SERVER}", "DOMAINNAME=rack.test",
                     "HOSTNAME=r1n01", "LIFETIME="):
            self.assertIn(word, kept)

    def test_classless_routes_and_long_options_reach_them(self):
        routes = ", ".join(f'"10.{n}.0.0/16 via 10.66.0.254"' for n in range(100, 145))  # 315 octets
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets: [{{subnet: 10.66.0.0/24, pools: [10.66.0.100-10.66.0.150]}}]
            defaults: {{options: {{classless-routes: [{routes}]}}}}
            unknown-nodes: ignore
            """})
        self.rig.start()
        line = self.dhclient("option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\n"
                             "request subnet-mask, rfc3442-classless-static-routes;\n"
                             "send dhcp-max-message-size 1400;\n")
        numbers = re.search(r"routes=([\d ,]*)", line)[1].replace(",", " ").split()
        self.assertEqual(len(numbers), 45 * 7, "RFC 3396: longer than one option can be")
        self.assertEqual(numbers[:7], ["16", "10", "100", "10", "66", "0", "254"])

    def test_one_machine_has_one_lease_whoever_runs_on_it(self):
        # ROM, iPXE, installer and installed system: seven identities of one link address.
        self.rig.write_site(**{"nodes.yaml": "[{name: r1n09, mac: [52:54:00:00:09:09], profile: tiny}]"})
        self.rig.client_mac("52:54:00:00:09:09")
        self.rig.start()
        asks = [
            ("ROM", lambda: self.udhcpc("-V", "PXEClient:Arch:00000:UNDI:002001", "-x",
                                        "0x61:00" + "11" * 16, "-x", "0x3d:00" + "11" * 16)),
            ("iPXE", lambda: self.udhcpc("-V", "PXEClient:Arch:00007:UNDI:003010", "-x", "0x4d:69505845")),
            ("GRUB", lambda: self.udhcpc("-C", "-V", "grub")),
            ("installer", lambda: self.udhcpc("-V", "d-i", "-x", "hostname:debian")),
            ("dhclient", lambda: self.dhclient("send dhcp-client-identifier ff:12:34:56:78:00:04:aa:bb;\n")),
            ("dhcpcd", lambda: self.dhcpcd("-D")),
            ("networkd", lambda: self.networkd("duid")),
        ]
        first = None
        for name, ask in asks:
            address = self.address(ask())
            first = first or address
            self.assertEqual(address, first, name)
            self.forget_address()
        self.assertEqual(list(self.leases()), [first])

    def packets(self, node, *options):
        """Of a capture: (from, to, source port, destination port, payload) of each packet."""
        path = self.rig.folder / "machine.pcap"
        self.rig.muster("pcap", node, "-o", path, *options)
        data = path.read_bytes()
        self.assertEqual(struct.unpack("<IHH", data[:8]) + struct.unpack("<I", data[20:24]), (0xA1B2C3D4, 2, 4, 101))
        found, at = [], 24
        while at < len(data):
            seconds, _, size, whole = struct.unpack("<IIII", data[at:at + 16])
            self.assertLess(abs(seconds - time.time()), 3600)
            self.assertEqual(size, whole)
            packet = data[at + 16:at + 16 + size]
            at += 16 + size
            self.assertEqual((packet[0], packet[9]), (0x45, 17))
            found.append((socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]),
                          *struct.unpack("!HH", packet[20:24]), packet[28:]))
        return found

    def test_what_a_machine_and_the_server_said_can_be_had_afterwards(self):
        self.rig.write_site(**{"nodes.yaml": """
            - {name: r1n08, mac: [52:54:00:00:08:08], profile: tiny}
            - {name: r1n09, mac: [52:54:00:00:09:09], profile: tiny}"""})
        server = self.rig.start()
        self.rig.client_mac("52:54:00:00:08:08")
        self.udhcpc("-V", "PXEClient:Arch:00000:UNDI:002001")
        self.rig.client_mac("52:54:00:00:09:09")
        address = self.address(self.udhcpc("-V", "PXEClient:Arch:00000:UNDI:002001"))
        self.rig.client("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.rig.client("curl", "-sS", "--tftp-blksize", "1024", "-o", "/dev/null", f"tftp://{SERVER}/tiny/linux")
        packets = self.packets("r1n09")
        dhcp = [payload for _, _, here, there, payload in packets if {here, there} == {67, 68}]
        self.assertEqual([payload[28:34].hex() for payload in dhcp], ["525400000909"] * 4)
        self.assertEqual([payload[payload.index(b"\x35\x01") + 2] for payload in dhcp], [1, 2, 3, 5])
        request, oack, begin = packets[4:]
        self.assertEqual((request[0], request[1], request[3]), (address, SERVER, 69))
        self.assertIn(b"tiny/linux\0octet\0", request[4])
        self.assertEqual((oack[0], oack[1], oack[3], oack[4][:2]), (SERVER, address, request[2], b"\0\6"))
        self.assertEqual((begin[2:4], begin[4]), ((oack[3], oack[2]), b"\0\4\0\0"))
        # Its next boot: what came before is there for who asks for all.
        self.forget_address()
        time.sleep(5)
        self.udhcpc("-V", "PXEClient:Arch:00000:UNDI:002001")
        self.assertEqual(len(self.packets("r1n09")), 4)
        self.assertEqual(len(self.packets("r1n09", "--all")), 11)
        self.assertEqual(self.rig.muster("pcap", "nobody", check=False).returncode, 1)
        server.stop()
        self.rig.start("--packet-log", "off")
        self.assertIn("--packet-log off", self.rig.muster("pcap", "r1n09", check=False).stdout)

    def test_a_pool_of_n_addresses_boots_n_machines(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets: [{{subnet: 10.66.0.0/24, pools: [10.66.0.100-10.66.0.103]}}]
            unknown-nodes: ignore
            """})
        self.rig.start()
        got = {}
        for machine in range(4):
            self.rig.client_mac(f"52:54:00:00:0a:{machine:02x}")
            rom = self.address(self.udhcpc("-V", "d-i", "-x", "0x3d:00" + f"{machine:02x}" * 16))
            system = self.address(self.dhclient(f"send dhcp-client-identifier ff:0:0:0:1:0:2:{machine:x};\n",
                                                leases=f"machine{machine}.leases"))
            self.assertEqual(rom, system)
            got[machine] = rom
            self.forget_address()
        self.assertEqual(len(set(got.values())), 4, got)
        self.assertEqual(set(self.leases()), set(got.values()))

    def test_dhclient_renews_and_releases(self):
        self.rig.write_site(**{"site.yaml": f"""\
            server: {{address: {SERVER}}}
            subnets: [{{subnet: 10.66.0.0/24, pools: [10.66.0.100-10.66.0.150], lease: 30s}}]
            unknown-nodes: ignore
            """})
        self.rig.start()
        folder = self.rig.folder
        # Half of the shortest lease that a site can say is still long to wait for.
        (folder / "dhclient.conf").write_text("timeout 20;\nsupersede dhcp-renewal-time 3;\n")
        flags = (f"-4 -v -sf {folder}/hook -e MUSTER_OUT={self.out} -lf {folder}/renew.leases "
                 f"-pf {folder}/renew.pid -cf {folder}/dhclient.conf eth0")
        process = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "dhclient", "-d", *flags.split()],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.out.exists() and "RENEW" in self.out.read_text():
                break
            time.sleep(0.2)
        lines = self.out.read_text().splitlines()
        self.assertTrue(lines[0].startswith("BOUND") and any(line.startswith("RENEW") for line in lines), lines)
        self.assertEqual(len({self.address(line) for line in lines}), 1)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        self.shell(f"dhclient -r {flags}", check=False)
        address = self.address(lines[0])
        end = time.monotonic() + 20
        while self.leases()[address]["state"] != "released" and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.leases()[address]["state"], "released")


if __name__ == "__main__":
    unittest.main()
