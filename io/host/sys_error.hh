// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.hh"

#include <cerrno>
#include <cstring>
#include <string>

namespace muster {

/// An operation that the system refused: what was tried, and errno.
struct SysError {
    std::string what;
    int code = 0;

    [[nodiscard]] std::string text() const { return what + ": " + std::strerror(code); }
};

inline std::unexpected<SysError> sys_error(std::string what) {
    return std::unexpected(SysError{std::move(what), errno});
}

} // namespace muster
