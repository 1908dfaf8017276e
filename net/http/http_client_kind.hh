// SPDX-License-Identifier: Apache-2.0
// Which boot client asks, as far as the answer depends on it.
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

/// Told apart by User-Agent, which every boot client sends.
enum class HttpClientKind : std::uint8_t {
    other,     ///< a person's tool or browser: understands any status
    ipxe,      ///< honours Retry-After on any error
    grub,      ///< knows 200, 206 and 404 alone
    uefi,      ///< firmware and shim: anything but success fails the boot option
    syslinux,  ///< lpxelinux.0: any error leads to the next name of its list
    installer, ///< a script around wget: does not try again by itself
};

constexpr HttpClientKind client_kind(std::string_view user_agent) noexcept {
    struct Known {
        std::string_view prefix;
        HttpClientKind kind;
    };
    constexpr Known known[] = {
        {"iPXE/", HttpClientKind::ipxe},
        {"GRUB ", HttpClientKind::grub},
        {"UefiHttpBoot/", HttpClientKind::uefi},
        {"Syslinux/", HttpClientKind::syslinux},
        {"Wget", HttpClientKind::installer}, // busybox says no version
        {"debian-installer", HttpClientKind::installer},
    };
    for (const Known& candidate : known) {
        if (user_agent.starts_with(candidate.prefix)) {
            return candidate.kind;
        }
    }
    return HttpClientKind::other;
}

/// Whether "try again later" may be said to it at once. To the rest it is a failed boot or a lost
/// report, so their request waits inside the server first (HttpLimits::hold_max).
constexpr bool tries_again(HttpClientKind kind) noexcept {
    return kind == HttpClientKind::ipxe || kind == HttpClientKind::other;
}

/// The status for a client: loaders that know no 503 get 404, which leads them on to their next
/// name or boot option without a message about an unknown status. GRUB knows no other refusal than
/// 404 at all. (200, 206, 404: grub-core/net/http.c.) An installer's script gets the 503: to it,
/// 404 would mean that the file is not wanted.
constexpr std::uint16_t status_for(HttpClientKind kind, std::uint16_t status) noexcept {
    if (kind == HttpClientKind::grub && status >= 400) {
        return 404;
    }
    const bool knows_503 = kind != HttpClientKind::grub && kind != HttpClientKind::uefi &&
                           kind != HttpClientKind::syslinux;
    return status == 503 && !knows_503 ? std::uint16_t{404} : status;
}

} // namespace muster
