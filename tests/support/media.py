"""Small installation media with the layout of the real ones: what files are where, and what the small
files say of the medium. Kernels and initial ram disks hold arbitrary bytes."""
import hashlib
import io
import pathlib
import subprocess
import tarfile


def blob(name, size=70_001):
    """Bytes that no two files share."""
    return hashlib.shake_256(name.encode()).digest(size)


def blobs(*names):
    return {name: blob(name) for name in names}


def sum_lines(kind, files, dot="./"):
    return "".join(f"{hashlib.new(kind, data).hexdigest()}  {dot}{name}\n" for name, data in sorted(files.items())).encode()


def debian_netboot(release="12", suite="bookworm", architecture="amd64"):
    folder = f"debian-installer/{architecture}"
    return {"version.info": f"Debian version:  {release} ({suite})\nInstaller build: 20230607+deb12u15\n".encode(),
            **blobs(f"{folder}/linux", f"{folder}/initrd.gz", f"{folder}/pxelinux.0", f"{folder}/bootnetx64.efi")}


def debian_iso():
    files = {".disk/info": b'Debian GNU/Linux 12.4.0 "Bookworm" - Official amd64 DVD Binary-1 with firmware 20231210-17:57',
             "dists/bookworm/Release": b"Origin: Debian\nSuite: stable\nCodename: bookworm\n",
             "README.txt": b"Debian\n",
             **blobs("install.amd/vmlinuz", "install.amd/initrd.gz", "pool/main/b/bash/bash_5.2.15-2+b2_amd64.deb")}
    return {**files, "md5sum.txt": sum_lines("md5", files)}


def ubuntu_iso():
    files = {".disk/info": b'Ubuntu-Server 22.04.3 LTS "Jammy Jellyfish" - Release amd64 (20230810)',
             **blobs("casper/vmlinuz", "casper/initrd", "casper/ubuntu-server-minimal.squashfs")}
    return {**files, "md5sum.txt": sum_lines("md5", files)}


def ubuntu_netboot():
    url = "https://releases.ubuntu.com/24.04/ubuntu-24.04-live-server-amd64.iso"
    return {"amd64/grub/grub.cfg": f"menuentry 'Install' {{\n\tlinux linux iso-url={url} ip=dhcp ---\n\tinitrd initrd\n}}\n".encode(),
            **blobs("amd64/linux", "amd64/initrd", "amd64/bootx64.efi", "amd64/pxelinux.0")}


def treeinfo(family, version, checked):
    sums = "".join(f"{name} = sha256:{hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(checked.items()))
    return (f"[checksums]\n{sums}images/boot.iso = sha256:{'0' * 64}\n\n[general]\nfamily = {family}\nversion = {version}\n"
            f"arch = x86_64\n\n[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n\n"
            f"[release]\nname = {family}\nshort = X\nversion = {version}\n\n[stage2]\nmainimage = images/install.img\n\n"
            f"[tree]\narch = x86_64\n").encode()


def anaconda(family, version, packages):
    """`packages`: the folders with repodata/; none on a netinst ISO."""
    checked = blobs("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "images/install.img")
    files = {**checked, ".treeinfo": treeinfo(family, version, checked),
             ".discinfo": f"1699999999.123456\n{family} {version}\nx86_64\n".encode()}
    for folder in packages:
        files[f"{folder}repodata/repomd.xml"] = b"<repomd/>"
        files[f"{folder}Packages/b/bash-5.1.8-6.x86_64.rpm"] = blob(folder)
    return files


def suse(product="openSUSE-Leap 15.5-1"):
    files = {"media.1/products": f"/ {product}\n".encode(), "media.1/media": b"openSUSE\n",
             "repodata/repomd.xml": b"<repomd/>",
             **blobs("boot/x86_64/loader/linux", "boot/x86_64/loader/initrd", "x86_64/bash-5.x86_64.rpm")}
    return {**files, "CHECKSUMS": sum_lines("sha256", files, dot="")}


def alpine_iso():
    return {".alpine-release": b"alpine-standard 3.19.0 231207\n",
            **blobs("boot/vmlinuz-lts", "boot/initramfs-lts", "boot/modloop-lts", "apks/x86_64/APKINDEX.tar.gz",
                    "apks/x86_64/busybox-1.36.1-r15.apk")}


def alpine_netboot():
    return blobs("boot/vmlinuz-lts", "boot/initramfs-lts", "boot/modloop-lts", "boot/config-lts")


def flatcar():
    return blobs("flatcar_production_pxe.vmlinuz", "flatcar_production_pxe_image.cpio.gz",
                 "flatcar_production_image.bin.bz2")


def flatcar_iso():
    return blobs("flatcar/vmlinuz", "flatcar/cpio.gz", "isolinux/isolinux.cfg")


def coreos_iso():
    return blobs("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "images/pxeboot/rootfs.img", "images/ignition.img")


def coreos_pxe():
    stem = "fedora-coreos-39.20231119.3.0-live"
    return blobs(f"{stem}-kernel-x86_64", f"{stem}-initramfs.x86_64.img", f"{stem}-rootfs.x86_64.img")


def arch_iso():
    image = blob("airootfs")
    return {"arch/version": b"2023.12.01\n", "arch/x86_64/airootfs.sfs": image,
            "arch/x86_64/airootfs.sha512": sum_lines("sha512", {"airootfs.sfs": image}, dot=""),
            **blobs("arch/boot/x86_64/vmlinuz-linux", "arch/boot/x86_64/initramfs-linux.img")}


def write_folder(folder, files):
    for name, data in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return pathlib.Path(folder)


def write_iso(path, folder):
    """An ISO 9660 image with Rock Ridge and Joliet, as all of these have."""
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-joliet-long", "-o", str(path), str(folder)],
                   check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return pathlib.Path(path)


def write_tar(path, files, prefix="./", members=()):
    """A tar archive, packed by what its name says; `members` are added as they are."""
    mode = {"gz": "w:gz", "xz": "w:xz", "tar": "w"}[str(path).rsplit(".", 1)[1]]
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return pathlib.Path(path)
