// SPDX-License-Identifier: Apache-2.0
// One version of a file on disk, as content.
#pragma once

#include "core/content/content.hh"
#include "io/host/fd.hh"

#include <sys/stat.h>

#include <string_view>
#include <vector>

namespace muster {

/// What tells versions of a file apart on this machine.
struct FileVersion {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_s = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;

    explicit FileVersion(const struct stat& info) noexcept;
    friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

/// An open file: in memory when it is small and the kernel has it at hand, else mapped.
class FileContent final : public Content {
public:
    /// `name` gives the media type; `coding` (`gzip`, `zstd`, empty) says that the bytes are that
    /// name's in a coding, which makes the tag another one.
    FileContent(Fd file, const FileVersion& version, std::string_view name,
                std::string_view coding);
    ~FileContent() override;
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;

    /// False with errno when the file cannot be read or mapped.
    [[nodiscard]] bool take_bytes();

    /// The bytes are in memory of our own: they stay when the file changes.
    [[nodiscard]] bool is_copy() const noexcept { return mapping_ == nullptr; }
    [[nodiscard]] const FileVersion& version() const noexcept { return version_; }
    [[nodiscard]] bool intact() const noexcept override;
    [[nodiscard]] bool resident(std::uint64_t offset, std::uint64_t size) const noexcept override;

private:
    [[nodiscard]] bool read_at_hand(std::uint64_t size);

    Fd file_;
    FileVersion version_;
    void* mapping_ = nullptr;
    std::string memory_;
    /// For each stretch of the file, when it was last found in the page cache (seconds of the
    /// steady clock; 0: never), so that many readers of one file do not all look.
    mutable std::vector<std::uint32_t> seen_;
};

} // namespace muster
