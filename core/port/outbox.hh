// SPDX-License-Identifier: Apache-2.0
// The effects of one burst. An engine writes them, the driver performs and clears them.
#pragma once

#include "core/port/access_record.hh"
#include "core/port/datagram.hh"
#include "core/port/messages.hh"
#include "core/port/stream.hh"

#include <memory>
#include <vector>

namespace muster {

/// Effects, in the order in which they came up within each kind. Keeps its memory over clear().
class Outbox {
public:
    std::vector<TxDatagram> datagrams;
    std::vector<TxBlocks> blocks;
    std::vector<StreamSend> stream_sends;
    std::vector<StreamOrder> stream_orders;
    std::vector<OpenRequest> opens;
    std::vector<WorkerMessage> messages;
    std::vector<std::unique_ptr<AccessRecord>> accesses; ///< of answers that ended, if wanted

    /// How many messages control takes in this burst; set by whoever runs the engine.
    std::size_t control_room = SIZE_MAX;

    /// False when control takes no more now: the engine then leaves the client unanswered (it asks
    /// again), or drops a mere sample.
    [[nodiscard]] bool tell(WorkerMessage message) {
        if (messages.size() >= control_room) {
            return false;
        }
        messages.push_back(std::move(message));
        return true;
    }

    /// Copies `bytes` into the outbox; returns their offset.
    std::uint32_t store(Bytes bytes) {
        const auto offset = static_cast<std::uint32_t>(arena_.size());
        arena_.insert(arena_.end(), bytes.begin(), bytes.end());
        return offset;
    }
    [[nodiscard]] Bytes stored(std::uint32_t offset, std::uint32_t size) const noexcept {
        return Bytes{arena_}.subspan(offset, size);
    }
    [[nodiscard]] Bytes payload(const TxDatagram& datagram) const noexcept {
        return stored(datagram.payload_offset, datagram.payload_size);
    }
    [[nodiscard]] Bytes head(const StreamSend& send) const noexcept {
        return stored(send.head_offset, send.head_size);
    }
    [[nodiscard]] bool empty() const noexcept {
        return datagrams.empty() && blocks.empty() && stream_sends.empty() &&
               stream_orders.empty() && opens.empty() && messages.empty() && accesses.empty();
    }
    void clear() noexcept {
        datagrams.clear();
        blocks.clear();
        stream_sends.clear();
        stream_orders.clear();
        opens.clear();
        messages.clear();
        accesses.clear();
        arena_.clear();
    }

private:
    std::vector<std::byte> arena_;
};

} // namespace muster
