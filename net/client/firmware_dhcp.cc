// SPDX-License-Identifier: Apache-2.0
// How each program does DHCP.
#include "net/client/firmware_models.hh"

namespace muster {
namespace {

using Octets = std::span<const std::uint8_t>;

// Bus type, class, revision of what drives the card (RFC 4578 section 2.2).
constexpr std::uint8_t undi_2_1[] = {1, 2, 1};
constexpr std::uint8_t undi_3_0[] = {1, 3, 0};
constexpr std::uint8_t undi_3_10[] = {1, 3, 10};
constexpr std::uint8_t undi_0_0[] = {1, 0, 0};

constexpr std::uint8_t ipxe_parameters[] = {1,   3,   6,   7,   12,  15,  17,  26,
                                            43,  60,  66,  67,  119, 128, 129, 130,
                                            131, 132, 133, 134, 135, 175, 203};
constexpr std::uint8_t ipxe_order[] = {57, 93, 94, 60, 77, 55, 175, 61, 97, 54, 50};
// 177: PCI, vendor and device of a virtio card; 235: version 1.0.0; then features, each 1.
constexpr std::uint8_t ipxe_bios_features[] = {
    0xB1, 5,    1,    0x1A, 0xF4, 0x10, 0, 0xEB, 3,    1, 0,    0,    0x17, 1,    1,    0x22,
    1,    1,    0x13, 1,    1,    0x11, 1, 1,    0x27, 1, 1,    0x19, 1,    1,    0x29, 1,
    1,    0x10, 1,    2,    0x21, 1,    1, 0x15, 1,    1, 0x18, 1,    1,    0x12, 1,    1};
constexpr std::uint8_t ipxe_snp_features[] = {
    0xB1, 5, 1, 0x1A, 0xF4, 0x10, 0,    0xEB, 3, 1,    0, 0, 0x17, 1, 1, 0x24, 1, 1,
    0x13, 1, 1, 0x11, 1,    1,    0x27, 1,    1, 0x29, 1, 1, 0x15, 1, 1, 0x12, 1, 1};
constexpr std::uint8_t ipxe_efi_features[] = {
    0xB1, 5,    1, 0x1A, 0xF4, 0x10, 0, 0xEB, 3, 1, 0,    0, 0x17, 1,    1, 0x24, 1,    1, 0x13, 1,
    1,    0x11, 1, 1,    0x27, 1,    1, 0x29, 1, 1, 0x15, 1, 1,    0x1B, 1, 1,    0x12, 1, 1};
// Doubling from 1 s; a wait above 10 s ends it.
constexpr Duration ipxe_discover_waits[] = {1010ms, 2030ms, 4060ms};
constexpr Duration ipxe_request_waits[] = {250ms, 500ms, 1s, 2s, 4s};

constexpr DhcpClientModel ipxe_client(std::string_view vendor_class, std::uint16_t arch,
                                      Octets undi, Octets features, bool broadcast) noexcept {
    DhcpClientModel model;
    model.vendor_class = vendor_class;
    model.user_class = "iPXE";
    model.arch = arch;
    model.undi = undi;
    model.parameter_list = ipxe_parameters;
    model.ipxe_options = features;
    model.client_id = true;
    model.uuid = true;
    model.max_size_discover = 1472;
    model.max_size_request = 1472;
    model.broadcast = broadcast;
    model.option_order = ipxe_order;
    model.discover_waits = ipxe_discover_waits;
    model.discover_last_wait = 8120ms;
    model.request_waits = ipxe_request_waits;
    model.request_last_wait = 8s;
    model.proxy_wait = 2s;
    model.seconds = DhcpClientModel::Seconds::ipxe;
    model.file_first = true;
    model.nak_wait = 1s;
    model.proxy_waits = {}; // one try, and 2 s for the answer
    model.proxy_last_wait = 2s;
    return model;
}

constexpr std::uint8_t edk2_parameters[] = {1,  2,  3,  4,   5,   6,   12,  13,  15,  17,  18, 22,
                                            23, 28, 40, 41,  42,  43,  50,  51,  54,  58,  59, 60,
                                            66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135};
constexpr std::uint8_t edk2_http_parameters[] = {1,  2,  3,  4,  5,  6,  12,  13, 15,
                                                 17, 18, 22, 23, 28, 40, 41,  42, 43,
                                                 50, 51, 54, 58, 59, 60, 235, 67, 97};
constexpr std::uint8_t edk2_order[] = {54, 50, 57, 55, 97, 94, 93, 60};
constexpr std::uint8_t edk2_proxy_order[] = {55, 57, 60, 93, 94, 97};
// 4, 8, 16, 32 s on a clock of whole seconds: the first is always short by a part of one.
constexpr Duration edk2_waits[] = {3770ms, 8s, 16s};
constexpr Duration edk2_proxy_waits[] = {1s, 2s, 3s};

constexpr DhcpClientModel edk2_client(std::string_view vendor_class, std::uint16_t arch,
                                      Octets parameters, std::uint16_t max_size_request,
                                      DhcpClientModel::Choice choice) noexcept {
    DhcpClientModel model;
    model.vendor_class = vendor_class;
    model.arch = arch;
    model.undi = undi_3_0;
    model.parameter_list = parameters;
    model.uuid = true;
    model.max_size_discover = 1472;
    model.max_size_request = max_size_request;
    model.broadcast = true;
    model.option_order = edk2_order;
    model.discover_waits = edk2_waits;
    model.discover_last_wait = 32s;
    model.request_waits = edk2_waits;
    model.request_last_wait = 32s;
    model.collect = edk2_waits[0];
    model.proxy_source_port = 4011;
    model.choice = choice;
    model.seconds = DhcpClientModel::Seconds::elapsed;
    model.proxy_option_order = edk2_proxy_order;
    model.proxy_waits = edk2_proxy_waits;
    model.proxy_last_wait = 4s;
    return model;
}

constexpr std::uint8_t u_boot_parameters[] = {1, 3, 6, 12, 13, 17};
constexpr std::uint8_t u_boot_order[] = {57, 54, 50, 93, 94, 60, 55};
// Doubling from 250 ms to 2 s; what has taken 28 s ends.
constexpr Duration u_boot_waits[] = {250ms, 500ms, 1s, 2s, 2s, 2s, 2s, 2s,
                                     2s,    2s,    2s, 2s, 2s, 2s, 2s, 2s};

constexpr DhcpClientModel u_boot_client(std::string_view vendor_class,
                                        std::optional<std::uint16_t> arch) noexcept {
    DhcpClientModel model;
    model.vendor_class = vendor_class;
    model.arch = arch;
    model.undi = undi_0_0;
    model.parameter_list = u_boot_parameters;
    model.max_size_discover = 576;
    model.max_size_request = 576;
    model.file = "boot.scr.uimg";
    model.option_order = u_boot_order;
    model.discover_waits = u_boot_waits;
    model.discover_last_wait = 2s;
    model.request_waits = u_boot_waits;
    model.request_last_wait = 2s;
    return model;
}

constexpr std::uint8_t grub_parameters[] = {1, 3, 6, 15, 12, 17, 18, 60};
constexpr std::uint8_t grub_order[] = {54, 50, 55};
constexpr Duration grub_waits[] = {200ms, 400ms, 800ms, 1600ms, 3200ms};

constexpr DhcpClientModel grub_client() noexcept {
    DhcpClientModel model;
    model.parameter_list = grub_parameters;
    model.option_order = grub_order;
    model.discover_waits = grub_waits;
    model.discover_last_wait = 6400ms;
    model.request_waits = grub_waits;
    model.request_last_wait = 6400ms;
    model.collect = 200ms; // it looks at what came when its wait is over
    model.bare_discover = true;
    return model;
}

constexpr std::uint8_t udhcpc_parameters[] = {1, 3, 6, 12, 15, 28, 42};
constexpr std::uint8_t udhcpc_order[] = {50, 54, 57, 55, 60, 61};
// -t 4 -T 1 … -T 5
constexpr Duration udhcpc_waits[5][3] = {
    {1s, 1s, 1s}, {2s, 2s, 2s}, {3s, 3s, 3s}, {4s, 4s, 4s}, {5s, 5s, 5s}};

/// `round`: from 0.
constexpr DhcpClientModel udhcpc_client(std::string_view vendor_class, std::size_t round) noexcept {
    DhcpClientModel model;
    model.vendor_class = vendor_class;
    model.parameter_list = udhcpc_parameters;
    model.client_id = true;
    model.max_size_discover = 576;
    model.max_size_request = 576;
    model.option_order = udhcpc_order;
    model.discover_waits = udhcpc_waits[round];
    model.discover_last_wait = udhcpc_waits[round][0];
    model.request_waits = udhcpc_waits[round];
    model.request_last_wait = udhcpc_waits[round][0];
    model.nak_wait = 3s;
    return model;
}

// RFC 2131 section 4.1: 4 s, doubled each time, up to 64 s.
constexpr Duration system_waits[] = {4s, 8s, 16s, 32s};

constexpr DhcpClientModel system_client() noexcept {
    DhcpClientModel model = udhcpc_client("", 0);
    model.discover_waits = system_waits;
    model.discover_last_wait = 64s;
    model.request_waits = system_waits;
    model.request_last_wait = 64s;
    return model;
}

} // namespace

constexpr DhcpClientModel ipxe_rom_dhcp =
    ipxe_client("PXEClient:Arch:00000:UNDI:002001", 0, undi_2_1, ipxe_bios_features, false);
constexpr DhcpClientModel ipxe_undi_dhcp =
    ipxe_client("PXEClient:Arch:00000:UNDI:002001", 0, undi_2_1, ipxe_bios_features, true);
constexpr DhcpClientModel ipxe_efi_dhcp =
    ipxe_client("PXEClient:Arch:00007:UNDI:003010", 7, undi_3_10, ipxe_efi_features, false);
constexpr DhcpClientModel ipxe_snp_dhcp =
    ipxe_client("PXEClient:Arch:00007:UNDI:003010", 7, undi_3_10, ipxe_snp_features, false);
constexpr DhcpClientModel edk2_dhcp = edk2_client(
    "PXEClient:Arch:00007:UNDI:003000", 7, edk2_parameters, 65280, DhcpClientModel::Choice::ranked);
constexpr DhcpClientModel edk2_http_dhcp =
    edk2_client("HTTPClient:Arch:00016:UNDI:003000", 16, edk2_http_parameters, 1472,
                DhcpClientModel::Choice::http);
constexpr DhcpClientModel u_boot_first_dhcp = u_boot_client("U-Boot", std::nullopt);
constexpr DhcpClientModel u_boot_dhcp = u_boot_client("PXEClient:Arch:00007:UNDI:003000", 7);
constexpr DhcpClientModel grub_dhcp = grub_client();
constexpr std::array<DhcpClientModel, 5> installer_dhcp_rounds{
    udhcpc_client("udhcp 1.35.0", 0), udhcpc_client("udhcp 1.35.0", 1),
    udhcpc_client("udhcp 1.35.0", 2), udhcpc_client("udhcp 1.35.0", 3),
    udhcpc_client("udhcp 1.35.0", 4)};
constexpr DhcpClientModel system_dhcp = system_client();

} // namespace muster
