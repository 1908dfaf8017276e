// SPDX-License-Identifier: Apache-2.0
// One line of the access log, as the engine leaves it to be written by somebody else.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"

#include <cstdint>
#include <string>

namespace muster {

/// A request and how its answer went. Texts are as the client sent them: whoever writes them down
/// escapes them.
struct AccessRecord {
    UnixTime at{}; ///< when its head had been read
    Endpoint client{};
    std::string method{};
    std::string target{}; ///< as asked, with its query
    std::string agent{};  ///< User-Agent
    std::uint16_t status = 0;
    bool complete = false;   ///< false: the connection broke before the answer's end
    std::uint64_t bytes = 0; ///< of the answer that left, its head left out
    Duration duration{};     ///< from the head read to the answer's last byte sent
};

} // namespace muster
