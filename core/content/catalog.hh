// SPDX-License-Identifier: Apache-2.0
// Which path of the data plane is what (HTTP and TFTP have the same tree).
#pragma once

#include "core/port/content_request.hh"

#include <string>
#include <string_view>

namespace muster {

/// Where a requested path leads.
struct Route {
    enum class Kind : std::uint8_t {
        open,    ///< a file: `root` and `path` for an OpenRequest
        dynamic, ///< control renders or takes it: `path` for a DynamicRequest
        none,    ///< nothing of that name: 404, TFTP ERROR 1
        refused, ///< leaves the tree (`..`), or has a NUL: 403, TFTP ERROR 2
    };
    Kind kind = Kind::none;
    ContentRoot root = ContentRoot::files;
    std::string path; ///< open: relative; dynamic: canonical with its leading slash
};

/// The canonical form of a path: one leading slash, no empty and `.` parts. False when a part is
/// `..` or the path holds a NUL.
[[nodiscard]] bool canonical_path(std::string_view path, std::string& out);

/// Routes a decoded HTTP path. Boot clients bring doubled slashes along (shim over HTTP asks for
/// `//grubx64.efi`), so these are folded.
[[nodiscard]] Route route_http(std::string_view path);

/// Routes a TFTP file name: `\` is taken as `/`, a leading slash is optional; `loaders/…`,
/// `boot/…` and `files/…` are the tree of HTTP, names that loaders derive (`…/pxelinux.cfg/X`,
/// `/grub/grub.cfg`) lead to the boot script, anything else is looked up below files/.
[[nodiscard]] Route route_tftp(std::string_view name);

} // namespace muster
