# SPDX-License-Identifier: Apache-2.0
"""Runs the built `muster` against a real HTTP server: exit statuses, output, requests, terminals.

usage: client_test.py MUSTER [unittest's arguments]"""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../../support"))
from admin_api import AdminApi  # noqa: E402

MUSTER = os.path.abspath(sys.argv.pop(1))


def moment(seconds):
    """The moment so many seconds from now, as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


def node(name, state, **more):
    fields = dict(name=name, mac="52:54:00:00:01:01", address="10.0.0.21", profile="debian12",
                  state=state, attempt=1, since=moment(-65), stage_percent=0, bytes_served=0, expected_bytes=0, message="", tags=["rack1"])
    return fields | more


class Case(unittest.TestCase):
    def setUp(self):
        self.api = AdminApi()
        self.addCleanup(self.api.close)
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                            "MUSTER_SERVER": self.api.url,
                            # A proxy of the environment must not be asked.
                            "http_proxy": "http://127.0.0.1:9"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def run_muster(self, *words, status=0, **environment):
        done = subprocess.run([MUSTER, *words], env=self.environment | environment, timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        if status == 2:
            self.assertEqual(done.stdout, "")
        if status != 0:
            self.assertTrue(done.stderr.startswith("muster: "), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, "one line: " + done.stderr)
        return done.stderr if status else done.stdout

    def in_terminal(self, *words, width=80, height=24, until=None, **environment):
        """What the command writes to a terminal: all, or until that has been seen."""
        environment = self.environment | {"TERM": "xterm"} | environment
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(MUSTER, [MUSTER, *words], environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        seen = b""
        try:
            while chunk := os.read(terminal, 65536):
                seen += chunk
                if until is not None and until in seen.decode(errors="replace"):
                    os.kill(pid, signal.SIGINT)
                    break
        except OSError:  # the terminal's other end was closed
            pass
        os.close(terminal)
        os.waitpid(pid, 0)
        return seen.decode()

    def paths(self):
        return [f"{method} {path}" for method, path, *_ in self.api.requests]


class Nodes(Case):
    def test_prints_a_line_for_each_node_and_cuts_nothing_in_a_pipe(self):
        message = "the disk is small " * 20
        self.api.nodes(node("r1n01", "loading", stage_percent=42),
                       node("r1n02", "failed", message=message, attempt=4, address=None))
        lines = self.run_muster("nodes").splitlines()
        self.assertEqual(lines[0].split(), "NAME STATE DONE FOR TRY PROFILE ADDRESS MAC TAGS "
                                           "MESSAGE".split())
        self.assertRegex(lines[1], r"^r1n01  loading   42%  1m0\ds    1  debian12  10.0.0.21  "
                                   r"52:54:00:00:01:01  rack1  -$")
        self.assertIn(message.strip(), lines[2])
        self.assertEqual(lines[2].split()[:7],
                         ["r1n02", "failed", "-", lines[2].split()[3], "4", "debian12", "-"])

    def test_follows_pages_and_passes_filters_on(self):
        pages = {None: ("a", "a"), "a": ("b", "b&c"), "b&c": ("d", None)}

        def page(query):
            name, following = pages[query.get("after")]
            return 200, {"nodes": [node(name, "ready")], "next": following}

        self.api.answers["GET", "/api/v1/nodes"] = page
        out = json.loads(self.run_muster("nodes", "--json", "--state", "ready", "--tag", "x y",
                                         "--profile=p"))
        self.assertEqual([entry["name"] for entry in out], ["a", "b", "d"])
        self.assertEqual(len(self.api.requests), 3)
        self.assertIn("?state=ready&tag=x%20y&profile=p&limit=", self.api.requests[0][1])
        self.assertIn("after=b%26c", self.api.requests[2][1])

    def test_ends_when_a_server_repeats_a_page(self):
        self.api.answers["GET", "/api/v1/nodes"] = (200, {"nodes": [], "next": "a"})
        self.assertIn("repeats a page", self.run_muster("nodes", status=1))

    def test_json_is_what_the_api_gave(self):
        given = node("r1n01", "ready", something_new={"z": 1, "a": [None]})
        self.api.nodes(given)
        self.assertEqual(json.loads(self.run_muster("nodes", "--json")), [given])

    def test_fits_a_terminal_and_colours_it_unless_asked_not_to(self):
        # Three days: an age whose text does not change between the two calls that are compared.
        self.api.nodes(node("r1n01", "failed", since=moment(-3 * 86400 - 60),
                            message="long " * 50 + "\x1b[2J\n"))
        out = self.in_terminal("nodes", width=70)
        self.assertIn("\x1b[1;31mfailed\x1b[0m", out)
        plain = self.in_terminal("nodes", width=70, NO_COLOR="1")
        self.assertNotIn("\x1b", plain)
        self.assertEqual(re.sub("\x1b\\[[0-9;]*m", "", out), plain)
        self.assertTrue(all(len(line) <= 70 for line in plain.splitlines()), plain)
        self.assertIn("failed", plain)
        self.assertNotIn("\x1b", self.in_terminal("nodes", TERM="dumb"))


class Show(Case):
    def test_prints_all_fields_and_the_timeline(self):
        self.api.nodes(node("r1n01", "installing", bytes_served=3_000_000, uuid="1234",
                            tags=["a", "b"], variables={"disk": "/dev/vda"}, macs=["m1", "m2"],
                            deadline=moment(90), since_ms=1, timeline={"offer": 0.0}))
        marks = {"offer": 1_000_000, "loader": 1_001_500}
        events = [{"id": n, "time": n, "event": "state-changed", "node": "r1n01",
                   "message": f"message {n}"} for n in range(1, 13)]
        self.api.answers["GET", "/api/v1/nodes/r1n01/timeline"] = (
            200, {"name": "r1n01", "attempts": [{"attempt": 1, "marks": marks}], "events": events})
        out = self.run_muster("show", "r1n01")
        for wanted in (r"^name +r1n01$", r"^state +installing$", r"^bytes_served +2.9 MiB \(3000000\)$",
                       r"^uuid +1234$", r"^tags +a, b$", r"^macs +m1, m2$",
                       r"^deadline +.*\(in 1m\d\ds\)$", r"^variables +disk=/dev/vda$",
                       r"^1970-01-01 .* r1n01 +state-changed +message 12$", r"^message +-$", r"^since +\d{4}-.* ago\)$",
                       r"^ +1 +0.0 +- +offer$", r"^ +1 +1.5 +\+1.5 +loader$"):
            self.assertRegex(out, re.compile(wanted, re.M))
        self.assertTrue(out.startswith("name "), out)
        self.assertNotIn("since_ms", out)
        self.assertNotRegex(out, r"message 2\n")
        both = json.loads(self.run_muster("show", "r1n01", "--json"))
        self.assertEqual(both["state"], "installing")
        self.assertEqual(both["attempts"][0]["marks"]["loader"], 1_001_500)
        self.assertEqual(both["timeline"], {"offer": 0.0})
        self.assertEqual(both["events"], events)

    def test_says_what_the_api_says_of_a_stranger(self):
        self.assertEqual(self.run_muster("show", "a/b", status=1),
                         "muster: no such thing: /api/v1/nodes/a%2Fb\n")


class Orders(Case):
    def test_add_sends_what_was_given(self):
        self.api.answers["PUT", "/api/v1/nodes/r1n01"] = (201, node("r1n01", "ready"))
        out = self.run_muster("add", "r1n01", "--mac", "52-54-00-00-01-01", "--mac", "525400000102",
                        "--profile", "debian12", "--address", "10.0.0.21", "--tag", "a", "--tag",
                        "b", "--variable", "disk=/dev/vda", "--variable", "opts=a=b")
        self.assertEqual(json.loads(self.api.requests[0][2]), {
            "mac": ["52:54:00:00:01:01", "52:54:00:00:01:02"], "profile": "debian12",
            "address": "10.0.0.21", "tags": ["a", "b"],
            "variables": {"disk": "/dev/vda", "opts": "a=b"}})
        self.assertEqual(self.api.requests[0][3]["Content-Type"], "application/json")
        self.assertEqual(out, "r1n01: ready; its next network boot installs debian12\n")
        self.api.answers["PUT", "/api/v1/nodes/r1n01"] = (200, node("r1n01", "installed"))
        self.assertEqual(self.run_muster("add", "r1n01", "--mac=525400000101", "--profile=p"),
                         "r1n01: installed, profile p\n")

    def test_remove_deletes(self):
        self.api.answers["DELETE", "/api/v1/nodes/r1n01"] = (204, "")
        self.assertEqual(self.run_muster("remove", "r1n01"), "r1n01: removed\n")

    def test_orders_go_to_every_node_even_when_one_is_refused(self):
        for order in ("install", "ignore", "boot-local"):
            self.api.requests.clear()
            for name in ("a", "c"):
                self.api.answers["POST", f"/api/v1/nodes/{name}/{order}"] = (200, {})
            error = self.run_muster(order, "a", "b", "c", status=1)
            self.assertEqual(error, f"muster: b: no such thing: /api/v1/nodes/b/{order}\n")
            self.assertEqual(self.paths(), [f"POST /api/v1/nodes/{n}/{order}" for n in "abc"])
            self.assertEqual(self.run_muster(order, "a", "c").count("\n"), 2)

    def test_install_by_tag_names_the_nodes(self):
        self.api.answers["POST", "/api/v1/nodes/install"] = lambda query: (
            200, {"nodes": ["a", "b"] if query == {"tag": "rack 1"} else [],
                  "without_profile": ["c"] if query == {"tag": "half"} else []})
        out = self.run_muster("install", "--tag", "rack 1")
        self.assertEqual([line.split(":")[0] for line in out.splitlines()], ["a", "b"])
        self.assertIn("c: no profile", self.run_muster("install", "--tag", "half", status=1))
        self.assertIn("no node has the tag 'x'", self.run_muster("install", "--tag=x", status=1))


class Watch(Case):
    def stages(self, *stages):
        """The list shows the next stage at every call, and goes on with the last."""
        left = list(stages)

        def answer(_):
            return 200, {"nodes": left.pop(0) if len(left) > 1 else left[0], "next": None}

        self.api.answers["GET", "/api/v1/nodes"] = answer

    def watch(self, *words, status=0):
        return self.run_muster("watch", "--interval=100ms", *words, status=status)

    def test_prints_changes_and_ends_when_all_are_installed(self):
        self.stages([node("a", "ready"), node("stray", "new")],
                    [node("a", "ready"), node("stray", "new")],
                    [node("a", "loading"), node("stray", "new")],
                    [node("a", "installed"), node("stray", "new")])
        lines = self.watch("--until", "installed").splitlines()
        self.assertEqual([line.split(" ", 1)[1] for line in lines],
                         ["a ready", "stray new", "a ready -> loading", "a loading -> installed"])
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d ")

    def test_fails_when_a_node_failed_or_time_is_up(self):
        self.stages([node("a", "loading"), node("b", "installed")], [node("a", "failed")])
        self.assertEqual(self.watch("--until=installed", status=1),
                         "muster: 0 of 1 installed; not: a (failed)\n")
        self.stages([node("a", "loading"), node("b", "installed")])
        self.assertEqual(self.watch("--until=installed", "--timeout=300ms", status=1),
                         "muster: time is up after 300ms: 1 of 2 installed; not: a (loading)\n")

    def test_named_nodes_are_asked_for_by_name_and_must_exist(self):
        self.api.nodes(node("a", "installed"), node("b", "loading"))
        self.watch("a", "--until", "installed")
        self.assertEqual(self.paths(), ["GET /api/v1/nodes/a"])
        self.assertIn("/nodes/x", self.watch("x", "--until", "installed", status=1))

    def test_waits_for_a_server_that_stumbles_but_not_for_one_that_was_never_there(self):
        states = iter([(200, "loading"), (503, "busy"), (503, "busy"), (200, "installed")])

        def answer(_):
            status, state = next(states)
            return status, {"nodes": [node("a", state)], "next": None} if status == 200 else \
                {"error": {"code": "busy", "message": "the store is busy"}}

        self.api.answers["GET", "/api/v1/nodes"] = answer
        out = self.watch("--until", "installed")
        self.assertEqual(out.count("the store is busy; trying again"), 1, out)
        self.assertTrue(out.endswith("a loading -> installed\n"), out)
        self.run_muster("watch", "--server=http://127.0.0.1:9", status=1)

    def test_redraws_in_place_on_a_terminal(self):
        self.stages([node("a", "loading", stage_percent=50)], [node("a", "installed")])
        out = self.in_terminal("watch", "--interval=100ms", "--until=installed", NO_COLOR="1")
        first, second = out.split("\r\x1b[3A")
        self.assertIn("████████░░░░░░░░  50 %", first)
        self.assertIn("████████████████ 100 %", second)
        self.assertTrue(second.endswith("\x1b[J"), repr(second))
        out = self.in_terminal("watch", until="installed", LC_ALL="C")
        self.assertIn("################ 100 %", out)


class Events(Case):
    def setUp(self):
        super().setUp()
        self.kept = [{"id": n, "time": 1_700_000_000_000 + n, "event": "state", "node": f"n{n}",
                      "message": "ready -> booting"} for n in range(1, 1201)]

        def answer(query):
            later = [event for event in self.kept if event["id"] > int(query["after"])]
            return 200, {"events": later[:int(query["limit"])]}

        self.api.answers["GET", "/api/v1/events"] = answer

    def test_prints_all_pages_and_ends(self):
        lines = self.run_muster("events").splitlines()
        self.assertEqual(len(lines), 1200)
        self.assertRegex(lines[0], r"^2023-11-\d\d \d\d:\d\d:\d\d n1 +state +ready -> booting$")
        self.assertEqual(json.loads(self.run_muster("events", "--json")), self.kept)

    def test_follow_goes_on_with_one_object_a_line(self):
        del self.kept[2:]
        follower = subprocess.Popen([MUSTER, "events", "--follow", "--json"], env=self.environment,
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        seen = [json.loads(follower.stdout.readline())["id"] for _ in range(2)]
        self.kept.append({"id": 7, "time": 0, "event": "late", "node": None})
        seen.append(json.loads(follower.stdout.readline())["id"])
        self.assertEqual(seen, [1, 2, 7])


class Others(Case):
    def test_leases_are_a_table_or_json(self):
        lease = {"address": "10.0.1.1", "mac": "52:54:00:00:01:01", "state": "bound", "node": "a",
                 "expires": int(time.time() * 1000) + 90_500}
        self.api.answers["GET", "/api/v1/leases"] = (200, {"leases": [lease], "next": None})
        self.assertRegex(self.run_muster("leases").splitlines()[1],
                         r"^10.0.1.1  52:54:00:00:01:01  bound  1m(30|29)s  a$")
        self.assertEqual(json.loads(self.run_muster("leases", "--json")), [lease])

    def test_render_prints_all_files_or_one_to_the_byte(self):
        files = {"boot.ipxe": "#!ipxe\n", "preseed.cfg": "a\tb\n\x07no line feed"}
        self.api.answers["GET", "/api/v1/nodes/a/render"] = (200, {"files": files})
        self.assertEqual(self.run_muster("render", "a"),
                         "==> boot.ipxe <==\n#!ipxe\n\n==> preseed.cfg <==\n"
                         "a\tb\n\x07no line feed\n")
        self.assertEqual(self.run_muster("render", "a", "--file=preseed.cfg"), files["preseed.cfg"])
        self.assertIn("it gets: boot.ipxe, preseed.cfg",
                      self.run_muster("render", "a", "--file=x", status=1))
        self.assertNotIn("\x07", self.in_terminal("render", "a"))
        self.api.answers["GET", "/api/v1/nodes/a/render"] = (
            200, {"files": files, "problems": {"preseed.cfg": "line 3: no variable 'disk'"}})
        self.assertEqual(self.run_muster("render", "a", status=1),
                         "muster: preseed.cfg: line 3: no variable 'disk'\n")
        self.run_muster("render", "a", "--file=boot.ipxe")

    def test_check_tells_all_problems_and_needs_no_server(self):
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)

            write("site.yaml", "server: {address: 10.0.0.1}\n"
                               "subnets: [{subnet: 10.0.0.0/24, pools: [10.0.0.100-10.0.0.200]}]\n")
            self.assertEqual(self.run_muster("check", folder, MUSTER_TOKEN_FILE="/no/such"),
                             f"{folder}: good: 1 subnet, 0 profiles, 0 nodes\n")
            write("nodes.yaml", "- name: a\n  mac: [52:54:00]\n  profil: x\n")
            done = subprocess.run([MUSTER, "check", folder], env=self.environment,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (2, ""))
            self.assertGreaterEqual(len(done.stdout.splitlines()), 2)
            for line in done.stdout.splitlines():
                self.assertRegex(line, rf"^{folder}/nodes.yaml:\d+:\d+: ")
        self.assertIn("is no folder", self.run_muster("check", folder, status=2))
        self.assertEqual(self.api.requests, [])

    def check_answers(self, templates, answers, nodes, *options, path=None):
        """Status and output of `muster check` for a site with these templates; PROFILE.yaml names them all."""
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            write("site.yaml", "server: {address: 10.0.0.1}\n"
                               "subnets: [{subnet: 10.0.0.0/16, pools: [10.0.0.100-10.0.0.200]}]\n")
            write("profiles/p.yaml", json.dumps({"kernel": "linux", "cmdline": "quiet", "answers": answers}))
            for name, text in templates.items():
                write("templates/" + name, text)
            write("nodes.yaml", json.dumps(nodes))
            done = subprocess.run([MUSTER, "check", folder, *options], env=self.environment | ({"PATH": path} if path else {}),
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, "")
            self.assertEqual([name for name in os.listdir(tempfile.gettempdir()) if name.startswith("muster-check-")], [])
            return done.returncode, done.stdout.replace(folder, "SITE")

    @staticmethod
    def nodes_of(count, **variables):
        return [{"name": f"n{i}", "mac": f"52:54:00:00:{i // 256:02x}:{i % 256:02x}", "profile": "p",
                 "variables": {name: value(i) for name, value in variables.items()}} for i in range(count)]

    def test_check_shows_answers_to_the_validators_of_their_installers(self):
        good = {"preseed": "# {{node.name}}\nd-i netcfg/get_hostname string {{node.name}}\n",
                "xml": "<?xml version=\"1.0\"?>\n<profile><name>{{node.name}}</name></profile>\n",
                "ign": '{"ignition": {"version": "3.3.0"},\n "storage": {"files": [{"path": "{{file}}"}]}}\n'}
        answers = {"preseed.cfg": "preseed", "autoinst.xml": "xml", "config.ign": "ign", "other": "xml"}
        # Texts that differ in the node's name alone are one text; those that its variables make are several.
        status, out = self.check_answers(good, answers, self.nodes_of(300, file=lambda i: f"/etc/{i % 2}"))
        self.assertEqual((status, out.splitlines()),
                         (0, ["SITE: good: 1 subnet, 1 profile, 300 nodes",
                              "debconf-set-selections: 1 text looked at", "ignition-validate: 2 texts looked at",
                              "xmllint: 2 texts looked at"]))

        def fails(template, text, first, second, **variables):
            status, out = self.check_answers(good | {template: text}, answers, self.nodes_of(4, **({"file": lambda i: "/x"} | variables)))
            self.assertEqual(status, 1, out)
            lines = out.splitlines()
            self.assertRegex(lines[1], first)
            self.assertEqual(lines[2], "    " + second)
            return out
        out = fails("xml", "<?xml version=\"1.0\"?>\n<a>\n<b>{{node.name}}</a>\n", r"^node n0: autoinst\.xml:3: xmllint: 3: parser error : "
                    r"Opening and ending tag mismatch", "<b>n0</a>")
        self.assertIn("node n0: other:3: xmllint", out)
        fails("ign", good["ign"], r"^node n2: config\.ign:2: ignition-validate: error at \$\.storage\.files\.0\.path, .*path not absolute",
              '"storage": {"files": [{"path": "etc"}]}}', file=lambda i: "etc" if i == 2 else "/x")
        # This one debconf's reader finds, and these it does not.
        for line, words in (("d-i a/b", "is no question"), ("d-i a/b strnig x", "unknown type 'strnig'"),
                            ("d-i a/b string x \\\nd-i c/d string y", "backslash")):
            fails("preseed", "# 1\n\n" + line, rf"^node n0: preseed\.cfg:[34]: preseed: .*{words}", line.splitlines()[-1])
        # The same complaint about many nodes is told once.
        status, out = self.check_answers(good | {"preseed": "# {{file}}\nd-i\n"}, answers, self.nodes_of(5, file=lambda i: f"/{i}"))
        self.assertEqual(status, 1)
        self.assertEqual(out.count("preseed.cfg"), 1)
        self.assertIn("node n0: preseed.cfg:2: ", out)
        self.assertIn(" (and for 4 more)\n", out)

    def test_check_bounds_what_validators_see_unless_told_otherwise(self):
        templates, answers = {"xml": "<?xml version=\"1.0\"?>\n<a>{{number}}</a>\n"}, {"a.xml": "xml"}
        nodes = self.nodes_of(130, number=str)
        for options, lines in (([], ["xmllint: 100 texts looked at", "30 further texts not looked at; --validators all shows them too"]),
                               (["--validators", "all"], ["xmllint: 130 texts looked at"]), (["--validators=none"], [])):
            status, out = self.check_answers(templates, answers, nodes, *options)
            self.assertEqual((status, out.splitlines()[1:]), (0, lines))
        self.assertIn("none of: all, some, none", self.run_muster("check", "/", "--validators", "few", status=2))

    def test_check_says_which_validators_are_missing_and_looks_for_itself(self):
        with tempfile.TemporaryDirectory() as empty:
            templates = {"xml": "<?xml version=\"1.0\"?>\n<a>", "preseed": "d-i\n"}
            status, out = self.check_answers(templates, {"a.xml": "xml", "b.xml": "xml"}, self.nodes_of(2), path=empty)
            self.assertEqual((status, out.splitlines()[1:]), (0, ["xmllint: not installed, skipped"]))
            status, out = self.check_answers(templates, {"p": "preseed"}, self.nodes_of(2), path=empty)
            self.assertEqual(status, 1)
            self.assertIn("node n0: p:1: preseed: ", out)

    def test_sends_the_token_and_says_when_one_is_wanted(self):
        self.api.nodes()
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("  s3cret \nsecond line")
            file.flush()
            self.run_muster("nodes", "--token-file", file.name)
            self.run_muster("nodes", MUSTER_TOKEN_FILE=file.name)
            self.run_muster("nodes", MUSTER_TOKEN=" s3cret", MUSTER_TOKEN_FILE="/no/such")
            self.run_muster("nodes", "--token-file", file.name, MUSTER_TOKEN="other")
            self.assertEqual([headers["Authorization"] for _, _, _, headers in self.api.requests],
                             ["Bearer s3cret"] * 4)
            wrong = self.run_muster("nodes", MUSTER_TOKEN="s3 cret", status=2)
            self.assertIn("MUSTER_TOKEN: its value is no token", wrong)
            self.assertNotIn("cret", wrong.replace("MUSTER_TOKEN", ""))
            file.seek(0)
            file.write("a b\n")
            file.flush()
            self.assertIn("no token", self.run_muster("nodes", "--token-file", file.name, status=2))
        self.assertIn("cannot read '/no/such': No such file",
                      self.run_muster("nodes", "--token-file=/no/such", status=2))
        self.api.answers["GET", "/api/v1/nodes"] = (
            401, {"error": {"code": "unauthorized", "message": "a token is wanted"}})
        self.assertIn("a token is wanted (give --token-file", self.run_muster("nodes", status=1))

    def test_makes_lists_and_removes_tokens(self):
        made = {"name": "ci", "role": "view", "made": moment(-5), "token": "muster_abc"}
        self.api.answers["POST", "/api/v1/tokens/ci"] = lambda query: (201, made | {"role": query["role"]})
        self.assertEqual(self.run_muster("token", "new", "ci", "--role", "view"), "muster_abc\n")
        self.assertEqual(json.loads(self.run_muster("token", "new", "ci", "--role", "admin", "--json"))["role"], "admin")
        listed = [{"name": "ci", "role": "view", "made": "2026-01-01T00:00:00.000Z"}]
        self.api.answers["GET", "/api/v1/tokens"] = (200, {"tokens": listed, "next": None})
        self.assertEqual(self.run_muster("token", "list").split(), ["NAME", "ROLE", "MADE", *listed[0].values()])
        self.assertEqual(json.loads(self.run_muster("token", "list", "--json")), listed)
        self.api.answers["DELETE", "/api/v1/tokens/ci"] = (200, {"removed": "ci"})
        self.assertEqual(self.run_muster("token", "remove", "ci"), "ci: removed\n")
        asked = len(self.api.requests)
        for words, said in ((("new", "ci"), "--role is missing"), (("new", "ci", "--role", "root"), "'root' is no role"),
                            (("new", "--role", "view"), "NAME is missing"), (("list", "ci"), "takes no name"),
                            (("remove",), "NAME is missing"), (("remove", "ci", "--role", "view"), "--role is for"),
                            (("make", "ci"), "'make' is none of new, list, remove")):
            self.assertIn(said, self.run_muster("token", *words, status=2))
        self.assertEqual(len(self.api.requests), asked, "wrong use asks nobody")

    def test_an_unreachable_server_is_one_line_with_url_and_reason(self):
        self.assertRegex(self.run_muster("nodes", "--server", "http://127.0.0.1:9", status=1),
                         r"cannot reach http://127.0.0.1:9: Connection refused")
        self.assertRegex(self.run_muster("nodes", "--server", "http://no.such.invalid", status=1),
                         r"cannot reach http://no.such.invalid: Could not resolve host")

    def test_an_answer_that_is_not_the_apis_is_a_failure(self):
        for status, body in ((200, "<html>"), (200, "[]"), (200, '{"nodes": 1}'), (500, ""),
                             (404, "nothing here"), (302, ""), (200, "\xff"), (200, "{" * 100_000)):
            self.api.answers["GET", "/api/v1/nodes"] = (status, body)
            self.run_muster("nodes", status=1)
        self.api.answers["GET", "/api/v1/nodes"] = (
            409, {"error": {"code": "x", "message": "evil\x1b[2J\nlines"}})
        self.assertEqual(self.run_muster("nodes", status=1), "muster: evil?[2J?lines\n")

    def test_wrong_use_is_told_before_anything_is_sent(self):
        for words in (["nodes", "--state", "x"], ["add", "a"], ["add", "a", "--mac", "1"],
                      ["add", "a", "--mac=525400000101"], ["install"],
                      ["add", "a", "--mac=525400000101", "--profile=p", "--address=x"],
                      ["add", "a", "--mac=525400000101", "--profile=p", "--variable=x"],
                      ["install", "a", "--tag", "b"], ["watch", "--interval", "0"],
                      ["watch", "--until", "x"], ["watch", "--timeout", "1s"], ["remove"], [],
                      ["nodes", "--server", "x"], ["leases", "--xyz"], ["frobnicate"]):
            self.run_muster(*words, status=2)
        self.assertEqual(self.api.requests, [])

    def test_help_and_version_go_to_standard_output(self):
        self.assertRegex(self.run_muster("--version"), r"^muster \d+\.\d+\.\d+ ")
        commands = re.findall(r"^  ([a-z-]+)  ", self.run_muster("--help"), re.M)
        self.assertGreaterEqual(len(commands), 12)
        for command in commands:
            if not command.startswith("-"):
                self.assertIn(f"usage: muster {command}", self.run_muster(command, "--help"))

    def test_media_says_what_it_cannot_do(self):
        with tempfile.TemporaryDirectory() as folder:
            there = os.path.join(folder, "there.iso")
            with open(there, "w") as file:
                file.write("mine")
            for words, says in ((["media"], "--iso FILE and --usb DEVICE"),
                                (["media", "--iso", "a", "--usb", "b"], "--iso FILE and --usb DEVICE"),
                                (["media", "--iso", "a", "--boot-url", "https://10.0.0.1"], "does not begin with http://")):
                self.assertIn(says, self.run_muster(*words, status=2))
            url = ["--boot-url", "http://10.0.0.1"]
            self.assertIn("--force replaces it", self.run_muster("media", "--iso", there, *url, status=1))
            with open(there) as file:
                self.assertEqual(file.read(), "mine")
            lost = os.path.join(folder, "no", "such", "folder.iso")
            self.assertRegex(self.run_muster("media", "--iso", lost, *url, status=1),
                             "cannot write .*folder.iso|is missing: install the package")
            self.assertEqual(os.listdir(folder), ["there.iso"])

    def test_a_full_disk_is_a_failure(self):
        self.api.nodes(node("a", "ready"))
        with open("/dev/full", "w") as full:
            done = subprocess.run([MUSTER, "nodes"], env=self.environment, stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write standard output: No space left", done.stderr)


class Completion(Case):
    """What shells make of `muster completion`: asked of the shells themselves."""

    def setUp(self):
        super().setUp()
        self.environment["PATH"] = f"{os.path.dirname(MUSTER)}:{self.environment['PATH']}"
        self.api.nodes(node("r1n01", "ready"), node("r1n02", "failed"), node("r2n01", "ready"))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "medium"))
        with open(os.path.join(self.folder, "media.iso"), "wb"):
            pass

    def run_shell(self, *command):
        done = subprocess.run(command, env=self.environment | {"HOME": self.folder}, cwd=self.folder, timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def bash(self, line):
        """What bash would offer for the last word of the line, its words split as readline does."""
        words = re.findall(r"[=:]|[^\s=:]+", line) + ([""] if line.endswith(" ") else [])
        script = ('source <(muster completion bash); words=("$@"); COMP_WORDS=("${words[@]}"); '
                  'COMP_CWORD=$((${#words[@]} - 1)); _muster; printf "%s\\n" "${COMPREPLY[@]}"')
        return set(self.run_shell("bash", "--norc", "-c", script, "bash", *words).split())

    def commands(self):
        listed = re.search(r"^Commands:\n(.*?)\n\n", self.run_muster("--help"), re.S | re.M)[1]
        names = set(re.findall(r"^  ([a-z-]+)", listed, re.M))
        self.assertGreater(len(names), 15)
        return names

    def options(self, command):
        text = self.run_muster(command, "--help")
        return set(re.findall(r"^  (?:-h, |-[a-z] \[ )?(--[a-z-]+)", text, re.M))

    def test_bash_knows_what_the_help_knows(self):
        commands = self.commands()
        self.assertEqual(self.bash("muster "), commands | {"help"})
        self.assertEqual(self.bash("muster help "), commands | {"help"})
        self.assertEqual(self.bash("muster re"), {one for one in commands if one.startswith("re")})
        for command in commands:
            with self.subTest(command):
                self.assertEqual(self.bash(f"muster {command} -"), self.options(command))

    def test_bash_completes_values_and_arguments(self):
        states = {"new", "ready", "booting", "loading", "installing", "installed", "failed", "ignored"}
        names = {"r1n01", "r1n02", "r2n01"}
        for line, wanted in (("muster nodes --state ", states), ("muster nodes --state=", states),
                             ("muster nodes --state inst", {"installing", "installed"}),
                             ("muster nodes --state=fa", {"failed"}), ("muster nodes ", set()),
                             ("muster show ", names), ("muster install r1n01 r1", {"r1n01", "r1n02"}),
                             (f"muster --server {self.api.url} show r2", {"r2n01"}), ("muster remove r2", {"r2n01"}),
                             ("muster add ", set()), ("muster check ", {"medium"}),
                             ("muster import med", {"medium", "media.iso"}),
                             ("muster nodes --token-file media", {"media.iso"}), ("muster --tok", {"--token-file"}),
                             ("muster completion ", {"bash", "zsh", "fish"})):
            with self.subTest(line):
                self.assertEqual(self.bash(line), wanted)

    def test_bash_completes_at_a_prompt(self):
        leader, follower = pty.openpty()
        with subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=follower, stdout=follower, stderr=follower,
                              env=self.environment | {"HOME": self.folder, "TERM": "dumb", "PS1": "$ "},
                              cwd=self.folder, start_new_session=True) as shell:
            os.close(follower)
            os.write(leader, b"source <(muster completion bash); echo sourc''ed\n")
            seen = b""

            def read_until(mark):
                nonlocal seen
                while mark not in seen:
                    seen += os.read(leader, 65536)  # its end, when the shell is gone, is an error
                seen = seen[seen.index(mark) + len(mark):]
            read_until(b"sourced")
            os.write(leader, b"echo muster; muster show r2\t; exit\n")
            read_until(b"show r2n01")
            shell.wait(30)
        os.close(leader)

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_knows_the_same(self):
        with open(os.path.join(self.folder, "muster.fish"), "w") as script:
            script.write(self.run_muster("completion", "fish"))

        def fish(line):
            out = self.run_shell("fish", "--no-config", "-c", f"source muster.fish; complete -C '{line}'")
            return {one.split("\t")[0] for one in out.splitlines()}
        commands = self.commands()
        self.assertEqual(fish("muster "), commands)
        for command in commands:
            with self.subTest(command):
                self.assertEqual(fish(f"muster {command} --"), self.options(command))
        for line, wanted in (("muster nodes --state inst", {"installing", "installed"}), ("muster show r1", {"r1n01", "r1n02"}),
                             ("muster check ", {"medium/"}), ("muster completion ", {"bash", "zsh", "fish"}),
                             ("muster import med", {"medium/", "media.iso"})):
            with self.subTest(line):
                self.assertEqual(fish(line), wanted)

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_knows_the_same(self):
        """At a prompt, since zsh completes nowhere else: what it lists, and what it makes of the line."""
        leader, follower = pty.openpty()
        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 300, 0, 0))
        shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=follower, stdout=follower, stderr=follower,
                                 env=self.environment | {"HOME": self.folder, "TERM": "dumb", "PS1": "$ "},
                                 cwd=self.folder, start_new_session=True)
        os.close(follower)
        self.addCleanup(shell.wait, 30)
        self.addCleanup(os.close, leader)
        seen = ""

        def read_until(pattern):
            nonlocal seen
            while not (found := re.search(pattern, seen)):
                self.assertTrue(select.select([leader], [], [], 30)[0], seen)
                seen += os.read(leader, 65536).decode()
            before, seen = seen[:found.start()], seen[found.end():]
            return before, found[1]

        os.write(leader, b"autoload -U compinit; compinit -u -D; source <(muster completion zsh)\n"
                         b"LISTMAX=0; unsetopt beep; print rea''dy\n")
        read_until("(ready)")

        def zsh(line):
            os.write(leader, line.encode() + b"\t\x01print -r -- LI''NE \x05\n")
            shown, made = read_until(r"LINE (.*?)\r?\n")
            return re.findall(r"^(\S+) +-- ", shown, re.M), made.rstrip()
        commands = self.commands()
        for line in ("muster ", "muster help "):
            self.assertEqual(set(zsh(line)[0]), commands | {"help"})
        for command in commands:
            with self.subTest(command):
                self.assertEqual(set(zsh(f"muster {command} --")[0]), self.options(command))
        for line, wanted in (("muster nodes --state i", "muster nodes --state i"),
                             ("muster nodes --state=fa", "muster nodes --state=failed"),
                             ("muster --tok", "muster --token-file"), ("muster show r2", "muster show r2n01"),
                             ("muster install r1n01 r2", "muster install r1n01 r2n01"),
                             ("muster check ", "muster check medium"), ("muster completion z", "muster completion zsh"),
                             ("muster import media", "muster import media.iso")):
            with self.subTest(line):
                self.assertEqual(zsh(line)[1], wanted)
        os.write(leader, b"exit\n")

    def test_other_shells_are_refused(self):
        self.assertIn("'tcsh'", self.run_muster("completion", "tcsh", status=2))


if __name__ == "__main__":
    unittest.main()
