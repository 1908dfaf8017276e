"""A site of ten thousand machines in every state, some of which are in a real storm: what the page
is tested on and drawn from. `python3 page_world.py` serves one until it is interrupted."""
import concurrent.futures
import http.client
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig  # noqa: E402

RACKS, PER_RACK = 250, 39
STORM = 250
SITE = f"""\
    server: {{address: {rig.SERVER}}}
    subnets:
      - subnet: 10.66.0.0/16
        pools: [10.66.128.0-10.66.255.250]
        lease: 1h
    unknown-nodes: {{hold: true}}
    boot: {{slots: {{tags: {{rack216: 4}}}}}}
    """
STORM_PROFILE = """\
    kernel: tiny/linux
    initrd: [tiny/initrd]
    cmdline: "BOOTIF=01-{{node.mac}} muster.answers={{answers_url}} muster.report={{report_url}}"
    answers: {install.conf: tiny.mustache}
    variables: {image: big.bin}
    """
STORM_TEMPLATE = """\
    hostname="{{node.name}}"
    image="{{files_url}}/{{image}}"
    reboot="reboot"
    """
ANSWERS = """\
    hostname="{{node.name}}"
    suite="{{suite}}"
    timezone="{{timezone}}"
    disk="{{disk}}"
    report="{{report_url}}"
    """
PROFILE = """\
    kernel: tiny/linux
    initrd: [tiny/initrd]
    cmdline: "console=ttyS0 muster.answers={{answers_url}} muster.report={{report_url}}"
    answers: {install.conf: answers.mustache}
    variables: {suite: bookworm, timezone: Etc/UTC, disk: /dev/nvme0n1}
    deadlines: {booting: 20m, installing: 2h}
    retries: 1
    """
WORDS = ["partitioning /dev/nvme0n1", "unpacking base-files", "unpacking libc6", "configuring openssh-server",
         "installing linux-image-amd64", "writing GRUB to /dev/nvme0n1", "running the site's own steps"]
FAILURES = ["no disk found", "mirror gave 404 for Packages.xz", "checksum of root.tar.zst differs"]


def nodes():
    for rack in range(1, RACKS + 1):
        for slot in range(1, PER_RACK + 1):
            yield rack, slot, f"r{rack:03}n{slot:02}", f"52:54:01:{rack >> 8:02x}:{rack & 255:02x}:{slot:02x}"


