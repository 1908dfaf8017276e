#!/usr/bin/env python3
"""The answers of deploy/profiles as machines fetch them, for each family, bare and with every variable:
the validators of their installers take them, every script in them is one, and what the scripts share is
run against a real server."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support import media  # noqa: E402
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0t someone@example"
HASH = "$6$salt$m/mv2eW3lUd4Ffa/K33qVfrh3l23cFLtYi8NrM53zzddXRr.87J3jG86lZp9vhb1fazso.UT9Uys1G76vtP5F/"
EVERY = {"disk": "smallest", "disk_min_gib": 20, "disk_spare_label": "DATA", "root_password_hash": HASH, "ssh_key": KEY,
         "user": "admin", "user_password_hash": HASH, "packages": ["vim", "htop"],
         "late_commands": ["echo one >/root/one", "echo \"two\" >/root/two && true"], "timezone": "Europe/Berlin",
         "locale": "de_DE.UTF-8", "keymap": "de", "partition_method": "lvm", "kernel_args": "console=ttyS0,115200",
         "mirror_host": "mirror.example:8080", "mirror_directory": "/debian", "mirror": "http://mirror.example/arch",
         "registration_code": "ABC", "products": ["SLES"]}
FAMILIES = {"debian": media.debian_netboot(), "ubuntu": media.ubuntu_netboot(), "redhat": media.anaconda("Rocky Linux", "9.3", []),
            "suse": media.suse(), "alpine": media.alpine_iso(), "flatcar": media.flatcar(), "coreos": media.coreos_pxe(),
            "arch": media.arch_iso()}
SHELLS = [["bash"], ["dash"], ["busybox", "sh"]]


def shell_syntax(text, shell):
    done = subprocess.run([*shell, "-n"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode != 0 else ""


class AnswersTest(RigTest):
    def setUp(self):
        super().setUp()
        nodes = []
        for number, (label, files) in enumerate(FAMILIES.items()):
            folder = media.write_folder(self.rig.folder / "media" / label, files)
            run(BUILD / "muster", "import", folder, "--name", label, "--site", self.rig.site)
            for kind, variables in (("bare", {}), ("full", EVERY)):
                if label == "redhat" and kind == "bare":
                    variables = {"repository": "http://mirror.example/rocky/"}
                mac = f"52:54:00:00:{number:02x}:{len(nodes):02x}"
                nodes.append({"name": f"{label}-{kind}", "mac": mac, "profile": label, "variables": variables})
        self.nodes = {node["name"]: node for node in nodes}
        self.rig.write_site(**{"nodes.yaml": json.dumps(nodes)})
        run(BUILD / "musterd", "--check", "--site", self.rig.site)
        self.rig.start()

    def get(self, url):
        return self.rig.client("curl", "-sfS", url if url.startswith("http") else f"http://{SERVER}{url}").stdout

    def answers(self, node):
        """Name → text of the answers, as the machine fetches them, and the URL they come from."""
        script = self.get(f"/boot/ipxe?mac={self.nodes[node]['mac']}")
        url = re.search(rf"http://{SERVER}/answers/[\w-]+", script)[0]
        profile = yaml.safe_load((self.rig.site / "profiles" / f"{self.nodes[node]['profile']}.yaml").read_text())
        return {name: self.get(f"{url}/{name}") for name in profile["answers"]}, url

    def each(self, family):
        return [(kind, self.answers(f"{family}-{kind}")[0]) for kind in ("bare", "full")]

    def write(self, name, text):
        path = self.rig.folder / name
        path.write_text(text)
        return path

    def assert_shell(self, text, *shells):
        for shell in shells or SHELLS:
            self.assertEqual(shell_syntax(text, shell), "", f"{shell}:\n{text}")


class Validators(AnswersTest):
    def test_check_finds_nothing_wrong(self):
        """`muster check` shows all of them to the validators that are there, without a server."""
        # Somebody installs a package meanwhile: the system's debconf is locked.
        with open("/var/cache/debconf/config.dat", "rb") as database:
            fcntl.flock(database, fcntl.LOCK_EX)
            told = run(BUILD / "muster", "check", self.rig.site).stdout
        self.assertIn("debconf-set-selections: 2 texts looked at\n", told)
        self.assertIn("xmllint: 2 texts looked at\n", told)
        for name in ("ignition-validate", "ksvalidator", "cloud-init"):
            self.assertRegex(told, rf"(?m)^{name}: (\d+ texts looked at|not installed, skipped)$")

    def test_preseed(self):
        for kind, answers in self.each("debian"):
            text = answers["preseed.cfg"]
            run("debconf-set-selections", "--checkonly", self.write("preseed", text))
            for question in re.findall(r"^d-i \S+/(?:early|late)_command string (.*?[^\\])$", text, re.M | re.S):
                # As debconf joins the lines, and the installer's shell reads them.
                self.assert_shell(re.sub(r"\\\n\s*", " ", question), ["busybox", "sh"], ["dash"])
            self.assertEqual(len(re.findall(r"^d-i \S+_command string", text, re.M)), 3)
            self.assertIn(f"root-password-crypted password {HASH if kind == 'full' else '!'}\n", text)
            self.assertIn("mirror/http/hostname string " + ("mirror.example:8080" if kind == "full" else "deb.debian.org"), text)
            # debconf's own reader refuses nothing: two questions on one line would be one value.
            for line in re.sub(r"\\\n", " ", text).splitlines():
                if line and not line.startswith("#"):
                    self.assertRegex(line, r"^(d-i|tasksel|popularity-contest) \S+ (string|select|multiselect|boolean|password|note)( |$)")

    def test_autoinstall(self):
        for kind, answers in self.each("ubuntu"):
            answer = yaml.safe_load(answers["user-data"])["autoinstall"]
            self.assertEqual(answer["storage"]["layout"]["match"], {"path": "@disk@"})
            self.assertEqual(answer["identity"]["hostname"], f"ubuntu-{kind}")
            self.assertEqual(answer["packages"], ["curl"] + EVERY["packages"] * (kind == "full"))
            self.assertEqual("authorized-keys" in answer["ssh"], kind == "full")
            commands = answer["early-commands"] + answer["late-commands"] + answer["error-commands"]
            self.assertEqual(len(commands), 6 + 3 * (kind == "full"))
            for command in commands:
                self.assert_shell(command, ["dash"])
            self.assertIn("muster_installed", answer["late-commands"][-1])
            self.assertEqual(yaml.safe_load(answers["meta-data"])["local-hostname"], f"ubuntu-{kind}")

    @unittest.skipUnless(shutil.which("cloud-init"), "cloud-init is not installed")
    def test_autoinstall_is_cloud_config(self):
        for _, answers in self.each("ubuntu"):
            for name in ("user-data", "vendor-data"):
                run("cloud-init", "schema", "--config-file", self.write(name, answers[name]))

    def test_kickstart_scripts(self):
        for kind, answers in self.each("redhat"):
            text = answers["ks.cfg"]
            sections = re.findall(r"^%(?!include)(\w[\w-]*)[^\n]*\n(.*?)^%end$", text, re.M | re.S)
            self.assertEqual([name for name, _ in sections],
                             ["packages", "pre", "pre-install", "onerror"] + ["post"] * (3 if kind == "full" else 1))
            for name, body in sections:
                if name != "packages":
                    self.assert_shell(body, ["bash"])
            self.assertEqual("rootpw --lock" in text, kind == "bare")
            self.assertEqual("url --url=" in text, True)

    @unittest.skipUnless(shutil.which("ksvalidator"), "ksvalidator (pykickstart) is not installed; Debian 12 has no package of it")
    def test_kickstart(self):
        for _, answers in self.each("redhat"):
            run("ksvalidator", self.write("ks.cfg", answers["ks.cfg"]))

    def test_autoyast(self):
        for kind, answers in self.each("suse"):
            run("xmllint", "--noout", "--nonet", self.write("autoinst.xml", answers["autoinst.xml"]))
            space = {"y": "http://www.suse.com/1.0/yast2ns"}
            root = xml.etree.ElementTree.fromstring(answers["autoinst.xml"])
            scripts = root.findall(".//y:script/y:source", space)
            self.assertEqual(len(scripts), 4 if kind == "full" else 2)
            for script in scripts:
                self.assert_shell(script.text, ["bash"])
            self.assertEqual(root.findtext(".//y:drive/y:device", None, space), "MUSTER_DISK")
            self.assertEqual(bool(root.findall(".//y:suse_register", space)), kind == "full")

    @unittest.skipUnless(shutil.which("ignition-validate"), "ignition-validate (package ignition) is not installed")
    def test_ignition(self):
        for family in ("coreos", "flatcar"):
            for _, answers in self.each(family):
                for name in ("live.ign", "config.ign"):
                    run("ignition-validate", self.write(name, answers[name]))
                self.assert_shell(answers["install.sh"], ["bash"])

    def test_scripts(self):
        for _, answers in self.each("alpine"):
            self.assert_shell(answers["install.sh"], ["busybox", "sh"])
            # setup-alpine sources it.
            self.assert_shell(answers["answers"], ["busybox", "sh"])
        for _, answers in self.each("arch"):
            self.assert_shell(answers["install.sh"], ["bash"])
        for family in FAMILIES:
            for _, answers in self.each(family):
                self.assert_shell(answers["install-lib"])

    def test_no_secret_is_in_a_log(self):
        for family in FAMILIES:
            self.answers(f"{family}-full")
        self.assertNotIn(HASH, self.rig.processes[0].log)


class Library(AnswersTest):
    """install-lib, in each shell that installers have."""

    def library(self, node):
        answers, _ = self.answers(node)
        return self.write(f"{node}-lib", answers["install-lib"])

    def run_lib(self, library, shell, script, **environment):
        done = subprocess.run(["ip", "netns", "exec", self.rig.client_ns, *shell, "-c", f". {library}; {script}"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env={**os.environ, **environment})
        return done.returncode, done.stdout

    def test_reports_arrive(self):
        for shell, node in zip(SHELLS, ("debian-bare", "redhat-bare", "alpine-bare")):
            with self.subTest(shell=shell):
                library = self.library(node)
                text = "50 % & more: ä \"quoted\" 'too'; $x + a=b"
                self.assertEqual(self.run_lib(library, shell, "muster_started")[0], 0)
                self.assertEqual(self.rig.node(node)["state"], "installing")
                self.assertEqual(self.run_lib(library, shell, 'muster_progress 42 "$text"', text=text)[0], 0)
                self.assertEqual((self.rig.node(node)["stage_percent"], self.rig.node(node)["message"]), (42, text))
                self.assertEqual(self.run_lib(library, shell, "muster_installed")[0], 0)
                self.assertEqual(self.rig.node(node)["state"], "installed")
                # The token is spent.
                self.assertNotEqual(self.run_lib(library, shell, "muster_started")[0], 0)

    def test_a_failure_comes_with_the_end_of_its_log(self):
        log = self.write("log", "".join(f"line {n}\n" for n in range(1000)) + "the\tlast words\n")
        for shell, node in zip(SHELLS, ("debian-bare", "redhat-bare", "alpine-bare")):
            with self.subTest(shell=shell):
                library = self.library(node)
                self.run_lib(library, shell, "muster_started")
                self.assertEqual(self.run_lib(library, shell, f"muster_failed 'it broke' /nothing/there {log}")[0], 0)
                events = self.rig.muster("show", node).stdout
                self.assertIn("it broke | line 993", events)
                self.assertIn("the last words", events)

    def disks(self, **disks):
        """A /sys with these disks: size in GiB, removable, read-only."""
        system = self.rig.folder / "sys"
        shutil.rmtree(system, ignore_errors=True)
        (system / "block").mkdir(parents=True)
        for name, (gib, removable, read_only) in disks.items():
            folder = system / "block" / name
            folder.mkdir()
            for file, value in (("size", gib * 2097152), ("removable", removable), ("ro", read_only)):
                (folder / file).write_text(f"{value}\n")
        return {"MUSTER_SYS": str(system)}

    def test_the_disk_is_chosen_by_rule(self):
        bare, full = self.library("debian-bare"), self.library("debian-full")
        for shell in SHELLS:
            with self.subTest(shell=shell):
                sys_ = self.disks(loop0=(50, 0, 0), sda=(2, 0, 0), sdb=(100, 1, 0), sdc=(100, 0, 1), sdd=(500, 0, 0), sde=(30, 0, 0),
                                  sr0=(90, 1, 0))
                # The first that is fixed, writable and large enough; then the smallest from 20 GiB on.
                self.assertEqual(self.run_lib(bare, shell, "muster_choose_disk", **sys_), (0, "/dev/sdd\n"))
                self.assertEqual(self.run_lib(full, shell, "muster_choose_disk", **sys_), (0, "/dev/sde\n"))
                status, reason = self.run_lib(full, shell, "muster_choose_disk", **self.disks(vda=(19, 0, 0), nvme0n1=(3, 0, 0)))
                self.assertEqual(status, 1)
                self.assertEqual(reason, "no disk fits the rule: smallest, at least 20 GiB, without a file system labelled DATA; "
                                         "there are: nvme0n1 3 GiB, vda 19 GiB\n")
                # A path names one, and no other is taken in its stead.
                sys_ = self.disks(sda=(100, 0, 0), sdd=(500, 0, 0))
                path = "muster_disk_rule=/dev/sdd; muster_choose_disk"
                self.assertEqual(self.run_lib(bare, shell, path, **sys_), (0, "/dev/sdd\n"))
                status, reason = self.run_lib(bare, shell, path.replace("sdd", "sdz"), **sys_)
                self.assertEqual(status, 1)
                self.assertIn("no disk fits the rule: /dev/sdz", reason)
                status, reason = self.run_lib(bare, shell, "muster_choose_disk", **self.disks())
                self.assertEqual((status, reason), (1, "no disk fits the rule: first, at least 4 GiB; there are: \n"))


if __name__ == "__main__":
    unittest.main()
