// SPDX-License-Identifier: Apache-2.0
// The values that pass between an engine and whatever moves its byte streams (kernel TCP).
#pragma once

#include "core/addr/ip_address.hh"
#include "core/content/content.hh"
#include "core/mem/slab.hh"

namespace muster {

/// Names a connection of the driver; its slot is below the driver's connection limit, so engines
/// may keep an array beside it.
using StreamId = SlabHandle;

/// Bytes to send on a stream: a head in the outbox, then a range of a content. One at a time per
/// stream: the next may follow once on_stream_sent() has named this one done.
struct StreamSend {
    StreamId stream{};
    std::uint32_t head_offset = 0;
    std::uint32_t head_size = 0;
    ContentRef content{};     ///< null: the head alone
    std::uint64_t offset = 0; ///< into the content
    std::uint64_t size = 0;
    bool close_after = false; ///< shut down once all is sent
    bool peer_done = false;   ///< with close_after: by its own word the peer sends nothing more, so
                              ///< its end need not be waited for
};

/// What else an engine may ask of a stream.
struct StreamOrder {
    enum class Kind : std::uint8_t {
        pause, ///< deliver no more data until `resume` (back-pressure)
        resume,
        close, ///< end it now; on_stream_closed() follows
    };
    StreamId stream{};
    Kind kind{};
};

} // namespace muster
