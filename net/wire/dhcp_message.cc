// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp_message.hh"

#include <algorithm>

namespace muster {

namespace {

constexpr std::uint8_t hardware_ethernet = 1;
constexpr std::uint32_t magic_cookie = 0x63825363;
constexpr std::size_t sname_offset = 44;
constexpr std::size_t sname_size = 64;
constexpr std::size_t file_offset = 108;
constexpr std::size_t file_size = 128;

/// Bits of option 52 (RFC 2132 section 9.3).
constexpr std::uint8_t overload_file = 1;
constexpr std::uint8_t overload_sname = 2;

std::string_view text_field(Bytes field) noexcept {
    const std::string_view all = as_text(field);
    return all.substr(0, all.find('\0'));
}

void put_text_field(ByteWriter& writer, std::string_view text, std::size_t size) noexcept {
    const std::string_view kept = text.substr(0, size - 1); // the field ends in a NUL
    writer.text(kept);
    writer.zeros(size - kept.size());
}

bool is_group_or_zero(const MacAddress& mac) noexcept {
    return mac.is_zero() || (mac.octets[0] & 1U) != 0;
}

Result<void, DhcpError> read_header(Bytes datagram, DhcpHeader& header) noexcept {
    if (datagram.size() < dhcp_fixed_size) {
        return std::unexpected(DhcpError::truncated_header);
    }
    if (datagram.size() > dhcp_datagram_size_max) {
        return std::unexpected(DhcpError::oversized);
    }
    ByteReader reader{datagram}; // the size is checked: no take below can fail
    header.op = reader.u8().value_or(0);
    const auto htype = reader.u8().value_or(0);
    const auto hlen = reader.u8().value_or(0);
    header.hops = reader.u8().value_or(0);
    header.xid = reader.u32().value_or(0);
    header.secs = reader.u16().value_or(0);
    header.flags = reader.u16().value_or(0);
    for (Ipv4Address* address : {&header.ciaddr, &header.yiaddr, &header.siaddr, &header.giaddr}) {
        address->octets = reader.octets<4>().value_or(std::array<std::uint8_t, 4>{});
    }
    header.chaddr = reader.octets<16>().value_or(std::array<std::uint8_t, 16>{});
    header.sname = text_field(datagram.subspan(sname_offset, sname_size));
    header.file = text_field(datagram.subspan(file_offset, file_size));
    if (header.op != dhcp_boot_request && header.op != dhcp_boot_reply) {
        return std::unexpected(DhcpError::bad_op);
    }
    if (htype != hardware_ethernet) {
        return std::unexpected(DhcpError::bad_hardware_type);
    }
    if (hlen != sizeof(MacAddress)) {
        return std::unexpected(DhcpError::bad_hardware_length);
    }
    if (is_group_or_zero(header.mac())) {
        return std::unexpected(DhcpError::bad_hardware_address);
    }
    ByteReader cookie{datagram.subspan(dhcp_fixed_size - sizeof(magic_cookie))};
    if (cookie.u32() != magic_cookie) {
        return std::unexpected(DhcpError::bad_magic_cookie);
    }
    return {};
}

} // namespace

std::optional<Bytes> DhcpMessage::find(DhcpOptionCode code) const noexcept {
    const Entry& entry = entries_[static_cast<std::uint8_t>(code)];
    if (entry.count == 0) {
        return std::nullopt;
    }
    const Bytes from = entry.count == 1 ? datagram_ : Bytes{joined_};
    return from.subspan(entry.offset, entry.size);
}

std::optional<Ipv4Address> DhcpMessage::address(DhcpOptionCode code) const noexcept {
    const auto value = find(code);
    if (!value || value->size() != sizeof(Ipv4Address)) {
        return std::nullopt;
    }
    ByteReader reader{*value};
    return Ipv4Address{reader.octets<4>().value_or(std::array<std::uint8_t, 4>{})};
}

std::optional<std::uint16_t> DhcpMessage::u16(DhcpOptionCode code) const noexcept {
    const auto value = find(code);
    if (!value || value->size() != sizeof(std::uint16_t)) {
        return std::nullopt;
    }
    return ByteReader{*value}.u16();
}

Result<void, DhcpError> DhcpMessage::scan(Bytes field) noexcept {
    ByteReader reader{field};
    for (;;) {
        MUSTER_TRY(option, read_dhcp_option(reader));
        if (!option) {
            return {};
        }
        Entry& entry = entries_[static_cast<std::uint8_t>(option->code)];
        if (entry.count == 0) {
            entry.offset = static_cast<std::uint16_t>(option->value.data() - datagram_.data());
        }
        entry.size = static_cast<std::uint16_t>(entry.size + option->value.size());
        ++entry.count;
    }
}

/// Appends the instances in `field` of options that occur more than once. Their entries' offsets
/// serve as write positions meanwhile.
void DhcpMessage::join(Bytes field) noexcept {
    ByteReader reader{field};
    for (;;) {
        const auto option = read_dhcp_option(reader);
        if (!option || !*option) {
            return; // scan() accepted the field: this is its end
        }
        Entry& entry = entries_[static_cast<std::uint8_t>((*option)->code)];
        const Bytes value = (*option)->value;
        if (entry.count > 1) {
            std::copy(value.begin(), value.end(), joined_.begin() + entry.offset);
            entry.offset = static_cast<std::uint16_t>(entry.offset + value.size());
        }
    }
}

Result<void, DhcpError> DhcpMessage::find_options(Bytes datagram) noexcept {
    datagram_ = datagram;
    entries_.fill({});
    std::array<Bytes, 3> fields{datagram.subspan(dhcp_fixed_size)};
    std::size_t field_count = 1;
    if (const auto scanned = scan(fields[0]); !scanned) {
        return scanned;
    }
    if (const auto overload = find(DhcpOptionCode::overload)) {
        const auto bits = overload->size() == 1 ? std::to_integer<std::uint8_t>((*overload)[0]) : 0;
        if (bits == 0 || bits > (overload_file | overload_sname)) {
            return std::unexpected(DhcpError::bad_overload);
        }
        if ((bits & overload_file) != 0) {
            fields[field_count++] = datagram.subspan(file_offset, file_size);
            header.file = {};
        }
        if ((bits & overload_sname) != 0) {
            fields[field_count++] = datagram.subspan(sname_offset, sname_size);
            header.sname = {};
        }
        for (std::size_t i = 1; i < field_count; ++i) {
            if (const auto scanned = scan(fields[i]); !scanned) {
                return scanned;
            }
        }
    }
    // Values of options that were split get places one behind the other; their sum is below the
    // datagram's size, so it fits joined_.
    std::size_t end = 0;
    for (Entry& entry : entries_) {
        if (entry.count > 1) {
            entry.offset = static_cast<std::uint16_t>(end);
            end += entry.size;
        }
    }
    if (end == 0) {
        return {};
    }
    for (std::size_t i = 0; i < field_count; ++i) {
        join(fields[i]);
    }
    for (Entry& entry : entries_) {
        if (entry.count > 1) {
            entry.offset = static_cast<std::uint16_t>(entry.offset - entry.size);
        }
    }
    return {};
}

Result<void, DhcpError> read_dhcp_message(Bytes datagram, DhcpMessage& message) noexcept {
    if (const auto read = read_header(datagram, message.header); !read) {
        return read;
    }
    if (const auto found = message.find_options(datagram); !found) {
        return found;
    }
    message.type = {};
    if (const auto type = message.find(DhcpOptionCode::message_type)) {
        const auto value = type->size() == 1 ? std::to_integer<std::uint8_t>((*type)[0]) : 0;
        if (value < static_cast<std::uint8_t>(DhcpMessageType::discover) ||
            value > static_cast<std::uint8_t>(DhcpMessageType::inform)) {
            return std::unexpected(DhcpError::bad_message_type);
        }
        message.type = static_cast<DhcpMessageType>(value);
    } else if (message.header.op != dhcp_boot_request) {
        return std::unexpected(DhcpError::missing_message_type);
    }
    for (const auto code : {DhcpOptionCode::requested_address, DhcpOptionCode::server_identifier}) {
        if (message.has(code) && !message.address(code)) {
            return std::unexpected(DhcpError::bad_option_length);
        }
    }
    return {};
}

DhcpWriter::DhcpWriter(MutableBytes buffer, const DhcpHeader& header, std::size_t size_max,
                       std::optional<DhcpOption> last) noexcept
    : writer_(buffer), limit_(std::min(size_max, buffer.size())), reserved_(1), last_(last) {
    if (last_ && last_->value.size() <= UINT8_MAX) {
        reserved_ += 2 + last_->value.size();
    } else {
        last_.reset();
    }
    writer_.u8(header.op);
    writer_.u8(hardware_ethernet);
    writer_.u8(sizeof(MacAddress));
    writer_.u8(header.hops);
    writer_.u32(header.xid);
    writer_.u16(header.secs);
    writer_.u16(header.flags);
    for (const Ipv4Address& address :
         {header.ciaddr, header.yiaddr, header.siaddr, header.giaddr}) {
        writer_.octets(address.octets);
    }
    writer_.octets(header.chaddr);
    put_text_field(writer_, header.sname, sname_size);
    put_text_field(writer_, header.file, file_size);
    writer_.u32(magic_cookie);
}

bool DhcpWriter::begin(DhcpOptionCode code, std::size_t size) noexcept {
    if (size > UINT8_MAX || writer_.size() + 2 + size + reserved_ > limit_) {
        return false;
    }
    writer_.u8(static_cast<std::uint8_t>(code));
    writer_.u8(static_cast<std::uint8_t>(size));
    return true;
}

bool DhcpWriter::option(DhcpOptionCode code, Bytes value) noexcept {
    if (!begin(code, value.size())) {
        return false;
    }
    writer_.put(value);
    return true;
}

bool DhcpWriter::option_in_parts(DhcpOptionCode code, Bytes value) noexcept {
    const std::size_t parts = (value.size() + UINT8_MAX - 1) / UINT8_MAX;
    if (room() < value.size() + 2 * parts) {
        return false;
    }
    while (!value.empty()) {
        const Bytes part = value.first(std::min<std::size_t>(value.size(), UINT8_MAX));
        option(code, part);
        value = value.subspan(part.size());
    }
    return true;
}

bool DhcpWriter::option(DhcpOptionCode code, const Ipv4Address& address) noexcept {
    if (!begin(code, sizeof(address))) {
        return false;
    }
    writer_.octets(address.octets);
    return true;
}

bool DhcpWriter::option_u8(DhcpOptionCode code, std::uint8_t value) noexcept {
    const bool fits = begin(code, sizeof(value));
    if (fits) {
        writer_.u8(value);
    }
    return fits;
}

bool DhcpWriter::option_u16(DhcpOptionCode code, std::uint16_t value) noexcept {
    const bool fits = begin(code, sizeof(value));
    if (fits) {
        writer_.u16(value);
    }
    return fits;
}

bool DhcpWriter::option_u32(DhcpOptionCode code, std::uint32_t value) noexcept {
    const bool fits = begin(code, sizeof(value));
    if (fits) {
        writer_.u32(value);
    }
    return fits;
}

bool DhcpWriter::option_text(DhcpOptionCode code, std::string_view text) noexcept {
    return option(code, as_bytes(text));
}

bool DhcpWriter::option_text_nul(DhcpOptionCode code, std::string_view text) noexcept {
    if (!begin(code, text.size() + 1)) {
        return false;
    }
    writer_.text(text);
    writer_.u8(0);
    return true;
}

std::size_t DhcpWriter::finish() noexcept {
    if (last_) {
        writer_.u8(static_cast<std::uint8_t>(last_->code));
        writer_.u8(static_cast<std::uint8_t>(last_->value.size()));
        writer_.put(last_->value);
    }
    writer_.u8(static_cast<std::uint8_t>(DhcpOptionCode::end));
    if (writer_.size() < dhcp_message_size_min) {
        writer_.zeros(dhcp_message_size_min - writer_.size());
    }
    return writer_.overflow() ? 0 : writer_.size();
}

} // namespace muster
