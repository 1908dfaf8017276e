// SPDX-License-Identifier: Apache-2.0
// What will happen when: the agenda of a world, ordered by (time, sequence number).
#pragma once

#include "core/base/time.hh"

#include <cstdint>
#include <utility>
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
    std::uint64_t sequence = 0;
    Part part{};
    std::uint8_t what = 0;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

/// A heap of four children a node: half the levels of a binary one, and a node's children share a
/// pair of cache lines.
class EventQueue {
public:
    void post(Instant at, Part part, std::uint8_t what, std::uint32_t a = 0, std::uint32_t b = 0) {
        std::size_t i = heap_.size();
        heap_.push_back({});
        const AgendaEvent event{at, ++sequence_, part, what, a, b};
        while (i > 0) {
            const std::size_t parent = (i - 1) / 4;
            if (!before(event, heap_[parent])) {
                break;
            }
            heap_[i] = heap_[parent];
            i = parent;
        }
        heap_[i] = event;
    }
    /// When the next event is; Instant::never() when there is none.
    [[nodiscard]] Instant next() const noexcept {
        return heap_.empty() ? Instant::never() : heap_.front().at;
    }
    /// The next event. Precondition: there is one.
    AgendaEvent pop() {
        const AgendaEvent first = heap_.front();
        const AgendaEvent last = heap_.back();
        heap_.pop_back();
        const std::size_t size = heap_.size();
        for (std::size_t i = 0; size > 0;) {
            const std::size_t child = 4 * i + 1;
            std::size_t best = child;
            for (std::size_t c = child + 1; c < child + 4 && c < size; ++c) {
                best = before(heap_[c], heap_[best]) ? c : best;
            }
            if (child >= size || !before(heap_[best], last)) {
                heap_[i] = last;
                break;
            }
            heap_[i] = heap_[best];
            i = best;
        }
        return first;
    }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    [[nodiscard]] std::uint64_t posted() const noexcept { return sequence_; }

private:
    static bool before(const AgendaEvent& x, const AgendaEvent& y) noexcept {
        return x.at != y.at ? x.at < y.at : x.sequence < y.sequence;
    }

    std::vector<AgendaEvent> heap_;
    std::uint64_t sequence_ = 0;
};

} // namespace muster::sim
