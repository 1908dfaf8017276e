// SPDX-License-Identifier: Apache-2.0
// How a command ends early. Thrown in commands, turned into one line and an exit status in run().
#pragma once

#include <stdexcept>

namespace muster::cli {

/// Exit statuses: scripts rely on them.
enum class Exit : int { success = 0, failure = 1, wrong_use = 2 };

/// The command line says something that cannot be done: names what is wrong and what is allowed.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// It could be done, but it failed: the server cannot be reached, or it refused.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace muster::cli
