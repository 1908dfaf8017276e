// SPDX-License-Identifier: Apache-2.0
// What a kernel does between a NIC and a UDP socket, for drivers that have no kernel there.
#pragma once

#include "core/addr/subnet.hh"
#include "core/port/conflict_probe.hh"
#include "core/port/interface_info.hh"
#include "core/port/udp_ports.hh"
#include "net/host/data_head.hh"
#include "net/host/frame_host_metrics.hh"
#include "net/host/frame_pool.hh"
#include "net/host/igmp_querier.hh"
#include "net/host/neighbour_table.hh"

#include <optional>
#include <vector>

namespace muster {

struct FrameHostLimits {
    std::uint32_t neighbours = 16'384; ///< a power of two; 40 bytes each
    std::uint32_t unresolved = 64;     ///< addresses asked for by ARP at once
    std::uint32_t held = 256;          ///< frames that wait for them, of all addresses
    std::uint32_t held_each = 64;      ///< of one: a TFTP window
    std::uint32_t own = 128;           ///< own frames between two turns of the driver
    Duration neighbour_valid = 60s;    ///< then a neighbour that says nothing is asked again
    Duration arp_interval = 1s;        ///< between questions for one address
    std::uint8_t arp_attempts = 3;     ///< questions without an answer, then it is not there
};

struct FrameHostOptions {
    /// Its index, MAC, IPv4 address, prefix and MTU; no other interface is known.
    InterfaceInfo interface;
    std::uint16_t vlan = 0; ///< 1 .. 4094: every frame carries this tag; 0: none
    Ipv4Address gateway;    ///< for addresses beyond the subnet; unspecified: they are answered
                            ///< the way that they came
    std::vector<UdpPortRange> ports;
    std::uint8_t multicast_ttl = 1;
    /// A kernel has the same addresses and gets what is not claimed here: it answers ARP and ICMP.
    bool kernel_beside = false;
    /// Who computes the checksums of UDP datagrams: `by_port` holds for those frames that write()
    /// (but for its link datagrams, which come as whole packets) and write_block() return.
    Checksums checksums = Checksums::written;
    FrameHostLimits limits;
};

/// What a frame was.
struct FrameResult {
    enum class Kind : std::uint8_t {
        done,            ///< nothing more to do; own frames may have to leave, see next_frame()
        datagram,        ///< for the engine
        conflict_answer, ///< for the engine
    };
    Kind kind = Kind::done;
    bool pass_up = false;         ///< the kernel beside wants it (too)
    std::uint16_t local_port = 0; ///< of `datagram`
    RxDatagram datagram{};        ///< borrows the frame
    ConflictAnswer answer{};
};

/// One interface: frames to datagrams and back, with ARP, ICMP echo and an IGMP querier. IPv4
/// alone: IPv6 stays with a kernel. Nothing is fragmented or reassembled; whatever goes no further
/// is counted by its reason.
///
/// Sources: RFC 826, RFC 5227 (ARP); RFC 791, RFC 1122 section 3 (IPv4); RFC 792 (echo); RFC 768;
/// RFC 1112 section 6, RFC 2236 (multicast). Fixed memory, made at construction.
///
/// Thread: its worker's, except the metrics.
class FrameHost {
public:
    /// An ICMP echo of conflict probes carries this as its identifier and sequence number.
    static constexpr std::uint16_t conflict_echo_mark = 0x6D75; // "mu"

    explicit FrameHost(const FrameHostOptions& options);

    /// Says to all who it is (RFC 5227 section 2.3). When the link has come up.
    void announce() noexcept;
    /// Multicast is served: from now on asks which groups have members.
    void start_igmp(Instant now) noexcept { querier_.start(now); }

    [[nodiscard]] FrameResult receive(Bytes frame, UdpChecksum checksum, Instant now) noexcept;

    /// Writes a datagram of the engine as a frame. `room` has frame_room() bytes at least.
    ///
    /// Returns: the frame's size. 0: there is none now: it waits for a link address and comes by
    /// next_frame(), or was dropped and counted.
    [[nodiscard]] std::size_t write(MutableBytes room, const TxDatagram& datagram, Bytes payload,
                                    Instant now) noexcept;
    /// The same of one block: number `block`, counted from 1 and not wrapped, whose bytes are
    /// `data`.
    [[nodiscard]] std::size_t write_block(MutableBytes room, const TxBlocks& blocks,
                                          std::uint64_t block, Bytes data, Instant now) noexcept;
    /// The same for a whole window: the head that its blocks share. nullopt: none of them can
    /// leave at once, and write_block() above holds each or says why not.
    [[nodiscard]] std::optional<DataHead> head_of(const TxBlocks& blocks, Instant now) noexcept;
    /// `data_sum`: see DataHead::write().
    [[nodiscard]] std::size_t write_block(MutableBytes room, const DataHead& head,
                                          std::uint64_t block, Bytes data,
                                          std::uint32_t data_sum) noexcept;
    /// Asks whether somebody uses an address.
    void ask(const ConflictProbe& probe, Instant now) noexcept;

