#!/usr/bin/env python3
"""Mirrors: musterd as a cache of a real upstream, in network namespaces; the upstream's log is the
judge of what it was asked."""
import collections
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import textwrap
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import RigTest, SERVER, SITE  # noqa: E402

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
PORT = 8081
MB = 1_000_000


class Mirror(RigTest):
    revalidate = "1s"
    upstream_url = f"http://127.0.0.1:{PORT}"
    extra = ""

    def setUp(self):
        super().setUp()
        self.root, self.cache = self.rig.folder / "upstream", self.rig.folder / "cache"
        self.log, self.moods = self.rig.folder / "upstream.log", self.rig.folder / "moods.json"
        self.root.mkdir()
        self.log.write_text("")
        self.moods.write_text("{}")
        site = textwrap.dedent(SITE["site.yaml"]).rstrip() + f"""
mirrors:
  - path: /debian
    upstream: {self.upstream_url}/debian
    revalidate: {self.revalidate}
{self.extra}"""
        self.rig.write_site(**{"site.yaml": site})
        self.upstream = None
        self.start_upstream()

    def start_upstream(self, *more):
        self.upstream = subprocess.Popen(
            ["ip", "netns", "exec", self.rig.server_ns, sys.executable, str(SUPPORT / "upstream.py"), str(PORT),
             str(self.root), str(self.log), str(self.moods), *map(str, more)], stdout=subprocess.PIPE, text=True)
        process = self.upstream
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close()))
        self.assertEqual(process.stdout.readline(), "ready\n")

    def stop_upstream(self):
        self.upstream.kill()
        self.upstream.wait()

    def start(self, *flags, **kwargs):
        return self.rig.start("--cache", str(self.cache), "--workers", "2", *flags, **kwargs)

    def put(self, name, size, seed=None):
        """A file of the upstream, older than a minute; its bytes."""
        data = random.Random(seed or name).randbytes(size)
        path = self.root / "debian" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000, 1_700_000_000 + len(str(seed))))
        return data

    def set_moods(self, **moods):
        new = self.moods.with_suffix(".new")
        new.write_text(json.dumps(moods))
        new.rename(self.moods)

    def asked(self):
        return [tuple(line.split(" ")) for line in self.log.read_text().splitlines()]

    def curl(self, path, *options, check=True):
        return self.rig.client("curl", "-sS", "--max-time", "60", *options, f"http://{SERVER}{path}", check=check)

    def fetch(self, path, *options):
        target = self.rig.folder / "got"
        target.unlink(missing_ok=True)
        status = self.curl(path, "-o", str(target), "-w", "%{http_code}", *options).stdout
        return int(status), target.read_bytes() if target.exists() else b""

    def head(self, path, *options):
        text = self.curl(path, "-o", str(self.rig.folder / "null"), "-D", "-", *options).stdout.replace("\r", "")
        return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)

    def background(self, path, name, scheme="http"):
        """A slow client's curl; its exit status and bytes come with result()."""
        target = self.rig.folder / name
        return target, subprocess.Popen(
            ["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--max-time", "90", "-o", str(target),
             "-k", "-w", "%{http_code}", f"{scheme}://{SERVER}{path}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)

    def result(self, started):
        target, process = started
        out = process.communicate(timeout=120)[0]
        return process.returncode, out[-3:], target.read_bytes() if target.exists() else b""

    def metric(self, name):
        for line in self.rig.api("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def wait_until(self, true, what):
        for _ in range(600):
            if true():
                return
            time.sleep(0.1)
        raise AssertionError(f"never: {what}")

    def whole_files(self):
        return [path for path in (self.cache / "objects").iterdir()]


class Serving(Mirror):
    def test_the_first_client_fetches_and_the_next_ones_do_not(self):
        data = self.put("pool/a+b~1.deb", 3 * MB)
        self.start()
        self.assertEqual(self.fetch("/debian/pool/a+b~1.deb"), (200, data))
        for spelling in ("/debian/pool/a%2Bb~1.deb", "//debian//pool/./a%2bb%7E1.deb"):
            self.assertEqual(self.fetch(spelling, "--path-as-is"), (200, data))
        self.assertEqual(self.asked(), [("GET", "/debian/pool/a+b~1.deb", "200", "-", "-")])
        status, part = self.fetch("/debian/pool/a+b~1.deb", "-r", "1000000-1000009")
        self.assertEqual((status, part), (206, data[1000000:1000010]))
        head = self.head("/debian/pool/a+b~1.deb", "-I")
        self.assertEqual(head["Content-Length"], str(len(data)))
        self.assertEqual(head["Last-Modified"], "Tue, 14 Nov 2023 22:13:24 GMT")
        self.assertIn("Age", head)
        etag = head["ETag"]
        self.assertEqual(self.fetch("/debian/pool/a+b~1.deb", "-H", f"If-None-Match: {etag}")[0], 304)
        self.assertEqual(len(self.asked()), 1)
        self.assertEqual(self.metric('muster_mirror_requests_total{result="fetched"}'), 1)

    def test_names_and_queries_arrive_exactly(self):
        names = ["pool/a b.deb", "pool/a%3ab.deb", "pool/ä.deb", "pool/a?b.deb", "pool/a#b.deb"]
        for name in names:
            self.put(name, 1000)
        self.start()
        for escaped, name in (("a%20b", names[0]), ("a%253ab", names[1]), ("%c3%a4", names[2]), ("a%3fb", names[3]),
                              ("a%23b", names[4])):
            self.assertEqual(self.fetch(f"/debian/pool/{escaped}.deb"), (200, self.put(name, 1000)), name)
        self.fetch("/debian/pool/a%20b.deb?x=%2F&y")
        self.assertEqual([line[1] for line in self.asked()],
                         ["/debian/pool/a%20b.deb", "/debian/pool/a%253ab.deb", "/debian/pool/%C3%A4.deb",
                          "/debian/pool/a%3Fb.deb", "/debian/pool/a%23b.deb", "/debian/pool/a%20b.deb?x=%2F&y"])

    def test_only_the_sites_upstreams_can_be_reached(self):
        self.put("pool/a.deb", 10)
        (self.root / "secret").write_text("x")
        self.start()
        for path, expected in {"/debian/../secret": 403, "/debian/%2e%2e/secret": 403, "/debian/..%2fsecret": 403,
                               "/debian/pool%2fa.deb": 403, "/debian/a%0d%0aX:y": 403, "/debian/a%00": 400,
                               "/secret": 404, "/debianx": 404, "/debian/missing": 404}.items():
            self.assertEqual(self.fetch(path, "--path-as-is")[0], expected, path)
        # As a proxy: its host does not count.
        proxied = self.rig.client("curl", "-sS", "-x", f"http://{SERVER}:80", "-o", "/dev/null", "-w", "%{http_code}",
                                  f"http://127.0.0.1:{PORT}/secret").stdout
        self.assertEqual(proxied, "404")
        self.assertEqual([line[1] for line in self.asked()], ["/debian/missing"])

    def test_five_hundred_clients_make_one_request_a_package(self):
        expected = {}
        for i in range(200):
            data = self.put(f"pool/p{i}.deb", 500 + 37 * i)
            expected[f"/debian/pool/p{i}.deb"] = [len(data), hashlib.sha256(data).hexdigest()]
        wanted = self.rig.folder / "expected.json"
        wanted.write_text(json.dumps(expected))
        self.set_moods(**{"*": {"rate": 200_000}})
        self.start()
        out = self.rig.client("prlimit", "--nofile=4096", sys.executable, SUPPORT / "many_clients.py", SERVER, "500",
                              wanted, timeout=600).stdout
        self.assertEqual(json.loads(out), {"good": 100_000, "bad": []})
        counts = collections.Counter(line[1] for line in self.asked())
        self.assertEqual(set(counts), set(expected))
        self.assertEqual(set(counts.values()), {1})

    def test_what_arrives_is_streamed_to_all_who_ask_meanwhile(self):
        data = self.put("pool/big.deb", 4 * MB)
        self.set_moods(**{"*": {"hold": 500_000}})
        self.start()
        first = self.background("/debian/pool/big.deb", "first")
        self.wait_until(lambda: (self.rig.folder / "first").exists() and
                        (self.rig.folder / "first").stat().st_size >= 450_000, "the first bytes")
        head = self.head("/debian/pool/big.deb", "-I")
        self.assertEqual(head["Content-Length"], str(len(data)))
        self.assertEqual(self.fetch("/debian/pool/big.deb", "-r", "1000-1999"), (206, data[1000:2000]))
        others = [self.background("/debian/pool/big.deb", f"other{i}") for i in range(8)]
        self.wait_until(lambda: all((self.rig.folder / f"other{i}").exists() and
                                    (self.rig.folder / f"other{i}").stat().st_size >= 450_000 for i in range(8)),
                        "all others have as much")
        self.set_moods()
        self.assertEqual(self.fetch("/debian/pool/big.deb", "-r", "-1000"), (206, data[-1000:]))
        for started in [first, *others]:
            self.assertEqual(self.result(started), (0, "200", data))
        self.assertEqual(len(self.asked()), 1)

    def test_upstreams_without_a_length(self):
        self.start()
        for framing in ("chunked", "close"):
            data = self.put(f"pool/{framing}.deb", 2 * MB)
            self.set_moods(**{"*": {"framing": framing}})
            started = [self.background(f"/debian/pool/{framing}.deb", f"{framing}{i}") for i in range(4)]
            for one in started:
                self.assertEqual(self.result(one), (0, "200", data))
        self.assertEqual(len(self.asked()), 2)
        self.assertIn(b'<a href="chunked.deb">', self.fetch("/debian/pool/")[1])

    def test_indexes_are_revalidated_and_packages_are_not(self):
        self.put("dists/x/InRelease", 1000)
        self.put("pool/a.deb", 1000)
        self.start()
        for _ in range(2):
            self.fetch("/debian/dists/x/InRelease")
            self.fetch("/debian/pool/a.deb")
            time.sleep(1.1)
        new = self.put("dists/x/InRelease", 1001, seed="new")
        self.assertEqual(self.fetch("/debian/dists/x/InRelease"), (200, new))
        self.assertEqual([line[1:3] + line[4:] for line in self.asked()],
                         [("/debian/dists/x/InRelease", "200", "-"), ("/debian/pool/a.deb", "200", "-"),
                          ("/debian/dists/x/InRelease", "304", "conditional"),
                          ("/debian/dists/x/InRelease", "200", "conditional")])

    def test_redirects_are_followed_within_limits(self):
        data = self.put("pool/real.deb", 5000)
        url = f"http://127.0.0.1:{PORT}/debian/pool/"
        self.set_moods(**{"/debian/pool/a.deb": {"location": url + "real.deb"},
                          "/debian/pool/loop.deb": {"location": url + "loop.deb"},
                          "/debian/pool/file.deb": {"location": "file:///etc/passwd"}})
        self.start()
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, data))
        for path in ("loop", "file"):
            status, text = self.fetch(f"/debian/pool/{path}.deb")
            self.assertEqual(status, 502)
            self.assertIn(b"upstream", text)

    def test_a_site_read_again_has_other_mirrors(self):
        data = self.put("pool/a.deb", 1000)
        server = self.start()
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, data))
        text = (self.rig.site / "site.yaml").read_text()
        (self.rig.site / "site.yaml").write_text(text.replace("path: /debian", "path: /other"))
        server.signal(signal.SIGHUP)
        self.wait_until(lambda: self.fetch("/other/pool/a.deb")[0] == 200, "the new path")
        self.assertEqual(self.fetch("/debian/pool/a.deb")[0], 404)
        self.assertEqual(len(self.asked()), 1, "the same upstream, so the same file")


