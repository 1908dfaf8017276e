"""Emulated machines with real firmware (deploy/rack) and a musterd beside them.

Everything is below the rack's own folder, and the rack's watcher removes that folder, machines and
namespace when this process is gone, however it went; musterd dies with this process.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from tests.support.rig import BUILD, ROOT, Musterd, run

RACK = ROOT / "deploy" / "rack" / "rack"
LOGIN = "{} login:"


def built_images():
    """The folder of the installer's images; made if they are not there, or not of today's sources."""
    folder = ROOT / "build" / "minimal"  # one for all builds: it holds nothing compiled
    done = run(ROOT / "deploy" / "minimal-installer" / "build", folder, timeout=1800, check=False)
    if done.returncode != 0:
        raise AssertionError(f"no installer images:\n{done.stdout[-2000:]}")
    return folder


class Rack:
    """Machines r1n01, … (off at first), a site folder for them, and musterd processes."""

    def __init__(self, firmware="bios", boot="disk,net", nodes=1, boot_by="any"):
        images = built_images()
        self.name = f"t{os.getpid()}"
        self.processes = []
        self.began = time.monotonic()
        self.folder = pathlib.Path(run(RACK, "up", self.name, "--nodes", nodes, "--firmware", firmware, "--boot",
                                       boot, "--boot-by", boot_by, "--owner", os.getpid()).stdout.split()[-1])
        try:
            self.flags = []  # of every musterd
            self.interface = "br0"
            self.site, self.data = self.folder / "site", self.folder / "data"
            self.data.mkdir()
            self._write_site(images, nodes)
        except BaseException:
            self.close()
            raise

    def _write_site(self, images, nodes):
        shutil.copytree(ROOT / "deploy" / "example-site", self.site)
        files = self.site / "files" / "minimal"
        files.mkdir(parents=True)
        for name in ("linux", "initrd", "root.tar"):
            try:
                os.link(images / name, files / name)
            except OSError:
                shutil.copyfile(images / name, files / name)
        # No fixed addresses: the pool's leases have to last by themselves.
        (self.site / "nodes.yaml").write_text("".join(
            f"- name: r1n{n:02d}\n  mac: [52:54:00:4d:00:{n:02x}]\n  profile: minimal\n  tags: [rack1]\n"
            for n in range(1, nodes + 1)))

    def say(self, text):
        """A line for the person who reads the log, with the seconds since the rack was made."""
        print(f"  [{time.monotonic() - self.began:6.1f} s] {text}", file=sys.stderr, flush=True)

    # --- musterd -------------------------------------------------------------------------------

    def start(self, *flags):
        """Starts musterd on the rack's network; returns once it says that it is ready."""
        # Each step execs the next, so this process id is musterd's; and it dies with this process.
        server = Musterd(["setpriv", "--pdeathsig", "KILL", str(RACK), "exec", "--rack", self.name, "--",
                          str(BUILD / "musterd"), "--site", str(self.site), "--data", str(self.data),
                          "--interface", self.interface, *map(str, self.flags), *flags], self)
        self.processes.append(server)
        server.wait_ready()
        return server

    def restart_after_kill(self):
        """Kills musterd as a power cut of its process would, and starts it again at once."""
        server = self.processes[-1]
        server.signal(signal.SIGKILL)
        server.kill()
        return self.start()

    def muster(self, *arguments, **kwargs):
        return run(RACK, "exec", "--rack", self.name, "--", BUILD / "muster", *arguments, **kwargs)

    def metrics(self):
        return run(RACK, "exec", "--rack", self.name, "--", "curl", "-sS", "http://127.0.0.1:8067/metrics").stdout

    def node(self, name="r1n01"):
        """All that the API tells of a node, with its attempts and events."""
        return json.loads(self.muster("show", name, "--json").stdout)

    def lease(self, name="r1n01"):
        """The address leased to a node, or None."""
        leases = json.loads(self.muster("leases", "--json").stdout)
        return next((lease["address"] for lease in leases if lease["node"] == name), None)

    def states(self, name="r1n01", attempt=None):
        """The states a node went through, oldest first, from its events; those of one attempt if asked."""
        out, of = [], 0
        for event in self.node(name)["events"]:
            if event["event"] == "state-changed":
                if "attempt" in event["message"] and "begins" in event["message"]:
                    of = int(event["message"].split("attempt ")[-1].split()[0])
                if attempt in (None, of):
                    out.append(event["message"].split(",")[0].split()[0])
        return out

    def wait_node(self, wanted, what, name="r1n01", timeout=300, interval=0.3):
        """Waits until wanted(node) is true; the node then. Ends early when an install failed for good."""
        end = time.monotonic() + timeout
        while True:
            node = self.node(name)
            if wanted(node):
                self.say(f"{name}: {what} (state {node['state']}, attempt {node['attempt']})")
                return node
            if node["state"] == "failed" or time.monotonic() > end:
                self.fail(f"{name}: waited for: {what}; it is {node['state']}, attempt {node['attempt']}, "
                          f"{node['message']!r}", name)
            time.sleep(interval)

    def wait_state(self, state, name="r1n01", timeout=300):
        return self.wait_node(lambda node: node["state"] == state, state, name, timeout)

    # --- machines ------------------------------------------------------------------------------

    def power(self, action, name="r1n01"):
        run(RACK, "power", action, name, "--rack", self.name)
        self.say(f"{name}: power {action}")

    def console(self, name="r1n01", after=0):
        """The console's text from byte `after` on."""
        with open(self.folder / name / "console.log", "rb") as file:
            file.seek(after)
            return file.read().decode("latin-1")

    def console_size(self, name="r1n01"):
        return (self.folder / name / "console.log").stat().st_size

    def wait_console(self, text, name="r1n01", after=0, timeout=300):
        end = time.monotonic() + timeout
        while text not in self.console(name, after):
            if time.monotonic() > end:
                self.fail(f"{name}: no {text!r} on its console", name)
            time.sleep(0.2)
        self.say(f"{name}: console: {text}")

    def wait_login(self, name="r1n01", after=0, timeout=300):
        """Waits for the login prompt of the installed system, which tells its host name."""
        self.wait_console(LOGIN.format(name), name, after, timeout)

    # --- the end -------------------------------------------------------------------------------

    def fail(self, message, name="r1n01"):
        raise AssertionError(f"{message}\n--- end of the console\n{self.console(name)[-3000:]}\n--- end of "
                             f"musterd's log\n" + "\n".join(self.processes[-1].log.splitlines()[-40:]))

    def close(self):
        for server in self.processes:
            server.kill()
        run(RACK, "down", "--rack", self.name, check=False)


class RackTest(unittest.TestCase):
    """A test case with a rack and a musterd."""

    firmware, boot, boot_by = "bios", "disk,net", "any"

    def setUp(self):
        # A time limit's SIGTERM: end as after ^C. The rack's watcher does the rest.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        print(file=sys.stderr)
        self.rack = Rack(self.firmware, self.boot, boot_by=self.boot_by)
        self.addCleanup(self.rack.close)
        self.prepare()
        self.rack.start()

    def prepare(self):
        """What else there is before musterd starts."""

    def assert_sane(self):
        """musterd ends when asked to, with nothing to complain about."""
        server = self.rack.processes[-1]
        self.assertEqual(server.stop(30), 0, server.log)
        for server in self.rack.processes:
            for word in ("Sanitizer", "runtime error:", "broken invariant"):
                self.assertNotIn(word, server.log)
