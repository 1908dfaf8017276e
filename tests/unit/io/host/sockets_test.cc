// SPDX-License-Identifier: Apache-2.0
// The two sockets of a DHCP server: which of them a datagram comes to. Wants CAP_NET_RAW for
// SO_BINDTODEVICE on older kernels, as the server does.
#include "io/host/sockets.hh"

#include "io/host/socket_address.hh"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <thread>
#include <vector>

namespace muster {
namespace {

InterfaceInfo loopback() {
    InterfaceInfo interface;
    interface.index = 1;
    interface.name = "lo";
    interface.address = {{127, 0, 0, 1}};
    return interface;
}

std::uint16_t port_of(const Fd& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return read_socket_address(&storage).port;
}

/// A message of 300 octets whose options begin as given.
std::vector<std::byte> message(std::initializer_list<unsigned> options, std::size_t size = 300) {
    std::vector<std::byte> made(240);
    for (const unsigned octet : options) {
        made.push_back(static_cast<std::byte>(octet));
    }
    made.resize(size);
    return made;
}

class DhcpSocketsTest : public testing::Test {
protected:
    void SetUp() override {
        // A port of our own: one that is free now, then taken by the two.
        const Fd free = std::move(*open_udp_socket(Ipv4Address{}, 0, false, "test"));
        port_ = port_of(free);
    }
    void open() {
        auto opened = open_dhcp_sockets(loopback(), port_, "test");
        ASSERT_TRUE(opened) << opened.error().text();
        sockets_ = std::move(*opened);
        ASSERT_TRUE(sockets_.discovers.valid());
    }
    void send(const std::vector<std::byte>& bytes) const {
        const Fd sender{::socket(AF_INET, SOCK_DGRAM, 0)};
        sockaddr_storage storage{};
        const socklen_t size = write_socket_address({Ipv4Address{{127, 0, 0, 1}}, port_}, storage);
        ASSERT_EQ(::sendto(sender.get(), bytes.data(), bytes.size(), 0,
                           reinterpret_cast<const sockaddr*>(&storage), size),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Datagrams waiting at a socket. Loopback delivers within the sender's call.
    static int count(const Fd& socket) {
        std::array<std::byte, 2048> room{};
        int n = 0;
        while (::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT) >= 0) {
            ++n;
        }
        return n;
    }

    std::uint16_t port_ = 0;
    DhcpSockets sockets_;
};

TEST_F(DhcpSocketsTest, DiscoversHaveASocketOfTheirOwn) {
    ASSERT_NO_FATAL_FAILURE(open());
    send(message({53, 1, 1})); // DISCOVER
    send(message({53, 1, 1}, 243));
    EXPECT_EQ(count(sockets_.discovers), 2);
    EXPECT_EQ(count(sockets_.first), 0);
    for (unsigned type = 2; type <= 8; ++type) {
        send(message({53, 1, type}));
    }
    send(message({61, 1, 1}));       // another option first
    send(message({53, 1}, 242));     // cut off
    send(std::vector<std::byte>(1)); // and shorter
    send(message({0, 53, 1, 1}));    // padded
    EXPECT_EQ(count(sockets_.first), 11);
    EXPECT_EQ(count(sockets_.discovers), 0);
}

TEST_F(DhcpSocketsTest, AFloodOfDiscoversLeavesRoomForRequests) {
    ASSERT_NO_FATAL_FAILURE(open());
    for (const Fd* socket : {&sockets_.first, &sockets_.discovers}) {
        const int small = 16 << 10U;
        ASSERT_EQ(::setsockopt(socket->get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    }
    for (int i = 0; i < 500; ++i) {
        send(message({53, 1, 1}));
    }
    send(message({53, 1, 3}));
    EXPECT_EQ(count(sockets_.first), 1) << "the REQUEST came through";
    EXPECT_LT(count(sockets_.discovers), 500) << "the kernel dropped the newest of the others";
}

// The kernel closes the sockets of a process that was killed a little later than its parent hears.
TEST_F(DhcpSocketsTest, APortThatIsGivenUpInAMomentIsWaitedFor) {
    auto before = std::move(*open_dhcp_sockets(loopback(), port_, "test"));
    std::jthread ending{[&before] {
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        before = {};
    }};
    open();
}

TEST_F(DhcpSocketsTest, AnotherServerOnThePortIsAnError) {
    ASSERT_NO_FATAL_FAILURE(open());
    EXPECT_FALSE(open_dhcp_sockets(loopback(), port_, "test").has_value());
    EXPECT_FALSE(open_broadcast_socket(loopback(), port_, "test").has_value());
}

} // namespace
} // namespace muster