class Trouble(Mirror):
    def test_errors_pass_or_are_told(self):
        data = self.put("pool/a.deb", 1000)
        self.set_moods(**{"/debian/pool/a.deb": {"status": 503, "times": 2}, "/debian/b": {"status": 500},
                          "/debian/c": {"status": 403}, "/debian/d": {"status": 400}})
        self.start()
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, data))
        self.assertEqual(len(self.asked()), 3)
        self.assertEqual(self.fetch("/debian/c")[0], 403)
        self.assertEqual(self.fetch("/debian/d")[0], 502)
        status, text = self.fetch("/debian/b")
        self.assertEqual((status, text), (502, b"the mirror's upstream cannot be reached or gave nothing usable\n"))

    def test_not_found_is_remembered_for_a_moment(self):
        self.start()
        for _ in range(5):
            self.assertEqual(self.fetch("/debian/none")[0], 404)
        self.assertEqual(len(self.asked()), 1)

    def test_a_broken_transfer_is_continued_and_nobody_notices(self):
        data = self.put("pool/a.deb", 2 * MB)
        self.set_moods(**{"/debian/pool/a.deb": {"cut": 700_000, "times": 1}})
        self.start()
        started = [self.background("/debian/pool/a.deb", f"a{i}") for i in range(5)]
        for one in started:
            self.assertEqual(self.result(one), (0, "200", data))
        self.assertEqual([line[2:4] for line in self.asked()], [("200", "-"), ("206", "bytes=700000-")])

    def test_an_upstream_without_ranges_is_continued_by_leaving_out(self):
        data = self.put("pool/a.deb", 2 * MB)
        self.set_moods(**{"*": {"cut": 700_000, "times": 1, "then": {"ranges": False}}})
        self.start()
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, data))
        self.assertEqual([line[2:4] for line in self.asked()], [("200", "-"), ("200", "bytes=700000-")])

    def test_killed_in_the_middle_waiting_clients_complete_after_the_retry(self):
        data = self.put("pool/big.deb", 3 * MB)
        self.set_moods(**{"*": {"hold": 600_000}})
        self.start()
        started = [self.background("/debian/pool/big.deb", f"big{i}") for i in range(5)]
        self.wait_until(lambda: self.metric("muster_mirror_upstream_bytes_total") > 500_000, "some bytes")
        self.stop_upstream()
        self.set_moods()
        self.start_upstream()
        for one in started:
            self.assertEqual(self.result(one), (0, "200", data))
        self.assertEqual([line[2] for line in self.asked()], ["200", "206"])

    def test_killed_for_good_clients_get_a_clean_end_and_the_cache_stays_right(self):
        data = self.put("pool/big.deb", 3 * MB)
        self.set_moods(**{"*": {"hold": 600_000}})
        self.start()
        early = [self.background("/debian/pool/big.deb", f"big{i}") for i in range(3)]
        self.wait_until(lambda: self.metric("muster_mirror_upstream_bytes_total") > 500_000, "some bytes")
        self.stop_upstream()
        late = self.background("/debian/pool/other.deb", "other")
        for one in early:
            code, _, got = self.result(one)
            self.assertEqual(code, 18, "curl: the connection closed short of its length")
            self.assertTrue(0 < len(got) < len(data) and data.startswith(got))
        code, status, _ = self.result(late)
        self.assertEqual((code, status), (0, "502"))
        self.assertEqual(self.whole_files(), [])
        self.set_moods()
        self.start_upstream()
        self.wait_until(lambda: self.fetch("/debian/pool/big.deb") == (200, data), "all of it")
        self.assertEqual(self.asked()[-1][2], "206", "only the rest was asked for")

    def test_without_a_validator_a_broken_file_is_never_pieced_together(self):
        data = self.put("pool/a.deb", 2 * MB)
        self.set_moods(**{"*": {"validators": "none", "cut": 700_000, "times": 1}})
        self.start()
        code, _, got = self.result(self.background("/debian/pool/a.deb", "a"))
        self.assertEqual((code, got), (18, data[:700_000]))
        self.assertEqual(self.whole_files(), [])
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, data))
        self.assertEqual([line[2:4] for line in self.asked()], [("200", "-"), ("200", "-")])

    def test_a_version_that_changes_between_attempts_is_not_mixed(self):
        old = self.put("pool/a.deb", 2 * MB)
        self.set_moods(**{"*": {"hold": 700_000, "cut": 700_000}})
        self.start()
        started = self.background("/debian/pool/a.deb", "a")
        self.wait_until(lambda: self.metric("muster_mirror_upstream_bytes_total") == 700_000, "the first bytes")
        new = self.put("pool/a.deb", 2 * MB, seed="new")
        self.set_moods()
        code, _, got = self.result(started)
        self.assertEqual(code, 18, "curl: the connection closed short of its length")
        self.assertEqual(got, old[:700_000])
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, new))

    def test_without_its_upstream_the_cache_still_serves(self):
        package, index = self.put("pool/a.deb", 1000), self.put("dists/x/InRelease", 1000)
        server = self.start()
        self.fetch("/debian/pool/a.deb")
        self.fetch("/debian/dists/x/InRelease")
        self.stop_upstream()
        time.sleep(1.1)
        self.assertEqual(self.fetch("/debian/pool/a.deb"), (200, package))
        self.assertEqual(self.fetch("/debian/dists/x/InRelease"), (200, index))
        head = self.head("/debian/dists/x/InRelease")
        self.assertEqual(head["Warning"], '110 muster "Response is Stale"')
        self.assertGreaterEqual(int(head["Age"]), 1)
        self.assertNotIn("Warning", self.head("/debian/pool/a.deb"))
        server.wait_log("InRelease: given up:")
        self.assertEqual(self.metric('muster_mirror_requests_total{result="stale"}'), 2)
        self.assertEqual(self.fetch("/debian/pool/b.deb")[0], 502)


