// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/boot_file.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

const BootServer server{.address = ip("10.79.0.1"), .ports = {}};

DhcpClientIdentity machine(DhcpClientKind kind, std::initializer_list<std::uint16_t> archs,
                           bool http = false) {
    DhcpClientIdentity identity;
    identity.kind = kind;
    identity.http = http;
    for (const std::uint16_t arch : archs) {
        identity.archs[identity.arch_count++] = arch;
    }
    return identity;
}

std::string file(LoaderChoice loader, const DhcpClientIdentity& client,
                 BootAction action = BootAction::install) {
    const auto chosen = choose_boot_file(action, loader, client, server);
    return chosen ? std::string{chosen->name()} : "-";
}

using enum LoaderChoice;
constexpr auto pxe = DhcpClientKind::pxe;
constexpr auto http_boot = DhcpClientKind::http_boot;

// Every kind of client × every loader.
TEST(BootFile, FollowsTheTableOfClientsAndLoaders) {
    struct Row {
        std::string_view who;
        DhcpClientIdentity client;
        std::string_view automatic, ipxe, grub, pxelinux, shim_grub;
    };
    constexpr std::string_view script = "http://10.79.0.1/boot/ipxe";
    constexpr std::string_view undionly = "loaders/undionly.kpxe";
    constexpr std::string_view shim = "loaders/shimx64.efi";
    constexpr std::string_view grub = "loaders/grubx64.efi";
    constexpr std::string_view snponly = "loaders/snponly.efi";
    constexpr std::string_view http_snponly = "http://10.79.0.1/loaders/snponly.efi";
    const std::vector<Row> rows{
        {"BIOS ROM", machine(pxe, {0}), undionly, undionly, undionly, "loaders/lpxelinux.0",
         undionly},
        {"x64 UEFI", machine(pxe, {7}), shim, snponly, grub, shim, shim},
        {"x64 UEFI as 9", machine(pxe, {9}), shim, snponly, grub, shim, shim},
        {"ia32 UEFI", machine(pxe, {6}), "-", "-", "-", "-", "-"},
        {"ARM64 UEFI", machine(pxe, {11}), "-", "-", "-", "-", "-"},
        {"no arch", machine(pxe, {}), "-", "-", "-", "-", "-"},
        {"ARM64, else x64", machine(pxe, {11, 7}), shim, snponly, grub, shim, shim},
        {"x64 HTTP", machine(http_boot, {16}), http_snponly, http_snponly,
         "http://10.79.0.1/loaders/grubx64.efi", http_snponly,
         "http://10.79.0.1/loaders/shimx64.efi"},
        {"ia32 HTTP", machine(http_boot, {15}), "-", "-", "-", "-", "-"},
        {"EBC HTTP", machine(http_boot, {17}), http_snponly, http_snponly,
         "http://10.79.0.1/loaders/grubx64.efi", http_snponly,
         "http://10.79.0.1/loaders/shimx64.efi"},
        {"ARM32 HTTP", machine(http_boot, {18}), "-", "-", "-", "-", "-"},
        {"ARM64 HTTP", machine(http_boot, {19}), "-", "-", "-", "-", "-"},
        {"BIOS HTTP", machine(http_boot, {20}), "-", "-", "-", "-", "-"},
        {"HTTPClient of a TFTP arch", machine(http_boot, {7}), "-", "-", "-", "-", "-"},
        {"PXEClient of an HTTP arch", machine(pxe, {16}), "-", "-", "-", "-", "-"},
        {"iPXE BIOS", machine(DhcpClientKind::ipxe, {0}, true), script, script, script,
         "loaders/lpxelinux.0", script},
        {"iPXE UEFI", machine(DhcpClientKind::ipxe, {7}, true), script, script, script, script,
         script},
        {"iPXE ARM64", machine(DhcpClientKind::ipxe, {11}, true), script, script, script, script,
         script},
        {"iPXE without HTTP", machine(DhcpClientKind::ipxe, {0}, false), "boot/ipxe", "boot/ipxe",
         "boot/ipxe", "loaders/lpxelinux.0", "boot/ipxe"},
        {"an installer", machine(DhcpClientKind::other, {}), "-", "-", "-", "-", "-"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.who);
        EXPECT_EQ(file(automatic, row.client), row.automatic);
        EXPECT_EQ(file(LoaderChoice::ipxe, row.client), row.ipxe);
        EXPECT_EQ(file(LoaderChoice::grub, row.client), row.grub);
        EXPECT_EQ(file(pxelinux, row.client), row.pxelinux);
        EXPECT_EQ(file(shim_grub, row.client), row.shim_grub);
    }
}

