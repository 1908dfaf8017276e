// SPDX-License-Identifier: Apache-2.0
// A bootable image for machines that cannot boot from the network: it brings a boot loader that
// asks DHCP for an address and then this server for its script, as a network boot would.
#pragma once

#include "tools/muster/failure.hh"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace muster::cli {

/// Where the script of the machine is asked: `http://10.0.0.1`, or with a port.
/// Only http and an IPv4 address or a name: boot loaders have no TLS. Throws UsageError, with what
/// is wrong.
[[nodiscard]] std::string check_boot_url(std::string_view url);

/// What iPXE (BIOS) and GRUB (UEFI) on the medium do. The signed GRUB has TFTP and no HTTP; `url`
/// as check_boot_url() gave it.
[[nodiscard]] std::string medium_ipxe_script(std::string_view url);
[[nodiscard]] std::string medium_grub_script(std::string_view url);

/// Writes the image: an ISO that boots BIOS and UEFI (Secure Boot too) as a CD and as a USB stick.
/// Needs xorriso, mtools, isolinux, iPXE, shim and GRUB of Debian; a missing one is named with its
/// package. `image` appears whole or not at all. Throws Failure.
void write_boot_medium(const std::filesystem::path& image, std::string_view url);

using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;
/// Copies an image onto a block device that nobody uses. Throws Failure.
void copy_to_device(const std::filesystem::path& image, const std::string& device,
                    const CopyProgress& progress);

} // namespace muster::cli
