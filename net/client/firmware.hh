// SPDX-License-Identifier: Apache-2.0
// What real machines boot with: timers, retry counts, packet shapes and habits of each client
// program, as data. Every model is checked against captures of the program (tests/unit/net/client).
#pragma once

#include "core/base/result.hh"
#include "net/client/dhcp_client.hh"
#include "net/client/http_client.hh"
#include "net/client/tftp_client.hh"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// A program that runs on a machine before its operating system: a ROM, or what a ROM loads.
struct BootProgramModel {
    enum class Kind : std::uint8_t { edk2, ipxe, pxelinux, shim, grub, u_boot };
    Kind kind{};
    const DhcpClientModel* dhcp = nullptr; ///< null: goes on with the lease of what loaded it
    const TftpClientModel* tftp = nullptr;
    const HttpClientModel* http = nullptr; ///< null: cannot
    bool solicits_router = false; ///< waits for a router advertisement before it loads (iPXE)
    std::string_view name{};
    Duration start{}; ///< from when it is started to its first packet; of a ROM, from power-on
    /// An exchange that comes before, for a script of its own, which servers seldom have (U-Boot).
    const DhcpClientModel* first_dhcp = nullptr;
};

/// What a machine is switched on with.
///
/// What it loads is the server's decision: a machine runs the program that the boot file's name
/// says. So `pxelinux` is the machine of `ipxe-bios`, and `grub` and `shim-grub` are that of
/// `edk2`, under the name of the loader that the server is meant to give it: one that comes to a
/// kernel without having run it notes so as failed, and goes on.
struct FirmwareModel {
    std::string_view name;    ///< as `--firmware` says it
    std::string_view summary; ///< one line of help
    const BootProgramModel* rom = nullptr;
    bool uefi = false;
    bool http_boot = false; ///< EDK2's HTTP boot instead of PXE
    /// Begins again after its ROM gave up, so often; then the machine is lost.
    unsigned rom_tries = 1;
    std::optional<BootProgramModel::Kind> expects{}; ///< the loader that its name promises
};

/// All models, in the order in which help lists them: edk2, edk2-http, ipxe-bios, ipxe-efi,
/// pxelinux, grub, shim-grub, u-boot.
[[nodiscard]] std::span<const FirmwareModel* const> firmware_models() noexcept;
[[nodiscard]] const FirmwareModel* find_firmware(std::string_view name) noexcept;
/// The program that a boot file of this name is (`…/ipxe.efi`, `undionly.kpxe`, `shimx64.efi`,
/// `grubx64.efi`, `lpxelinux.0`, …); null: none that is known.
[[nodiscard]] const BootProgramModel* find_boot_program(std::string_view file, bool uefi) noexcept;

[[nodiscard]] std::string_view to_text(BootProgramModel::Kind kind) noexcept;

/// Which firmware which share of a fleet has: `mixed`, one name, or `edk2:60,ipxe-bios:40`.
class FirmwareMix {
public:
    /// Shares are weights from 1 to 1000; one that is not given is 1. The error says what is wrong
    /// and which names there are.
    [[nodiscard]] static Result<FirmwareMix, std::string> read(std::string_view text);
    /// Of machine `index` of any number of machines: shares hold for every long enough run of them.
    [[nodiscard]] const FirmwareModel& of(MachineIndex index) const noexcept;

private:
    std::vector<const FirmwareModel*> pattern_;
};

} // namespace muster
