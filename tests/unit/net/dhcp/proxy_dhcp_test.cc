// SPDX-License-Identifier: Apache-2.0
// Beside another DHCP server: what ROMs, UEFI firmware, iPXE and HTTP boot are told, and where.
#include "net/dhcp/proxy_dhcp.hh"

#include "tests/support/dhcp_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

using enum DhcpMessageType;

constexpr std::string_view one_shot{"\x06\x01\x08\x0A\x04\x00\x50\x58\x45\xFF", 10};

class ProxyDhcpTest : public testing::Test {
protected:
    ProxyDhcpTest() {
        InterfaceInfo interface;
        interface.index = 7;
        interface.name = "rack0";
        interface.address = ip("10.79.0.2");
        const std::vector interfaces{interface};
        proxy.on_interfaces(interfaces);
        snapshot.dhcp.unknown_action = BootAction::install;
        publish();
    }
    void publish() { proxy.on_snapshot(std::make_shared<const Snapshot>(snapshot)); }

    std::optional<Reply> receive(const std::vector<std::byte>& payload,
                                 UdpService service = UdpService::dhcp,
                                 const Endpoint& source = {Ipv4Address{}, 68}) {
        RxDatagram datagram;
        datagram.service = service;
        datagram.interface = 7;
        datagram.source = source;
        datagram.local = ip("10.79.0.2");
        datagram.payload = payload;
        proxy.receive(datagram, out);
        std::optional<Reply> reply;
        if (!out.datagrams.empty()) {
            const Bytes bytes = out.payload(out.datagrams[0]);
            reply.emplace();
            reply->datagram = out.datagrams[0];
            reply->destination = out.datagrams[0].destination;
            reply->bytes = {bytes.begin(), bytes.end()};
            reply->message = std::make_unique<DhcpMessage>();
            EXPECT_TRUE(read_dhcp_message(reply->bytes, *reply->message).has_value());
        }
        for (const WorkerMessage& message : out.messages) {
            if (const auto* machine = std::get_if<MachineSeen>(&message)) {
                seen.push_back(*machine);
            }
        }
        out.clear();
        return reply;
    }
    std::optional<Reply> ask(ClientMessage message) { return receive(message.bytes()); }
    /// What every answer of a proxy is.
    static void check_form(const Reply& reply, std::string_view name) {
        EXPECT_EQ(reply.yiaddr(), Ipv4Address{});
        EXPECT_EQ(reply.message->header.siaddr, ip("10.79.0.2"));
        EXPECT_EQ(reply.message->address(DhcpOptionCode::server_identifier), ip("10.79.0.2"));
        EXPECT_EQ(reply.text(DhcpOptionCode::vendor_class), name);
        EXPECT_GE(reply.bytes.size(), 300U);
        for (const auto code :
             {DhcpOptionCode::subnet_mask, DhcpOptionCode::router,
              DhcpOptionCode::domain_name_server, DhcpOptionCode::address_lease_time}) {
            EXPECT_FALSE(reply.has(code)) << static_cast<unsigned>(code);
        }
    }

    ProxyDhcp proxy;
    Snapshot snapshot;
    Outbox out;
    std::vector<MachineSeen> seen;
};

ClientMessage from_rom(unsigned arch, std::string_view name = "PXEClient") {
    return ClientMessage{discover, machine_mac(1)}.pxe(arch, name);
}

TEST_F(ProxyDhcpTest, ABiosRomIsToldItsFileAtOnce) {
    const auto reply = ask(from_rom(0));
    ASSERT_TRUE(reply.has_value());
    check_form(*reply, "PXEClient");
    EXPECT_EQ(reply->type(), offer);
    EXPECT_EQ(reply->message->header.file, "loaders/undionly.kpxe");
    EXPECT_EQ(reply->text(DhcpOptionCode::vendor_specific), one_shot);
    EXPECT_EQ(reply->destination, (Endpoint{Ipv4Address::broadcast(), 68}))
        << "it has no address that we know";
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen[0].acknowledged);
}

TEST_F(ProxyDhcpTest, UefiFirmwareAsksAtPort4011) {
    const auto offered = ask(from_rom(7));
    ASSERT_TRUE(offered.has_value());
    check_form(*offered, "PXEClient");
    EXPECT_EQ(offered->message->header.file, "");
    EXPECT_FALSE(offered->has(DhcpOptionCode::vendor_specific));
    EXPECT_FALSE(offered->has(DhcpOptionCode::bootfile_name));

    ClientMessage asks{request, machine_mac(1)};
    asks.header.ciaddr = ip("10.79.0.187");
    asks.pxe(7);
    const auto told =
        receive(asks.bytes(), UdpService::pxe, {ip("10.79.0.187"), std::uint16_t{4011}});
    ASSERT_TRUE(told.has_value());
    check_form(*told, "PXEClient");
    EXPECT_EQ(told->type(), ack);
    EXPECT_EQ(told->message->header.file, "loaders/shimx64.efi");
    EXPECT_EQ(told->text(DhcpOptionCode::bootfile_name),
              (std::string{"loaders/shimx64.efi\0", 20}));
    EXPECT_EQ(told->datagram.service, UdpService::pxe);
    EXPECT_EQ(told->destination, (Endpoint{ip("10.79.0.187"), 4011}));
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_TRUE(seen[1].acknowledged);
    EXPECT_EQ(seen[1].address, ip("10.79.0.187"));
}

