#!/usr/bin/env python3
"""Which disk the minimal installer writes: its shell functions on a /sys of the test's own making."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.rig import ROOT  # noqa: E402

DISKS = ROOT / "deploy/minimal-installer/lib/disks"
GIB = 2097152  # sectors


class DiskChoice(unittest.TestCase):
    def setUp(self):
        self.sys = pathlib.Path(tempfile.mkdtemp(prefix="muster-disks-"))
        self.addCleanup(shutil.rmtree, self.sys)

    def disk(self, name, gib, removable=0, read_only=0, **files):
        """A disk, with further files: `device__model` is device/model."""
        folder = self.sys / "block" / name
        for path, text in {"size": gib * GIB, "removable": removable, "ro": read_only, **files}.items():
            file = folder / path.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())

    def choose(self, rule="first", min_gib="", spare="", shell=("busybox", "sh")):
        done = subprocess.run([*shell, "-c", f". {DISKS}; sys={self.sys}; set -f; choose_disk"], text=True, check=False,
                              stdout=subprocess.PIPE, timeout=30,
                              env={"PATH": os.environ["PATH"], "disk": rule, "disk_min_gib": min_gib, "disk_spare_label": spare})
        return done.returncode, done.stdout.strip()

    def test_first_and_smallest_pass_over_what_is_no_disk_for_a_system(self):
        for name, gib, removable, read_only in (("loop0", 50, 0, 0), ("sda", 0, 0, 0), ("sdb", 100, 1, 0), ("sdc", 100, 0, 1),
                                                ("sdd", 500, 0, 0), ("sde", 30, 0, 0), ("sr0", 9, 1, 0)):
            self.disk(name, gib, removable, read_only)
        for rule in ("auto", "first"):
            self.assertEqual(self.choose(rule), (0, "/dev/sdd"))
        self.assertEqual(self.choose("smallest"), (0, "/dev/sde"))
        self.assertEqual(self.choose("smallest", "31"), (0, "/dev/sdd"))
        self.assertEqual(self.choose("smallest", "501", "DATA"), (
            1, "no disk fits the rule: smallest, at least 501 GiB, without a file system labelled DATA; there are: "
               "sda 0 GiB, sdb 100 GiB, sdc 100 GiB, sdd 500 GiB, sde 30 GiB"))

    def test_a_path_names_one_disk_and_no_other(self):
        self.disk("sda", 100)
        self.disk("sdb", 100, removable=1)
        self.assertEqual(self.choose("/dev/sdb"), (0, "/dev/sdb"))
        self.assertEqual(self.choose("/dev/sdc")[0], 1)
        self.assertIn("no disk fits the rule: /dev/sdc, at least 1 GiB; there are: sda 100 GiB", self.choose("/dev/sdc")[1])

    def test_the_names_of_udev_are_known_without_udev(self):
        self.disk("vda", 9, serial="root-1")
        self.disk("nvme0n1", 9, wwid="eui.0025388b71b2e8c4", device__model="Fast  SSD ", device__serial="S4 77")
        self.disk("sda", 9, device__vendor="ATA     ", device__model="WDC  WD10 ", device__wwid="naa.50014ee2b1c2d3e4",
                  device__vpd_pg80=b"\0\x80\0\x08  WX-1234")
        self.disk("sdb", 9, device__vendor="SEAGATE ", device__model="ST600", device__vpd_pg80=b"\0\x80\0\x04ZZ99")
        for name, disk in {"virtio-root-1": "vda", "nvme-eui.0025388b71b2e8c4": "nvme0n1", "nvme-Fast__SSD_S4_77": "nvme0n1",
                           "wwn-0x50014ee2b1c2d3e4": "sda", "ata-WDC_WD10_WX-1234": "sda", "scsi-ST600_ZZ99": "sdb"}.items():
            self.assertEqual(self.choose(f"/dev/disk/by-id/{name}"), (0, f"/dev/{disk}"), name)
        status, reason = self.choose("/dev/disk/by-id/virtio-root")
        self.assertEqual(status, 1)
        self.assertIn("no disk fits the rule: /dev/disk/by-id/virtio-root,", reason)

    def test_no_disk_at_all(self):
        (self.sys / "block").mkdir()
        self.assertEqual(self.choose(), (1, "no disk fits the rule: first, at least 1 GiB; there are:"))


if __name__ == "__main__":
    unittest.main()
