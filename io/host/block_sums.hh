// SPDX-License-Identifier: Apache-2.0
// The sums under the UDP checksums of TFTP's blocks, where no port computes them. A kernel goes to
// every machine of a rack, and is summed for the first of them.
#pragma once

#include "core/base/ones_complement.hh"
#include "core/content/content.hh"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace muster {

/// Thread: its worker's.
class BlockSums {
public:
    /// The contents remembered at a time, each with one size of blocks.
    static constexpr std::size_t contents_max = 16;
    /// A smaller one is summed each time: scripts are of one machine each.
    static constexpr std::uint64_t content_min = 64 << 10;
    /// Of one content: 8 MiB of sums.
    static constexpr std::uint64_t blocks_max = 4 << 20;

    /// Those of `content` in blocks of `blksize`, in their order; empty: it is not worth it.
    /// Valid until the next call.
    [[nodiscard]] std::span<std::uint16_t> of(const ContentRef& content, std::uint16_t blksize);

    /// The one's complement sum of block `block`, whose bytes are `data`.
    [[nodiscard]] static std::uint32_t sum(std::span<std::uint16_t> sums, std::uint64_t block,
                                           Bytes data) noexcept {
        if (block > sums.size()) {
            return ones_complement_sum(data);
        }
        std::uint16_t& known = sums[block - 1];
        if (known == 0) { // 0xFFFF is 0 too in this arithmetic, and marks what is known
            const std::uint32_t computed = ones_complement_sum(data);
            known = static_cast<std::uint16_t>(computed == 0 ? 0xFFFFU : computed);
        }
        return known;
    }

private:
    struct Entry {
        std::weak_ptr<const Content> content;
        const Content* address = nullptr;
        std::uint16_t blksize = 0;
        std::uint64_t used = 0;
        std::vector<std::uint16_t> sums;
    };
    std::array<Entry, contents_max> entries_{};
    std::uint64_t turn_ = 0;
};

} // namespace muster
