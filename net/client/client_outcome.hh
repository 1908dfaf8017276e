// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace muster {

/// How far one exchange of a client (an address, a file, a request) is.
enum class ClientOutcome : std::uint8_t {
    idle,    ///< nothing was begun
    running, ///<
    done,    ///< all of it came
    refused, ///< the server said no: an ERROR, a NAK, a status that is not 2xx
    silent,  ///< no answer within what this client's timers allow, or too few
    broken,  ///< what came is not what was asked for: wrong bytes, wrong size, a malformed answer
};

} // namespace muster
