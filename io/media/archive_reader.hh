// SPDX-License-Identifier: Apache-2.0
// Reads installation media: ISO images, tar archives (also the one in a Debian package) and
// folders, all through libarchive and all in the same way.
#pragma once

#include "core/base/result.hh"
#include "core/media/medium.hh"

#include <cstddef>
#include <span>
#include <string>

namespace muster {

/// Takes what is on a medium, entry by entry. An error that it returns ends the reading.
class MediumVisitor {
public:
    MediumVisitor() = default;
    MediumVisitor(const MediumVisitor&) = delete;
    MediumVisitor& operator=(const MediumVisitor&) = delete;
    virtual ~MediumVisitor() = default;

    /// An entry begins. `path` is relative, and stays inside the medium; so does a link's target.
    /// Returns: true to get its content, in pieces that follow each other.
    [[nodiscard]] virtual Result<bool, std::string> on_entry(const std::string& path,
                                                             const MediumEntry& entry) = 0;
    /// Borrows: `data` dies with the call.
    [[nodiscard]] virtual Result<void, std::string> on_data(std::span<const std::byte> data) = 0;
    /// The content of the entry is complete.
    [[nodiscard]] virtual Result<void, std::string> on_end() = 0;
};

/// Reads a medium from its beginning to its end. May be called again for a second pass.
///
/// Errors: a text for the operator: cannot be read, is no archive, is damaged or cut short, or
/// holds an entry that would leave the folder it is unpacked to (named).
/// Blocks.
[[nodiscard]] Result<void, std::string> read_medium(const std::string& source,
                                                    MediumVisitor& visitor);

/// The listing of a medium, with the texts that recognising needs.
/// Errors: those of read_medium().
[[nodiscard]] Result<Medium, std::string> list_medium(const std::string& source);

/// One file to be packed.
struct PackedFile {
    std::string path;
    unsigned mode = 0644;
    std::string text;
    std::string link; ///< not empty: a symbolic link to this
};

/// The files as tar.gz, owned by root.
[[nodiscard]] Result<std::string, std::string> pack_tar_gz(std::span<const PackedFile> files);

} // namespace muster