    /// Copies the next frame that is to leave by itself: answers, questions, what has waited.
    /// Returns: its size; 0: there is none.
    [[nodiscard]] std::size_t next_frame(MutableBytes room) noexcept;

    /// Asks again, gives up. Own frames may have to leave after it.
    void expire(Instant now) noexcept;
    [[nodiscard]] Instant next_deadline() const noexcept;

    /// The most bytes that a frame of this interface has, without its check sequence.
    [[nodiscard]] std::size_t frame_room() const noexcept {
        return ethernet_header_size + vlan_tag_size + options_.interface.mtu;
    }
    /// The link address that frames to it go to now, if one is known.
    [[nodiscard]] std::optional<MacAddress> neighbour(const Ipv4Address& address) const noexcept;
    [[nodiscard]] const FrameHostMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] const FrameHostOptions& options() const noexcept { return options_; }

private:
    /// An address that was asked for and has not answered.
    struct Unresolved {
        Ipv4Address address;
        Instant due; ///< asked again, or given up
        std::uint8_t asks = 1;
    };
    struct Addresses {
        Endpoint destination;
        IpAddress source;
        std::uint16_t source_port = 0;
    };

    // frame_host.cc: what arrives.
    FrameResult drop(FrameDrop reason) noexcept;
    /// Done; the kernel beside, if there is one, wants it.
    [[nodiscard]] FrameResult shared() const noexcept {
        return {.pass_up = options_.kernel_beside};
    }
    FrameResult on_arp(const EthernetFrame& frame, Instant now) noexcept;
    FrameResult on_ipv4(const EthernetFrame& frame, UdpChecksum checksum, Instant now) noexcept;
    FrameResult on_udp(const EthernetFrame& frame, const Ipv4Packet& packet, UdpChecksum checksum,
                       Instant now) noexcept;
    FrameResult on_icmp(const EthernetFrame& frame, const Ipv4Packet& packet) noexcept;
    FrameResult on_igmp(const Ipv4Packet& packet, Instant now) noexcept;
    void on_neighbour(const Ipv4Address& address, const MacAddress& mac) noexcept;
    void defend(Instant now) noexcept;
    [[nodiscard]] bool is_broadcast(const Ipv4Address& address) const noexcept;
    [[nodiscard]] bool is_possible_source(const Ipv4Address& address) const noexcept;
    [[nodiscard]] bool on_link(const Ipv4Address& address) const noexcept {
        return subnet_.contains(address);
    }

    // frame_host_send.cc: what leaves.
    std::size_t write_udp(MutableBytes room, const Addresses& addresses, Bytes head, Bytes data,
                          Instant now) noexcept;
    std::size_t write_packet(MutableBytes room, const MacAddress& destination,
                             const Addresses& addresses, Bytes head, Bytes data,
                             Checksums checksums) noexcept;
    void hold(const Ipv4Address& next_hop, const Addresses& addresses, Bytes head, Bytes data,
              Instant now) noexcept;
    std::size_t lose(FrameTxDrop reason) noexcept;
    [[nodiscard]] std::optional<Ipv4Address> next_hop_of(const Ipv4Address& address) const noexcept;
    [[nodiscard]] std::optional<MacAddress> find_mac(const Ipv4Address& next_hop,
                                                     Instant now) noexcept;
    /// Where a packet to `destination` goes on the link; nullopt: nobody knows now.
    [[nodiscard]] std::optional<MacAddress> link_of(const Ipv4Address& destination,
                                                    Instant now) noexcept;
    [[nodiscard]] Ipv4UdpHeader udp_header(const Addresses& addresses) const noexcept;
    [[nodiscard]] Unresolved* find_unresolved(const Ipv4Address& address) noexcept;
    void send_arp(const MacAddress& destination, const ArpMessage& message) noexcept;
    void request(const MacAddress& destination, const Ipv4Address& address) noexcept;
    void send_ipv4(const MacAddress& destination, const Ipv4Packet& packet) noexcept;
    [[nodiscard]] EthernetHeader header_to(const MacAddress& destination,
                                           std::uint16_t type) const noexcept {
        return {.destination = destination,
                .source = options_.interface.mac,
                .vlan = options_.vlan,
                .type = type};
    }

    FrameHostOptions options_;
    Subnet subnet_;
    NeighbourTable neighbours_;
    std::vector<Unresolved> unresolved_;
    FramePool held_;
    FramePool own_;
    std::vector<std::byte> scratch_; ///< of one message
    IgmpQuerier querier_;
    Instant defended_{INT64_MIN};
    std::uint16_t identification_ = 0;
    FrameHostMetrics metrics_;
};

} // namespace muster
