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

} // namespace muster
