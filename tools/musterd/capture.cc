// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/capture.hh"

#include "net/dhcp/packet_owner.hh"
#include "net/wire/pcap.hh"

#include <algorithm>

namespace muster {
namespace {

struct Packet {
    UnixTime at;
    std::string record; ///< of the file
};

std::string record_of(const PacketRecord& packet, const IpAddress& own) {
    std::string record;
    if (packet.whole) {
        append_pcap_packet(record, packet.at, packet.payload);
        return record;
    }
    const bool chosen = packet.local == IpAddress{} && packet.peer.address.is_v4() == own.is_v4();
    const Endpoint here{chosen ? own : packet.local, packet.local_port};
    append_pcap_udp(record, packet.at, packet.sent ? here : packet.peer,
                    packet.sent ? packet.peer : here, packet.payload);
    return record;
}

} // namespace

std::string capture(const std::vector<const PacketLog*>& logs, const PacketsWanted& wanted,
                    const IpAddress& own) {
    std::vector<Packet> packets;
    for (const PacketLog* const log : logs) {
        log->each([&](const PacketRecord& packet) {
            if (is_wanted(packet, wanted)) {
                packets.push_back({packet.at, record_of(packet, own)});
            }
        });
    }
    std::ranges::stable_sort(packets, {}, &Packet::at);
    std::string file;
    append_pcap_header(file);
    for (const Packet& packet : packets) {
        file += packet.record;
    }
    return file;
}

} // namespace muster
