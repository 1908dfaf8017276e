// SPDX-License-Identifier: Apache-2.0
// Which boot file a machine is sent to. Pure: what the site wants of the machine and what the
// client can run, in; a name, out.
#pragma once

#include "core/node/node_boot.hh"
#include "net/dhcp/dhcp_client_identity.hh"

namespace muster {

/// Processor architecture types of option 93 that matter here (IANA).
enum class ClientArch : std::uint16_t {
    x86_bios = 0,
    x86_uefi = 6,
    x64_uefi = 7,
    ebc = 9, ///< swapped with 7 by an erratum of RFC 4578: x64 as well
    x86_uefi_http = 15,
    x64_uefi_http = 16,
};

/// A TFTP path or a URL, held in place: no allocation a packet.
class BootFile {
public:
    [[nodiscard]] std::string_view name() const noexcept { return {text_.data(), size_}; }
    void append(std::string_view text) noexcept {
        for (const char c : text) {
            if (size_ < text_.size()) {
                text_[size_++] = c;
            }
        }
    }
    void append_number(unsigned number) noexcept;
    /// As in a URL: an IPv6 address in brackets (RFC 3986 section 3.2.2).
    void append_host(const IpAddress& address) noexcept;

private:
    std::array<char, 96> text_{};
    std::size_t size_ = 0;
};
/// The longest name made here.
static_assert(std::string_view{"https://[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
                               "/loaders/grubx64.efi"}
                  .size() <= 96);

/// Why a client gets no boot file. A counter each.
#define MUSTER_BOOT_REFUSALS(X)                                                                    \
    X(not_a_boot_client, "an installer or installed system")                                       \
    X(ignored, "the site leaves the machine to somebody else")                                     \
    X(unsupported_architecture, "no loader here runs on what option 93 says")                      \
    X(other_way, "HTTP boot did not get the machine to its kernel: PXE is its next way")

enum class BootRefusal : std::uint8_t {
#define X(name, text) name,
    MUSTER_BOOT_REFUSALS(X)
#undef X
};

struct BootServer {
    IpAddress address; ///< of IPv6: what is fetched by TFTP has a URL, too (RFC 5970 section 3.1)
    BootPorts ports;
};

/// `action` install, boot_local and hold lead to the same loader: the script that it fetches
/// differs. A LoaderChoice that the architecture cannot run falls back to `automatic`.
[[nodiscard]] std::expected<BootFile, BootRefusal>
choose_boot_file(BootAction action, LoaderChoice loader, const DhcpClientIdentity& client,
                 const BootServer& server) noexcept;

/// It wants to boot, and no choice of the site's could give it a loader.
[[nodiscard]] bool lacks_loader(const DhcpClientIdentity& client) noexcept;

} // namespace muster
