// SPDX-License-Identifier: Apache-2.0
// What a DHCP client does when its server is slow, refuses, offers too much or nothing.
#include "net/client/firmware_models.hh"

#include "tests/support/dhcp_machine.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

const Ipv4Address server_ip = rig_ip("10.79.0.1");
const Ipv4Address proxy_ip = rig_ip("10.79.0.2");
const Ipv4Address leased_ip = rig_ip("10.79.0.187");

std::vector<std::byte> octets(std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

struct Answer {
    DhcpMessageType type = DhcpMessageType::offer;
    Ipv4Address address = leased_ip;
    Ipv4Address server = server_ip;
    Ipv4Address siaddr = server_ip;
    std::string_view file{};   ///< the field
    std::string_view option{}; ///< 67
    std::string_view vendor_class{};
    std::vector<std::byte> vendor_specific{};
    std::vector<std::byte> ipxe{};
    std::uint32_t xid_change = 0;
    std::uint16_t source_port = 67;
    std::uint16_t port = 68;
};

/// A client of a model, and answers made for it.
struct Exchange : ClientRig {
    explicit Exchange(const DhcpClientModel& model, std::uint64_t seed = 1) {
        auto owned = std::make_unique<DhcpMachine>(model, seed);
        machine = owned.get();
        start(std::move(owned));
    }
    [[nodiscard]] DhcpMessage last() const {
        DhcpMessage message;
        EXPECT_TRUE(read_dhcp_message(sent.back().payload, message).has_value());
        return message;
    }
    [[nodiscard]] DhcpMessageType last_type() const { return last().type; }
    [[nodiscard]] const DhcpClient& client() const { return machine->client; }

    void answer(const Answer& a) {
        const DhcpMessage asked = last();
        DhcpHeader header;
        header.op = dhcp_boot_reply;
        header.xid = asked.header.xid ^ a.xid_change;
        header.set_mac(identity.mac);
        header.yiaddr = a.address;
        header.siaddr = a.siaddr;
        header.file = a.file;
        std::array<std::byte, dhcp_message_size_max> buffer;
        DhcpWriter writer{buffer, header, buffer.size()};
        writer.option_u8(DhcpOptionCode::message_type, static_cast<std::uint8_t>(a.type));
        writer.option(DhcpOptionCode::server_identifier, a.server);
        writer.option_u32(DhcpOptionCode::address_lease_time, 3600);
        if (!a.option.empty()) {
            writer.option_text_nul(DhcpOptionCode::bootfile_name, a.option);
        }
        if (!a.vendor_class.empty()) {
            writer.option_text(DhcpOptionCode::vendor_class, a.vendor_class);
        }
        if (!a.vendor_specific.empty()) {
            writer.option(DhcpOptionCode::vendor_specific, a.vendor_specific);
        }
        if (!a.ipxe.empty()) {
            writer.option(DhcpOptionCode::ipxe, a.ipxe);
        }
        const Bytes whole = Bytes{buffer}.first(writer.finish());
        std::vector<std::byte> bytes{whole.begin(), whole.end()};
        if (garble) {
            garble(bytes);
        }
        deliver({a.server, a.source_port}, {Ipv4Address::broadcast(), a.port}, bytes);
    }
    void ack(Answer a = {}) {
        a.type = DhcpMessageType::ack;
        answer(a);
    }
    Exchange& leased() { // of a client that takes the first OFFER
        answer({});
        ack();
        return *this;
    }

    /// Has the machine call renew() or release().
    void order(void (DhcpClient::*what)(ClientContext&)) {
        ClientContext context{fleet, identity, now, out};
        (machine->client.*what)(context);
        run_for({});
    }

    std::function<void(std::vector<std::byte>&)> garble; ///< of each answer
    DhcpMachine* machine = nullptr;
};

double seconds(Duration duration) {
    return std::chrono::duration<double>{duration}.count();
}

struct Patience {
    const DhcpClientModel* model;
    std::size_t messages;
    double seconds;
};

// What the silent captures and the sources say: how often, and how long in all.
TEST(DhcpClient, GivesUpWhenTheRealClientDoes) {
    for (const Patience& patience :
         {Patience{&ipxe_rom_dhcp, 4, 15.2}, Patience{&edk2_dhcp, 4, 59.8},
          Patience{&edk2_http_dhcp, 4, 59.8}, Patience{&u_boot_dhcp, 17, 29.8},
          Patience{&grub_dhcp, 6, 12.6}, Patience{&installer_dhcp_rounds[0], 4, 4.0}}) {
        Exchange it{*patience.model};
        it.run_for(10min);
        EXPECT_EQ(it.sent.size(), patience.messages);
        EXPECT_EQ(it.client().outcome(), ClientOutcome::silent);
        EXPECT_EQ(it.client().deadline(), Instant::never());
        EXPECT_NEAR(seconds(it.waited(ClientWait::dhcp_no_answer)), patience.seconds, 0.3);
        EXPECT_EQ(it.noted(ClientNote::Kind::retransmission).size(), patience.messages - 1);
        ASSERT_EQ(it.noted(ClientNote::Kind::failed).size(), 1U);
        EXPECT_NE(it.client().why().find("no DHCP OFFER in "), std::string::npos);
        ASSERT_EQ(it.closed_ports.size(), 1U);
        EXPECT_EQ(it.closed_ports[0].port, 68);
    }
}

TEST(DhcpClient, IpxeWaitsForAProxyUnlessToldThatThereIsNone) {
    Exchange slow{ipxe_rom_dhcp};
    slow.answer({});
    slow.run_for(20s);
    EXPECT_EQ(slow.last_type(), DhcpMessageType::request);
    EXPECT_NEAR(seconds(slow.waited(ClientWait::dhcp_collecting)), 3.0, 0.1);
    EXPECT_EQ(seconds(slow.waited(ClientWait::dhcp_no_answer)) > 0, true) << "its REQUEST's";

    Exchange fast{ipxe_rom_dhcp};
    fast.answer({.ipxe = octets({0xB0, 1, 1, 0xFF})});
    EXPECT_EQ(fast.sent.size(), 2U);
    EXPECT_EQ(fast.last_type(), DhcpMessageType::request);
    EXPECT_EQ(fast.waited(ClientWait::dhcp_collecting), Duration{});

    Exchange zero{ipxe_rom_dhcp};
    zero.answer({.ipxe = octets({0xB0, 1, 0, 0xFF})});
    EXPECT_EQ(zero.last_type(), DhcpMessageType::discover) << "0: a proxy may come";
}

TEST(DhcpClient, IpxeTakesTheProxysFileAndGoesOnAtOnce) {
    Exchange it{ipxe_rom_dhcp};
    it.answer({.address = {},
               .server = proxy_ip,
               .siaddr = proxy_ip,
               .file = "pxelinux.0",
               .vendor_class = "PXEClient"});
    EXPECT_EQ(it.last_type(), DhcpMessageType::discover) << "there is no address yet";
    it.answer({});
    ASSERT_EQ(it.last_type(), DhcpMessageType::request);
    EXPECT_EQ(it.last().address(DhcpOptionCode::server_identifier), server_ip);
    it.ack();
    EXPECT_EQ(it.client().outcome(), ClientOutcome::done);
    EXPECT_TRUE(it.client().lease().from_proxy);
    EXPECT_EQ(it.client().lease().next_server, proxy_ip);
    EXPECT_EQ(it.client().lease().boot_file, "pxelinux.0");
}

TEST(DhcpClient, IpxeGoesOnWithoutABootServerThatDoesNotAnswer) {
    Exchange it{ipxe_rom_dhcp};
    it.answer({.vendor_class = "PXEClient"}); // and no file: PXE specification, ask port 4011
    it.ack({.vendor_class = "PXEClient"});
    ASSERT_EQ(it.sent.back().datagram.destination, (Endpoint{server_ip, 4011}));
    EXPECT_EQ(it.sent.back().datagram.source, (Endpoint{leased_ip, 68}));
    it.run_for(2s + 1ms);
    EXPECT_EQ(it.client().outcome(), ClientOutcome::done);
    EXPECT_EQ(it.client().lease().boot_file, "");
}

TEST(DhcpClient, Edk2AsksABootServerFourTimes) {
    Exchange it{edk2_dhcp};
    it.answer({});
    it.answer({.address = {}, .server = proxy_ip, .siaddr = {}, .vendor_class = "PXEClient"});
    it.run_for(3800ms);
    EXPECT_EQ(it.last_type(), DhcpMessageType::request);
    it.ack();
    const std::size_t before = it.sent.size();
    EXPECT_EQ(it.sent.back().datagram.source, (Endpoint{leased_ip, 4011}));
    EXPECT_EQ(it.sent.back().datagram.destination, (Endpoint{proxy_ip, 4011}));
    it.run_for(9900ms);
    EXPECT_EQ(it.sent.size(), before + 3);
    EXPECT_TRUE(it.client().busy());
    it.run_for(200ms);
    EXPECT_EQ(it.client().outcome(), ClientOutcome::silent);
}

TEST(DhcpClient, Edk2TakesTheBestOffer) {
    const auto one_shot = octets({6, 1, 8, 10, 4, 0, 0x50, 0x58, 0x45, 0xFF});
    Exchange it{edk2_dhcp};
    it.answer({.server = proxy_ip, .siaddr = proxy_ip, .option = "other.efi"});
    it.answer({.option = "loaders/shimx64.efi",
               .vendor_class = "PXEClient",
               .vendor_specific = one_shot});
    EXPECT_EQ(it.last_type(), DhcpMessageType::discover) << "it collects";
    it.run_for(3800ms);
    ASSERT_EQ(it.last_type(), DhcpMessageType::request);
    EXPECT_EQ(it.last().address(DhcpOptionCode::server_identifier), server_ip);
    EXPECT_NEAR(seconds(it.waited(ClientWait::dhcp_collecting)), 3.77, 0.1);
    EXPECT_EQ(it.waited(ClientWait::dhcp_no_answer), Duration{});
    it.ack({.option = "loaders/shimx64.efi", .vendor_class = "PXEClient"});
    EXPECT_EQ(it.client().lease().boot_file, "loaders/shimx64.efi") << "without the NUL";
    EXPECT_EQ(it.client().lease().next_server, server_ip);
    EXPECT_EQ(it.client().lease().lease_s, 3600U);
}

TEST(DhcpClient, Edk2TakesNoOfferThatBootsNothing) {
    Exchange it{edk2_dhcp};
    it.answer({});
    it.run_for(2min);
    EXPECT_EQ(it.sent.size(), 4U);
    EXPECT_NE(it.client().why().find("no acceptable DHCP OFFER"), std::string::npos);
}

TEST(DhcpClient, OptionAndFieldAreRankedAsTheClientDoes) {
    Exchange ipxe{ipxe_rom_dhcp};
    ipxe.answer({.ipxe = octets({0xB0, 1, 1})});
    ipxe.ack({.file = "field", .option = "option"});
    EXPECT_EQ(ipxe.client().lease().boot_file, "field");

    Exchange edk2{edk2_dhcp};
    edk2.answer({.file = "field", .option = "option"});
    edk2.run_for(4s);
    edk2.ack({.file = "field", .option = "option"});
    EXPECT_EQ(edk2.client().lease().boot_file, "option");
}

TEST(DhcpClient, ANakMakesIpxeAskAnewAndEndsEdk2) {
    Exchange ipxe{ipxe_rom_dhcp};
    ipxe.answer({.ipxe = octets({0xB0, 1, 1})});
    const std::uint32_t xid = ipxe.last().header.xid;
    ipxe.answer({.type = DhcpMessageType::nak, .address = {}});
    EXPECT_TRUE(ipxe.client().busy());
    EXPECT_EQ(ipxe.sent.size(), 2U);
    ipxe.run_for(1s + 1ms);
    ASSERT_EQ(ipxe.sent.size(), 3U);
    EXPECT_EQ(ipxe.last_type(), DhcpMessageType::discover);
    EXPECT_NE(ipxe.last().header.xid, xid);
    EXPECT_EQ(ipxe.noted(ClientNote::Kind::failed).size(), 1U);

    Exchange edk2{edk2_dhcp};
    edk2.answer({.option = "shimx64.efi"});
    edk2.run_for(4s);
    edk2.answer({.type = DhcpMessageType::nak, .address = {}});
    EXPECT_EQ(edk2.client().outcome(), ClientOutcome::refused);
}

TEST(DhcpClient, WhatIsNotForItIsLeftAlone) {
    Exchange it{u_boot_dhcp};
    it.answer({.xid_change = 1});
    it.answer({.source_port = 4011});
    it.answer({.port = 4011});
    it.answer({.type = DhcpMessageType::ack});
    it.deliver({server_ip, 67}, {Ipv4Address::broadcast(), 68}, octets({2, 1, 6}));
    EXPECT_EQ(it.sent.size(), 1U);
    it.answer({});
    ASSERT_EQ(it.last_type(), DhcpMessageType::request);
    it.ack({.server = proxy_ip}); // not the server that was asked
    EXPECT_TRUE(it.client().busy());
    it.ack();
    EXPECT_EQ(it.client().outcome(), ClientOutcome::done);
}

TEST(DhcpClient, NotesTheExchangeAndTellsTheFleet) {
    Exchange it{u_boot_dhcp};
    it.run_for(100ms);
    it.answer({});
    it.run_for(20ms);
    it.ack();
    const auto exchanges = it.noted(ClientNote::Kind::exchange);
    ASSERT_EQ(exchanges.size(), 1U);
    EXPECT_EQ(exchanges[0].duration, 120ms);
    EXPECT_EQ(exchanges[0].address, leased_ip);
    EXPECT_EQ(it.fleet.machine_of(leased_ip), std::optional<MachineIndex>{0});
}

TEST(DhcpClient, RenewsByUnicastAndReleases) {
    Exchange it{system_dhcp};
    it.leased();
    it.order(&DhcpClient::renew);
    ASSERT_EQ(it.last_type(), DhcpMessageType::request);
    EXPECT_EQ(it.last().header.ciaddr, leased_ip);
    // RFC 2131 section 4.3.2: neither option 50 nor 54 in RENEWING state.
    EXPECT_FALSE(it.last().has(DhcpOptionCode::requested_address));
    EXPECT_FALSE(it.last().has(DhcpOptionCode::server_identifier));
    EXPECT_EQ(it.sent.back().datagram.source, (Endpoint{leased_ip, 68}));
    EXPECT_EQ(it.sent.back().datagram.destination, (Endpoint{server_ip, 67}));
    it.ack();
    EXPECT_EQ(it.client().outcome(), ClientOutcome::done);
    EXPECT_EQ(it.noted(ClientNote::Kind::exchange).size(), 2U);

    it.order(&DhcpClient::release);
    EXPECT_EQ(it.last_type(), DhcpMessageType::release);
    EXPECT_EQ(it.last().header.ciaddr, leased_ip);
    EXPECT_EQ(it.last().address(DhcpOptionCode::server_identifier), server_ip);
    EXPECT_EQ(it.client().outcome(), ClientOutcome::idle);
    EXPECT_EQ(it.fleet.machine_of(leased_ip), std::nullopt);
}

TEST(DhcpClient, ARenewalThatIsRefusedTakesTheAddressAway) {
    Exchange it{system_dhcp};
    it.leased();
    it.order(&DhcpClient::renew);
    it.answer({.type = DhcpMessageType::nak, .address = {}});
    EXPECT_EQ(it.client().outcome(), ClientOutcome::refused);
    EXPECT_EQ(it.fleet.machine_of(leased_ip), std::nullopt);
}

TEST(DhcpClient, BrokenAnswersAreLeftAlone) {
    Prng prng{5};
    for (int round = 0; round < 3'000; ++round) {
        Exchange it{round % 2 == 0 ? ipxe_rom_dhcp : u_boot_dhcp};
        it.garble = [&](std::vector<std::byte>& bytes) {
            for (std::uint64_t n = prng.below(8); n > 0; --n) {
                bytes[prng.below(bytes.size())] = static_cast<std::byte>(prng.below(256));
            }
            bytes.resize(bytes.size() - prng.below(bytes.size()) * prng.below(2));
        };
        it.answer({.option = "a",
                   .vendor_class = "PXEClient",
                   .vendor_specific = octets({6, 1, 8, 9, 5, 0, 1, 2, 65, 66, 10, 1, 0, 255}),
                   .ipxe = octets({0xB0, 1, 1, 0xFF})});
        it.ack({.option = "a", .vendor_class = "PXEClient"});
        it.run_for(10min);
        EXPECT_FALSE(it.client().busy());
    }
}

TEST(DhcpClient, TheSeedDecidesTheTransactionIds) {
    const auto xid = [](std::uint64_t seed) {
        return Exchange{ipxe_rom_dhcp, seed}.last().header.xid;
    };
    EXPECT_EQ(xid(1), xid(1));
    EXPECT_NE(xid(1), xid(2));
}

} // namespace
} // namespace muster::test
