// SPDX-License-Identifier: Apache-2.0
// Why a DHCPv6 message that could be read was not answered. The list is the only place a reason is
// written: enum, text and counter come from it (as for Dhcp6Error, which is about its bytes).
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

#define MUSTER_DHCP6_DROPS(X)                                                                      \
    X(not_a_request, "a message type that only servers send")                                      \
    X(unknown_interface, "came in on an interface that is not served")                             \
    X(unserved_subnet, "no IPv6 subnet of the site fits the relay or the interface")               \
    X(missing_client_id, "no option 1 where one is needed (RFC 8415 section 16)")                  \
    X(missing_server_id, "no option 2 where one is needed (RFC 8415 section 16)")                  \
    X(unexpected_server_id, "option 2 where none may be (RFC 8415 section 16)")                    \
    X(not_for_this_server, "option 2 names another server (RFC 8415 section 16)")                  \
    X(unicast, "sent to one address where it must be multicast (RFC 8415 section 18.4)")           \
    X(missing_ia, "asks for no address (IA_NA) where it should")                                   \
    X(unexpected_ia, "an INFORMATION-REQUEST that names addresses (RFC 8415 section 16.12)")       \
    X(missing_address, "a CONFIRM without an address (RFC 8415 section 18.3.3)")                   \
    X(node_ignored, "a boot client that the site leaves to somebody else")                         \
    X(table_full, "the table of leases is full (DhcpLimits::leases_max)")                          \
    X(busy, "control or the list of waiting commits takes no more now")                            \
    X(store_refused, "a new lease could not be made durable")                                      \
    X(store_late, "the lease had ended before the store said that it is durable")                  \
    X(over_machine_budget, "a machine asks more often than any client does")                       \
    X(over_port_budget, "a switch port (option 18, 37) sends more than a rack of machines does")   \
    X(queue_full, "more begin an exchange at once than wait here (DhcpIntakeLimits)")              \
    X(reply_too_long, "relays and identifiers leave no room for the reply")

enum class Dhcp6Drop : std::uint8_t {
#define X(name, text) name,
    MUSTER_DHCP6_DROPS(X)
#undef X
};

constexpr std::string_view describe(Dhcp6Drop drop) noexcept {
    switch (drop) {
#define X(name, text)                                                                              \
    case Dhcp6Drop::name:                                                                          \
        return text;
        MUSTER_DHCP6_DROPS(X)
#undef X
    }
    __builtin_unreachable();
}

} // namespace muster
