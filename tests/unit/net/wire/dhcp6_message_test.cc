// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp6_message.hh"

#include "tests/support/dhcp6_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using Code = Dhcp6OptionCode;
using Type = Dhcp6MessageType;

Result<void, Dhcp6Error> read(const std::vector<std::byte>& bytes, Dhcp6Message& message) {
    return read_dhcp6_message(bytes, message);
}

Dhcp6Error error_of(const std::vector<std::byte>& bytes) {
    Dhcp6Message message;
    const auto outcome = read(bytes, message);
    EXPECT_FALSE(outcome.has_value());
    return outcome ? Dhcp6Error{255} : outcome.error();
}

TEST(Dhcp6Message, ReadsWhatFirmwareSends) {
    const auto bytes = Client6Message{Type::solicit, duid_uuid(1), 0xABCDEF}
                           .ia(7, {ip6("fd00::5"), ip6("fd00::6")})
                           .boots(16, "HTTPClient")
                           .with(Code::rapid_commit, {})
                           .with(Code::user_class, class_texts("iPXE"))
                           .bytes();
    Dhcp6Message message;
    ASSERT_TRUE(read(bytes, message));
    EXPECT_EQ(message.type, Type::solicit);
    EXPECT_EQ(message.xid, 0xABCDEFU);
    EXPECT_EQ(message.client_id.size(), 18U);
    ASSERT_EQ(message.ia_count, 1);
    EXPECT_EQ(message.ias[0].iaid, 7U);
    ASSERT_EQ(message.ias[0].address_count, 2);
    EXPECT_EQ(to_text(message.ias[0].addresses[1]), "fd00::6");
    EXPECT_TRUE(message.rapid_commit);
    EXPECT_TRUE(message.asks_for(Code::bootfile_url));
    EXPECT_FALSE(message.asks_for(Code::domain_list));
    EXPECT_TRUE(any_class_text(message.vendor_class, [](std::string_view text) {
        return text == "HTTPClient:Arch:00016:UNDI:003000";
    }));
    EXPECT_FALSE(message.relayed());
}

TEST(Dhcp6Message, UnwrapsRelays) {
    const auto inner = Client6Message{Type::solicit, machine_mac(1)}.ia(1).bytes();
    const auto near =
        relayed(inner, ip6("fd00:80::1"), ip6("fe80::9"),
                option6(Code::interface_id, text_octets("port17")) +
                    option6(Code::client_link_layer, octets({0, 1}) + mac_octets(machine_mac(9))) +
                    option6(Code::remote_id, u32_octets(9) + text_octets("switch1")));
    const auto far = relayed(near, ip6("::"), ip6("fd00:80::1"), {}, 1);
    Dhcp6Message message;
    ASSERT_TRUE(read(far, message));
    ASSERT_EQ(message.hop_count, 2);
    EXPECT_EQ(message.hops[0].hop_count, 1);
    EXPECT_FALSE(message.hops[0].interface_id);
    const Dhcp6Hop& hop = message.nearest_hop();
    EXPECT_EQ(to_text(hop.link), "fd00:80::1");
    EXPECT_EQ(to_text(hop.peer), "fe80::9");
    EXPECT_EQ(as_text(hop.interface_id.value()), "port17");
    EXPECT_EQ(as_text(hop.remote_id), "switch1");
    EXPECT_EQ(hop.client, machine_mac(9));
    EXPECT_EQ(message.type, Type::solicit);
}

