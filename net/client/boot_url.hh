// SPDX-License-Identifier: Apache-2.0
// Where a boot loader finds a file, as it is told in boot scripts and boot file names.
#pragma once

#include "core/addr/ip_address.hh"

#include <optional>
#include <string>
#include <string_view>

namespace muster {

struct BootUrl {
    enum class Scheme : std::uint8_t { tftp, http };
    Scheme scheme = Scheme::tftp;
    Endpoint server{};  ///< port 69 or 80 unless the URL says another
    std::string host{}; ///< as written, for the Host field
    /// What goes on the wire: an HTTP target with its leading slash, a TFTP name as it is given.
    std::string path{};

    friend bool operator==(const BootUrl&, const BootUrl&) = default;
};

[[nodiscard]] BootUrl tftp_url(const Ipv4Address& server, std::string_view name);
/// `http://ADDRESS[:PORT]/PATH` or `tftp://ADDRESS[:PORT]/PATH`; the path of a TFTP URL is sent
/// without its leading slash, as iPXE does. Nullopt for anything else: host names too, since no
/// machine here has a resolver.
[[nodiscard]] std::optional<BootUrl> read_boot_url(std::string_view text);
/// `text` seen from `base`: a URL of its own, a path on the same server, or a name beside it.
[[nodiscard]] std::optional<BootUrl> resolve_boot_url(const BootUrl& base, std::string_view text);
/// The part of a path up to and with its last slash; empty: there is none.
[[nodiscard]] std::string_view folder_of(std::string_view path) noexcept;
[[nodiscard]] std::string to_text(const BootUrl& url);

} // namespace muster
