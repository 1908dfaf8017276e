// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace muster {

/// Bytes; what two threads write must not share one.
inline constexpr std::size_t cache_line_size = 64;

} // namespace muster
