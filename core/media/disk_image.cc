// SPDX-License-Identifier: Apache-2.0
#include "core/media/disk_image.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace muster {
namespace {

using Head = std::span<const std::byte>;

bool has(Head head, std::size_t at, std::string_view text) {
    return head.size() >= at + text.size() &&
           std::equal(text.begin(), text.end(), head.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char wanted, std::byte there) {
                          return static_cast<std::byte>(wanted) == there;
                      });
}

std::uint64_t big_endian(Head head, std::size_t at, std::size_t octets) {
    std::uint64_t value = 0;
    for (std::size_t each = 0; each < octets; ++each) {
        value = value << 8U | std::to_integer<std::uint64_t>(head[at + each]);
    }
    return value;
}

std::uint64_t little_endian32(Head head, std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t each = 4; each-- > 0;) {
        value = value << 8U | std::to_integer<std::uint64_t>(head[at + each]);
    }
    return value;
}

constexpr std::uint64_t qcow2_external_data = 1U << 2U;

Result<std::optional<DiskImage>, std::string> qcow2_of(Head head) {
    constexpr std::size_t header_v2 = 72;
    constexpr std::size_t header_v3 = 104;
    if (head.size() < header_v2) {
        return std::unexpected(std::string{"is a qcow2 image, but cut short"});
    }
    const std::uint64_t version = big_endian(head, 4, 4);
    if (version != 2 && version != 3) {
        return std::unexpected(
            fmt::format("is a qcow2 image of version {}; known are 2 and 3", version));
    }
    if (big_endian(head, 8, 8) != 0) {
        return std::unexpected(std::string{"is a qcow2 image with a backing file: it is not whole "
                                           "by itself (qemu-img rebase -b '' makes it so)"});
    }
    if (big_endian(head, 32, 4) != 0) {
        return std::unexpected(std::string{"is an encrypted qcow2 image"});
    }
    if (version == 3) {
        if (head.size() < header_v3) {
            return std::unexpected(std::string{"is a qcow2 image, but cut short"});
        }
        if ((big_endian(head, 72, 8) & qcow2_external_data) != 0) {
            return std::unexpected(
                std::string{"is a qcow2 image whose data is in another file: it is not whole by "
                            "itself"});
        }
    }
    const std::uint64_t size = big_endian(head, 24, 8);
    if (size == 0) {
        return std::unexpected(std::string{"is a qcow2 image of an empty disk"});
    }
    return DiskImage{.kind = DiskImageKind::qcow2, .size = size};
}

/// A table of MBR with at least one partition that begins behind it and is not empty; boot sectors
/// of file systems end with the same two octets, but have text where the table would be.
bool has_mbr(Head head) {
    constexpr std::size_t table = 446;
    constexpr std::size_t entry_size = 16;
    if (head.size() < 512 || !has(head, 510, "\x55\xAA")) {
        return false;
    }
    bool any = false;
    for (std::size_t entry = table; entry < 510; entry += entry_size) {
        const auto status = std::to_integer<unsigned>(head[entry]);
        if (status != 0 && status != 0x80) {
            return false;
        }
        const auto type = std::to_integer<unsigned>(head[entry + 4]);
        if (type != 0) {
            if (little_endian32(head, entry + 8) == 0 || little_endian32(head, entry + 12) == 0) {
                return false;
            }
            any = true;
        }
    }
    return any;
}

} // namespace

Result<std::optional<DiskImage>, std::string> find_disk_image(Head head) {
    if (has(head, 0, "QFI\xFB")) {
        return qcow2_of(head);
    }
    struct Foreign {
        std::size_t at;
        std::string_view magic;
        std::string_view name;
    };
    static constexpr std::array<Foreign, 4> foreign{{{0, "KDMV", "VMDK"},
                                                     {0, "# Disk DescriptorFile", "VMDK"},
                                                     {0, "vhdxfile", "VHDX"},
                                                     {64, "\x7F\x10\xDA\xBE", "VDI"}}};
    for (const Foreign& one : foreign) {
        if (has(head, one.at, one.magic)) {
            return std::unexpected(fmt::format(
                "is a {} image; taken are raw and qcow2 (qemu-img convert -O qcow2 makes one)",
                one.name));
        }
    }
    // ECMA-119 section 8.1: an ISO's first descriptor is in sector 16.
    if (has(head, 32769, "CD001") || !has_mbr(head)) {
        return std::optional<DiskImage>{};
    }
    return DiskImage{.kind = DiskImageKind::raw, .gpt = has(head, 512, "EFI PART")};
}

} // namespace muster
