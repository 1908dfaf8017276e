// SPDX-License-Identifier: Apache-2.0
// Why a DHCP message that could be read was not answered. The list is the only place a reason is
// written: enum, text and counter come from it (as for DhcpError, which is about its bytes).
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

#define MUSTER_DHCP_DROPS(X)                                                                       \
    X(not_a_request, "a reply, or a message type that only servers send")                          \
    X(unknown_interface, "came in on an interface that is not served")                             \
    X(unserved_subnet, "no subnet of the site fits the relay or the interface")                    \
    X(not_for_this_server, "server identifier names another server (RFC 2131 section 4.3.2)")      \
    X(missing_address, "neither option 50 nor ciaddr where one is needed (RFC 2131 table 5)")      \
    X(unknown_client, "a machine without a lease here names an address (RFC 2131 section 4.3.2)")  \
    X(unknown_lease, "RELEASE or DECLINE of an address that the machine does not have")            \
    X(node_ignored, "a boot client that the site leaves to somebody else")                         \
    X(pool_exhausted, "every address of the subnet is somebody's")                                 \
    X(table_full, "the table of leases is full (DhcpLimits::leases_max)")                          \
    X(busy, "control or the list of waiting commits takes no more now")                            \
    X(store_refused, "a new lease could not be made durable")                                      \
    X(store_late, "the lease had ended before the store said that it is durable")                  \
    X(over_machine_budget, "a machine asks more often than any client does")                       \
    X(over_port_budget, "a switch port (option 82) sends more than a rack of machines does")       \
    X(queue_full, "more begin an exchange at once than wait here (DhcpIntakeLimits)")

enum class DhcpDrop : std::uint8_t {
#define X(name, text) name,
    MUSTER_DHCP_DROPS(X)
#undef X
};

constexpr std::string_view describe(DhcpDrop drop) noexcept {
    switch (drop) {
#define X(name, text)                                                                              \
    case DhcpDrop::name:                                                                           \
        return text;
        MUSTER_DHCP_DROPS(X)
#undef X
    }
    __builtin_unreachable();
}

} // namespace muster
