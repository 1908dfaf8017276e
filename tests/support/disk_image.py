"""A disk image with a real system: what deploy/minimal-installer installs, on a disk of its own making.

One partition for BIOS (SYSLINUX) and UEFI (shim, GRUB), with the kernel; one, the last, with the system.
No loop device and no mount: file systems are filled while they are made.
"""
import json
import pathlib
import shutil
import subprocess

UUID = "6d757374-6572-4000-8000-00000000d15c"
MIB = 1 << 20
BOOT_MIB, ROOT_MIB = 48, 256
CMDLINE = f"root=UUID={UUID} rw quiet console=tty0 console=ttyS0,115200"


def tool(*words, **more):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


def make_system(root_tar, folder):
    """Unpacks the system as the installer would, but for its boot loaders."""
    folder.mkdir()
    tool("tar", "-x", "--numeric-owner", "-f", root_tar, "-C", folder)
    (folder / "etc/fstab").write_text(f"UUID={UUID} / ext4 noatime 0 1\n")
    (folder / "etc/hostname").write_text("image\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 image\n")


def make_disk_image(out, root_tar, work):
    """Writes a raw image of a disk that BIOS and UEFI start from."""
    system = work / "system"
    make_system(root_tar, system)
    out.unlink(missing_ok=True)
    with open(out, "wb") as file:
        file.truncate((1 + BOOT_MIB + ROOT_MIB + 1) * MIB)
    tool("sfdisk", "--quiet", out, input=(
        "label: gpt\nstart=1MiB, size=%dMiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, attrs=LegacyBIOSBootable\n"
        "start=%dMiB, size=%dMiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n" % (BOOT_MIB, 1 + BOOT_MIB, ROOT_MIB)))

    boot = f"{out}@@{MIB}"
    tool("mformat", "-i", boot, "-T", BOOT_MIB * 2048, "-h", 255, "-s", 63, "-H", 2048, "::")
    configurations = {
        "syslinux.cfg": f"DEFAULT image\nLABEL image\n  LINUX linux\n  INITRD initrd\n  APPEND {CMDLINE}\n",
        "grub.cfg": f"linux ($root)/linux {CMDLINE}\ninitrd ($root)/initrd\nboot\n"}
    for name, text in configurations.items():
        (work / name).write_text(text)
    tool("mmd", "-i", boot, "::EFI", "::EFI/BOOT", "::EFI/debian")
    copies = {system / "boot" / kernel_of(system, "vmlinuz"): "linux",
              system / "boot" / kernel_of(system, "initrd.img"): "initrd",
              work / "syslinux.cfg": "syslinux.cfg", work / "grub.cfg": "EFI/debian/grub.cfg",
              system / "boot/efi/EFI/BOOT/BOOTX64.EFI": "EFI/BOOT/BOOTX64.EFI",
              system / "boot/efi/EFI/BOOT/grubx64.efi": "EFI/BOOT/grubx64.efi"}
    for source, name in copies.items():
        tool("mcopy", "-i", boot, source, f"::{name}")
    tool("syslinux", "-t", MIB, "--install", out)
    with open(out, "r+b") as file:
        file.write(pathlib.Path("/usr/lib/syslinux/mbr/gptmbr.bin").read_bytes()[:440])

    shutil.rmtree(system / "boot/efi")
    tool("mke2fs", "-q", "-F", "-t", "ext4", "-L", "system", "-U", UUID, "-E", f"offset={(1 + BOOT_MIB) * MIB}",
         "-d", system, out, f"{ROOT_MIB}M")
    shutil.rmtree(system)
    return out


def kernel_of(system, name):
    return next(path.name for path in (system / "boot").glob(f"{name}-*"))


def partitions(disk):
    """The partitions of a disk or image, as (first sector, sectors), in the order in which they lie."""
    table = json.loads(tool("sfdisk", "--json", disk))["partitiontable"]
    return sorted((part["start"], part["size"]) for part in table["partitions"])


def read_ext4(disk, offset, path):
    """A file in an ext4 file system at this offset of a disk."""
    done = subprocess.run(["debugfs", "-R", f"cat {path}", f"{disk}?offset={offset}"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout
