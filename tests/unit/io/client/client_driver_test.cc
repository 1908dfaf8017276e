// SPDX-License-Identifier: Apache-2.0
// The driver with a small fleet of its own, over real sockets on the loopback and, as root, over a
// pair of devices in a network namespace: what the kernel does with it is what is tested.
#include "io/client/client_driver.hh"

#include "io/host/socket_address.hh"
#include "io/host/sockets.hh"

#include <gtest/gtest.h>
#include <netinet/udp.h>
#include <sched.h>

#include <cstdlib>
#include <string>
#include <thread>

namespace muster {
namespace {

const IpAddress loopback{Ipv4Address{{127, 0, 0, 1}}};

/// Remembers what it is told; `on_data` may order more.
struct RecordingFleet {
    void receive(MachineIndex machine, const ClientRx& datagram, const Now&, ClientOutbox&) {
        datagrams.push_back(std::to_string(machine) + ":" + std::string{as_text(datagram.payload)});
        last = datagram;
    }
    bool receive_frame(const MacAddress& mac, const ClientRx& datagram, const Now&, ClientOutbox&) {
        frames.push_back(to_text(mac) + ":" + std::string{as_text(datagram.payload)});
        last = datagram;
        return true;
    }
    void on_stream_open(ClientStreamId stream, const Now&, ClientOutbox& out) {
        ++opened;
        order(out, stream, "ask");
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes, const Now&, ClientOutbox& out) {
        data.append(as_text(bytes));
        if (discard_after > 0 && data.size() >= discard_after) {
            out.stream_orders.push_back({stream, ClientStreamOrder::Kind::discard, 0,
                                         discard - (data.size() - discard_after)});
            discard_after = 0;
        }
    }
    void on_stream_discarded(ClientStreamId, std::uint64_t size, const Now&, ClientOutbox&) {
        discarded += size;
    }
    void on_stream_closed(ClientStreamId, const Now&, ClientOutbox&) { ++closed; }
    void expire(const Now&, ClientOutbox&) {}
    [[nodiscard]] Instant next_deadline() const { return Instant::never(); }

    static void order(ClientOutbox& out, ClientStreamId stream, std::string_view text) {
        const auto offset = out.store(as_bytes(text));
        out.stream_orders.push_back({stream, ClientStreamOrder::Kind::send, offset, text.size()});
    }
    static void send(ClientOutbox& out, ClientTx datagram, std::string_view text) {
        datagram.payload_offset = out.store(as_bytes(text));
        datagram.payload_size = static_cast<std::uint32_t>(text.size());
        out.datagrams.push_back(datagram);
    }

    std::vector<std::string> datagrams, frames;
    ClientRx last;
    std::string data;
    std::uint64_t discarded = 0;
    std::size_t discard_after = 0;
    std::uint64_t discard = 0;
    int opened = 0, closed = 0;
};

struct Rig {
    RecordingFleet fleet;
    ClientDriver<RecordingFleet> driver;
    std::vector<ClientNote> notes;

    explicit Rig(const ClientLink* link = nullptr)
        : driver(fleet, {.link = link,
                         .interface = link != nullptr ? link->index : 0,
                         .sockets = 16,
                         .streams = 16,
                         .ring_entries = 64}) {
        const auto opened = driver.open();
        EXPECT_TRUE(opened) << opened.error().text();
    }
    template <class Until>
    bool run(Until&& until, Duration longest = 10s) {
        // A few turns in any case: on a busy machine a short time may be over before the first.
        const Instant end = read_clock().steady + longest;
        for (int turns = 0; !until(); ++turns) {
            if (turns >= 5 && read_clock().steady >= end) {
                return false;
            }
            driver.turn(read_clock().steady + 10ms,
                        [&](std::span<const ClientNote> some, const Now&) {
                            notes.insert(notes.end(), some.begin(), some.end());
                        });
        }
        return true;
    }
};

Endpoint bound_to(const Fd& socket) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return read_socket_address(&storage);
}

/// A plain server: what it accepts is one connection, by a thread of the test's own.
class Server {
public:
    Server() : listener_(std::move(*open_listener(loopback, 0, false, "test"))) {}
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }
    template <class Talk>
    void serve(Talk&& talk) {
        thread_ = std::thread{[this, talk] {
            const Fd peer{::accept(listener_.get(), nullptr, nullptr)};
            talk(peer.get());
        }};
    }
    ~Server() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    Fd listener_;
    std::thread thread_;
};