TEST(BootFile, EveryActionButIgnoreHandsOutTheSameLoader) {
    const auto rom = machine(pxe, {0});
    EXPECT_EQ(file(automatic, rom, BootAction::install), "loaders/undionly.kpxe");
    EXPECT_EQ(file(automatic, rom, BootAction::boot_local), "loaders/undionly.kpxe");
    EXPECT_EQ(file(automatic, rom, BootAction::hold), "loaders/undionly.kpxe");
    EXPECT_EQ(choose_boot_file(BootAction::ignore, automatic, rom, server).error(),
              BootRefusal::ignored);
    EXPECT_EQ(choose_boot_file(BootAction::install, automatic, machine(pxe, {6}), server).error(),
              BootRefusal::unsupported_architecture);
    EXPECT_EQ(choose_boot_file(BootAction::install, automatic, {}, server).error(),
              BootRefusal::not_a_boot_client);
}

TEST(BootFile, AnotherWayThanTheAutomaticOne) {
    EXPECT_EQ(file(other_way, machine(pxe, {0})), "loaders/lpxelinux.0");
    EXPECT_EQ(file(other_way, machine(DhcpClientKind::ipxe, {0}, true)), "loaders/lpxelinux.0");
    EXPECT_EQ(file(other_way, machine(pxe, {7})), "loaders/snponly.efi");
    EXPECT_EQ(file(other_way, machine(DhcpClientKind::ipxe, {7}, true)),
              "http://10.79.0.1/boot/ipxe")
        << "the iPXE that we sent it";
    EXPECT_EQ(
        choose_boot_file(BootAction::install, other_way, machine(http_boot, {16}), server).error(),
        BootRefusal::other_way);
}

TEST(BootFile, LacksALoaderExactlyWhereNoChoiceHasOne) {
    EXPECT_TRUE(lacks_loader(machine(pxe, {11})));
    EXPECT_TRUE(lacks_loader(machine(http_boot, {19})));
    EXPECT_FALSE(lacks_loader(machine(pxe, {11, 7})));
    EXPECT_FALSE(lacks_loader(machine(pxe, {0})));
    EXPECT_FALSE(lacks_loader(machine(http_boot, {16})));
    EXPECT_FALSE(lacks_loader(machine(DhcpClientKind::ipxe, {11}))) << "it runs already";
    EXPECT_FALSE(lacks_loader({})) << "it boots nothing";
}

TEST(BootFile, NamesThePortInUrlsUnlessItIs80) {
    const BootServer longest{.address = ip("255.255.255.255"), .ports = {.http = 65535}};
    const auto chosen = choose_boot_file(BootAction::install, LoaderChoice::grub,
                                         machine(http_boot, {16}), longest);
    EXPECT_EQ(chosen->name(), "http://255.255.255.255:65535/loaders/grubx64.efi");
}

TEST(BootFile, FirmwareAloneIsSentToHttps) {
    const auto name = [](const DhcpClientIdentity& client, const BootServer& of) {
        return std::string{choose_boot_file(BootAction::install, automatic, client, of)->name()};
    };
    const BootServer usual{.address = server.address, .ports = {.https = 443}};
    EXPECT_EQ(name(machine(http_boot, {16}), usual), "https://10.79.0.1/loaders/snponly.efi");
    const BootServer longest{.address =
                                 Ipv6Address{{0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22, 0x33,
                                              0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66}},
                             .ports = {.https = 65535}};
    EXPECT_EQ(name(machine(http_boot, {16}), longest),
              "https://[2001:db8:1111:2222:3333:4444:5555:6666]:65535/loaders/snponly.efi");
    EXPECT_EQ(name(machine(DhcpClientKind::ipxe, {7}, true), usual), "http://10.79.0.1/boot/ipxe")
        << "it does not know our certificate";
}