TEST(Dhcp6Message, EveryErrorHasAMessageThatCausesIt) {
    const auto solicit = Client6Message{Type::solicit, machine_mac(1)}.bytes();
    EXPECT_EQ(error_of({}), Dhcp6Error::truncated_header);
    EXPECT_EQ(error_of(octets({1, 2, 3})), Dhcp6Error::truncated_header);
    EXPECT_EQ(error_of(octets({12, 0, 1})), Dhcp6Error::truncated_header);
    EXPECT_EQ(error_of(octets({0, 0, 0, 0})), Dhcp6Error::unknown_type);
    EXPECT_EQ(error_of(octets({14, 0, 0, 0})), Dhcp6Error::unknown_type);
    EXPECT_EQ(error_of(octets({1, 0, 0, 0, 0, 1, 0})), Dhcp6Error::truncated_option);
    EXPECT_EQ(error_of(octets({1, 0, 0, 0, 0, 1, 0, 9, 1})), Dhcp6Error::truncated_option);
    EXPECT_EQ(error_of(Client6Message{Type::solicit, octets({0, 3})}.bytes()),
              Dhcp6Error::bad_duid);
    EXPECT_EQ(error_of(Client6Message{Type::solicit, OptionBytes(131, std::byte{1})}.bytes()),
              Dhcp6Error::bad_duid);
    const auto with = [](Code code, const OptionBytes& value) {
        return error_of(Client6Message{Type::solicit, machine_mac(1)}.with(code, value).bytes());
    };
    EXPECT_EQ(with(Code::ia_na, octets({1, 2, 3})), Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::ia_ta, octets({1})), Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::ia_na, OptionBytes(12) + option6(Code::ia_address, octets({1}))),
              Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::ia_na, OptionBytes(12) + octets({0, 5, 0, 9})),
              Dhcp6Error::truncated_option);
    EXPECT_EQ(with(Code::option_request, octets({1})), Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::client_arch, {}), Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::rapid_commit, octets({1})), Dhcp6Error::bad_option_length);
    EXPECT_EQ(with(Code::vendor_class, octets({1})), Dhcp6Error::bad_option_length);
    const OptionBytes head = octets({12, 0}) + OptionBytes(32);
    EXPECT_EQ(error_of(head), Dhcp6Error::missing_relay_message);
    EXPECT_EQ(error_of(head + option6(Code::remote_id, octets({1}))),
              Dhcp6Error::bad_option_length);
    EXPECT_EQ(error_of(head + option6(Code::relay_message, octets({7, 0, 0, 0}))),
              Dhcp6Error::relayed_reply);
    auto deep = solicit;
    for (int i = 0; i < 8; ++i) {
        deep = relayed(deep, {}, {});
    }
    Dhcp6Message message;
    EXPECT_TRUE(read(deep, message));
    EXPECT_EQ(error_of(relayed(deep, {}, {})), Dhcp6Error::too_many_relays);
}

TEST(Dhcp6Writer, WrapsTheAnswerInWhatTheRelaysPutAround) {
    const auto inner = Client6Message{Type::solicit, duid_ll(machine_mac(1)), 0x010203}.bytes();
    const auto near = relayed(inner, ip6("fd00:80::1"), ip6("fe80::9"),
                              option6(Code::interface_id, text_octets("ge-0/0/1")));
    const auto far = relayed(near, ip6("fd00:81::1"), ip6("fd00:80::1"), {}, 1);
    Dhcp6Message request;
    ASSERT_TRUE(read(far, request));
    std::vector<std::byte> buffer(dhcp6_message_size_max);
    Dhcp6Writer writer{buffer, Type::advertise, request};
    writer.option_u8(Code::preference, 255);
    writer.option_domain(Code::domain_list, "rack.example");
    const std::size_t size = writer.finish();
    const auto answer = octets({2, 1, 2, 3}) + option6(Code::preference, octets({255})) +
                        option6(Code::domain_list, octets({4}) + text_octets("rack") + octets({7}) +
                                                       text_octets("example") + octets({0}));
    auto expected =
        octets({13, 0}) + address6_octets(ip6("fd00:80::1")) + address6_octets(ip6("fe80::9")) +
        option6(Code::interface_id, text_octets("ge-0/0/1")) + option6(Code::relay_message, answer);
    expected = octets({13, 1}) + address6_octets(ip6("fd00:81::1")) +
               address6_octets(ip6("fd00:80::1")) + option6(Code::relay_message, expected);
    buffer.resize(size);
    EXPECT_EQ(buffer, expected);
}

TEST(Dhcp6Writer, SaysWhenTheBufferIsTooSmall) {
    const Dhcp6Message request;
    std::vector<std::byte> buffer(20);
    Dhcp6Writer writer{buffer, Type::reply, request};
    writer.option_text(Code::bootfile_url, "tftp://[fd00:79::1]/loaders/shimx64.efi");
    EXPECT_EQ(writer.finish(), 0U);
}

} // namespace
} // namespace muster::test
