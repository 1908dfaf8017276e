// SPDX-License-Identifier: Apache-2.0
// A real port of DPDK's: a ring whose end is its beginning, so that what is sent comes back. In a
// program of its own, because DPDK starts once in a process.
#include "io/dpdk/dpdk_port.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace muster {
namespace {

constexpr const char* eal = "--no-huge -m 64 --no-telemetry --no-shconf --log-level=critical";

class DpdkPortTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        auto opened =
            DpdkPort::open({.eal = eal, .device = "net_ring0", .promiscuous = true}, warning);
        ASSERT_TRUE(opened) << opened.error();
        port = std::move(*opened);
        port->attach();
    }
    static void TearDownTestSuite() { port.reset(); }

    static bool send(const std::string& text) {
        const MutableBytes room = port->claim(text.size());
        if (room.empty()) {
            return false;
        }
        std::memcpy(room.data(), text.data(), text.size());
        port->send(text.size());
        return true;
    }
    static std::vector<std::string> receive() {
        std::vector<std::string> texts;
        for (const DpdkFrame& frame : port->receive()) {
            texts.emplace_back(reinterpret_cast<const char*>(frame.bytes.data()),
                               frame.bytes.size());
        }
        return texts;
    }

    inline static std::unique_ptr<DpdkPort> port;
    inline static std::string warning;
};

TEST_F(DpdkPortTest, SaysWhatItIs) {
    EXPECT_EQ(port->driver(), "net_ring");
    EXPECT_THAT(warning, ::testing::HasSubstr("without huge pages"));
    EXPECT_THAT(DpdkPort::version(), ::testing::MatchesRegex("[0-9.]+.*"));
    EXPECT_FALSE(port->computes_checksums()) << "a ring moves what it is given";
}

TEST_F(DpdkPortTest, FramesLeaveInTheirOrderWhenTheBurstEnds) {
    const std::uint64_t before = port->metrics().sent.read();
    ASSERT_TRUE(send("first"));
    ASSERT_TRUE(send("the second"));
    EXPECT_THAT(receive(), ::testing::IsEmpty());
    port->flush();
    EXPECT_EQ(port->metrics().sent.read(), before + 2);
    EXPECT_THAT(receive(), ::testing::ElementsAre("first", "the second"));
    EXPECT_THAT(receive(), ::testing::IsEmpty());
}

TEST_F(DpdkPortTest, AFullBurstLeavesByItself) {
    for (std::size_t i = 0; i < DpdkPort::burst; ++i) {
        ASSERT_TRUE(send(std::to_string(i)));
    }
    const auto texts = receive();
    ASSERT_EQ(texts.size(), DpdkPort::burst);
    EXPECT_EQ(texts.back(), std::to_string(DpdkPort::burst - 1));
}

TEST_F(DpdkPortTest, WhatWasClaimedAndNotSentIsNoFrame) {
    ASSERT_FALSE(port->claim(100).empty());
    port->send(0);
    port->flush();
    EXPECT_THAT(receive(), ::testing::IsEmpty());
    const std::uint64_t refused = port->metrics().no_buffer.read();
    EXPECT_TRUE(port->claim(60'000).empty()) << "no buffer is so large";
    EXPECT_EQ(port->metrics().no_buffer.read(), refused + 1);
}

TEST_F(DpdkPortTest, WhatTheRingDoesNotTakeIsCountedAndItsBuffersComeBack) {
    const std::uint64_t lost = port->metrics().queue_full.read();
    constexpr std::size_t many = 20'000; // far more than there are buffers
    for (std::size_t i = 0; i < many; ++i) {
        ASSERT_TRUE(send("x")) << "after " << i << ": a buffer was lost for good";
    }
    port->flush();
    const std::uint64_t now = port->metrics().queue_full.read();
    EXPECT_GT(now, lost);
    std::size_t came = 0;
    for (auto texts = receive(); !texts.empty(); texts = receive()) {
        came += texts.size();
    }
    EXPECT_EQ(came + (now - lost), many);
}

TEST(DpdkPortOpening, ASecondStartIsRefusedInPlainWords) {
    // DPDK was started by the tests above, and ended; a process may not start it again.
    std::string warning;
    const auto opened = DpdkPort::open({.eal = eal, .device = "net_ring0"}, warning);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), ::testing::HasSubstr("DPDK does not start"));
}

} // namespace
} // namespace muster
