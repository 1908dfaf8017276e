// SPDX-License-Identifier: Apache-2.0
#include "core/site/dhcp_option_table.hh"

#include "core/site/dhcp6_option_table.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

using enum DhcpOptionType;

constexpr std::string_view by_server = "the server says it itself";
constexpr std::string_view by_client = "only clients send it";
constexpr std::string_view by_lease = "it follows from the key 'lease' of the subnet";

/// RFC 2132 unless said. Sorted by code.
constexpr auto known_options = std::to_array<KnownDhcpOption>({
    {0, hex, "pad", "", "it is no option"},
    {1, address, "subnet-mask", "netmask", "it follows from the key 'subnet'"},
    {2, i32, "time-offset", "", ""},
    {3, addresses, "routers", "router", ""},
    {4, addresses, "time-servers", "time-server", ""},
    {5, addresses, "name-servers", "", ""},
    {6, addresses, "domain-name-servers", "dns-server", ""},
    {7, addresses, "log-servers", "log-server", ""},
    {8, addresses, "cookie-servers", "", ""},
    {9, addresses, "lpr-servers", "lpr-server", ""},
    {10, addresses, "impress-servers", "", ""},
    {11, addresses, "resource-location-servers", "", ""},
    {12, text, "host-name", "hostname", "a machine is told the name of its node"},
    {13, u16, "boot-size", "boot-file-size", ""},
    {14, text, "merit-dump", "", ""},
    {15, text, "domain-name", "", ""},
    {16, address, "swap-server", "", ""},
    {17, text, "root-path", "", ""},
    {18, text, "extensions-path", "extension-path", ""},
    {19, boolean, "ip-forwarding", "ip-forward-enable", ""},
    {20, boolean, "non-local-source-routing", "", ""},
    {21, address_pairs, "policy-filter", "", ""},
    {22, u16, "max-dgram-reassembly", "max-datagram-reassembly", ""},
    {23, u8, "default-ip-ttl", "default-ttl", ""},
    {24, u32, "path-mtu-aging-timeout", "", ""},
    {25, u16_list, "path-mtu-plateau-table", "", ""},
    {26, u16, "interface-mtu", "mtu", ""},
    {27, boolean, "all-subnets-local", "all-subnets", ""},
    {28, address, "broadcast-address", "broadcast", ""},
    {29, boolean, "perform-mask-discovery", "", ""},
    {30, boolean, "mask-supplier", "", ""},
    {31, boolean, "router-discovery", "", ""},
    {32, address, "router-solicitation-address", "router-solicitation", ""},
    {33, address_pairs, "static-routes", "static-route", ""},
    {34, boolean, "trailer-encapsulation", "", ""},
    {35, u32, "arp-cache-timeout", "arp-timeout", ""},
    {36, boolean, "ieee802-3-encapsulation", "ethernet-encap", ""},
    {37, u8, "default-tcp-ttl", "tcp-ttl", ""},
    {38, u32, "tcp-keepalive-interval", "tcp-keepalive", ""},
    {39, boolean, "tcp-keepalive-garbage", "", ""},
    {40, text, "nis-domain", "", ""},
    {41, addresses, "nis-servers", "nis-server", ""},
    {42, addresses, "ntp-servers", "ntp-server", ""},
    {43, sub_options, "vendor-options", "vendor-encapsulated-options", ""},
    {44, addresses, "netbios-name-servers", "netbios-ns", ""},
    {45, addresses, "netbios-dd-server", "netbios-dd", ""},
    {46, u8, "netbios-node-type", "netbios-nodetype", ""},
    {47, text, "netbios-scope", "", ""},
    {48, addresses, "font-servers", "x-windows-fs", ""},
    {49, addresses, "x-display-managers", "x-windows-dm", ""},
    {50, address, "requested-address", "dhcp-requested-address", by_client},
    {51, u32, "lease-time", "dhcp-lease-time", by_lease},
    {52, u8, "overload", "dhcp-option-overload", "iPXE does not understand it"},
    {53, u8, "message-type", "dhcp-message-type", by_server},
    {54, address, "server-identifier", "dhcp-server-identifier",
     "it is the key 'address' of 'server'"},
    {55, hex, "parameter-request-list", "dhcp-parameter-request-list", by_client},
    {56, text, "message", "dhcp-message", by_server},
    {57, u16, "maximum-message-size", "dhcp-max-message-size", by_client},
    {58, u32, "renewal-time", "dhcp-renewal-time", by_lease},
    {59, u32, "rebinding-time", "dhcp-rebinding-time", by_lease},
    {60, text, "vendor-class", "vendor-class-identifier",
     "boot clients compare it, so the server says it as they need it"},
    {61, hex, "client-identifier", "dhcp-client-identifier", by_client},
    {62, text, "netware-domain", "nwip-domain-name", ""},
    {63, hex, "netware-options", "nwip-suboptions", ""},
    {64, text, "nisplus-domain", "nisplus-domain-name", ""},
    {65, addresses, "nisplus-servers", "nisplus-server", ""},
    {66, text, "tftp-server-name", "tftp-server", ""},
    {67, text, "boot-file-name", "bootfile-name", ""},
    {68, addresses, "mobile-ip-home-agents", "mobile-ip-home", ""},
    {69, addresses, "smtp-servers", "smtp-server", ""},
    {70, addresses, "pop-servers", "pop3-server", ""},
    {71, addresses, "nntp-servers", "nntp-server", ""},
    {72, addresses, "www-servers", "www-server", ""},
    {73, addresses, "finger-servers", "finger-server", ""},
    {74, addresses, "irc-servers", "irc-server", ""},
    {75, addresses, "streettalk-servers", "", ""},
    {76, addresses, "streettalk-directory-assistance-servers", "", ""},
    {77, hex, "user-class", "", by_client},
    {80, hex, "rapid-commit", "", by_server},                                   // RFC 4039
    {81, hex, "fqdn", "client-fqdn", "a machine is told the name of its node"}, // RFC 4702
    {82, hex, "relay-agent-information", "dhcp-agent-options",
     "it is the relay's and goes back to it"}, // RFC 3046
    {85, addresses, "nds-servers", "", ""},    // RFC 2241
    {86, text, "nds-tree-name", "", ""},
    {87, text, "nds-context", "", ""},
    {88, domains, "bcms-controller-names", "", ""},       // RFC 4280
    {89, addresses, "bcms-controller-addresses", "", ""}, // RFC 4280
    {90, hex, "authentication", "", by_server},           // RFC 3118
    {93, u16_list, "client-architecture", "client-system", by_client},
    {94, hex, "client-interface", "client-ndi", by_client},
    {97, hex, "client-machine-id", "uuid-guid", "what the client sent goes back to it"},
    {98, text, "user-authentication-protocol", "uap-servers", ""}, // RFC 2485
    {100, text, "posix-timezone", "pcode", ""},                    // RFC 4833
    {101, text, "tzdb-timezone", "tcode", ""},                     // RFC 4833
    {108, u32, "ipv6-only-preferred", "v6-only-preferred", ""},    // RFC 8925
    {112, addresses, "netinfo-server-address", "", ""},
    {113, text, "netinfo-server-tag", "", ""},
    {114, text, "captive-portal", "v4-captive-portal", ""},                  // RFC 8910
    {116, boolean, "auto-config", "", ""},                                   // RFC 2563
    {117, u16_list, "name-service-search", "", ""},                          // RFC 2937
    {118, address, "subnet-selection", "", by_client},                       // RFC 3011
    {119, domains, "domain-search", "search-domains", ""},                   // RFC 3397
    {120, hex, "sip-servers", "sip-server", ""},                             // RFC 3361
    {121, routes, "classless-routes", "classless-static-route", ""},         // RFC 3442
    {124, hex, "vivco", "vendor-identifying-vendor-class", ""},              // RFC 3925
    {125, hex, "vivso", "vendor-identifying-vendor-options", ""},            // RFC 3925
    {136, addresses, "pana-agent", "", ""},                                  // RFC 5192
    {138, addresses, "capwap-ac", "capwap-ac-v4", ""},                       // RFC 5417
    {141, domains, "sip-ua-configuration-domains", "sip-ua-cs-domains", ""}, // RFC 6011
    {146, hex, "rdnss-selection", "", ""},                                   // RFC 6731
    {150, addresses, "tftp-server-addresses", "tftp-server-address", ""},    // RFC 5859
    {159, hex, "portparams", "v4-portparams", ""},                           // RFC 7618
    {161, text, "mud-url", "", by_client},                                   // RFC 8520
    {175, hex, "ipxe", "", "the server says it as iPXE needs it"},
    {208, hex, "pxelinux-magic", "", ""}, // RFC 5071
    {209, text, "pxelinux-configfile", "config-file", ""},
    {210, text, "pxelinux-pathprefix", "path-prefix", ""},
    {211, u32, "pxelinux-reboottime", "reboot-time", ""},
    {212, hex, "option-6rd", "", ""},                      // RFC 5969
    {213, text, "access-domain", "v4-access-domain", ""},  // RFC 5986
    {220, hex, "subnet-allocation", "", by_server},        // RFC 6656
    {221, hex, "virtual-subnet-selection", "", by_server}, // RFC 6607
    {249, routes, "ms-classless-routes", "", ""},          // what Windows asked for before 121
    {252, text, "wpad-url", "wpad", ""},
    {255, hex, "end", "", "it is no option"},
});
static_assert(std::is_sorted(known_options.begin(), known_options.end(),
                             [](const auto& a, const auto& b) { return a.code < b.code; }));

