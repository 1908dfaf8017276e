// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_server.hh"

#include "tests/support/dhcp6_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using Code = Dhcp6OptionCode;
using Type = Dhcp6MessageType;

constexpr unsigned success = 0;
constexpr unsigned no_addrs_avail = 2;
constexpr unsigned no_binding = 3;
constexpr unsigned not_on_link = 4;
constexpr unsigned use_multicast = 5;

class Dhcp6ServerTest : public testing::Test {
protected:
    [[nodiscard]] Client6Message message(Type type, std::uint32_t n = 1) const {
        Client6Message made{type, duid_ll(machine_mac(n))};
        if (type == Type::request || type == Type::renew || type == Type::release ||
            type == Type::decline) {
            made.to(rig.server.server_id());
        }
        return made;
    }
    Reply6 answer(const Client6Message& message, std::uint32_t n = 1) {
        return rig.answer(message, link_local_of(machine_mac(n)));
    }
    Dhcp6Rig rig;
};

TEST_F(Dhcp6ServerTest, AddressInFourMessagesDurableBeforeTheReply) {
    const Reply6 offer = answer(message(Type::solicit).ia(5).asks({23, 24}));
    EXPECT_EQ(offer.type, Type::advertise);
    EXPECT_EQ(offer.address(), "fd00:79::100");
    EXPECT_EQ(offer.find(Code::client_id), duid_ll(machine_mac(1)));
    EXPECT_EQ(offer.find(Code::preference), octets({255}));
    EXPECT_EQ(offer.find(Code::dns_servers), address6_octets(ip6("fd00:79::1")));
    EXPECT_TRUE(offer.has(Code::domain_list));
    EXPECT_EQ(offer.datagram.destination, (Endpoint{link_local_of(machine_mac(1)), 546}));

    const auto request = message(Type::request).ia(5, {ip6("fd00:79::100")});
    EXPECT_TRUE(rig.receive(request).empty()) << "not before it is durable";
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].type, Type::reply);
    EXPECT_EQ(replies[0].address(), "fd00:79::100");
    EXPECT_EQ(replies[0].valid(), 3600U);
    EXPECT_EQ(replies[0].associations()[0].iaid, 5U);
    EXPECT_EQ(replies[0].associations()[0].t1, 1800U);
    EXPECT_EQ(replies[0].associations()[0].t2, 2880U);
    EXPECT_FALSE(replies[0].has(Code::preference));
    ASSERT_EQ(rig.stored.size(), 1U);
    EXPECT_EQ(rig.stored[0].mac, machine_mac(1));
    EXPECT_EQ(rig.stored[0].iaid, 5U);
    EXPECT_EQ(rig.stored[0].duid, Duid{duid_ll(machine_mac(1))});
    EXPECT_EQ(rig.stored[0].expires, rig.now.wall + 1h);
}

TEST_F(Dhcp6ServerTest, RapidCommitIsTwoMessagesAndDurableToo) {
    EXPECT_TRUE(rig.receive(message(Type::solicit).ia(1).with(Code::rapid_commit, {})).empty());
    const auto replies = rig.commit();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].type, Type::reply);
    EXPECT_TRUE(replies[0].has(Code::rapid_commit));
    EXPECT_EQ(replies[0].address(), "fd00:79::100");
}

TEST_F(Dhcp6ServerTest, EveryStageOfABootHasTheSameAddress) {
    const std::string firmware = rig.lease(1, duid_uuid(1), 0xB00F);
    EXPECT_EQ(rig.lease(1, duid_uuid(1), 0xA11), firmware) << "its other driver";
    EXPECT_EQ(rig.lease(1, duid_ll(machine_mac(1)), 1), firmware) << "the installer";
    const auto vendor = octets({0, 2, 0, 0, 0xAB, 0x11, 1, 2, 3, 4});
    EXPECT_EQ(rig.lease(1, vendor, 77), firmware) << "the installed system";
    EXPECT_NE(rig.lease(2), firmware);
    EXPECT_EQ(rig.server.leases()->count().bound, 2U);
}

