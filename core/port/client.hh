// SPDX-License-Identifier: Apache-2.0
// The values that pass between client engines (one machine's side of a boot) and what moves their
// bytes: kernel sockets of muster-load, or the simulated network.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"
#include "core/base/time.hh"
#include "core/mem/slab.hh"

#include <string>
#include <vector>

namespace muster {

/// Number of a machine in its fleet, from 0.
using MachineIndex = std::uint32_t;

enum class ClientProtocol : std::uint8_t {
    udp,
    icmpv6, ///< router solicitations and advertisements; ports are 0, addresses link-local
};

/// A datagram for a machine.
struct ClientRx {
    ClientProtocol protocol = ClientProtocol::udp;
    Endpoint source{};      ///< who sent it
    Endpoint destination{}; ///< the machine's port, and the address it was sent to
    Bytes payload{};        ///< borrowed until the engine returns
};

/// A datagram of a machine; its payload lies in the outbox. The machine's port is open from the
/// first datagram it sends until ClientUdpClose names it: a driver may hold a socket as long.
struct ClientTx {
    ClientProtocol protocol = ClientProtocol::udp;
    MachineIndex machine = 0;
    /// The machine's address and port. An unspecified address: it has none yet, so this goes out as
    /// a frame from `mac`, and answers may come to `mac` or to everybody.
    Endpoint source{};
    Endpoint destination{}; ///< 255.255.255.255: everybody
    MacAddress mac{};       ///< of the machine
    std::uint32_t payload_offset = 0;
    std::uint32_t payload_size = 0;
};

/// The machine will not look at this port again.
struct ClientUdpClose {
    MachineIndex machine = 0;
    std::uint16_t port = 0;
};

/// The machine listens to (or leaves) an IPv4 group on a port (multicast TFTP, RFC 2090).
struct ClientGroup {
    MachineIndex machine = 0;
    Endpoint group{};
    bool join = true;
};

/// Names a TCP connection of a fleet. The engine chooses it, in ClientConnect.
using ClientStreamId = SlabHandle;

/// Open a TCP connection: on_stream_open() follows, or on_stream_closed().
struct ClientConnect {
    ClientStreamId stream{};
    MachineIndex machine = 0;
    IpAddress source{}; ///< unspecified: the driver's choice
    Endpoint destination{};
    /// Receive window that this client's TCP offers, in bytes; 0: the driver's default. GRUB
    /// offers 8192 without scaling.
    std::uint32_t receive_window = 0;
};

/// What else an engine may ask of a stream.
struct ClientStreamOrder {
    enum class Kind : std::uint8_t {
        send,  ///< the bytes at `offset` of the outbox
        close, ///< end it now; no fact about it follows
        /// The next `size` bytes to arrive need not be looked at: the driver may throw them away
        /// in the kernel and say so with on_stream_discarded(), or deliver them all the same.
        discard,
    };
    ClientStreamId stream{};
    Kind kind{};
    std::uint32_t offset = 0;
    std::uint64_t size = 0;
};

/// Where a machine stands. In the order of a boot; a machine may go back (a reboot, a retry).
enum class ClientStage : std::uint8_t {
    off,
    dhcp,      ///< asks for an address
    loader,    ///< loads boot programs
    kernel,    ///< loads kernel and initrd
    installer, ///< runs the installer
    disk,      ///< runs from its disk, installed
    lost,      ///< gave up as the real client gives up
};
inline constexpr std::size_t client_stage_count = 7;
[[nodiscard]] constexpr std::string_view to_text(ClientStage stage) noexcept {
    constexpr std::string_view names[] = {"off",       "dhcp", "loader", "kernel",
                                          "installer", "disk", "lost"};
    return names[static_cast<std::size_t>(stage)];
}

/// Why time went by without a byte moving.
enum class ClientWait : std::uint8_t {
    dhcp_no_answer,  ///< a DISCOVER or REQUEST was sent again
    dhcp_collecting, ///< answers were there, but the client waits for more (proxyDHCP)
    tftp_no_answer,  ///< a request, ACK or window was sent again
    http_no_answer,  ///< connected, or connecting, and nothing came
    told_to_wait,    ///< the server said when to come again (Retry-After, a boot script)
    client,          ///< the client's own business: its start, decompression, its disk
};
inline constexpr std::size_t client_wait_count = 6;
[[nodiscard]] constexpr std::string_view to_text(ClientWait wait) noexcept {
    constexpr std::string_view names[] = {"dhcp_no_answer", "dhcp_collecting", "tftp_no_answer",
                                          "http_no_answer", "told_to_wait",    "client"};
    return names[static_cast<std::size_t>(wait)];
}

/// Something that whoever watches a fleet wants to know: reports are made of these.
struct ClientNote {
    enum class Kind : std::uint8_t {
        stage,          ///< entered `stage`
        waited,         ///< `duration` for `wait`; noted when the wait ends
        retransmission, ///< sent something again
        exchange,       ///< DHCP: an ACK after `duration`, for `address`
        transfer,       ///< a file came whole: `bytes` in `duration`, its name in `text`
        request,        ///< HTTP: an answer of `status` came whole: `bytes` in `duration`
        image,          ///< the installer has its root image: `bytes` in `duration`
        failed,         ///< one of the above did not come about: `text` says why
        finished,       ///< has nothing more to do; `ok` says how it ended, `text` why
    };
    Kind kind{};
    MachineIndex machine = 0;
    ClientStage stage{};
    ClientWait wait{};
    bool ok = true;
    std::uint16_t status = 0;
    Duration duration{};
    std::uint64_t bytes = 0;
    Ipv4Address address{};
    std::string text{};
};

/// The effects of client engines, written by them, performed and cleared by the driver.
class ClientOutbox {
public:
    std::vector<ClientTx> datagrams;
    std::vector<ClientUdpClose> udp_closes;
    std::vector<ClientGroup> groups;
    std::vector<ClientConnect> connects;
    std::vector<ClientStreamOrder> stream_orders;
    std::vector<ClientNote> notes;

    /// Copies `bytes` into the outbox; returns their offset.
    std::uint32_t store(Bytes bytes) {
        const auto offset = static_cast<std::uint32_t>(arena_.size());
        arena_.insert(arena_.end(), bytes.begin(), bytes.end());
        return offset;
    }
    [[nodiscard]] Bytes payload(const ClientTx& datagram) const noexcept {
        return Bytes{arena_}.subspan(datagram.payload_offset, datagram.payload_size);
    }
    [[nodiscard]] Bytes payload(const ClientStreamOrder& order) const noexcept {
        return Bytes{arena_}.subspan(order.offset, order.size);
    }
    void clear() noexcept {
        datagrams.clear();
        udp_closes.clear();
        groups.clear();
        connects.clear();
        stream_orders.clear();
        notes.clear();
        arena_.clear();
    }

private:
    std::vector<std::byte> arena_;
};

} // namespace muster
