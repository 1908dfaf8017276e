// SPDX-License-Identifier: Apache-2.0
// What will happen when: the agenda of a world, ordered by (time, sequence number).
#pragma once

#include "core/base/time.hh"
#include "core/mem/cache_line.hh"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace muster::sim {

/// Which part of the world an event is for; what its fields mean is that part's business.
enum class Part : std::uint8_t {
    datagram, ///< Datagrams: a packet arrives
    stream,   ///< Streams: a segment arrives, a transfer reports
    flow,     ///< Streams: some transfer is complete
    server,   ///< ServerHost: control steps, a commit is done, the process begins
    machine,  ///< Machines: power
    fault,    ///< World: a fault begins or ends
};

struct AgendaEvent {
    Instant at;
    std::uint64_t sequence : 48 = 0;
    Part part : 8 {};
    std::uint8_t what : 8 = 0;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};
static_assert(sizeof(AgendaEvent) == 24);

/// What is soon lies in buckets by time, each put in order when it is reached; what is later, in a
/// heap. Packets are soon and are nearly all there is, so that most events are moved twice and
/// compared a few times, however many there are.
class EventQueue {
public:
    EventQueue() : soon_(bucket_count, none), occupied_(bucket_count / 64) {}

    void post(Instant at, Part part, std::uint8_t what, std::uint32_t a = 0, std::uint32_t b = 0) {
        AgendaEvent event;
        event.at = at;
        event.sequence = ++sequence_ & sequence_mask;
        event.part = part;
        event.what = what;
        event.a = a;
        event.b = b;
        ++size_;
        const std::int64_t bucket = bucket_of(at);
        if (bucket <= current_) {
            const auto rest = due_.begin() + static_cast<std::ptrdiff_t>(taken_);
            due_.insert(std::upper_bound(rest, due_.end(), event, before), event);
        } else if (bucket - current_ < static_cast<std::int64_t>(bucket_count)) {
            const auto slot = static_cast<std::size_t>(bucket) % bucket_count;
            std::uint32_t chunk = soon_[slot];
            if (chunk == none || chunks_[chunk].count == Chunk::capacity) {
                chunk = claim(chunk);
                soon_[slot] = chunk;
            }
            Chunk& to = chunks_[chunk];
            to.events[to.count++] = event;
            occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
            rest_ = std::min(rest_, at);
        } else {
            later_.push_back(event);
            std::push_heap(later_.begin(), later_.end(), after);
            rest_ = std::min(rest_, at);
        }
    }
    /// When the next event is; Instant::never() when there is none.
    [[nodiscard]] Instant next() const noexcept {
        return taken_ < due_.size() ? due_[taken_].at : rest_;
    }
    /// The next event. Precondition: there is one.
    AgendaEvent pop() {
        if (taken_ == due_.size()) {
            advance();
        }
        const AgendaEvent event = due_[taken_++];
        --size_;
        if (taken_ == due_.size()) {
            due_.clear();
            taken_ = 0;
        }
        return event;
    }
    /// An event that comes soon, `ahead` behind the next one; null: not known yet.
    [[nodiscard]] const AgendaEvent* peek(std::size_t ahead) const noexcept {
        return taken_ + ahead < due_.size() ? &due_[taken_ + ahead] : nullptr;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t posted() const noexcept { return sequence_; }

private:
    static constexpr std::uint32_t none = UINT32_MAX;
    static constexpr unsigned bucket_bits = 13; ///< 8 us wide, so that 67 ms are soon
    static constexpr std::size_t bucket_count = 8192;

    static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 48U) - 1;

    /// Some of a bucket's events, two cache lines of them.
    struct alignas(cache_line_size) Chunk {
        static constexpr std::uint32_t capacity = 5;
        std::uint32_t next = none;
        std::uint32_t count = 0;
        std::array<AgendaEvent, capacity> events{};
    };
    static_assert(sizeof(Chunk) == 2 * cache_line_size);