TEST_F(Dhcp6ServerTest, OnlyTheLastHolderGivesAnAddressBack) {
    rig.lease(1, duid_uuid(1), 1);
    rig.lease(1, duid_uuid(1), 2);
    const auto release = [&](std::uint32_t iaid) {
        Client6Message made{Type::release, duid_uuid(1)};
        return made.to(rig.server.server_id()).ia(iaid, {ip6("fd00:79::100")});
    };
    const Reply6 stale = answer(release(1));
    EXPECT_EQ(stale.status(), success);
    EXPECT_EQ(stale.associations().at(0).status, no_binding);
    EXPECT_EQ(rig.server.leases()->count().bound, 1U);
    const Reply6 own = answer(release(2));
    EXPECT_EQ(own.status(), success);
    EXPECT_TRUE(own.associations().empty());
    EXPECT_EQ(rig.server.leases()->count().idle, 1U);
    rig.commit();
    EXPECT_EQ(rig.stored.back().state, LeaseRecord::State::released);
    EXPECT_EQ(rig.lease(1, duid_uuid(1), 3), "fd00:79::100") << "remembered";
}

TEST_F(Dhcp6ServerTest, RenewAndRebindExtend) {
    rig.lease(1);
    rig.advance(30min);
    const Reply6 renewed = answer(message(Type::renew).ia(1, {ip6("fd00:79::100")}));
    EXPECT_EQ(renewed.valid(), 3600U);
    rig.advance(50min);
    const Reply6 rebound = answer(message(Type::rebind).ia(1, {ip6("fd00:79::100")}));
    EXPECT_EQ(rebound.valid(), 3600U);
    EXPECT_EQ(rig.stored.size(), 3U);
}

TEST_F(Dhcp6ServerTest, ARenewalSoonAfterNeedsNoCommit) {
    rig.lease(1);
    rig.advance(1min);
    const auto replies = rig.receive(message(Type::renew).ia(1, {ip6("fd00:79::100")}));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].valid(), 3540U) << "what is durable, no more";
    EXPECT_TRUE(rig.commits.empty());
}

// Firmware shows no name, and control keeps the one that it knows; a name that changes is
// committed.
TEST_F(Dhcp6ServerTest, AHostNameIsCommittedWhenItChangesAndOnlyThen) {
    const auto renew = [&](std::string_view name) {
        auto made = message(Type::renew).ia(1, {ip6("fd00:79::100")});
        if (!name.empty()) {
            made.with(Code::client_fqdn, octets({0, static_cast<unsigned>(name.size())}) +
                                             text_octets(name) + octets({0}));
        }
        return rig.receive(made).size();
    };
    rig.lease(1);
    EXPECT_STREQ(rig.stored[0].hostname.data(), "");
    EXPECT_EQ(renew("node-1"), 0U) << "not before it is durable";
    EXPECT_EQ(rig.commit().size(), 1U);
    EXPECT_STREQ(rig.stored.at(1).hostname.data(), "node-1");
    EXPECT_EQ(renew("node-1"), 1U);
    EXPECT_EQ(renew(""), 1U);
    EXPECT_TRUE(rig.commits.empty());
    EXPECT_EQ(renew("node-2"), 0U);
    EXPECT_EQ(rig.commit().size(), 1U);
    EXPECT_STREQ(rig.stored.at(2).hostname.data(), "node-2");
}

TEST_F(Dhcp6ServerTest, WhatCannotBeExtended) {
    rig.lease(2);
    const auto& taken = "fd00:79::100";
    const Reply6 renew = answer(message(Type::renew).ia(1, {ip6(taken)}));
    EXPECT_EQ(renew.associations().at(0).status, no_binding);
    EXPECT_EQ(answer(message(Type::renew).ia(1)).associations().at(0).status, no_binding);
    for (const char* address : {taken, "fd00:99::5", "fd00:79::5"}) {
        const Reply6 rebind = answer(message(Type::rebind).ia(1, {ip6(address)}));
        EXPECT_EQ(rebind.address(), to_text(ip6(address)));
        EXPECT_EQ(rebind.valid(), 0U) << "not to be used any more";
    }
    EXPECT_TRUE(rig.commits.empty());
}

TEST_F(Dhcp6ServerTest, RequestsForOtherAddresses) {
    rig.lease(2);
    EXPECT_EQ(answer(message(Type::request).ia(1, {ip6("fd00:99::5")})).associations().at(0).status,
              not_on_link);
    EXPECT_EQ(answer(message(Type::request).ia(1, {ip6("fd00:79::100")})).address(), "fd00:79::101")
        << "it is another's: one that can be had";
    rig.advance(2h);
    EXPECT_EQ(answer(message(Type::request, 3).ia(1, {ip6("fd00:79::150")}), 3).address(),
              "fd00:79::150")
        << "nobody's: as it wishes";
}

