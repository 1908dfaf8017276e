// SPDX-License-Identifier: Apache-2.0
#include "core/site/option_value.hh"

#include "core/site/scalar.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace muster {
namespace {

using Octets = std::vector<std::byte>;

/// Offsets that a compression pointer can name (RFC 1035 section 4.1.4).
constexpr std::size_t pointer_max = 0x3FFF;
/// The longest domain name (RFC 1035 section 2.3.4).
constexpr std::size_t domain_size_max = 253;

void put(Octets& out, std::uint64_t number, unsigned size) {
    for (unsigned i = size; i-- > 0;) {
        out.push_back(static_cast<std::byte>(number >> (8 * i)));
    }
}

void put(Octets& out, const Ipv4Address& address) {
    put(out, to_number(address), sizeof(address));
}

void put(Octets& out, std::string_view text) {
    const Bytes bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

bool encode_number(const YamlValue& value, std::string_view what, std::int64_t min,
                   std::int64_t max, unsigned size, Octets& out) {
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    const auto number = read_option_integer(*text);
    if (!number || *number < min || *number > max) {
        value.problem(fmt::format("{} '{}' is no number from {} to {}", what, *text, min, max));
        return false;
    }
    put(out, static_cast<std::uint64_t>(*number), size);
    return true;
}

bool encode_address(const YamlValue& value, std::string_view what, Octets& out) {
    const auto address = value.address(what);
    if (address) {
        put(out, *address);
    }
    return address.has_value();
}

/// `10.1.0.5 10.0.0.1`: a destination and a router, or an address and a mask.
bool encode_address_pair(const YamlValue& value, std::string_view what, Octets& out) {
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    const std::size_t space = text->find(' ');
    const auto first = read_ipv4_address(std::string_view{*text}.substr(0, space));
    const auto second = space == std::string::npos
                            ? std::nullopt
                            : read_ipv4_address(std::string_view{*text}.substr(space + 1));
    if (!first || !second) {
        value.problem(fmt::format("{} '{}' is no pair of addresses such as '10.1.0.5 10.0.0.1'",
                                  what, *text));
        return false;
    }
    put(out, *first);
    put(out, *second);
    return true;
}

/// RFC 3442: the length of the prefix, its octets without the trailing zero ones, the router.
bool encode_route(const YamlValue& value, std::string_view what, Octets& out) {
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    constexpr std::string_view via = " via ";
    const std::size_t split = text->find(via);
    const std::string_view to = std::string_view{*text}.substr(0, split);
    const auto subnet = to == "default" ? std::optional{Subnet{{}, 0}} : read_subnet(to);
    const auto router = split == std::string::npos
                            ? std::nullopt
                            : read_ipv4_address(std::string_view{*text}.substr(split + via.size()));
    if (!subnet || !router) {
        value.problem(
            fmt::format("{} '{}' is no route such as '10.9.0.0/16 via 10.0.0.254'", what, *text));
        return false;
    }
    put(out, subnet->prefix_length, 1);
    const unsigned significant = (subnet->prefix_length + 7U) / 8U;
    put(out, to_number(subnet->network) >> (32 - 8 * significant) % 32, significant);
    put(out, *router);
    return true;
}

/// RFC 3397 section 2: names as in DNS, one behind the other, compressed over the whole value.
class DomainEncoder {
public:
    bool add(const YamlValue& value, std::string_view what, Octets& out) {
        const auto text = value.text(what);
        if (!text) {
            return false;
        }
        std::string_view rest = *text;
        if (rest.ends_with('.')) {
            rest.remove_suffix(1); // the root, said
        }
        if (!is_host_name(rest, domain_size_max)) {
            value.problem(fmt::format("{} '{}' is no domain name", what, *text));
            return false;
        }
        while (!rest.empty()) {
            if (const auto before = offsets_.find(std::string{rest}); before != offsets_.end()) {
                put(out, 0xC000U | before->second, 2);
                return true;
            }
            if (out.size() <= pointer_max) {
                offsets_.emplace(rest, out.size());
            }
            const std::string_view label = rest.substr(0, rest.find('.'));
            put(out, label.size(), 1);
            put(out, label);
            rest.remove_prefix(std::min(rest.size(), label.size() + 1));
        }
        put(out, 0, 1);
        return true;
    }

private:
    std::map<std::string, std::size_t> offsets_; ///< of each ending that was written
};

std::optional<Octets> encode(const YamlValue& value, std::string_view what, DhcpOptionType type);

/// A value of a type that nothing is known of: `0x…`, or `{type: …, value: …}`.
std::optional<Octets> encode_untyped(const YamlValue& value, std::string_view what);

bool encode_sub_option(const YamlValue::Entry& entry, std::string_view what, Octets& out) {
    const auto code = read_option_integer(entry.name);
    if (!code || *code < 1 || *code > 254) {
        entry.key.problem(fmt::format("'{}' is no number of a sub-option, 1 to 254", entry.name));
        return false;
    }
    const auto sub = encode_untyped(entry.value, fmt::format("{} {}", what, *code));
    if (!sub) {
        return false;
    }
    if (sub->size() > UINT8_MAX) {
        entry.value.problem(fmt::format("{} {} is longer than 255 bytes", what, *code));
        return false;
    }
    put(out, static_cast<std::uint64_t>(*code), 1);
    put(out, sub->size(), 1);
    out.insert(out.end(), sub->begin(), sub->end());
    return true;
}

bool encode_text(const YamlValue& value, std::string_view what, Octets& out) {
    const auto text = value.text(what);
    if (text) {
        put(out, *text);
    }
    return text.has_value();
}

bool encode_hex(const YamlValue& value, std::string_view what, Octets& out) {
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    const auto bytes = read_hex(*text);
    if (!bytes) {
        value.problem(fmt::format("{} '{}' is no hexadecimal value such as 0x0a00fe", what, *text));
        return false;
    }
    put(out, *bytes);
    return true;
}

bool encode_address6(const YamlValue& value, std::string_view what, Octets& out) {
    const auto address = value.address6(what);
    if (address) {
        for (const std::uint8_t octet : address->octets) {
            put(out, octet, 1);
        }
    }
    return address.has_value();
}

/// A domain name as labels, without compression (RFC 8415 section 10).
bool encode_name(const YamlValue& value, std::string_view what, Octets& out) {
    DomainEncoder alone; // knows no other name that it could point into
    Octets name;
    const bool good = alone.add(value, what, name);
    out.insert(out.end(), name.begin(), name.end());
    return good;
}

/// RFC 5970 section 3.2.
bool encode_counted_text(const YamlValue& value, std::string_view what, Octets& out) {
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    put(out, text->size(), 2); // dhcp_option_value_max is far below what two octets count
    put(out, *text);
    return true;
}

/// RFC 5908 section 4: one sub-option a server, by unicast address, multicast address or name.
bool encode_ntp_server(const YamlValue& value, std::string_view what, Octets& out) {
    enum : unsigned { unicast = 1, multicast = 2, host = 3 };
    const auto text = value.text(what);
    if (!text) {
        return false;
    }
    Octets inner;
    unsigned kind = host;
    if (const auto address = read_ipv6_address(*text)) {
        kind = address->is_multicast() ? multicast : unicast;
        if (kind == multicast) { // RFC 5908 section 4.2: here a group is a server's address
            for (const std::uint8_t octet : address->octets) {
                put(inner, octet, 1);
            }
        } else if (!encode_address6(value, what, inner)) {
            return false;
        }
    } else if (read_ipv4_address(*text) || text->find(':') != std::string::npos) {
        value.problem(fmt::format("{} '{}' is neither an IPv6 address nor a name", what, *text));
        return false;
    } else if (!encode_name(value, what, inner)) {
        return false;
    }
    put(out, kind, 2);
    put(out, inner.size(), 2);
    out.insert(out.end(), inner.begin(), inner.end());
    return true;
}

/// RFC 8415 section 21.17: the maker's number, then its sub-options.
bool encode_enterprise(const YamlValue& value, std::string_view what, Octets& out) {
    const auto makers = value.entries(what);
    if (!value.is_map() || makers.size() != 1) {
        if (value.is_map()) {
            value.problem(fmt::format("{} is of one enterprise: {{NUMBER: {{1: …}}}}", what));
        }
        return false;
    }
    const YamlValue::Entry& maker = makers.front();
    const auto number = read_option_integer(maker.name);
    if (!number || *number < 0 || *number > UINT32_MAX) {
        maker.key.problem(fmt::format("'{}' is no number of an enterprise", maker.name));
        return false;
    }
    put(out, static_cast<std::uint64_t>(*number), 4);
    bool good = maker.value.is_map();
    for (const YamlValue::Entry& entry : maker.value.entries(what)) {
        const auto code = read_option_integer(entry.name);
        if (!code || *code < 0 || *code > UINT16_MAX) {
            entry.key.problem(fmt::format("'{}' is no number of a sub-option", entry.name));
            good = false;
        } else if (const auto sub =
                       encode_untyped(entry.value, fmt::format("{} {}", what, *code))) {
            put(out, static_cast<std::uint64_t>(*code), 2);
            put(out, sub->size(), 2);
            out.insert(out.end(), sub->begin(), sub->end());
        } else {
            good = false;
        }
    }
    return good;
}

/// Every item of a list, or the value itself as the only one.
template <class EncodeItem>
bool encode_each(const YamlValue& value, std::string_view what, EncodeItem encode_item) {
    bool good = true;
    for (const YamlValue& item : value.items_or_one(what)) {
        good = encode_item(item) && good;
    }
    return good && (value.is_list() || value.is_scalar());
}

bool encode_typed(const YamlValue& value, std::string_view what, DhcpOptionType type, Octets& out) {
    switch (type) {
    case DhcpOptionType::address:
        return encode_address(value, what, out);
    case DhcpOptionType::addresses:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_address(item, what, out); });
    case DhcpOptionType::address_pairs:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_address_pair(item, what, out); });
    case DhcpOptionType::text:
        return encode_text(value, what, out);
    case DhcpOptionType::u8:
        return encode_number(value, what, 0, UINT8_MAX, 1, out);
    case DhcpOptionType::u16:
        return encode_number(value, what, 0, UINT16_MAX, 2, out);
    case DhcpOptionType::u32:
        return encode_number(value, what, 0, UINT32_MAX, 4, out);
    case DhcpOptionType::i32:
        return encode_number(value, what, INT32_MIN, INT32_MAX, 4, out);
    case DhcpOptionType::u16_list:
        return encode_each(value, what, [&](const auto& item) {
            return encode_number(item, what, 0, UINT16_MAX, 2, out);
        });
    case DhcpOptionType::boolean: {
        const auto truth = value.boolean(what);
        put(out, truth.value_or(false) ? 1 : 0, 1);
        return truth.has_value();
    }
    case DhcpOptionType::domains: {
        DomainEncoder domains;
        return encode_each(value, what,
                           [&](const auto& item) { return domains.add(item, what, out); });
    }
    case DhcpOptionType::routes:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_route(item, what, out); });
    case DhcpOptionType::sub_options: {
        bool good = value.is_map();
        for (const YamlValue::Entry& entry : value.entries(what)) {
            good = encode_sub_option(entry, what, out) && good;
        }
        return good;
    }
    case DhcpOptionType::hex:
        return encode_hex(value, what, out);
    case DhcpOptionType::addresses6:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_address6(item, what, out); });
    case DhcpOptionType::names:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_name(item, what, out); });
    case DhcpOptionType::texts:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_counted_text(item, what, out); });
    case DhcpOptionType::ntp_servers:
        return encode_each(value, what,
                           [&](const auto& item) { return encode_ntp_server(item, what, out); });
    case DhcpOptionType::enterprise:
        return encode_enterprise(value, what, out);
    }
    __builtin_unreachable();
}