class Keeping(Mirror):
    def test_kill_9_in_the_middle_and_the_next_run_continues(self):
        data, small = self.put("pool/big.deb", 3 * MB), self.put("pool/small.deb", 5000)
        self.set_moods(**{"/debian/pool/big.deb": {"hold": 600_000}})
        server = self.start()
        self.assertEqual(self.fetch("/debian/pool/small.deb"), (200, small))
        self.wait_until(lambda: len(self.whole_files()) == 1, "the small file is kept")
        client = self.background("/debian/pool/big.deb", "big")
        self.wait_until(lambda: self.metric("muster_mirror_upstream_bytes_total") > 500_000, "some bytes")
        server.kill()
        self.assertNotEqual(self.result(client)[0], 0)
        self.set_moods()
        self.start()
        self.assertEqual(self.fetch("/debian/pool/small.deb"), (200, small))
        self.assertEqual(self.fetch("/debian/pool/big.deb"), (200, data))
        status, wanted = self.asked()[-1][2:4]
        self.assertEqual(status, "206")
        self.assertGreater(int(wanted[len("bytes="):-1]), 400_000)
        self.assertEqual(len(self.asked()), 3)

    def test_a_stop_keeps_what_had_arrived(self):
        data = self.put("pool/big.deb", 3 * MB)
        self.set_moods(**{"*": {"hold": 600_000}})
        server = self.start()
        client = self.background("/debian/pool/big.deb", "big")
        self.wait_until(lambda: self.metric("muster_mirror_upstream_bytes_total") > 500_000, "some bytes")
        self.assertEqual(server.stop(), 0)
        self.result(client)
        self.set_moods()
        self.start()
        self.assertEqual(self.fetch("/debian/pool/big.deb"), (200, data))
        self.assertEqual([line[2] for line in self.asked()], ["200", "206"])

    def test_a_file_that_is_cut_or_foreign_is_thrown_away(self):
        bodies = {name: self.put(f"pool/{name}.deb", 20_000) for name in "abc"}
        server = self.start()
        for name, data in bodies.items():
            self.assertEqual(self.fetch(f"/debian/pool/{name}.deb"), (200, data))
        self.wait_until(lambda: len(self.whole_files()) == 3, "all are kept")
        self.assertEqual(server.stop(), 0)
        cut, longer, _ = sorted(self.whole_files())
        os.truncate(cut, 12_345)
        with open(longer, "ab") as file:
            file.write(b"more")
        (self.cache / "objects" / "00000000000000ff").write_bytes(b"not ours")
        (self.cache / "objects" / "notes.txt").write_text("not ours")
        (self.cache / "partial" / "00000000000000fe").write_bytes(b"of nothing")
        self.start()
        for name, data in bodies.items():
            self.assertEqual(self.fetch(f"/debian/pool/{name}.deb"), (200, data))
        self.assertEqual(len(self.asked()), 5, "the two that were touched came again")
        self.assertEqual(self.metric("muster_mirror_unreliable_total"), 5)
        self.wait_until(lambda: len(self.whole_files()) == 3, "nothing else is there")

    def test_a_folder_of_somebody_elses_is_left_alone(self):
        self.cache.mkdir()
        (self.cache / "thesis.tex").write_text("years of work")
        server = self.start(wait=False)
        self.assertEqual(server.wait(), 1)
        self.assertIn("holds something other than a cache", server.log)
        self.assertEqual([path.name for path in self.cache.iterdir()], ["thesis.tex"])

    def test_the_bound_holds_and_the_least_used_goes(self):
        self.start("--cache-size", "1MiB")
        for i in range(30):
            data = self.put(f"pool/p{i}.deb", 100_000)
            self.assertEqual(self.fetch(f"/debian/pool/p{i}.deb"), (200, data))
            self.assertEqual(self.fetch("/debian/pool/p0.deb")[0], 200)
        counts = collections.Counter(line[1] for line in self.asked())
        self.assertEqual(set(counts.values()), {1}, "what is used stays")
        self.assertLessEqual(self.metric("muster_mirror_cache_bytes"), 1 << 20)
        self.wait_until(lambda: sum(path.stat().st_blocks * 512 for path in self.whole_files()) <= 1 << 20,
                        "the files on disk are within the bound")
        big = self.put("pool/big.deb", 3 * MB)
        self.assertEqual(self.fetch("/debian/pool/big.deb"), (200, big))
        self.assertEqual(self.fetch("/debian/pool/p0.deb")[0], 200)
        self.assertEqual(collections.Counter(line[1] for line in self.asked())["/debian/pool/p0.deb"], 1)

    def test_what_is_being_read_may_go_and_is_read_to_its_end(self):
        data = self.put("pool/slow.deb", 900_000)
        self.start("--cache-size", "1MiB")
        self.fetch("/debian/pool/slow.deb")
        slow = self.rig.folder / "slow"
        client = subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sS", "--limit-rate", "200K",
                                   "-o", str(slow), f"http://{SERVER}/debian/pool/slow.deb"])
        self.wait_until(lambda: slow.exists() and slow.stat().st_size > 0, "the slow client reads")
        other = self.put("pool/other.deb", 900_000)
        self.assertEqual(self.fetch("/debian/pool/other.deb"), (200, other))
        self.assertGreaterEqual(self.metric("muster_mirror_evicted_total"), 1)
        self.assertEqual(client.wait(60), 0)
        self.assertEqual(slow.read_bytes(), data)


