// SPDX-License-Identifier: Apache-2.0
#include "net/client/firmware.hh"

#include "net/client/firmware_models.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace muster {
namespace {

using ProgramKind = BootProgramModel::Kind;

// Times from the captures: power-on to the first DISCOVER of a ROM, the last byte of a loader to
// its own first packet. Emulated machines; real ones spend minutes in their own tests of memory.
constexpr BootProgramModel ipxe_rom{.kind = ProgramKind::ipxe,
                                    .dhcp = &ipxe_rom_dhcp,
                                    .tftp = &ipxe_tftp,
                                    .http = &ipxe_http,
                                    .solicits_router = true,
                                    .name = "iPXE (ROM)",
                                    .start = 3300ms};
constexpr BootProgramModel ipxe_undi{.kind = ProgramKind::ipxe,
                                     .dhcp = &ipxe_undi_dhcp,
                                     .tftp = &ipxe_tftp,
                                     .http = &ipxe_http,
                                     .solicits_router = true,
                                     .name = "iPXE (undionly)",
                                     .start = 2400ms};
constexpr BootProgramModel ipxe_efi{.kind = ProgramKind::ipxe,
                                    .dhcp = &ipxe_efi_dhcp,
                                    .tftp = &ipxe_tftp,
                                    .http = &ipxe_http,
                                    .solicits_router = true,
                                    .name = "iPXE (EFI)",
                                    .start = 2300ms};
constexpr BootProgramModel ipxe_snp{.kind = ProgramKind::ipxe,
                                    .dhcp = &ipxe_snp_dhcp,
                                    .tftp = &ipxe_tftp,
                                    .http = &ipxe_http,
                                    .solicits_router = true,
                                    .name = "iPXE (snponly)",
                                    .start = 2100ms};
/// iPXE's driver as the ROM of a card under UEFI.
constexpr BootProgramModel ipxe_efi_rom{.kind = ProgramKind::ipxe,
                                        .dhcp = &ipxe_snp_dhcp,
                                        .tftp = &ipxe_tftp,
                                        .http = &ipxe_http,
                                        .solicits_router = true,
                                        .name = "iPXE (EFI ROM)",
                                        .start = 7800ms};
constexpr BootProgramModel edk2_pxe{.kind = ProgramKind::edk2,
                                    .dhcp = &edk2_dhcp,
                                    .tftp = &edk2_tftp,
                                    .name = "EDK2 PXE",
                                    .start = 5500ms};
constexpr BootProgramModel edk2_http_boot{.kind = ProgramKind::edk2,
                                          .dhcp = &edk2_http_dhcp,
                                          .http = &edk2_http,
                                          .name = "EDK2 HTTP boot",
                                          .start = 5300ms};
constexpr BootProgramModel shim{.kind = ProgramKind::shim,
                                .tftp = &shim_tftp,
                                .http = &shim_http,
                                .name = "shim",
                                .start = 100ms};
constexpr BootProgramModel grub{.kind = ProgramKind::grub,
                                .tftp = &grub_tftp,
                                .http = &grub_http,
                                .name = "GRUB",
                                .start = 400ms};
constexpr BootProgramModel pxelinux{
    .kind = ProgramKind::pxelinux, .tftp = &pxelinux_tftp, .name = "PXELINUX", .start = 60ms};
constexpr BootProgramModel lpxelinux{.kind = ProgramKind::pxelinux,
                                     .tftp = &pxelinux_tftp,
                                     .http = &pxelinux_http,
                                     .name = "PXELINUX (lwIP)",
                                     .start = 250ms};
constexpr BootProgramModel u_boot{.kind = ProgramKind::u_boot,
                                  .dhcp = &u_boot_dhcp,
                                  .tftp = &u_boot_tftp,
                                  .name = "U-Boot",
                                  .start = 7400ms,
                                  .first_dhcp = &u_boot_first_dhcp};

// OVMF's boot manager goes through its list again after the shell; a BIOS stops for good.
constexpr unsigned uefi_tries = 2;

constexpr FirmwareModel edk2{.name = "edk2",
                             .summary = "UEFI, network boot by EDK2's PXE client",
                             .rom = &edk2_pxe,
                             .uefi = true,
                             .rom_tries = uefi_tries};
constexpr FirmwareModel edk2_http{.name = "edk2-http",
                                  .summary = "UEFI, EDK2's HTTP boot",
                                  .rom = &edk2_http_boot,
                                  .uefi = true,
                                  .http_boot = true,
                                  .rom_tries = uefi_tries};
constexpr FirmwareModel ipxe_bios{
    .name = "ipxe-bios", .summary = "BIOS, iPXE as the card's ROM", .rom = &ipxe_rom};
constexpr FirmwareModel ipxe_uefi{.name = "ipxe-efi",
                                  .summary = "UEFI, iPXE as the card's ROM",
                                  .rom = &ipxe_efi_rom,
                                  .uefi = true};
constexpr FirmwareModel pxelinux_bios{.name = "pxelinux",
                                      .summary = "as ipxe-bios, expects PXELINUX",
                                      .rom = &ipxe_rom,
                                      .expects = ProgramKind::pxelinux};
constexpr FirmwareModel grub_uefi{.name = "grub",
                                  .summary = "as edk2, expects GRUB",
                                  .rom = &edk2_pxe,
                                  .uefi = true,
                                  .rom_tries = uefi_tries,
                                  .expects = ProgramKind::grub};
constexpr FirmwareModel shim_grub{.name = "shim-grub",
                                  .summary = "as edk2, expects shim and GRUB",
                                  .rom = &edk2_pxe,
                                  .uefi = true,
                                  .rom_tries = uefi_tries,
                                  .expects = ProgramKind::shim};
constexpr FirmwareModel u_boot_x86{.name = "u-boot",
                                   .summary = "U-Boot with EFI programs by TFTP",
                                   .rom = &u_boot,
                                   .uefi = true,
                                   .rom_tries = uefi_tries};

constexpr std::array<const FirmwareModel*, 8> all_firmware{
    &edk2, &edk2_http, &ipxe_bios, &ipxe_uefi, &pxelinux_bios, &grub_uefi, &shim_grub, &u_boot_x86};

/// Racks of the last years: mostly UEFI PXE, a good part still BIOS with iPXE.
constexpr std::string_view mixed = "edk2:9,ipxe-bios:6,edk2-http:3,ipxe-efi:2";
constexpr unsigned share_max = 1000;

/// The file's own name in lower case, without folder and query.
std::string base_name(std::string_view file) {
    file = file.substr(0, file.find('?'));
    if (const auto slash = file.find_last_of("/\\"); slash != std::string_view::npos) {
        file.remove_prefix(slash + 1);
    }
    std::string name{file};
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
}

std::string firmware_names() {
    std::string all;
    for (const FirmwareModel* model : all_firmware) {
        all += std::string{model->name} + ", ";
    }
    return all + "or mixed";
}

struct Share {
    const FirmwareModel* model = nullptr;
    unsigned weight = 1;
};

Result<Share, std::string> read_share(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    Share share{.model = find_firmware(name)};
    if (share.model == nullptr) {
        return std::unexpected(
            fmt::format("no firmware '{}'; there are {}", name, firmware_names()));
    }
    if (colon != std::string_view::npos) {
        const std::string_view number = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(number.data(), number.data() + number.size(), share.weight);
        if (error != std::errc{} || end != number.data() + number.size() || share.weight == 0 ||
            share.weight > share_max) {
            return std::unexpected(fmt::format("the share of {} is '{}', not a number from 1 to {}",
                                               name, number, share_max));
        }
    }
    return share;
}

/// Each share spread as evenly as it goes: the one that is furthest behind comes next.
std::vector<const FirmwareModel*> spread(std::vector<Share> shares) {
    unsigned divisor = 0;
    for (const Share& share : shares) {
        divisor = std::gcd(divisor, share.weight);
    }
    unsigned total = 0;
    for (Share& share : shares) {
        share.weight /= divisor;
        total += share.weight;
    }
    std::vector<std::int64_t> credit(shares.size());
    std::vector<const FirmwareModel*> pattern;
    pattern.reserve(total);
    while (pattern.size() < total) {
        for (std::size_t i = 0; i < shares.size(); ++i) {
            credit[i] += shares[i].weight;
        }
        const auto next = std::ranges::max_element(credit) - credit.begin();
        credit[static_cast<std::size_t>(next)] -= total;
        pattern.push_back(shares[static_cast<std::size_t>(next)].model);
    }
    return pattern;
}

} // namespace

