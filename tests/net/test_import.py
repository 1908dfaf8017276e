#!/usr/bin/env python3
"""muster import: media of every family with their real layout become profiles that a running musterd
hands out; wrong media change nothing."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support import media  # noqa: E402
from tests.support.rig import BUILD, RigTest, SERVER, run  # noqa: E402

# Family: how the medium is made, what is said of it, its kernel and initrd on the medium, and what the
# kernel command line must hold. ANSWERS and FILES stand for the URLs.
FAMILIES = {
    "debian-tar": dict(tar=media.debian_netboot(), says="Debian 12 (bookworm), network installer, amd64",
                       kernel="debian-installer/amd64/linux", initrd="debian-installer/amd64/initrd.gz",
                       words=["auto=true", "url=ANSWERS/preseed.cfg"], answers={"preseed.cfg", "install-lib"}),
    "debian-dir": dict(folder=media.debian_netboot("13", "trixie", "arm64"), says="Debian 13 (trixie), network installer, arm64",
                       kernel="debian-installer/arm64/linux", initrd="debian-installer/arm64/initrd.gz",
                       words=["url=ANSWERS/preseed.cfg"], answers={"preseed.cfg", "install-lib"}),
    "ubuntu": dict(iso=media.ubuntu_iso(), says="Ubuntu-Server 22.04.3, live server ISO, amd64", kernel="casper/vmlinuz",
                   initrd="casper/initrd", words=["autoinstall", "ds=nocloud-net;s=ANSWERS/", "url=FILES/medium.iso"],
                   answers={"user-data", "meta-data", "vendor-data", "install-lib"}, sums="md5sum.txt"),
    "ubuntu-netboot": dict(tar=media.ubuntu_netboot(), says="Ubuntu, live server network installer, amd64",
                           kernel="amd64/linux", initrd="amd64/initrd",
                           words=["url=https://releases.ubuntu.com/24.04/ubuntu-24.04-live-server-amd64.iso"],
                           answers={"user-data", "meta-data", "vendor-data", "install-lib"}),
    "fedora": dict(iso=media.anaconda("Fedora", "39", [""]), says="Fedora 39, installer with packages, x86_64",
                   kernel="images/pxeboot/vmlinuz", initrd="images/pxeboot/initrd.img",
                   words=["inst.repo=FILES", "inst.ks=ANSWERS/ks.cfg"], answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "fedora-netinst": dict(iso=media.anaconda("Fedora", "39", []), says="Fedora 39, installer without packages, x86_64",
                           kernel="images/pxeboot/vmlinuz", initrd="images/pxeboot/initrd.img",
                           words=["inst.stage2=FILES", "inst.ks=ANSWERS/ks.cfg"], answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "rocky": dict(iso=media.anaconda("Rocky Linux", "9.3", ["BaseOS/", "AppStream/"]),
                  says="Rocky Linux 9.3, installer with packages, x86_64", kernel="images/pxeboot/vmlinuz",
                  initrd="images/pxeboot/initrd.img", words=["inst.repo=FILES"], answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "rhel": dict(folder=media.anaconda("Red Hat Enterprise Linux", "9.3", ["BaseOS/", "AppStream/"]),
                 says="Red Hat Enterprise Linux 9.3, installer with packages", kernel="images/pxeboot/vmlinuz",
                 initrd="images/pxeboot/initrd.img", words=["inst.repo=FILES"], answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "alma": dict(iso=media.anaconda("AlmaLinux", "9.3", ["BaseOS/", "AppStream/"]), says="AlmaLinux 9.3, installer with packages",
                 kernel="images/pxeboot/vmlinuz", initrd="images/pxeboot/initrd.img", words=["inst.repo=FILES"],
                 answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "centos": dict(iso=media.anaconda("CentOS Stream", "9", ["BaseOS/", "AppStream/"]), says="CentOS Stream 9, installer with packages",
                   kernel="images/pxeboot/vmlinuz", initrd="images/pxeboot/initrd.img", words=["inst.repo=FILES"],
                   answers={"ks.cfg", "install-lib"}, sums=".treeinfo"),
    "suse": dict(iso=media.suse(), says="openSUSE-Leap 15.5, installer with packages, x86_64", kernel="boot/x86_64/loader/linux",
                 initrd="boot/x86_64/loader/initrd", words=["install=FILES", "autoyast=ANSWERS/autoinst.xml"],
                 answers={"autoinst.xml", "install-lib"}, sums="CHECKSUMS"),
    "sles": dict(iso=media.suse("SLES15-SP5 15.5-0"), says="SLES15-SP5 15.5, installer with packages", kernel="boot/x86_64/loader/linux",
                 initrd="boot/x86_64/loader/initrd", words=["install=FILES"], answers={"autoinst.xml", "install-lib"}, sums="CHECKSUMS"),
    "alpine": dict(iso=media.alpine_iso(), says="Alpine Linux 3.19.0, ISO with packages, x86_64", kernel="boot/vmlinuz-lts",
                   initrd="boot/initramfs-lts", words=["alpine_repo=FILES/apks", "modloop=FILES/boot/modloop-lts",
                                                       "apkovl=FILES/muster.apkovl.tar.gz", "muster.answers=ANSWERS"],
                   answers={"install.sh", "answers", "install-lib"}),
    "alpine-netboot": dict(tar=media.alpine_netboot(), name="alpine-netboot-3.19.0-x86_64.tar.gz",
                           says="Alpine Linux 3.19.0, netboot archive, x86_64", kernel="boot/vmlinuz-lts", initrd="boot/initramfs-lts",
                           words=["alpine_repo=http://dl-cdn.alpinelinux.org/alpine/v3.19/main"],
                           answers={"install.sh", "answers", "install-lib"}),
    "flatcar": dict(folder=media.flatcar(), says="Flatcar Container Linux, PXE images", kernel="flatcar_production_pxe.vmlinuz",
                    initrd="flatcar_production_pxe_image.cpio.gz", words=["flatcar.first_boot=1", "ignition.config.url=ANSWERS/live.ign"],
                    answers={"live.ign", "config.ign", "install.sh", "install-lib"}),
    "flatcar-iso": dict(iso=media.flatcar_iso(), says="Flatcar Container Linux, ISO", kernel="flatcar/vmlinuz",
                        initrd="flatcar/cpio.gz", words=["flatcar.first_boot=1"],
                        answers={"live.ign", "config.ign", "install.sh", "install-lib"}),
    "coreos": dict(iso=media.coreos_iso(), name="fedora-coreos-39.20231119.3.0-live.x86_64.iso",
                   says="Fedora CoreOS 39.20231119.3.0, live ISO, x86_64", kernel="images/pxeboot/vmlinuz",
                   initrd="images/pxeboot/initrd.img", words=["coreos.live.rootfs_url=FILES/images/pxeboot/rootfs.img",
                                                              "ignition.platform.id=metal"],
                   answers={"live.ign", "config.ign", "install.sh", "install-lib"}),
    "coreos-pxe": dict(folder=media.coreos_pxe(), says="Fedora CoreOS 39.20231119.3.0, live PXE images, x86_64",
                       kernel="fedora-coreos-39.20231119.3.0-live-kernel-x86_64",
                       initrd="fedora-coreos-39.20231119.3.0-live-initramfs.x86_64.img",
                       words=["coreos.live.rootfs_url=FILES/fedora-coreos-39.20231119.3.0-live-rootfs.x86_64.img"],
                       answers={"live.ign", "config.ign", "install.sh", "install-lib"}),
    "arch": dict(iso=media.arch_iso(), says="Arch Linux 2023.12.01, live ISO, x86_64", kernel="arch/boot/x86_64/vmlinuz-linux",
                 initrd="arch/boot/x86_64/initramfs-linux.img", words=["archiso_http_srv=FILES/", "script=ANSWERS/install.sh"],
                 answers={"install.sh", "install-lib"}, sums="arch/x86_64/airootfs.sha512"),
}


def listing(folder):
    """Every path below, with what is in it."""
    return {str(path.relative_to(folder)): (os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None)
            for path in sorted(pathlib.Path(folder).rglob("*"))}


class ImportTest(RigTest):
    def setUp(self):
        super().setUp()
        self.media = self.rig.folder / "media"
        self.media.mkdir()

    def make(self, label, family):
        """The medium as a file or folder."""
        if "tar" in family:
            return media.write_tar(self.media / family.get("name", f"{label}.tar.gz"), family["tar"])
        files = family.get("iso") or family["folder"]
        folder = media.write_folder(self.media / label, files)
        return media.write_iso(self.media / family.get("name", f"{label}.iso"), folder) if "iso" in family else folder

    def muster(self, *words, status=0):
        done = run(BUILD / "muster", *words, check=False)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def bring(self, source, name, *more, status=0):
        return self.muster("import", source, "--name", name, "--site", self.rig.site, *more, status=status)

    def refused(self, source, *words, name="bad", more=()):
        """Importing fails with these words, and the site is as before."""
        before = listing(self.rig.site)
        out = self.bring(source, name, *more, status=1)
        for word in words:
            self.assertIn(word, out)
        self.assertEqual(listing(self.rig.site), before)
        return out


class Families(ImportTest):
    def test_each_becomes_a_profile_that_is_served(self):
        nodes = []
        for number, (label, family) in enumerate(FAMILIES.items()):
            out = self.bring(self.make(label, family), label)
            self.assertIn(family["says"], out, label)
            if "sums" in family:
                self.assertIn(f"as {family['sums']} says", out, label)
            nodes.append(f"- {{name: n-{label}, mac: 52:54:00:00:02:{number:02x}, profile: {label}}}\n")
        self.rig.write_site(**{"nodes.yaml": "".join(nodes)})
        run(BUILD / "musterd", "--check", "--site", self.rig.site)
        self.rig.start()
        for label, family in FAMILIES.items():
            with self.subTest(family=label):
                self.check_served(label, family)

    def check_served(self, label, family):
        files = family.get("tar") or family.get("iso") or family["folder"]
        boot = self.rig.muster("render", f"n-{label}", "--file", "boot/ipxe").stdout
        kernel = re.search(r"^kernel (\S+) (.*) \|\| goto failed$", boot, re.M)
        self.assertIsNotNone(kernel, boot)
        initrd = re.search(r"^initrd --name initrd0 (\S+) ", boot, re.M)
        self.assertEqual(self.fetch(kernel[1]), files[family["kernel"]])
        self.assertEqual(self.fetch(initrd[1]), files[family["initrd"]])
        line = kernel[2]
        self.assertNotIn("{{", line)
        line = re.sub(rf"http://{SERVER}/answers/[\w-]+", "ANSWERS", line).replace(f"http://{SERVER}/files/{label}", "FILES")
        for word in family["words"]:
            self.assertIn(word, line.split() if " " not in word else line)
        rendered = self.rig.muster("render", f"n-{label}").stdout
        answers = {name for name in re.findall(r"^==> (\S+) <==$", rendered, re.M) if not name.startswith("boot/")}
        self.assertEqual(answers, family["answers"])
        if "iso" in family and label not in ("ubuntu", "flatcar-iso", "coreos"):
            for name, data in files.items():
                self.assertEqual((self.rig.site / "files" / label / name).read_bytes(), data, name)

    def fetch(self, url):
        return subprocess.run(["ip", "netns", "exec", self.rig.client_ns, "curl", "-sfS", url], check=True,
                              stdout=subprocess.PIPE, timeout=30).stdout

    def test_the_iso_of_ubuntu_is_kept_whole(self):
        iso = self.make("u", FAMILIES["ubuntu"])
        self.bring(iso, "u")
        self.assertEqual((self.rig.site / "files/u/medium.iso").read_bytes(), iso.read_bytes())

    def test_a_debian_iso_takes_its_kernel_from_a_netboot_archive(self):
        iso = media.write_iso(self.media / "d.iso", media.write_folder(self.media / "d", media.debian_iso()))
        netboot = media.write_tar(self.media / "netboot.tar.gz", media.debian_netboot())
        out = self.bring(iso, "deb", "--netboot", netboot)
        self.assertIn("6 files are as md5sum.txt says", out)
        files = self.rig.site / "files/deb"
        self.assertEqual((files / "netboot/linux").read_bytes(), media.debian_netboot()["debian-installer/amd64/linux"])
        self.assertEqual((files / "dists/bookworm/Release").read_bytes(), media.debian_iso()["dists/bookworm/Release"])
        self.rig.write_site(**{"nodes.yaml": "- {name: n1, mac: 52:54:00:00:02:01, profile: deb}\n"})
        self.rig.start()
        preseed = self.rig.muster("render", "n1", "--file", "preseed.cfg").stdout
        self.assertIn(f"mirror/http/hostname string {SERVER}\n", preseed)
        self.assertIn("mirror/http/directory string /files/deb\n", preseed)
        self.assertIn("deb/netboot/linux", self.rig.muster("render", "n1", "--file", "boot/ipxe").stdout)
        other = media.write_tar(self.media / "eleven.tar.gz", media.debian_netboot("11", "bullseye"))
        self.refused(iso, "is of another release than Debian 12.4.0", more=("--netboot", other))
        arm = media.write_tar(self.media / "arm.tar.gz", media.debian_netboot(architecture="arm64"))
        self.refused(iso, "is for arm64, the medium for amd64", more=("--netboot", arm))
        alpine = media.write_tar(self.media / "alpine-netboot-3.19.0-x86_64.tar.gz", media.alpine_netboot())
        self.refused(iso, "does not go with", more=("--netboot", alpine))

    def test_an_alpine_iso_with_a_netboot_archive(self):
        iso = media.write_iso(self.media / "a.iso", media.write_folder(self.media / "a", media.alpine_iso()))
        netboot = media.write_tar(self.media / "alpine-netboot-3.19.1-x86_64.tar.gz", media.alpine_netboot())
        self.bring(iso, "a", "--netboot", netboot)
        profile = (self.rig.site / "profiles/a.yaml").read_text()
        for words in ("kernel: a/netboot/boot/vmlinuz-lts", "modloop={{files_url}}/a/netboot/boot/modloop-lts",
                      "alpine_repo={{files_url}}/a/apks", "apkovl={{files_url}}/a/muster.apkovl.tar.gz"):
            self.assertIn(words, profile)
        with tarfile.open(self.rig.site / "files/a/muster.apkovl.tar.gz") as overlay:
            names = overlay.getnames()
            self.assertIn("etc/.default_boot_services", names)
            self.assertEqual(overlay.getmember("etc/runlevels/default/local").linkname, "/etc/init.d/local")
            start = overlay.getmember("etc/local.d/muster.start")
            self.assertEqual(start.mode, 0o755)
            self.assertIn(b"muster.answers=", overlay.extractfile(start).read())

    def test_links_inside_a_medium_stay_links(self):
        folder = media.write_folder(self.media / "l", media.suse())
        (folder / "self").symlink_to(".")
        (folder / "boot/kernel").symlink_to("x86_64/loader/linux")
        self.bring(media.write_iso(self.media / "l.iso", folder), "l")
        files = self.rig.site / "files/l"
        self.assertEqual(os.readlink(files / "self"), ".")
        self.assertEqual((files / "boot/kernel").read_bytes(), media.suse()["boot/x86_64/loader/linux"])

    def test_force_replaces_and_edited_templates_stay(self):
        source = self.make("debian-tar", FAMILIES["debian-tar"])
        self.bring(source, "d")
        (self.rig.site / "files/d/old").write_text("old")
        (self.rig.site / "templates/debian-preseed.mustache").write_text("mine\n")
        self.refused(source, "files/d exists already; --force replaces it", name="d")
        out = self.bring(source, "d", "--force")
        self.assertIn("kept as it is", out)
        self.assertEqual((self.rig.site / "templates/debian-preseed.mustache").read_text(), "mine\n")
        self.assertEqual(sorted(p.name for p in (self.rig.site / "files").iterdir()), ["d", "tiny"])
        self.assertEqual(sorted(p.name for p in (self.rig.site / "files/d").iterdir()), ["initrd.gz", "linux"])
        self.assertEqual((self.rig.site / "files/d/linux").stat().st_mode & 0o777, 0o644)

    def test_the_sum_beside_a_medium(self):
        source = self.make("debian-tar", FAMILIES["debian-tar"])
        sums = media.sum_lines("sha256", {source.name: source.read_bytes()}, dot="")
        (self.media / "SHA256SUMS").write_bytes(b"# of today\n" + sums)
        self.assertIn("SHA-256 sum as SHA256SUMS says", self.bring(source, "d"))
        (self.media / "SHA256SUMS").write_bytes(b"0" * 64 + sums[64:])
        self.refused(source, "is damaged: its SHA-256 sum is", "but SHA256SUMS says 0000")


class Wrong(ImportTest):
    def test_unknown_media_are_told_what_was_looked_for(self):
        source = media.write_tar(self.media / "x.tar", {"hello": b"world"})
        out = self.refused(source, "no medium that muster knows. Looked for:")
        for word in ("casper/vmlinuz", ".treeinfo", "boot/modloop-", "debian-installer/ARCH/linux", "flatcar", "arch/boot", "pool/"):
            self.assertIn(word, out)

    def test_a_medium_without_its_kernel(self):
        for label, files, lost in (("u", media.ubuntu_iso(), "casper/vmlinuz"),
                                   ("f", media.anaconda("Fedora", "39", [""]), "images/pxeboot/initrd.img"),
                                   ("s", media.suse(), "boot/x86_64/loader/initrd"),
                                   ("a", media.alpine_iso(), "boot/vmlinuz-lts"),
                                   ("r", media.arch_iso(), "arch/boot/x86_64/vmlinuz-linux"),
                                   ("c", media.coreos_iso(), "images/pxeboot/vmlinuz"),
                                   ("k", media.flatcar_iso(), "flatcar/vmlinuz")):
            del files[lost]
            iso = media.write_iso(self.media / f"{label}.iso", media.write_folder(self.media / label, files))
            self.refused(iso, "looks like", f"there is no {lost}")

    def test_an_empty_kernel(self):
        files = {**media.arch_iso(), "arch/boot/x86_64/vmlinuz-linux": b""}
        self.refused(media.write_iso(self.media / "e.iso", media.write_folder(self.media / "e", files)), "vmlinuz-linux' is empty")

    def test_a_debian_iso_alone(self):
        files = media.debian_iso()
        files[".disk/info"] = files[".disk/info"].replace(b"12.4.0", b"99.1.0")  # of which no package is installed
        files["md5sum.txt"] = b""
        iso = media.write_iso(self.media / "d.iso", media.write_folder(self.media / "d", files))
        self.refused(iso, "look for a CD", "--netboot", "debian-installer-99-netboot-amd64")

    def test_a_sum_that_does_not_fit(self):
        files = media.ubuntu_iso()
        files["casper/initrd"] = b"changed" + files["casper/initrd"][7:]
        iso = media.write_iso(self.media / "u.iso", media.write_folder(self.media / "u", files))
        self.refused(iso, "is damaged: 'casper/initrd' has the MD5 sum", "but md5sum.txt says")
        files = media.anaconda("Fedora", "39", [""])
        files["images/install.img"] += b"x"
        self.refused(media.write_folder(self.media / "f", files), "'images/install.img' has the SHA-256 sum", ".treeinfo says")

    def test_an_iso_that_is_cut_short_anywhere(self):
        iso = self.make("fedora", FAMILIES["fedora"])
        whole = iso.read_bytes()
        cut = self.media / "cut.iso"
        for size in (len(whole) - 1, len(whole) * 3 // 4, len(whole) // 2, 40_000, 33_000):
            cut.write_bytes(whole[:size])
            out = self.refused(cut, "cut.iso")
            self.assertRegex(out, "cut short|damaged|neither an ISO|cannot be read", f"{size} of {len(whole)} bytes")
        cut.write_bytes(b"")
        self.refused(cut, "cut.iso")

    def test_an_archive_that_is_cut_short(self):
        source = self.make("debian-tar", FAMILIES["debian-tar"])
        whole = source.read_bytes()
        cut = self.media / "cut.tar.gz"
        for size in (len(whole) - 4, len(whole) // 2, 30):
            cut.write_bytes(whole[:size])
            self.refused(cut, "cut.tar.gz")

    def test_paths_that_leave_the_folder(self):
        def member(name, kind=tarfile.REGTYPE, link=""):
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kind, link
            return one
        evil = b"owned"
        for name, members, words in (
                ("up", [(member("../evil"), evil)], ["'../evil'", "leads out"]),
                ("deep", [(member("a/../../evil"), evil)], ["'a/../../evil'"]),
                ("absolute", [(member("/tmp/muster-evil"), evil)], ["'/tmp/muster-evil' is absolute"]),
                ("link", [(member("l", tarfile.SYMTYPE, "../../.."), b"")], ["'l' to '../../..' leads out"]),
                ("root", [(member("l", tarfile.SYMTYPE, "/etc"), b"")], ["'l' to '/etc'"]),
                ("hard", [(member("h", tarfile.LNKTYPE, "../../site.yaml"), b"")], ["'h' to '../../site.yaml'"]),
                # Each of these stays inside by its words; what they are together does not.
                ("through", [(member("d", tarfile.SYMTYPE, "."), b""), (member("d/evil"), evil)], ["'d/evil' lies below the symbolic link 'd'"]),
                ("chain", [(member("d/y", tarfile.SYMTYPE, ".."), b""), (member("x", tarfile.SYMTYPE, "d/y/.."), b"")],
                 ["'x' leads out"]),
                ("twice", [(member("suse"), evil), (member("suse"), evil)], ["File exists"])):
            with self.subTest(name):
                source = media.write_tar(self.media / f"{name}.tar", media.suse(), members=members)
                self.refused(source, *words)
        self.assertFalse(pathlib.Path("/tmp/muster-evil").exists())

    def test_devices_in_an_archive_are_passed_over(self):
        device = tarfile.TarInfo("dev/null")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
        self.bring(media.write_tar(self.media / "n.tar", media.suse(), members=[(device, b"")]), "n")
        self.assertFalse((self.rig.site / "files/n/dev/null").exists())

    def test_no_space(self):
        files = self.rig.site / "files"
        source = media.write_tar(self.media / "big.tar.gz", {**media.debian_netboot(), "debian-installer/amd64/initrd.gz": b"0" * 30_000_000})
        script = (f"mount -t tmpfs -o size=20m none {files} && \"$@\"; status=$?; ls -A {files}; exit $status")
        small = ["unshare", "-m", "sh", "-c", script, "-"]
        done = run(*small, BUILD / "muster", "import", source, "--name", "big", "--site", self.rig.site, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"no space left: .* needs 3\d\.\d MiB, .* has \d+\.\d MiB free\n$")
        # Nothing of it is in the folder, nor a profile beside.
        self.assertFalse((self.rig.site / "profiles/big.yaml").exists())

    def test_wrong_use(self):
        source = self.make("debian-tar", FAMILIES["debian-tar"])
        self.assertIn("--name is missing", self.muster("import", source, "--site", self.rig.site, status=2))
        self.assertIn("'../x' is no name", self.bring(source, "../x", status=2))
        self.assertIn("is missing", self.muster("import", "--name", "x", status=2))
        self.assertIn("there is no site folder", self.muster("import", source, "--name", "x", "--site", self.media / "no", status=1))
        self.refused(self.media / "nothing.iso", "nothing.iso", "No such file")
        self.refused(source, "--netboot is for", more=("--netboot", source))

    def test_interrupted_and_killed(self):
        source = media.write_tar(self.media / "big.tar", {**media.debian_netboot(), "debian-installer/amd64/initrd.gz": media.blob("i", 400_000_000)})
        before = listing(self.rig.site)
        folder = self.rig.site / "files/.import-big"
        for number, left in ((signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGKILL, True)):
            process = subprocess.Popen([str(BUILD / "muster"), "import", str(source), "--name", "big", "--site", str(self.rig.site)],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            while not (folder / "initrd.gz").exists() and process.poll() is None:
                time.sleep(0.001)
            # While one is at work, another of the same name is refused.
            if number == signal.SIGINT:
                process.send_signal(signal.SIGSTOP)
                self.assertIn("another import of 'big' is at work", self.bring(source, "big", status=1))
                process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            out = process.communicate(timeout=60)[0]
            if not left:
                self.assertEqual(process.returncode, 1, out)
                self.assertIn("interrupted", out)
                self.assertEqual(listing(self.rig.site), before)
            else:
                self.assertTrue(folder.exists())
        self.bring(source, "big")
        self.assertFalse(folder.exists())
        self.assertEqual((self.rig.site / "files/big/initrd.gz").stat().st_size, 400_000_000)


if __name__ == "__main__":
    unittest.main()
