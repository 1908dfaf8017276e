#!/usr/bin/env python3
"""Running musterd: another user, tokens, the operator's command, and a whole install by hand."""
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

MAC = "52:54:00:00:01:01"
# Stops a thread until it is ended itself: PTRACE_SEIZE, PTRACE_INTERRUPT.
TRACER = """
import ctypes, sys, time
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
for request in (0x4206, 0x4207):
    if ptrace(request, int(sys.argv[1]), None, None) != 0:
        sys.exit(f"ptrace: {ctypes.get_errno()}")
time.sleep(120)
"""


def run_tracer(thread):
    return subprocess.Popen([sys.executable, "-c", TRACER, str(thread)])



class Operation(RigTest):
    def test_it_serves_as_another_user(self):
        # The site and its parents must be readable for that user, as on a real machine.
        self.rig.folder.chmod(0o755)
        server = self.rig.start("--user", "nobody", "--workers", "1")
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        nobody = run("id", "-u", "nobody").stdout.strip()
        self.assertRegex(status, rf"Uid:\s+{nobody}\s+{nobody}\s+{nobody}")
        self.assertEqual(self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                                         f"http://{SERVER}/files/tiny/linux").stdout, "200")
        self.assertEqual(self.rig.node()["state"], "ready")
        self.rig.muster("boot-local", "r1n01")  # writes to the store

    def test_a_user_that_does_not_exist(self):
        done = run(*self.rig.command("--user", "no-such-user"), check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no-such-user", done.stdout)

    def test_the_admin_api_wants_its_token(self):
        token = self.rig.folder / "token"
        token.write_text("s3cret\n")
        self.rig.start("--admin", f"{SERVER}:8067", "--admin-token-file", token)
        url = f"http://{SERVER}:8067"
        for header, code in ((None, "401"), ("Bearer wrong", "401"), ("Bearer s3cret", "200")):
            options = ["-H", f"Authorization: {header}"] if header else []
            self.assertEqual(self.rig.client("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *options,
                                             f"{url}/api/v1/nodes").stdout, code)
        out = self.rig.client(BUILD / "muster", "--server", url, "--token-file", token, "nodes").stdout
        self.assertIn("r1n01", out)
        self.assertNotEqual(self.rig.client(BUILD / "muster", "--server", url, "nodes", check=False).returncode, 0)

    def test_a_service_manager_hears_that_all_threads_turn_and_nothing_when_one_hangs(self):
        path = self.rig.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
                unittest.mock.patch.dict(os.environ, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="1500000"):
            manager.bind(str(path))
            server = self.rig.start("--workers", "2")
            manager.settimeout(20)
            self.assertIn("READY=1\nSTATUS=muster: ready", manager.recv(4096).decode())
            for _ in range(3):
                self.assertRegex(manager.recv(4096).decode(), r"^WATCHDOG=1\nSTATUS=\d+ nodes, .*\d+ ready.* leases$")
            # One thread of them is stopped, as a debugger does it. The others go on.
            names = {(task / "comm").read_text().strip(): int(task.name)
                     for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir()}
            tracer = run_tracer(names["muster-worker1"])
            try:
                server.wait_log("a worker stands still")
                manager.settimeout(3)
                with self.assertRaises(TimeoutError):
                    while True:  # what was on its way
                        manager.recv(4096)
            finally:
                tracer.terminate()
                tracer.wait()
            manager.settimeout(20)
            self.assertIn("WATCHDOG=1", manager.recv(4096).decode())

    def test_the_log_can_be_json(self):
        server = self.rig.start("--log-format", "json")
        server.wait_log("site-loaded")  # ready is said by another thread
        lines = [line for line in server.lines if line.startswith("{")]
        self.assertTrue(lines)
        for line in lines:
            self.assertIn("message", json.loads(line))

    def test_the_command_shows_adds_orders_and_renders(self):
        self.rig.start()
        self.assertRegex(self.rig.muster("nodes").stdout, r"r1n01 .*ready")
        self.rig.muster("add", "r1n09", "--mac", "52:54:00:00:09:09", "--profile", "tiny", "--tag", "rack9",
                        "--address", "10.66.0.29")
        nodes = json.loads(self.rig.muster("nodes", "--json").stdout)
        self.assertEqual([n["name"] for n in nodes], ["r1n01", "r1n09"])
        self.assertEqual(self.rig.muster("nodes", "--tag", "rack9", "--json").stdout.count('"name"'), 1)
        self.assertIn("52:54:00:00:09:09", self.rig.muster("show", "r1n09").stdout)
        rendered = self.rig.muster("render", "r1n09").stdout
        self.assertIn("tiny/linux", rendered)
        self.assertIn('hostname="r1n09"', rendered)
        self.rig.muster("ignore", "r1n09")
        self.assertEqual(self.rig.node("r1n09")["state"], "ignored")
        self.rig.muster("install", "--tag", "rack9")
        self.assertEqual(self.rig.node("r1n09")["state"], "ready")
        self.assertEqual(self.rig.muster("show", "nobody", check=False).returncode, 1)
        self.assertTrue("<title>muster</title>" in self.rig.api("/")) # not assertIn: it would print the page

    def test_machines_are_ordered_one_after_the_other_and_stopped(self):
        self.rig.write_site(**{"nodes.yaml": "".join(
            f"- {{name: r1n0{n}, mac: ['52:54:00:00:01:0{n}'], profile: tiny, tags: [rack1]}}\n" for n in (1, 2, 3))})
        server = self.rig.start()
        self.rig.muster("boot-local", "r1n01", "r1n02", "r1n03")
        out = self.rig.muster("install", "--tag", "rack1", "--rate", "1", "--dry-run").stdout
        self.assertEqual(out.count("OVERWRITES"), 3)
        out = self.rig.muster("install", "--tag", "rack1", "--rate", "1").stdout
        self.assertIn("r1n01: its next network boot installs it", out)
        self.assertRegex(out, r"r1n03: its network boots from \d+-.*Z on install it")
        server.kill()
        server.wait()
        self.rig.start()
        self.assertEqual([self.rig.node(f"r1n0{n}")["state"] for n in (1, 2, 3)], ["ready", "installed", "installed"])
        self.assertTrue(self.rig.node("r1n03")["install_at"])
        out = self.rig.muster("stop", "--tag", "rack1").stdout
        self.assertEqual(out.count("its order is withdrawn"), 3)
        self.assertEqual([self.rig.node(f"r1n0{n}")["state"] for n in (1, 2, 3)], ["installed"] * 3)
        self.assertIsNone(self.rig.node("r1n03")["install_at"])
        for wrong in (("stop",), ("stop", "r1n01", "--all"), ("install", "r1n01", "--rate", "5"),
                      ("install", "--tag", "rack1", "--rate", "")):
            self.assertEqual(self.rig.muster(*wrong, check=False).returncode, 2, wrong)

    def test_nodes_added_by_the_api_survive_kill_9(self):
        server = self.rig.start()
        self.rig.muster("add", "r1n09", "--mac", "52:54:00:00:09:09", "--profile", "tiny")
        server.kill()
        self.rig.start()
        self.assertEqual(self.rig.node("r1n09")["mac"], "52:54:00:00:09:09")


class Install(RigTest):
    """A machine's whole install, its steps made by curl: what it fetches and what it reports."""

    def get(self, path, check=True):
        return self.rig.client("curl", "-sS", "--max-time", "10", f"http://{SERVER}{path}", check=check).stdout

    def start_install(self):
        script = self.get(f"/boot/ipxe?mac={MAC}")
        return re.search(r"answers/([0-9a-f]{32})", script)[1]

    def state(self):
        return self.rig.node()["state"]

    def test_every_step_shows_and_survives_kill_9(self):
        server = self.rig.start()
        self.assertEqual(self.state(), "ready")
        token = self.start_install()

        def crash():
            nonlocal server
            before = self.rig.node()
            server.kill()
            server = self.rig.start()
            after = self.rig.node()
            self.assertEqual({k: before[k] for k in ("state", "attempt", "profile")},
                             {k: after[k] for k in ("state", "attempt", "profile")})
        crash()
        self.assertEqual(self.start_install(), token, "a loader that asks again gets the same attempt")
        answers = self.get(f"/answers/{token}/install.conf")
        self.assertIn('hostname="r1n01"', answers)
        self.assertEqual(self.state(), "installing")
        crash()
        self.assertEqual(self.get(f"/report/{token}/started"), "ok\n")
        self.get(f"/report/{token}/progress?percent=40&message=unpacking")
        self.assertEqual(self.rig.node()["stage_percent"], 40)
        crash()
        self.assertEqual(self.get(f"/report/{token}/installed"), "ok\n")
        self.assertEqual(self.state(), "installed")
        crash()
        self.assertEqual(self.get(f"/report/{token}/installed"), "ok\n", "the report may be repeated")
        script = self.get(f"/boot/ipxe?mac={MAC}")
        self.assertIn("sanboot", script)
        self.assertNotIn("tiny/linux", script, "installed: a network boot leads to its disk")
        self.assertNotIn("hostname", self.get(f"/answers/{token}/install.conf"), "a spent token gets no answers")
        self.assertEqual(self.rig.node()["attempt"], 1)

    def test_an_order_begins_a_fresh_attempt_and_the_old_token_is_dead(self):
        self.rig.start()
        old = self.start_install()
        self.get(f"/answers/{old}/install.conf")
        self.get(f"/report/{old}/installed")
        self.rig.muster("install", "r1n01")
        new = self.start_install()
        self.assertNotEqual(new, old)
        self.assertEqual(self.rig.node()["attempt"], 2)
        self.get(f"/report/{old}/failed?message=late")
        self.assertNotEqual(self.state(), "failed")

    def test_a_failed_attempt_is_retried_and_the_reason_kept(self):
        self.rig.start()
        token = self.start_install()
        self.get(f"/answers/{token}/install.conf")
        self.get(f"/report/{token}/failed?message=no+disk+found")
        self.assertEqual(self.state(), "ready")
        self.assertNotEqual(self.start_install(), token)
        events = self.rig.api("/api/v1/events")["events"]
        self.assertTrue(any("no disk found" in e["message"] for e in events), events)

    def test_installs_go_on_while_the_server_is_killed_at_random(self):
        server = self.rig.start()
        seed = int(time.time())
        print(f"seed {seed}", file=sys.stderr)
        rng = random.Random(seed)
        highest = 0
        for _ in range(6):
            self.rig.muster("install", "r1n01")
            token = self.start_install()
            steps = [f"/answers/{token}/install.conf", f"/report/{token}/started",
                     f"/report/{token}/progress?percent=50", f"/report/{token}/installed"]
            for step in steps:
                if rng.random() < 0.5:
                    time.sleep(rng.random() * 0.05)
                    server.signal(signal.SIGKILL)
                    server.wait()
                    server = self.rig.start()
                self.assertNotEqual(self.get(step), "")
            node = self.rig.node()
            self.assertEqual(node["state"], "installed")
            self.assertGreater(node["attempt"], highest)
            highest = node["attempt"]


if __name__ == "__main__":
    unittest.main()