std::optional<Octets> encode(const YamlValue& value, std::string_view what, DhcpOptionType type) {
    Octets out;
    // Whatever the type, bytes can be given as they are; only in a number and in a text does
    // `0x` mean something else.
    const bool number = type == DhcpOptionType::u8 || type == DhcpOptionType::u16 ||
                        type == DhcpOptionType::u32 || type == DhcpOptionType::i32;
    const bool raw = !number && type != DhcpOptionType::text && type != DhcpOptionType::texts &&
                     value.begins_with("0x");
    if (!encode_typed(value, what, raw ? DhcpOptionType::hex : type, out)) {
        return std::nullopt;
    }
    if (out.size() > dhcp_option_value_max) {
        value.problem(fmt::format("{} is {} bytes long; {} are possible", what, out.size(),
                                  dhcp_option_value_max));
        return std::nullopt;
    }
    return out;
}

std::optional<DhcpOptionType> read_type(const YamlValue& value) {
    const auto text = value.text("type");
    if (!text) {
        return std::nullopt;
    }
    std::vector<std::string_view> names;
    for (const DhcpOptionType type : dhcp_option_types()) {
        if (to_text(type) == *text) {
            return type;
        }
        names.push_back(to_text(type));
    }
    value.problem(fmt::format("unknown type '{}'{}", *text, suggestion(*text, names)));
    return std::nullopt;
}

