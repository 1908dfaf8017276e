// SPDX-License-Identifier: Apache-2.0
// Boot scripts: what a machine's boot loader is told to do. Pure text; the words of each loader
// are in boot_script_ipxe.cc, boot_script_grub.cc and boot_script_pxelinux.cc.
//
// No script ever leaves a machine at a prompt: what cannot be loaded is tried again after a wait
// that is said on the console, by asking the server for the script anew, since its answer may have
// changed meanwhile.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/content/template_context.hh"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

enum class BootLoader : std::uint8_t { ipxe, grub, pxelinux };

/// Where the scripts are, below the server's root: `/boot/ipxe`, `/boot/grub.cfg`,
/// `/boot/pxelinux.cfg/default`.
[[nodiscard]] std::string_view boot_script_path(BootLoader loader) noexcept;

/// Wait before a load that failed is tried again, and after a missing file is reported.
inline constexpr Duration boot_retry_wait = std::chrono::seconds{30};
/// The kernel takes 2047 bytes (COMMAND_LINE_SIZE of x86), PXELINUX as many for kernel,
/// arguments and initrds together.
inline constexpr std::size_t boot_line_size_max = 2000;
/// Initial ram disks of one profile.
inline constexpr std::size_t initrd_count_max = 8;
/// Longest text of others that is shown on a console.
inline constexpr std::size_t console_text_max = 160;

/// For whom a script is written.
struct BootScriptFor {
    BootLoader loader = BootLoader::ipxe;
    ServerAddress server;
    std::string name; ///< of the node; empty: unknown machine
    /// The script was asked for with `?mac=`; what asks again must say it too (iPXE only, the
    /// others have no way to).
    std::optional<MacAddress> asked_mac;
};

/// Kernel and initial ram disks as a profile names them: below files/, or an http:// URL.
struct InstallBoot {
    std::string profile;
    unsigned attempt = 1;
    std::string kernel;
    std::vector<std::string> initrd;
    std::string cmdline; ///< rendered
};

/// Loads the kernel and starts it. If the command line or a path is one that the loaders cannot
/// take (see below), the script says so and asks again, as for a missing file.
[[nodiscard]] std::string install_script(const BootScriptFor& to, const InstallBoot& boot);
/// Leads on to the machine's own disk.
[[nodiscard]] std::string boot_local_script(const BootScriptFor& to);
/// Waits and asks again; `reason` is shown.
[[nodiscard]] std::string hold_script(const BootScriptFor& to, Duration wait,
                                      std::string_view reason);
/// Says that `file` (a path or URL of the profile) cannot be served, waits and asks again.
[[nodiscard]] std::string missing_file_script(const BootScriptFor& to, std::string_view file);
/// For a machine that is none of ours: leads on to what its firmware has next.
[[nodiscard]] std::string ignored_script(const BootScriptFor& to);
/// A command line in the form in which scripts carry it: words separated by one space each.
[[nodiscard]] std::string command_line_words(std::string_view text);

/// Why a rendered command line cannot be handed to the kernel by every loader; empty if it can.
///
/// No loader has a quoting that covers everything, so what one of them cannot express is refused
/// for all: which one a machine uses is known only when it boots.
///   line breaks, control characters, non-ASCII   end or garble the line everywhere
///   words that begin with `#`; words `;` `&&` `||`; `${`    iPXE: comment, next command, setting
///   `'` and `\`                                  GRUB puts a backslash before each
///   `"` that does not enclose a whole word or the whole value after `=`, runs of spaces in quotes
///   `initrd=`                                    PXELINUX and the EFI stub would load it
///   a line that is `-`                           PXELINUX: none
[[nodiscard]] std::string why_not_command_line(std::string_view text);

/// Why kernel, initrds and command line together cannot be booted; empty if they can.
[[nodiscard]] std::string why_not_bootable(const InstallBoot& boot);

/// A text of others (a reason that an installer reported, a file name) made harmless for every
/// loader's script: unsafe characters become `?`, long texts are cut.
[[nodiscard]] std::string console_text(std::string_view text);

} // namespace muster
