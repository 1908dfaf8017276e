// SPDX-License-Identifier: Apache-2.0
// Debian's installer and Ubuntu's.
#include "core/base/text.hh"
#include "core/media/recognisers.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster {
namespace {

constexpr std::array<std::string_view, 6> debian_architectures{"amd64", "arm64",   "i386",
                                                               "armhf", "ppc64el", "s390x"};

std::string folder_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? "" : std::string{path.substr(0, slash + 1)};
}

std::string lower_text(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
}

/// The architecture among the words of .disk/info.
std::string architecture_of(std::string_view info) {
    for (const std::string_view known : debian_architectures) {
        if (info.find(fmt::format(" {} ", known)) != std::string_view::npos ||
            info.find(fmt::format("/{} ", known)) != std::string_view::npos) {
            return std::string{known};
        }
    }
    return "amd64";
}

/// The answers and arguments that Debian's installer takes, from whichever medium it starts.
/// Source: Debian installation guide, appendix B.2.
void add_debian_answers(Recognised& found, std::string_view suite) {
    found.family = "debian";
    found.cmdline = fmt::format("auto=true priority=critical url={{{{answers_url}}}}/preseed.cfg "
                                "netcfg/choose_interface=auto netcfg/dhcp_timeout=60 "
                                "hostname={{{{node.name}}}}{}",
                                more_kernel_args);
    found.answers = {{"preseed.cfg", "debian-preseed.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    if (!suite.empty()) {
        found.variables["suite"] = suite;
    }
}

/// The folder ARCH/ of a netboot archive, of those that there are the one of the text installer:
/// its initrd is half as large as the graphical one.
std::string netboot_folder(const Medium& medium) {
    std::string best;
    for (const std::string& path : files_ending(medium, "/linux")) {
        const std::string folder = folder_of(path);
        if (folder.find("debian-installer/") == std::string::npos ||
            !medium.has_file(folder + "initrd.gz")) {
            continue;
        }
        const bool graphical = folder.find("gtk/") != std::string::npos;
        if (best.empty() || (best.find("gtk/") != std::string::npos && !graphical)) {
            best = folder;
        }
    }
    return best;
}

/// `…/debian-installer/amd64/` → `…/`.
std::string above_installer(const std::string& folder) {
    return folder.substr(0, folder.rfind("debian-installer/"));
}

} // namespace

Verdict recognise_debian_netboot(const Medium& medium) {
    const std::string folder = netboot_folder(medium);
    if (folder.empty()) {
        return std::nullopt;
    }
    const std::string above = above_installer(folder);
    const std::string_view info = medium.text(above + "version.info");
    const std::size_t line = info.find("Debian version:");
    const std::string_view version =
        line == std::string_view::npos ? std::string_view{} : first_number_word(info.substr(line));
    const std::string_view suite = between(info, '(', ')');
    Recognised found;
    found.system = trimmed(fmt::format("Debian {}", version));
    if (!suite.empty()) {
        found.system += fmt::format(" ({})", suite);
    }
    found.what = "network installer";
    const std::string bare = folder.substr(above.size(), folder.size() - above.size() - 1);
    found.architecture = bare.substr(bare.rfind('/') + 1);
    found.release = major_version(version);
    found.kept = {{folder + "linux", "linux"}, {folder + "initrd.gz", "initrd.gz"}};
    found.kernel = "linux";
    found.initrd = {"initrd.gz"};
    found.starts_installer = true;
    add_debian_answers(found, suite);
    if (suite.empty()) {
        found.advice.emplace_back(
            "The medium does not say of which release it is: set the variable `suite`.");
    }
    found.advice.emplace_back("Packages come from deb.debian.org; the variables `mirror_host` and "
                              "`mirror_directory` name "
                              "another mirror.");
    return found;
}

Verdict recognise_debian_iso(const Medium& medium) {
    const std::string_view info = medium.text(".disk/info");
    if (info.empty() || !info.starts_with("Debian")) {
        return std::nullopt;
    }
    const std::string_view version = first_number_word(info);
    const std::string suite = lower_text(between(info, '"', '"'));
    Recognised found;
    found.system = fmt::format("Debian {} ({})", version, suite);
    found.what = "installer ISO";
    found.architecture = architecture_of(info);
    found.release = major_version(version);
    if (!medium.has_folder("dists") || !medium.has_folder("pool")) {
        return lacks(found.system, ".disk/info", "dists/ and pool/: live media hold no installer");
    }
    if (files_ending(medium, "/vmlinuz").empty()) {
        return lacks(found.system, ".disk/info", "install.*/vmlinuz");
    }
    add_debian_answers(found, suite);
    found.variables["tree"] = "@";
    found.netboot_required =
        "the kernel and initrd of a Debian ISO look for a CD, not for a server";
    found.advice.emplace_back(
        "Packages come from the ISO: it must hold all that the profile wants "
        "(DVD 1 does for a usual server, a netinst ISO for little more than a "
        "base system).");
    return found;
}

