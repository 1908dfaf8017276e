// SPDX-License-Identifier: Apache-2.0
// TCP connections of client engines.
#pragma once

#include "core/base/time.hh"
#include "core/port/client.hh"
#include "io/client/client_token.hh"
#include "io/uring/ring.hh"

#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace muster {

struct ClientStreamMetrics {
    std::uint64_t opened = 0;
    std::uint64_t connect_failed = 0;
    std::uint64_t broken = 0; ///< ended by an error: reset, timed out
    std::uint64_t received_bytes = 0;
};

/// Receives by one multishot operation a connection into buffers that all share; what an engine
/// wants discarded is thrown away in the kernel (MSG_TRUNC), which saves the copy.
class ClientStreams {
public:
    explicit ClientStreams(Ring& ring) : ring_(ring) {}
    ~ClientStreams();
    ClientStreams(const ClientStreams&) = delete;
    ClientStreams& operator=(const ClientStreams&) = delete;

    /// `streams_max`: of the fleet.
    [[nodiscard]] Result<void, SysError> open(std::uint32_t streams_max);

    /// False: it could not be begun, so that on_stream_closed() is due.
    [[nodiscard]] bool connect(const ClientConnect& connect);
    void order(const ClientStreamOrder& order, Bytes payload);

    /// A completion of connect, receive_stream, discard_stream or send_stream. `fleet` gets at most
    /// one on_stream_… call for each stretch of bytes; its orders for streams are to be performed
    /// before the next completion is handled, as a discard counts from the byte it was made at.
    template <class Fleet>
    void on_completion(const Completion& cqe, Fleet& fleet, const Now& now, ClientOutbox& out) {
        const ClientToken token = to_client_token(cqe.user_data);
        SlabHandle handle;
        Stream* stream = find(token, handle);
        if (token.op == ClientOp::receive_stream && (cqe.flags & IORING_CQE_F_BUFFER) != 0) {
            const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
            if (stream != nullptr && cqe.res > 0) {
                deliver(*stream, {buffers_.buffer(buffer), static_cast<std::size_t>(cqe.res)},
                        fleet, now, out);
            }
            buffers_.recycle(buffer);
        }
        if (stream == nullptr) {
            return;
        }
        switch (token.op) {
        case ClientOp::connect:
            stream->connecting = false;
            if (on_connected(*stream, cqe.res)) {
                fleet.on_stream_open(stream->id, now, out);
            }
            break;
        case ClientOp::receive_stream:
            on_received(*stream, cqe);
            break;
        case ClientOp::discard_stream:
            stream->discarding = false;
            if (cqe.res > 0) {
                discarded(*stream, static_cast<std::uint64_t>(cqe.res), fleet, now, out);
            }
            check_end(*stream, cqe.res);
            break;
        case ClientOp::send_stream:
            on_sent(*stream, cqe.res);
            break;
        default:
            break;
        }
        settle(handle, *stream, fleet, now, out);
    }

    /// After the orders of a completion's calls were performed: goes on receiving.
    void go_on();

    [[nodiscard]] const ClientStreamMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] std::uint32_t open_count() const noexcept { return streams_->in_use(); }
    /// Why the first connection that failed did; empty: none has.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
    /// The congestion control that connections use.
    [[nodiscard]] const std::string& congestion_control() const noexcept { return congestion_; }

private:
    struct Stream {
        ClientStreamId id{}; ///< the fleet's
        int fd = -1;
        bool known = true; ///< the fleet has it, and wants to know
        bool connecting = false;
        bool receiving = false;  ///< a multishot receive is in flight
        bool cancelling = false; ///< that receive is being ended
        bool discarding = false; ///< a receive of bytes to throw away is in flight
        bool sending = false;
        bool closing = false; ///< gone once nothing is in flight
        std::uint64_t discard_left = 0;
        std::string queue;    ///< bytes to send
        std::string flight;   ///< bytes that the kernel reads from now
        std::size_t sent = 0; ///< of these
        sockaddr_storage peer{};
    };

    [[nodiscard]] Stream* find(ClientToken token, SlabHandle& handle) noexcept;
    [[nodiscard]] Stream* find(ClientStreamId id, SlabHandle& handle) noexcept;
    [[nodiscard]] int open_socket(const ClientConnect& connect);
    bool on_connected(Stream& stream, int result);
    void on_received(Stream& stream, const Completion& cqe);
    void on_sent(Stream& stream, int result);
    void check_end(Stream& stream, int result);
    void receive_next(SlabHandle handle, Stream& stream);
    void send_next(SlabHandle handle, Stream& stream);
    void shut_down(Stream& stream) noexcept;
    void release(SlabHandle handle, Stream& stream) noexcept;
    void failed(const char* what, int code);

    template <class Fleet>
    void deliver(Stream& stream, Bytes bytes, Fleet& fleet, const Now& now, ClientOutbox& out) {
        metrics_.received_bytes += bytes.size();
        const std::uint64_t unwanted = std::min<std::uint64_t>(stream.discard_left, bytes.size());
        if (unwanted > 0) {
            stream.discard_left -= unwanted;
            if (stream.known) {
                fleet.on_stream_discarded(stream.id, unwanted, now, out);
            }
        }
        bytes = bytes.subspan(unwanted);
        if (stream.known && !bytes.empty()) {
            fleet.on_stream_data(stream.id, bytes, now, out);
        }
    }

    template <class Fleet>
    void discarded(Stream& stream, std::uint64_t size, Fleet& fleet, const Now& now,
                   ClientOutbox& out) {
        metrics_.received_bytes += size;
        stream.discard_left -= std::min(stream.discard_left, size);
        if (stream.known) {
            fleet.on_stream_discarded(stream.id, size, now, out);
        }
    }

    /// Reports the end of a connection once, and frees it when nothing is in flight any more;
    /// otherwise it goes on in go_on().
    template <class Fleet>
    void settle(SlabHandle handle, Stream& stream, Fleet& fleet, const Now& now,
                ClientOutbox& out) {
        if (!stream.closing) {
            touched_ = handle;
            return;
        }
        if (stream.known) {
            stream.known = false;
            fleet.on_stream_closed(stream.id, now, out);
        }
        release(handle, stream);
    }

    Ring& ring_;
    BufferGroup buffers_;
    std::unique_ptr<Slab<Stream>> streams_;
    std::vector<SlabHandle> by_fleet_slot_;
    SlabHandle touched_{}; ///< whose completion was handled last
    ClientStreamMetrics metrics_;
    std::string failure_;
    std::string congestion_;
};

} // namespace muster
