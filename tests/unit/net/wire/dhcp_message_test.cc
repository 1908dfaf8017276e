// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp_message.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace muster::test {
namespace {

std::vector<std::byte> discover() {
    return ClientMessage{DhcpMessageType::discover, machine_mac(1)}.bytes();
}

/// The fixed part of a DISCOVER, and these octets as options.
std::vector<std::byte> with_options(const std::vector<std::byte>& options) {
    auto bytes = discover();
    bytes.resize(dhcp_fixed_size);
    bytes.insert(bytes.end(), options.begin(), options.end());
    return bytes;
}

std::optional<DhcpError> error_of(const std::vector<std::byte>& bytes) {
    DhcpMessage message;
    const auto read = read_dhcp_message(bytes, message);
    return read ? std::nullopt : std::optional{read.error()};
}

TEST(DhcpMessage, ReadsEveryFieldOfTheFixedPart) {
    ClientMessage made{DhcpMessageType::request, machine_mac(0x01020304), 0xDEADBEEF};
    made.header.hops = 3;
    made.header.secs = 0x0102;
    made.header.flags = dhcp_broadcast_flag;
    made.header.ciaddr = ip("10.0.0.1");
    made.header.yiaddr = ip("10.0.0.2");
    made.header.siaddr = ip("10.0.0.3");
    made.header.giaddr = ip("10.0.0.4");
    made.header.sname = "server";
    made.header.file = "boot.scr.uimg";
    const auto bytes = made.bytes();
    EXPECT_EQ(bytes.size(), 300U);
    DhcpMessage read;
    ASSERT_TRUE(read_dhcp_message(bytes, read).has_value());
    EXPECT_EQ(read.header.op, dhcp_boot_request);
    EXPECT_EQ(read.header.hops, 3);
    EXPECT_EQ(read.header.xid, 0xDEADBEEF);
    EXPECT_EQ(read.header.secs, 0x0102);
    EXPECT_EQ(read.header.flags, dhcp_broadcast_flag);
    EXPECT_EQ(read.header.ciaddr, ip("10.0.0.1"));
    EXPECT_EQ(read.header.yiaddr, ip("10.0.0.2"));
    EXPECT_EQ(read.header.siaddr, ip("10.0.0.3"));
    EXPECT_EQ(read.header.giaddr, ip("10.0.0.4"));
    EXPECT_EQ(read.header.mac(), machine_mac(0x01020304));
    EXPECT_EQ(read.header.sname, "server");
    EXPECT_EQ(read.header.file, "boot.scr.uimg");
    EXPECT_EQ(read.type, DhcpMessageType::request);
}

TEST(DhcpMessage, RefusesEveryLengthBelowTheFixedPart) {
    const auto whole = discover();
    for (std::size_t size = 0; size < dhcp_fixed_size; ++size) {
        EXPECT_EQ(error_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}),
                  DhcpError::truncated_header)
            << size;
    }
    EXPECT_EQ(error_of({whole.begin(), whole.begin() + dhcp_fixed_size}), std::nullopt)
        << "a BOOTP request";
}

