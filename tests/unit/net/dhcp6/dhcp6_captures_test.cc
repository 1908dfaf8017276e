// SPDX-License-Identifier: Apache-2.0
// Every DHCPv6 message that real firmware sent, fed to the server in its order.
#include "tests/support/dhcp6_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(Dhcp6Captures, FirmwareGetsWhatItNeeds) {
    std::map<Dhcp6MessageType, int> seen;
    for (const std::string name : {"uefi6-http.pcap", "uefi6-tftp.pcap", "uefi6-silent.pcap"}) {
        Dhcp6Rig rig;
        for (const UdpPacket& packet : read_udp_packets(capture_path(name))) {
            if (packet.destination.port != dhcp6_server_port) {
                continue;
            }
            Dhcp6Message request;
            ASSERT_TRUE(read_dhcp6_message(packet.payload, request)) << name;
            ++seen[request.type];
            auto bytes = packet.payload;
            if (!request.server_id.empty()) { // theirs was another server
                const auto at = request.server_id.data() - packet.payload.data();
                const Bytes ours = rig.server.server_id();
                ASSERT_EQ(request.server_id.size(), ours.size());
                std::copy(ours.begin(), ours.end(), bytes.begin() + at);
            }
            if (request.ias[0].address_count > 0) { // and gave another address
                const OptionBytes theirs = address6_octets(request.ias[0].addresses[0]);
                const auto at =
                    std::search(bytes.begin(), bytes.end(), theirs.begin(), theirs.end());
                const OptionBytes ours = address6_octets(ip6("fd00:79::100"));
                std::copy(ours.begin(), ours.end(), at);
            }
            auto replies = rig.receive(bytes, packet.source.address.v6());
            if (replies.empty()) {
                replies = rig.commit();
            }
            ASSERT_EQ(replies.size(), 1U) << name;
            const Reply6& reply = replies[0];
            EXPECT_EQ(reply.xid, request.xid);
            EXPECT_EQ(reply.datagram.destination.port, dhcp6_client_port);
            if (request.type == Dhcp6MessageType::release) {
                EXPECT_EQ(reply.status(), 0U);
                continue;
            }
            EXPECT_EQ(reply.address(), "fd00:79::100") << "one machine, one address";
            const bool boots = !request.archs.empty();
            if (boots) {
                const bool http = request.archs[1] == std::byte{16};
                EXPECT_EQ(reply.text(Dhcp6OptionCode::bootfile_url),
                          http ? "http://[fd00:79::1]/loaders/snponly.efi"
                               : "tftp://[fd00:79::1]/loaders/shimx64.efi");
                EXPECT_EQ(reply.has(Dhcp6OptionCode::vendor_class), http);
                if (http) {
                    EXPECT_EQ(reply.find(Dhcp6OptionCode::vendor_class),
                              u32_octets(343) + class_texts("HTTPClient"));
                }
            } else {
                EXPECT_FALSE(reply.has(Dhcp6OptionCode::bootfile_url));
            }
        }
        ASSERT_FALSE(rig.seen.empty()) << name;
        EXPECT_EQ(to_text(rig.seen[0].mac), "52:54:00:79:00:00");
        ASSERT_TRUE(rig.seen[0].uuid);
        EXPECT_EQ(rig.seen[0].uuid->at(3), 0x79) << "as in option 97";
    }
    EXPECT_GT(seen[Dhcp6MessageType::solicit], 0);
    EXPECT_GT(seen[Dhcp6MessageType::request], 0);
    EXPECT_GT(seen[Dhcp6MessageType::release], 0);
}

} // namespace
} // namespace muster::test