/// `{value: …}`, perhaps with `type` and `always`; a mapping of numbers is none.
bool is_long_form(const YamlValue& value) {
    return value.is_map() && (value.has_key("value") || value.has_key("type"));
}

struct LongForm {
    const YamlValue* value = nullptr;
    std::optional<DhcpOptionType> type;
    bool always = false;
    bool good = false;
};

LongForm read_long_form(const YamlMap& map, std::optional<DhcpOptionType> type) {
    LongForm form{.type = type};
    form.value = map.require("value");
    form.good = form.value != nullptr;
    if (const auto* named = map.find("type")) {
        form.type = read_type(*named);
        form.good = form.good && form.type.has_value();
    }
    if (const auto* always = map.find("always")) {
        form.always = always->boolean("always").value_or(false);
    }
    return form;
}

std::optional<Octets> encode_untyped(const YamlValue& value, std::string_view what) {
    if (is_long_form(value)) {
        const YamlMap map{value, what, {"value", "type"}};
        const LongForm form = read_long_form(map, std::nullopt);
        return form.good && form.type ? encode(*form.value, what, *form.type)
               : form.good            ? encode_untyped(*form.value, what)
                                      : std::nullopt;
    }
    if (value.begins_with("0x")) {
        return encode(value, what, DhcpOptionType::hex);
    }
    std::vector<std::string_view> names;
    for (const DhcpOptionType type : dhcp_option_types()) {
        names.push_back(to_text(type));
    }
    value.problem(fmt::format("the type of {} is not known: write 0x… in hexadecimal digits, or "
                              "{{type: TYPE, value: …}} with one of {}",
                              what, fmt::join(names, ", ")));
    return std::nullopt;
}

} // namespace

std::optional<std::int64_t> read_option_integer(std::string_view text) {
    const bool hex = text.starts_with("0x");
    const std::string_view digits = hex ? text.substr(2) : text;
    std::int64_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    return whole && !(hex && number < 0) ? std::optional{number} : std::nullopt;
}

std::optional<OptionValue> read_option_value(const YamlValue& value, std::string_view what,
                                             std::optional<DhcpOptionType> type) {
    OptionValue option;
    std::optional<Octets> octets;
    if (is_long_form(value)) {
        const YamlMap map{value, what, {"value", "type", "always"}};
        const LongForm form = read_long_form(map, type);
        option.always = form.always;
        if (form.good) {
            octets = form.type ? encode(*form.value, what, *form.type)
                               : encode_untyped(*form.value, what);
        }
    } else {
        octets = type ? encode(value, what, *type) : encode_untyped(value, what);
    }
    if (!octets) {
        return std::nullopt;
    }
    option.octets = std::move(*octets);
    return option;
}

} // namespace muster
