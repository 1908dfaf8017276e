#!/usr/bin/env python3
"""musterd's TFTP against real clients (tftp-hpa, atftp) and hand-made packets."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER  # noqa: E402

# A reader for one transfer, run in the client's namespace: prints what it got, as one line.
READER = r"""
import socket, struct, sys
server, name, options, out = sys.argv[1], sys.argv[2], sys.argv[3:-1], sys.argv[-1]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(b"\0\1" + b"\0".join(w.encode() for w in [name, "octet", *options]) + b"\0", (server, 69))
blksize, window, block, data, peers = 512, 1, 0, bytearray(), set()
while True:
    packet, peer = s.recvfrom(65536); peers.add(peer[0])
    kind = struct.unpack("!H", packet[:2])[0]
    if kind == 6:
        words = packet[2:].split(b"\0")[:-1]
        oack = {k.decode(): int(v) for k, v in zip(words[::2], words[1::2])}
        blksize, window = oack.get("blksize", 512), oack.get("windowsize", 1)
        print("oack", *sorted(f"{k}={v}" for k, v in oack.items()))
        s.sendto(b"\0\4\0\0", peer); continue
    if kind == 5:
        print("error", struct.unpack("!H", packet[2:4])[0], packet[4:-1].decode()); break
    number = struct.unpack("!H", packet[2:4])[0]
    if number != (block + 1) % 65536: continue
    block += 1; data += packet[4:]
    last = len(packet) - 4 < blksize
    if last or block % window == 0: s.sendto(b"\0\4" + struct.pack("!H", number), peer)
    if last: break
