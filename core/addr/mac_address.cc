// SPDX-License-Identifier: Apache-2.0
#include "core/addr/mac_address.hh"

namespace muster {
namespace {

constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

} // namespace

std::optional<MacAddress> read_mac_address(std::string_view text) noexcept {
    const bool separated = text.size() == 17;
    if (!separated && text.size() != 12) {
        return std::nullopt;
    }
    const char separator = separated ? text[2] : '\0';
    if (separated && separator != ':' && separator != '-') {
        return std::nullopt;
    }
    MacAddress mac;
    std::size_t at = 0;
    for (std::size_t i = 0; i < mac.octets.size(); ++i) {
        if (separated && i > 0 && text[at++] != separator) {
            return std::nullopt;
        }
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        mac.octets[i] = static_cast<std::uint8_t>(high * 16 + low);
        at += 2;
    }
    return mac;
}

std::string to_text(const MacAddress& mac, char separator) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(17);
    for (const std::uint8_t octet : mac.octets) {
        if (separator != '\0' && !text.empty()) {
            text += separator;
        }
        text += digits[octet >> 4U];
        text += digits[octet & 0xFU];
    }
    return text;
}

} // namespace muster
