// SPDX-License-Identifier: Apache-2.0
// The words of GRUB. Single quotes hold anything but a single quote; there is no `&&`. GRUB puts
// double quotes around an argument that holds a space, which is how the kernel gets its own back.
// A script that ends without a menu entry ends at the `grub>` prompt, so none of these ends.
#include "core/content/boot_script_words.hh"

#include <fmt/format.h>

namespace muster {
namespace {
namespace grub {

/// Asks for the script anew for ever. Sourced scripts return here instead of looping themselves
/// (`muster_asking` tells them), so that asking nests no deeper however long it goes on; one that
/// boots does not return.
/// Each says anew how long to wait.
constexpr std::string_view ask_again = R"(muster_wait={seconds}
if [ "$muster_asking" != yes ]; then
  muster_asking=yes
  while true; do
    sleep $muster_wait
    source '{script}'
  done
fi
)";

/// The installed system's own loader where Debian and its relatives put it, else the fallback
/// name of the UEFI specification (section 3.5.1.1). Without one the firmware's next boot option
/// is as good as any. `root` and no variable of our own: it is the device that chainloader tells
/// the image it came from, and shim looks for GRUB there.
constexpr std::string_view local_disk =
    R"(for muster_loader in /EFI/debian/shimx64.efi /EFI/debian/grubx64.efi /EFI/BOOT/BOOTX64.EFI; do
  if search --no-floppy --file --set=root $muster_loader; then
    if chainloader ($root)$muster_loader; then
      boot
    fi
  fi
done
exit
)";

/// A file of the profile as GRUB names it. GRUB over HTTP is a third as fast as over TFTP (its
/// TCP window is fixed), so HTTP is for when TFTP fails, and for URLs of the profile.
std::string device_path(std::string_view protocol, const ServerAddress& server,
                        const std::string& path) {
    constexpr std::string_view scheme = "http://";
    if (path.starts_with(scheme)) {
        const std::size_t slash = path.find('/', scheme.size());
        return fmt::format("'(http,{}){}'", path.substr(scheme.size(), slash - scheme.size()),
                           path.substr(slash));
    }
    const bool port = protocol == "http" && server.http_port != 80;
    return fmt::format("'({},{}{})/files/{}'", protocol, url_host(server.address),
                       port ? ":" + std::to_string(server.http_port) : "", path);
}

/// Each word in single quotes, without its double ones: GRUB adds them where there is a space.
std::string quoted_words(std::string_view cmdline) {
    std::string out;
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i <= cmdline.size(); ++i) {
        if (i == cmdline.size() || (cmdline[i] == ' ' && !quoted)) {
            if (!word.empty()) {
                out += " '" + word + "'";
                word.clear();
            }
        } else if (cmdline[i] == '"') {
            quoted = !quoted;
        } else {
            word += cmdline[i];
        }
    }
    return out;
}

std::string write_again(const BootScriptFor& to, unsigned seconds) {
    return fmt::format(fmt::runtime(ask_again), fmt::arg("seconds", seconds),
                       fmt::arg("script", fmt::format("(tftp,{}){}", url_host(to.server.address),
                                                      boot_script_path(BootLoader::grub))));
}

std::string load(std::string_view protocol, const BootScriptFor& to, const InstallBoot& boot) {
    std::string text =
        fmt::format("if linux {}{}; then\n", device_path(protocol, to.server, boot.kernel),
                    quoted_words(boot.cmdline));
    if (boot.initrd.empty()) {
        return text + "  boot\nfi\n";
    }
    text += "  if initrd";
    for (const std::string& path : boot.initrd) {
        text += " " + device_path(protocol, to.server, path);
    }
    return text + "; then\n    boot\n  fi\nfi\n";
}

std::string write_install(const BootScriptFor& to, const InstallBoot& boot,
                          const std::string& say) {
    const unsigned seconds = wait_seconds(boot_retry_wait);
    const std::string by_tftp = load("tftp", to, boot);
    std::string by_http = load("http", to, boot);
    if (by_http == by_tftp) { // all of it at URLs of the profile
        by_http.clear();
    }
    return fmt::format("echo '{}'\n{}{}echo 'muster: loading failed, asking again in {} s'\n{}",
                       say, by_tftp, by_http, seconds, write_again(to, seconds));
}

std::string write_wait(const BootScriptFor& to, unsigned seconds, const std::string& say) {
    return fmt::format("echo '{}'\n{}", say, write_again(to, seconds));
}

std::string write_boot_local(const BootScriptFor& /*to*/, const std::string& say) {
    return fmt::format("echo '{}'\n{}", say, local_disk);
}

std::string write_leave(const BootScriptFor& /*to*/, const std::string& say) {
    return fmt::format("echo '{}'\nexit\n", say);
}

} // namespace grub
} // namespace

const BootScriptWriter grub_script_writer{grub::write_install, grub::write_wait,
                                          grub::write_boot_local, grub::write_leave};

} // namespace muster
