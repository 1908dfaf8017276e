// SPDX-License-Identifier: Apache-2.0
// Machines that the site knows by something else than a link address, from their first message on.
#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using enum DhcpMessageType;

NodeBoot known_by(const NodeAlias& alias, std::string_view name, std::string_view reserved) {
    NodeBoot node;
    node.alias = alias.key();
    node.reserved = ip(reserved);
    std::ranges::copy(name, node.name.begin());
    return node;
}

ClientMessage at_port(std::uint32_t machine, std::string_view circuit, std::string_view remote) {
    ClientMessage made{discover, machine_mac(machine)};
    made.header.giaddr = ip("10.79.0.254");
    std::vector<std::byte> agent;
    const auto put = [&agent](unsigned code, std::string_view value) {
        const auto head = octets({code, static_cast<unsigned>(value.size())});
        agent.insert(agent.end(), head.begin(), head.end());
        const auto bytes = text_octets(value);
        agent.insert(agent.end(), bytes.begin(), bytes.end());
    };
    if (!circuit.empty()) {
        put(1, circuit);
    }
    if (!remote.empty()) {
        put(2, remote);
    }
    return made.with(DhcpOptionCode::relay_agent_information, agent);
}

class NodeIndexTest : public testing::Test {
protected:
    std::string offered(const ClientMessage& message) {
        const auto replies = rig.receive(message);
        return replies.empty() ? "-" : to_text(replies[0].yiaddr());
    }
    DhcpRig rig;
};

TEST_F(NodeIndexTest, FindsAMachineByPortClientIdAndUuid) {
    std::array<std::uint8_t, 16> uuid{};
    uuid[15] = 7;
    rig.snapshot.nodes = {
        known_by(NodeAlias::of_port("p17", ""), "any-switch", "10.79.0.17"),
        known_by(NodeAlias::of_port("p17", "sw2"), "switch-2", "10.79.0.18"),
        known_by(NodeAlias::of_port("", "sw3"), "switch-3", "10.79.0.19"),
        known_by(NodeAlias::of_client_id("\x01xyz"), "client", "10.79.0.20"),
        known_by(NodeAlias::of_uuid(uuid), "board", "10.79.0.21"),
    };
    rig.publish();
    EXPECT_EQ(offered(at_port(1, "p17", "sw1")), "10.79.0.17");
    EXPECT_EQ(offered(at_port(2, "p17", "sw2")), "10.79.0.18") << "both is more than one";
    EXPECT_EQ(offered(at_port(3, "p1", "sw3")), "10.79.0.19");
    EXPECT_EQ(offered(at_port(4, "p1", "sw1")), "10.79.0.100");
    EXPECT_EQ(offered(at_port(5, std::string(65, 'p'), "")), "10.79.0.101");
    ClientMessage by_id{discover, machine_mac(6)};
    EXPECT_EQ(offered(by_id.with(DhcpOptionCode::client_identifier, "\x01xyz")), "10.79.0.20");
    ClientMessage by_uuid{discover, machine_mac(7)};
    std::vector<std::byte> machine(17);
    machine[16] = std::byte{7};
    EXPECT_EQ(offered(by_uuid.with(DhcpOptionCode::client_machine, machine)), "10.79.0.21");
}

TEST_F(NodeIndexTest, AListedLinkAddressCountsMostAndASeenOneLeast) {
    NodeBoot mac;
    mac.mac = machine_mac(1);
    mac.reserved = ip("10.79.0.30");
    rig.server.on_node_boot(mac);
    rig.server.on_node_boot(known_by(NodeAlias::of_port("p17", ""), "port", "10.79.0.17"));
    EXPECT_EQ(offered(at_port(1, "p17", "")), "10.79.0.30");
    mac.learned = true;
    rig.server.on_node_boot(mac);
    EXPECT_EQ(offered(at_port(1, "p17", "")), "10.79.0.17");
    EXPECT_EQ(offered(at_port(1, "p18", "")), "10.79.0.30") << "moved where nobody is listed";
}

