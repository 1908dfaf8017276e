// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hh"
#include "core/media/medium.hh"
#include "core/media/recognisers.hh"
#include "core/media/sums.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster {
namespace {

/// Those that could take another's medium for their own come later: Fedora CoreOS has an
/// images/pxeboot as Fedora has, Ubuntu a .disk/info as Debian has.
constexpr std::array<Recogniser, 10> recognisers{{
    {"Debian netboot (package, netboot.tar.gz or folder): debian-installer/ARCH/linux and "
     "initrd.gz",
     recognise_debian_netboot},
    {"Ubuntu live server ISO: .disk/info and casper/vmlinuz", recognise_ubuntu_iso},
    {"Ubuntu netboot: ARCH/linux, ARCH/initrd and ARCH/grub/grub.cfg", recognise_ubuntu_netboot},
    {"Debian ISO: .disk/info, dists/ and pool/", recognise_debian_iso},
    {"Fedora CoreOS: images/pxeboot/rootfs.img, or …-live-kernel, -initramfs and -rootfs",
     recognise_coreos},
    {"Fedora, RHEL, Rocky, AlmaLinux, CentOS Stream: .treeinfo or .discinfo, and images/pxeboot",
     recognise_anaconda},
    {"openSUSE, SLES: boot/ARCH/loader/linux and media.1/products", recognise_suse},
    {"Alpine: boot/vmlinuz-* and boot/modloop-*", recognise_alpine},
    {"Flatcar: flatcar_production_pxe.vmlinuz, or flatcar/vmlinuz", recognise_flatcar},
    {"Arch Linux: arch/boot/x86_64/vmlinuz-linux", recognise_arch},
}};

} // namespace

bool Medium::has_file(std::string_view path) const {
    const auto found = entries.find(path);
    return found != entries.end() && found->second.kind != MediumEntryKind::folder;
}

bool Medium::has_folder(std::string_view folder) const {
    const std::string prefix = std::string{folder} + "/";
    const auto found = entries.lower_bound(prefix);
    return found != entries.end() && found->first.starts_with(prefix);
}

std::string Medium::resolved(std::string_view path) const {
    std::string at{path};
    for (int hops = 0; hops < 16; ++hops) {
        const auto found = entries.find(at);
        if (found == entries.end() || found->second.kind == MediumEntryKind::folder) {
            return {};
        }
        if (found->second.target.empty()) {
            return at;
        }
        at = found->second.hard ? found->second.target : link_destination(at, found->second.target);
    }
    return {};
}

std::string link_destination(std::string_view path, std::string_view target) {
    if (target.empty() || target.front() == '/') {
        return {};
    }
    std::vector<std::string_view> parts;
    const auto walk = [&parts](std::string_view steps) {
        while (!steps.empty()) {
            const std::size_t slash = std::min(steps.find('/'), steps.size());
            const std::string_view step = steps.substr(0, slash);
            steps.remove_prefix(std::min(slash + 1, steps.size()));
            if (step == "..") {
                if (parts.empty()) {
                    return false;
                }
                parts.pop_back();
            } else if (!step.empty() && step != ".") {
                parts.push_back(step);
            }
        }
        return true;
    };
    const std::size_t slash = path.rfind('/');
    if (!walk(path.substr(0, slash == std::string_view::npos ? 0 : slash)) || !walk(target)) {
        return {};
    }
    std::string out;
    for (const std::string_view part : parts) {
        out += (out.empty() ? "" : "/") + std::string{part};
    }
    return out.empty() ? "." : out;
}

std::string_view Medium::text(std::string_view path) const {
    const auto found = texts.find(path);
    return found == texts.end() ? std::string_view{} : std::string_view{found->second};
}

bool is_medium_text(std::string_view path) {
    static constexpr std::array<std::string_view, 7> texts{
        ".disk/info",       ".treeinfo",       "treeinfo",    ".discinfo",
        "media.1/products", ".alpine-release", "arch/version"};
    const std::size_t slash = path.rfind('/');
    const std::string_view name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
    return std::find(texts.begin(), texts.end(), path) != texts.end() || name == "version.info" ||
           path.ends_with("/grub/grub.cfg") || path.ends_with("/pxelinux.cfg/default") ||
           is_sums_file(name);
}

Verdict lacks(std::string_view system, std::string_view because, std::string_view path) {
    return std::unexpected(
        fmt::format("looks like {} ({}), but there is no {}", system, because, path));
}

std::string_view ini_value(std::string_view text, std::string_view section, std::string_view key) {
    bool inside = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with('[') && line.ends_with(']')) {
            inside = line.substr(1, line.size() - 2) == section;
        }
        const std::size_t equals = line.find('=');
        if (inside && equals != std::string_view::npos && trimmed(line.substr(0, equals)) == key) {
            return trimmed(line.substr(equals + 1));
        }
    }
    return {};
}

std::string_view first_number_word(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    while (!text.empty()) {
        const std::size_t begin = text.find_first_not_of(blanks);
        if (begin == std::string_view::npos) {
            return {};
        }
        const std::size_t end = std::min(text.find_first_of(blanks, begin), text.size());
        if (text[begin] >= '0' && text[begin] <= '9') {
            return text.substr(begin, end - begin);
        }
        text.remove_prefix(end);
    }
    return {};
}

std::string_view between(std::string_view text, char open, char close) {
    const std::size_t begin = text.find(open);
    const std::size_t end = begin == std::string_view::npos ? begin : text.find(close, begin + 1);
    return end == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin + 1, end - begin - 1);
}

std::vector<std::string> files_ending(const Medium& medium, std::string_view ending) {
    std::vector<std::string> found;
    for (const auto& [path, entry] : medium.entries) {
        if (entry.kind != MediumEntryKind::folder && path.ends_with(ending)) {
            found.push_back(path);
        }
    }
    return found;
}

std::string major_version(std::string_view version) {
    return std::string{version.substr(0, version.find('.'))};
}

Result<Recognised, std::string> recognise(const Medium& medium) {
    for (const Recogniser& recogniser : recognisers) {
        if (auto verdict = recogniser.recognise(medium)) {
            return *std::move(verdict);
        }
    }
    std::string text = "it is no medium that muster knows. Looked for:";
    for (const Recogniser& recogniser : recognisers) {
        text += fmt::format("\n  {}", recogniser.looks_for);
    }
    return std::unexpected(text);
}

} // namespace muster