class PageWorld:
    """musterd with that site; machines are played from the client's namespace."""

    def __init__(self, *flags):
        self.rig = rig.Rig("p")
        self.storm = None
        try:
            self.begin(*flags)
        except BaseException:
            self.rig.close()
            raise

    def begin(self, *flags):
        for ns, address in ((self.rig.server_ns, rig.SERVER), (self.rig.client_ns, rig.CLIENT)):
            rig.run("ip", "-n", ns, "addr", "flush", "dev", "eth0", "scope", "global")
            rig.run("ip", "-n", ns, "addr", "add", f"{address}/16", "dev", "eth0")
        rig.run("ip", "-n", self.rig.client_ns, "route", "add", "local", "10.66.128.0/17", "dev", "lo")
        listed = []
        for rack, slot, name, mac in nodes():
            profile = "storage" if slot > 36 else "debian12"
            role = "storage" if slot > 36 else "gpu" if rack % 5 == 0 else "compute"
            listed.append(f"- {{name: {name}, mac: ['{mac}'], profile: {profile}, tags: [rack{rack:03}, {role}]}}\n")
        for n in range(STORM): # the link addresses of muster-load's first seed
            listed.append(f"- {{name: s{n // 25 + 1}n{n % 25 + 1:02}, mac: ['02:c5:10:00:00:{n:02x}'], profile: tiny, "
                          f"tags: [rack{RACKS + n // 25 + 1}, burst]}}\n")
        self.rig.write_site(**{"site.yaml": SITE, "nodes.yaml": "", "profiles/tiny.yaml": STORM_PROFILE,
                               "templates/tiny.mustache": STORM_TEMPLATE, "templates/answers.mustache": ANSWERS,
                               "profiles/debian12.yaml": PROFILE, "profiles/storage.yaml": PROFILE})
        (self.rig.site / "nodes.yaml").write_text("".join(listed))
        (self.rig.site / "files" / "big.bin").write_bytes(bytes(range(256)) * 16_384)
        # As many as populate() leaves on their way, and a few for the storm.
        slots = sum(1 for _, steps in self.plan(1)[0] if len(steps) in (1, 4) and "failed" not in steps[-1]) + 12
        self.server = self.rig.start("--boot-slots", str(slots), "--log-level", "warn", *flags, wait=False)
        self.server.wait_ready(120)

    def play(self, orders):
        """Runs machines' requests in the client's namespace; see play_machines()."""
        done = subprocess.run(["ip", "netns", "exec", self.rig.client_ns, sys.executable, __file__, "play"],
                              input=json.dumps(orders), text=True, stdout=subprocess.PIPE, check=True, timeout=300)
        return json.loads(done.stdout)

    def order(self, names, verb):
        """The admin API's POST for each, over one connection."""
        rig.run("ip", "netns", "exec", self.rig.server_ns, sys.executable, __file__, "order", verb, *names, timeout=120)

    @staticmethod
    def plan(seed, every=1):
        """What each machine does, and who is ignored: most are installed, a few in trouble. Of the
        racks that are done, one in `every` is."""
        draw = random.Random(seed)
        orders, ignored = [], []
        for rack, slot, name, mac in nodes():
            if rack == 216 and slot < 30:
                orders.append([mac, ["script"]]) # more than its budget lets load: most wait
            if rack > 215 or (rack <= 190 and rack % every != 0):
                continue # `ready`: their racks are not switched on yet
            if rack > 190: # these are being installed now
                percent = min(99, max(0, round(draw.gauss(52 - (rack - 200) * 4, 13))))
                steps = (["script"] if percent < 4 else
                         ["script", "answers", "started", f"progress?percent={percent}&message={draw.choice(WORDS)}"])
                orders.append([mac, steps])
            elif draw.random() < 0.006:
                failing = ["script", "answers", "started", f"failed?message={draw.choice(FAILURES)}"]
                orders.append([mac, failing + failing]) # its retry, too
            elif draw.random() < 0.004:
                ignored.append(name)
            else:
                orders.append([mac, ["script", "answers", "installed"]])
        orders += [[f"52:54:02:00:00:{n:02x}", ["script"]] for n in range(3)] # nobody knows these
        return orders, ignored

    def populate(self, every=1, seed=1):
        """Brings the machines into the states of plan(); their tokens by link address."""
        orders, ignored = self.plan(seed, every)
        tokens = self.play(orders)
        if ignored:
            self.order(ignored, "ignore")
        return tokens

    def begin_storm(self, count=STORM, power_on="8s", own_time="0.4"):
        """The last ten racks are switched on; real loaders' ways, by DHCP, TFTP and HTTP."""
        self.storm = subprocess.Popen(
            ["nice", "-n", "5", "ip", "netns", "exec", self.rig.client_ns, str(rig.BUILD / "muster-load"), "storm",
             "--interface", "eth0", "--nodes", str(count), "--firmware", "mixed", "--power-on", power_on,
             "--own-time", own_time, "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        if self.storm is not None and self.storm.poll() is None:
            self.storm.kill()
            self.storm.wait(10)
        self.rig.close()


def play_machines(orders):
    """Each machine: its link address and what it does. Gives the tokens by link address."""
    tokens = {}

    def worker(part):
        server = http.client.HTTPConnection(rig.SERVER, 80, timeout=60)

        def get(path):
            server.request("GET", path.replace(" ", "%20"))
            return server.getresponse().read().decode()
        for mac, steps in part:
            for step in steps:
                if step == "script":
                    script = get(f"/boot/ipxe?mac={mac}")
                    found = re.search(r"/report/([0-9A-Za-z_-]+)", script)
                    if found is None:
                        break # told to wait, or to boot its disk
                    tokens[mac] = found[1]
                elif step == "answers":
                    get(f"/answers/{tokens[mac]}/install.conf")
                else:
                    get(f"/report/{tokens[mac]}/{step}")
        server.close()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(worker, (orders[i::8] for i in range(8))))
    return tokens


def main():
    if sys.argv[1:] == ["play"]:
        json.dump(play_machines(json.load(sys.stdin)), sys.stdout)
    elif sys.argv[1:2] == ["order"]:
        server = http.client.HTTPConnection("127.0.0.1", 8067, timeout=60)
        for name in sys.argv[3:]:
            server.request("POST", f"/api/v1/nodes/{name}/{sys.argv[2]}")
            server.getresponse().read()
    else:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        world = PageWorld()
        try:
            began = time.monotonic()
            world.populate()
            print(f"populated in {time.monotonic() - began:.1f} s")
            world.begin_storm(power_on="20s")
            print(f"ip netns exec {world.rig.server_ns} …   the page: http://127.0.0.1:8067/", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            world.close()


if __name__ == "__main__":
    main()