TEST_F(NodeIndexTest, ReservationsOfAliasesAreNobodyElses) {
    NodeBoot node = known_by(NodeAlias::of_port("p17", ""), "port", "10.79.0.100");
    rig.server.on_node_boot(node);
    EXPECT_EQ(offered({discover, machine_mac(1)}), "10.79.0.101");
    node.removed = true;
    rig.server.on_node_boot(node);
    EXPECT_EQ(offered({discover, machine_mac(2)}), "10.79.0.100");
    EXPECT_EQ(offered(at_port(3, "p17", "")), "10.79.0.102");
    rig.snapshot.nodes = {known_by(NodeAlias::of_port("p17", ""), "port", "10.79.0.103")};
    rig.publish();
    rig.publish(); // the same again: set aside once, given back once
    EXPECT_EQ(offered({discover, machine_mac(4)}), "10.79.0.104");
    rig.snapshot.nodes.clear();
    rig.publish();
    EXPECT_EQ(offered({discover, machine_mac(5)}), "10.79.0.103");
}

TEST_F(NodeIndexTest, ControlLearnsWhatTheMachineShowed) {
    auto rom = at_port(1, "p17", "sw2");
    rom.with(DhcpOptionCode::client_identifier, "id");
    (void)rig.receive(rom.pxe(7));
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_EQ(rig.seen[0].circuit_id.view(), "p17");
    EXPECT_EQ(rig.seen[0].remote_id.view(), "sw2");
    EXPECT_EQ(rig.seen[0].client_id.view(), "id");
    auto other = at_port(2, std::string(65, 'p'), "sw2");
    (void)rig.receive(other.pxe(7));
    EXPECT_TRUE(rig.seen[1].circuit_id.empty()) << "a part of it could be that of many";
}

TEST_F(NodeIndexTest, ASystemKnownByItsPortIsTold) {
    rig.server.on_node_boot(known_by(NodeAlias::of_port("p17", ""), "port", "10.79.0.17"));
    EXPECT_EQ(to_text(rig.lease(at_port(1, "p17", "")).yiaddr()), "10.79.0.17");
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_EQ(rig.seen[0].circuit_id.view(), "p17");
    NodeBoot learned = known_by(NodeAlias::of_port("p17", ""), "port", "10.79.0.17");
    learned.alias.clear();
    learned.mac = machine_mac(1);
    learned.learned = true;
    rig.server.on_node_boot(learned); // as control then does
    rig.advance(30min);
    ClientMessage renewal{request, machine_mac(1)};
    renewal.header.ciaddr = ip("10.79.0.17");
    (void)rig.receive(renewal, ip("10.79.0.1"));
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].type(), ack);
}

// An installer's name, in either option, stands in the lease.
TEST_F(NodeIndexTest, TheNameOfAMachineIsKeptWithItsLease) {
    const auto name_of = [this](std::uint32_t machine, DhcpOptionCode code,
                                std::vector<std::byte> value) {
        ClientMessage message{discover, machine_mac(machine)};
        (void)rig.lease(message.with(code, std::move(value)));
        return std::string{rig.stored.back().hostname.data()};
    };
    EXPECT_EQ(name_of(1, DhcpOptionCode::host_name, text_octets("a1")), "a1");
    EXPECT_EQ(name_of(2, DhcpOptionCode::client_fqdn, text_octets(std::string{"\0\0\0b2.x", 7})),
              "b2.x");
    EXPECT_EQ(
        name_of(3, DhcpOptionCode::client_fqdn, text_octets(std::string{"\4\0\0\2c3\1x\0", 9})),
        "c3.x");
    EXPECT_EQ(name_of(4, DhcpOptionCode::client_fqdn, text_octets(std::string{"\4\0\0\77d", 5})),
              "");
    EXPECT_EQ(name_of(5, DhcpOptionCode::client_fqdn, octets({4, 0})), "");
}

} // namespace
} // namespace muster::test