Verdict recognise_ubuntu_iso(const Medium& medium) {
    const std::string_view info = medium.text(".disk/info");
    if (!info.starts_with("Ubuntu") && !medium.has_folder("casper")) {
        return std::nullopt;
    }
    Recognised found;
    const std::string_view version = first_number_word(info);
    found.system =
        fmt::format("{}{}{}", info.substr(0, info.find(' ')), version.empty() ? "" : " ", version);
    if (info.empty()) {
        found.system = "Ubuntu";
    }
    found.what = "live server ISO";
    found.architecture = architecture_of(info);
    found.release = std::string{version};
    found.family = "ubuntu";
    const std::string_view because = info.empty() ? "casper/" : ".disk/info";
    if (!medium.has_file("casper/vmlinuz")) {
        return lacks(found.system, because, "casper/vmlinuz");
    }
    const std::string initrd = medium.has_file("casper/initrd") ? "initrd" : "initrd.gz";
    if (!medium.has_file("casper/" + initrd)) {
        return lacks(found.system, because, "casper/initrd");
    }
    if (!medium.name.ends_with(".iso")) {
        return std::unexpected(fmt::format("looks like {} ({}), but its installer fetches the ISO "
                                           "as a whole: import the .iso file, "
                                           "not a folder of its files",
                                           found.system, because));
    }
    found.kept = {{"casper/vmlinuz", "casper/vmlinuz"}, {"casper/" + initrd, "casper/" + initrd}};
    found.whole_as = "medium.iso";
    found.kernel = "casper/vmlinuz";
    found.initrd = {"casper/" + initrd};
    // Without cloud-config-url, cloud-init takes `url` for its own and fetches the ISO once more.
    found.cmdline = fmt::format("ip=dhcp url=@/medium.iso cloud-config-url=/dev/null autoinstall "
                                "ds=nocloud-net;s={{{{answers_url}}}}/{}",
                                more_kernel_args);
    found.answers = {{"user-data", "ubuntu-user-data.mustache"},
                     {"meta-data", "cloud-meta-data.mustache"},
                     {"vendor-data", "cloud-vendor-data.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    found.starts_installer = true;
    found.advice.emplace_back("Machines hold the ISO in memory while they install: give them its "
                              "size and 2 GiB more.");
    return found;
}

Verdict recognise_ubuntu_netboot(const Medium& medium) {
    for (const std::string_view architecture : debian_architectures) {
        const std::string folder = std::string{architecture} + "/";
        if (!medium.has_file(folder + "linux") || !medium.has_file(folder + "initrd")) {
            continue;
        }
        std::string_view config = medium.text(folder + "grub/grub.cfg");
        if (config.empty()) {
            config = medium.text(folder + "pxelinux.cfg/default");
        }
        Recognised found;
        found.system = "Ubuntu";
        found.what = "live server network installer";
        found.architecture = architecture;
        found.family = "ubuntu";
        // `iso-url=` in newer archives, `url=` in older ones: the second ends in the first's words.
        const std::size_t at = config.find("url=http");
        if (at == std::string_view::npos) {
            return lacks(found.system, folder + "linux and initrd",
                         "grub/grub.cfg that names the ISO (url=)");
        }
        const std::string_view url =
            config.substr(at + 4, config.find_first_of(" \t\r\n", at) - at - 4);
        found.variables["iso_url"] = url;
        found.kept = {{folder + "linux", "linux"}, {folder + "initrd", "initrd"}};
        found.kernel = "linux";
        found.initrd = {"initrd"};
        found.cmdline =
            fmt::format("ip=dhcp url={{{{iso_url}}}} cloud-config-url=/dev/null autoinstall "
                        "ds=nocloud-net;s={{{{answers_url}}}}/{}",
                        more_kernel_args);
        found.answers = {{"user-data", "ubuntu-user-data.mustache"},
                         {"meta-data", "cloud-meta-data.mustache"},
                         {"vendor-data", "cloud-vendor-data.mustache"},
                         {"install-lib", "install-lib.mustache"}};
        found.starts_installer = true;
        found.advice.push_back(fmt::format(
            "Every machine fetches {}; import that ISO instead to serve it from here.", url));
        return found;
    }
    return std::nullopt;
}

} // namespace muster
