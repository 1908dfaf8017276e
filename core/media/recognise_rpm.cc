// SPDX-License-Identifier: Apache-2.0
// The installers of the RPM families: Anaconda (Fedora and Red Hat's kin) and YaST (SUSE's).
#include "core/base/text.hh"
#include "core/media/recognisers.hh"

#include <fmt/format.h>

#include <array>

namespace muster {
namespace {

/// Where packages are to be had if the medium holds none: `{0}` version, `{1}` architecture.
struct PublicTree {
    std::string_view family; ///< as .treeinfo begins
    std::string_view url;
};
constexpr std::array<PublicTree, 4> public_trees{{
    {"Fedora", "https://dl.fedoraproject.org/pub/fedora/linux/releases/{0}/Everything/{1}/os/"},
    {"Rocky", "https://dl.rockylinux.org/pub/rocky/{0}/BaseOS/{1}/os/"},
    {"AlmaLinux", "https://repo.almalinux.org/almalinux/{0}/BaseOS/{1}/os/"},
    {"CentOS Stream", "https://mirror.stream.centos.org/{0}-stream/BaseOS/{1}/os/"},
}};

std::string public_tree(std::string_view family, std::string_view version,
                        std::string_view architecture) {
    for (const PublicTree& known : public_trees) {
        if (family.starts_with(known.family)) {
            return fmt::format(fmt::runtime(known.url), version, architecture);
        }
    }
    return {};
}

/// What .treeinfo says, or .discinfo, whose lines are a date, the release and the architecture.
struct TreeInfo {
    std::string family;
    std::string version;
    std::string architecture;
    std::string kernel = "images/pxeboot/vmlinuz";
    std::string initrd = "images/pxeboot/initrd.img";
    std::string_view because;
};

TreeInfo read_tree_info(const Medium& medium) {
    TreeInfo info;
    std::string_view text = medium.text(".treeinfo");
    if (text.empty()) {
        text = medium.text("treeinfo");
    }
    if (!text.empty()) {
        info.because = ".treeinfo";
        info.family = ini_value(text, "release", "name");
        info.version = ini_value(text, "release", "version");
        info.architecture = ini_value(text, "tree", "arch");
        if (info.family.empty()) { // of before 2013
            info.family = ini_value(text, "general", "family");
            info.version = ini_value(text, "general", "version");
        }
        if (info.architecture.empty()) {
            info.architecture = ini_value(text, "general", "arch");
        }
        const std::string images = "images-" + info.architecture;
        if (const auto kernel = ini_value(text, images, "kernel"); !kernel.empty()) {
            info.kernel = kernel;
        }
        if (const auto initrd = ini_value(text, images, "initrd"); !initrd.empty()) {
            info.initrd = initrd;
        }
        return info;
    }
    text = medium.text(".discinfo");
    if (text.empty()) {
        return info;
    }
    info.because = ".discinfo";
    const std::size_t first = text.find('\n');
    const std::size_t second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    if (second != std::string_view::npos) {
        const std::string_view release = trimmed(text.substr(first + 1, second - first - 1));
        const std::string_view version = first_number_word(release);
        info.version = version;
        info.family = trimmed(release.substr(0, release.size() - version.size()));
        info.architecture = trimmed(text.substr(second + 1, text.find('\n', second + 1) - second));
    }
    if (info.family.empty()) {
        info.family = "Fedora";
    }
    return info;
}

bool has_packages(const Medium& medium) {
    return medium.has_file("repodata/repomd.xml") ||
           medium.has_file("BaseOS/repodata/repomd.xml") ||
           !files_ending(medium, "/repodata/repomd.xml").empty();
}

} // namespace

Verdict recognise_anaconda(const Medium& medium) {
    const TreeInfo info = read_tree_info(medium);
    if (info.because.empty()) {
        return std::nullopt;
    }
    Recognised found;
    found.system = info.family + (info.version.empty() ? "" : " " + info.version);
    found.architecture = info.architecture;
    found.release = info.version;
    found.family = "anaconda";
    for (const std::string& path : {info.kernel, info.initrd}) {
        if (!medium.has_file(path)) {
            return lacks(found.system, info.because, path);
        }
    }
    found.kernel = info.kernel;
    found.initrd = {info.initrd};
    found.starts_installer = true;
    found.answers = {{"ks.cfg", "redhat-kickstart.mustache"},
                     {"install-lib", "install-lib.mustache"}};
    const bool whole = has_packages(medium);
    found.what = whole ? "installer with packages" : "installer without packages";
    found.cmdline = fmt::format("{}=@ inst.ks={{{{answers_url}}}}/ks.cfg ip=dhcp{}",
                                whole ? "inst.repo" : "inst.stage2", more_kernel_args);
    if (!whole) {
        const std::string url = public_tree(info.family, info.version, info.architecture);
        found.variables["repository"] = url;
        found.advice.push_back(
            url.empty()
                ? "The medium holds no packages: set the variable `repository` to the URL of "
                  "an installation tree."
                : fmt::format("The medium holds no packages: they come from {} (variable "
                              "`repository`).",
                              url));
    }
    return found;
}

Verdict recognise_suse(const Medium& medium) {
    for (const std::string_view architecture : {"x86_64", "aarch64", "ppc64le"}) {
        const std::string folder = fmt::format("boot/{}/loader/", architecture);
        const bool boots = medium.has_folder(folder.substr(0, folder.size() - 1));
        // `/ openSUSE-Leap 15.5-1`: a folder of the tree, the product, its version and release.
        std::string_view product = trimmed(medium.text("media.1/products"));
        if (!boots || (product.empty() && !medium.has_folder("media.1"))) {
            continue;
        }
        product = product.substr(0, product.find('\n'));
        const std::string_view version = first_number_word(product);
        const std::size_t blank = product.find(' ');
        const std::string_view name =
            blank == std::string_view::npos
                ? std::string_view{"SUSE"}
                : product.substr(blank + 1, product.find(' ', blank + 1) - blank - 1);
        Recognised found;
        found.release = version.substr(0, version.find('-'));
        found.system = std::string{name} + (found.release.empty() ? "" : " " + found.release);
        found.architecture = architecture;
        found.family = "suse";
        for (const std::string_view file : {"linux", "initrd"}) {
            if (!medium.has_file(folder + std::string{file})) {
                return lacks(found.system, "media.1/products", folder + std::string{file});
            }
        }
        found.what = "installer with packages";
        found.kernel = folder + "linux";
        found.initrd = {folder + "initrd"};
        found.starts_installer = true;
        // Online media have the installer alone.
        const bool whole = !files_ending(medium, "/repodata/repomd.xml").empty() ||
                           medium.has_file("repodata/repomd.xml");
        if (!whole) {
            found.what = "installer without packages";
            if (name.starts_with("openSUSE-Leap")) {
                found.variables["repository"] = fmt::format(
                    "http://download.opensuse.org/distribution/leap/{}/repo/oss/", found.release);
            } else {
                found.variables["repository"] = "";
                found.advice.emplace_back("The medium holds no packages: set the variable "
                                          "`repository` to the URL of an installation source.");
            }
        }
        found.cmdline =
            fmt::format("install={} autoyast={{{{answers_url}}}}/autoinst.xml netsetup=dhcp{}",
                        whole ? "@" : "{{repository}}", more_kernel_args);
        found.answers = {{"autoinst.xml", "suse-autoyast.mustache"},
                         {"install-lib", "install-lib.mustache"}};
        return found;
    }
    return std::nullopt;
}

} // namespace muster
