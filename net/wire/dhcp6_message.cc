// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp6_message.hh"

namespace muster {

namespace {

constexpr std::uint16_t link_layer_ethernet = 1;
constexpr std::size_t duid_size_min = 3;
constexpr std::size_t label_size_max = 63;

struct Option {
    Dhcp6OptionCode code{};
    Bytes value;
};

Result<Option, Dhcp6Error> read_option(ByteReader& reader) noexcept {
    const auto code = reader.u16();
    const auto size = reader.u16();
    if (!code || !size) {
        return std::unexpected(Dhcp6Error::truncated_option);
    }
    const auto value = reader.take(*size);
    if (!value) {
        return std::unexpected(Dhcp6Error::truncated_option);
    }
    return Option{static_cast<Dhcp6OptionCode>(*code), *value};
}

Result<void, Dhcp6Error> set_duid(Bytes& target, Bytes value) noexcept {
    if (value.size() < duid_size_min || value.size() > duid_size_max) {
        return std::unexpected(Dhcp6Error::bad_duid);
    }
    if (target.empty()) {
        target = value;
    }
    return {};
}

/// Behind the enterprise number that options 16 and 37 begin with.
Result<void, Dhcp6Error> set_behind_enterprise(Bytes& target, Bytes value) noexcept {
    if (value.size() < sizeof(std::uint32_t)) {
        return std::unexpected(Dhcp6Error::bad_option_length);
    }
    if (target.empty()) {
        target = value.subspan(sizeof(std::uint32_t));
    }
    return {};
}

/// IA_NA and IA_PD have T1 and T2 behind the IAID, IA_TA has not.
Result<void, Dhcp6Error> read_ia(const Option& option, Dhcp6Message& message) noexcept {
    Dhcp6Ia ia;
    ia.kind = option.code;
    ByteReader reader{option.value};
    const auto iaid = reader.u32();
    const std::size_t times = option.code == Dhcp6OptionCode::ia_ta ? 0 : 8;
    if (!iaid || !reader.skip(times)) {
        return std::unexpected(Dhcp6Error::bad_option_length);
    }
    ia.iaid = *iaid;
    while (!reader.empty()) {
        MUSTER_TRY(inner, read_option(reader));
        if (inner.code != Dhcp6OptionCode::ia_address) {
            continue;
        }
        ByteReader fields{inner.value};
        const auto address = fields.octets<16>();
        if (!address || !fields.skip(8)) { // preferred and valid lifetime: the server's to say
            return std::unexpected(Dhcp6Error::bad_option_length);
        }
        if (ia.address_count < ia.addresses.size()) {
            ia.addresses[ia.address_count++] = Ipv6Address{*address};
        }
    }
    if (message.ia_count < message.ias.size()) {
        message.ias[message.ia_count++] = ia;
    }
    return {};
}

Result<void, Dhcp6Error> take_option(const Option& option, Dhcp6Message& message) noexcept {
    const auto keep = [&option](Bytes& target) {
        if (target.empty()) {
            target = option.value;
        }
    };
    switch (option.code) {
    case Dhcp6OptionCode::client_id:
        return set_duid(message.client_id, option.value);
    case Dhcp6OptionCode::server_id:
        return set_duid(message.server_id, option.value);
    case Dhcp6OptionCode::ia_na:
    case Dhcp6OptionCode::ia_ta:
    case Dhcp6OptionCode::ia_pd:
        return read_ia(option, message);
    case Dhcp6OptionCode::option_request:
        if (option.value.size() % 2 != 0) {
            return std::unexpected(Dhcp6Error::bad_option_length);
        }
        keep(message.option_request);
        break;
    case Dhcp6OptionCode::client_arch:
        if (option.value.empty() || option.value.size() % 2 != 0) { // RFC 5970 section 3.3
            return std::unexpected(Dhcp6Error::bad_option_length);
        }
        keep(message.archs);
        break;
    case Dhcp6OptionCode::client_interface:
        if (option.value.size() != 3) { // RFC 5970 section 3.4
            return std::unexpected(Dhcp6Error::bad_option_length);
        }
        keep(message.client_interface);
        break;
    case Dhcp6OptionCode::rapid_commit:
        if (!option.value.empty()) {
            return std::unexpected(Dhcp6Error::bad_option_length);
        }
        message.rapid_commit = true;
        break;
    case Dhcp6OptionCode::user_class:
        keep(message.user_class);
        break;
    case Dhcp6OptionCode::vendor_class:
        return set_behind_enterprise(message.vendor_class, option.value);
    case Dhcp6OptionCode::client_fqdn:
        keep(message.client_fqdn);
        break;
    default: // codes are the client's: most mean nothing here
        break;
    }
    return {};
}

Result<void, Dhcp6Error> read_client_message(ByteReader reader, Dhcp6Message& message) noexcept {
    const auto head = reader.u32();
    if (!head) {
        return std::unexpected(Dhcp6Error::truncated_header);
    }
    message.type = static_cast<Dhcp6MessageType>(*head >> 24U);
    message.xid = *head & 0xFFFFFFU;
    while (!reader.empty()) {
        MUSTER_TRY(option, read_option(reader));
        if (auto taken = take_option(option, message); !taken) {
            return taken;
        }
    }
    return {};
}

std::optional<MacAddress> read_link_layer(Bytes value) noexcept {
    ByteReader reader{value};
    const auto type = reader.u16();
    if (!type || *type != link_layer_ethernet || reader.remaining() != 6) {
        return std::nullopt; // of another kind of link
    }
    return MacAddress{*reader.octets<6>()};
}

/// One RELAY-FORW; returns what it carries.
Result<Bytes, Dhcp6Error> read_hop(ByteReader reader, Dhcp6Hop& hop) noexcept {
    const bool type = reader.skip(1);
    const auto count = reader.u8();
    const auto link = reader.octets<16>();
    const auto peer = reader.octets<16>();
    if (!type || !count || !link || !peer) {
        return std::unexpected(Dhcp6Error::truncated_header);
    }
    hop.hop_count = *count;
    hop.link = Ipv6Address{*link};
    hop.peer = Ipv6Address{*peer};
    std::optional<Bytes> inner;
    while (!reader.empty()) {
        MUSTER_TRY(option, read_option(reader));
        if (option.code == Dhcp6OptionCode::relay_message && !inner) {
            inner = option.value;
        } else if (option.code == Dhcp6OptionCode::interface_id && !hop.interface_id) {
            hop.interface_id = option.value;
        } else if (option.code == Dhcp6OptionCode::client_link_layer && !hop.client) {
            hop.client = read_link_layer(option.value);
        } else if (option.code == Dhcp6OptionCode::remote_id) {
            if (auto set = set_behind_enterprise(hop.remote_id, option.value); !set) {
                return std::unexpected(set.error());
            }
        }
    }
    return inner ? Result<Bytes, Dhcp6Error>{*inner}
                 : std::unexpected(Dhcp6Error::missing_relay_message);
}

constexpr bool is_of_servers(Dhcp6MessageType type) noexcept {
    return type == Dhcp6MessageType::advertise || type == Dhcp6MessageType::reply ||
           type == Dhcp6MessageType::reconfigure || type == Dhcp6MessageType::relay_reply;
}

} // namespace

bool Dhcp6Message::asks_for(Dhcp6OptionCode code) const noexcept {
    ByteReader reader{option_request};
    while (const auto asked = reader.u16()) {
        if (*asked == static_cast<std::uint16_t>(code)) {
            return true;
        }
    }
    return false;
}

Result<void, Dhcp6Error> read_dhcp6_message(Bytes datagram, Dhcp6Message& message) noexcept {
    message = {};
    Bytes bytes = datagram;
    for (;;) {
        if (bytes.empty()) {
            return std::unexpected(Dhcp6Error::truncated_header);
        }
        const auto type = std::to_integer<std::uint8_t>(bytes.front());
        if (type < static_cast<std::uint8_t>(Dhcp6MessageType::solicit) ||
            type > static_cast<std::uint8_t>(Dhcp6MessageType::relay_reply)) {
            return std::unexpected(Dhcp6Error::unknown_type);
        }
        if (message.relayed() && is_of_servers(static_cast<Dhcp6MessageType>(type))) {
            return std::unexpected(Dhcp6Error::relayed_reply);
        }
        if (static_cast<Dhcp6MessageType>(type) == Dhcp6MessageType::relay_reply) {
            message.type = Dhcp6MessageType::relay_reply; // another server's: nothing to read
            return {};
        }
        if (static_cast<Dhcp6MessageType>(type) != Dhcp6MessageType::relay_forward) {
            return read_client_message(ByteReader{bytes}, message);
        }
        if (message.hop_count == message.hops.size()) {
            return std::unexpected(Dhcp6Error::too_many_relays);
        }
        MUSTER_TRY(inner, read_hop(ByteReader{bytes}, message.hops[message.hop_count]));
        ++message.hop_count;
        bytes = inner;
    }
}

Dhcp6Writer::Dhcp6Writer(MutableBytes buffer, Dhcp6MessageType type,
                         const Dhcp6Message& request) noexcept
    : writer_(buffer) {
    for (std::size_t i = 0; i < request.hop_count; ++i) {
        const Dhcp6Hop& hop = request.hops[i];
        writer_.u8(static_cast<std::uint8_t>(Dhcp6MessageType::relay_reply));
        writer_.u8(hop.hop_count);
        writer_.octets(hop.link.octets);
        writer_.octets(hop.peer.octets);
        if (hop.interface_id) {
            option(Dhcp6OptionCode::interface_id, *hop.interface_id);
        }
        hops_[hop_count_++] = begin_option(Dhcp6OptionCode::relay_message);
    }
    writer_.u32(static_cast<std::uint32_t>(type) << 24U | request.xid);
}

Dhcp6Writer::Nested Dhcp6Writer::begin_option(Dhcp6OptionCode code) noexcept {
    writer_.u16(static_cast<std::uint16_t>(code));
    const Nested nested{writer_.size()};
    writer_.u16(0);
    return nested;
}

void Dhcp6Writer::end_option(Nested nested) noexcept {
    if (!writer_.overflow()) {
        writer_.patch_u16(nested.length_at,
                          static_cast<std::uint16_t>(writer_.size() - nested.length_at - 2));
    }
}

void Dhcp6Writer::option(Dhcp6OptionCode code, Bytes value) noexcept {
    const Nested nested = begin_option(code);
    writer_.put(value);
    end_option(nested);
}

void Dhcp6Writer::option_u8(Dhcp6OptionCode code, std::uint8_t value) noexcept {
    const Nested nested = begin_option(code);
    writer_.u8(value);
    end_option(nested);
}

void Dhcp6Writer::option_u32(Dhcp6OptionCode code, std::uint32_t value) noexcept {
    const Nested nested = begin_option(code);
    writer_.u32(value);
    end_option(nested);
}

void Dhcp6Writer::option_text(Dhcp6OptionCode code, std::string_view text) noexcept {
    option(code, as_bytes(text));
}

void Dhcp6Writer::option_addresses(Dhcp6OptionCode code,
                                   std::span<const Ipv6Address> addresses) noexcept {
    const Nested nested = begin_option(code);
    for (const Ipv6Address& address : addresses) {
        writer_.octets(address.octets);
    }
    end_option(nested);
}

void Dhcp6Writer::option_domain(Dhcp6OptionCode code, std::string_view domain) noexcept {
    const Nested nested = begin_option(code);
    for (std::string_view rest = domain; !rest.empty();) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        rest = rest.substr(std::min(rest.size(), label.size() + 1));
        if (!label.empty() && label.size() <= label_size_max) {
            writer_.u8(static_cast<std::uint8_t>(label.size()));
            writer_.text(label);
        }
    }
    writer_.u8(0);
    end_option(nested);
}

