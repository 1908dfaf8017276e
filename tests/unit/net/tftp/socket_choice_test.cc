// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/socket_choice.hh"

#include <gtest/gtest.h>

#include <array>

namespace muster {
namespace {

Endpoint endpoint(std::uint16_t port) {
    return {Ipv4Address{{10, 0, 0, 1}}, port};
}

TEST(TftpSocketChoice, GoesRoundTheSockets) {
    SocketChoice choice{4, 1024};
    std::array<int, 4> used{};
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        ++used.at(choice.choose(endpoint(port), std::nullopt));
    }
    for (const int count : used) {
        EXPECT_NEAR(count, 250, 25) << "a shared place in the memory may skip a socket";
    }
}

TEST(TftpSocketChoice, NeverTakesTheFormerSocketOfAnEndpoint) {
    for (const std::uint8_t sockets : std::to_array<std::uint8_t>({2, 3, 4, 7})) {
        for (unsigned others = 0; others < 9; ++others) {
            SocketChoice choice{sockets, 65'536};
            std::uint8_t former = choice.choose(endpoint(1), std::nullopt);
            for (unsigned round = 0; round < 50; ++round) {
                for (unsigned other = 0; other < others; ++other) {
                    (void)choice.choose(endpoint(static_cast<std::uint16_t>(2 + other)),
                                        std::nullopt);
                }
                const std::uint8_t chosen = choice.choose(endpoint(1), std::nullopt);
                EXPECT_NE(chosen, former) << "sockets=" << int{sockets} << " others=" << others;
                former = chosen;
            }
        }
    }
}

TEST(TftpSocketChoice, AFormerSocketThatIsKnownIsAvoidedWhateverIsRemembered) {
    SocketChoice choice{4, 256};
    for (unsigned i = 0; i < 1000; ++i) {
        const auto former = static_cast<std::uint8_t>(i % 4);
        EXPECT_NE(choice.choose(endpoint(static_cast<std::uint16_t>(i)), former), former);
    }
}

TEST(TftpSocketChoice, OneSocketIsAlwaysTheOne) {
    SocketChoice choice{1, 256};
    for (unsigned i = 0; i < 10; ++i) {
        EXPECT_EQ(choice.choose(endpoint(1), std::nullopt), 0);
    }
}

} // namespace
} // namespace muster
