// SPDX-License-Identifier: Apache-2.0
// Reads big-endian fields from a buffer; every take is checked.
#pragma once

#include "core/base/bytes.hh"

#include <array>
#include <optional>

namespace muster {

/// A cursor over borrowed bytes. A take past the end returns nullopt and moves nothing.
class ByteReader {
public:
    explicit constexpr ByteReader(Bytes bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] constexpr std::size_t remaining() const noexcept { return rest_.size(); }
    [[nodiscard]] constexpr bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] constexpr Bytes rest() const noexcept { return rest_; }

    [[nodiscard]] constexpr std::optional<Bytes> take(std::size_t size) noexcept {
        if (size > rest_.size()) {
            return std::nullopt;
        }
        const Bytes taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }
    [[nodiscard]] constexpr std::optional<std::uint8_t> u8() noexcept {
        return number<std::uint8_t>();
    }
    [[nodiscard]] constexpr std::optional<std::uint16_t> u16() noexcept {
        return number<std::uint16_t>();
    }
    [[nodiscard]] constexpr std::optional<std::uint32_t> u32() noexcept {
        return number<std::uint32_t>();
    }
    [[nodiscard]] constexpr bool skip(std::size_t size) noexcept { return take(size).has_value(); }

    /// Copies a fixed-size array of octets, for addresses.
    template <std::size_t count>
    [[nodiscard]] constexpr std::optional<std::array<std::uint8_t, count>> octets() noexcept {
        const auto taken = take(count);
        if (!taken) {
            return std::nullopt;
        }
        std::array<std::uint8_t, count> copy{};
        for (std::size_t i = 0; i < count; ++i) {
            copy[i] = std::to_integer<std::uint8_t>((*taken)[i]);
        }
        return copy;
    }

    /// Text up to a NUL, which is taken too; nullopt when there is no NUL. Borrows the buffer.
    [[nodiscard]] std::optional<std::string_view> text_until_nul() noexcept {
        const std::string_view all = as_text(rest_);
        const auto end = all.find('\0');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        rest_ = rest_.subspan(end + 1);
        return all.substr(0, end);
    }

private:
    template <class Number>
    constexpr std::optional<Number> number() noexcept {
        const auto taken = take(sizeof(Number));
        if (!taken) {
            return std::nullopt;
        }
        std::uint32_t value = 0;
        for (const std::byte b : *taken) {
            value = (value << 8U) | std::to_integer<std::uint32_t>(b);
        }
        return static_cast<Number>(value);
    }

    Bytes rest_;
};

} // namespace muster
