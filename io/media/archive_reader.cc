// SPDX-License-Identifier: Apache-2.0
#include "io/media/archive_reader.hh"

#include "core/site/scalar.hh"
#include "io/media/archive_handle.hh"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_size = std::size_t{1} << 18U;

std::string text_of(const char* text) {
    return text == nullptr ? std::string{} : std::string{text};
}

/// `./a/b/` → `a/b`; `.` and `./` → nothing.
std::string plain_path(std::string path) {
    while (path.starts_with("./")) {
        path.erase(0, 2);
    }
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path == "." ? std::string{} : path;
}

/// A size field that says more than there is: the medium was cut short on its way here. libarchive
/// would notice only where a file's own content is missing.
/// Source: ECMA-119 section 8.4.8 (volume space size, both byte orders, in blocks).
std::string why_not_complete(const std::string& source) {
    constexpr std::streamoff descriptor = 16 * 2048;
    std::ifstream file{source, std::ios::binary};
    std::array<char, 132> head{};
    if (!file.seekg(descriptor) || !file.read(head.data(), head.size())) {
        return {};
    }
    if (std::string_view{head.data() + 1, 5} != "CD001" || head[0] != 1) {
        return {};
    }
    const auto octet = [&head](std::size_t at) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(head[at]));
    };
    const std::uint64_t blocks = octet(80) | octet(81) << 8U | octet(82) << 16U | octet(83) << 24U;
    const std::uint64_t block = octet(128) | octet(129) << 8U;
    std::error_code error;
    const std::uint64_t size = fs::file_size(source, error);
    if (error || size >= blocks * block) {
        return {};
    }
    return fmt::format("the ISO is cut short: it has {} of {} bytes", size, blocks * block);
}

/// Reads one archive that is open, calling the visitor.
class ArchivePass {
public:
    ArchivePass(archive* handle, std::string strip, MediumVisitor& visitor)
        : handle_(handle), strip_(std::move(strip)), visitor_(visitor) {}

    Result<void, std::string> run() {
        archive_entry* entry = nullptr;
        for (;;) {
            const int status = archive_read_next_header(handle_, &entry);
            if (status == ARCHIVE_EOF) {
                return {};
            }
            if (status < ARCHIVE_WARN) {
                return std::unexpected(
                    count_ == 0 ? fmt::format("cannot be read: {}", archive_error_text(handle_))
                                : fmt::format("is damaged: {}", archive_error_text(handle_)));
            }
            ++count_;
            if (!strip_.empty()) {
                archive_read_disk_descend(handle_);
            }
            MUSTER_TRY(done, take(entry));
            (void)done;
        }
    }

private:
    Result<bool, std::string> take(archive_entry* entry) {
        std::string raw = text_of(archive_entry_pathname(entry));
        if (!strip_.empty()) {
            raw = raw.size() <= strip_.size() ? std::string{} : raw.substr(strip_.size() + 1);
        }
        const std::string path = plain_path(raw);
        if (path.empty()) {
            return true; // the top folder itself
        }
        MUSTER_TRY(known, entry_of(entry, path));
        if (!known) {
            return true;
        }
        MUSTER_TRY(wanted, visitor_.on_entry(path, *known));
        if (!wanted || known->kind != MediumEntryKind::file || known->hard) {
            return true;
        }
        return take_content(path, known->size);
    }

