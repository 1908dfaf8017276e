// SPDX-License-Identifier: Apache-2.0
// Boot programs as machines without a network: each says what it wants next and is told how that
// went. Who performs the wishes is BootMachine; a test can be it, too.
#pragma once

#include "net/client/boot_url.hh"
#include "net/client/dhcp_client.hh"
#include "net/client/firmware.hh"

#include <memory>
#include <string>

namespace muster {

/// What a program wants.
struct BootWish {
    enum class Kind : std::uint8_t {
        dhcp,    ///< an exchange of model `dhcp`; routers are solicited meanwhile, if it does so
        routers, ///< the end of the router solicitation
        fetch,   ///< the file at `url`, the first `keep` bytes of it as the answer's body
        wait,    ///< `duration`, for `reason`
        program, ///< hands over to `program`, which was loaded from `url`
        kernel,  ///< starts the kernel that it has loaded, with `text` as its command line
        disk,    ///< starts the system on the disk
        leave,   ///< has nothing to boot and hands the machine back to its firmware; `text`: why
        stuck,   ///< stays at a prompt for ever; `text`: why
    };
    Kind kind{};
    const DhcpClientModel* dhcp = nullptr;
    BootUrl url{};
    std::size_t keep = 0;
    /// The machine is now in this stage.
    ClientStage stage = ClientStage::loader;
    Duration duration{};
    ClientWait reason = ClientWait::told_to_wait;
    const BootProgramModel* program = nullptr;
    std::string text{};
};

/// How the last wish went.
struct BootAnswer {
    bool ok = true;
    std::string_view body{};                ///< of a fetch; borrowed until the next wish
    const DhcpClientLease* lease = nullptr; ///< of an exchange; borrowed
    std::string_view why{};                 ///< what went wrong
};

/// The machine that a program finds itself on.
struct BootPlace {
    const BootProgramModel* model = nullptr; ///< the program itself
    MacAddress mac{};
    std::array<std::uint8_t, 16> uuid{};
    DhcpClientLease lease{}; ///< of what loaded it; without an address there is none
    BootUrl url{};           ///< it was loaded from there
    bool uefi = false;
    bool http_boot = false;       ///< loaded by EDK2's HTTP boot
    bool disk_has_system = false; ///< something to boot is on its disk
};

class BootProgram {
public:
    BootProgram() = default;
    BootProgram(const BootProgram&) = delete;
    BootProgram& operator=(const BootProgram&) = delete;
    virtual ~BootProgram() = default;

    /// The first call begins; what it is told then is ignored.
    [[nodiscard]] virtual BootWish next(const BootAnswer& answer) = 0;
};

/// Of any kind.
[[nodiscard]] std::unique_ptr<BootProgram> make_boot_program(const BootPlace& place);

[[nodiscard]] std::unique_ptr<BootProgram> make_firmware_program(const BootPlace& place);
[[nodiscard]] std::unique_ptr<BootProgram> make_ipxe_program(const BootPlace& place);
[[nodiscard]] std::unique_ptr<BootProgram> make_shim_program(const BootPlace& place);
[[nodiscard]] std::unique_ptr<BootProgram> make_grub_program(const BootPlace& place);
[[nodiscard]] std::unique_ptr<BootProgram> make_pxelinux_program(const BootPlace& place);

/// Boot scripts are read up to this size.
inline constexpr std::size_t boot_script_size_max = 65'536;
/// Commands that a script may run without fetching or waiting: more is a loop without end.
inline constexpr unsigned boot_script_steps_max = 10'000;

[[nodiscard]] BootWish wish_fetch(BootUrl url, ClientStage stage = ClientStage::loader,
                                  std::size_t keep = 0);
[[nodiscard]] BootWish wish_wait(Duration duration, ClientWait reason = ClientWait::told_to_wait);
[[nodiscard]] BootWish wish_leave(std::string why);
[[nodiscard]] BootWish wish_stuck(std::string why);

} // namespace muster