void send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

TEST(ClientDriver, AMachinesPortIsASocketUntilItIsClosed) {
    Rig rig;
    const Fd server = std::move(*open_udp_socket(loopback, 0, false, "test"));
    const ClientTx tx{.machine = 3, .source = {loopback, 2070}, .destination = bound_to(server)};
    RecordingFleet::send(rig.driver.out(), tx, "one");
    RecordingFleet::send(rig.driver.out(), tx, "two");
    char buffer[16];
    sockaddr_storage peer{};
    for (const std::string_view expected : {"one", "two"}) {
        ssize_t size = -1;
        ASSERT_TRUE(rig.run([&] {
            socklen_t length = sizeof peer;
            size = ::recvfrom(server.get(), buffer, sizeof buffer, MSG_DONTWAIT,
                              reinterpret_cast<sockaddr*>(&peer), &length);
            return size >= 0;
        }));
        EXPECT_EQ((std::string_view{buffer, static_cast<std::size_t>(size)}), expected);
    }
    const auto answer = [&](std::string_view text) {
        ::sendto(server.get(), text.data(), text.size(), 0,
                 reinterpret_cast<const sockaddr*>(&peer), sizeof(sockaddr_in));
    };
    answer("reply");
    ASSERT_TRUE(rig.run([&] { return !rig.fleet.datagrams.empty(); }));
    EXPECT_EQ(rig.fleet.datagrams[0], "3:reply");
    EXPECT_EQ(rig.fleet.last.destination.port, 2070) << "the machine's port";
    EXPECT_EQ(rig.fleet.last.source, bound_to(server));
    rig.driver.out().udp_closes.push_back({3, 2070});
    rig.run([] { return false; }, 50ms);
    answer("late");
    rig.run([] { return false; }, 50ms);
    EXPECT_EQ(rig.fleet.datagrams.size(), 1U);
}

TEST(ClientDriver, MachinesThatShareAnAddressEachHaveAllPorts) {
    Rig rig;
    const Fd server = std::move(*open_udp_socket(loopback, 0, false, "test"));
    for (MachineIndex machine = 0; machine < 8; ++machine) {
        RecordingFleet::send(
            rig.driver.out(),
            {.machine = machine, .source = {loopback, 2071}, .destination = bound_to(server)},
            std::to_string(machine));
    }
    int answered = 0;
    ASSERT_TRUE(rig.run([&] {
        char buffer[16];
        sockaddr_storage peer{};
        socklen_t length = sizeof peer;
        const ssize_t size = ::recvfrom(server.get(), buffer, sizeof buffer, MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&peer), &length);
        if (size > 0) {
            ++answered;
            ::sendto(server.get(), buffer, static_cast<std::size_t>(size), 0,
                     reinterpret_cast<const sockaddr*>(&peer), length);
        }
        return rig.fleet.datagrams.size() == 8;
    }));
    EXPECT_EQ(answered, 8);
    std::sort(rig.fleet.datagrams.begin(), rig.fleet.datagrams.end());
    EXPECT_EQ(rig.fleet.datagrams[0], "0:0");
    EXPECT_EQ(rig.fleet.datagrams[7], "7:7");
    EXPECT_EQ(rig.fleet.last.destination.port, 2071);
}

TEST(ClientDriver, AnAddressThatIsNotOursIsNamedWithWhatHelps) {
    Rig rig;
    RecordingFleet::send(
        rig.driver.out(),
        {.source = {Ipv4Address{{192, 0, 2, 77}}, 2070}, .destination = {loopback, 9}}, "x");
    rig.run([] { return false; }, 30ms);
    EXPECT_EQ(rig.driver.datagrams().metrics().sockets_refused, 1U);
    EXPECT_NE(rig.driver.datagrams().refusal().find("192.0.2.77"), std::string::npos);
    EXPECT_NE(rig.driver.datagrams().refusal().find("ip route add local"), std::string::npos);
}

