// SPDX-License-Identifier: Apache-2.0
// Every way in which bytes can fail to be a DHCPv6 message. The list is the only place a reason is
// written: the enum, the text and the drop counter all come from it, and each has an input of its
// name in tests/fuzz/corpus/dhcp6_message/.
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

#define MUSTER_DHCP6_ERRORS(X)                                                                     \
    X(truncated_header, "shorter than the message's fixed part (RFC 8415 sections 8, 9)")          \
    X(unknown_type, "no message type of RFC 8415 section 7.3")                                     \
    X(truncated_option, "an option passes the end of its field (RFC 8415 section 21.1)")           \
    X(bad_option_length, "an option is shorter or longer than its kind (RFC 8415 section 21)")     \
    X(bad_duid, "a DUID of less than 3 or more than 130 octets (RFC 8415 section 11.1)")           \
    X(missing_relay_message, "a relayed message without option 9 (RFC 8415 section 9.1)")          \
    X(too_many_relays, "relayed more than 8 times (RFC 8415 section 7.6)")                         \
    X(relayed_reply, "a relay forwards what only servers send (RFC 8415 section 19)")

enum class Dhcp6Error : std::uint8_t {
#define X(name, text) name,
    MUSTER_DHCP6_ERRORS(X)
#undef X
};

constexpr std::string_view describe(Dhcp6Error error) noexcept {
    switch (error) {
#define X(name, text)                                                                              \
    case Dhcp6Error::name:                                                                         \
        return text;
        MUSTER_DHCP6_ERRORS(X)
#undef X
    }
    __builtin_unreachable();
}

} // namespace muster
