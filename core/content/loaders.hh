// SPDX-License-Identifier: Apache-2.0
// Which boot loaders are served under /loaders/, and where Debian's packages put them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The file system as the search for loaders sees it (io/host has the real one).
class LoaderFiles {
public:
    LoaderFiles() = default;
    LoaderFiles(const LoaderFiles&) = delete;
    LoaderFiles& operator=(const LoaderFiles&) = delete;
    virtual ~LoaderFiles() = default;

    /// Whether `path` (absolute) is a readable regular file, or a link to one.
    [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
    /// Names of the files directly in `folder` (absolute), sorted; nothing if there is none.
    [[nodiscard]] virtual std::vector<std::string> list(const std::string& folder) const = 0;
};

/// A loader that was looked for and not found.
struct MissingLoader {
    std::string name;
    std::string package; ///< that has it; empty if the site names the path
    std::string path;    ///< where it was expected

    friend bool operator==(const MissingLoader&, const MissingLoader&) = default;
};

struct LoaderTable {
    std::map<std::string, std::string> found; ///< name → absolute path
    /// Those that a boot chain needs, and those that the site overrides, in the order of names.
    /// What is merely nice to have (other architectures, fallbacks) is not listed.
    std::vector<MissingLoader> missing;
};

/// Finds every known loader: where the site says (`overrides`: name → absolute path), else the
/// first place of the table that has it. Modules of GRUB and PXELINUX are taken as found in their
/// folders, under `grub/x86_64-efi/NAME` and beside PXELINUX.
[[nodiscard]] LoaderTable resolve_loaders(const std::map<std::string, std::string>& overrides,
                                          const LoaderFiles& files);

/// The names that a site may override: those of the table, and modules (`ldlinux.c32`,
/// `grub/x86_64-efi/tftp.mod`).
[[nodiscard]] bool is_loader_name(std::string_view name) noexcept;
/// The names of the table, for suggestions.
[[nodiscard]] std::vector<std::string_view> loader_names();

} // namespace muster
