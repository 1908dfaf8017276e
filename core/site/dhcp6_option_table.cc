// SPDX-License-Identifier: Apache-2.0
#include "core/site/dhcp6_option_table.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

using enum DhcpOptionType;

constexpr std::string_view server_says = "the server says it itself";
constexpr std::string_view client_says = "only clients send it";
constexpr std::string_view relay_says = "only relays send it";

/// RFC 8415 unless said. Sorted by code.
constexpr auto options6 = std::to_array<KnownDhcpOption>({
    {0, hex, "reserved", "", "it is no option"},
    {1, hex, "client-id", "", client_says},
    {2, hex, "server-id", "", server_says},
    {3, hex, "ia-na", "", server_says},
    {4, hex, "ia-ta", "", server_says},
    {5, hex, "ia-address", "iaaddr", server_says},
    {6, hex, "option-request", "oro", client_says},
    {7, u8, "preference", "", server_says},
    {8, u16, "elapsed-time", "", client_says},
    {9, hex, "relay-message", "relay-msg", relay_says},
    {11, hex, "authentication", "auth", server_says},
    {12, hex, "unicast", "", "clients shall ask by multicast"},
    {13, hex, "status-code", "", server_says},
    {14, hex, "rapid-commit", "", server_says},
    {15, hex, "user-class", "", client_says},
    {16, hex, "vendor-class", "", "boot clients compare it, so the server says it as they need it"},
    {17, enterprise, "vendor-options", "vendor-opts", ""},
    {18, hex, "interface-id", "", relay_says},
    {19, hex, "reconfigure-message", "reconf-msg", server_says},
    {20, hex, "reconfigure-accept", "reconf-accept", server_says},
    {21, names, "sip-server-names", "sip-server-dns", ""},                       // RFC 3319
    {22, addresses6, "sip-server-addresses", "sip-server-addr", ""},             // RFC 3319
    {23, addresses6, "dns-servers", "dns-server", ""},                           // RFC 3646
    {24, names, "domain-search", "domain-list", ""},                             // RFC 3646
    {25, hex, "ia-pd", "", server_says},                                         //
    {26, hex, "ia-prefix", "iaprefix", server_says},                             //
    {27, addresses6, "nis-servers", "nis-server", ""},                           // RFC 3898
    {28, addresses6, "nisplus-servers", "nisp-servers", ""},                     // RFC 3898
    {29, names, "nis-domain", "nis-domain-name", ""},                            // RFC 3898
    {30, names, "nisplus-domain", "nisp-domain-name", ""},                       // RFC 3898
    {31, addresses6, "sntp-servers", "sntp-server", ""},                         // RFC 4075
    {32, u32, "information-refresh-time", "lifetime", ""},                       //
    {33, names, "bcmcs-server-names", "bcmcs-server-dns", ""},                   // RFC 4280
    {34, addresses6, "bcmcs-server-addresses", "bcmcs-server-addr", ""},         // RFC 4280
    {36, hex, "geoconf-civic", "", ""},                                          // RFC 4776
    {37, hex, "remote-id", "", relay_says},                                      // RFC 4649
    {38, hex, "subscriber-id", "", relay_says},                                  // RFC 4580
    {39, hex, "client-fqdn", "fqdn", "the server names no machine in the DNS"},  // RFC 4704
    {40, addresses6, "pana-agents", "pana-agent", ""},                           // RFC 5192
    {41, text, "posix-timezone", "new-posix-timezone", ""},                      // RFC 4833
    {42, text, "tzdb-timezone", "new-tzdb-timezone", ""},                        // RFC 4833
    {43, hex, "relay-option-request", "ero", relay_says},                        // RFC 4994
    {51, names, "lost-server", "v6-lost", ""},                                   // RFC 5223
    {52, addresses6, "capwap-ac", "capwap-ac-v6", ""},                           // RFC 5417
    {56, ntp_servers, "ntp-servers", "ntp-server", ""},                          // RFC 5908
    {57, names, "access-domain", "v6-access-domain", ""},                        // RFC 5986
    {58, names, "sip-ua-configuration-domains", "sip-ua-cs-list", ""},           // RFC 6011
    {59, text, "boot-file-url", "bootfile-url", ""},                             // RFC 5970
    {60, texts, "boot-file-parameters", "bootfile-param", ""},                   // RFC 5970
    {61, u16_list, "client-architecture", "client-arch-type", client_says},      // RFC 5970
    {62, hex, "client-interface", "nii", client_says},                           // RFC 5970
    {64, names, "aftr-name", "", ""},                                            // RFC 6334
    {79, hex, "client-link-layer-address", "client-linklayer-addr", relay_says}, // RFC 6939
    {82, u32, "sol-max-rt", "", ""},                                             //
    {83, u32, "inf-max-rt", "", ""},                                             //
    {103, text, "captive-portal", "v6-captive-portal", ""},                      // RFC 8910
    {112, text, "mud-url", "", client_says},                                     // RFC 8520
    {136, hex, "sztp-redirect", "v6-sztp-redirect", ""},                         // RFC 8572
    {144, hex, "dnr", "v6-dnr", ""},                                             // RFC 9463
});
static_assert(std::is_sorted(options6.begin(), options6.end(),
                             [](const auto& a, const auto& b) { return a.code < b.code; }));

} // namespace

std::span<const KnownDhcpOption> known_dhcp6_options() noexcept {
    return options6;
}

} // namespace muster
