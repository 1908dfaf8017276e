// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of a short text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace muster {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view text);

} // namespace muster