TEST(DhcpMessage, EachErrorHasItsMessage) {
    const auto changed = [](std::size_t at, unsigned value) {
        auto bytes = discover();
        bytes[at] = static_cast<std::byte>(value);
        return bytes;
    };
    EXPECT_EQ(error_of(discover()), std::nullopt);
    EXPECT_EQ(error_of(changed(0, 3)), DhcpError::bad_op);
    EXPECT_EQ(error_of(changed(1, 6)), DhcpError::bad_hardware_type);
    EXPECT_EQ(error_of(changed(2, 16)), DhcpError::bad_hardware_length)
        << "EDK2 in its SendGUID mode";
    EXPECT_EQ(error_of(changed(28, 0x53)), DhcpError::bad_hardware_address) << "a group address";
    EXPECT_EQ(error_of(ClientMessage{DhcpMessageType::discover, MacAddress{}}.bytes()),
              DhcpError::bad_hardware_address);
    for (std::size_t at = 236; at < 240; ++at) {
        EXPECT_EQ(error_of(changed(at, 0)), DhcpError::bad_magic_cookie);
    }
    auto huge = discover();
    huge.resize(dhcp_datagram_size_max);
    EXPECT_EQ(error_of(huge), std::nullopt);
    huge.resize(dhcp_datagram_size_max + 1);
    EXPECT_EQ(error_of(huge), DhcpError::oversized);
    EXPECT_EQ(error_of(with_options(octets({53, 1}))), DhcpError::truncated_option);
    EXPECT_EQ(error_of(with_options(octets({53, 1, 1, 52, 1, 0}))), DhcpError::bad_overload);
    EXPECT_EQ(error_of(with_options(octets({53, 1, 1, 52, 1, 4}))), DhcpError::bad_overload);
    EXPECT_EQ(error_of(with_options(octets({53, 1, 1, 52, 2, 1, 1}))), DhcpError::bad_overload);
    auto bootp_reply = with_options(octets({255}));
    bootp_reply[0] = std::byte{dhcp_boot_reply};
    EXPECT_EQ(error_of(bootp_reply), DhcpError::missing_message_type);
    EXPECT_EQ(error_of(with_options(octets({53, 2, 1, 1}))), DhcpError::bad_message_type);
    EXPECT_EQ(error_of(with_options(octets({53, 0}))), DhcpError::bad_message_type);
    EXPECT_EQ(error_of(with_options(octets({53, 1, 3, 50, 3, 1, 2, 3}))),
              DhcpError::bad_option_length);
    EXPECT_EQ(error_of(with_options(octets({53, 1, 3, 54, 5, 1, 2, 3, 4, 5}))),
              DhcpError::bad_option_length);
}

TEST(DhcpMessage, KnowsTheEightMessageTypesAndNoOther) {
    for (unsigned type = 0; type <= 255; ++type) {
        const bool known = type >= 1 && type <= 8;
        EXPECT_EQ(error_of(with_options(octets({53, 1, type}))),
                  known ? std::nullopt : std::optional{DhcpError::bad_message_type})
            << type;
    }
}

// RFC 3396 section 7: instances are joined in their order, also across the overloaded fields.
TEST(DhcpMessage, JoinsOptionsThatWereSplit) {
    auto bytes =
        with_options(octets({77, 2, 1, 2, 53, 1, 1, 12, 1, 'h', 77, 3, 3, 4, 5, 52, 1, 3}));
    const auto in_file = octets({77, 1, 6, 255});
    const auto in_sname = octets({0, 12, 2, 'i', '!', 77, 1, 7, 255});
    std::ranges::copy(in_file, bytes.begin() + 108);
    std::ranges::copy(in_sname, bytes.begin() + 44);
    DhcpMessage message;
    ASSERT_TRUE(read_dhcp_message(bytes, message).has_value());
    EXPECT_TRUE(std::ranges::equal(message.find(DhcpOptionCode::user_class).value(),
                                   octets({1, 2, 3, 4, 5, 6, 7})));
    EXPECT_TRUE(
        std::ranges::equal(message.find(DhcpOptionCode::host_name).value(), text_octets("hi!")));
    EXPECT_EQ(message.header.file, "") << "it holds options, no name";
    EXPECT_EQ(message.header.sname, "");
}

TEST(DhcpMessage, ReadsOverloadedFieldsOnlyWhereOption52SaysSo) {
    for (unsigned overload = 1; overload <= 3; ++overload) {
        auto bytes = with_options(octets({53, 1, 1, 52, 1, overload}));
        std::ranges::copy(octets({12, 1, 'f', 255}), bytes.begin() + 108);
        std::ranges::copy(octets({15, 1, 's', 255}), bytes.begin() + 44);
        DhcpMessage message;
        ASSERT_TRUE(read_dhcp_message(bytes, message).has_value());
        EXPECT_EQ(message.has(DhcpOptionCode::host_name), (overload & 1U) != 0);
        EXPECT_EQ(message.has(DhcpOptionCode::domain_name), (overload & 2U) != 0);
    }
    auto bytes = with_options(octets({53, 1, 1, 52, 1, 1}));
    bytes[108] = std::byte{12};
    bytes[109] = std::byte{200};
    EXPECT_EQ(error_of(bytes), DhcpError::truncated_option) << "it passes the end of `file`";
}

