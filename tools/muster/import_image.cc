// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/import_image.hh"

#include "io/media/stream_reader.hh"

#include "tools/muster/program.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view raw_name = "disk.raw";

/// The first octets of the file, as it is or as its compression hides them. Empty if it cannot be
/// read that way: then it is none of ours, and the readers of media say what is wrong.
std::vector<std::byte> head_of(const std::string& source) {
    std::vector<std::byte> head;
    const auto read =
        read_stream(source, [&head](std::span<const std::byte> data) -> Result<bool, std::string> {
            head.insert(head.end(), data.begin(),
                        data.begin() + static_cast<std::ptrdiff_t>(
                                           std::min(data.size(), disk_image_head - head.size())));
            return head.size() < disk_image_head;
        });
    return read ? head : std::vector<std::byte>{};
}

bool is_compressed(const std::string& source) {
    static constexpr std::array<std::string_view, 4> magics{
        std::string_view{"\x1F\x8B", 2}, std::string_view{"\xFD\x37zXZ", 5},
        std::string_view{"\x28\xB5\x2F\xFD", 4}, std::string_view{"BZh", 3}};
    std::ifstream file{source, std::ios::binary};
    std::array<char, 6> head{};
    file.read(head.data(), head.size());
    const std::string_view there{head.data(), static_cast<std::size_t>(file.gcount())};
    return std::any_of(magics.begin(), magics.end(),
                       [there](std::string_view magic) { return there.starts_with(magic); });
}

[[noreturn]] void refuse(const std::string& source, const std::string& why) {
    throw Failure{fmt::format("{} {}", printable(source), printable_document(why))};
}

/// The root file system of a Linux system in a tar archive, with what the minimal installer needs.
std::optional<DiskSource> root_of(const std::string& source) {
    std::string end;
    for (const std::string_view known : {".tar", ".tar.zst", ".tar.gz", ".tar.xz"}) {
        if (source.ends_with(known)) {
            end = known;
        }
    }
    if (end.empty()) {
        return std::nullopt;
    }
    const auto paths = list_tar(source);
    if (!paths) {
        return std::nullopt; // read as a medium it will say why
    }
    const auto any_below = [&paths](std::string_view prefix) {
        const auto found = paths->lower_bound(std::string{prefix});
        return found != paths->end() && found->starts_with(prefix);
    };
    const bool system = paths->contains("etc/os-release") || paths->contains("usr/lib/os-release");
    if (!system || !(paths->contains("sbin/init") || paths->contains("usr/sbin/init") ||
                     paths->contains("usr/lib/systemd/systemd"))) {
        return std::nullopt;
    }
    if (!any_below("boot/vmlinuz-") || !any_below("boot/initrd.img-")) {
        refuse(source, "is a root file system without a kernel: there is no boot/vmlinuz-* with "
                       "its boot/initrd.img-*");
    }
    DiskSource found;
    found.content = {.what = "Root file system",
                     .file = "root" + end,
                     .sha256 = {},
                     .answer_template = "minimal-tree.mustache",
                     .cloud_init = false};
    if (!paths->contains("boot/efi/EFI/BOOT/BOOTX64.EFI")) {
        found.advice.emplace_back("it brings no boot loader for UEFI (boot/efi/EFI/BOOT/"
                                  "BOOTX64.EFI): only machines with BIOS will start from it");
    }
    return found;
}

/// Reads the image, decompressed, into the open file; its sum.
std::string copy_stream(const std::string& source, ImportFolder& folder, ImportMeter& meter,
                        bool summed) {
    Digest digest{SumKind::sha256};
    const auto read =
        read_stream(source, [&](std::span<const std::byte> data) -> Result<bool, std::string> {
            if (summed) {
                digest.add(data);
            }
            // What is compressed is longer than the file says.
            meter.total = std::max(meter.total, meter.done + data.size());
            meter.add("copying", data.size());
            if (auto wrote = folder.write(data); !wrote) {
                return std::unexpected(std::move(wrote.error()));
            }
            return true;
        });
    if (!read) {
        refuse(source, read.error());
    }
    return digest.finish();
}

void must(Result<void, std::string> done) {
    if (!done) {
        throw Failure{printable_document(done.error())};
    }
}

void copy_qcow2(DiskSource& found, const std::string& source, ImportFolder& folder,
                ImportMeter& meter) {
    std::string from = source;
    const fs::path unpacked = folder.path() / "disk.qcow2";
    if (found.compressed) {
        must(folder.begin_file("disk.qcow2"));
        (void)copy_stream(source, folder, meter, false);
        must(folder.end_file());
        from = unpacked.string();
    }
    const std::string goal = (folder.path() / raw_name).string();
    // An absolute path: QEMU takes `name:rest` for a protocol otherwise.
    const ProgramEnd end = run_program(
        {"qemu-img", "convert", "-f", "qcow2", "-O", "raw", fs::absolute(from).string(), goal});
    if (!end.started) {
        throw Failure{"qemu-img is missing, and without it no qcow2 image is converted: install "
                      "the package qemu-utils"};
    }
    if (end.status != 0) {
        refuse(source, fmt::format("cannot be converted: {}", last_line(end.output)));
    }
    std::error_code ignored;
    fs::remove(unpacked, ignored);
    Digest digest{SumKind::sha256};
    read_whole_file(goal, [&](std::span<const std::byte> data) {
        digest.add(data);
        meter.add("checking", data.size());
    });
    found.content.sha256 = digest.finish();
}

} // namespace

std::optional<DiskSource> find_disk_source(const std::string& source) {
    std::error_code error;
    if (!fs::is_regular_file(source, error)) {
        return std::nullopt;
    }
    const std::vector<std::byte> head = head_of(source);
    const auto image = find_disk_image(head);
    if (!image) {
        refuse(source, image.error());
    }
    if (!*image) {
        return root_of(source);
    }
    DiskSource found;
    found.image = **image;
    found.compressed = is_compressed(source);
    const bool qcow2 = found.image->kind == DiskImageKind::qcow2;
    found.content = {.what =
                         fmt::format("Disk image ({}{})",
                                     qcow2 ? "qcow2" : (found.image->gpt ? "raw, GPT" : "raw, MBR"),
                                     found.compressed ? ", compressed" : ""),
                     .file = std::string{raw_name},
                     .sha256 = {},
                     .answer_template = "minimal-image.mustache",
                     .cloud_init = true};
    return found;
}

std::uint64_t disk_source_size(const DiskSource& found, const std::string& source) {
    std::error_code error;
    const std::uint64_t size = fs::file_size(source, error);
    if (!found.image || found.image->kind == DiskImageKind::raw) {
        return size; // of what is compressed, at least that
    }
    return found.image->size + (found.compressed ? size : 0);
}

void copy_disk_source(DiskSource& found, const std::string& source, ImportFolder& folder,
                      ImportMeter& meter) {
    if (found.image && found.image->kind == DiskImageKind::qcow2) {
        copy_qcow2(found, source, folder, meter);
        return;
    }
    must(folder.begin_file(found.content.file));
    if (found.image) {
        found.content.sha256 = copy_stream(source, folder, meter, true);
    } else {
        read_whole_file(source, [&](std::span<const std::byte> data) {
            meter.add("copying", data.size());
            must(folder.write(data));
        });
    }
    must(folder.end_file());
}

} // namespace muster::cli