TEST_F(Dhcp6ServerTest, ConfirmAsksOnlyWhetherTheLinkIsRight) {
    EXPECT_EQ(answer(message(Type::confirm).ia(1, {ip6("fd00:79::1ff")})).status(), success);
    const Reply6 moved = answer(message(Type::confirm).ia(1, {ip6("fd00:99::1ff")}));
    EXPECT_EQ(moved.status(), not_on_link);
    EXPECT_TRUE(moved.associations().empty());
    EXPECT_TRUE(rig.receive(message(Type::confirm).ia(1)).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::missing_address), 1U);
}

TEST_F(Dhcp6ServerTest, ADeclinedAddressIsQuarantined) {
    rig.lease(1);
    const Reply6 reply = answer(message(Type::decline).ia(1, {ip6("fd00:79::100")}));
    EXPECT_EQ(reply.status(), success);
    EXPECT_EQ(rig.server.leases()->count().declined, 1U);
    EXPECT_EQ(rig.lease(1), "fd00:79::101");
    EXPECT_EQ(rig.lease(2), "fd00:79::102");
    rig.advance(2h);
    EXPECT_EQ(rig.server.leases()->count().declined, 0U);
    EXPECT_EQ(
        answer(message(Type::decline).ia(1, {ip6("fd00:79::150")})).associations().at(0).status,
        no_binding);
}

TEST_F(Dhcp6ServerTest, InformationWithoutAnAddress) {
    auto bare = Client6Message::bare(Type::information_request);
    const Reply6 reply = answer(bare.asks({23}));
    EXPECT_EQ(reply.type, Type::reply);
    EXPECT_TRUE(reply.has(Code::dns_servers));
    EXPECT_FALSE(reply.has(Code::client_id));
    EXPECT_TRUE(rig.receive(message(Type::information_request).ia(1)).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::unexpected_ia), 1U);
}

TEST_F(Dhcp6ServerTest, BootFilesByProgram) {
    const auto url = [&](Client6Message made) {
        const Reply6 reply = answer(made.ia(1));
        const auto named = reply.find(Code::vendor_class);
        return reply.text(Code::bootfile_url) + " " +
               (named ? std::string{as_text(Bytes{*named}.subspan(6))} : "-");
    };
    EXPECT_EQ(url(message(Type::solicit).boots(7)), "tftp://[fd00:79::1]/loaders/shimx64.efi -")
        << "with PXEClient EDK2 would ask port 4011";
    EXPECT_EQ(url(message(Type::solicit).boots(16, "HTTPClient")),
              "http://[fd00:79::1]/loaders/snponly.efi HTTPClient");
    EXPECT_EQ(url(message(Type::solicit).ipxe()), "http://[fd00:79::1]/boot/ipxe -");
    EXPECT_EQ(url(message(Type::solicit)), "(absent) -");
    EXPECT_EQ(url(message(Type::solicit).boots(11)), "(absent) -") << "no loader for that";
    rig.snapshot.dhcp.ports.http = 8080;
    rig.snapshot.dhcp.server_address6 = ip6("2001:db8::5");
    rig.publish();
    EXPECT_EQ(url(message(Type::solicit).boots(16, "HTTPClient")),
              "http://[2001:db8::5]:8080/loaders/snponly.efi HTTPClient");
}

TEST_F(Dhcp6ServerTest, ABootClientIsTold) {
    rig.lease(1);
    EXPECT_TRUE(rig.seen.empty()) << "no boot client";
    (void)answer(message(Type::solicit).boots(7).ia(1));
    ASSERT_EQ(rig.seen.size(), 1U);
    EXPECT_EQ(rig.seen[0].mac, machine_mac(1));
    EXPECT_EQ(to_text(rig.seen[0].address6), "fd00:79::100");
    EXPECT_EQ(rig.seen[0].arch, 7);
    EXPECT_FALSE(rig.seen[0].acknowledged);
    (void)answer(message(Type::request).boots(7).ia(1, {ip6("fd00:79::100")}));
    EXPECT_TRUE(rig.seen.back().acknowledged);
    // Nothing shows its link address: it has an address, and no node comes of it.
    const auto before = rig.seen.size();
    (void)rig.answer(Client6Message{Type::solicit, duid_uuid(1)}.boots(7).ia(1), ip6("fe80::1234"));
    EXPECT_EQ(rig.seen.size(), before);
}