    /// Nothing for what no medium needs (devices and the like).
    static Result<std::optional<MediumEntry>, std::string> entry_of(archive_entry* entry,
                                                                    const std::string& path) {
        if (const std::string reason = why_not_inside(path); !reason.empty()) {
            return std::unexpected(fmt::format("is refused: the entry '{}' {}", path, reason));
        }
        MediumEntry known;
        if (const std::string hard = text_of(archive_entry_hardlink(entry)); !hard.empty()) {
            known.target = plain_path(hard);
            known.hard = true;
            if (const std::string reason = why_not_inside(known.target); !reason.empty()) {
                return std::unexpected(
                    fmt::format("is refused: the hard link '{}' to '{}' {}", path, hard, reason));
            }
            return known;
        }
        switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
            known.size =
                static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
            return known;
        case AE_IFDIR:
            known.kind = MediumEntryKind::folder;
            return known;
        case AE_IFLNK:
            known.kind = MediumEntryKind::link;
            known.target = text_of(archive_entry_symlink(entry));
            if (link_destination(path, known.target).empty()) {
                return std::unexpected(fmt::format(
                    "is refused: the symbolic link '{}' to '{}' leads out of the medium", path,
                    known.target));
            }
            return known;
        default:
            return std::optional<MediumEntry>{};
        }
    }

    Result<bool, std::string> take_content(const std::string& path, std::uint64_t size) {
        static constexpr std::array<std::byte, 65536> zeros{};
        std::uint64_t done = 0;
        for (;;) {
            const void* data = nullptr;
            std::size_t length = 0;
            la_int64_t offset = 0;
            const int status = archive_read_data_block(handle_, &data, &length, &offset);
            if (status == ARCHIVE_EOF) {
                break;
            }
            if (status < ARCHIVE_WARN) {
                return std::unexpected(fmt::format("is damaged: cannot read '{}': {}", path,
                                                   archive_error_text(handle_)));
            }
            // A hole of a sparse file.
            while (done < static_cast<std::uint64_t>(offset)) {
                const std::size_t part = std::min<std::uint64_t>(
                    zeros.size(), static_cast<std::uint64_t>(offset) - done);
                MUSTER_TRY(told, tell({zeros.data(), part}));
                (void)told;
                done += part;
            }
            MUSTER_TRY(told, tell({static_cast<const std::byte*>(data), length}));
            (void)told;
            done += length;
        }
        if (done < size) {
            return std::unexpected(
                fmt::format("is damaged: '{}' has {} of {} bytes", path, done, size));
        }
        if (auto ended = visitor_.on_end(); !ended) {
            return std::unexpected(std::move(ended.error()));
        }
        return true;
    }

    Result<bool, std::string> tell(std::span<const std::byte> data) {
        if (auto taken = visitor_.on_data(data); !taken) {
            return std::unexpected(std::move(taken.error()));
        }
        return true;
    }

    archive* handle_;
    std::string strip_; ///< of a folder on disk: its own path
    MediumVisitor& visitor_;
    std::size_t count_ = 0;
};

ArchiveHandle make_reader() {
    ArchiveHandle handle{archive_read_new()};
    archive_read_support_filter_all(handle.get());
    archive_read_support_format_tar(handle.get());
    archive_read_support_format_iso9660(handle.get());
    return handle;
}

Result<void, std::string> read_folder(const std::string& source, MediumVisitor& visitor) {
    std::error_code error;
    const std::string folder = fs::canonical(source, error).string();
    if (error) {
        return std::unexpected(fmt::format("cannot be read: {}", error.message()));
    }
    const ArchiveHandle handle{archive_read_disk_new()};
    archive_read_disk_set_symlink_physical(handle.get());
    if (archive_read_disk_open(handle.get(), folder.c_str()) != ARCHIVE_OK) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(handle.get())));
    }
    return ArchivePass{handle.get(), folder, visitor}.run();
}

/// The tar archive in an ar archive: what a Debian package installs. Source: deb(5).
Result<void, std::string> read_package(const std::string& source, MediumVisitor& visitor) {
    const ArchiveHandle outer{archive_read_new()};
    archive_read_support_format_ar(outer.get());
    if (archive_read_open_filename(outer.get(), source.c_str(), block_size) != ARCHIVE_OK) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(outer.get())));
    }
    archive_entry* entry = nullptr;
    do {
        const int status = archive_read_next_header(outer.get(), &entry);
        if (status != ARCHIVE_OK) {
            return std::unexpected(
                status == ARCHIVE_EOF
                    ? std::string{"is no Debian package: it has no data.tar"}
                    : fmt::format("cannot be read: {}", archive_error_text(outer.get())));
        }
    } while (!text_of(archive_entry_pathname(entry)).starts_with("data.tar"));

    struct Source {
        archive* outer;
        std::vector<char> block;
    } inner_source{outer.get(), std::vector<char>(block_size)};
    const ArchiveHandle inner = make_reader();
    const auto read_block = [](archive* handle, void* data, const void** out) -> la_ssize_t {
        auto& from = *static_cast<Source*>(data);
        const la_ssize_t length =
            archive_read_data(from.outer, from.block.data(), from.block.size());
        if (length < 0) {
            archive_set_error(handle, EIO, "%s", archive_error_text(from.outer).c_str());
            return ARCHIVE_FATAL;
        }
        *out = from.block.data();
        return length;
    };
    if (archive_read_open(inner.get(), &inner_source, nullptr, read_block, nullptr) != ARCHIVE_OK) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(inner.get())));
    }
    return ArchivePass{inner.get(), {}, visitor}.run();
}

