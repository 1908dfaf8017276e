// SPDX-License-Identifier: Apache-2.0
// Spans of bytes, and the only place that casts between bytes and characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace muster {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// The bytes of a text, borrowed from it.
inline Bytes as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The bytes seen as text, borrowed from them; no claim about their encoding.
inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes as octets for system calls and C libraries.
inline const std::uint8_t* as_octets(Bytes bytes) noexcept {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

} // namespace muster