TEST_F(Dhcp6ServerTest, IgnoredFirmwareIsLeftAlone) {
    rig.snapshot.dhcp.unknown_action = BootAction::ignore;
    rig.publish();
    EXPECT_TRUE(rig.receive(message(Type::solicit).boots(7).ia(1)).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::node_ignored), 1U);
    EXPECT_EQ(rig.lease(1), "fd00:79::100") << "an installed system gets its address";
}

TEST_F(Dhcp6ServerTest, ReservationsBelongToTheirMachine) {
    NodeBoot node;
    node.mac = machine_mac(1);
    node.reserved6 = ip6("fd00:79::100");
    rig.server.on_node_boot(node);
    EXPECT_EQ(rig.lease(2), "fd00:79::101");
    EXPECT_EQ(rig.lease(1), "fd00:79::100");
    node.reserved6 = ip6("fd00:79::77"); // outside the pool, inside the subnet
    rig.server.on_node_boot(node);
    EXPECT_EQ(answer(message(Type::renew).ia(1, {ip6("fd00:79::100")})).associations().at(0).iaid,
              1U)
        << "a running machine is left in peace";
    EXPECT_EQ(rig.lease(1), "fd00:79::77");
    EXPECT_EQ(rig.server.leases()->count().bound, 2U) << "it moved";
}

TEST_F(Dhcp6ServerTest, OneAddressToAMessageTheOtherAssociationsGetNone) {
    const auto pd = u32_octets(9) + u32_octets(0) + u32_octets(0);
    const Reply6 offer = answer(
        message(Type::solicit).ia(1).ia(2).with(Code::ia_pd, pd).with(Code::ia_ta, u32_octets(3)));
    ASSERT_EQ(offer.associations().size(), 2U);
    EXPECT_EQ(offer.associations()[0].addresses.size(), 1U);
    EXPECT_EQ(offer.associations()[1].status, no_addrs_avail);
    EXPECT_TRUE(offer.has(Code::ia_pd));
    EXPECT_TRUE(offer.has(Code::ia_ta));
}

TEST_F(Dhcp6ServerTest, APoolOfNAddressesBootsNMachines) {
    rig.snapshot.dhcp.subnets6[0].pools = {{.range = read_range6("fd00:79::1-fd00:79::3").value()}};
    rig.publish();
    EXPECT_EQ(rig.lease(1, duid_uuid(1), 1), "fd00:79::2") << "::1 is the server's";
    EXPECT_EQ(rig.lease(1, duid_ll(machine_mac(1)), 2), "fd00:79::2");
    rig.advance(1s);
    EXPECT_EQ(rig.lease(2), "fd00:79::3");
    for (int i = 0; i < 2; ++i) {
        const Reply6 none = answer(message(Type::solicit, 3).boots(7).ia(1), 3);
        EXPECT_EQ(none.associations().at(0).status, no_addrs_avail);
        EXPECT_FALSE(none.has(Code::bootfile_url));
    }
    ASSERT_EQ(rig.dry.size(), 1U) << "said once";
    EXPECT_EQ(to_text(rig.dry[0].subnet6.value()), "fd00:79::/64");
    rig.advance(2h);
    EXPECT_EQ(rig.lease(3), "fd00:79::2") << "the one that ended longest ago";
}

