// SPDX-License-Identifier: Apache-2.0
#include "io/host/block_sums.hh"

#include <algorithm>

namespace muster {

std::span<std::uint16_t> BlockSums::of(const ContentRef& content, std::uint16_t blksize) {
    const std::uint64_t size = content == nullptr ? 0 : content->bytes.size();
    if (size < content_min || blksize == 0 || size / blksize >= blocks_max) {
        return {};
    }
    ++turn_;
    auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
        // Another content may have the address of one that is gone.
        return e.address == content.get() && e.blksize == blksize && !e.content.expired();
    });
    if (entry == entries_.end()) {
        entry = std::min_element(entries_.begin(), entries_.end(),
                                 [](const Entry& a, const Entry& b) { return a.used < b.used; });
        entry->content = content;
        entry->address = content.get();
        entry->blksize = blksize;
        entry->sums.assign(size / blksize + 1, 0); // the last one may be empty
    }
    entry->used = turn_;
    return entry->sums;
}

} // namespace muster
