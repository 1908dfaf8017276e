// SPDX-License-Identifier: Apache-2.0
// Every way in which bytes can fail to be a DHCP message. The list is the only place a reason is
// written: the enum, the text and the drop counter all come from it, and each has an input of its
// name in tests/fuzz/corpus/dhcp_message/.
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

#define MUSTER_DHCP_ERRORS(X)                                                                      \
    X(truncated_header, "shorter than the fixed part and the magic cookie (RFC 2131 section 2)")   \
    X(oversized, "longer than any message a client sends")                                         \
    X(bad_op, "op is neither BOOTREQUEST nor BOOTREPLY (RFC 2131 section 2)")                      \
    X(bad_hardware_type, "htype is not Ethernet (RFC 2131 section 2)")                             \
    X(bad_hardware_length, "hlen is not 6 while htype is Ethernet (RFC 2131 section 2)")           \
    X(bad_hardware_address, "chaddr is zero, a group or the broadcast address")                    \
    X(bad_magic_cookie, "no 99.130.83.99 after the fixed part (RFC 2131 section 3)")               \
    X(truncated_option, "an option passes the end of its field (RFC 2132 section 2)")              \
    X(bad_overload, "option 52 is not one octet of 1, 2 or 3 (RFC 2132 section 9.3)")              \
    X(missing_message_type, "a reply without option 53 (RFC 2132 section 9.6)")                    \
    X(bad_message_type, "option 53 is not one octet of 1 to 8 (RFC 2132 section 9.6)")             \
    X(bad_option_length, "option 50 or 54 is not an address (RFC 2132 sections 9.1 and 9.7)")

enum class DhcpError : std::uint8_t {
#define X(name, text) name,
    MUSTER_DHCP_ERRORS(X)
#undef X
};

constexpr std::string_view describe(DhcpError error) noexcept {
    switch (error) {
#define X(name, text)                                                                              \
    case DhcpError::name:                                                                          \
        return text;
        MUSTER_DHCP_ERRORS(X)
#undef X
    }
    __builtin_unreachable();
}

} // namespace muster