void Dhcp6Writer::status(Dhcp6Status status, std::string_view text) noexcept {
    const Nested nested = begin_option(Dhcp6OptionCode::status_code);
    writer_.u16(static_cast<std::uint16_t>(status));
    writer_.text(text);
    end_option(nested);
}

void Dhcp6Writer::vendor_class(std::uint32_t enterprise, std::string_view text) noexcept {
    const Nested nested = begin_option(Dhcp6OptionCode::vendor_class);
    writer_.u32(enterprise);
    writer_.u16(static_cast<std::uint16_t>(text.size()));
    writer_.text(text);
    end_option(nested);
}

Dhcp6Writer::Nested Dhcp6Writer::begin_ia(const Dhcp6Ia& ia, std::uint32_t t1_s,
                                          std::uint32_t t2_s) noexcept {
    const Nested nested = begin_option(ia.kind);
    writer_.u32(ia.iaid);
    if (ia.kind != Dhcp6OptionCode::ia_ta) {
        writer_.u32(t1_s);
        writer_.u32(t2_s);
    }
    return nested;
}

void Dhcp6Writer::ia_address(const Ipv6Address& address, std::uint32_t preferred_s,
                             std::uint32_t valid_s) noexcept {
    const Nested nested = begin_option(Dhcp6OptionCode::ia_address);
    writer_.octets(address.octets);
    writer_.u32(preferred_s);
    writer_.u32(valid_s);
    end_option(nested);
}

std::size_t Dhcp6Writer::finish() noexcept {
    while (hop_count_ > 0) {
        end_option(hops_[--hop_count_]);
    }
    return writer_.overflow() ? 0 : writer_.size();
}

} // namespace muster
