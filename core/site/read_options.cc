// SPDX-License-Identifier: Apache-2.0
// The key `options`, wherever it stands: DHCP options by name or number.
#include "core/site/loader_parts.hh"
#include "core/site/option_value.hh"

#include <fmt/format.h>

namespace muster {
namespace {

/// What the key names; its type is empty when only its number is known.
struct NamedOption {
    std::uint8_t code = 0;
    std::string what;
    std::optional<DhcpOptionType> type;
};

std::optional<NamedOption> read_name(const YamlValue::Entry& entry, DhcpOptionFamily family) {
    const bool is6 = family == DhcpOptionFamily::dhcp6;
    const std::string_view protocol = is6 ? "DHCPv6" : "DHCP";
    const KnownDhcpOption* known = find_dhcp_option(entry.name, family);
    NamedOption option{.code = 0, .what = entry.name, .type = {}};
    if (known == nullptr) {
        const auto number = read_option_integer(entry.name);
        const bool digits = !entry.name.empty() && entry.name[0] >= '0' && entry.name[0] <= '9';
        if (!number && !digits) {
            entry.key.problem(fmt::format("unknown {} option '{}'{}", protocol, entry.name,
                                          suggestion(entry.name, dhcp_option_names(family))));
            return std::nullopt;
        }
        if (!number || *number < 0 || *number > UINT8_MAX) {
            entry.key.problem(fmt::format("'{}' is no number of a {} option, 1 to {}", entry.name,
                                          protocol, is6 ? 255 : 254));
            return std::nullopt;
        }
        option.code = static_cast<std::uint8_t>(*number);
        option.what = "option " + entry.name;
        known = find_dhcp_option(option.code, family);
    }
    if (known != nullptr) {
        option.code = known->code;
        option.type = known->type;
        if (!known->refusal.empty()) {
            entry.key.problem(fmt::format("option {} ({}) cannot be set: {}", known->code,
                                          known->name, known->refusal));
            return std::nullopt;
        }
    }
    return option;
}

} // namespace

DhcpOptionSet read_dhcp_options(const YamlValue& value, DhcpOptionFamily family) {
    constexpr std::uint8_t classless_routes = 121;
    constexpr std::uint8_t ms_classless_routes = 249;
    DhcpOptionSet set;
    for (const YamlValue::Entry& entry : value.entries("options")) {
        const auto option = read_name(entry, family);
        if (!option) {
            continue;
        }
        if (set.has(option->code)) {
            entry.key.problem(fmt::format("option {} is there twice", option->code));
            continue;
        }
        if (entry.value.is_null()) {
            set.set(option->code, {}); // none, whatever is set further out
            continue;
        }
        if (auto read = read_option_value(entry.value, option->what, option->type)) {
            set.set(option->code, std::move(read->octets), read->always);
        }
    }
    // Clients of Microsoft's used to ask for 249, which is written alike.
    if (const auto* const routes = set.find(classless_routes);
        family == DhcpOptionFamily::dhcp4 && routes != nullptr && !set.has(ms_classless_routes)) {
        set.set(ms_classless_routes, std::vector{routes->value});
    }
    return set;
}

} // namespace muster
