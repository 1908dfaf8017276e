// SPDX-License-Identifier: Apache-2.0
#include "io/host/file_content.hh"

#include "core/content/media_type.hh"
#include "io/host/clock.hh"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace muster {
namespace {

/// Up to this size a file is read into memory: a mapping costs more than the copy.
constexpr std::uint64_t in_memory_max = 32 << 10;
/// What is looked at as one when asking whether a part is in the page cache, and how far apart the
/// pages are that stand for the rest: the kernel reads ahead, and lets go, in larger pieces.
constexpr std::uint64_t stretch = 512 << 10;
constexpr std::uint64_t probe_step = 128 << 10;
/// How long a stretch that was found there counts as found.
constexpr std::uint32_t seen_seconds = 2;

std::uint32_t steady_seconds() noexcept {
    return static_cast<std::uint32_t>((read_clock().steady - Instant{}).count() / 1'000'000'000) +
           1; // never 0
}

/// One byte, if no disk is needed for it.
bool at_hand(int file, std::uint64_t offset) noexcept {
    std::byte byte{};
    const iovec vector{&byte, 1};
    const ssize_t got = ::preadv2(file, &vector, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    // Where a filesystem does not know the question, sending straight away is all there is.
    return got >= 0 || errno != EAGAIN;
}

} // namespace

FileVersion::FileVersion(const struct stat& info) noexcept
    : device(info.st_dev),
      inode(info.st_ino),
      modified_s(info.st_mtim.tv_sec),
      modified_ns(info.st_mtim.tv_nsec),
      size(static_cast<std::uint64_t>(info.st_size)) {}

FileContent::FileContent(Fd file, const FileVersion& version, std::string_view name,
                         std::string_view coding)
    : file_(std::move(file)), version_(version) {
    descriptor = file_.get();
    modified = {version.modified_s * 1000 + version.modified_ns / 1'000'000};
    // From what every server with a copy of the file agrees on, so no inode number.
    etag = fmt::format("\"{:x}.{:x}-{:x}{}{}\"", version.modified_s, version.modified_ns,
                       version.size, coding.empty() ? "" : "-", coding);
    type = media_type(name);
    encoding = coding;
}

FileContent::~FileContent() {
    if (mapping_ != nullptr) {
        ::munmap(mapping_, bytes.size());
    }
}

bool FileContent::take_bytes() {
    const std::uint64_t size = version_.size;
    if (size == 0 || (size <= in_memory_max && read_at_hand(size))) {
        bytes = as_bytes(memory_);
        descriptor = -1; // of this version there is the copy alone: the file may change
        return true;
    }
    void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file_.get(), 0);
    if (mapping == MAP_FAILED) {
        return false;
    }
    mapping_ = mapping;
    bytes = {static_cast<const std::byte*>(mapping), size};
    seen_.resize(size / stretch + 1);
    return true;
}

/// False: a disk would have to be waited for, or the file is not what it was a moment ago. A
/// mapping then leaves both to whoever sends.
bool FileContent::read_at_hand(std::uint64_t size) {
    memory_.resize(size);
    std::uint64_t at = 0;
    while (at < size) {
        const iovec vector{memory_.data() + at, size - at};
        ssize_t got = ::preadv2(file_.get(), &vector, 1, static_cast<off_t>(at), RWF_NOWAIT);
        if (got < 0 && (errno == EOPNOTSUPP || errno == EINVAL)) {
            got = ::preadv(file_.get(), &vector, 1, static_cast<off_t>(at));
        }
        if (got <= 0) {
            memory_ = {};
            return false;
        }
        at += static_cast<std::uint64_t>(got);
    }
    return true;
}

bool FileContent::intact() const noexcept {
    if (mapping_ == nullptr) {
        return true; // a copy of our own
    }
    struct stat info {};
    return ::fstat(file_.get(), &info) == 0 && FileVersion{info} == version_;
}

bool FileContent::resident(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (mapping_ == nullptr || size == 0) {
        return true;
    }
    const std::uint32_t now = steady_seconds();
    const std::uint64_t end = std::min(offset + size, std::uint64_t{bytes.size()});
    for (std::uint64_t i = offset / stretch; i * stretch < end; ++i) {
        std::uint32_t& seen = seen_[i];
        if (seen != 0 && now - seen <= seen_seconds) {
            continue;
        }
        // The whole stretch, also what lies before `offset`: others go by the mark, too.
        const std::uint64_t stop = std::min((i + 1) * stretch, std::uint64_t{bytes.size()});
        for (std::uint64_t probe = i * stretch; probe < stop; probe += probe_step) {
            if (!at_hand(file_.get(), probe)) {
                return false;
            }
        }
        if (!at_hand(file_.get(), stop - 1)) {
            return false;
        }
        seen = now;
    }
    return true;
}

} // namespace muster
