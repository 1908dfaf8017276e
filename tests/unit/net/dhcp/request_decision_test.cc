// SPDX-License-Identifier: Apache-2.0
// The whole table of RFC 2131 section 4.3.2: every state × every standing × known or not.
#include "net/dhcp/request_decision.hh"

#include "tests/support/dhcp_rig.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using enum RequestState;

TEST(RequestDecision, FollowsTheTable) {
    struct Row {
        LeaseStanding standing;
        bool known;
        std::string_view answers; ///< selecting, init-reboot, renewing, rebinding
    };
    constexpr std::array rows{
        Row{LeaseStanding::own, false, "AAAA"},
        Row{LeaseStanding::own, true, "AAAA"},
        Row{LeaseStanding::free, false, "A-A-"},
        Row{LeaseStanding::free, true, "NNNN"},
        Row{LeaseStanding::taken, false, "N-NN"},
        Row{LeaseStanding::taken, true, "NNNN"},
        Row{LeaseStanding::unserved, false, "N-N-"},
        Row{LeaseStanding::unserved, true, "NNNN"},
        Row{LeaseStanding::wrong_network, false, "NNN-"},
        Row{LeaseStanding::wrong_network, true, "NNNN"},
    };
    for (const Row& row : rows) {
        std::string answers;
        for (const RequestState state : {selecting, init_reboot, renewing, rebinding}) {
            switch (decide_request(state, row.standing, row.known)) {
            case RequestAnswer::acknowledge:
                answers += 'A';
                break;
            case RequestAnswer::refuse:
                answers += 'N';
                break;
            case RequestAnswer::silent:
                answers += '-';
                break;
            }
        }
        EXPECT_EQ(answers, row.answers)
            << "standing " << static_cast<int>(row.standing) << " known " << row.known;
    }
}

// RFC 2131 table 4: which fields say which state.
TEST(RequestDecision, ReadsTheStateFromTheFields) {
    const auto form = [](bool server, bool requested, bool ciaddr, bool broadcast) {
        ClientMessage made{DhcpMessageType::request, machine_mac(1)};
        if (server) {
            made.with(DhcpOptionCode::server_identifier, ip("10.0.0.1"));
        }
        if (requested) {
            made.with(DhcpOptionCode::requested_address, ip("10.0.0.2"));
        }
        if (ciaddr) {
            made.header.ciaddr = ip("10.0.0.3");
        }
        const auto bytes = made.bytes();
        DhcpMessage message;
        EXPECT_TRUE(read_dhcp_message(bytes, message).has_value());
        return read_request_form(message, broadcast);
    };
    EXPECT_EQ(form(true, true, false, true)->state, selecting);
    EXPECT_EQ(form(true, true, false, true)->address, ip("10.0.0.2"));
    EXPECT_EQ(form(false, true, false, true)->state, init_reboot);
    EXPECT_EQ(form(false, false, true, false)->state, renewing);
    EXPECT_EQ(form(false, false, true, false)->address, ip("10.0.0.3"));
    EXPECT_EQ(form(false, false, true, true)->state, rebinding);
    EXPECT_EQ(form(true, true, true, false)->state, renewing) << "ciaddr says that it has it";
    EXPECT_FALSE(form(true, false, false, true).has_value());
    EXPECT_FALSE(form(false, false, false, true).has_value());
}

} // namespace
} // namespace muster::test
