// SPDX-License-Identifier: Apache-2.0
#include "io/mirror/mirror_file.hh"

#include "core/content/media_type.hh"
#include "io/host/clock.hh"

#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace muster {
namespace {

/// What is looked at as one, and how far apart the pages are that stand for the rest: the kernel
/// reads ahead, and lets go, in larger pieces.
constexpr std::uint64_t look_size = 512 << 10;
constexpr std::uint64_t look_step = 128 << 10;
constexpr std::uint32_t look_seconds = 2;

std::uint32_t look_clock() noexcept {
    return static_cast<std::uint32_t>((read_clock().steady - Instant{}).count() / 1'000'000'000) +
           1; // never 0
}

bool needs_no_disk(int file, std::uint64_t offset) noexcept {
    std::byte byte{};
    const iovec vector{&byte, 1};
    return ::preadv2(file, &vector, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 ||
           errno != EAGAIN;
}

} // namespace

MirrorFile::~MirrorFile() {
    if (map_ != nullptr) {
        ::munmap(map_, size_);
    }
}

bool MirrorFile::map(std::uint64_t size) {
    if (size == 0 || map_ != nullptr) {
        return true;
    }
    // Longer than the file while it arrives: what is behind its end is not touched before.
    void* const mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file_.get(), 0);
    if (mapping == MAP_FAILED) {
        return false;
    }
    map_ = mapping;
    size_ = size;
    seen_ = std::make_unique<std::atomic<std::uint32_t>[]>(size / look_size + 1);
    return true;
}

bool MirrorFile::append(Bytes bytes) {
    std::uint64_t at = arrived_.load(std::memory_order_relaxed);
    while (!bytes.empty()) {
        const ssize_t put =
            ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += static_cast<std::uint64_t>(put);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    arrived_.store(at, std::memory_order_release); // pairs with arrived()
    return true;
}

bool MirrorFile::resident(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (size == 0 || map_ == nullptr) {
        return true;
    }
    const std::uint32_t now = look_clock();
    const std::uint64_t whole = std::min<std::uint64_t>(size_, arrived());
    const std::uint64_t end = std::min(offset + size, whole);
    for (std::uint64_t i = offset / look_size; i * look_size < end; ++i) {
        std::atomic<std::uint32_t>& seen = seen_[i];
        const std::uint32_t last = seen.load(std::memory_order_relaxed);
        if (last != 0 && now - last <= look_seconds) {
            continue;
        }
        const std::uint64_t stop = std::min((i + 1) * look_size, whole);
        for (std::uint64_t at = i * look_size; at < stop; at += look_step) {
            if (!needs_no_disk(file_.get(), at)) {
                return false;
            }
        }
        seen.store(now, std::memory_order_relaxed);
    }
    return true;
}

MirrorContent::MirrorContent(std::shared_ptr<const MirrorFile> file, const ObjectRecord& record,
                             ObjectId id, UnixTime vouched_for, bool is_stale)
    : file_(std::move(file)) {
    bytes = file_->bytes();
    descriptor = file_->descriptor();
    modified = record.modified;
    etag = record.served_etag(id);
    type = record.content_type.empty() ? std::string{media_type(std::string_view{record.url}.substr(
                                             record.url.rfind('/') + 1))}
                                       : record.content_type;
    checked = vouched_for;
    stale = is_stale;
}

} // namespace muster
