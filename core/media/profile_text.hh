// SPDX-License-Identifier: Apache-2.0
// From what was recognised to a profile of the site.
#pragma once

#include "core/media/medium.hh"

namespace muster {

/// Where kernel and initrd of a second medium (`--netboot`) come to lie, below files/NAME/.
inline constexpr std::string_view netboot_folder_name = "netboot/";

/// The medium with the kernel and initrd of another one, whose files go below netboot/.
/// Errors: a text: the other is of another family or release, or no network installer.
[[nodiscard]] Result<Recognised, std::string> with_netboot(Recognised medium,
                                                           const Recognised& netboot);

/// The text of profiles/NAME.yaml. `source` is what was imported, for its first line.
/// Errors: a text: a path that no boot loader can be told.
[[nodiscard]] Result<std::string, std::string>
profile_yaml(const Recognised& found, std::string_view name, std::string_view source);

/// What the minimal installer (deploy/minimal-installer) puts on a disk.
struct DiskContent {
    std::string what;   ///< `disk image, GPT, 2.0 GiB`
    std::string file;   ///< below files/NAME/
    std::string sha256; ///< of a disk image as it comes to lie on the disk; empty: not checked
    std::string answer_template; ///< what the installer reads as install.conf
    bool cloud_init = false;     ///< the answers of cloud-init's NoCloud are offered too
};

/// Where the minimal installer lies, below files/: what `deploy/minimal-installer/build` makes.
inline constexpr std::string_view minimal_installer_folder = "minimal";

/// The text of profiles/NAME.yaml that writes such a content with the minimal installer.
[[nodiscard]] std::string disk_profile_yaml(const DiskContent& content, std::string_view name,
                                            std::string_view source);

/// Templates that such a profile needs: name asked for → template of this project.
[[nodiscard]] std::map<std::string, std::string> disk_profile_answers(const DiskContent& content);

} // namespace muster
