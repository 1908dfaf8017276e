// SPDX-License-Identifier: Apache-2.0
#include "core/base/check.hh"

#include <cstdio>
#include <cstdlib>

namespace muster {

void check_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "muster: broken invariant: %s at %s:%d\n", expression, file, line);
    std::abort();
}

} // namespace muster
