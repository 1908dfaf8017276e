#!/usr/bin/env python3
"""musterd's HTTPS against real clients: curl, wget, aria2c, openssl, and raw bytes from a socket."""
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.certificates import Certificates  # noqa: E402
from tests.support.rig import RigTest, SERVER, run  # noqa: E402

PORT = "443"

# Many requests in one burst on a TLS connection; says how many answers came, and their statuses.
PIPELINE = """
import re, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
s = context.wrap_socket(socket.create_connection((sys.argv[1], 443), 30), server_hostname=sys.argv[1])
count = int(sys.argv[3])
request = b"GET /files/tiny/name HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
s.sendall(request * (count - 1) + request.replace(b"Host", b"Connection: close\\r\\nHost"))
got = b""
while part := s.recv(65536):
    got += part
print(len(re.findall(rb"HTTP/1.1 200 ", got)), got.count(b"the name"))
"""


class HttpsTest(RigTest):
    def setUp(self):
        super().setUp()
        self.tls = self.rig.folder / "tls"
        self.tls.mkdir()
        self.certificates = Certificates(self.tls)
        self.certificates.server("server")
        self.files = self.rig.site / "files"
        self.big = bytes(i * 7 % 251 for i in range(1009)) * 30_000
        (self.files / "big.bin").write_bytes(self.big)
        self.digest = hashlib.sha256(self.big).hexdigest()

    def serve(self, *flags, name="server"):
        return self.rig.start("--https-port", PORT, "--tls-cert", self.tls / f"{name}.pem", "--tls-key",
                              self.tls / f"{name}.key", *flags)

    def curl(self, path, *options, check=True):
        return self.rig.client("curl", "-sS", "--max-time", "60", "--cacert", self.tls / "root.pem", *options,
                               f"https://{SERVER}{path}", check=check)

    def raw(self, data, end="stay", port=PORT):
        return self.rig.raw(data, port, end)

    def counter(self, name, labels=""):
        found = re.search(rf"^{re.escape(name + labels)} (\d+)$", self.rig.api("/metrics"), re.M)
        return int(found[1]) if found else None

    def failures(self, reason):
        return self.counter("muster_tls_handshake_failures_total", f'{{reason="{reason}"}}')

    def wait_failure(self, reason, count, timeout=60):
        end = time.monotonic() + timeout
        while self.failures(reason) < count and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.failures(reason), count, self.rig.api("/metrics"))

    def s_client(self, *options, text=""):
        return subprocess.run(["ip", "netns", "exec", self.rig.client_ns, "openssl", "s_client", "-connect",
                               f"{SERVER}:{PORT}", "-CAfile", str(self.tls / "root.pem"), *map(str, options)],
                              input=text, text=True, capture_output=True, timeout=60).stdout


