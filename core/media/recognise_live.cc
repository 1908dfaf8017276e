// SPDX-License-Identifier: Apache-2.0
// Systems that run from memory and install themselves: Alpine, Flatcar, Fedora CoreOS, Arch.
#include "core/base/text.hh"
#include "core/media/recognisers.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster {
namespace {

bool is_digit_at(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// The first part of a file name, cut at `-` and `_`, that begins with a digit: its version.
std::string_view version_in_name(std::string_view name) {
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t end = std::min(name.find_first_of("-_", at), name.size());
        if (is_digit_at(name, at)) {
            return name.substr(at, end - at);
        }
        at = end + 1;
    }
    return {};
}

/// The machine, by the words that names of media have for it.
std::string architecture_in(std::string_view text, std::string_view otherwise) {
    for (const std::string_view known : {"x86_64", "aarch64", "armv7", "ppc64le", "s390x", "x86"}) {
        if (text.find(known) != std::string_view::npos) {
            return std::string{known};
        }
    }
    return std::string{otherwise};
}

/// `3.19.0` → `v3.19`, as Alpine names its branches.
std::string alpine_branch(std::string_view version) {
    const std::size_t dot = version.find('.');
    if (dot == std::string_view::npos) {
        return "latest-stable";
    }
    return "v" + std::string{version.substr(0, version.find('.', dot + 1))};
}

} // namespace

Verdict recognise_alpine(const Medium& medium) {
    for (const std::string_view flavour : {"lts", "virt", "rpi", "hardened", "vanilla"}) {
        const std::string kernel = fmt::format("boot/vmlinuz-{}", flavour);
        const std::string initrd = fmt::format("boot/initramfs-{}", flavour);
        const std::string modules = fmt::format("boot/modloop-{}", flavour);
        if (!medium.has_file(modules)) {
            continue;
        }
        // `alpine-standard 3.19.0 231207`
        const std::string_view release = medium.text(".alpine-release");
        std::string_view version = first_number_word(release);
        if (version.empty()) {
            version = version_in_name(medium.name);
        }
        Recognised found;
        found.system = trimmed(fmt::format("Alpine Linux {}", version));
        found.release = version;
        found.family = "alpine";
        for (const std::string& path : {kernel, initrd}) {
            if (!medium.has_file(path)) {
                return lacks(found.system, modules, path);
            }
        }
        const std::vector<std::string> indexes = files_ending(medium, "/APKINDEX.tar.gz");
        const bool whole =
            !indexes.empty() && std::ranges::any_of(indexes, [](const std::string& path) {
                return path.starts_with("apks/");
            });
        found.architecture = architecture_in(whole ? indexes.front() : medium.name, "x86_64");
        found.what = whole ? "ISO with packages" : "netboot archive";
        found.netboot_helps = whole;
        found.starts_installer = !whole;
        found.kernel = kernel;
        found.initrd = {initrd};
        found.overlay = "muster.apkovl.tar.gz";
        if (!whole) {
            found.kept = {{kernel, kernel}, {initrd, initrd}, {modules, modules}};
            found.variables["repository"] =
                fmt::format("http://dl-cdn.alpinelinux.org/alpine/{}/main", alpine_branch(version));
            found.advice.emplace_back("Packages come from dl-cdn.alpinelinux.org (variable "
                                      "`repository`).");
        } else {
            found.variables["tree"] = "@";
            found.advice.emplace_back(
                "The initramfs of an Alpine ISO knows few network cards; `--netboot` with an "
                "alpine-netboot archive of the same release brings one that knows them all.");
        }
        found.cmdline = fmt::format(
            "ip=dhcp modules=loop,squashfs alpine_repo={} modloop=^/{} apkovl=@/{} "
            "muster.answers={{{{answers_url}}}}{}",
            whole ? "@/apks" : "{{repository}}", modules, found.overlay, more_kernel_args);
        found.answers = {{"install.sh", "alpine-install.mustache"},
                         {"answers", "alpine-answers.mustache"},
                         {"install-lib", "install-lib.mustache"}};
        return found;
    }
    return std::nullopt;
}

