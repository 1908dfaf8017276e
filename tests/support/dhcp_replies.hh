// SPDX-License-Identifier: Apache-2.0
// What tests want to know of the replies of a DhcpRig.
#pragma once

#include "tests/support/dhcp_rig.hh"

namespace muster::test {

/// Codes of options.
using Codes = std::vector<unsigned>;

/// The codes of a message's options in their order.
inline Codes order(const Reply& reply) {
    Codes codes;
    ByteReader reader{Bytes{reply.bytes}.subspan(dhcp_fixed_size)};
    for (;;) {
        const auto option = read_dhcp_option(reader);
        if (!option || !*option) {
            return codes;
        }
        codes.push_back(static_cast<unsigned>((*option)->code));
    }
}

/// The one reply to a message.
inline Reply only_reply(DhcpRig& rig, const ClientMessage& message) {
    auto replies = rig.receive(message);
    if (replies.size() != 1) {
        throw std::runtime_error(std::to_string(replies.size()) + " replies and not one");
    }
    return std::move(replies[0]);
}

} // namespace muster::test