TEST(ClientDriver, AStreamOpensAsksGetsAndEnds) {
    Server server;
    server.serve([](int peer) {
        char buffer[8];
        const ssize_t size = ::recv(peer, buffer, sizeof buffer, 0);
        send_all(peer, "answer to " + std::string(buffer, static_cast<std::size_t>(size)));
    });
    Rig rig;
    rig.driver.out().connects.push_back(
        {.stream = {1, 1}, .machine = 0, .destination = server.endpoint()});
    ASSERT_TRUE(rig.run([&] { return rig.fleet.closed == 1; }));
    EXPECT_EQ(rig.fleet.opened, 1);
    EXPECT_EQ(rig.fleet.data, "answer to ask");
    rig.run([] { return false; }, 30ms);
    EXPECT_EQ(rig.fleet.closed, 1) << "an end is told once";
    EXPECT_EQ(rig.driver.streams().open_count(), 0U);
    EXPECT_FALSE(rig.driver.streams().congestion_control().empty());
}

TEST(ClientDriver, DiscardedBytesAreCountedToTheByte) {
    constexpr std::size_t body = 10'000'001;
    Server server;
    server.serve([](int peer) {
        send_all(peer, "head");
        std::this_thread::sleep_for(20ms);
        send_all(peer, std::string(body, 'x') + "tail");
    });
    Rig rig;
    rig.fleet.discard_after = 4;
    rig.fleet.discard = body;
    rig.driver.out().connects.push_back(
        {.stream = {1, 1}, .machine = 0, .destination = server.endpoint()});
    ASSERT_TRUE(rig.run([&] { return rig.fleet.closed == 1; }));
    EXPECT_EQ(rig.fleet.discarded, body);
    EXPECT_EQ(rig.fleet.data, "headtail");
}

TEST(ClientDriver, ARefusedConnectionIsClosedAtOnce) {
    Rig rig;
    Endpoint nobody{loopback, 0};
    {
        const Fd socket = std::move(*open_listener(loopback, 0, false, "test"));
        nobody = bound_to(socket);
    }
    rig.driver.out().connects.push_back({.stream = {0, 1}, .machine = 0, .destination = nobody});
    ASSERT_TRUE(rig.run([&] { return rig.fleet.closed == 1; }));
    EXPECT_EQ(rig.fleet.opened, 0);
    EXPECT_EQ(rig.driver.streams().metrics().connect_failed, 1U);
    EXPECT_NE(rig.driver.streams().failure().find("refused"), std::string::npos);
}

TEST(ClientDriver, ANumberMayBeUsedAgainInTheTurnInWhichItWasClosed) {
    Server server;
    server.serve([](int peer) {
        char buffer[8];
        while (::recv(peer, buffer, sizeof buffer, 0) > 0) {
        }
    });
    Server other;
    other.serve([](int peer) { send_all(peer, "second"); });
    Rig rig;
    rig.driver.out().connects.push_back(
        {.stream = {5, 1}, .machine = 0, .destination = server.endpoint()});
    ASSERT_TRUE(rig.run([&] { return rig.fleet.opened == 1; }));
    rig.driver.out().stream_orders.push_back({{5, 1}, ClientStreamOrder::Kind::close});
    rig.driver.out().connects.push_back(
        {.stream = {5, 3}, .machine = 0, .destination = other.endpoint()});
    ASSERT_TRUE(rig.run([&] { return rig.fleet.closed == 1; }));
    EXPECT_EQ(rig.fleet.data, "second");
    EXPECT_EQ(rig.fleet.opened, 2);
    ASSERT_TRUE(rig.run([&] { return rig.driver.streams().open_count() == 0; }));
}

TEST(ClientDriver, NotesReachTheWatcherOnce) {
    Rig rig;
    rig.driver.out().notes.push_back({.kind = ClientNote::Kind::retransmission, .machine = 9});
    rig.run([] { return false; }, 30ms);
    ASSERT_EQ(rig.notes.size(), 1U);
    EXPECT_EQ(rig.notes[0].machine, 9U);
}

// In a namespace of its own: machines that the kernel knows nothing of, on a pair of devices.
class ClientFramesTest : public testing::Test {
protected:
    void in_namespace(const std::function<void()>& test) {
        bool allowed = false;
        std::thread thread{[&] { // only this thread enters it
            if (::unshare(CLONE_NEWNET) != 0) {
                return;
            }
            // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): fixed words
            allowed = std::system(
                          "ip link add muster0 type veth peer name muster1 && ip link set lo up && "
                          "ip addr add 10.9.0.1/24 dev muster1 && ip link set muster0 up && "
                          "ip link set muster1 up 2>/dev/null") == 0;
            // The kernel tells of a carrier a moment after the devices were switched on.
            for (int i = 0; allowed && i < 500 &&
                            !(find_client_link("muster0") && find_client_link("muster1"));
                 ++i) {
                std::this_thread::sleep_for(10ms);
            }
            if (allowed) {
                test();
            }
        }};
        thread.join();
        if (!allowed) {
            GTEST_SKIP() << "needs root, for a network namespace";
        }
    }
};

