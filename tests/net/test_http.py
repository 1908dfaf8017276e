#!/usr/bin/env python3
"""musterd's HTTP against real clients: curl, and raw bytes from a socket."""
import hashlib
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
