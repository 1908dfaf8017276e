#!/usr/bin/env python3
"""muster-load against musterd and against servers that are not ours, in network namespaces."""
import json
import pathlib
import subprocess
import sys
import time
import unittest
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

COMMON = {"command", "clients", "seconds", "failed", "seed", "server_cpu_seconds",
          "server_peak_rss_bytes", "client_limited", "client_cpu_share"}
KEYS = {
    "dhcp": {"exchanges", "exchanges_per_second", "retransmissions", "duplicate_addresses", "latency_ms"},
    "tftp": {"transfers", "bytes", "bytes_per_second", "retransmissions", "completion_ms"},
    "multicast": {"transfers", "bytes", "wire_bytes", "completion_ms"},
    "http": {"requests", "bytes", "bytes_per_second", "requests_per_second", "latency_ms"},
    "storm": {"installed", "lost", "waited_ms_by_cause", "time_to_loader_ms", "time_to_kernel_ms",
              "time_to_installed_ms"},
}
OFFLOAD = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers" / "offload.py"
SITE = f"""\
    server: {{address: {SERVER}}}
    subnets:
      - subnet: 10.66.0.0/16
        pools: [10.66.128.0-10.66.255.250]
        lease: 10m
    unknown-nodes: ignore
    """


class Load(RigTest):
    def setUp(self):
        super().setUp()
        # Half of a /16 is the client's, as its man page says; the server lives in the other half.
        for ns, address in ((self.rig.server_ns, SERVER), (self.rig.client_ns, "10.66.0.2")):
            run("ip", "-n", ns, "addr", "flush", "dev", "eth0", "scope", "global")
            run("ip", "-n", ns, "addr", "add", f"{address}/16", "dev", "eth0")
        run("ip", "-n", self.rig.client_ns, "route", "add", "local", "10.66.128.0/17", "dev", "lo")
        self.rig.write_site(**{"site.yaml": SITE})
        self.files = self.rig.site / "files"
        self.big = bytes(i * 7 % 251 for i in range(1000)) * 3000
        (self.files / "big.bin").write_bytes(self.big)
        (self.files / "small.bin").write_bytes(self.big[:4096])

    def start_load(self, *arguments):
        return subprocess.Popen(["ip", "netns", "exec", self.rig.client_ns, str(BUILD / "muster-load"),
                                 *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def load(self, *arguments, expect=0, timeout=120):
        """Runs it with --json; what it printed, and what it said on standard error."""
        process = self.start_load(*arguments, "--json")
        out, errors = process.communicate(timeout=timeout)
        self.assertEqual(process.returncode, expect, f"{arguments}\n{out}\n{errors}")
        self.assertNotIn("Sanitizer", errors)
        self.assertEqual(out.count("\n"), 1, out)
        result = json.loads(out)
        self.assertEqual(set(result), COMMON | KEYS[arguments[0]])
        self.assertEqual(result["command"], arguments[0])
        return result, errors

    def refused(self, *arguments, expect=2):
        """What it says when it cannot begin; nothing else is printed."""
        process = self.start_load(*arguments)
        out, errors = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out), (expect, ""), errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        return errors

    # dhcp

    def test_dhcp_by_broadcast(self):
        server = self.rig.start()
        result, errors = self.load("dhcp", "--interface", "eth0", "--clients", "1000", "--seed", "5",
                                   "--server-pid", server.pid)
        self.assertEqual((result["exchanges"], result["failed"], result["duplicate_addresses"]), (1000, 0, 0))
        self.assertEqual((result["clients"], result["seed"], errors), (1000, 5, ""))
        self.assertLessEqual(result["latency_ms"]["p50"], result["latency_ms"]["p99"])
        self.assertLessEqual(result["latency_ms"]["p99"], result["latency_ms"]["max"])
        self.assertGreater(result["server_cpu_seconds"], 0)
        self.assertGreater(result["server_peak_rss_bytes"], 1 << 20)
        self.assertEqual(len(self.rig.api("/api/v1/leases?limit=2000")["leases"]), 1000)
        # The same seed is the same machines, which keep what they have.
        again, _ = self.load("dhcp", "--interface", "eth0", "--clients", "1000", "--seed", "5")
        self.assertEqual(again["exchanges"], 1000)
        self.assertEqual(len(self.rig.api("/api/v1/leases?limit=2000")["leases"]), 1000)

    def test_dhcp_where_packets_get_lost(self):
        """One of ten, each way, of what DHCP sends: every machine has its address in the end."""
        for hook, port in (("input", "dport"), ("output", "sport")):
            for rule in ("add table inet loss",
                         f"add chain inet loss {hook} {{ type filter hook {hook} priority 0; }}",
                         f"add rule inet loss {hook} udp {port} 67 numgen random mod 10 0 drop"):
                self.rig.in_server("nft", rule)
        self.rig.start()
        bound, retransmissions = [], 0
        for _ in range(5):  # a machine that gives up after four tries begins again, as real ones do
            process = self.start_load("dhcp", "--mode", "relay", "--server", SERVER, "--clients", "300",
                                      "--concurrency", "300", "--json")
            out, errors = process.communicate(timeout=120)
            self.assertIn(process.returncode, (0, 1), errors)
            result = json.loads(out)
            retransmissions += result["retransmissions"]
            self.assertEqual(result["duplicate_addresses"], 0)
            bound = [lease for lease in self.rig.api("/api/v1/leases")["leases"] if lease["state"] == "bound"]
            if result["failed"] == 0:
                break
        self.assertEqual(len({lease["mac"] for lease in bound}), 300)
        self.assertEqual(len({lease["address"] for lease in bound}), 300)
        self.assertGreater(retransmissions, 50)

    def test_dhcp_through_a_relay(self):
        self.rig.start()
        result, _ = self.load("dhcp", "--mode", "relay", "--server", SERVER, "--clients", "300")
        self.assertEqual((result["exchanges"], result["failed"]), (300, 0))
        # Its machines are packet sockets, which see what a pair of virtual devices leaves uncut.
        self.assertEqual(self.grouped(), 0)

    def test_dhcp_answers_to_a_relay_leave_together_where_the_kernel_cuts_them(self):
        run("ip", "netns", "exec", self.rig.server_ns, sys.executable, OFFLOAD, "eth0", "tx-udp-segmentation", "off")
        self.rig.start()
        result, _ = self.load("dhcp", "--mode", "relay", "--server", SERVER, "--clients", "2000")
        self.assertEqual((result["exchanges"], result["failed"]), (2000, 0))
        self.assertGreater(self.grouped(), 100)

    def grouped(self):
        return sum(float(line.split()[1]) for line in self.rig.api("/metrics").splitlines()
                   if line.startswith("muster_io_datagrams_grouped_total"))

    def test_dhcp_in_an_open_loop(self):
        self.rig.start()
        result, _ = self.load("dhcp", "--interface", "eth0", "--clients", "500", "--rate", "200",
                              "--duration", "2s")
        self.assertEqual(result["failed"], 0)
        self.assertGreater(result["exchanges"], 250)
        self.assertLess(result["exchanges"], 550)
        result, _ = self.load("dhcp", "--interface", "eth0", "--clients", "300", "--arrivals", "racks:100")
        self.assertEqual(result["exchanges"], 300)
        self.assertGreater(result["seconds"], 1.9)

    # tftp and multicast

    def test_tftp_whole_and_verified(self):
        self.rig.start("--workers", "2")
        for options in ([], ["--windowsize", "16"], ["--blksize", "512", "--windowsize", "64"],
                        ["--blksize", "0"], ["--addresses", "10.66.130.0-10.66.130.255"]):
            result, _ = self.load("tftp", "--server", SERVER, "--file", "big.bin", "--clients", "40",
                                  "--verify", self.files / "big.bin", *options)
            self.assertEqual((result["transfers"], result["failed"]), (40, 0), options)
            self.assertEqual(result["bytes"], 40 * len(self.big), options)
        # Also the machines that were the last of their run sent their last ACK.
        ends = {line.split()[0]: float(line.split()[1]) for line in self.rig.api("/metrics").splitlines()
                if line.startswith("muster_tftp_transfers_total{")}
        self.assertEqual(ends['muster_tftp_transfers_total{outcome="completed"}'], 200, ends)

    def test_a_wrong_byte_is_found(self):
        self.rig.start()
        wrong = self.rig.folder / "wrong"
        wrong.write_bytes(self.big[:2_000_000] + b"!" + self.big[2_000_001:])
        for command in (["tftp", "--file", "big.bin"], ["http", "--path", "/files/big.bin", "--duration", "500ms"]):
            result, errors = self.load(command[0], "--server", SERVER, *command[1:], "--clients", "3",
                                       "--verify", wrong, expect=1)
            self.assertGreaterEqual(result["failed"], 3)
            self.assertIn("byte 2000000", errors)

    def test_a_file_that_is_not_there(self):
        self.rig.start()
        result, errors = self.load("tftp", "--server", SERVER, "--file", "missing", "--clients", "5", expect=1)
        self.assertEqual((result["transfers"], result["failed"]), (0, 5))
        self.assertRegex(errors, "failed 5 times: .*")

    def test_multicast(self):
        self.rig.start()
        result, _ = self.load("multicast", "--server", SERVER, "--interface", "eth0", "--file", "big.bin",
                              "--clients", "10", "--verify", self.files / "big.bin")
        self.assertEqual((result["transfers"], result["bytes"]), (10, 10 * len(self.big)))
        self.assertGreaterEqual(result["wire_bytes"], len(self.big))

    # http

    def test_http_on_kept_and_new_connections(self):
        server = self.rig.start("--workers", "2")
        for options in ([], ["--new-connections"], ["--addresses", "10.66.130.0-10.66.130.255"],
                        ["--verify", self.files / "small.bin"]):
            result, _ = self.load("http", "--server", SERVER, "--path", "/files/small.bin", "--clients", "16",
                                  "--duration", "1s", "--server-pid", server.pid, *options)
            self.assertEqual(result["failed"], 0, options)
            self.assertGreater(result["requests"], 100, options)
            self.assertGreater(result["bytes"], result["requests"] * 4096, options)
            self.assertAlmostEqual(result["seconds"], 1, delta=0.5)

    def test_http_counts_bytes_of_answers_that_are_not_whole_yet(self):
        (self.files / "huge.bin").write_bytes(b"h" * (64 << 20))
        self.rig.start()
        result, _ = self.load("http", "--server", SERVER, "--path", "/files/huge.bin", "--clients", "64",
                              "--duration", "500ms", "--warmup", "200ms")
        self.assertGreater(result["bytes"], 1 << 20)
        self.assertEqual(result["failed"], 0)

    def test_http_status_that_is_no_success(self):
        self.rig.start()
        result, errors = self.load("http", "--server", SERVER, "--path", "/files/none", "--clients", "2",
                                   "--duration", "500ms", expect=1)
        self.assertEqual(result["requests"], 0)
        self.assertGreaterEqual(result["failed"], 2)
        self.assertIn("404", errors)

    # Servers that are not ours

    def test_http_against_pythons_server(self):
        process = subprocess.Popen(["ip", "netns", "exec", self.rig.server_ns, sys.executable, "-m", "http.server",
                                    "--directory", str(self.files), "--bind", SERVER, "8000"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if self.rig.client("curl", "-s", f"http://{SERVER}:8000/", check=False).returncode == 0:
                    break
                time.sleep(0.1)
            result, _ = self.load("http", "--server", SERVER, "--port", "8000", "--path", "/big.bin", "--clients", "4",
                                  "--duration", "1s", "--verify", self.files / "big.bin", "--server-pid", process.pid)
            self.assertGreater(result["requests"], 4)
            self.assertEqual(result["failed"], 0)
        finally:
            process.kill()
            process.wait()

    # Trouble

    def test_a_server_that_is_not_there(self):
        for command in (["http", "--path", "/x", "--duration", "30s"], ["tftp", "--file", "x"],
                        ["dhcp", "--mode", "relay"], ["dhcp", "--interface", "eth0"]):
            begun = time.monotonic()
            result, errors = self.load(command[0], "--server", "10.66.0.99", *command[1:], "--clients", "5",
                                       "--patience", "2s", expect=1)
            self.assertGreaterEqual(result["failed"], 5, command)
            self.assertIn("nothing came from the server", errors)
            self.assertLess(time.monotonic() - begun, 15, command)

    def test_a_server_that_refuses(self):
        result, errors = self.load("http", "--server", SERVER, "--path", "/x", "--clients", "3", "--duration", "20s",
                                   "--patience", "1s", expect=1)
        self.assertEqual(result["requests"], 0)
        self.assertGreaterEqual(result["failed"], 3)
        self.assertIn("refused", errors)

    def test_a_server_that_is_killed_in_the_middle(self):
        for command in (["http", "--path", "/files/small.bin", "--duration", "60s"],
                        ["tftp", "--file", "small.bin", "--duration", "60s"],
                        ["dhcp", "--interface", "eth0", "--duration", "60s"]):
            server = self.rig.start()
            process = self.start_load(command[0], "--server", SERVER, *command[1:], "--clients", "20", "--json",
                                      "--patience", "3s", "--server-pid", server.pid)
            time.sleep(2)
            server.kill()
            out, errors = process.communicate(timeout=40)
            self.assertEqual(process.returncode, 1, errors)
            result = json.loads(out)
            done = result.get("requests", result.get("transfers", result.get("exchanges")))
            self.assertGreater(done, 0, command)
            self.assertGreaterEqual(result["failed"], 20, command)
            self.assertIn("has ended", errors)

    def test_an_interrupt_ends_it_with_a_report(self):
        self.rig.start()
        process = self.start_load("http", "--server", SERVER, "--path", "/files/small.bin", "--duration", "60s", "--json")
        time.sleep(1)
        # `ip netns exec` becomes the command: the signal goes to muster-load itself.
        process.send_signal(2)
        out, errors = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertGreater(json.loads(out)["requests"], 0)
        self.assertIn("interrupted", errors)

    def test_the_deadline_holds(self):
        self.rig.start()
        begun = time.monotonic()
        self.load("http", "--server", SERVER, "--path", "/files/small.bin", "--duration", "60s",
                  "--deadline", "1s", expect=1)
        self.assertLess(time.monotonic() - begun, 10)

    def test_wrong_use(self):
        self.assertIn("did you mean 'http'", self.refused("htpp"))
        self.assertIn("--path is missing", self.refused("http", "--server", SERVER))
        self.assertIn("there is no interface 'eth9'", self.refused("dhcp", "--interface", "eth9"))
        self.assertIn("allowed: 1 to", self.refused("dhcp", "--interface", "eth0", "--clients", "-1"))
        self.assertIn("--verify", self.refused("tftp", "--server", SERVER, "--file", "x", "--verify", "/none"))
        self.assertIn("not enough", self.refused("tftp", "--server", SERVER, "--file", "x", "--clients", "9",
                                                 "--addresses", "10.66.130.0-10.66.130.7"))

    def test_what_the_host_lacks(self):
        run("ip", "-n", self.rig.client_ns, "link", "add", "down0", "type", "veth", "peer", "name", "down1")
        self.assertIn("down0 is down", self.refused("dhcp", "--interface", "down0", expect=1))
        process = subprocess.run(["ip", "netns", "exec", self.rig.client_ns, "setpriv", "--bounding-set=-net_raw",
                                  "--inh-caps=-net_raw", str(BUILD / "muster-load"), "dhcp", "--interface", "eth0"],
                                 text=True, capture_output=True, timeout=30, check=False)
        self.assertEqual(process.returncode, 1)
        self.assertIn("CAP_NET_RAW", process.stderr)
        _, errors = self.load("tftp", "--server", SERVER, "--file", "x", "--addresses", "10.66.5.1-10.66.5.9", expect=1)
        self.assertIn("ip route add local", errors)

    def test_text_for_people(self):
        self.rig.start()
        out = self.rig.client(BUILD / "muster-load", "dhcp", "--interface", "eth0", "--clients", "100").stdout
        self.assertRegex(out, r"exchanges +100 \([\d,]+/s\)")
        self.assertRegex(out, r"latency +p50 .* p99 .* max ")
        self.assertRegex(out, r"this generator +\d+ % of a core")

    # storm

    def write_storm_site(self):
        self.rig.write_site(**{
            "site.yaml": SITE.replace("unknown-nodes: ignore", "unknown-nodes: {profile: tiny}"),
            "profiles/tiny.yaml": """\
                kernel: tiny/linux
                initrd: [tiny/initrd]
                cmdline: "BOOTIF=01-{{node.mac}} muster.answers={{answers_url}} muster.report={{report_url}}"
                answers: {install.conf: tiny.mustache}
                variables: {image: big.bin}
                """,
            "nodes.yaml": "[]\n",
            "templates/tiny.mustache": 'hostname="{{node.name}}"\nimage="{{files_url}}/{{image}}"\nreboot="reboot"\n',
        })

    def test_a_storm_is_installed_to_the_last_machine(self):
        self.write_storm_site()
        server = self.rig.start("--workers", "2")
        plot = self.rig.folder / "storm.svg"
        result, errors = self.load("storm", "--interface", "eth0", "--nodes", "50", "--firmware", "mixed",
                                   "--power-on", "2s", "--own-time", "0.1", "--server-pid", server.pid,
                                   "--plot", plot, timeout=300)
        self.assertEqual((result["installed"], result["lost"], result["failed"]), (50, 0, 0), errors)
        states = [node["state"] for node in self.rig.api("/api/v1/nodes?limit=100")["nodes"]]
        self.assertEqual(states, ["installed"] * 50)
        for earlier, later in (("loader", "kernel"), ("kernel", "installed")):
            self.assertLess(result[f"time_to_{earlier}_ms"]["p50"], result[f"time_to_{later}_ms"]["p50"])
        self.assertGreater(result["waited_ms_by_cause"]["client"], 0)
        drawing = xml.dom.minidom.parse(str(plot))
        self.assertIn("50 machines", drawing.getElementsByTagName("text")[0].firstChild.data)

    def test_machines_wait_for_their_turn_and_all_are_installed(self):
        self.write_storm_site()
        server = self.rig.start("--workers", "2", "--boot-slots", "2")
        load = self.start_load("storm", "--interface", "eth0", "--nodes", "10", "--firmware", "mixed", "--power-on",
                               "1s", "--own-time", "0.1", "--server-pid", server.pid, "--json")
        seen = []
        while load.poll() is None:
            seen.append(self.rig.api("/api/v1/governor"))
            time.sleep(0.1)
        out, errors = load.communicate(timeout=60)
        result = json.loads(out)
        self.assertEqual((result["installed"], result["lost"], result["failed"]), (10, 0, 0), errors)
        self.assertLessEqual(max(governor["loading"] for governor in seen), 2)
        self.assertGreater(max(governor["waiting"] for governor in seen), 1)
        for governor in seen:
            self.assertEqual([entry["place"] for entry in governor["queue"]],
                             list(range(1, governor["waiting"] + 1)))
        self.assertGreater(result["waited_ms_by_cause"]["told_to_wait"], 0)
        waited = [self.rig.api(f"/api/v1/nodes/{node['name']}/timeline")["attempts"][-1]["waited_ms_by_cause"]["governor"]
                  for node in self.rig.api("/api/v1/nodes?limit=100")["nodes"]]
        self.assertGreater(sum(wait > 0 for wait in waited), 3)
        self.assertEqual(self.rig.api("/api/v1/governor")["loading"], 0)

    def test_a_simulated_storm_is_the_same_each_time(self):
        def plan():
            process = self.start_load("storm", "--simulate", "--nodes", "20", "--link", "1G", "--image", "8MiB", "--json")
            out, errors = process.communicate(timeout=300)
            self.assertEqual(set(json.loads(out)), COMMON | KEYS["storm"], errors)
            return json.loads(out)
        first = plan()
        self.assertEqual((first["installed"], first["lost"]), (20, 0))
        self.assertEqual(first, plan())

    def test_a_storm_without_a_server_is_lost(self):
        result, errors = self.load("storm", "--interface", "eth0", "--nodes", "5", "--power-on", "100ms",
                                   "--patience", "3s", expect=1)
        self.assertEqual((result["installed"], result["lost"], result["failed"]), (0, 5, 5))
        self.assertIn("nothing came from the server", errors)


if __name__ == "__main__":
    unittest.main()
