// SPDX-License-Identifier: Apache-2.0
// Ethernet frames of machines that the kernel knows nothing of: what a boot ROM puts on the wire
// before it has an address, and what comes back to it.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/port/client.hh"

#include <optional>

namespace muster {

/// Room that the headers of a frame take at most: Ethernet, IPv6.
inline constexpr std::size_t frame_header_max = 14 + 40;

/// Writes `payload` as a frame from `datagram.mac`: UDP over IPv4, or ICMPv6.
///
/// Returns: the frame's size; 0 when it does not fit `out`, or mixes address families.
/// Source:  RFC 791 section 3.1; RFC 768; RFC 8200 section 3; RFC 4443 section 2.3.
[[nodiscard]] std::size_t write_frame(MutableBytes out, const MacAddress& destination,
                                      const ClientTx& datagram, Bytes payload) noexcept;

/// The link address that a destination has by itself: broadcast and multicast; nullopt for
/// unicast, which ARP has to find.
/// Source: RFC 1112 section 6.4; RFC 2464 section 7.
[[nodiscard]] std::optional<MacAddress> group_mac(const IpAddress& destination) noexcept;

/// A datagram that was found in a frame.
struct ReceivedFrame {
    MacAddress destination{};
    MacAddress source{};
    ClientRx datagram{}; ///< borrows the frame
};

/// Finds the UDP or ICMPv6 message of a frame. `checksums` false: those of UDP are not there yet
/// (a virtual device leaves them to hardware that it does not have).
///
/// Returns: nullopt for anything else, fragments, lengths past the end, and wrong checksums.
[[nodiscard]] std::optional<ReceivedFrame> read_frame(Bytes frame, bool checksums) noexcept;

/// An ARP packet, as far as anybody looks at it here (RFC 826).
struct ClientArp {
    MacAddress sender_mac{};
    Ipv4Address sender{};
    Ipv4Address target{};
};
/// A request for the link address of `message.target`. An unspecified sender is a probe, which is
/// answered as well (RFC 5227 section 2.1.1).
[[nodiscard]] std::size_t write_arp_request(MutableBytes out, const ClientArp& message) noexcept;
/// The reply to who asked with `asker` as its link address.
[[nodiscard]] std::size_t write_arp_reply(MutableBytes out, const MacAddress& asker,
                                          const ClientArp& message) noexcept;
/// The request, or the reply, in a frame; nullopt for everything else.
[[nodiscard]] std::optional<ClientArp> read_arp_request(Bytes frame) noexcept;
[[nodiscard]] std::optional<ClientArp> read_arp_reply(Bytes frame) noexcept;

} // namespace muster