TEST_F(Dhcp6ServerTest, RelayedMessagesAreOfTheLinkThatTheRelayNames) {
    Subnet6Plan far;
    far.subnet = read_subnet6("fd00:80::/64").value();
    far.pools.push_back({.range = read_range6("fd00:80::10-fd00:80::20").value()});
    far.relays = {ip6("fd00:9::1")};
    rig.snapshot.dhcp.subnets6.push_back(far);
    rig.publish();
    const auto ask = [&](const Ipv6Address& link, const OptionBytes& own) {
        return rig.receive(
            relayed(message(Type::solicit).ia(1).bytes(), link, ip6("fe80::1234"), own),
            ip6("fd00:9::1"), ip6("fd00:79::1"));
    };
    const auto own = option6(Code::interface_id, text_octets("port17")) +
                     option6(Code::client_link_layer, octets({0, 1}) + mac_octets(machine_mac(8)));
    const auto replies = ask(ip6("fd00:9::1"), own);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].address(), "fd00:80::10");
    EXPECT_EQ(replies[0].datagram.destination, (Endpoint{ip6("fd00:9::1"), 547}));
    EXPECT_EQ(replies[0].bytes[0], std::byte{13});
    const auto around = read_options6(Bytes{replies[0].bytes}.subspan(34));
    ASSERT_EQ(around.size(), 2U);
    EXPECT_EQ(around[0].second, text_octets("port17"));
    EXPECT_TRUE(rig.server.leases()->find(machine_mac(8), LinkId{1}));
    EXPECT_EQ(ask(ip6("fd00:80::1"), {}).at(0).address(), "fd00:80::11") << "by its address";
    EXPECT_TRUE(ask(ip6("fd00:77::1"), {}).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::unserved_subnet), 1U);
}

TEST_F(Dhcp6ServerTest, AMachineIsKnownByItsSwitchPort) {
    NodeBoot node;
    node.alias = NodeAlias::of_port("port17", "switch1").key();
    node.reserved6 = ip6("fd00:79::17");
    rig.server.on_node_boot(node);
    const auto own = option6(Code::interface_id, text_octets("port17")) +
                     option6(Code::remote_id, u32_octets(9) + text_octets("switch1"));
    const auto replies = rig.receive(relayed(message(Type::solicit).ia(1).bytes(),
                                             ip6("fd00:79::1"), link_local_of(machine_mac(1)), own),
                                     ip6("fd00:79::2"), ip6("fd00:79::1"));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].address(), "fd00:79::17");
}

TEST_F(Dhcp6ServerTest, RulesOfSection16) {
    const auto dropped = [&](const Client6Message& made, Dhcp6Drop reason,
                             const Ipv6Address& local = ip6("ff02::1:2")) {
        const auto before = rig.drops(reason);
        EXPECT_TRUE(rig.receive(made.bytes(), link_local_of(machine_mac(1)), local).empty());
        EXPECT_EQ(rig.drops(reason), before + 1) << describe(reason);
    };
    const OptionBytes other = duid_ll(machine_mac(99));
    dropped(Client6Message::bare(Type::solicit).ia(1), Dhcp6Drop::missing_client_id);
    dropped(Client6Message::bare(Type::request).ia(1), Dhcp6Drop::missing_client_id);
    dropped(message(Type::solicit), Dhcp6Drop::missing_ia);
    dropped(message(Type::request), Dhcp6Drop::missing_ia);
    dropped(message(Type::renew), Dhcp6Drop::missing_ia);
    dropped(message(Type::release), Dhcp6Drop::missing_ia);
    dropped(message(Type::solicit).to(other).ia(1), Dhcp6Drop::unexpected_server_id);
    dropped(Client6Message{Type::request, machine_mac(1)}.ia(1), Dhcp6Drop::missing_server_id);
    dropped(Client6Message{Type::renew, machine_mac(1)}.to(other).ia(1),
            Dhcp6Drop::not_for_this_server);
    dropped(Client6Message{Type::information_request, machine_mac(1)}.to(other),
            Dhcp6Drop::not_for_this_server);
    dropped(message(Type::advertise), Dhcp6Drop::not_a_request);
    dropped(message(Type::reconfigure), Dhcp6Drop::not_a_request);
    dropped(message(Type::solicit).ia(1), Dhcp6Drop::unicast, ip6("fd00:79::1"));
    EXPECT_TRUE(
        rig.receive(message(Type::solicit).ia(1).bytes(), ip6("fe80::9"), ip6("ff02::1:2"), 8)
            .empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::unknown_interface), 1U);
    const auto told =
        rig.receive(message(Type::renew).ia(1).bytes(), ip6("fe80::9"), ip6("fd00:79::1"));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].status(), use_multicast);
}

TEST_F(Dhcp6ServerTest, AnOfferIsFreeAgainWhenAnotherServersIsTaken) {
    (void)answer(message(Type::solicit).ia(1));
    EXPECT_EQ(rig.server.leases()->count().offered, 1U);
    (void)rig.receive(
        Client6Message{Type::request, machine_mac(1)}.to(duid_ll(machine_mac(99))).ia(1));
    EXPECT_EQ(rig.server.leases()->count().offered, 0U);
}

