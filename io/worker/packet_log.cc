// SPDX-License-Identifier: Apache-2.0
#include "io/worker/packet_log.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <cstring>

namespace muster {
namespace {

constexpr std::size_t record_alignment = 8;

// TFTP's opcodes (RFC 1350 section 5, RFC 2347).
constexpr std::byte tftp_data{3};
constexpr std::byte tftp_ack{4};

} // namespace

struct PacketLog::Header {
    std::uint32_t size = 0; ///< of the whole record, padding included
    std::uint32_t payload_size = 0;
    UnixTime at{};
    IpAddress local{};
    Endpoint peer{};
    std::uint16_t local_port = 0;
    UdpService service{};
    bool sent = false;
    bool whole = false;
};

PacketLog::PacketLog(std::size_t capacity)
    : capacity_(capacity / record_alignment * record_alignment),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {
    MUSTER_CHECK(capacity >= packet_log_min);
}

/// Of other services than transfers each socket has the same port.
std::size_t PacketLog::port_index(UdpService service, std::uint8_t socket, bool ipv6) noexcept {
    const std::size_t index =
        service == UdpService::tftp_transfer ? std::min<std::size_t>(socket, sockets - 1) : 0;
    return index + (ipv6 ? sockets : 0);
}

void PacketLog::set_port(UdpService service, std::uint8_t socket, bool ipv6, std::uint16_t port) {
    ports_[static_cast<std::size_t>(service)][port_index(service, socket, ipv6)] = port;
}

std::uint16_t PacketLog::port_of(UdpService service, std::uint8_t socket,
                                 const IpAddress& peer) const noexcept {
    return ports_[static_cast<std::size_t>(service)][port_index(service, socket, !peer.is_v4())];
}

/// Blocks and their ACKs would push out all else, and the flight recorder counts their bytes.
/// ACK 0 answers an OACK.
bool PacketLog::worth_keeping(UdpService service, Bytes payload) noexcept {
    switch (service) {
    case UdpService::dhcp:
    case UdpService::pxe:
    case UdpService::dhcp6:
        return true;
    case UdpService::icmpv6:
        return false;
    case UdpService::tftp:
    case UdpService::tftp_transfer:
        break;
    }
    if (payload.size() < 4) {
        return true; // that is not TFTP, and so worth a look
    }
    if (payload[1] == tftp_ack) {
        return payload[2] == std::byte{} && payload[3] == std::byte{};
    }
    return payload[1] != tftp_data;
}

void PacketLog::received(const RxDatagram& datagram, UnixTime at) noexcept {
    if (worth_keeping(datagram.service, datagram.payload)) {
        add({.at = at,
             .local = datagram.local,
             .peer = datagram.source,
             .local_port = port_of(datagram.service, datagram.socket, datagram.source.address),
             .service = datagram.service},
            datagram.payload);
    }
}

void PacketLog::sent(const TxDatagram& datagram, Bytes payload, UnixTime at) noexcept {
    if (worth_keeping(datagram.service, payload)) {
        add({.at = at,
             .local = datagram.source,
             .peer = datagram.destination,
             .local_port = port_of(datagram.service, datagram.socket, datagram.destination.address),
             .service = datagram.service,
             .sent = true,
             .whole = datagram.link},
            payload);
    }
}

void PacketLog::add(const Header& header, Bytes payload) noexcept {
    const std::unique_lock lock{mutex_, std::try_to_lock};
    if (!lock.owns_lock()) {
        return;
    }
    Header kept = header;
    kept.payload_size = static_cast<std::uint32_t>(payload.size());
    const std::size_t size = sizeof(Header) + payload.size();
    kept.size = static_cast<std::uint32_t>((size + record_alignment - 1) / record_alignment *
                                           record_alignment);
    // A record does not wrap. Behind it the ring ends, or has room for a header at least.
    const std::size_t to_end = capacity_ - next_;
    if (to_end != kept.size && to_end < kept.size + sizeof(Header)) {
        free(to_end);
        put({.size = static_cast<std::uint32_t>(to_end), .at = filler}, {});
    }
    free(kept.size);
    put(kept, payload);
}

/// What is free lies behind `next_`, so forgetting the oldest makes room there.
void PacketLog::free(std::size_t size) noexcept {
    while (used_ + size > capacity_) {
        Header oldest;
        std::memcpy(&oldest, bytes_.get() + oldest_, sizeof oldest);
        used_ -= oldest.size;
        oldest_ += oldest.size;
        oldest_ = oldest_ == capacity_ ? 0 : oldest_;
    }
}

void PacketLog::put(const Header& header, Bytes payload) noexcept {
    std::memcpy(bytes_.get() + next_, &header, sizeof header);
    if (!payload.empty()) {
        std::memcpy(bytes_.get() + next_ + sizeof header, payload.data(), payload.size());
    }
    used_ += header.size;
    next_ += header.size;
    next_ = next_ == capacity_ ? 0 : next_;
}

std::size_t PacketLog::read(std::size_t at, PacketRecord& record) const noexcept {
    Header header;
    std::memcpy(&header, bytes_.get() + at, sizeof header);
    record = {.at = header.at,
              .sent = header.sent,
              .whole = header.whole,
              .service = header.service,
              .local_port = header.local_port,
              .local = header.local,
              .peer = header.peer,
              .payload = Bytes{bytes_.get() + at + sizeof header, header.payload_size}};
    const std::size_t behind = at + header.size;
    return behind == capacity_ ? 0 : behind;
}

} // namespace muster
