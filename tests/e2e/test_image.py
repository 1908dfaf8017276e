#!/usr/bin/env python3
"""A disk image, brought by `muster import`, on a bare machine: written, checked, grown, named, booted."""
import os
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support import disk_image  # noqa: E402
from tests.support.rack import RackTest, built_images  # noqa: E402

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNvbWVib2R5 somebody"


class ImageTest(RackTest):
    boot = "net,disk"
    packed = []  # how the image comes: a command that makes FILE from disk.raw
    name = "disk.raw"
    variables = ""

    def prepare(self):
        rack = self.rack
        work = rack.folder / "image"
        work.mkdir()
        self.image = disk_image.make_disk_image(work / "disk.raw", built_images() / "root.tar", work)
        source = self.image
        if self.packed:
            source = work / self.name
            disk_image.tool(*[str(word).replace("FILE", str(source)).replace("DISK", str(self.image)) for word in self.packed])
        out = rack.muster("import", source, "--name", "golden", "--site", rack.site).stdout
        rack.say(out)
        self.assertIn("its sha256 sum, which machines check", out)
        imported = rack.site / "files/golden/disk.raw"
        self.assertEqual(disk_image.tool("cmp", imported, self.image), "")
        profile = rack.site / "profiles/golden.yaml"
        profile.write_text(profile.read_text().replace("retries: 3", "retries: 0"))
        nodes = rack.site / "nodes.yaml"
        nodes.write_text(nodes.read_text().replace("profile: minimal", "profile: golden") +
                         f"  variables: {{ssh_key: \"{KEY}\", user: somebody, late_commands: [\"touch /late\"]{self.variables}}}\n")

    def check_installed(self):
        rack = self.rack
        rack.power("on")
        rack.wait_state("installed")
        rack.wait_console("booting from its own disk")
        rack.wait_login()
        percents = [int(found) for found in re.findall(r"installer: (\d+) % of \d+ MB", rack.console())]
        self.assertGreater(len(percents), 0)
        self.assertEqual(percents, sorted(percents))
        self.assertIn("sha256 sum is right", rack.console())
        told = [entry for entry in rack.node()["recorder"] if entry["kind"] == "report"]
        rack.say(f"{told[-3:]}; the disk has {disk_image.partitions(rack.folder / 'r1n01/disk.raw')}")
        self.assertTrue(any("progress" in str(entry) for entry in told), told)

    def fails(self, words):
        """An order to install, with the site as it is now, ends with a failure that says so."""
        rack = self.rack
        seen = len(rack.processes[-1].lines)
        rack.processes[-1].signal(signal.SIGHUP)
        rack.processes[-1].wait_log("site", after=seen)
        rack.muster("install", "r1n01")
        rack.power("reset")
        node = rack.wait_node(lambda node: words in (node["message"] or ""), words)
        rack.say(node["message"])
        self.assertEqual(node["state"], "failed")

    def check_disk(self):
        """The partition has grown and its file system with it; name, key and seed are there."""
        disk = self.rack.folder / "r1n01/disk.raw"
        start, sectors = disk_image.partitions(disk)[-1]
        self.assertLess(disk.stat().st_size - (start + sectors) * 512, 2 * disk_image.MIB)
        head = disk_image.tool("dumpe2fs", "-h", f"{disk}?offset={start * 512}")
        blocks, block = (int(re.search(rf"(?m)^{key}: +(\d+)", head)[1]) for key in ("Block count", "Block size"))
        self.assertLess(sectors * 512 - blocks * block, 65536)

        def text(path):
            return disk_image.read_ext4(disk, start * 512, path)
        self.assertEqual(text("/etc/hostname"), "r1n01\n")
        self.assertIn("127.0.1.1 r1n01\n", text("/etc/hosts"))
        self.assertEqual(text("/root/.ssh/authorized_keys"), KEY + "\n")
        self.assertRegex(text("/etc/shadow"), r"(?m)^root:\$6\$musterrack\$")
        seed = "/var/lib/cloud/seed/nocloud/"
        self.assertIn("local-hostname: r1n01\n", text(seed + "meta-data"))
        user_data = text(seed + "user-data")
        self.assertTrue(user_data.startswith("#cloud-config\n"))
        for words in (f'ssh_authorized_keys: ["{KEY}"]', "name: somebody", "touch /late"):
            self.assertIn(words, user_data)


class Bios(ImageTest):
    firmware = "bios"
    packed = ["qemu-img", "convert", "-c", "-O", "qcow2", "DISK", "FILE"]
    name = "disk.qcow2"

    def test_a_qcow2_image_is_installed_and_a_rule_that_fits_no_disk_fails_with_these_words(self):
        rack = self.rack
        self.check_installed()
        self.check_disk()
        before = (rack.folder / "r1n01/disk.raw").stat().st_blocks
        nodes = rack.site / "nodes.yaml"
        nodes.write_text(nodes.read_text().replace("variables: {", "variables: {disk: smallest, disk_min_gib: 100, "
                                                                   "disk_spare_label: DATA, "))
        self.fails("no disk fits the rule: smallest, at least 100 GiB, without a file system labelled DATA; "
                   "there are: vda 4 GiB")
        self.assertEqual((rack.folder / "r1n01/disk.raw").stat().st_blocks, before)
        self.assert_sane()


@unittest.skipUnless(os.environ.get("MUSTER_LONG"), "long: tests/run long")
class Uefi(ImageTest):
    firmware = "uefi"
    packed = ["sh", "-c", "zstd -q -1 <DISK >FILE"]
    name = "disk.img.zst"
    variables = ", disk: smallest, disk_min_gib: 4"

    def test_a_compressed_image_is_installed_and_others_fail_with_their_reason(self):
        self.check_installed()
        self.check_disk()
        rack = self.rack
        # The disk that holds the system is spared by its label.
        nodes = rack.site / "nodes.yaml"
        there = nodes.read_text()
        nodes.write_text(there.replace("variables: {", "variables: {disk_spare_label: system, "))
        self.fails("no disk fits the rule: smallest, at least 4 GiB, without a file system labelled system; there are: vda 4 GiB")
        # An image that changed on the server since it was imported is noticed, and does not boot.
        nodes.write_text(there)
        with open(rack.site / "files/golden/disk.raw", "r+b") as file:
            file.seek(100 * disk_image.MIB)
            file.write(b"damaged")
        self.fails("the image is damaged: its sha256 sum is ")
        with open(rack.folder / "r1n01/disk.raw", "rb") as disk:
            self.assertEqual(disk.read(disk_image.MIB), bytes(disk_image.MIB))
        self.assert_sane()


@unittest.skipUnless(os.environ.get("MUSTER_LONG"), "long: tests/run long")
class Tree(RackTest):
    """A root file system in a tar archive, by the profile that `muster import` makes of it."""

    boot = "net,disk"

    def prepare(self):
        rack = self.rack
        rack.say(rack.muster("import", built_images() / "root.tar.zst", "--name", "tree", "--site", rack.site).stdout)
        nodes = rack.site / "nodes.yaml"
        nodes.write_text(nodes.read_text().replace("profile: minimal", "profile: tree"))

    def test_it_is_installed(self):
        rack = self.rack
        rack.power("on")
        rack.wait_state("installed")
        rack.wait_console("booting from its own disk")
        rack.wait_login()
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
