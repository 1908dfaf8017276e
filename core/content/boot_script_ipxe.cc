// SPDX-License-Identifier: Apache-2.0
// The words of iPXE. Its scripts have no quoting: a line is cut at blanks, a word `#…` ends it,
// `||`, `&&` and `;` as words begin a new command, `${…}` names a setting. A command that fails
// ends the script and hands the machine back to its firmware, so every one that may fail says what
// then.
#include "core/content/boot_script_words.hh"

#include <fmt/format.h>

namespace muster {
namespace {
namespace ipxe {

constexpr std::string_view header = "#!ipxe\n";

/// `--replace` so that asking again nests nothing however long it goes on. If even the server is
/// silent, the wait is repeated.
constexpr std::string_view ask_again = R"(sleep {seconds} ||
chain --autofree --replace {script} || goto again
)";

/// The BIOS build starts the first disk itself. Under EFI there is nothing to start and an exit of
/// either kind does not lead on to the disk (OVMF 2022.11: the setup menu, or the next network
/// boot option), so GRUB is loaded, whose script then chains to the disk's own loader.
constexpr std::string_view local_disk = R"(iseq ${{platform}} efi && goto efi ||
sanboot --no-describe --drive 0x80 || exit 1
:efi
chain --autofree tftp://{server}/loaders/grubx64.efi || exit 1
)";

std::string script_url(const BootScriptFor& to) {
    std::string url = server_url(to.server);
    url += boot_script_path(BootLoader::ipxe);
    if (to.asked_mac) {
        url += "?mac=" + to_text(*to.asked_mac);
    }
    return url;
}

std::string write_again(const BootScriptFor& to, unsigned seconds) {
    return fmt::format(fmt::runtime(ask_again), fmt::arg("seconds", seconds),
                       fmt::arg("script", script_url(to)));
}

std::string write_install(const BootScriptFor& to, const InstallBoot& boot,
                          const std::string& say) {
    // Names of our own: two initrds may have the same base name. The EFI kernel finds them by
    // `initrd=` among its arguments; the BIOS one does not look at it. First, so that nothing of
    // the command line can stand in the way.
    std::string arguments;
    std::string initrds;
    for (std::size_t i = 0; i < boot.initrd.size(); ++i) {
        arguments += fmt::format(" initrd=initrd{}", i);
        initrds += fmt::format("initrd --name initrd{} {} || goto failed\n", i,
                               file_url(to.server, boot.initrd[i]));
    }
    if (!boot.cmdline.empty()) {
        arguments += " " + boot.cmdline;
    }
    const unsigned seconds = wait_seconds(boot_retry_wait);
    std::string text{header};
    text += fmt::format("echo {}\nimgfree\n", say);
    text +=
        fmt::format("kernel {}{} || goto failed\n", file_url(to.server, boot.kernel), arguments);
    text += initrds;
    text += "boot || goto failed\n:failed\n";
    text += fmt::format("echo muster: loading failed, asking again in {} s\nimgfree\n", seconds);
    text += ":again\n";
    text += write_again(to, seconds);
    return text;
}

std::string write_wait(const BootScriptFor& to, unsigned seconds, const std::string& say) {
    return fmt::format("{}echo {}\n:again\n{}", header, say, write_again(to, seconds));
}

std::string write_boot_local(const BootScriptFor& to, const std::string& say) {
    return fmt::format(
        "{}echo {}\n{}", header, say,
        fmt::format(fmt::runtime(local_disk), fmt::arg("server", url_host(to.server.address))));
}

std::string write_leave(const BootScriptFor& /*to*/, const std::string& say) {
    return fmt::format("{}echo {}\nexit 1\n", header, say);
}

} // namespace ipxe
} // namespace

const BootScriptWriter ipxe_script_writer{ipxe::write_install, ipxe::write_wait,
                                          ipxe::write_boot_local, ipxe::write_leave};

} // namespace muster