class Https(HttpsTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--workers", "2")

    def test_a_large_file_by_each_version_and_cipher(self):
        for options in (("--tls-max", "1.2"), ("--tlsv1.3",), ("--tls-max", "1.2", "--ciphers", "AES128-SHA"),
                        ("--tls-max", "1.2", "--ciphers", "AES256-SHA256"),
                        ("--tls-max", "1.2", "--ciphers", "AES128-GCM-SHA256"),
                        ("--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-SHA"),
                        ("--tls-max", "1.2", "--ciphers", "ECDHE-RSA-CHACHA20-POLY1305"),
                        ("--tls13-ciphers", "TLS_AES_256_GCM_SHA384"),
                        ("--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256")):
            target = self.rig.folder / "got"
            self.curl("/files/big.bin", "-o", target, *options)
            self.assertEqual(hashlib.sha256(target.read_bytes()).hexdigest(), self.digest, options)
        self.assertEqual(self.counter("muster_tls_handshakes_total", '{version="1.3"}'), 3)
        self.assertEqual(self.counter("muster_tls_handshakes_total", '{version="1.2"}'), 6)
        self.assertEqual(self.counter("muster_tls_broken_total"), 0)

    def test_wget_and_aria2c(self):
        target = self.rig.folder / "part"
        target.write_bytes(self.big[:12_345_678])
        authority = f"--ca-certificate={self.tls / 'root.pem'}"
        self.rig.client("wget", "-q", "-c", authority, "-O", target, f"https://{SERVER}/files/big.bin")
        self.assertEqual(hashlib.sha256(target.read_bytes()).hexdigest(), self.digest)
        self.rig.client("aria2c", "-q", "-x16", "-s16", "-k1M", authority, "-d", self.rig.folder, "-o", "whole",
                        f"https://{SERVER}/files/big.bin", timeout=120)
        self.assertEqual(hashlib.sha256((self.rig.folder / "whole").read_bytes()).hexdigest(), self.digest)

    def test_ranges_heads_and_conditions_as_over_http(self):
        target = self.rig.folder / "part"
        self.curl("/files/big.bin", "-r", "1000-1009", "-o", target)
        self.assertEqual(target.read_bytes(), self.big[1000:1010])
        self.curl("/files/big.bin", "-r", "0-9,20000000-20200000", "-o", target)
        self.assertIn(b"Content-Range: bytes 20000000-20200000/", target.read_bytes())
        self.assertIn(self.big[20_000_000:20_200_001], target.read_bytes())

        def head(*options):
            text = self.rig.client("curl", "-sS", "-I", *options).stdout.replace("\r", "")
            return [line for line in text.splitlines() if not line.startswith("Date")]
        secure = head("--cacert", self.tls / "root.pem", f"https://{SERVER}/files/big.bin")
        self.assertEqual(secure, head(f"http://{SERVER}/files/big.bin"))
        etag = [line.split(": ")[1] for line in secure if line.startswith("ETag")][0]
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        self.assertEqual(self.curl("/files/big.bin", "-H", f"If-None-Match: {etag}", *code).stdout, "304")
        self.assertEqual(self.curl("/files/missing", *code).stdout, "404")
        self.assertEqual(self.curl("/report/0123/installed", *code).stdout, "403")

    def test_keep_alive_and_pipelining(self):
        urls = [f"https://{SERVER}/files/tiny/linux"] * 20
        out = self.rig.client("curl", "-sS", "--max-time", "60", "--cacert", self.tls / "root.pem", "-w",
                              "%{num_connects} %{size_download}\n",
                              *[word for url in urls for word in ("-o", "/dev/null", url)]).stdout.split("\n")
        self.assertEqual(out[:20], ["1 1000003"] + ["0 1000003"] * 19)
        (self.files / "tiny" / "name").write_text("the name")
        for count in (2, 200, 800):
            out = self.rig.client(sys.executable, "-c", PIPELINE, SERVER, self.tls / "root.pem", count).stdout
            self.assertEqual(out.split(), [str(count), str(count)])

    def test_sixty_connections_at_once(self):
        out = self.rig.client("sh", "-c", f"""
            for i in $(seq 60); do
                curl -sS --max-time 60 --cacert {self.tls}/root.pem https://{SERVER}/files/big.bin | sha256sum &
            done; wait""", timeout=120).stdout.split("\n")
        self.assertEqual({line.split()[0] for line in out if line}, {self.digest})

    def test_sessions_are_resumed_by_ticket_by_cache_and_after_a_reload(self):
        session = self.rig.folder / "session"
        request = f"GET /files/tiny/initrd HTTP/1.1\r\nHost: {SERVER}\r\nConnection: close\r\n\r\n"
        for options in (("-tls1_3",), ("-tls1_2",), ("-tls1_2", "-no_ticket")):
            first = self.s_client(*options, "-quiet", "-sess_out", session, text=request)
            self.assertIn("200 OK", first, options)
            for _ in range(4):  # whichever worker gets it
                self.assertIn("\nReused, TLSv1", self.s_client(*options, "-sess_in", session), options)
        before = self.counter("muster_tls_resumed_total")
        self.assertGreaterEqual(before, 12)
        first = self.s_client("-tls1_3", "-quiet", "-sess_out", session, text=request)
        self.certificates.server("server")
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("certificate and key are read again")
        self.assertIn("\nReused, TLSv1.3", self.s_client("-tls1_3", "-sess_in", session))

    def test_versions_that_are_too_old_are_refused(self):
        out = self.s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        self.assertIn("Cipher is (NONE)", out)
        self.wait_failure("version", 1)

    def test_why_handshakes_fail(self):
        self.assertNotEqual(self.rig.client("curl", "-sS", f"https://{SERVER}/", check=False).returncode, 0)
        self.wait_failure("client_alert", 1)
        self.s_client("-tls1_2", "-cipher", "CAMELLIA128-SHA")
        self.wait_failure("nothing_common", 1)
        answer = self.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertTrue(answer.endswith(b"This port speaks HTTPS, not HTTP.\n"), answer)
        self.wait_failure("plain_http", 1)
        self.raw(b"\0" * 64)
        self.raw(b"\x17" + b"\xff" * 3000)
        self.raw(b"\x80\x2e\x01\x03\x01" + bytes(60))
        self.wait_failure("peer_closed", 0)
        metrics = self.rig.api("/metrics")
        self.assertEqual(self.failures("not_tls") + self.failures("protocol") + self.failures("version"), 3, metrics)
        self.raw(bytes.fromhex("16030100c8010000c40303") + bytes(32), "end")  # the start of a ClientHello
        self.raw(b"", "end")
        self.wait_failure("peer_closed", 2)
        self.curl("/files/tiny/linux", "-o", "/dev/null")

    def test_handshakes_that_do_not_end_time_out_and_hold_nobody_up(self):
        holder = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, sys.executable, "-c", f"""
import socket
held = []
for i in range(2500):
    s = socket.create_connection(({SERVER!r}, {PORT}))
    if i % 2:
        s.sendall(bytes.fromhex("16030100c8010000c40303") + bytes(32))
    held.append(s)
print("held", flush=True)
for s in held:
    try:
        s.settimeout(60)
        while s.recv(100):
            pass
    except ConnectionResetError:
        pass
print("gone", flush=True)
"""], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(holder.stdout.readline(), "held\n")
            self.assertEqual(self.curl("/files/tiny/initrd", "-o", "/dev/null", "-w", "%{http_code}").stdout, "200")
            self.assertEqual(holder.stdout.readline(), "gone\n")
        finally:
            holder.kill()
            holder.wait()
            holder.stdout.close()
        def ended():
            return self.failures("timeout") + self.failures("no_room")

        # A client sees its end before the server, which then waits for the client's, has counted it.
        end = time.monotonic() + 30
        while ended() < 2500 and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(ended(), 2500, self.rig.api("/metrics"))

    def test_a_file_that_is_cut_while_it_is_served_ends_the_connection(self):
        path = self.files / "cut.bin"
        path.write_bytes(bytes(80_000_000))
        client = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--limit-rate", "4M",
                                   "--cacert", str(self.tls / "root.pem"), "-o", str(self.rig.folder / "out"),
                                   f"https://{SERVER}/files/cut.bin"], stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 30
        while not (self.rig.folder / "out").exists() and time.monotonic() < end:
            time.sleep(0.05)
        os.truncate(path, 100)
        _, error = client.communicate(timeout=60)
        self.assertNotEqual(client.returncode, 0, error)
        self.assertEqual(self.counter("muster_io_stream_files_changed_total"), 1)

    def test_ipv6_half_closed_clients_and_reports(self):
        request = f"GET /files/tiny/linux HTTP/1.1\r\nHost: {SERVER}\r\nConnection: close\r\n\r\n"
        # It sends close_notify behind its request and waits for the answer.
        out = self.rig.client(sys.executable, "-c", f"""
import socket, ssl, sys
context = ssl.create_default_context(cafile={str(self.tls / 'root.pem')!r})
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname={SERVER!r})
s = socket.create_connection(({SERVER!r}, 443), 30)
def pump(step):
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            if outgoing.pending:
                s.sendall(outgoing.read())
            got = s.recv(65536)
            if not got:
                return b""
            incoming.write(got)
pump(tls.do_handshake)
tls.write({request.encode()!r})
s.sendall(outgoing.read())
s.shutdown(socket.SHUT_WR)
total = 0
while part := pump(lambda: tls.read(65536)):
    total += len(part)
print(total)
""").stdout
        self.assertGreater(int(out), 1_000_003)

    def test_the_access_log_and_the_metrics_count_plain_bytes(self):
        log = self.rig.folder / "access"
        self.server.stop()
        self.serve("--access-log", log, "--log-format", "json")
        self.curl("/files/tiny/linux", "-o", "/dev/null")
        end = time.monotonic() + 20
        while not (log.exists() and log.read_text()) and time.monotonic() < end:
            time.sleep(0.05)
        line = json.loads(log.read_text().splitlines()[0])
        self.assertEqual((line["path"], line["status"], line["bytes"]), ("/files/tiny/linux", 200, 1_000_003))