constexpr std::array all_types{address, addresses, address_pairs, text,      u8,
                               u16,     u32,       i32,           u16_list,  boolean,
                               domains, routes,    sub_options,   hex,       addresses6,
                               names,   texts,     ntp_servers,   enterprise};

std::span<const KnownDhcpOption> options_of(DhcpOptionFamily family) noexcept {
    return family == DhcpOptionFamily::dhcp4 ? std::span{known_options} : known_dhcp6_options();
}

} // namespace

std::string_view to_text(DhcpOptionType type) noexcept {
    switch (type) {
    case address:
        return "address";
    case addresses:
        return "addresses";
    case address_pairs:
        return "address-pairs";
    case text:
        return "text";
    case u8:
        return "u8";
    case u16:
        return "u16";
    case u32:
        return "u32";
    case i32:
        return "i32";
    case u16_list:
        return "u16-list";
    case boolean:
        return "boolean";
    case domains:
        return "domains";
    case routes:
        return "routes";
    case sub_options:
        return "sub-options";
    case hex:
        return "hex";
    case addresses6:
        return "addresses6";
    case names:
        return "names";
    case texts:
        return "texts";
    case ntp_servers:
        return "ntp-servers";
    case enterprise:
        return "enterprise";
    }
    __builtin_unreachable();
}

std::span<const DhcpOptionType> dhcp_option_types() noexcept {
    return all_types;
}

const KnownDhcpOption* find_dhcp_option(std::string_view name, DhcpOptionFamily family) noexcept {
    const auto all = options_of(family);
    const auto found = std::find_if(all.begin(), all.end(), [name](const auto& option) {
        return option.name == name || (!name.empty() && option.other_name == name);
    });
    return found == all.end() ? nullptr : &*found;
}

const KnownDhcpOption* find_dhcp_option(std::uint8_t code, DhcpOptionFamily family) noexcept {
    const auto all = options_of(family);
    const auto found = std::lower_bound(
        all.begin(), all.end(), code,
        [](const KnownDhcpOption& option, std::uint8_t wanted) { return option.code < wanted; });
    return found == all.end() || found->code != code ? nullptr : &*found;
}

std::vector<std::string_view> dhcp_option_names(DhcpOptionFamily family) {
    std::vector<std::string_view> usable;
    for (const KnownDhcpOption& option : options_of(family)) {
        if (option.refusal.empty()) {
            usable.push_back(option.name);
            if (!option.other_name.empty()) {
                usable.push_back(option.other_name);
            }
        }
    }
    return usable;
}

} // namespace muster
