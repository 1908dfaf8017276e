#!/usr/bin/env python3
"""musterd's HTTP against real clients: curl, and raw bytes from a socket."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER, run  # noqa: E402


class Http(RigTest):
    def setUp(self):
        super().setUp()
        self.big = bytes(i * 7 % 251 for i in range(1000)) * 9000
        (self.rig.site / "files" / "big.bin").write_bytes(self.big)
        self.server = self.rig.start("--workers", "2")

    def curl(self, path, *options, check=True):
        return self.rig.client("curl", "-sS", "--max-time", "30", *options, f"http://{SERVER}{path}",
                               check=check).stdout

    def test_a_file_arrives_whole(self):
        target = self.rig.folder / "got"
        self.curl("/files/big.bin", "-o", str(target))
        self.assertEqual(hashlib.sha256(target.read_bytes()).digest(), hashlib.sha256(self.big).digest())

    def test_head_says_what_get_says(self):
        def fields(text):
            return {line.split(":")[0]: line for line in text.replace("\r", "").splitlines() if ":" in line
                    and not line.startswith("Date")}
        head = fields(self.curl("/files/big.bin", "-I"))
        get = fields(self.curl("/files/big.bin", "-o", "/dev/null", "-D", "-"))
        self.assertEqual(head, get)
        self.assertEqual(head["Content-Length"], f"Content-Length: {len(self.big)}")
        self.assertIn("ETag", head)
        self.assertIn("Last-Modified", head)

    def test_ranges_and_conditions(self):
        target = self.rig.folder / "part"
        self.curl("/files/big.bin", "-r", "1000-1009", "-o", str(target))
        self.assertEqual(target.read_bytes(), self.big[1000:1010])
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        self.assertEqual(self.curl("/files/big.bin", "-r", "1000-1009", *code), "206")
        self.assertEqual(self.curl("/files/big.bin", "-r", "99999999-", *code), "416")
        etag = [line.split(": ")[1].strip() for line in self.curl("/files/big.bin", "-I").splitlines()
                if line.startswith("ETag")][0]
        self.assertEqual(self.curl("/files/big.bin", "-H", f"If-None-Match: {etag}", *code), "304")

    def test_what_is_not_there_or_not_ours(self):
        code = ["-o", "/dev/null", "-w", "%{http_code}", "--path-as-is"]
        for path, expected in {"/files/missing": "404", "/": "404", "/files/../site.yaml": "403",
                               "/files/%2e%2e/site.yaml": "403", "/files//etc/passwd": "404",
                               "/answers/0123/install.conf": "403", "/report/0123/installed": "403",
                               "/loaders/ipxe.efi": "200", "/loaders/../musterd": "403"}.items():
            self.assertEqual(self.curl(path, *code), expected, path)
        (self.rig.site / "files" / "out").symlink_to("../site.yaml")
        self.assertEqual(self.curl("/files/out", *code), "403")

    def test_many_requests_on_one_connection(self):
        urls = [f"http://{SERVER}/files/tiny/linux"] * 20
        out = self.rig.client("curl", "-sS", "--max-time", "60", "-w", "%{num_connects} %{size_download}\n",
                              *[word for url in urls for word in ("-o", "/dev/null", url)]).stdout.split("\n")
        self.assertEqual(out[0], "1 1000003")
        self.assertTrue(all(line == "0 1000003" for line in out[1:20]), out)

    def test_many_connections_at_once(self):
        out = self.rig.client("sh", "-c", f"""
            for i in $(seq 60); do
                curl -sS --max-time 60 http://{SERVER}/files/big.bin | sha256sum &
            done; wait""", timeout=120).stdout.split("\n")
        digests = {line.split()[0] for line in out if line}
        self.assertEqual(digests, {hashlib.sha256(self.big).hexdigest()})

    def test_a_changed_file_is_served_anew(self):
        path = self.rig.site / "files" / "small"
        path.write_text("one")
        self.assertEqual(self.curl("/files/small"), "one")
        path.write_text("three")
        time.sleep(1.1)
        self.assertEqual(self.curl("/files/small"), "three")


class HttpClients(RigTest):
    """Clients that ask for more than a whole file, as people and installers run them."""

    def setUp(self):
        super().setUp()
        self.files = self.rig.site / "files"
        self.big = bytes(i * 7 % 251 for i in range(1009)) * 30_000
        (self.files / "big.bin").write_bytes(self.big)
        self.digest = hashlib.sha256(self.big).hexdigest()

    def curl(self, path, *options, check=True):
        return self.rig.client("curl", "-sS", "--max-time", "60", *options, f"http://{SERVER}{path}", check=check)

    def raw(self, data, end="stay", server=SERVER):
        """As text, with lines that end in \\n alone."""
        return self.rig.raw(data, 80, end, server).decode("latin-1").replace("\r\n", "\n")

    def test_wget_continues_where_it_stopped(self):
        self.rig.start()
        target = self.rig.folder / "part"
        target.write_bytes(self.big[:12_345_678])
        self.rig.client("wget", "-q", "-c", "-O", target, f"http://{SERVER}/files/big.bin")
        self.assertEqual(hashlib.sha256(target.read_bytes()).hexdigest(), self.digest)
        self.rig.client("wget", "-q", "-c", "-O", target, f"http://{SERVER}/files/big.bin")
        self.assertEqual(target.stat().st_size, len(self.big), "nothing was left to get")

    def test_aria2c_by_sixteen_connections(self):
        self.rig.start("--workers", "2")
        self.rig.client("aria2c", "-q", "-x16", "-s16", "-k1M", "-d", self.rig.folder, "-o", "got",
                        f"http://{SERVER}/files/big.bin", timeout=120)
        self.assertEqual(hashlib.sha256((self.rig.folder / "got").read_bytes()).hexdigest(), self.digest)

    def test_every_call_sends_the_same(self):
        for how in ("sendfile", "splice", "zerocopy", "copy", "auto"):
            server = self.rig.start("--http-send", how)
            out = self.rig.client("sh", "-c", f"""
                for i in 1 2 3 4 5 6; do
                    curl -sS --max-time 60 http://{SERVER}/files/big.bin | sha256sum &
                done; wait""", timeout=120).stdout.split("\n")
            self.assertEqual({line.split()[0] for line in out if line}, {self.digest}, how)
            self.assertEqual(server.stop(), 0)

    def test_several_ranges(self):
        self.rig.start()
        got = self.curl("/files/tiny/linux", "-i", "-r", "0-1,500000-500002,-1").stdout.replace("\r", "")
        head, body = got.split("\n\n", 1)
        self.assertTrue(head.startswith("HTTP/1.1 206 "), head)
        boundary = head.split("boundary=")[1].split("\n")[0]
        parts = [part.split("\n\n", 1) for part in body.split("--" + boundary)[1:-1]]
        self.assertEqual([part[1].strip("\n") for part in parts], ["KK", "KKK", "K"])
        self.assertIn("Content-Range: bytes 500000-500002/1000003", parts[1][0])
        self.assertTrue(body.endswith(f"--{boundary}--\n"))

    def test_odd_ranges_and_conditions(self):
        self.rig.start()
        code = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"]
        etag = [line.split(": ")[1].strip() for line in self.curl("/files/tiny/linux", "-I").stdout.splitlines()
                if line.startswith("ETag")][0]
        for fields, expected in {
            ("Range: bytes=-1",): "206 1", ("Range: bytes=-99999999",): "206 1000003",
            ("Range: bytes=999999-99999999999999999999",): "206 4", ("Range: bytes=1000003-",): "416 42",
            ("Range: bytes=5-1",): "200 1000003", ("Range: lines=1-2",): "200 1000003",
            ("Range: bytes=0-0", f"If-Range: {etag}"): "206 1", ("Range: bytes=0-0", 'If-Range: "x"'): "200 1000003",
            ("Range: bytes=0-0", f"If-Match: {etag}"): "206 1", ("Range: bytes=0-0", 'If-Match: "x"'): "412 47",
            (f'If-None-Match: "x", {etag}',): "304 0", ("If-None-Match: *",): "304 0",
            ("If-Modified-Since: Sat, 06 Nov 2094 08:49:37 GMT",): "304 0",
            # RFC 9110 section 13.2.2: with If-None-Match the date does not count.
            ('If-None-Match: "x"', "If-Modified-Since: Sat, 06 Nov 2094 08:49:37 GMT"): "200 1000003",
            ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT",): "412 47",
        }.items():
            options = [word for field in fields for word in ("-H", field)]
            self.assertEqual(self.curl("/files/tiny/linux", *options, *code).stdout, expected, fields)

    def test_tags_and_dates_outlive_the_server_and_the_machine(self):
        def validators(path):
            head = self.curl(path, "-I").stdout.replace("\r", "").splitlines()
            return sorted(line for line in head if line.startswith(("ETag", "Last-Modified")))
        server = self.rig.start()
        before = validators("/files/big.bin")
        self.assertEqual(len(before), 2)
        self.assertEqual(server.stop(), 0)
        # Another machine with the same file: another inode.
        self.rig.client("cp", "-p", self.files / "big.bin", self.files / "copy.bin")
        self.rig.start()
        self.assertEqual(validators("/files/big.bin"), before)
        self.assertEqual(validators("/files/copy.bin"), before)

    def test_packed_siblings(self):
        text = "a line of text\n" * 1000
        (self.files / "notes.txt").write_text(text)
        self.rig.client("gzip", "-k", self.files / "notes.txt")
        self.rig.start()
        plain = self.curl("/files/notes.txt", "-i").stdout
        self.assertIn("Vary: Accept-Encoding", plain)
        self.assertNotIn("Content-Encoding", plain)
        head = self.curl("/files/notes.txt", "-I", "-H", "Accept-Encoding: gzip").stdout
        self.assertIn("Content-Encoding: gzip", head)
        self.assertIn("Content-Type: text/plain", head)
        self.assertEqual(self.curl("/files/notes.txt", "--compressed").stdout, text)

    def test_a_person_sees_what_is_there_and_a_loader_does_not(self):
        self.rig.start()
        page = self.curl("/files/").stdout
        self.assertIn('<a href="/files/tiny">tiny/</a>', page)
        self.assertIn('<a href="/files/tiny/linux">linux</a>', self.curl("/files/tiny").stdout)
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        for agent in ("iPXE/1.0", "GRUB 2.06", "UefiHttpBoot/1.0"):
            self.assertEqual(self.curl("/files/tiny", "-A", agent, *code).stdout, "404", agent)
        for path in ("/boot", "/boot/", "/loaders", "/loaders/", "/answers/", "/"):
            self.assertNotIn("<a href", self.curl(path).stdout, path)

    def test_half_closed_clients_get_their_answers(self):
        self.rig.start()
        get = b"GET /files/tiny/linux HTTP/1.1\r\nHost: x\r\n\r\n"
        script = b"GET /boot/ipxe?mac=52:54:00:00:01:01 HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertTrue(self.raw(get, "end").endswith("K" * 1000))
        self.assertIn("#!ipxe", self.raw(script, "end"))
        self.assertEqual(self.raw(script + get + script, "end").count("HTTP/1.1 200 OK"), 3)
        self.assertEqual(self.raw(b"", "end"), "")
        self.assertEqual(self.raw(b"GET / HT", "end"), "")

    def test_ipv6(self):
        self.rig.start()
        for ns in (self.rig.server_ns, self.rig.client_ns):
            for _ in range(100):
                if "tentative" not in run("ip", "-n", ns, "-6", "addr", "show", "dev", "eth0").stdout:
                    break
                time.sleep(0.1)
        addresses = self.rig.in_server("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link").stdout
        local = addresses.split("inet6 ")[1].split("/")[0]
        out = self.rig.client("curl", "-sS", "-g", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}",
                              f"http://[{local}%25eth0]/files/tiny/linux").stdout
        self.assertEqual(out, "200")
        # An address that came after the start.
        self.rig.in_server("ip", "-6", "addr", "add", "fd66::1/64", "dev", "eth0", "nodad")
        self.rig.client("ip", "-6", "addr", "add", "fd66::2/64", "dev", "eth0", "nodad")
        out = self.rig.client("curl", "-sS", "-g", "--max-time", "30", "http://[fd66::1]/files/tiny/initrd").stdout
        self.assertEqual(len(out), 300_001)

    def test_the_access_log_names_node_path_status_bytes_and_seconds(self):
        log = self.rig.folder / "access.log"
        run("ip", "-n", self.rig.client_ns, "addr", "add", "10.66.0.21/24", "dev", "eth0")
        server = self.rig.start("--access-log", str(log), "--log-format", "json")
        self.curl("/files/tiny/linux?x=1", "-o", "/dev/null", "-r", "0-9", "-A", "iPXE/1.0")
        self.curl("/files/none", "-o", "/dev/null", "--interface", "10.66.0.21")
        self.assertEqual(server.stop(), 0)
        # Two connections, maybe of two workers, whose lines reach the file in either order.
        lines = sorted((json.loads(line) for line in log.read_text().splitlines()), key=lambda line: line["client"])
        self.assertEqual([(line["client"], line["method"], line["path"], line["status"], line["complete"])
                          for line in lines],
                         [("10.66.0.2", "GET", "/files/tiny/linux?x=1", 206, True),
                          ("10.66.0.21", "GET", "/files/none", 404, True)])
        self.assertEqual(lines[0]["bytes"], 10)
        self.assertEqual(lines[0]["agent"], "iPXE/1.0")
        self.assertGreaterEqual(lines[0]["seconds"], 0)
        log.unlink()
        server = self.rig.start("--access-log", str(log))
        log.rename(self.rig.folder / "rotated")
        server.signal(signal.SIGHUP)
        for _ in range(100):
            if log.exists():
                break
            time.sleep(0.1)
        self.curl("/files/tiny/initrd", "-o", "/dev/null")
        self.assertEqual(server.stop(), 0)
        self.assertRegex(log.read_text(), r'^\S+Z \S+ 10\.66\.0\.2 "GET /files/tiny/initrd" 200 300001 \d+\.\d+ "curl')

    def test_bytes_that_mean_two_things_are_refused_and_counted(self):
        """What request smuggling is made of: a status, the connection's end, and a name."""
        self.rig.start()
        ok = b"GET /files/tiny/linux HTTP/1.1\r\nHost: x\r\n\r\n"
        post = b"POST /report/T/x HTTP/1.1\r\nHost: x\r\n"
        for data, status, name in (
                (post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                 "length_and_chunked"),
                (post + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "repeated_field"),
                (post + b"Content-Length: 3, 3\r\n\r\nabc", 400, "bad_content_length"),
                (post + b"Content-Length: +3\r\n\r\nabc", 400, "bad_content_length"),
                (post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400, "repeated_field"),
                (post + b"Transfer-Encoding: x, chunked\r\n\r\n", 501, "transfer_coding_not_supported"),
                (post + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400, "bad_chunk"),
                (post + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400, "bad_chunk"),
                (post + b"Content-Length : 3\r\n\r\nabc", 400, "bad_field_name"),
                (post + b"X: a\r\n b\r\n\r\n", 400, "folded_field"),
                (post + b"X: a\rb\r\n\r\n", 400, "bad_field_value"),
                (post + b"X: a\0b\r\n\r\n", 400, "bad_field_value"),
                (b"GET / HTTP/1.1\nHost: x\n\n", 400, "bare_line_feed"),
                (b"GET / HTTP/1.1\r\n\r\n", 400, "missing_host"),
                (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "version_not_supported"),
                (b"GET /files/tiny/linux%00.txt HTTP/1.1\r\nHost: x\r\n\r\n", 400, "nul_in_path"),
                (b"GET /files/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_escape"),
                (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "request_line_too_long"),
                (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "field_line_too_long"),
                (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 99 + b"\r\n", 431, "too_many_fields")):
            # What follows must not be taken for a request of its own.
            got = self.raw(data + ok, "end")
            self.assertTrue(got.startswith(f"HTTP/1.1 {status} "), (name, got[:200]))
            self.assertEqual(got.count("Server: muster\n"), 1, (name, got[:400]))
            self.assertIn("\nConnection: close\n", got, name)
            metrics = self.rig.api("/metrics")
            line = [line for line in metrics.splitlines() if f'reason="{name}"' in line and 'role="content"' in line]
            self.assertTrue(line and float(line[0].split()[-1]) >= 1, (name, line))

    def test_nothing_outside_the_tree_by_any_spelling(self):
        (self.rig.site / "secret").write_text("SECRET")
        (self.files / "link").symlink_to("../secret")
        (self.files / "folder").symlink_to("..")
        (self.files / "absolute").symlink_to(self.rig.site / "secret")
        self.rig.start()
        for target in ("/files/../secret", "/files/%2e%2e/secret", "/files/.%2e/secret", "/files/..%2fsecret",
                       "/files/%2e%2e%2fsecret", "/files/tiny/../../secret", "/files//../secret", "/files/link",
                       "/files/folder/secret", "/files/folder/", "/files/absolute", "/files/%252e%252e/secret",
                       "/files/..\\secret", "/files/%c0%ae%c0%ae/secret", "/files/..%00/secret",
                       "/loaders/../secret", "/loaders/%2e%2e/files/link", "//secret", "/secret",
                       "http://x/files/../secret", "/files/" + "a/../" * 20 + "../secret"):
            got = self.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"), "end")
            self.assertRegex(got, r"^HTTP/1\.1 40[034] ", target)
            self.assertNotIn("SECRET", got, target)

    def test_a_file_that_is_cut_or_written_to_while_it_is_served_ends_the_connection(self):
        server = self.rig.start()
        for change in ("cut", "write", "replace"):
            path = self.files / change
            path.write_bytes(b"a" * 60_000_000)
            curl = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--limit-rate", "8M",
                                     "-o", str(self.rig.folder / "got"), f"http://{SERVER}/files/{change}"],
                                    stderr=subprocess.PIPE, text=True)
            got = self.rig.folder / "got"
            for _ in range(200):
                if got.exists() and got.stat().st_size > 0:
                    break
                time.sleep(0.05)
            if change == "cut":
                os.truncate(path, 1000)
            elif change == "write":
                with path.open("r+b") as file:
                    file.write(b"b" * 60_000_000)
            else:
                (self.files / "new").write_bytes(b"b" * 60_000_000)
                (self.files / "new").rename(path)
            _, said = curl.communicate(timeout=60)
            if change == "replace":
                self.assertEqual(curl.returncode, 0, said)
                self.assertEqual(got.read_bytes(), b"a" * 60_000_000)
            else:
                self.assertEqual(curl.returncode, 18, f"{change}: {said}")  # a partial file, and it knows
            got.unlink()
        metrics = self.rig.api("/metrics")
        changed = [line for line in metrics.splitlines() if line.startswith("muster_io_stream_files_changed_total")]
        self.assertGreaterEqual(sum(float(line.split()[-1]) for line in changed), 2, changed)
        self.assertEqual(server.process.poll(), None)

    def test_slow_and_idle_clients_do_not_keep_others_waiting(self):
        self.rig.start("--workers", "1")
        hold = """
import socket, sys, time
idle = [socket.create_connection((sys.argv[1], 80), 20) for _ in range(400)]
for i, s in enumerate(idle):
    s.sendall(b"GET /files/big.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" if i % 2 else b"GET /files")
print("held", flush=True)
sys.stdin.read()
"""
        holder = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, sys.executable, "-c", hold, SERVER],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(holder.stdout.readline(), "held\n")
            self.assertEqual(self.curl("/files/big.bin", "-o", "/dev/null", "-w", "%{size_download}").stdout,
                             str(len(self.big)))
        finally:
            holder.communicate("")
            holder.stdout.close()


if __name__ == "__main__":
    unittest.main()
