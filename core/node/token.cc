// SPDX-License-Identifier: Apache-2.0
#include "core/node/token.hh"

namespace muster {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

} // namespace

std::string to_text(const Token& token) {
    std::string text;
    text.reserve(2 * token.octets.size());
    for (const std::uint8_t octet : token.octets) {
        text += digits[octet >> 4U];
        text += digits[octet & 0xFU];
    }
    return text;
}

std::optional<Token> read_token(std::string_view text) noexcept {
    Token token;
    if (text.size() != 2 * token.octets.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < token.octets.size(); ++i) {
        const auto high = digits.find(text[2 * i]);
        const auto low = digits.find(text[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return std::nullopt;
        }
        token.octets[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    if (token.empty()) {
        return std::nullopt;
    }
    return token;
}

} // namespace muster
