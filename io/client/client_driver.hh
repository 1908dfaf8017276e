// SPDX-License-Identifier: Apache-2.0
// The loop under a fleet of clients: facts from the kernel to the fleet, its effects to the kernel.
// A template because io does not know net; it is instantiated where the two meet, in tools.
#pragma once

#include "io/client/client_datagrams.hh"
#include "io/client/client_frames.hh"
#include "io/client/client_streams.hh"
#include "io/client/client_wire.hh"
#include "io/host/clock.hh"

#include <poll.h>

#include <span>

namespace muster {

struct ClientDriverOptions {
    const ClientLink* link = nullptr; ///< null: no frames, only machines that have an address
    ClientWire* wire = nullptr;       ///< all datagrams go there; null: to the kernel
    std::uint32_t interface = 0;      ///< where groups are joined; 0: by route
    std::uint32_t sockets = 40'000;   ///< UDP ports at once, those that are being closed too
    std::uint32_t streams = 20'000;   ///< as the fleet's limit
    unsigned ring_entries = 4096;
};

/// Runs one fleet. Everything belongs to the thread that calls open().
///
/// Fleet: receive, receive_frame, on_stream_open/data/discarded/closed, expire, next_deadline
/// (see net/client/client_fleet.hh).
template <class Fleet>
class ClientDriver {
public:
    ClientDriver(Fleet& fleet, const ClientDriverOptions& options)
        : fleet_(fleet), options_(options), datagrams_(ring_), streams_(ring_) {}

    [[nodiscard]] Result<void, SysError> open() {
        if (auto opened = ring_.open(options_.ring_entries); !opened) {
            return opened;
        }
        if (auto opened = datagrams_.open(options_.sockets, options_.interface); !opened) {
            return opened;
        }
        if (auto opened = streams_.open(options_.streams); !opened) {
            return opened;
        }
        if (options_.link != nullptr && options_.wire == nullptr) {
            if (auto opened = frames_.open(*options_.link); !opened) {
                return opened;
            }
            arm_frames();
        }
        return {};
    }

    /// Where the caller's own calls of the fleet (start, stop) put their effects, to be performed
    /// by the next turn().
    [[nodiscard]] ClientOutbox& out() noexcept { return out_; }

    /// Performs what is due, then sleeps until something happens, but not beyond `until`, and
    /// handles that. Notes go to `watch(std::span<const ClientNote>, const Now&)`.
    template <class Watch>
    void turn(Instant until, Watch&& watch) {
        Now now = read_clock();
        perform(now);
        tell(watch, now);
        if (options_.wire != nullptr) {
            turn_wire(watch);
            return;
        }
        const Instant deadline = std::min(fleet_.next_deadline(), until);
        const Instant before = read_clock().steady;
        ring_.submit_and_wait(deadline <= before ? 0 : (deadline - before).count());
        now = read_clock();
        slept_ += now.steady - before;
        if (frames_.is_open()) {
            frames_.receive([&](const ReceivedFrame& frame) {
                fleet_.receive_frame(frame.destination, frame.datagram, now, out_);
            });
        }
        ring_.drain([&](const Completion& cqe) { complete(cqe, now); });
        fleet_.expire(now, out_);
        perform(now);
        tell(watch, now);
    }

    /// Hands what is due to the kernel without waiting for anything: the last words of a run.
    void flush() {
        perform(read_clock());
        out_.clear();
        ring_.submit_and_wait(0);
    }

    [[nodiscard]] ClientFrames& frames() noexcept { return frames_; }
    [[nodiscard]] const ClientDatagrams& datagrams() const noexcept { return datagrams_; }
    [[nodiscard]] const ClientStreams& streams() const noexcept { return streams_; }
    /// Time spent in the kernel's wait, which includes its own work for us: see process CPU time.
    [[nodiscard]] Duration slept() const noexcept { return slept_; }

private:
    /// Nothing wakes who waits for a wire: it is looked at again and again.
    template <class Watch>
    void turn_wire(Watch&& watch) {
        const Now now = read_clock();
        for (const ReceivedFrame& frame : options_.wire->receive()) {
            fleet_.receive_frame(frame.destination, frame.datagram, now, out_);
        }
        fleet_.expire(now, out_);
        perform(now);
        tell(watch, now);
    }

