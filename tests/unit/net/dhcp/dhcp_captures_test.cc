// SPDX-License-Identifier: Apache-2.0
// Every DHCPv4 message that real clients sent, fed to the server; each client's answer is checked
// against what that client is known to need.
#include "tests/support/dhcp_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace muster::test {
namespace {

constexpr std::string_view one_shot{"\x06\x01\x08\x0A\x04\x00\x50\x58\x45\xFF", 10};

/// Which real program a message is from.
enum class Program : std::uint8_t {
    ipxe,
    ovmf_pxe,
    ovmf_http,
    uboot,
    uboot_pxe,
    bare_grub,
    system
};

Program program_of(const DhcpMessage& message) {
    const auto text = [&](DhcpOptionCode code) {
        const auto value = message.find(code);
        return value ? as_text(*value) : std::string_view{};
    };
    const std::string_view name = text(DhcpOptionCode::vendor_class);
    if (text(DhcpOptionCode::user_class) == "iPXE") {
        return Program::ipxe;
    }
    if (name.starts_with("HTTPClient")) {
        return Program::ovmf_http;
    }
    if (name == "U-Boot") {
        return Program::uboot;
    }
    if (name.starts_with("PXEClient")) {
        return message.has(DhcpOptionCode::client_machine) ? Program::ovmf_pxe : Program::uboot_pxe;
    }
    return name.empty() && !message.has(DhcpOptionCode::client_identifier) ? Program::bare_grub
                                                                           : Program::system;
}

void check_form(const DhcpMessage& request, const Reply& reply) {
    EXPECT_GE(reply.bytes.size(), 300U);
    EXPECT_LE(reply.bytes.size(), 1472U)
        << "EDK2 says 65280 in its REQUEST and drops more than this";
    EXPECT_EQ(reply.message->header.xid, request.header.xid);
    EXPECT_EQ(reply.message->header.flags, request.header.flags);
    EXPECT_EQ(reply.message->header.chaddr, request.header.chaddr);
    EXPECT_EQ(reply.message->header.siaddr, ip("10.79.0.1"));
    EXPECT_EQ(reply.message->address(DhcpOptionCode::server_identifier), ip("10.79.0.1"));
    EXPECT_TRUE(reply.has(DhcpOptionCode::domain_name_server)) << "d-i stops without one";
    EXPECT_EQ(reply.message->address(DhcpOptionCode::subnet_mask), ip("255.255.255.0"));
    EXPECT_LE(reply.seconds(DhcpOptionCode::address_lease_time), 3600U);
    EXPECT_GE(reply.seconds(DhcpOptionCode::address_lease_time), 3150U)
        << "what is left of the durable lease, 7/8 or more";
    EXPECT_EQ(reply.source.port, 67);
    EXPECT_FALSE(reply.has(DhcpOptionCode::overload));
    if ((request.header.flags & dhcp_broadcast_flag) != 0) {
        EXPECT_EQ(reply.destination, (Endpoint{Ipv4Address::broadcast(), 68}));
        EXPECT_FALSE(reply.datagram.link);
    } else {
        EXPECT_EQ(reply.destination, (Endpoint{reply.yiaddr(), 68}));
        EXPECT_TRUE(reply.datagram.link);
        EXPECT_EQ(reply.datagram.link_destination, request.header.mac());
    }
    for (const auto code : {DhcpOptionCode::client_machine, DhcpOptionCode::client_identifier}) {
        if (const auto value = request.find(code)) {
            const auto echoed = reply.message->find(code);
            ASSERT_TRUE(echoed.has_value());
            EXPECT_TRUE(std::ranges::equal(*echoed, *value));
        }
    }
}

void check_boot_file(const Reply& reply, std::string_view file) {
    EXPECT_EQ(reply.message->header.file, file);
    EXPECT_EQ(reply.text(DhcpOptionCode::bootfile_name), std::string{file} + '\0');
}

void check_needs(Program program, const DhcpMessage& request, const Reply& reply) {
    const std::string server_text{"10.79.0.1\0", 10};
    switch (program) {
    case Program::ipxe:
        check_boot_file(reply, "http://10.79.0.1/boot/ipxe");
        EXPECT_EQ(reply.text(DhcpOptionCode::ipxe), (std::string{"\xB0\x01\x01\xFF", 4}));
        EXPECT_FALSE(reply.has(DhcpOptionCode::vendor_specific));
        return;
    case Program::ovmf_pxe:
        check_boot_file(reply, "loaders/shimx64.efi");
        EXPECT_EQ(reply.text(DhcpOptionCode::tftp_server_name), server_text);
        EXPECT_EQ(reply.text(DhcpOptionCode::vendor_class), "PXEClient");
        EXPECT_EQ(reply.text(DhcpOptionCode::vendor_specific), one_shot);
        return;
    case Program::ovmf_http:
        check_boot_file(reply, "http://10.79.0.1/loaders/snponly.efi");
        EXPECT_EQ(reply.text(DhcpOptionCode::vendor_class), "HTTPClient");
        EXPECT_FALSE(reply.has(DhcpOptionCode::vendor_specific));
        return;
    case Program::uboot_pxe:
        // It asks for neither 66 nor 67 and takes the header's fields.
        EXPECT_EQ(reply.message->header.file, "loaders/shimx64.efi");
        EXPECT_FALSE(reply.has(DhcpOptionCode::bootfile_name));
        EXPECT_FALSE(reply.has(DhcpOptionCode::tftp_server_name));
        return;
    case Program::uboot: // does not say what it runs on; asks again as PXEClient
    case Program::bare_grub:
    case Program::system:
        EXPECT_EQ(reply.message->header.file, "");
        EXPECT_FALSE(reply.has(DhcpOptionCode::bootfile_name));
        EXPECT_FALSE(reply.has(DhcpOptionCode::vendor_class));
        EXPECT_FALSE(reply.has(DhcpOptionCode::ipxe));
        EXPECT_FALSE(request.has(DhcpOptionCode::client_machine));
        return;
    }
}

/// Points a client's message at our server and at what it offered: the capture's server was
/// another one, with its own addresses.
std::vector<std::byte> redirected(std::vector<std::byte> payload, const Ipv4Address& offered) {
    DhcpMessage message;
    EXPECT_TRUE(read_dhcp_message(payload, message).has_value());
    const auto put = [&](DhcpOptionCode code, const Ipv4Address& address) {
        if (const auto value = message.find(code)) {
            const auto at = value->data() - payload.data();
            std::ranges::copy(address_octets(address), payload.begin() + at);
        }
    };
    put(DhcpOptionCode::server_identifier, ip("10.79.0.1"));
    put(DhcpOptionCode::requested_address, offered);
    return payload;
}

TEST(DhcpCaptures, EveryClientGetsTheAnswerThatItNeeds) {
    std::map<Program, int> answered;
    for (const std::string& name : capture_names()) {
        SCOPED_TRACE(name);
        DhcpRig rig;
        std::map<MacAddress, Ipv4Address> had;
        for (const UdpPacket& packet : read_udp_packets(capture_path(name))) {
            if (packet.destination.port != 67 || packet.payload[0] != std::byte{1}) {
                continue;
            }
            DhcpMessage asked;
            ASSERT_TRUE(read_dhcp_message(packet.payload, asked).has_value());
            const MacAddress mac = asked.header.mac();
            const Ipv4Address before = had[mac];
            const auto payload = redirected(packet.payload, before);
            rig.now.steady = Instant{} + 1h + packet.frame.offset;
            auto replies = rig.receive(payload);
            if (replies.empty()) {
                replies = rig.commit();
            }
            ASSERT_EQ(replies.size(), 1U);
            const Reply& reply = replies[0];
            const bool discover = asked.type == DhcpMessageType::discover;
            EXPECT_EQ(reply.type(), discover ? DhcpMessageType::offer : DhcpMessageType::ack);
            if (!before.is_unspecified()) {
                EXPECT_EQ(reply.yiaddr(), before) << "ROM, loader and system are one machine";
            }
            had[mac] = reply.yiaddr();
            check_form(asked, reply);
            check_needs(program_of(asked), asked, reply);
            ++answered[program_of(asked)];
        }
    }
    for (const Program program :
         {Program::ipxe, Program::ovmf_pxe, Program::ovmf_http, Program::uboot, Program::uboot_pxe,
          Program::bare_grub, Program::system}) {
        EXPECT_GT(answered[program], 1)
            << "the captures hold no such client any more: " << static_cast<int>(program);
    }
}

// The commit-sparing rule at work: what follows within minutes costs no second commit.
TEST(DhcpCaptures, OneBootOfAMachineIsOneCommit) {
    DhcpRig rig;
    for (const UdpPacket& packet : read_udp_packets(capture_path("bios-ipxerom-http-fast.pcap"))) {
        if (packet.destination.port == 67 && packet.payload[0] == std::byte{1}) {
            (void)rig.receive(redirected(packet.payload, ip("10.79.0.100")));
            (void)rig.commit();
        }
    }
    EXPECT_EQ(rig.stored.size(), 1U);
    EXPECT_EQ(rig.server.metrics().sent.read(DhcpMessageType::ack), 2U);
}

} // namespace
} // namespace muster::test