open(out, "wb").write(data); print("bytes", len(data), *peers)
"""


class Tftp(RigTest):
    def setUp(self):
        super().setUp()
        self.big = bytes(range(256)) * 20_000 + b"tail"
        (self.rig.site / "files" / "big.bin").write_bytes(self.big)
        (self.rig.site / "files" / "empty").write_bytes(b"")
        (self.rig.site / "files" / "even").write_bytes(b"e" * 1024)
        self.server = self.rig.start("--workers", "2")
        self.out = self.rig.folder / "got"

    def read(self, name, *options):
        return self.rig.client(sys.executable, "-c", READER, SERVER, name, *options, self.out).stdout

    def test_tftp_hpa(self):
        self.rig.client("tftp", "-m", "binary", SERVER, "-c", "get", "big.bin", self.out)
        self.assertEqual(self.out.read_bytes(), self.big)

    def test_curl(self):
        for options in ([], ["--tftp-blksize", "1468"], ["--tftp-no-options"]):
            self.out.unlink(missing_ok=True)
            self.rig.client("curl", "-sS", *options, "-o", self.out, f"tftp://{SERVER}/big.bin")
            self.assertEqual(self.out.read_bytes(), self.big, options)
        text = self.rig.client("curl", "-sS", "-o", self.out, f"tftp://{SERVER}/missing", check=False)
        self.assertEqual(text.returncode, 68, text.stdout)  # "file not found" and no time-out

    def over_ipv6(self, *flags):
        self.rig.in_server("ip", "addr", "add", "fd79::1/64", "dev", "eth0", "nodad")
        self.rig.client("ip", "addr", "add", "fd79::2/64", "dev", "eth0", "nodad")
        self.server.stop()
        self.rig.start("--workers", "2", *flags)
        script = READER.replace("AF_INET,", "AF_INET6,")
        listing = json.loads(self.rig.in_server("ip", "-j", "-6", "addr", "show", "dev", "eth0").stdout)
        link_local = next(a["local"] for a in listing[0]["addr_info"] if a["scope"] == "link")
        for address in ("fd79::1", link_local + "%eth0"):
            out = self.rig.client(sys.executable, "-c", script, address, "big.bin", "blksize", "1468",
                                  "windowsize", "16", self.out).stdout
            self.assertIn("oack blksize=1448 windowsize=16", out)  # 20 bytes less than over IPv4
            self.assertEqual(out.split()[-1].split("%")[0], address.split("%")[0])
            self.assertEqual(self.out.read_bytes(), self.big, address)

    def test_ipv6(self):
        self.over_ipv6()
        self.rig.client("tftp", "-6", "-m", "binary", "fd79::1", "-c", "get", "big.bin", self.out)
        self.assertEqual(self.out.read_bytes(), self.big)
        self.out.unlink()
        self.rig.client("curl", "-sS", "-o", self.out, "tftp://[fd79::1]/big.bin")
        self.assertEqual(self.out.read_bytes(), self.big)

    def test_ipv6_from_a_single_port(self):
        self.over_ipv6("--tftp-single-port")

    def test_blocks_fit_a_smaller_mtu(self):
        self.server.stop()
        self.rig.in_server("ip", "link", "set", "eth0", "mtu", "1400")
        self.rig.start()
        self.assertIn("oack blksize=1368", self.read("big.bin", "blksize", "1468"))
        self.assertEqual(self.out.read_bytes(), self.big)

    def test_larger_blocks_where_the_site_says_so(self):
        self.server.stop()
        self.rig.start("--tftp-max-blksize", "16384")
        self.assertIn("oack blksize=16384 windowsize=4", self.read("big.bin", "blksize", "16384", "windowsize", "4"))
        self.assertEqual(self.out.read_bytes(), self.big)

    def test_names_in_another_case(self):
        (self.rig.site / "files" / "Windows").mkdir()
        (self.rig.site / "files" / "Windows" / "BCD").write_bytes(b"store")
        self.assertIn("error 1 ", self.read("\\windows\\bcd"))
        self.server.stop()
        self.rig.start("--tftp-ignore-case")
        for name in ("\\windows\\bcd", "WINDOWS/bcd", "Windows\\BCD"):
            self.assertIn("bytes 5", self.read(name), name)
        self.assertIn("error 1 ", self.read("windows/bcd2"))
        self.assertIn("bytes", self.read("loaders\\SHIMX64.EFI", "blksize", "1468"))

    def test_atftp_with_blocks_and_windows(self):
        for options in (["blksize 1468"], ["blksize 1468", "windowsize 16"], ["blksize 512", "windowsize 64"],
                        ["blksize 1428", "tsize", "windowsize 3"]):
            self.out.unlink(missing_ok=True)
            words = [word for option in options for word in ("--option", option)]
            self.rig.client("atftp", *words, "-g", "-r", "big.bin", "-l", self.out, SERVER)
            self.assertEqual(self.out.read_bytes(), self.big, options)

    def test_options_are_granted_as_asked_and_within_the_caps(self):
        self.assertIn("oack blksize=1468 tsize=%d windowsize=4" % len(self.big),
                      self.read("big.bin", "blksize", "1468", "tsize", "0", "windowsize", "4"))
        self.assertEqual(self.out.read_bytes(), self.big)
        self.assertIn("oack blksize=1468 windowsize=64",
                      self.read("big.bin", "blksize", "65464", "windowsize", "500"))
        self.assertIn("oack timeout=5", self.read("big.bin", "timeout", "5"))
        self.assertNotIn("oack", self.read("big.bin"), "none asked, none given")

    def test_the_answer_comes_from_the_address_that_was_asked(self):
        self.assertTrue(self.read("even").strip().endswith(SERVER))

    def test_sizes_that_end_on_a_block(self):
        self.assertIn("bytes 0", self.read("empty"))
        self.assertIn("bytes 1024", self.read("even", "blksize", "512"))
        self.assertIn("bytes 1024", self.read("even", "blksize", "1024"))

    def test_more_blocks_than_sixteen_bits_count(self):
        size = 70_000 * 64 + 7
        (self.rig.site / "files" / "long").write_bytes(b"L" * size)
        self.assertIn(f"bytes {size}", self.read("long", "blksize", "64", "windowsize", "64"))

    def test_errors_name_the_file_and_not_our_folders(self):
        for name, code in {"missing": 1, "/etc/passwd": 1, "../site.yaml": 2, "a/../../site.yaml": 2,
                           "loaders/revocations_sku.efi": 1, "answers/x/install.conf": 1}.items():
            text = self.read(name)
            self.assertIn(f"error {code} ", text, name)
            self.assertNotIn(str(self.rig.folder), text)

    def test_loaders_and_backslashes(self):
        self.assertIn("bytes", self.read("loaders/undionly.kpxe", "blksize", "1432"))
        self.assertIn("bytes", self.read("loaders\\shimx64.efi", "blksize", "1468"))

    def test_netascii(self):
        (self.rig.site / "files" / "text").write_bytes(b"one\ntwo\n" * 500)
        script = READER.replace('"octet"', '"netascii"')
        out = self.rig.client(sys.executable, "-c", script, SERVER, "text", "tsize", "0", self.out).stdout
        self.assertIn("oack tsize=5000", out)
        self.assertEqual(self.out.read_bytes(), b"one\r\ntwo\r\n" * 500)

    def test_writing_is_refused_by_name(self):
        (self.rig.folder / "up").write_bytes(b"x")
        text = self.rig.client("atftp", "-p", "-l", self.rig.folder / "up", "-r", "up.bin", SERVER,
                               check=False).stdout
        self.assertIn("read-only", text)
        self.assertIn("up.bin", text)

    def test_single_port_mode_answers_from_port_69(self):
        self.server.stop()
        self.rig.start("--tftp-single-port", "--workers", "2")
        script = READER.replace("peers.add(peer[0])", "peers.add(str(peer[1]))")
        out = self.rig.client(sys.executable, "-c", script, SERVER, "big.bin", "blksize", "1468",
                              "windowsize", "8", self.out).stdout
        self.assertTrue(out.strip().endswith(" 69"), out)
        self.assertEqual(self.out.read_bytes(), self.big)

    def test_many_clients_at_once(self):
        script = f"""
            for i in $(seq 80); do
                atftp --option "blksize 1468" --option "windowsize 8" -g -r big.bin -l {self.out}.$i {SERVER} &
            done; wait"""
        self.rig.client("sh", "-c", script, timeout=120)
        for number in range(1, 81):
            self.assertEqual(pathlib.Path(f"{self.out}.{number}").read_bytes(), self.big, number)

    def test_what_is_lost_on_the_wire_is_sent_again(self):
        """One packet of fifty, each way, goes missing at the clients. Of atftps that lost an ACK some ignore
        what is repeated, and start their own timer of 5 s anew with each packet, so that a server which
        repeats each second waits for ever. One whose first ACK is lost refuses the OACK that is
        repeated, and ends: it is called again."""
        small = self.big[-200_000:]
        (self.rig.site / "files" / "small.bin").write_bytes(small)
        self.rig.client("nft", "add", "table", "netdev", "loss")
        # Not the output hook: what that drops is an error of the client's own call.
        for hook in ("ingress", "egress"):
            for rule in (f"add chain netdev loss {hook} {{ type filter hook {hook} device eth0 priority 0; }}",
                         f"add rule netdev loss {hook} ip protocol udp numgen random mod 50 == 0 counter drop"):
                self.rig.client("nft", rule)
        script = f"""
            for i in $(seq 40); do
                for try in 1 2 3; do
                    timeout 50 atftp --option "blksize 1468" --option "timeout 1" -g -r small.bin \
                        -l {self.out}.$i {SERVER} && break
                    [ $? != 124 ] || {{ echo stands: $i; break; }}
                done &
            done
            curl -sS --tftp-blksize 1468 -o {self.out}.0 tftp://{SERVER}/small.bin
            wait"""
        self.assertNotIn("stands", self.rig.client("sh", "-c", script, timeout=240).stdout)
        for number in range(41):
            self.assertEqual(pathlib.Path(f"{self.out}.{number}").read_bytes(), small, number)
        self.assertRegex(self.rig.client("nft", "list", "table", "netdev", "loss").stdout, r"packets [1-9]",
                         "nothing was lost, so nothing was shown")


if __name__ == "__main__":
    unittest.main()
