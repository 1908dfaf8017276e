// SPDX-License-Identifier: Apache-2.0
// Images of whole disks, as their first octets show them.
#pragma once

#include "core/base/result.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace muster {

/// As much of a file as find_disk_image() needs to see; a shorter file is shown whole.
inline constexpr std::size_t disk_image_head = 40960;

enum class DiskImageKind : std::uint8_t { raw, qcow2 };

struct DiskImage {
    DiskImageKind kind = DiskImageKind::raw;
    bool gpt = false;       ///< raw: a GUID partition table, else one of MBR
    std::uint64_t size = 0; ///< of the disk in bytes; 0: the file's own
};

/// Tells whether a file is an image of a disk: raw with a partition table, or qcow2. An ISO image
/// is none, although it may carry a partition table too.
///
/// Returns: nothing if it is none.
/// Errors: a text, to follow the file's name: a known format that is not taken (VMDK, VDI, VHDX),
/// or a qcow2 that is not whole by itself (backing file, external data) or is encrypted. Source:
/// UEFI 2.10 section 5.2 (MBR) and 5.3 (GPT); qcow2 specification of QEMU, section Header.
[[nodiscard]] Result<std::optional<DiskImage>, std::string>
find_disk_image(std::span<const std::byte> head);

} // namespace muster