/// Takes the listing.
class ListingVisitor final : public MediumVisitor {
public:
    explicit ListingVisitor(Medium& medium) : medium_(medium) {}

    Result<bool, std::string> on_entry(const std::string& path, const MediumEntry& entry) override {
        medium_.entries[path] = entry;
        path_ = path;
        return entry.kind == MediumEntryKind::file && entry.size <= medium_text_size_max &&
               is_medium_text(path);
    }
    Result<void, std::string> on_data(std::span<const std::byte> data) override {
        // Copied, because bytes and characters are different types; texts are small.
        std::string part(data.size(), '\0');
        std::memcpy(part.data(), data.data(), data.size());
        text_ += part;
        return {};
    }
    Result<void, std::string> on_end() override {
        medium_.texts[path_] = std::move(text_);
        text_.clear();
        return {};
    }

private:
    Medium& medium_;
    std::string path_;
    std::string text_;
};

} // namespace

Result<void, std::string> read_medium(const std::string& source, MediumVisitor& visitor) {
    std::error_code error;
    if (fs::is_directory(source, error)) {
        return read_folder(source, visitor);
    }
    if (!fs::exists(source, error)) {
        return std::unexpected(std::string{error ? error.message() : "No such file or directory"});
    }
    if (source.ends_with(".deb")) {
        return read_package(source, visitor);
    }
    if (auto reason = why_not_complete(source); !reason.empty()) {
        return std::unexpected(std::move(reason));
    }
    const ArchiveHandle handle = make_reader();
    if (archive_read_open_filename(handle.get(), source.c_str(), block_size) != ARCHIVE_OK) {
        return std::unexpected(
            fmt::format("is neither an ISO image nor a tar archive, Debian package or folder: {}",
                        archive_error_text(handle.get())));
    }
    return ArchivePass{handle.get(), {}, visitor}.run();
}

Result<Medium, std::string> list_medium(const std::string& source) {
    Medium medium;
    std::error_code error;
    fs::path path = fs::absolute(source, error).lexically_normal();
    if (!path.has_filename()) {
        path = path.parent_path();
    }
    medium.name = path.filename().string();
    ListingVisitor visitor{medium};
    if (auto read = read_medium(source, visitor); !read) {
        return std::unexpected(std::move(read.error()));
    }
    return medium;
}

Result<std::string, std::string> pack_tar_gz(std::span<const PackedFile> files) {
    struct WriteFree {
        void operator()(archive* handle) const noexcept { archive_write_free(handle); }
    };
    std::size_t room = 65536;
    for (const PackedFile& file : files) {
        room += file.text.size() + 4096;
    }
    std::string out(room, '\0');
    std::size_t used = 0;
    const std::unique_ptr<archive, WriteFree> handle{archive_write_new()};
    archive_write_add_filter_gzip(handle.get());
    // Without the time in gzip's header: the same files are the same bytes.
    archive_write_set_filter_option(handle.get(), "gzip", "timestamp", nullptr);
    archive_write_set_format_ustar(handle.get());
    archive_write_set_bytes_in_last_block(handle.get(), 1);
    bool good =
        archive_write_open_memory(handle.get(), out.data(), out.size(), &used) == ARCHIVE_OK;
    for (const PackedFile& file : files) {
        struct EntryFree {
            void operator()(archive_entry* entry) const noexcept { archive_entry_free(entry); }
        };
        const std::unique_ptr<archive_entry, EntryFree> entry{archive_entry_new()};
        archive_entry_set_pathname(entry.get(), file.path.c_str());
        archive_entry_set_perm(entry.get(), file.mode);
        if (file.link.empty()) {
            archive_entry_set_filetype(entry.get(), AE_IFREG);
            archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.text.size()));
        } else {
            archive_entry_set_filetype(entry.get(), AE_IFLNK);
            archive_entry_set_symlink(entry.get(), file.link.c_str());
        }
        good = good && archive_write_header(handle.get(), entry.get()) == ARCHIVE_OK &&
               archive_write_data(handle.get(), file.text.data(), file.text.size()) ==
                   static_cast<la_ssize_t>(file.text.size());
    }
    good = good && archive_write_close(handle.get()) == ARCHIVE_OK;
    if (!good) {
        return std::unexpected(archive_error_text(handle.get()));
    }
    out.resize(used);
    return out;
}

} // namespace muster