class Apt(Mirror):
    def make_repository(self):
        for name in ("muster-hello", "muster-world"):
            build = self.rig.folder / "build" / name
            (build / "DEBIAN").mkdir(parents=True)
            (build / "usr/share" / name).mkdir(parents=True)
            (build / "usr/share" / name / "data").write_bytes(random.Random(name).randbytes(300_000))
            (build / "DEBIAN/control").write_text(
                f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
                + ("Depends: muster-world\n" if name == "muster-hello" else "") + "Description: a package\n")
            pool = self.root / "debian/pool"
            pool.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(build), str(pool)], check=True,
                           stdout=subprocess.DEVNULL)
        binary = self.root / "debian/dists/x/main/binary-amd64"
        binary.mkdir(parents=True)
        index = subprocess.run(["dpkg-scanpackages", "-m", "pool"], cwd=self.root / "debian", check=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        (binary / "Packages").write_bytes(index)
        release = self.root / "debian/dists/x/Release"
        release.write_text(
            "Suite: x\nCodename: x\nArchitectures: amd64\nComponents: main\n"
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime())}\n"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages\n")
        home = self.rig.folder / "gpg"
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.addCleanup(subprocess.run, ["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        subprocess.run([*gpg, "--quick-generate-key", "test@example.org", "ed25519"], **quiet)
        subprocess.run([*gpg, "--export", "-o", str(self.rig.folder / "key.gpg")], **quiet)
        subprocess.run([*gpg, "--clearsign", "-o", str(release.with_name("InRelease")), str(release)], **quiet)

    def apt(self, *words):
        folder = self.rig.folder / "apt"
        for name in ("lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "out",
                     "etc/sources.list.d", "etc/trusted.gpg.d", "dpkg"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "dpkg/status").touch()
        (folder / "etc/sources.list").write_text(
            f"deb [arch=amd64 signed-by={self.rig.folder}/key.gpg] http://{SERVER}/debian x main\n")
        config = folder / "apt.conf"
        config.write_text(f"""\
            Dir::State::lists "{folder}/lists"; Dir::State::status "{folder}/dpkg/status"; Dir::State "{folder}";
            Dir::Cache "{folder}/cache"; Dir::Etc "{folder}/etc"; Dir::Log "{folder}";
            APT::Architecture "amd64"; APT::Architectures {{"amd64";}}; APT::Sandbox::User "root"; Acquire::http::Proxy "DIRECT";
            Acquire::Languages "none"; APT::Update::Post-Invoke ""; APT::Update::Post-Invoke-Success "";
            """)
        env = {**os.environ, "APT_CONFIG": str(config)}
        env.pop("http_proxy", None)
        return self.rig.client("apt-get", "-q", "-y", *words, env=env, cwd=folder / "out", timeout=180).stdout

    def test_apt_gets_through_it_also_without_the_upstream(self):
        self.make_repository()
        self.start()
        self.apt("update")
        self.apt("install", "--download-only", "-o", "APT::Install-Recommends=0", "muster-hello")
        archives = self.rig.folder / "apt/cache/archives"
        self.assertEqual({path.name for path in archives.glob("*.deb")},
                         {"muster-hello_1.0_all.deb", "muster-world_1.0_all.deb"})
        packages = [line for line in self.asked() if line[1].endswith(".deb")]
        self.assertEqual(len(packages), 2)
        self.stop_upstream()
        time.sleep(1.1)
        for path in archives.glob("*.deb"):
            path.unlink()
        out = self.apt("update")
        self.assertNotIn("Failed to fetch", out)
        self.apt("download", "muster-hello", "muster-world")
        for name in ("muster-hello", "muster-world"):
            got = (self.rig.folder / f"apt/out/{name}_1.0_all.deb").read_bytes()
            self.assertEqual(got, (self.root / f"debian/pool/{name}_1.0_all.deb").read_bytes())
        installed = self.rig.folder / "installed"
        self.rig.client("dpkg-deb", "-x", self.rig.folder / "apt/out/muster-hello_1.0_all.deb", installed)
        self.assertEqual((installed / "usr/share/muster-hello/data").stat().st_size, 300_000)


class Https(Mirror):
    upstream_url = f"https://localhost:{PORT}"

    def setUp(self):
        self.extra = "    ca: CA\n"
        super().setUp()

    def start_upstream(self, *more):
        for name in ("good", "other"):
            self.rig.client("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                            self.rig.folder / f"{name}.key", "-out", self.rig.folder / f"{name}.pem")
        super().start_upstream(self.rig.folder / "good.pem", self.rig.folder / "good.key")

    def use_ca(self, name):
        path = self.rig.site / "site.yaml"
        text = path.read_text()
        at = text.index("ca: ")
        path.write_text(text[:at] + f"ca: {self.rig.folder / name}.pem\n")

    def test_an_upstream_of_https_is_trusted_by_its_ca_alone(self):
        data = self.put("pool/a.deb", 200_000)
        self.use_ca("other")
        server = self.start()
        self.assertEqual(self.fetch("/debian/pool/a.deb")[0], 502)
        server.wait_log("certificate")
        self.assertEqual(self.asked(), [])
        self.use_ca("good")
        server.signal(signal.SIGHUP)
        self.wait_until(lambda: self.fetch("/debian/pool/a.deb") == (200, data), "the good one")

    def test_what_arrives_is_streamed_to_clients_of_https(self):
        data = self.put("pool/big.deb", 4 * MB)
        self.use_ca("good")
        self.set_moods(**{"*": {"hold": 500_000}})
        self.start("--https-port", "443", "--tls-cert", str(self.rig.folder / "good.pem"), "--tls-key",
                   str(self.rig.folder / "good.key"))
        clients = [self.background("/debian/pool/big.deb", f"client{i}", "https") for i in range(4)]
        self.wait_until(lambda: all((self.rig.folder / f"client{i}").exists() and
                                    (self.rig.folder / f"client{i}").stat().st_size >= 450_000 for i in range(4)),
                        "all have what is there")
        self.set_moods()
        for started in clients:
            self.assertEqual(self.result(started), (0, "200", data))
        self.assertEqual(len(self.asked()), 1)


if __name__ == "__main__":
    unittest.main()
