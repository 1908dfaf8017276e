// SPDX-License-Identifier: Apache-2.0
// The key `classes` of site.yaml: clients that have something in common.
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <charconv>

namespace muster {
namespace {

/// Reads `b8:27:eb`: one to six octets of two digits.
std::optional<MacPrefix> read_mac_prefix(std::string_view text) {
    MacPrefix prefix{.mac = {}, .size = 0};
    if (text.size() % 3 != 2) {
        return std::nullopt;
    }
    for (std::size_t at = 0; at < text.size(); at += 3) {
        std::uint8_t octet = 0;
        const char* const end = text.data() + at + 2;
        const auto [stop, error] = std::from_chars(text.data() + at, end, octet, 16);
        const bool separated = at + 2 == text.size() || text[at + 2] == ':' || text[at + 2] == '-';
        if (error != std::errc{} || stop != end || !separated ||
            prefix.size == prefix.mac.octets.size()) {
            return std::nullopt;
        }
        prefix.mac.octets[prefix.size++] = octet;
    }
    return prefix;
}

void read_patterns(const YamlMap& map, std::string_view key, std::vector<std::string>& patterns) {
    const auto* value = map.find(key);
    if (value == nullptr) {
        return;
    }
    for (const YamlValue& item : value->items_or_one(key)) {
        if (auto text = item.text(key)) {
            if (text->empty()) {
                item.problem(fmt::format("{} is empty", key));
            }
            patterns.push_back(std::move(*text));
        }
    }
}

void read_class_match(const YamlValue& value, ClientClass& into) {
    const YamlMap map{value, "match", {"architecture", "vendor-class", "user-class", "mac-prefix"}};
    if (const auto* archs = map.find("architecture")) {
        for (const YamlValue& item : archs->items_or_one("architecture")) {
            if (const auto arch = item.number("architecture", UINT16_MAX)) {
                into.architectures.push_back(static_cast<std::uint16_t>(*arch));
            }
        }
    }
    read_patterns(map, "vendor-class", into.vendor_classes);
    read_patterns(map, "user-class", into.user_classes);
    if (const auto* prefixes = map.find("mac-prefix")) {
        for (const YamlValue& item : prefixes->items_or_one("mac-prefix")) {
            const auto text = item.text("mac-prefix");
            const auto prefix = text ? read_mac_prefix(*text) : std::nullopt;
            if (prefix) {
                into.mac_prefixes.push_back(*prefix);
            } else if (text) {
                item.problem(fmt::format(
                    "mac-prefix '{}' is no beginning of a MAC address such as b8:27:eb", *text));
            }
        }
    }
    if (value.is_map() && !map.has("architecture") && !map.has("vendor-class") &&
        !map.has("user-class") && !map.has("mac-prefix")) {
        value.problem("match holds for every client: it has none of architecture, vendor-class, "
                      "user-class and mac-prefix");
    }
}

} // namespace

void read_classes_yaml(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue::Entry& entry : value.entries("classes")) {
        if (!is_plain_name(entry.name)) {
            entry.key.problem(fmt::format("'{}' is no name of a class (letters, digits, '.', '_' "
                                          "and '-')",
                                          entry.name));
        }
        if (draft.site.classes.size() == client_classes_max) {
            entry.key.problem(fmt::format("more than {} classes", client_classes_max));
            return;
        }
        ClientClass made;
        made.name = entry.name;
        const YamlMap map{entry.value, "class", {"match", "options", "options6", "loader"}};
        if (const auto* match = map.require("match")) {
            read_class_match(*match, made);
        }
        if (const auto* options = map.find("options")) {
            made.options = read_dhcp_options(*options);
        }
        if (const auto* options = map.find("options6")) {
            made.options6 = read_dhcp_options(*options, DhcpOptionFamily::dhcp6);
        }
        if (const auto* loader = map.find("loader")) {
            made.loader = read_loader_choice(*loader).value_or(LoaderChoice::automatic);
        }
        draft.site.classes.push_back(std::move(made));
    }
}

} // namespace muster
