// SPDX-License-Identifier: Apache-2.0
// Brings an installation medium into a site folder.
#pragma once

#include "core/media/profile_text.hh"
#include "core/media/sums.hh"

#include "tools/muster/failure.hh"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

struct ImportOrder {
    std::string source;
    std::string netboot; ///< empty: none was given
    std::string name;
    std::filesystem::path site;
    bool force = false;
};

/// Told how far it is: what is being done, bytes done and bytes in all. May throw Failure, to end
/// it.
using ImportProgress =
    std::function<void(std::string_view doing, std::uint64_t done, std::uint64_t total)>;
/// Told what was found and done, a line at a time.
using ImportTeller = std::function<void(const std::string& line)>;

/// Recognises the medium, checks its sums, puts its files below files/NAME and writes the profile
/// and the templates it needs. Throws Failure, and has then changed nothing.
void import_medium(const ImportOrder& order, const ImportTeller& tell,
                   const ImportProgress& progress);

/// A template that comes with muster (deploy/profiles), or null.
[[nodiscard]] const std::string_view* own_template(std::string_view name);

} // namespace muster::cli
