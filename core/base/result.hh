// SPDX-License-Identifier: Apache-2.0
// A value or the reason why there is none.
#pragma once

#include <expected>

namespace muster {

template <class Value, class Error>
using Result = std::expected<Value, Error>;

} // namespace muster

/// Binds `name` to the value of `expr`, or returns its error. Exists because the std::expected of
/// GCC 12 has no and_then/transform (they came with GCC 13).
// NOLINTBEGIN(bugprone-macro-parentheses): `name` declares a variable, it is no expression
#define MUSTER_TRY(name, expr)                                                                     \
    auto name##_result = (expr);                                                                   \
    if (!name##_result) [[unlikely]] {                                                             \
        return std::unexpected(name##_result.error());                                             \
    }                                                                                              \
    auto& name = *name##_result
// NOLINTEND(bugprone-macro-parentheses)
