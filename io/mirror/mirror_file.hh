// SPDX-License-Identifier: Apache-2.0
// An open file of the mirrors' cache, whole or still arriving, as content.
#pragma once

#include "core/content/content.hh"
#include "core/mirror/object_record.hh"
#include "io/host/fd.hh"

#include <atomic>
#include <memory>

namespace muster {

/// The bytes of one object. The mirror's thread writes them, workers send them.
class MirrorFile {
public:
    MirrorFile(Fd file, std::uint64_t arrived, bool ended)
        : file_(std::move(file)), arrived_(arrived), ended_(ended) {}
    ~MirrorFile();
    MirrorFile(const MirrorFile&) = delete;
    MirrorFile& operator=(const MirrorFile&) = delete;

    /// Maps all that it will have. Once; the mirror's thread. False: errno says why.
    [[nodiscard]] bool map(std::uint64_t size);
    [[nodiscard]] Bytes bytes() const noexcept { return {static_cast<std::byte*>(map_), size_}; }
    [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

    /// The mirror's thread: puts more behind what has arrived.
    [[nodiscard]] bool append(Bytes bytes);
    void end() noexcept { ended_.store(true, std::memory_order_release); } // pairs with ended()

    /// Any thread. Ask ended() first: what had arrived by then is all.
    [[nodiscard]] std::uint64_t arrived() const noexcept {
        return arrived_.load(std::memory_order_acquire); // pairs with append()
    }
    [[nodiscard]] bool ended() const noexcept {
        return ended_.load(std::memory_order_acquire); // pairs with end()
    }
    /// Any thread: sending this needs no disk, as far as one can tell.
    [[nodiscard]] bool resident(std::uint64_t offset, std::uint64_t size) const noexcept;

private:
    Fd file_;
    void* map_ = nullptr;
    std::size_t size_ = 0;
    std::atomic<std::uint64_t> arrived_;
    std::atomic<bool> ended_;
    /// Up to where, and when (seconds), all was last found in the page cache.
    mutable std::unique_ptr<std::atomic<std::uint32_t>[]> seen_;
};

/// What clients get of an object: its bytes, with what is said of them now.
class MirrorContent final : public Content {
public:
    MirrorContent(std::shared_ptr<const MirrorFile> file, const ObjectRecord& record, ObjectId id,
                  UnixTime vouched_for, bool is_stale);

    [[nodiscard]] bool resident(std::uint64_t offset, std::uint64_t size) const noexcept override {
        return file_->resident(offset, size);
    }
    [[nodiscard]] std::uint64_t arrived() const noexcept override { return file_->arrived(); }
    [[nodiscard]] bool ended() const noexcept override { return file_->ended(); }

private:
    std::shared_ptr<const MirrorFile> file_;
};

} // namespace muster
