// SPDX-License-Identifier: Apache-2.0
// Writes big-endian fields into a buffer; a put past the end is refused and remembered.
#pragma once

#include "core/base/bytes.hh"

#include <array>

namespace muster {

/// A cursor over a borrowed buffer. A put that does not fit writes nothing and sets overflow(),
/// so a writer of many fields checks once, at its end.
class ByteWriter {
public:
    explicit constexpr ByteWriter(MutableBytes buffer) noexcept : buffer_(buffer) {}

    [[nodiscard]] constexpr bool overflow() const noexcept { return overflow_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr std::size_t remaining() const noexcept {
        return buffer_.size() - size_;
    }
    [[nodiscard]] constexpr Bytes written() const noexcept { return buffer_.first(size_); }

    void put(Bytes bytes) noexcept {
        if (const MutableBytes room = claim(bytes.size()); !bytes.empty() && !room.empty()) {
            std::memcpy(room.data(), bytes.data(), bytes.size());
        }
    }
    void text(std::string_view text) noexcept { put(as_bytes(text)); }
    void u8(std::uint8_t value) noexcept { number(value); }
    void u16(std::uint16_t value) noexcept { number(value); }
    void u32(std::uint32_t value) noexcept { number(value); }
    void zeros(std::size_t count) noexcept {
        if (const MutableBytes room = claim(count); !room.empty()) {
            std::memset(room.data(), 0, room.size());
        }
    }
    template <std::size_t count>
    void octets(const std::array<std::uint8_t, count>& from) noexcept {
        put({reinterpret_cast<const std::byte*>(from.data()), count});
    }

    /// Overwrites one octet already written (lengths known only later).
    void patch_u8(std::size_t at, std::uint8_t value) noexcept {
        if (at < size_) {
            buffer_[at] = std::byte{value};
        }
    }
    void patch_u16(std::size_t at, std::uint16_t value) noexcept {
        if (at + 1 < size_) {
            buffer_[at] = static_cast<std::byte>(value >> 8U);
            buffer_[at + 1] = static_cast<std::byte>(value & 0xFFU);
        }
    }

private:
    constexpr MutableBytes claim(std::size_t size) noexcept {
        if (size > remaining()) {
            overflow_ = true;
            return {};
        }
        const MutableBytes room = buffer_.subspan(size_, size);
        size_ += size;
        return room;
    }
    template <class Number>
    void number(Number value) noexcept {
        const MutableBytes room = claim(sizeof(Number));
        for (std::size_t i = 0; i < room.size(); ++i) {
            const auto shift = 8U * static_cast<unsigned>(sizeof(Number) - 1 - i);
            room[i] = static_cast<std::byte>((static_cast<std::uint32_t>(value) >> shift) & 0xFFU);
        }
    }

    MutableBytes buffer_;
    std::size_t size_ = 0;
    bool overflow_ = false;
};

} // namespace muster