DhcpClientIdentity identity_of(const ClientMessage& message) {
    const auto bytes = message.bytes();
    DhcpMessage read;
    EXPECT_TRUE(read_dhcp_message(bytes, read).has_value());
    DhcpClientIdentity identity = identify_client(read);
    identity.machine_option = {}; // it borrows `bytes`
    return identity;
}

ClientMessage discover() {
    return {DhcpMessageType::discover, machine_mac(1)};
}

TEST(DhcpClientIdentity, TellsTheKindsApart) {
    EXPECT_EQ(identity_of(discover()).kind, DhcpClientKind::other);
    EXPECT_EQ(identity_of(discover().pxe(7)).kind, pxe);
    EXPECT_EQ(identity_of(discover().pxe(16, "HTTPClient")).kind, http_boot);
    EXPECT_EQ(identity_of(discover().with(DhcpOptionCode::vendor_class, "U-Boot")).kind, pxe);
    EXPECT_EQ(identity_of(discover().with(DhcpOptionCode::vendor_class, "d-i")).kind,
              DhcpClientKind::other);
}

TEST(DhcpClientIdentity, KnowsIpxeByBareAndByLengthPrefixedUserClass) {
    const auto kind = [](std::string_view user_class) {
        return identity_of(discover().pxe(0).with(DhcpOptionCode::user_class, user_class)).kind;
    };
    EXPECT_EQ(kind("iPXE"), DhcpClientKind::ipxe);
    EXPECT_EQ(kind("\x04iPXE"), DhcpClientKind::ipxe);
    EXPECT_EQ(kind("\x03xyz\x04iPXE"), DhcpClientKind::ipxe);
    EXPECT_EQ(kind("iPXEs"), pxe);
    EXPECT_EQ(kind("\x05iPXE"), pxe) << "its length passes the end";
    EXPECT_EQ(kind("gPXE"), pxe);
}

TEST(DhcpClientIdentity, ReadsTheFeaturesOfIpxe) {
    const auto plain = discover().with(DhcpOptionCode::user_class, "iPXE");
    EXPECT_TRUE(identity_of(plain).http) << "no option 175: assume what every build has";
    const auto without = discover().with(DhcpOptionCode::ipxe, octets({0x15, 1, 1}));
    EXPECT_EQ(identity_of(without).kind, DhcpClientKind::ipxe);
    EXPECT_FALSE(identity_of(without).http);
    const auto with = discover().with(DhcpOptionCode::ipxe, octets({0x15, 1, 1, 0x13, 1, 1}));
    EXPECT_TRUE(identity_of(with).http);
}

TEST(DhcpClientIdentity, ReadsArchitecturesAndTheUuid) {
    const auto list =
        identity_of(discover().with(DhcpOptionCode::client_architecture, octets({0, 11, 0, 7, 9})));
    ASSERT_EQ(list.arch_count, 2);
    EXPECT_EQ(list.archs[0], 11);
    EXPECT_EQ(list.archs[1], 7) << "the odd octet is no architecture";
    const auto many = identity_of(
        discover().with(DhcpOptionCode::client_architecture, std::vector<std::byte>(40)));
    EXPECT_EQ(many.arch_count, 8);
    const auto old = identity_of(
        discover().with(DhcpOptionCode::vendor_class, "PXEClient:Arch:00009:UNDI:002001"));
    ASSERT_EQ(old.arch_count, 1);
    EXPECT_EQ(old.first_arch(), 9);
    auto uuid = octets({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    EXPECT_EQ(identity_of(discover().with(DhcpOptionCode::client_machine, uuid)).uuid->at(15), 16);
    uuid[0] = std::byte{1};
    EXPECT_FALSE(identity_of(discover().with(DhcpOptionCode::client_machine, uuid)).uuid);
    EXPECT_FALSE(
        identity_of(discover().with(DhcpOptionCode::client_machine, octets({0, 1, 2}))).uuid);
}

} // namespace
} // namespace muster::test
