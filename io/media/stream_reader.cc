// SPDX-License-Identifier: Apache-2.0
#include "io/media/stream_reader.hh"

#include "io/media/archive_handle.hh"

#include <archive_entry.h>
#include <fmt/format.h>

#include <string_view>

namespace muster {
namespace {

constexpr std::size_t stream_block_size = std::size_t{1} << 20U;

} // namespace

Result<void, std::string> read_stream(const std::string& source, const StreamTaker& take) {
    const ArchiveHandle handle{archive_read_new()};
    archive_read_support_filter_all(handle.get());
    archive_read_support_format_raw(handle.get());
    archive_read_support_format_empty(handle.get());
    if (archive_read_open_filename(handle.get(), source.c_str(), stream_block_size) != ARCHIVE_OK) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(handle.get())));
    }
    archive_entry* entry = nullptr;
    const int opened = archive_read_next_header(handle.get(), &entry);
    if (opened == ARCHIVE_EOF) {
        return {};
    }
    if (opened < ARCHIVE_WARN) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(handle.get())));
    }
    for (;;) {
        const void* data = nullptr;
        std::size_t length = 0;
        la_int64_t offset = 0;
        const int status = archive_read_data_block(handle.get(), &data, &length, &offset);
        if (status == ARCHIVE_EOF) {
            return {};
        }
        if (status < ARCHIVE_WARN) {
            return std::unexpected(fmt::format("is damaged: {}", archive_error_text(handle.get())));
        }
        auto more = take({static_cast<const std::byte*>(data), length});
        if (!more) {
            return std::unexpected(std::move(more.error()));
        }
        if (!*more) {
            return {};
        }
    }
}

Result<std::set<std::string>, std::string> list_tar(const std::string& source) {
    const ArchiveHandle handle{archive_read_new()};
    archive_read_support_filter_all(handle.get());
    archive_read_support_format_tar(handle.get());
    if (archive_read_open_filename(handle.get(), source.c_str(), stream_block_size) != ARCHIVE_OK) {
        return std::unexpected(fmt::format("cannot be read: {}", archive_error_text(handle.get())));
    }
    std::set<std::string> paths;
    archive_entry* entry = nullptr;
    for (;;) {
        const int status = archive_read_next_header(handle.get(), &entry);
        if (status == ARCHIVE_EOF) {
            return paths;
        }
        if (status < ARCHIVE_WARN) {
            return std::unexpected(fmt::format("is damaged: {}", archive_error_text(handle.get())));
        }
        const char* raw = archive_entry_pathname(entry);
        std::string_view path{raw == nullptr ? "" : raw};
        while (path.starts_with("./")) {
            path.remove_prefix(2);
        }
        while (path.ends_with('/')) {
            path.remove_suffix(1);
        }
        paths.emplace(path);
    }
}

} // namespace muster