class Certificate(HttpsTest):
    def expect_refusal(self, name_of_certificate, name_of_key, *words):
        server = self.rig.start("--https-port", PORT, "--tls-cert", self.tls / name_of_certificate, "--tls-key",
                                self.tls / name_of_key, wait=False)
        self.assertEqual(server.wait(30), 2, server.log)
        for word in words:
            self.assertIn(word, server.log)
        self.assertEqual(len([line for line in server.lines if line.startswith("musterd: --tls-")]), 1, server.log)

    def test_bad_files_at_start_are_named_with_what_is_wrong(self):
        self.expect_refusal("none.pem", "server.key", "--tls-cert", "none.pem: No such file")
        self.expect_refusal("server.pem", "none.key", "--tls-key", "none.key: No such file")
        (self.tls / "empty").write_text("")
        self.expect_refusal("empty", "server.key", "empty: there is no certificate in it")
        self.expect_refusal("server.pem", "empty", "empty: there is no private key in it")
        self.expect_refusal("server.pem", "root.key", "root.key: is not the key of the certificate in ")
        broken = (self.tls / "server.pem").read_text().splitlines()
        broken[3] = "????" + broken[3][4:]
        (self.tls / "broken.pem").write_text("\n".join(broken) + "\n")
        self.expect_refusal("broken.pem", "server.key", "certificate 1 in it is broken")
        run("openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", self.tls / "server.key", "-out",
            self.tls / "locked.key")
        self.expect_refusal("server.pem", "locked.key", "locked.key: the key has a password")
        self.certificates.make("weak", "-days", "2", key=("rsa:1024",))
        self.expect_refusal("weak.pem", "weak.key", "weak.pem: cannot be used: ee key too small")

    def test_flags_that_belong_together(self):
        for flags, word in {("--https-port", "443"): "needs --tls-cert too",
                            ("--https-port", "443", "--tls-cert", "a"): "needs --tls-key too",
                            ("--tls-key", "a"): "has no use without --https-port",
                            ("--https-port", "0"): "--https-port 0: must be a number from 1 to 65535, or off",
                            ("--https-port", "80", "--tls-cert", "a", "--tls-key", "b"): "is --http-port already",
                            }.items():
            server = self.rig.start(*flags, wait=False)
            self.assertEqual(server.wait(30), 2, server.log)
            self.assertIn(word, server.log)

    def test_an_expired_certificate_and_a_chain_out_of_order_are_warnings(self):
        past = "-not_before", "20200101000000Z", "-not_after", "20200201000000Z"
        done = run("openssl", "x509", "-help", check=False).stdout
        if "-not_after" in done:
            self.certificates.server("old", *past)
        else:  # openssl 3.0 has dates only in `ca`
            self.certificates.server("old", days="-1")
        (self.tls / "old.pem").write_text((self.tls / "old.pem").read_text() + (self.tls / "server.pem").read_text())
        server = self.serve(name="old")
        self.assertIn("old.pem: the certificate expired on ", server.log)
        self.assertIn("the chain is out of order", server.log)
        self.assertNotEqual(self.curl("/files/tiny/linux", "-o", "/dev/null", check=False).returncode, 0)
        self.curl("/files/tiny/linux", "-o", "/dev/null", "-k")

    def test_a_chain_and_an_elliptic_curve_key(self):
        self.certificates.server("middle", ca=True)
        curve = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        self.certificates.server("leaf", by="middle", key=curve)
        alone = self.serve(name="leaf")
        self.assertNotEqual(self.curl("/files/tiny/linux", "-o", "/dev/null", check=False).returncode, 0)
        leaf = self.tls / "leaf.pem"
        leaf.write_text(leaf.read_text() + (self.tls / "middle.pem").read_text())
        alone.signal(signal.SIGHUP)
        alone.wait_log("certificate and key are read again")
        for version in ("1.2", "1.3"):
            self.curl("/files/tiny/linux", "-o", "/dev/null", "--tls-max", version)

    def test_a_reload_takes_what_is_good_and_leaves_what_is_not(self):
        server = self.serve()

        def serial():
            text = self.s_client("-showcerts")
            pem = text[text.index("-----BEGIN"):text.index("-----END")]
            return pem
        first = serial()
        good = (self.tls / "server.pem").read_text()
        (self.tls / "server.pem").write_text("nonsense")
        server.signal(signal.SIGHUP)
        line = server.wait_log("the old certificate stays")
        self.assertIn("server.pem: there is no certificate in it", line)
        self.assertEqual(serial(), first)
        (self.tls / "server.pem").write_text(good)
        # A transfer that began with the old certificate goes on.
        client = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--limit-rate", "10M",
                                   "--cacert", str(self.tls / "root.pem"), "-o", str(self.rig.folder / "out"),
                                   f"https://{SERVER}/files/big.bin"], stderr=subprocess.PIPE, text=True)
        self.certificates.server("server")
        server.signal(signal.SIGHUP)
        server.wait_log("certificate and key are read again")
        self.assertNotEqual(serial(), first)
        _, error = client.communicate(timeout=60)
        self.assertEqual(client.returncode, 0, error)
        self.assertEqual(hashlib.sha256((self.rig.folder / "out").read_bytes()).hexdigest(), self.digest)

    def test_https_alone(self):
        self.serve("--http", "off")
        self.curl("/files/tiny/linux", "-o", "/dev/null")
        self.assertNotEqual(self.rig.client("curl", "-sS", f"http://{SERVER}/files/tiny/linux", check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