std::string_view to_text(BootProgramModel::Kind kind) noexcept {
    switch (kind) {
    case ProgramKind::edk2:
        return "EDK2";
    case ProgramKind::ipxe:
        return "iPXE";
    case ProgramKind::pxelinux:
        return "PXELINUX";
    case ProgramKind::shim:
        return "shim";
    case ProgramKind::grub:
        return "GRUB";
    case ProgramKind::u_boot:
        return "U-Boot";
    }
    __builtin_unreachable();
}

std::span<const FirmwareModel* const> firmware_models() noexcept {
    return all_firmware;
}

const FirmwareModel* find_firmware(std::string_view name) noexcept {
    const auto at =
        std::ranges::find_if(all_firmware, [&](const auto* m) { return m->name == name; });
    return at == all_firmware.end() ? nullptr : *at;
}

const BootProgramModel* find_boot_program(std::string_view file, bool uefi) noexcept {
    const std::string name = base_name(file);
    if (!uefi) {
        if (name == "lpxelinux.0") {
            return &lpxelinux;
        }
        if (name.ends_with("pxelinux.0")) {
            return &pxelinux;
        }
        const bool ipxe = name.ends_with(".kpxe") || name.ends_with(".kkpxe") ||
                          name.ends_with(".pxe") || name.ends_with(".kkkpxe");
        return ipxe ? &ipxe_undi : nullptr;
    }
    if (!name.ends_with(".efi") && !name.ends_with(".efi.signed")) {
        return nullptr;
    }
    if (name.starts_with("snponly")) {
        return &ipxe_snp;
    }
    if (name.starts_with("ipxe")) {
        return &ipxe_efi;
    }
    if (name.starts_with("shim") || name.starts_with("bootx64")) {
        return &shim;
    }
    return name.starts_with("grub") ? &grub : nullptr;
}

Result<FirmwareMix, std::string> FirmwareMix::read(std::string_view text) {
    if (text == "mixed") {
        text = mixed;
    }
    std::vector<Share> shares;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        MUSTER_TRY(share, read_share(text.substr(begin, end - begin)));
        if (std::ranges::any_of(shares, [&](const Share& s) { return s.model == share.model; })) {
            return std::unexpected(fmt::format("{} is named twice", share.model->name));
        }
        shares.push_back(share);
        begin = end + 1;
    }
    FirmwareMix mix;
    mix.pattern_ = spread(std::move(shares));
    return mix;
}

const FirmwareModel& FirmwareMix::of(MachineIndex index) const noexcept {
    return *pattern_[index % pattern_.size()];
}

} // namespace muster
