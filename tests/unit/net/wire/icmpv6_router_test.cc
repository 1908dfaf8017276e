// SPDX-License-Identifier: Apache-2.0
#include "net/wire/icmpv6_router.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster::test {
namespace {

constexpr Ipv6Address link_local{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};
constexpr Ipv6Address global{{0xFD, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

std::optional<Icmpv6Error> error_of(const std::vector<std::byte>& bytes,
                                    const Ipv6Address& source = link_local) {
    const auto read = read_router_message(bytes, source);
    return read ? std::nullopt : std::optional{read.error()};
}

const auto solicitation = octets({133, 0, 0, 0, 0, 0, 0, 0});
const auto solicitation_with_link =
    octets({133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x52, 0x54, 0, 0x79, 0, 0});
const auto advertisement = octets({134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0});

TEST(Icmpv6Router, ReadsSolicitationsAndAdvertisements) {
    const auto asked = read_router_message(solicitation_with_link, link_local);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->kind, RouterMessage::Kind::solicitation);
    const auto told = read_router_message(advertisement, link_local);
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told->kind, RouterMessage::Kind::advertisement);
    EXPECT_EQ(told->router_lifetime_s, 0x0708);
    EXPECT_EQ(error_of(solicitation, Ipv6Address{}), std::nullopt) << "from :: without an option";
}

TEST(Icmpv6Router, EachErrorHasItsMessage) {
    for (const auto& whole : {solicitation, advertisement}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(error_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}),
                      Icmpv6Error::truncated)
                << size;
        }
    }
    for (unsigned type = 0; type <= 255; ++type) {
        const bool known = type == 133 || type == 134;
        auto bytes = advertisement;
        bytes[0] = static_cast<std::byte>(type);
        EXPECT_EQ(error_of(bytes) == Icmpv6Error::other_type, !known) << type;
    }
    auto coded = solicitation;
    coded[1] = std::byte{1};
    EXPECT_EQ(error_of(coded), Icmpv6Error::bad_code);
    for (unsigned length = 0; length <= 255; ++length) {
        auto bytes = solicitation_with_link;
        bytes[9] = static_cast<std::byte>(length);
        EXPECT_EQ(error_of(bytes),
                  length == 1 ? std::nullopt : std::optional{Icmpv6Error::bad_option})
            << length;
    }
    auto half = solicitation;
    half.push_back(std::byte{1});
    EXPECT_EQ(error_of(half), Icmpv6Error::bad_option);
    EXPECT_EQ(error_of(solicitation_with_link, Ipv6Address{}), Icmpv6Error::bad_source);
    EXPECT_EQ(error_of(advertisement, global), Icmpv6Error::bad_source);
    EXPECT_EQ(error_of(advertisement, Ipv6Address{}), Icmpv6Error::bad_source);
}

TEST(Icmpv6Router, TheQuietAdvertisementAdvertisesNothing) {
    std::vector<std::byte> out(quiet_advertisement_size);
    ASSERT_EQ(write_quiet_advertisement(out, {{2, 0, 0, 0, 0, 7}}), quiet_advertisement_size);
    EXPECT_EQ(out,
              octets({134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 7}));
    const auto read = read_router_message(out, link_local);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->router_lifetime_s, 0);
    out.pop_back();
    EXPECT_EQ(write_quiet_advertisement(out, {}), 0U);
}

TEST(Icmpv6Router, TheManagedAdvertisementSendsMachinesToDhcp) {
    const std::vector prefixes{read_subnet6("fd00:79::/64").value()};
    std::vector<std::byte> out(advertisement_size_max);
    const std::size_t size = write_managed_advertisement(out, {{2, 0, 0, 0, 0, 7}}, prefixes);
    ASSERT_EQ(size, quiet_advertisement_size + 32);
    out.resize(size);
    EXPECT_EQ(out[5], std::byte{0xC0}) << "M and O";
    EXPECT_EQ(Bytes{out}.subspan(6, 2)[1], std::byte{0}) << "no default router";
    auto prefix = octets({3,    4, 64, 0x80, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0,
                          0xFD, 0, 0,  0x79, 0, 0, 0,    0,    0, 0, 0,    0,    0, 0, 0, 0});
    EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), out.begin() + 24)) << "L=1, A=0";
    EXPECT_TRUE(read_router_message(out, link_local).has_value());
    const std::vector many(20, prefixes[0]);
    std::vector<std::byte> room(advertisement_size_max);
    EXPECT_EQ(write_managed_advertisement(room, {}, many), advertisement_size_max);
    room.resize(30);
    EXPECT_EQ(write_managed_advertisement(room, {}, many), 0U);
}

} // namespace
} // namespace muster::test