TEST_F(ProxyDhcpTest, HttpBootAndIpxeGetTheirUrlInTheOffer) {
    const auto http = ask(from_rom(16, "HTTPClient"));
    ASSERT_TRUE(http.has_value());
    check_form(*http, "HTTPClient");
    EXPECT_EQ(http->text(DhcpOptionCode::bootfile_name),
              (std::string{"http://10.79.0.2/loaders/snponly.efi\0", 37}));
    const auto ipxe = ask(from_rom(7).with(DhcpOptionCode::user_class, "iPXE"));
    ASSERT_TRUE(ipxe.has_value());
    check_form(*ipxe, "PXEClient");
    EXPECT_EQ(ipxe->message->header.file, "http://10.79.0.2/boot/ipxe");
    EXPECT_FALSE(ipxe->has(DhcpOptionCode::vendor_specific));
}

TEST_F(ProxyDhcpTest, NeverAnswersWhatIsTheOtherServers) {
    EXPECT_FALSE(ask({discover, machine_mac(1)}).has_value()) << "no boot client";
    EXPECT_FALSE(ask(from_rom(11)).has_value()) << "an offer without a file would end its boot";
    for (const DhcpMessageType type : {request, inform, release, decline}) {
        EXPECT_FALSE(ask(ClientMessage{type, machine_mac(1)}.pxe(0)).has_value());
    }
    ClientMessage bootp{discover, machine_mac(1)};
    bootp.options.clear();
    EXPECT_FALSE(ask(bootp).has_value());
    EXPECT_EQ(proxy.metrics().drops.read(DhcpDrop::not_for_this_server), 7U);
    EXPECT_FALSE(ask({offer, machine_mac(1)}).has_value());
    EXPECT_EQ(proxy.metrics().drops.read(DhcpDrop::not_a_request), 1U);
    EXPECT_EQ(proxy.metrics().sent.sum(), 0U);
}

TEST_F(ProxyDhcpTest, ControlLearnsTheAddressThatTheOtherServerGave) {
    ClientMessage takes{request, machine_mac(1)};
    takes.with(DhcpOptionCode::server_identifier, ip("10.79.0.1"))
        .with(DhcpOptionCode::requested_address, ip("10.79.0.187"));
    EXPECT_FALSE(ask(takes.pxe(7)).has_value());
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_TRUE(seen[0].acknowledged);
    EXPECT_EQ(seen[0].address, ip("10.79.0.187"));
}

TEST_F(ProxyDhcpTest, NodesGetWhatTheSiteSaysOfThem) {
    snapshot.dhcp.unknown_action = BootAction::ignore;
    publish();
    EXPECT_FALSE(ask(from_rom(0)).has_value());
    EXPECT_EQ(proxy.metrics().drops.read(DhcpDrop::node_ignored), 1U);
    NodeBoot node;
    node.mac = machine_mac(1);
    node.loader = LoaderChoice::pxelinux;
    node.reserved = ip("10.79.0.9"); // means nothing here
    proxy.on_node_boot(node);
    EXPECT_EQ(ask(from_rom(0))->message->header.file, "loaders/lpxelinux.0");
}

// The captures of the real thing: the same clients, our answers in the places of dnsmasq's.
TEST_F(ProxyDhcpTest, AnswersRealClientsWhereTheyWereAnswered) {
    for (const std::string name :
         {"bios-proxydhcp.pcap", "uefi-proxydhcp.pcap", "uefi-proxydhcp-ipxe.pcap"}) {
        SCOPED_TRACE(name);
        std::size_t offers = 0;
        std::size_t files = 0;
        for (const UdpPacket& packet : read_udp_packets(capture_path(name))) {
            const bool pxe = packet.destination.port == 4011;
            if ((packet.destination.port != 67 && !pxe) || packet.payload[0] != std::byte{1}) {
                continue;
            }
            const auto reply =
                receive(packet.payload, pxe ? UdpService::pxe : UdpService::dhcp, packet.source);
            if (reply) {
                ++offers;
                files += reply->message->header.file.empty() ? 0U : 1U;
                EXPECT_TRUE(reply->text(DhcpOptionCode::vendor_class) == "PXEClient");
            }
        }
        EXPECT_GT(offers, 0U);
        EXPECT_GT(files, 0U);
    }
}

} // namespace
} // namespace muster::test
