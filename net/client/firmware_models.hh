// SPDX-License-Identifier: Apache-2.0
// The tables behind net/client/firmware.hh: one model a program and protocol. Numbers are those of
// QEMU 7.2 (SeaBIOS 1.16, iPXE 1.0.0+git-20190125), OVMF 2022.11, shim 16.1, GRUB 2.06,
// PXELINUX 6.04, U-Boot 2023.01, busybox 1.35, read from captures (tests/data/captures); where
// there is no capture, from the program's source.
#pragma once

#include "net/client/dhcp_client.hh"
#include "net/client/http_client.hh"
#include "net/client/tftp_client.hh"

#include <array>

namespace muster {

extern const DhcpClientModel ipxe_rom_dhcp;     ///< QEMU's option ROM on SeaBIOS
extern const DhcpClientModel ipxe_undi_dhcp;    ///< undionly.kpxe: the ROM's packets, broadcast
extern const DhcpClientModel ipxe_efi_dhcp;     ///< ipxe.efi, with drivers of its own
extern const DhcpClientModel ipxe_snp_dhcp;     ///< snponly.efi, through the firmware's driver
extern const DhcpClientModel edk2_dhcp;         ///< EDK2's PXE client
extern const DhcpClientModel edk2_http_dhcp;    ///< EDK2's HTTP boot
extern const DhcpClientModel u_boot_first_dhcp; ///< its first exchange, for its own script
extern const DhcpClientModel u_boot_dhcp;       ///< its second, as a PXE client
extern const DhcpClientModel grub_dhcp;         ///< net_bootp
/// busybox udhcpc as the minimal installer runs it: each round is a second more patient.
extern const std::array<DhcpClientModel, 5> installer_dhcp_rounds;
extern const DhcpClientModel system_dhcp; ///< an installed system: renews its lease

extern const TftpClientModel ipxe_tftp;
extern const TftpClientModel edk2_tftp;
extern const TftpClientModel shim_tftp; ///< through EDK2's protocol
extern const TftpClientModel grub_tftp;
extern const TftpClientModel pxelinux_tftp;
extern const TftpClientModel u_boot_tftp;

extern const HttpClientModel ipxe_http;
extern const HttpClientModel edk2_http;
extern const HttpClientModel shim_http; ///< through EDK2's protocol
extern const HttpClientModel grub_http;
extern const HttpClientModel pxelinux_http;  ///< lpxelinux.0
extern const HttpClientModel installer_http; ///< busybox wget
extern const HttpClientModel packages_http;  ///< a package manager

} // namespace muster
