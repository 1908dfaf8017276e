// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/boot_file.hh"

#include <charconv>
#include <optional>

namespace muster {

namespace {

/// EBC over HTTP: x64, as 9 is, which is EBC over PXE. The other architectures of HTTP boot (x86,
/// ARM, BIOS: 15, 18 to 20) have no loader here.
constexpr std::uint16_t ebc_http = 17;

BootFile tftp_file(const BootServer& server, std::string_view name) noexcept {
    BootFile file;
    if (!server.address.is_v4()) {
        file.append("tftp://");
        file.append_host(server.address);
        file.append("/");
    }
    file.append(name);
    return file;
}

/// A literal address, so that no client needs a name server for it.
BootFile url(const BootServer& server, std::string_view scheme, std::uint16_t port,
             std::uint16_t usual_port, std::string_view path) noexcept {
    BootFile file;
    file.append(scheme);
    file.append_host(server.address);
    if (port != usual_port) {
        file.append(":");
        file.append_number(port);
    }
    file.append("/");
    file.append(path);
    return file;
}

BootFile http_url(const BootServer& server, std::string_view path) noexcept {
    return url(server, "http://", server.ports.http, 80, path);
}

/// Firmware may have plain http off, and iPXE has no certificate of ours: so of all clients, the
/// firmware alone.
BootFile firmware_url(const BootServer& server, std::string_view path) noexcept {
    return server.ports.https == 0 ? http_url(server, path)
                                   : url(server, "https://", server.ports.https, 443, path);
}

std::string_view uefi_loader(LoaderChoice loader) noexcept {
    switch (loader) {
    case LoaderChoice::ipxe:
    case LoaderChoice::other_way:
        return "loaders/snponly.efi";
    case LoaderChoice::grub:
        return "loaders/grubx64.efi";
    case LoaderChoice::automatic:
    case LoaderChoice::pxelinux: // a BIOS loader
    case LoaderChoice::shim_grub:
        return "loaders/shimx64.efi"; // runs with Secure Boot and without
    }
    __builtin_unreachable();
}

/// Not shim where it may be chosen: Debian's signed GRUB has neither address nor prefix after
/// HTTP boot and stops at its prompt, while iPXE goes on.
std::string_view uefi_http_loader(LoaderChoice loader) noexcept {
    switch (loader) {
    case LoaderChoice::grub:
        return "loaders/grubx64.efi";
    case LoaderChoice::shim_grub:
        return "loaders/shimx64.efi";
    case LoaderChoice::automatic:
    case LoaderChoice::ipxe:
    case LoaderChoice::pxelinux:
    case LoaderChoice::other_way: // refused before
        return "loaders/snponly.efi";
    }
    __builtin_unreachable();
}

bool to_pxelinux(LoaderChoice loader) noexcept {
    return loader == LoaderChoice::pxelinux || loader == LoaderChoice::other_way;
}

std::string_view bios_loader(LoaderChoice loader) noexcept {
    return to_pxelinux(loader) ? "loaders/lpxelinux.0" : "loaders/undionly.kpxe";
}

std::expected<BootFile, BootRefusal> ipxe_file(LoaderChoice loader,
                                               const DhcpClientIdentity& client,
                                               const BootServer& server) noexcept {
    const bool bios = client.arch_count > 0 && client.archs[0] == 0;
    if (to_pxelinux(loader) && bios) {
        return tftp_file(server, bios_loader(loader)); // iPXE as a plain ROM
    }
    return client.http ? http_url(server, "boot/ipxe") : tftp_file(server, "boot/ipxe");
}

/// The first architecture of the client that a loader here runs on; EBC over HTTP as x64.
std::optional<ClientArch> served_arch(const DhcpClientIdentity& client) noexcept {
    const bool over_http = client.kind == DhcpClientKind::http_boot;
    for (std::size_t i = 0; i < client.arch_count; ++i) {
        const auto number = client.archs[i];
        const auto arch =
            number == ebc_http ? ClientArch::x64_uefi_http : static_cast<ClientArch>(number);
        switch (arch) {
        case ClientArch::x86_bios:
        case ClientArch::x64_uefi:
        case ClientArch::ebc:
            if (!over_http) {
                return arch;
            }
            break;
        case ClientArch::x64_uefi_http:
            if (over_http) {
                return arch;
            }
            break;
        case ClientArch::x86_uefi:
        case ClientArch::x86_uefi_http:
            break;
        }
    }
    return std::nullopt;
}

BootFile file_for_arch(ClientArch arch, LoaderChoice loader, const BootServer& server) noexcept {
    if (arch == ClientArch::x64_uefi_http) {
        return firmware_url(server, uefi_http_loader(loader));
    }
    return tftp_file(server,
                     arch == ClientArch::x86_bios ? bios_loader(loader) : uefi_loader(loader));
}

} // namespace

void BootFile::append_number(unsigned number) noexcept {
    std::array<char, 10> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{}) {
        append({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
}

void BootFile::append_host(const IpAddress& address) noexcept {
    const AddressText text{address};
    append(address.is_v4() ? "" : "[");
    append(text.view());
    append(address.is_v4() ? "" : "]");
}

std::expected<BootFile, BootRefusal> choose_boot_file(BootAction action, LoaderChoice loader,
                                                      const DhcpClientIdentity& client,
                                                      const BootServer& server) noexcept {
    if (!client.boots()) {
        return std::unexpected(BootRefusal::not_a_boot_client);
    }
    switch (action) {
    case BootAction::ignore:
        return std::unexpected(BootRefusal::ignored);
    case BootAction::install:
    case BootAction::boot_local:
    case BootAction::hold:
        break;
    }
    if (client.kind == DhcpClientKind::ipxe) {
        return ipxe_file(loader, client, server);
    }
    if (client.kind == DhcpClientKind::http_boot && loader == LoaderChoice::other_way) {
        return std::unexpected(BootRefusal::other_way); // firmware goes on to its next boot option
    }
    if (const auto arch = served_arch(client)) {
        return file_for_arch(*arch, loader, server);
    }
    return std::unexpected(BootRefusal::unsupported_architecture);
}

bool lacks_loader(const DhcpClientIdentity& client) noexcept {
    return client.boots() && client.kind != DhcpClientKind::ipxe && !served_arch(client);
}

} // namespace muster