TEST(DhcpMessage, JoinsTheLargestOptionThatADatagramCanHold) {
    std::vector<std::byte> options = octets({53, 1, 1});
    std::vector<std::byte> whole;
    while (dhcp_fixed_size + options.size() + 257 <= dhcp_datagram_size_max) {
        options.insert(options.end(), {std::byte{43}, std::byte{255}});
        for (unsigned i = 0; i < 255; ++i) {
            options.push_back(static_cast<std::byte>(i + whole.size()));
        }
        whole.insert(whole.end(), options.end() - 255, options.end());
    }
    const auto bytes = with_options(options);
    DhcpMessage message;
    ASSERT_TRUE(read_dhcp_message(bytes, message).has_value());
    EXPECT_TRUE(std::ranges::equal(message.find(DhcpOptionCode::vendor_specific).value(), whole));
}

TEST(DhcpMessage, ReadsAgainWhatAnEarlierMessageLeft) {
    DhcpMessage message;
    const auto first = with_options(octets({53, 1, 1, 12, 1, 'a', 12, 1, 'b'}));
    ASSERT_TRUE(read_dhcp_message(first, message).has_value());
    const auto second = discover();
    ASSERT_TRUE(read_dhcp_message(second, message).has_value());
    EXPECT_FALSE(message.has(DhcpOptionCode::host_name));
}

TEST(DhcpMessage, SurvivesEveryByteFlippedAndEveryTruncation) {
    const auto whole = ClientMessage{DhcpMessageType::discover, machine_mac(1)}.pxe(7).bytes();
    DhcpMessage message;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto bytes = whole;
            bytes[at] ^= static_cast<std::byte>(1U << bit);
            (void)read_dhcp_message(bytes, message); // sanitizers watch
        }
        (void)read_dhcp_message(Bytes{whole}.first(at), message);
    }
}

TEST(DhcpWriter, PadsToThreeHundredBytesAndEndsInEnd) {
    const auto bytes = discover();
    EXPECT_EQ(bytes.size(), 300U);
    EXPECT_EQ(bytes[240 + 3], std::byte{255});
    EXPECT_EQ(bytes[299], std::byte{0});
}

TEST(DhcpWriter, LeavesOutWholeOptionsThatDoNotFitAndKeepsRoomForTheLast) {
    const auto relay = octets({1, 2, 3, 4});
    for (std::size_t limit = 300; limit < 320; ++limit) {
        std::vector<std::byte> buffer(dhcp_message_size_max);
        DhcpWriter writer{buffer, DhcpHeader{.op = dhcp_boot_reply}, limit,
                          DhcpOption{DhcpOptionCode::relay_agent_information, relay}};
        std::size_t written = 0;
        while (writer.option_u8(DhcpOptionCode::message_type, 2)) {
            ++written;
        }
        const std::size_t size = writer.finish();
        EXPECT_LE(size, limit);
        EXPECT_GE(size, dhcp_message_size_min);
        EXPECT_EQ(written, (limit - 240 - 6 - 1) / 3);
        EXPECT_TRUE(std::ranges::equal(Bytes{buffer}.subspan(240 + written * 3, 7),
                                       octets({82, 4, 1, 2, 3, 4, 255})));
    }
}

TEST(DhcpWriter, RefusesValuesAbove255AndBuffersBelowTheFixedPart) {
    std::vector<std::byte> buffer(dhcp_message_size_max);
    DhcpWriter writer{buffer, DhcpHeader{}, buffer.size()};
    EXPECT_FALSE(writer.option(DhcpOptionCode::bootfile_name, std::vector<std::byte>(256)));
    EXPECT_TRUE(writer.option(DhcpOptionCode::bootfile_name, std::vector<std::byte>(255)));
    EXPECT_FALSE(writer.option_text_nul(DhcpOptionCode::bootfile_name, std::string(255, 'x')));
    std::vector<std::byte> small(dhcp_fixed_size);
    DhcpWriter cramped{small, DhcpHeader{}, small.size()};
    EXPECT_EQ(cramped.finish(), 0U);
}

TEST(DhcpWriter, CutsNamesToTheirFieldsWithANul) {
    std::vector<std::byte> buffer(dhcp_message_size_max);
    const std::string text(200, 'x');
    DhcpWriter writer{buffer, DhcpHeader{.sname = text, .file = text}, buffer.size()};
    writer.option_u8(DhcpOptionCode::message_type, 1);
    ASSERT_NE(writer.finish(), 0U);
    EXPECT_EQ(buffer[44 + 62], std::byte{'x'});
    EXPECT_EQ(buffer[44 + 63], std::byte{0});
    EXPECT_EQ(buffer[108 + 126], std::byte{'x'});
    EXPECT_EQ(buffer[108 + 127], std::byte{0});
}

} // namespace
} // namespace muster::test