    static std::int64_t bucket_of(Instant at) noexcept { return at.ns >> bucket_bits; }
    static bool before(const AgendaEvent& x, const AgendaEvent& y) noexcept {
        return x.at != y.at ? x.at < y.at : x.sequence < y.sequence;
    }
    static bool after(const AgendaEvent& x, const AgendaEvent& y) noexcept { return before(y, x); }

    /// Goes on to the next bucket that holds anything. Only when it is time: what is posted
    /// meanwhile may come before it.
    void advance() {
        std::int64_t next = next_occupied();
        if (!later_.empty()) {
            next = std::min(next, bucket_of(later_.front().at));
        }
        current_ = next;
        const auto slot = static_cast<std::size_t>(next) % bucket_count;
        for (std::uint32_t chunk = soon_[slot]; chunk != none;) {
            Chunk& from = chunks_[chunk];
            due_.insert(due_.end(), from.events.begin(), from.events.begin() + from.count);
            const std::uint32_t following = from.next;
            from.next = free_; // the next to be used: it is in the cache
            free_ = chunk;
            chunk = following;
        }
        if (soon_[slot] != none) {
            soon_[slot] = none;
            occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
        }
        while (!later_.empty() && bucket_of(later_.front().at) == next) {
            std::pop_heap(later_.begin(), later_.end(), after);
            due_.push_back(later_.back());
            later_.pop_back();
        }
        std::sort(due_.begin(), due_.end(), before);
        rest_ = later_.empty() ? Instant::never() : later_.front().at;
        if (const std::int64_t after_it = next_occupied(); after_it != INT64_MAX) {
            for (std::uint32_t i = soon_[static_cast<std::size_t>(after_it) % bucket_count];
                 i != none; i = chunks_[i].next) {
                for (std::uint32_t k = 0; k < chunks_[i].count; ++k) {
                    rest_ = std::min(rest_, chunks_[i].events[k].at);
                }
            }
        }
    }
    /// An empty chunk, in front of `next`.
    [[nodiscard]] std::uint32_t claim(std::uint32_t next) {
        std::uint32_t chunk = free_;
        if (chunk == none) {
            chunk = static_cast<std::uint32_t>(chunks_.size());
            chunks_.emplace_back();
        } else {
            free_ = chunks_[chunk].next;
        }
        chunks_[chunk].next = next;
        chunks_[chunk].count = 0;
        return chunk;
    }
    [[nodiscard]] std::int64_t next_occupied() const noexcept {
        const auto first = static_cast<std::size_t>(current_ + 1) % bucket_count;
        for (std::size_t i = 0; i <= occupied_.size(); ++i) {
            const std::size_t word = (first / 64 + i) % occupied_.size();
            std::uint64_t bits = occupied_[word];
            if (i == 0) {
                bits &= ~std::uint64_t{0} << (first % 64);
            } else if (i == occupied_.size()) {
                bits &= ~(~std::uint64_t{0} << (first % 64));
            }
            if (bits != 0) {
                const std::size_t slot =
                    word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                return current_ + 1 +
                       static_cast<std::int64_t>((slot + bucket_count - first) % bucket_count);
            }
        }
        return INT64_MAX;
    }

    std::vector<AgendaEvent> due_; ///< in order; those before taken_ are done
    std::size_t taken_ = 0;
    std::int64_t current_ = 0; ///< the bucket that due_ was made of; what is earlier goes there too
    Instant rest_ = Instant::never(); ///< the earliest event that is not in due_
    std::vector<std::uint32_t> soon_; ///< the first chunk of each bucket's list
    std::vector<Chunk> chunks_;
    std::uint32_t free_ = none;           ///< list of chunks
    std::vector<std::uint64_t> occupied_; ///< a bit a bucket
    std::vector<AgendaEvent> later_;      ///< a heap, the next one first
    std::size_t size_ = 0;
    std::uint64_t sequence_ = 0;
};

} // namespace muster::sim