    void arm_frames() {
        io_uring_sqe* sqe = ring_.sqe();
        io_uring_prep_poll_multishot(sqe, frames_.fd(), POLLIN);
        sqe->user_data = to_client_data(ClientOp::frames_ready);
    }

    void complete(const Completion& cqe, const Now& now) {
        switch (to_client_token(cqe.user_data).op) {
        case ClientOp::none:
            break;
        case ClientOp::frames_ready: // looked at in every turn
            if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
                arm_frames();
            }
            break;
        case ClientOp::receive_datagrams:
            datagrams_.on_received(cqe, [&](MachineIndex machine, const ClientRx& datagram) {
                fleet_.receive(machine, datagram, now, out_);
            });
            break;
        case ClientOp::send_datagram:
            datagrams_.on_sent(cqe);
            break;
        case ClientOp::connect:
        case ClientOp::receive_stream:
        case ClientOp::discard_stream:
        case ClientOp::send_stream:
            streams_.on_completion(cqe, fleet_, now, out_);
            perform_streams(now);
            streams_.go_on();
            break;
        }
    }

    void perform_streams(const Now& now) {
        // A connection that cannot be begun is a fact for the fleet, which may try another.
        while (!out_.connects.empty() || !out_.stream_orders.empty()) {
            connects_.swap(out_.connects);
            orders_.swap(out_.stream_orders);
            for (const ClientConnect& connect : connects_) {
                if (!streams_.connect(connect)) {
                    fleet_.on_stream_closed(connect.stream, now, out_);
                }
            }
            for (const ClientStreamOrder& order : orders_) {
                streams_.order(order, order.kind == ClientStreamOrder::Kind::send
                                          ? out_.payload(order)
                                          : Bytes{});
            }
            connects_.clear();
            orders_.clear();
        }
    }

    /// DHCP is spoken in frames even by machines that have an address by now: its ports belong to
    /// this host's kernel, and its answers may come to everybody.
    [[nodiscard]] static bool goes_as_frame(const ClientTx& datagram) noexcept {
        const auto is_dhcp = [](std::uint16_t port) {
            return port == 67 || port == 68 || port == 4011;
        };
        return datagram.protocol == ClientProtocol::icmpv6 ||
               datagram.source.address == IpAddress{} ||
               datagram.source.address == IpAddress{Ipv4Address{}} || is_dhcp(datagram.source.port);
    }

    void perform(const Now& now) {
        perform_streams(now);
        for (const ClientGroup& group : out_.groups) {
            datagrams_.change(group);
        }
        if (options_.wire != nullptr) {
            for (const ClientTx& datagram : out_.datagrams) {
                options_.wire->send(datagram, out_.payload(datagram), now);
            }
            options_.wire->flush(now);
            return;
        }
        for (const ClientTx& datagram : out_.datagrams) {
            if (!goes_as_frame(datagram)) {
                datagrams_.send(datagram, out_.payload(datagram));
            } else if (frames_.is_open()) {
                frames_.send(datagram, out_.payload(datagram), now);
            }
        }
        // Behind the datagrams: a machine's last word still leaves from its port.
        for (const ClientUdpClose& close : out_.udp_closes) {
            datagrams_.close(close);
        }
        if (frames_.is_open()) {
            frames_.flush();
        }
    }

    template <class Watch>
    void tell(Watch&& watch, const Now& now) {
        notes_.swap(out_.notes);
        out_.clear();
        if (!notes_.empty()) {
            watch(std::span<const ClientNote>{notes_}, now);
            notes_.clear();
        }
    }

    Fleet& fleet_;
    ClientDriverOptions options_;
    Ring ring_;
    ClientFrames frames_;
    ClientDatagrams datagrams_;
    ClientStreams streams_;
    ClientOutbox out_;
    std::vector<ClientNote> notes_;
    std::vector<ClientConnect> connects_;
    std::vector<ClientStreamOrder> orders_;
    Duration slept_{};
};

} // namespace muster
