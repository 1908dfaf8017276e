// SPDX-License-Identifier: Apache-2.0
// Reads a file through its compression, whichever it is: gzip, xz, zstd, bzip2, or none.
#pragma once

#include "core/base/result.hh"

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>

namespace muster {

/// Gets the content in pieces that follow each other. Borrows: `data` dies with the call.
/// Returns: false to end the reading here, which is no error.
using StreamTaker = std::function<Result<bool, std::string>(std::span<const std::byte> data)>;

/// Reads the file from its beginning to its end.
/// Errors: a text to follow the file's name (cannot be read, is damaged), or the taker's own.
/// Blocks.
[[nodiscard]] Result<void, std::string> read_stream(const std::string& source,
                                                    const StreamTaker& take);

/// The paths in a tar archive, without `./` and the slash of folders. Unlike list_medium() it
/// takes any archive, links that lead out and devices included: nothing is to be unpacked here.
/// Errors: a text to follow the file's name: cannot be read, is no tar archive, is damaged.
/// Blocks.
[[nodiscard]] Result<std::set<std::string>, std::string> list_tar(const std::string& source);

} // namespace muster