TEST_F(ClientFramesTest, MachinesWithoutAddressTalkInFrames) {
    in_namespace([] {
        const auto link = find_client_link("muster0");
        ASSERT_TRUE(link) << link.error().text();
        Rig rig{&*link};
        InterfaceInfo peer;
        peer.name = "muster1";
        const Fd server = std::move(*open_broadcast_socket(peer, 67, "test"));
        const MacAddress mac{{0x52, 0x54, 0, 0, 7, 7}};
        RecordingFleet::send(rig.driver.out(),
                             {.source = {IpAddress{}, 68},
                              .destination = {Ipv4Address::broadcast(), 67},
                              .mac = mac},
                             "discover");
        char buffer[32];
        ssize_t size = -1;
        ASSERT_TRUE(rig.run([&] {
            size = ::recv(server.get(), buffer, sizeof buffer, MSG_DONTWAIT);
            return size >= 0;
        }));
        EXPECT_EQ((std::string_view{buffer, static_cast<std::size_t>(size)}), "discover");

        // An answer to the link address of the machine, which is no device's (RFC 2131 4.1).
        const Fd packets = std::move(*open_packet_socket());
        std::array<std::byte, 200> frame{};
        const ClientTx offer{.source = {Ipv4Address{{10, 9, 0, 1}}, 67},
                             .destination = {Ipv4Address{{10, 9, 0, 50}}, 68}};
        // BOOTREPLY first: requests of others are no answers, and are not looked at.
        const std::size_t frame_size = write_frame(frame, mac, offer, as_bytes("\2offer"));
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(0x0800);
        to.sll_ifindex = static_cast<int>(find_client_link("muster1")->index);
        to.sll_halen = 6;
        std::memcpy(to.sll_addr, mac.octets.data(), 6);
        ASSERT_GT(::sendto(packets.get(), frame.data() + 14, frame_size - 14, 0,
                           reinterpret_cast<const sockaddr*>(&to), sizeof to),
                  0);
        ASSERT_TRUE(rig.run([&] { return !rig.fleet.frames.empty(); }));
        EXPECT_EQ(rig.fleet.frames[0], "52:54:00:00:07:07:\2offer");

        // A plain broadcast of the server's kernel, which leaves checksums to hardware.
        sockaddr_storage everybody{};
        const socklen_t length = write_socket_address({Ipv4Address::broadcast(), 68}, everybody);
        ASSERT_GT(::sendto(server.get(), "\2ack", 4, 0,
                           reinterpret_cast<const sockaddr*>(&everybody), length),
                  0);
        ASSERT_TRUE(rig.run([&] { return rig.fleet.frames.size() == 2; }));
        EXPECT_EQ(rig.fleet.frames[1], "ff:ff:ff:ff:ff:ff:\2ack");
    });
}

TEST_F(ClientFramesTest, UnicastWaitsForArp) {
    in_namespace([] {
        const auto link = find_client_link("muster0");
        ASSERT_TRUE(link);
        Rig rig{&*link};
        InterfaceInfo peer;
        peer.name = "muster1";
        const Fd server = std::move(*open_broadcast_socket(peer, 67, "test"));
        for (const char* text : {"renew1", "renew2"}) {
            RecordingFleet::send(rig.driver.out(),
                                 {.source = {Ipv4Address{{10, 9, 0, 50}}, 68},
                                  .destination = {Ipv4Address{{10, 9, 0, 1}}, 67},
                                  .mac = MacAddress{{0x52, 0x54, 0, 0, 7, 8}}},
                                 text);
        }
        for (const std::string_view expected : {"renew1", "renew2"}) {
            char buffer[32];
            ssize_t size = -1;
            ASSERT_TRUE(rig.run([&] {
                size = ::recv(server.get(), buffer, sizeof buffer, MSG_DONTWAIT);
                return size >= 0;
            }));
            EXPECT_EQ((std::string_view{buffer, static_cast<std::size_t>(size)}), expected);
        }
    });
}