Verdict recognise_flatcar(const Medium& medium) {
    const bool iso = medium.has_folder("flatcar");
    const std::string kernel = iso ? "flatcar/vmlinuz" : "flatcar_production_pxe.vmlinuz";
    const std::string initrd = iso ? "flatcar/cpio.gz" : "flatcar_production_pxe_image.cpio.gz";
    if (!medium.has_file(kernel) && !medium.has_file(initrd)) {
        return std::nullopt;
    }
    Recognised found;
    found.system = "Flatcar Container Linux";
    found.what = iso ? "ISO" : "PXE images";
    found.architecture = architecture_in(medium.name, "x86_64");
    found.family = "flatcar";
    for (const std::string& path : {kernel, initrd}) {
        if (!medium.has_file(path)) {
            return lacks(found.system, path == kernel ? initrd : kernel, path);
        }
    }
    found.kernel = kernel;
    found.initrd = {initrd};
    found.starts_installer = true;
    found.kept = {{kernel, kernel}, {initrd, initrd}};
    constexpr std::string_view image = "flatcar_production_image.bin.bz2";
    if (medium.has_file(image)) {
        found.kept.push_back({std::string{image}, std::string{image}});
        found.variables["tree"] = "@";
    } else {
        found.advice.push_back(fmt::format(
            "The image that goes onto disks comes from the internet; {} beside the medium's files "
            "would be served from here.",
            image));
    }
    found.cmdline = fmt::format("flatcar.first_boot=1 ignition.config.url={{{{answers_url}}}}/"
                                "live.ign muster.answers={{{{answers_url}}}}{}",
                                more_kernel_args);
    found.answers = {{"live.ign", "ignition-live.mustache"},
                     {"config.ign", "ignition-config.mustache"},
                     {"install.sh", "flatcar-install.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    return found;
}

Verdict recognise_coreos(const Medium& medium) {
    struct Part {
        std::string_view iso;
        std::string_view
            loose; ///< what the name of a file of its own ends with, but for the machine
        std::string path;
    };
    std::array<Part, 3> parts{{{"images/pxeboot/rootfs.img", "-live-rootfs.", {}},
                               {"images/pxeboot/vmlinuz", "-live-kernel", {}},
                               {"images/pxeboot/initrd.img", "-live-initramfs.", {}}}};
    const bool iso = medium.has_file(parts[0].iso);
    for (Part& part : parts) {
        if (iso) {
            part.path = medium.has_file(part.iso) ? std::string{part.iso} : "";
            continue;
        }
        for (const auto& [path, entry] : medium.entries) {
            if (entry.kind != MediumEntryKind::folder &&
                path.find(part.loose) != std::string::npos && !path.ends_with(".sig")) {
                part.path = path;
            }
        }
    }
    if (parts[0].path.empty()) {
        return std::nullopt;
    }
    Recognised found;
    const std::string_view name = iso ? std::string_view{medium.name} : parts[0].path;
    found.release = version_in_name(name);
    found.system = trimmed(fmt::format("Fedora CoreOS {}", found.release));
    found.what = iso ? "live ISO" : "live PXE images";
    found.architecture = architecture_in(name, "x86_64");
    found.family = "coreos";
    for (const Part& part : parts) {
        if (part.path.empty()) {
            return lacks(found.system, parts[0].path,
                         iso ? std::string{part.iso} : fmt::format("…{}…", part.loose));
        }
        found.kept.push_back({part.path, part.path});
    }
    found.kernel = parts[1].path;
    found.initrd = {parts[2].path};
    found.starts_installer = true;
    found.cmdline = fmt::format(
        "coreos.live.rootfs_url=@/{} ignition.firstboot ignition.platform.id=metal "
        "ignition.config.url={{{{answers_url}}}}/live.ign muster.answers={{{{answers_url}}}}{}",
        parts[0].path, more_kernel_args);
    found.answers = {{"live.ign", "ignition-live.mustache"},
                     {"config.ign", "ignition-config.mustache"},
                     {"install.sh", "coreos-install.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    return found;
}

Verdict recognise_arch(const Medium& medium) {
    if (!medium.has_folder("arch/boot")) {
        return std::nullopt;
    }
    Recognised found;
    const std::string_view version = trimmed(medium.text("arch/version"));
    found.system = trimmed(fmt::format("Arch Linux {}", version));
    found.what = "live ISO";
    found.architecture = "x86_64";
    found.release = version;
    found.family = "arch";
    found.kernel = "arch/boot/x86_64/vmlinuz-linux";
    found.initrd = {"arch/boot/x86_64/initramfs-linux.img"};
    for (const std::string& path : {found.kernel, found.initrd.front()}) {
        if (!medium.has_file(path)) {
            return lacks(found.system, "arch/boot", path);
        }
    }
    if (!medium.has_file("arch/x86_64/airootfs.sfs") &&
        !medium.has_file("arch/x86_64/airootfs.erofs")) {
        return lacks(found.system, "arch/boot", "arch/x86_64/airootfs.sfs");
    }
    found.starts_installer = true;
    found.cmdline = fmt::format("archisobasedir=arch archiso_http_srv=@/ ip=dhcp "
                                "script={{{{answers_url}}}}/install.sh{}",
                                more_kernel_args);
    found.answers = {{"install.sh", "arch-install.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    found.advice.emplace_back("Packages come from the mirrors of Arch Linux; the variable `mirror` "
                              "names one.");
    return found;
}

} // namespace muster
