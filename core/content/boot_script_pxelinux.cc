// SPDX-License-Identifier: Apache-2.0
// The words of PXELINUX (lpxelinux.0, which speaks HTTP). A directive is a line and its value is
// the rest of it, as it stands. After a label that failed comes the `boot:` prompt, which TIMEOUT
// and ONTIMEOUT turn into the next try; TOTALTIMEOUT does so when somebody has pressed a key.
#include "core/content/boot_script_words.hh"

#include <fmt/format.h>

namespace muster {
namespace {
namespace pxelinux {

/// CONFIG starts PXELINUX afresh with the script that the server has by then. Timeouts are in
/// tenths of a second.
constexpr std::string_view ask_again = R"(TIMEOUT {tenths}
TOTALTIMEOUT {total_tenths}
ONTIMEOUT again
LABEL again
  CONFIG {script}
)";

/// Leaves PXELINUX as if it had not been there: the BIOS goes on with its boot order. -1 does so at
/// once; 0 and 0x80 cost SeaBIOS 2 s more.
constexpr std::string_view local_disk = R"(DEFAULT local
PROMPT 0
LABEL local
  LOCALBOOT -1
)";

std::string write_again(const BootScriptFor& to, unsigned seconds) {
    return fmt::format(fmt::runtime(ask_again), fmt::arg("tenths", seconds * 10),
                       fmt::arg("total_tenths", seconds * 40),
                       fmt::arg("script", fmt::format("{}{}", server_url(to.server),
                                                      boot_script_path(BootLoader::pxelinux))));
}

std::string write_install(const BootScriptFor& to, const InstallBoot& boot,
                          const std::string& say) {
    std::string initrds;
    for (const std::string& path : boot.initrd) {
        initrds += initrds.empty() ? "  INITRD " : ",";
        initrds += file_url(to.server, path);
    }
    if (!initrds.empty()) {
        initrds += "\n";
    }
    const std::string append = boot.cmdline.empty() ? "" : "  APPEND " + boot.cmdline + "\n";
    // LINUX and not KERNEL: the type is not guessed from the end of the file's name.
    return fmt::format("SAY {}\nDEFAULT install\nPROMPT 0\nLABEL install\n  LINUX {}\n{}{}{}", say,
                       file_url(to.server, boot.kernel), initrds, append,
                       write_again(to, wait_seconds(boot_retry_wait)));
}

std::string write_wait(const BootScriptFor& to, unsigned seconds, const std::string& say) {
    return fmt::format("SAY {}\nDEFAULT again\nPROMPT 1\n{}", say, write_again(to, seconds));
}

std::string write_boot_local(const BootScriptFor& /*to*/, const std::string& say) {
    return fmt::format("SAY {}\n{}", say, local_disk);
}

} // namespace pxelinux
} // namespace

// A BIOS that is handed back takes its next boot device, which is what `leave` wants too.
const BootScriptWriter pxelinux_script_writer{pxelinux::write_install, pxelinux::write_wait,
                                              pxelinux::write_boot_local,
                                              pxelinux::write_boot_local};

} // namespace muster
