// SPDX-License-Identifier: Apache-2.0
// Kernel UDP sockets of machines that have an address: one for each of a machine's ports, one for
// each multicast group.
#pragma once

#include "core/port/client.hh"
#include "io/client/client_token.hh"
#include "io/host/fd.hh"
#include "io/uring/ring.hh"

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <memory>
#include <vector>

namespace muster {

struct ClientDatagramMetrics {
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0; ///< of UDP payloads; those to a group once, not per member
    std::uint64_t sent = 0;
    std::uint64_t send_failed = 0;
    std::uint64_t sockets_refused = 0; ///< could not be opened: `refusal` says why
};

/// Opens a socket at the first datagram that a machine sends from a port, and holds it until
/// close(). Receives by one multishot operation a socket; runs of segments of one sender arrive as
/// one (UDP_GRO).
class ClientDatagrams {
public:
    explicit ClientDatagrams(Ring& ring);
    ~ClientDatagrams();
    ClientDatagrams(const ClientDatagrams&) = delete;
    ClientDatagrams& operator=(const ClientDatagrams&) = delete;

    /// `interface`: where groups are joined; 0: by route.
    [[nodiscard]] Result<void, SysError> open(std::uint32_t sockets_max, std::uint32_t interface);

    void send(const ClientTx& datagram, Bytes payload);
    void close(const ClientUdpClose& close);
    void change(const ClientGroup& group);

    /// Handles a completion of receive_datagrams: `deliver(MachineIndex, const ClientRx&)`.
    template <class Deliver>
    void on_received(const Completion& cqe, Deliver&& deliver) {
        Burst burst;
        const int buffer = take(cqe, burst);
        if (buffer < 0) {
            return;
        }
        Bytes rest = burst.datagram.payload;
        do { // also a datagram without any bytes is one
            burst.datagram.payload = rest.first(std::min(burst.segment, rest.size()));
            rest = rest.subspan(burst.datagram.payload.size());
            ++metrics_.received;
            metrics_.received_bytes += burst.datagram.payload.size();
            if (burst.members == nullptr) {
                deliver(burst.machine, std::as_const(burst.datagram));
            } else {
                for (const MachineIndex machine : *burst.members) {
                    deliver(machine, std::as_const(burst.datagram));
                }
            }
        } while (!rest.empty());
        buffers_.recycle(static_cast<std::uint16_t>(buffer));
    }
    void on_sent(const Completion& cqe) noexcept;

    [[nodiscard]] const ClientDatagramMetrics& metrics() const noexcept { return metrics_; }
    /// Why the first socket that could not be opened could not; empty: none.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

private:
    struct Socket {
        Fd fd;
        MachineIndex machine = 0;
        Endpoint local{}; ///< as the machine sees it
        bool closing = false;
        bool group = false;
        std::vector<MachineIndex> members; ///< of a group
    };
    struct TxSlot;
    /// What one receive brought: one datagram, or a run of them, each of `segment` bytes but the
    /// last.
    struct Burst {
        ClientRx datagram{};
        std::size_t segment = SIZE_MAX;
        MachineIndex machine = 0;
        const std::vector<MachineIndex>* members = nullptr;
    };

    [[nodiscard]] int take(const Completion& cqe, Burst& burst);
    [[nodiscard]] Socket* socket_of(const ClientTx& datagram);
    [[nodiscard]] Fd open_socket(const Endpoint& local);
    [[nodiscard]] Fd open_group(const Endpoint& group);
    SlabHandle add(Socket socket);
    void arm(SlabHandle handle, const Socket& socket);
    void end(SlabHandle handle, Socket& socket);
    void refused(const std::string& what);

    Ring& ring_;
    BufferGroup buffers_;
    msghdr layout_{}; ///< the kernel reads it on every receive: name and control sizes
    std::unique_ptr<Slab<Socket>> sockets_;
    absl::flat_hash_map<std::uint64_t, SlabHandle> by_port_;
    absl::flat_hash_map<Endpoint, SlabHandle> by_group_;
    std::unique_ptr<TxSlot[]> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::uint32_t interface_ = 0;
    ClientDatagramMetrics metrics_;
    std::string refusal_;
};

} // namespace muster