TEST_F(ClientFramesTest, AGroupIsOneSocketForAllItsMembers) {
    in_namespace([] {
        // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): fixed words
        // Both ends are one host's here, which it takes for a forgery unless told otherwise.
        ASSERT_EQ(std::system("ip addr add 10.9.0.2/24 dev muster0 && "
                              "echo 1 > /proc/sys/net/ipv4/conf/muster0/accept_local && "
                              "echo 0 > /proc/sys/net/ipv4/conf/muster0/rp_filter && "
                              "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter"),
                  0);
        const auto link = find_client_link("muster0");
        ASSERT_TRUE(link);
        Rig rig{&*link};
        const Endpoint group{Ipv4Address{{239, 255, 69, 1}}, 1758};
        for (const MachineIndex machine : {4U, 5U, 6U}) {
            rig.driver.out().groups.push_back({machine, group, true});
        }
        rig.run([] { return false; }, 30ms);
        const Fd server = std::move(*open_udp_socket(Ipv4Address{{10, 9, 0, 1}}, 0, false, "test"));
        ip_mreqn from{};
        from.imr_ifindex = static_cast<int>(find_client_link("muster1")->index);
        ::setsockopt(server.get(), IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from);
        sockaddr_storage to{};
        const socklen_t length = write_socket_address(group, to);
        const auto send = [&](std::string_view text) {
            ASSERT_GT(::sendto(server.get(), text.data(), text.size(), 0,
                               reinterpret_cast<const sockaddr*>(&to), length),
                      0);
        };
        send("block");
        ASSERT_TRUE(rig.run([&] { return rig.fleet.datagrams.size() == 3; }));
        EXPECT_EQ(rig.fleet.datagrams, (std::vector<std::string>{"4:block", "5:block", "6:block"}));
        EXPECT_EQ(rig.fleet.last.destination, group);
        EXPECT_EQ(rig.driver.datagrams().metrics().received_bytes, 5U) << "on the wire once";
        rig.driver.out().groups.push_back({5, group, false});
        rig.run([] { return false; }, 30ms);
        rig.fleet.datagrams.clear();
        send("more");
        ASSERT_TRUE(rig.run([&] { return rig.fleet.datagrams.size() == 2; }));
        EXPECT_EQ(rig.fleet.datagrams, (std::vector<std::string>{"4:more", "6:more"}));
        for (const MachineIndex machine : {4U, 6U}) {
            rig.driver.out().groups.push_back({machine, group, false});
        }
        rig.run([] { return false; }, 30ms);
        rig.fleet.datagrams.clear();
        send("late");
        rig.run([] { return false; }, 50ms);
        EXPECT_TRUE(rig.fleet.datagrams.empty());
    });
}

TEST_F(ClientFramesTest, RunsOfSegmentsArriveOneByOne) {
    in_namespace([] {
        // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): fixed words
        ASSERT_EQ(std::system("ip addr add 10.9.0.2/24 dev muster0"), 0);
        const auto link = find_client_link("muster0");
        ASSERT_TRUE(link);
        Rig rig{&*link};
        const Fd server = std::move(*open_udp_socket(Ipv4Address{{10, 9, 0, 1}}, 0, false, "test"));
        RecordingFleet::send(rig.driver.out(),
                             {.machine = 1,
                              .source = {Ipv4Address{{10, 9, 0, 2}}, 2070},
                              .destination = bound_to(server)},
                             "ask");
        sockaddr_storage peer{};
        char buffer[16];
        ASSERT_TRUE(rig.run([&] {
            socklen_t length = sizeof peer;
            return ::recvfrom(server.get(), buffer, sizeof buffer, MSG_DONTWAIT,
                              reinterpret_cast<sockaddr*>(&peer), &length) >= 0;
        }));
        const int segment = 1000;
        ASSERT_EQ(::setsockopt(server.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
        const std::string run(40 * 1000 + 7, 'x'); // the last is shorter
        ASSERT_GT(::sendto(server.get(), run.data(), run.size(), 0,
                           reinterpret_cast<const sockaddr*>(&peer), sizeof(sockaddr_in)),
                  0);
        ASSERT_TRUE(rig.run([&] { return rig.fleet.datagrams.size() == 41; }));
        EXPECT_EQ(rig.fleet.datagrams[0].size(), 2 + 1000U);
        EXPECT_EQ(rig.fleet.datagrams[40].size(), 2 + 7U);
    });
}

} // namespace
} // namespace muster
