// SPDX-License-Identifier: Apache-2.0
#include "net/wire/tftp_packet.hh"

#include <algorithm>
#include <array>
#include <charconv>

namespace muster {
namespace {

enum class Option : std::uint8_t { blksize, tsize, timeout, windowsize, multicast };
constexpr std::array<std::string_view, 5> option_names{"blksize", "tsize", "timeout", "windowsize",
                                                       "multicast"};
constexpr std::array<std::string_view, 3> mode_names{"octet", "netascii", "mail"};

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// ASCII only: no locale has a say in a protocol.
bool equal_ignoring_case(std::string_view text, std::string_view lower) noexcept {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                      [](char a, char b) { return to_lower(a) == b; });
}

template <std::size_t count>
std::optional<std::size_t> index_of(const std::array<std::string_view, count>& names,
                                    std::string_view text) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (equal_ignoring_case(text, names[i])) {
            return i;
        }
    }
    return std::nullopt;
}

/// A decimal number between `min` and `max`, both included: digits and nothing else.
template <class Number>
std::optional<Number> read_number(std::string_view text, Number min, Number max) noexcept {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < min ||
        value > max) {
        return std::nullopt;
    }
    return value;
}

/// `address,port,master`, of which the first two may be empty; nullopt: none of these. Nothing at
/// all is a request's value.
std::optional<TftpMulticast> read_multicast(std::string_view text) noexcept {
    TftpMulticast value;
    if (text.empty()) {
        return value;
    }
    const std::size_t first = text.find(',');
    const std::size_t second = first == std::string_view::npos ? first : text.find(',', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    const auto address = text.substr(0, first);
    const auto port = text.substr(first + 1, second - first - 1);
    const auto master = text.substr(second + 1);
    if (!address.empty()) {
        value.address = read_ipv4_address(address);
        if (!value.address) {
            return std::nullopt;
        }
    }
    if (!port.empty()) {
        value.port = read_number<std::uint16_t>(port, 1, UINT16_MAX);
        if (!value.port) {
            return std::nullopt;
        }
    }
    if (master != "0" && master != "1") {
        return std::nullopt;
    }
    value.master = master == "1";
    return value;
}

/// False when the option's value is none that its RFC allows.
bool set_option(TftpOptions& options, Option option, std::string_view value) noexcept {
    switch (option) {
    case Option::blksize:
        options.blksize = read_number(value, tftp_blksize_min, tftp_blksize_max);
        return options.blksize.has_value();
    case Option::tsize:
        options.tsize = read_number<std::uint64_t>(value, 0, UINT64_MAX);
        return options.tsize.has_value();
    case Option::timeout:
        options.timeout = read_number<std::uint8_t>(value, 1, UINT8_MAX);
        return options.timeout.has_value();
    case Option::windowsize:
        options.windowsize = read_number<std::uint16_t>(value, 1, UINT16_MAX);
        return options.windowsize.has_value();
    case Option::multicast:
        options.multicast = read_multicast(value);
        return options.multicast.has_value();
    }
    __builtin_unreachable();
}

enum class BadValue : std::uint8_t { ignored, refused };

Result<TftpOptions, TftpWireError> read_options(ByteReader& area, BadValue bad) noexcept {
    TftpOptions options;
    std::array<bool, option_names.size()> seen{};
    for (unsigned count = 0; !area.empty(); ++count) {
        const auto name = area.text_until_nul();
        if (!name) {
            return std::unexpected(TftpWireError::truncated);
        }
        if (name->empty() && std::all_of(area.rest().begin(), area.rest().end(),
                                         [](std::byte b) { return b == std::byte{0}; })) {
            break; // padding
        }
        const auto value = area.text_until_nul();
        if (!value) {
            return std::unexpected(TftpWireError::truncated);
        }
        if (count == tftp_option_count_max) {
            return std::unexpected(TftpWireError::too_many_options);
        }
        const auto index = index_of(option_names, *name);
        if (!index) {
            continue;
        }
        if (seen[*index]) {
            return std::unexpected(TftpWireError::repeated_option);
        }
        seen[*index] = true;
        if (!set_option(options, static_cast<Option>(*index), *value) && bad == BadValue::refused) {
            return std::unexpected(TftpWireError::bad_option_value);
        }
    }
    return options;
}

/// Takes the opcode and refuses any but the one expected.
Result<ByteReader, TftpWireError> open_packet(Bytes packet, TftpOpcode expected) noexcept {
    MUSTER_TRY(opcode, read_tftp_opcode(packet));
    if (opcode != expected) {
        return std::unexpected(TftpWireError::unexpected_opcode);
    }
    return ByteReader{packet.subspan(2)};
}

void write_number(ByteWriter& out, std::uint64_t number) noexcept {
    std::array<char, 20> digits{}; // 2^64 - 1 has 20
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.text({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void write_value(ByteWriter& out, std::uint64_t number) noexcept {
    write_number(out, number);
}

void write_value(ByteWriter& out, const TftpMulticast& value) noexcept {
    if (!value.master) {
        return;
    }
    if (value.address) {
        for (std::size_t i = 0; i < value.address->octets.size(); ++i) {
            out.text(i == 0 ? "" : ".");
            write_number(out, value.address->octets[i]);
        }
    }
    out.text(",");
    if (value.port) {
        write_number(out, *value.port);
    }
    out.text(*value.master ? ",1" : ",0");
}

template <class Value>
void write_option(ByteWriter& out, Option option, const std::optional<Value>& value) noexcept {
    if (value) {
        out.text(option_names[static_cast<std::size_t>(option)]);
        out.u8(0);
        write_value(out, *value);
        out.u8(0);
    }
}

void write_options(ByteWriter& out, const TftpOptions& options, std::string_view order) noexcept {
    for (const char letter : order) {
        switch (letter) {
        case 'b':
            write_option(out, Option::blksize, options.blksize);
            break;
        case 't':
            write_option(out, Option::tsize, options.tsize);
            break;
        case 'T':
            write_option(out, Option::timeout, options.timeout);
            break;
        case 'w':
            write_option(out, Option::windowsize, options.windowsize);
            break;
        case 'm':
            write_option(out, Option::multicast, options.multicast);
            break;
        default:
            break;
        }
    }
}

void write_opcode(ByteWriter& out, TftpOpcode opcode) noexcept {
    out.u16(static_cast<std::uint16_t>(opcode));
}

} // namespace

Result<TftpOpcode, TftpWireError> read_tftp_opcode(Bytes packet) noexcept {
    ByteReader reader{packet};
    const auto opcode = reader.u16();
    if (!opcode) {
        return std::unexpected(TftpWireError::truncated);
    }
    if (*opcode < static_cast<std::uint16_t>(TftpOpcode::rrq) ||
        *opcode > static_cast<std::uint16_t>(TftpOpcode::oack)) {
        return std::unexpected(TftpWireError::unknown_opcode);
    }
    return static_cast<TftpOpcode>(*opcode);
}

Result<TftpRequest, TftpWireError> read_tftp_request(Bytes packet) noexcept {
    MUSTER_TRY(opcode, read_tftp_opcode(packet));
    if (opcode != TftpOpcode::rrq && opcode != TftpOpcode::wrq) {
        return std::unexpected(TftpWireError::unexpected_opcode);
    }
    if (packet.size() > tftp_request_size_max) {
        return std::unexpected(TftpWireError::request_too_long);
    }
    ByteReader reader{packet.subspan(2)};
    const auto name = reader.text_until_nul();
    const auto mode = name ? reader.text_until_nul() : std::nullopt;
    if (!mode) {
        return std::unexpected(TftpWireError::truncated);
    }
    if (name->empty()) {
        return std::unexpected(TftpWireError::empty_name);
    }
    const auto mode_index = index_of(mode_names, *mode);
    MUSTER_TRY(options, read_options(reader, BadValue::ignored));
    return TftpRequest{.opcode = opcode,
                       .name = *name,
                       .mode = mode_index ? static_cast<TftpMode>(*mode_index) : TftpMode::unknown,
                       .options = options};
}

Result<std::uint16_t, TftpWireError> read_tftp_ack(Bytes packet) noexcept {
    MUSTER_TRY(reader, open_packet(packet, TftpOpcode::ack));
    const auto block = reader.u16();
    if (!block) {
        return std::unexpected(TftpWireError::truncated);
    }
    return *block;
}

Result<TftpError, TftpWireError> read_tftp_error(Bytes packet) noexcept {
    MUSTER_TRY(reader, open_packet(packet, TftpOpcode::error));
    const auto code = reader.u16();
    if (!code) {
        return std::unexpected(TftpWireError::truncated);
    }
    const std::string_view rest = as_text(reader.rest());
    return TftpError{.code = static_cast<TftpErrorCode>(*code),
                     .text = rest.substr(0, rest.find('\0'))};
}

Result<TftpOptions, TftpWireError> read_tftp_oack(Bytes packet) noexcept {
    MUSTER_TRY(reader, open_packet(packet, TftpOpcode::oack));
    return read_options(reader, BadValue::refused);
}

Result<TftpData, TftpWireError> read_tftp_data(Bytes packet) noexcept {
    MUSTER_TRY(reader, open_packet(packet, TftpOpcode::data));
    const auto block = reader.u16();
    if (!block) {
        return std::unexpected(TftpWireError::truncated);
    }
    return TftpData{.block = *block, .payload = reader.rest()};
}

bool write_tftp_request(ByteWriter& out, const TftpRequest& request,
                        std::string_view order) noexcept {
    const auto mode = static_cast<std::size_t>(request.mode);
    if (request.name.empty() || request.name.find('\0') != std::string_view::npos ||
        mode >= mode_names.size()) {
        return false;
    }
    write_opcode(out, request.opcode);
    out.text(request.name);
    out.u8(0);
    out.text(mode_names[mode]);
    out.u8(0);
    write_options(out, request.options, order);
    return !out.overflow();
}

void write_tftp_ack(ByteWriter& out, std::uint16_t block) noexcept {
    write_opcode(out, TftpOpcode::ack);
    out.u16(block);
}

void write_tftp_error(ByteWriter& out, const TftpError& error) noexcept {
    write_opcode(out, TftpOpcode::error);
    out.u16(static_cast<std::uint16_t>(error.code));
    const std::string_view text = error.text.substr(0, error.text.find('\0'));
    out.text(text.substr(0, tftp_error_size_max - tftp_header_size - 1));
    out.u8(0);
}

void write_tftp_oack(ByteWriter& out, const TftpOptions& options) noexcept {
    write_opcode(out, TftpOpcode::oack);
    write_options(out, options, tftp_option_order);
}

void write_tftp_data(ByteWriter& out, const TftpData& data) noexcept {
    write_opcode(out, TftpOpcode::data);
    out.u16(data.block);
    out.put(data.payload);
}

} // namespace muster
