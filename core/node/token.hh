// SPDX-License-Identifier: Apache-2.0
// The one-time token of an install attempt: whoever shows it speaks for that attempt.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// 128 random bits. Where they come from is the caller's business; all zero means "none".
struct Token {
    std::array<std::uint8_t, 16> octets{};

    friend constexpr auto operator<=>(const Token&, const Token&) = default;
    template <class H>
    friend H AbslHashValue(H h, const Token& token) {
        return H::combine(std::move(h), token.octets);
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return *this == Token{}; }
};

/// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(const Token& token);
/// Reads what to_text() writes; nullopt for anything else, and for the empty token.
[[nodiscard]] std::optional<Token> read_token(std::string_view text) noexcept;

} // namespace muster
