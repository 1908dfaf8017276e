// SPDX-License-Identifier: Apache-2.0
// The files of a site folder as its loader sees them. Core does no I/O: io/host reads a real
// folder, tests and the simulator hold one in memory.
#pragma once

#include "core/base/result.hh"

#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Why a file of the site, or a folder, could not be read.
struct SiteFileError {
    bool missing = false; ///< there is none: not an error where the file is optional
    std::string reason;   ///< `No such file or directory`
};

/// A file larger than this is no site description; refused before it fills the memory.
inline constexpr std::size_t site_file_size_max = std::size_t{64} << 20U;
/// Files below one folder of the site.
inline constexpr std::size_t site_folder_files_max = 100'000;

class SiteFiles {
public:
    SiteFiles() = default;
    SiteFiles(const SiteFiles&) = delete;
    SiteFiles& operator=(const SiteFiles&) = delete;
    virtual ~SiteFiles() = default;

    /// The regular files below `folder` at any depth, as paths relative to it, sorted. `folder`
    /// is relative to the site; the empty one is the site itself.
    [[nodiscard]] virtual Result<std::vector<std::string>, SiteFileError>
    list(std::string_view folder) const = 0;

    /// The whole text of a file; `path` is relative to the site.
    [[nodiscard]] virtual Result<std::string, SiteFileError> read(std::string_view path) const = 0;
};

} // namespace muster