TEST_F(Dhcp6ServerTest, WhatTheStoreRefusesIsNotTold) {
    EXPECT_TRUE(rig.receive(message(Type::solicit).ia(1).with(Code::rapid_commit, {})).empty());
    EXPECT_TRUE(rig.commit(false).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::store_refused), 1U);
    rig.lease(1);
    rig.advance(50min);
    EXPECT_TRUE(rig.receive(message(Type::renew).ia(1, {ip6("fd00:79::100")})).empty());
    const auto prolonged = rig.commit(false);
    ASSERT_EQ(prolonged.size(), 1U) << "what is durable is the machine's";
    EXPECT_EQ(prolonged[0].valid(), 600U);
    EXPECT_EQ(prolonged[0].associations()[0].t1, 300U);
}

TEST_F(Dhcp6ServerTest, AskedAgainWhileItsCommitIsUnderWay) {
    const auto request = message(Type::request).ia(1, {ip6("fd00:79::100")});
    EXPECT_TRUE(rig.receive(request).empty());
    EXPECT_TRUE(rig.receive(request).empty());
    EXPECT_EQ(rig.commits.size(), 1U) << "one commit";
    EXPECT_EQ(rig.commit().size(), 1U);
    EXPECT_EQ(rig.server.metrics().commits.read(CommitOutcome::repeated), 1U);
}

TEST_F(Dhcp6ServerTest, BusyAndFullHaveTheirNames) {
    Dhcp6Rig small{{.leases_max = 2, .commits_max = 1}};
    const auto rapid = [&](std::uint32_t n) {
        return small.receive(Client6Message{Type::solicit, duid_ll(machine_mac(n))}.ia(1).with(
                                 Code::rapid_commit, {}),
                             link_local_of(machine_mac(n)));
    };
    EXPECT_TRUE(rapid(1).empty());
    EXPECT_TRUE(rapid(2).empty());
    EXPECT_EQ(small.drops(Dhcp6Drop::busy), 1U);
    EXPECT_EQ(small.commit().size(), 1U);
    const auto third = rapid(3);
    ASSERT_EQ(third.size(), 1U);
    EXPECT_EQ(third[0].associations().at(0).status, no_addrs_avail) << "the table is full";
    small.out.control_room = 0;
    EXPECT_TRUE(rapid(2).empty());
    EXPECT_EQ(small.drops(Dhcp6Drop::busy), 2U);
}

TEST_F(Dhcp6ServerTest, ARelayThatLeavesNoRoom) {
    const auto inner = message(Type::solicit).boots(7).ia(1).bytes();
    const auto big = relayed(inner, ip6("fd00:79::1"), ip6("fe80::9"),
                             option6(Code::interface_id, OptionBytes(1400, std::byte{'x'})));
    EXPECT_TRUE(rig.receive(big, ip6("fd00:79::2")).empty());
    EXPECT_EQ(rig.drops(Dhcp6Drop::reply_too_long), 1U);
}

TEST_F(Dhcp6ServerTest, LeasesOutliveTheProcess) {
    rig.lease(1);
    rig.lease(2);
    Dhcp6Rig again;
    Dhcp6Server& server = again.server;
    server.restore(rig.stored, again.now);
    EXPECT_EQ(server.leases()->count().bound, 2U);
    EXPECT_EQ(again.lease(3), "fd00:79::102");
    EXPECT_EQ(again.lease(2), "fd00:79::101");
    Client6Message release{Type::release, duid_ll(machine_mac(1))};
    release.to(server.server_id()).ia(1, {ip6("fd00:79::100")});
    EXPECT_TRUE(again.answer(release).associations().empty()) << "the holder is known";
}

TEST(Dhcp6Server, TakesNoMemoryWithoutASubnet) {
    Dhcp6Server server{{}};
    server.on_snapshot(std::make_shared<const Snapshot>(), {});
    EXPECT_EQ(server.leases(), nullptr);
    EXPECT_EQ(server.next_deadline(), Instant::never());
    Outbox out;
    const auto bytes = Client6Message{Type::solicit, machine_mac(1)}.ia(1).bytes();
    RxDatagram datagram;
    datagram.payload = bytes;
    server.receive(datagram, {}, out);
    EXPECT_TRUE(out.empty());
}

} // namespace
} // namespace muster::test
