// SPDX-License-Identifier: Apache-2.0
// Every bound of the HTTP server, with its reason.
#pragma once

#include "core/base/time.hh"
#include "net/wire/http_request.hh"

#include <cstdint>

namespace muster {

/// What is served on the port.
enum class HttpRole : std::uint8_t {
    content, ///< the data plane: paths are routed by route_http(); GET, HEAD, POST
    admin,   ///< API, page and metrics: every request goes to control; PUT and DELETE, too
};

/// Memory at construction: `connections` times sizeof(HttpConnection) and a timer (below 500
/// bytes together), and `input_blocks` times input_block_bytes(), of which the kernel backs only
/// what was used. An idle connection holds no block.
struct HttpLimits {
    std::uint32_t connections = 20'000; ///< StreamId.slot stays below this
    HttpHeadLimits head;
    /// Blocks for input that cannot be worked on yet: heads that came in pieces, pipelined
    /// requests. Boot clients send a head in one segment and wait for the answer, so few
    /// connections ever hold one.
    std::uint32_t input_blocks = 512;
    /// Room kept for what the driver hands over at once, or had under way when it was told to
    /// pause: a dozen of its buffers. A client that pipelines more than fits loses its connection.
    std::uint32_t receive_bytes_max = 48 * 1024;
    std::uint64_t body_bytes_max = 64 * 1024;          ///< a report of an installer
    std::uint64_t admin_body_bytes_max = 1024 * 1024;  ///< a list of nodes
    std::uint64_t bodies_bytes_max = 16 * 1024 * 1024; ///< of all connections together

    /// From the first byte of a head to its last: a client that sends a byte a minute gets no
    /// further with it.
    Duration head_timeout = 10s;
    /// Without a request on an open connection. iPXE keeps an idle connection for 10 s and opens
    /// another when it is gone; UEFI firmware and GRUB do not reuse one after a pause.
    Duration idle_timeout = 60s;
    Duration body_timeout = 60s;   ///< for the whole body
    Duration send_timeout = 120s;  ///< without progress; equals iPXE's own watchdog
    Duration answer_timeout = 20s; ///< for the driver to open, for control to reply; GRUB: 30 s
    /// For a mirror to answer, and for more of what is arriving there. It ends every wait itself,
    /// after what its upstream is given of time; this only outlasts it.
    Duration mirror_timeout = 300s;
    Duration linger_timeout = 5s; ///< for the peer to close after our last byte

    /// What may wait for one listener of the feed. Whoever reads slower loses its connection, comes
    /// back, and goes on where it was.
    std::uint64_t feed_bytes_max = 4 * 1024 * 1024;
    std::uint32_t listeners_max = 1'000;

    /// How long a request waits, asked again and again, where the client knows no 503: UEFI
    /// firmware gives up on headers after 5 s (PROTOCOLS.md section 7).
    Duration hold_max = 4s;
    Duration control_retry = 5ms; ///< how often while control's queue is full
    Duration open_retry = 100ms;  ///< how often while the driver is out of descriptors

    /// Leave an AccessRecord in the outbox for each answer that ended.
    bool access_log = false;

    Duration sample_interval = 250ms; ///< between progress samples of one transfer

    [[nodiscard]] constexpr std::size_t input_block_bytes() const noexcept {
        return std::size_t{head.head_bytes_max} + receive_bytes_max;
    }
};

} // namespace muster
