// SPDX-License-Identifier: Apache-2.0
// Shared by the writers of boot scripts; nobody else includes this. All texts that reach a writer
// are already known to be harmless in every loader (why_not_bootable(), console_text()).
#pragma once

#include "core/content/boot_script.hh"

namespace muster {

/// The URL of a file of the profile.
[[nodiscard]] std::string file_url(const ServerAddress& server, const std::string& path);
/// A wait in whole seconds, at least one, at most an hour.
[[nodiscard]] unsigned wait_seconds(Duration wait) noexcept;

/// One writer per loader. `say` lines are shown first, each prefixed with the node's name.
struct BootScriptWriter {
    std::string (*install)(const BootScriptFor& to, const InstallBoot& boot,
                           const std::string& say);
    std::string (*wait)(const BootScriptFor& to, unsigned seconds, const std::string& say);
    std::string (*boot_local)(const BootScriptFor& to, const std::string& say);
    std::string (*leave)(const BootScriptFor& to, const std::string& say);
};

extern const BootScriptWriter ipxe_script_writer;
extern const BootScriptWriter grub_script_writer;
extern const BootScriptWriter pxelinux_script_writer;

} // namespace muster
