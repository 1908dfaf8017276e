// SPDX-License-Identifier: Apache-2.0
// Assertions about ourselves. Data from outside never reaches one.
#pragma once

namespace muster {

[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

} // namespace muster

/// Always on: prints the broken invariant and where, then aborts.
#define MUSTER_CHECK(expression)                                                                   \
    (static_cast<bool>(expression) ? static_cast<void>(0)                                          \
                                   : ::muster::check_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define MUSTER_DCHECK(expression) static_cast<void>(sizeof(expression))
#else
/// As MUSTER_CHECK, where it costs: only in builds without NDEBUG.
#define MUSTER_DCHECK(expression) MUSTER_CHECK(expression)
#endif
