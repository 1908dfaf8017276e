// SPDX-License-Identifier: Apache-2.0
// Capture files (libpcap's format, version 2.4) of IP packets without a link header.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/bytes.hh"
#include "core/base/time.hh"

#include <string>

namespace muster {

inline constexpr std::string_view pcap_type = "application/vnd.tcpdump.pcap"; ///< media type

/// A file begins with this. Link type 101 (LINKTYPE_RAW): IPv4 or IPv6, by their first four bits.
void append_pcap_header(std::string& file);
/// A whole IP packet of at most 65,535 bytes.
void append_pcap_packet(std::string& file, UnixTime at, Bytes packet);
/// A datagram, in headers that are made for it: of IPv6 where one of the two is such an address.
/// Payloads that fit no packet are cut.
void append_pcap_udp(std::string& file, UnixTime at, const Endpoint& source,
                     const Endpoint& destination, Bytes payload);

} // namespace muster
