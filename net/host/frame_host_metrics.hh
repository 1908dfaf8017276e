// SPDX-License-Identifier: Apache-2.0
// What a frame host counts. Written by its worker, read by the scrape.
#pragma once

#include "core/metrics/counter_set.hh"
#include "core/metrics/exposition.hh"
#include "net/wire/arp.hh"
#include "net/wire/ethernet.hh"
#include "net/wire/ipv4_udp.hh"

namespace muster {

/// Why a frame that arrived went no further, beside those that could not be read
/// (MUSTER_ETHERNET_ERRORS, MUSTER_ARP_ERRORS, MUSTER_IPV4_UDP_ERRORS).
#define MUSTER_FRAME_DROPS(X)                                                                      \
    X(own_frame, "carries this host's own link address as its source")                             \
    X(bad_source, "its source is no single machine's: a group, or an address that none has")       \
    X(other_vlan, "of another VLAN, or tagged where none is served")                               \
    X(other_station, "to somebody else: the port hears everything")                                \
    X(other_address, "an IPv4 packet or ARP request for an address that is not this host's")       \
    X(unknown_type, "neither IPv4 nor ARP")                                                        \
    X(ip_options, "an IPv4 header with options, which nothing that is served needs")               \
    X(unknown_protocol, "IPv4, but neither UDP, ICMP echo nor IGMP")                               \
    X(broadcast_request, "to everybody, of a service that is asked by one (RFC 1123 section 4.2)") \
    X(no_source_address, "from 0.0.0.0, of a service that answers by address")                     \
    X(unknown_port, "UDP to a port that nobody serves")                                            \
    X(icmp_other, "ICMP, but no echo of this host's concern")                                      \
    X(igmp_other, "IGMP that could not be read")

enum class FrameDrop : std::uint8_t {
#define X(name, text) name,
    MUSTER_FRAME_DROPS(X)
#undef X
};

/// Why a datagram that was to be sent did not become a frame.
#define MUSTER_FRAME_TX_DROPS(X)                                                                   \
    X(too_large, "longer than the link's MTU: nothing is fragmented here")                         \
    X(not_ipv4, "to an IPv6 address")                                                              \
    X(no_port, "of a service that this host does not carry")                                       \
    X(no_route, "the address lies beyond the link, and no gateway is known")                       \
    X(no_room, "all frames that may wait do")                                                      \
    X(unresolved, "nobody answers for the address by ARP")

enum class FrameTxDrop : std::uint8_t {
#define X(name, text) name,
    MUSTER_FRAME_TX_DROPS(X)
#undef X
};

#define X(name, text) +1
inline constexpr std::size_t frame_drop_count = 0 MUSTER_FRAME_DROPS(X);
inline constexpr std::size_t frame_tx_drop_count = 0 MUSTER_FRAME_TX_DROPS(X);
inline constexpr std::size_t ethernet_error_count = 0 MUSTER_ETHERNET_ERRORS(X);
inline constexpr std::size_t arp_error_count = 0 MUSTER_ARP_ERRORS(X);
inline constexpr std::size_t ipv4_udp_error_count = 0 MUSTER_IPV4_UDP_ERRORS(X);
#undef X

/// What became of the frames that arrived: `received` is the sum of `datagrams`, `arp`, `echoes`,
/// `igmp`, all drops and all errors.
struct FrameHostMetrics {
    Counter received;
    Counter datagrams; ///< handed to the engine
    Counter arp;       ///< read: requests for this host, replies, announcements
    Counter echoes;    ///< ICMP: requests answered, replies to probes
    Counter igmp;      ///< read
    CounterSet<FrameDrop, frame_drop_count> drops;
    CounterSet<EthernetError, ethernet_error_count> ethernet_errors;
    CounterSet<ArpError, arp_error_count> arp_errors;
    CounterSet<Ipv4UdpError, ipv4_udp_error_count> ip_errors;

    Counter sent;         ///< frames of datagrams, those that waited included
    Counter own_sent;     ///< ARP, ICMP and IGMP
    Counter own_no_room;  ///< of these, not sent since all frames that may wait do
    Counter address_used; ///< somebody else says that this host's address is its own
    CounterSet<FrameTxDrop, frame_tx_drop_count> tx_drops;

    /// Thread: any; reads counters alone.
    void report(Exposition& exposition) const;
};

} // namespace muster
