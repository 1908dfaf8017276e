// SPDX-License-Identifier: Apache-2.0
// What `muster import` makes of a disk image or of a root file system in a tar archive: a file that
// the minimal installer puts on a disk.
#pragma once

#include "core/media/disk_image.hh"
#include "core/media/profile_text.hh"
#include "io/media/import_folder.hh"

#include "tools/muster/import_copy.hh"

#include <optional>
#include <string>

namespace muster::cli {

struct DiskSource {
    std::optional<DiskImage> image; ///< else a root file system
    bool compressed = false;
    DiskContent content; ///< without its sum, which is known once it was copied
    std::vector<std::string> advice;
};

/// What of a disk the file holds; nothing if it is none. Throws Failure if it is one that cannot be
/// used.
[[nodiscard]] std::optional<DiskSource> find_disk_source(const std::string& source);

/// How many bytes copy_disk_source() will tell the meter, as far as that is known before.
[[nodiscard]] std::uint64_t disk_source_size(const DiskSource& found, const std::string& source);

/// Puts it into the folder, images as raw ones; completes `found.content`. Throws Failure.
void copy_disk_source(DiskSource& found, const std::string& source, ImportFolder& folder,
                      ImportMeter& meter);

} // namespace muster::cli
