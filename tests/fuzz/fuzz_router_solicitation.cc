// SPDX-License-Identifier: Apache-2.0
// Question: does any ICMPv6 payload break the reading of router messages or the advertiser?
// Method: the first 16 octets are the source address, the rest is the payload; the same message
// twice, then time. Every message is answered, owed an answer, or counted by a reason.
#include "core/base/byte_reader.hh"
#include "net/host/router_advertiser.hh"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace muster;
    ByteReader reader{{reinterpret_cast<const std::byte*>(data), size}};
    const auto source = reader.octets<16>();
    if (!source) {
        return 0;
    }
    InterfaceInfo interface;
    interface.index = 1;
    interface.link_local = Ipv6Address{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}};
    const std::vector interfaces{interface};
    RouterAdvertiser advertiser;
    advertiser.on_interfaces(interfaces);
    RxDatagram datagram;
    datagram.interface = 1;
    datagram.source.address = Ipv6Address{*source};
    datagram.payload = reader.rest();
    Outbox out;
    const Now now{Instant{} + std::chrono::hours{1}, UnixTime{}};
    advertiser.receive(datagram, now, out);
    advertiser.receive(datagram, now, out);
    advertiser.expire({now.steady + std::chrono::seconds{10}, now.wall}, out);
    std::uint64_t counted = advertiser.sent();
    for (unsigned reason = 0; reason <= static_cast<unsigned>(AdvertiserDrop::merged); ++reason) {
        counted += advertiser.dropped(static_cast<AdvertiserDrop>(reason));
    }
    for (unsigned error = 0; error <= static_cast<unsigned>(Icmpv6Error::bad_source); ++error) {
        counted += advertiser.refused(static_cast<Icmpv6Error>(error));
    }
    if (counted != 2 || out.datagrams.size() != advertiser.sent()) {
        std::abort();
    }
    return 0;
}
