// SPDX-License-Identifier: Apache-2.0
#include "core/content/loaders.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

enum class Need : bool { optional, required };

struct KnownLoader {
    std::string_view name;
    Need need;
    std::string_view package; ///< of Debian 12
    /// Where to look, the best first.
    std::array<std::string_view, 2> paths;
};

constexpr auto required = Need::required;
constexpr auto optional = Need::optional;

/// grubx64.efi, which shim asks for, is the build for the network: the disk's own (the file of
/// that name in the package) has neither TFTP nor HTTP.
constexpr std::array<KnownLoader, 18> known_loaders{{
    {"undionly.kpxe", required, "ipxe", {"/usr/lib/ipxe/undionly.kpxe", ""}},
    {"undionly.kkpxe", optional, "ipxe", {"/usr/lib/ipxe/undionly.kkpxe", ""}},
    {"ipxe.pxe", optional, "ipxe", {"/usr/lib/ipxe/ipxe.pxe", ""}},
    {"ipxe.lkrn", optional, "ipxe", {"/usr/lib/ipxe/ipxe.lkrn", "/boot/ipxe.lkrn"}},
    {"ipxe.efi", required, "ipxe", {"/usr/lib/ipxe/ipxe.efi", "/boot/ipxe.efi"}},
    {"snponly.efi", required, "ipxe", {"/usr/lib/ipxe/snponly.efi", ""}},
    {"pxelinux.0", optional, "pxelinux", {"/usr/lib/PXELINUX/pxelinux.0", ""}},
    {"lpxelinux.0", required, "pxelinux", {"/usr/lib/PXELINUX/lpxelinux.0", ""}},
    {"ldlinux.c32",
     required,
     "syslinux-common",
     {"/usr/lib/syslinux/modules/bios/ldlinux.c32", ""}},
    {"efi64/syslinux.efi",
     optional,
     "syslinux-efi",
     {"/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi", ""}},
    {"shimx64.efi",
     required,
     "shim-signed",
     {"/usr/lib/shim/shimx64.efi.signed", "/usr/lib/shim/shimx64.efi"}},
    {"mmx64.efi",
     optional,
     "shim-helpers-amd64-signed",
     {"/usr/lib/shim/mmx64.efi.signed", "/usr/lib/shim/mmx64.efi"}},
    {"grubx64.efi",
     required,
     "grub-efi-amd64-signed",
     {"/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", ""}},
    {"grubnetx64.efi",
     optional,
     "grub-efi-amd64-signed",
     {"/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", ""}},
    {"shimaa64.efi",
     optional,
     "shim-signed",
     {"/usr/lib/shim/shimaa64.efi.signed", "/usr/lib/shim/shimaa64.efi"}},
    {"mmaa64.efi",
     optional,
     "shim-helpers-arm64-signed",
     {"/usr/lib/shim/mmaa64.efi.signed", "/usr/lib/shim/mmaa64.efi"}},
    {"grubaa64.efi",
     optional,
     "grub-efi-arm64-signed",
     {"/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed", ""}},
    {"grubnetaa64.efi",
     optional,
     "grub-efi-arm64-signed",
     {"/usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed", ""}},
}};

/// A folder of modules: `prefix` + file name is what clients ask for.
struct ModuleFolder {
    std::string_view prefix;
    std::string_view folder;
    std::array<std::string_view, 2> suffixes;
};

constexpr std::array<ModuleFolder, 4> module_folders{{
    {"", "/usr/lib/syslinux/modules/bios", {".c32", ".c32"}},
    {"efi64/", "/usr/lib/syslinux/modules/efi64", {".c32", ".e64"}},
    {"grub/x86_64-efi/", "/usr/lib/grub/x86_64-efi", {".lst", ".mod"}},
    {"grub/arm64-efi/", "/usr/lib/grub/arm64-efi", {".lst", ".mod"}},
}};

bool is_module_file(std::string_view file, const ModuleFolder& modules) noexcept {
    return file.find('/') == std::string_view::npos &&
           std::any_of(modules.suffixes.begin(), modules.suffixes.end(), [file](auto suffix) {
               return file.size() > suffix.size() && file.ends_with(suffix);
           });
}

/// The first place that has the loader; the first of all if none has.
std::string best_path(const KnownLoader& loader, const LoaderFiles& files, bool& found) {
    for (const std::string_view path : loader.paths) {
        if (!path.empty() && files.exists(std::string{path})) {
            found = true;
            return std::string{path};
        }
    }
    found = false;
    return std::string{loader.paths.front()};
}

} // namespace

LoaderTable resolve_loaders(const std::map<std::string, std::string>& overrides,
                            const LoaderFiles& files) {
    LoaderTable table;
    for (const ModuleFolder& modules : module_folders) {
        const std::string folder{modules.folder};
        for (const std::string& file : files.list(folder)) {
            if (is_module_file(file, modules)) {
                table.found[std::string{modules.prefix} + file] = folder + "/" + file;
            }
        }
    }
    for (const KnownLoader& loader : known_loaders) {
        const std::string name{loader.name};
        bool found = false;
        const std::string path = best_path(loader, files, found);
        if (found) {
            table.found[name] = path;
        } else if (loader.need == Need::required && !overrides.contains(name)) {
            table.missing.push_back({name, std::string{loader.package}, path});
        }
    }
    for (const auto& [name, path] : overrides) {
        if (files.exists(path)) {
            table.found[name] = path;
        } else {
            // Not the packaged one instead: the operator wanted another, for a reason.
            table.found.erase(name);
            table.missing.push_back({name, "", path});
        }
    }
    std::sort(table.missing.begin(), table.missing.end(),
              [](const MissingLoader& a, const MissingLoader& b) { return a.name < b.name; });
    return table;
}

bool is_loader_name(std::string_view name) noexcept {
    const bool known = std::any_of(known_loaders.begin(), known_loaders.end(),
                                   [name](const KnownLoader& l) { return l.name == name; });
    return known ||
           std::any_of(module_folders.begin(), module_folders.end(),
                       [name](const ModuleFolder& modules) {
                           return name.starts_with(modules.prefix) &&
                                  is_module_file(name.substr(modules.prefix.size()), modules);
                       });
}

std::vector<std::string_view> loader_names() {
    std::vector<std::string_view> names;
    for (const KnownLoader& loader : known_loaders) {
        names.push_back(loader.name);
    }
    return names;
}

} // namespace muster
