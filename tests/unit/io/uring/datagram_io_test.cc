// SPDX-License-Identifier: Apache-2.0
#include "io/uring/datagram_io.hh"

#include "io/host/socket_address.hh"
#include "io/host/sockets.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr Ipv4Address loopback{{127, 0, 0, 1}};
constexpr std::uint32_t loopback_index = 1;

class DatagramIoTest : public ::testing::Test {
protected:
    DatagramIoTest() {
        EXPECT_TRUE(ring_.open(256));
        EXPECT_TRUE(datagrams_.open());
        auto socket = open_udp_socket(loopback, 0, false, "test");
        EXPECT_TRUE(socket.has_value());
        datagrams_.add(UdpService::dhcp, 0, loopback_index, std::move(*socket));
        for (Fd& relay : relays_) {
            auto opened = open_udp_socket(loopback, 0, false, "test");
            EXPECT_TRUE(opened.has_value());
            relay = std::move(*opened);
        }
    }

    void reply(std::size_t relay, const std::string& text) {
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(relays_[relay].get(), reinterpret_cast<sockaddr*>(&storage), &length);
        TxDatagram datagram;
        datagram.service = UdpService::dhcp;
        datagram.interface = loopback_index;
        datagram.destination = read_socket_address(&storage);
        datagram.source = loopback;
        datagram.payload_offset = out_.store(as_bytes(std::string_view{text}));
        datagram.payload_size = static_cast<std::uint32_t>(text.size());
        out_.datagrams.push_back(datagram);
    }

    /// Sends what was replied, and waits until the kernel has taken all of it.
    void send() {
        const std::uint64_t before = datagrams_.metrics().sent.read();
        const std::uint64_t all = before + out_.datagrams.size();
        datagrams_.send_all(out_);
        out_.clear();
        for (int i = 0; i < 1000 && datagrams_.metrics().sent.read() < all; ++i) {
            ring_.submit_and_wait(10'000'000);
            ring_.drain([&](const Completion& cqe) {
                if (to_token(cqe.user_data).kind == OpKind::send_datagram) {
                    datagrams_.on_sent(cqe);
                }
            });
        }
        EXPECT_EQ(datagrams_.metrics().sent.read(), all);
        EXPECT_EQ(datagrams_.metrics().send_failed.read(), 0U);
    }

    std::vector<std::string> received(std::size_t relay) {
        std::vector<std::string> all;
        std::string buffer(65'536, '\0');
        for (;;) {
            const ssize_t size =
                ::recv(relays_[relay].get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size < 0) {
                return all;
            }
            all.push_back(buffer.substr(0, static_cast<std::size_t>(size)));
        }
    }

    [[nodiscard]] std::uint64_t grouped() const { return datagrams_.metrics().grouped.read(); }

    Ring ring_;
    DatagramIo datagrams_{ring_};
    std::array<Fd, 20> relays_;
    Outbox out_;
};

TEST_F(DatagramIoTest, RepliesToOneRelayLeaveTogetherAndArriveApart) {
    datagrams_.group(UdpService::dhcp, loopback_index);
    for (const char c : {'a', 'b', 'c'}) {
        reply(0, std::string(300, c));
        reply(1, std::string(310, c));
    }
    reply(0, std::string(299, 'd'));
    send();
    EXPECT_THAT(received(0),
                ::testing::UnorderedElementsAre(std::string(300, 'a'), std::string(300, 'b'),
                                                std::string(300, 'c'), std::string(299, 'd')));
    EXPECT_EQ(received(1),
              (std::vector{std::string(310, 'a'), std::string(310, 'b'), std::string(310, 'c')}));
    EXPECT_EQ(grouped(), 6U);
}

TEST_F(DatagramIoTest, AGroupEndsAtWhatOneCallTakes) {
    datagrams_.group(UdpService::dhcp, loopback_index);
    std::vector<std::string> replies;
    for (int i = 0; i < 150; ++i) {
        replies.push_back("reply " + std::to_string(100 + i));
        reply(0, replies.back());
    }
    send();
    EXPECT_EQ(received(0), replies);
    EXPECT_EQ(grouped(), 150U);
    for (int i = 0; i < 60; ++i) { // 44 of them are a datagram's worth
        reply(1, std::string(1472, static_cast<char>('A' + i)));
    }
    send();
    EXPECT_EQ(received(1).size(), 60U);
    EXPECT_EQ(grouped(), 210U);
}

TEST_F(DatagramIoTest, MoreRelaysThanGroupsAreAnsweredAllTheSame) {
    datagrams_.group(UdpService::dhcp, loopback_index);
    for (int turn = 0; turn < 2; ++turn) {
        for (std::size_t i = 0; i < relays_.size(); ++i) {
            reply(i, "for relay " + std::to_string(i));
        }
    }
    send();
    for (std::size_t i = 0; i < relays_.size(); ++i) {
        EXPECT_EQ(received(i), std::vector(2, "for relay " + std::to_string(i)));
    }
    EXPECT_EQ(grouped(), 2 * DatagramGroups::open_max);
}

TEST_F(DatagramIoTest, WithoutLeaveEachGoesAlone) {
    reply(0, "one more");
    reply(0, "and more");
    send();
    EXPECT_EQ(received(0).size(), 2U);
    EXPECT_EQ(grouped(), 0U);
}

TEST_F(DatagramIoTest, WhatTheKernelRefusesToCutGoesOneByOne) {
    // Without checksums it cannot: udp(7) has EINVAL for it.
    auto socket = open_udp_socket(loopback, 0, false, "test");
    ASSERT_TRUE(socket.has_value());
    const int no_checksums = 1;
    ASSERT_EQ(
        ::setsockopt(socket->get(), SOL_SOCKET, SO_NO_CHECK, &no_checksums, sizeof no_checksums),
        0);
    Ring ring;
    ASSERT_TRUE(ring.open(64));
    DatagramIo datagrams{ring};
    ASSERT_TRUE(datagrams.open());
    datagrams.add(UdpService::dhcp, 0, loopback_index, std::move(*socket));
    datagrams.group(UdpService::dhcp, loopback_index);
    reply(0, "one more");
    reply(0, "and more");
    datagrams.send_all(out_);
    for (int i = 0; i < 1000 && datagrams.metrics().sent.read() < 2; ++i) {
        ring.submit_and_wait(10'000'000);
        ring.drain([&](const Completion& cqe) {
            if (to_token(cqe.user_data).kind == OpKind::send_datagram) {
                datagrams.on_sent(cqe);
            }
        });
    }
    EXPECT_EQ(received(0), (std::vector<std::string>{"one more", "and more"}));
    EXPECT_EQ(datagrams.metrics().grouped.read(), 0U);
}

} // namespace
} // namespace muster
