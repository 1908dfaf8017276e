// SPDX-License-Identifier: Apache-2.0
// The driver with a small engine of its own, over real sockets on the loopback: what the kernel
// does with our rings, slots and pieces is what is tested, not a protocol.
#include "io/worker/worker.hh"

#include "io/host/socket_address.hh"
#include "io/host/sockets.hh"

#include "tests/support/temporary_folder.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

namespace muster {
namespace {

const IpAddress loopback{Ipv4Address{{127, 0, 0, 1}}};

/// Echoes datagrams, answers a datagram `blocks` with a window of blocks, and each line on a
/// stream with a head and the file of that name.
class EchoEngine {
public:
    void receive(const RxDatagram& packet, const Now&, Outbox& out) {
        if (as_text(packet.payload) == "blocks") {
            out.blocks.push_back({.socket = packet.socket,
                                  .service = packet.service,
                                  .destination = packet.source,
                                  .source = packet.local,
                                  .content = content,
                                  .first_block = 65'530,
                                  .count = 40,
                                  .blksize = 8});
            return;
        }
        TxDatagram reply{.service = packet.service,
                         .socket = packet.socket,
                         .destination = packet.source,
                         .source = packet.local};
        reply.payload_offset = out.store(packet.payload);
        reply.payload_size = static_cast<std::uint32_t>(packet.payload.size());
        out.datagrams.push_back(reply);
    }
    void on_stream_open(StreamId, const Endpoint&, const Endpoint&, const Now&, Outbox&) {
        ++opened;
    }
    void on_stream_data(StreamId id, Bytes data, const Now&, Outbox& out) {
        std::string name{as_text(data)};
        name.pop_back();
        stream = id;
        if (hold_answers) {
            held = name;
        } else {
            out.opens.push_back({{}, ContentRoot::files, name, {}});
        }
    }
    /// As an engine whose answer is still being made, or on its way, when the peer ends its side.
    void on_stream_end(StreamId id, const Now&, Outbox& out) {
        ++ended;
        if (answering.contains(id.slot)) {
            return;
        }
        if (held.empty()) {
            out.stream_orders.push_back({id, StreamOrder::Kind::close});
        } else {
            out.opens.push_back({{}, ContentRoot::files, held, {}});
        }
    }
    void on_content(const Ticket&, const std::expected<ContentRef, OpenError>& opened_content,
                    const Now&, Outbox& out) {
        const std::string head = opened_content ? "head " : "missing ";
        StreamSend send{.stream = stream, .close_after = true, .peer_done = peer_done};
        send.head_offset = out.store(as_bytes(head));
        send.head_size = static_cast<std::uint32_t>(head.size());
        if (opened_content) {
            send.content = *opened_content;
            send.offset = 1;
            send.size = (*opened_content)->bytes.size() - 1;
        }
        answering.insert(stream.slot);
        out.stream_sends.push_back(send);
    }
    void on_stream_progress(StreamId, std::uint64_t bytes, const Now&, Outbox&) {
        progressed += bytes;
    }
    void on_stream_sent(StreamId id, const Now&, Outbox&) {
        answering.erase(id.slot);
        ++sent;
    }
    void on_stream_closed(StreamId id, const Now&, Outbox&) {
        answering.erase(id.slot);
        ++closed;
    }
    void on_content_grown(const Now&, Outbox&) { ++grown; }
    void on_control(ControlMessage&&, const Now&, Outbox&) { ++messages; }
    void expire(const Now&, Outbox&) {}
    void ask(const Now&, std::vector<ConflictProbe>&, Outbox&) {}
    [[nodiscard]] Instant next_probe() const { return Instant::never(); }
    void on_conflict_answer(const ConflictAnswer&, const Now&) {}
    [[nodiscard]] Instant next_deadline() const { return Instant::never(); }

    ContentRef content;
    StreamId stream;
    std::atomic<bool> hold_answers{false};
    std::atomic<bool> peer_done{false};
    std::string held;
    std::set<std::uint32_t> answering; ///< streams whose answer is not out yet
    std::atomic<int> opened{0}, ended{0}, sent{0}, closed{0}, messages{0};
    std::atomic<int> grown{0}; ///< times that more of a mirror's content had come
    std::atomic<std::uint64_t> progressed{0};
};

class WorkerTest : public ::testing::Test {
protected:
    explicit WorkerTest(SendHow how = SendHow::automatic)
        : mailbox_(WorkerId{0}, 16),
          worker_{engine_, mailbox_, control_,
                  WorkerLimits{.ring_entries = 64, .connections_max = 100, .send = how}} {
        std::signal(SIGPIPE, SIG_IGN); // sendfile(2) raises it, whatever the socket says
        std::string bytes(700'000, '\0');
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<char>('a' + i % 26);
        }
        folder_.write("files/big", std::string(3'000'000, 'b'));
        engine_.content = std::make_shared<TextContent>(bytes, "text/plain");
        auto udp = open_udp_socket(loopback, 0, false, "test");
        auto listener = open_listener(loopback, 0, false, "test");
        auto first = open_udp_socket(loopback, 0, false, "test");
        auto patient = open_udp_socket(loopback, 0, false, "test");
        EXPECT_TRUE(udp && listener && first && patient);
        first_port_ = port_of(*first);
        patient_port_ = port_of(*patient);
        udp_port_ = port_of(*udp);
        tcp_port_ = port_of(*listener);
        auto snapshot = std::make_shared<Snapshot>();
        snapshot->files_root = (folder_.path() / "files").string();
        EXPECT_TRUE(mailbox_.to_worker.push(SnapshotRef{snapshot}));
        thread_ = std::jthread{
            [this, udp_socket = std::move(*udp), listener_socket = std::move(*listener),
             first_socket = std::move(*first), patient_socket = std::move(*patient)]() mutable {
                const auto opened = worker_.open();
                ASSERT_TRUE(opened) << opened.error().text();
                worker_.datagrams().add(UdpService::tftp_transfer, 0, 0, std::move(udp_socket));
                worker_.datagrams().add(UdpService::dhcp, 0, 0, std::move(first_socket));
                worker_.datagrams().add_patient(UdpService::dhcp, 0, std::move(patient_socket));
                worker_.streams().add_listener(std::move(listener_socket));
                worker_.run();
            }};
    }
    ~WorkerTest() override { worker_.stop(); }

    static std::uint16_t port_of(const Fd& socket) {
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
        return read_socket_address(&storage).port;
    }
    static Fd connect_to(int type, std::uint16_t port) {
        Fd socket{::socket(AF_INET, type, 0)};
        sockaddr_storage storage{};
        const socklen_t length = write_socket_address({loopback, port}, storage);
        EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
        const timeval patience{10, 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return socket;
    }
    template <class Done>
    static void wait_for(Done done) {
        for (int i = 0; i < 1000 && !done(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
    static std::string receive(const Fd& socket) {
        std::string buffer(65'536, '\0');
        ssize_t got = 0;
        do { // a ring of an earlier test that the kernel takes down interrupts this thread
            got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        } while (got < 0 && errno == EINTR);
        buffer.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return buffer;
    }
    static std::string receive_all(const Fd& socket) {
        std::string all;
        for (std::string part = receive(socket); !part.empty(); part = receive(socket)) {
            all += part;
        }
        return all;
    }

    testing::TemporaryFolder folder_;
    EchoEngine engine_;
    Mailbox mailbox_;
    Wake control_;
    Worker<EchoEngine> worker_;
    std::uint16_t udp_port_ = 0;
    std::uint16_t tcp_port_ = 0;
    std::uint16_t first_port_ = 0;
    std::uint16_t patient_port_ = 0;
    std::jthread thread_;
};

TEST_F(WorkerTest, EchoesManyDatagrams) {
    const Fd socket = connect_to(SOCK_DGRAM, udp_port_);
    for (int i = 0; i < 5'000; ++i) {
        const std::string text = "datagram " + std::to_string(i);
        ASSERT_EQ(::send(socket.get(), text.data(), text.size(), 0),
                  static_cast<ssize_t>(text.size()));
        ASSERT_EQ(receive(socket), text);
    }
}

// More than its buffers hold at once: the rest waits in the kernel and is read in later turns. All
// answers leave from the service's first socket.
TEST_F(WorkerTest, APatientSocketIsReadToTheEndAndAnsweredFromTheFirst) {
    const Fd client = std::move(*open_udp_socket(loopback, 0, false, "test"));
    const timeval patience{10, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_storage to{};
    const socklen_t to_size = write_socket_address({loopback, patient_port_}, to);
    constexpr int count = 1'000;
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(
            ::sendto(client.get(), "patient", 7, 0, reinterpret_cast<sockaddr*>(&to), to_size), 7);
    }
    for (int i = 0; i < count; ++i) {
        std::array<char, 64> room{};
        sockaddr_storage from{};
        socklen_t from_size = sizeof from;
        ASSERT_EQ(::recvfrom(client.get(), room.data(), room.size(), 0,
                             reinterpret_cast<sockaddr*>(&from), &from_size),
                  7)
            << i;
        ASSERT_EQ(read_socket_address(&from).port, first_port_);
    }
}

// Forty blocks over the wrap of the 16-bit number, as one window.
TEST_F(WorkerTest, AWindowOfBlocksCarriesWrappingNumbersAndTheRightBytes) {
    const Fd socket = connect_to(SOCK_DGRAM, udp_port_);
    ASSERT_EQ(::send(socket.get(), "blocks", 6, 0), 6);
    const std::string_view bytes = as_text(engine_.content->bytes);
    for (std::uint64_t block = 65'530; block < 65'570; ++block) {
        const std::string packet = receive(socket);
        ASSERT_EQ(packet.size(), 12U) << "block " << block;
        EXPECT_EQ(packet.substr(0, 2), std::string("\0\3", 2));
        EXPECT_EQ(static_cast<unsigned>(static_cast<std::uint8_t>(packet[2])) << 8U |
                      static_cast<std::uint8_t>(packet[3]),
                  block % 65'536);
        EXPECT_EQ(packet.substr(4), bytes.substr((block - 1) * 8, 8));
    }
}

TEST_F(WorkerTest, SendsHeadAndFileThenCloses) {
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "big\n", 4, 0), 4);
    const std::string all = receive_all(socket);
    ASSERT_EQ(all.size(), 5U + 2'999'999U);
    EXPECT_EQ(all.substr(0, 7), "head bb");
    EXPECT_EQ(engine_.progressed, all.size());
    EXPECT_EQ(engine_.sent, 1);
}

TEST_F(WorkerTest, AHalfClosedClientStillGetsTheWholeAnswer) {
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "big\n", 4, 0), 4);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    ::shutdown(socket.get(), SHUT_WR);
    EXPECT_EQ(receive_all(socket).size(), 5U + 2'999'999U);
}

TEST_F(WorkerTest, AClientThatHalfClosesBeforeItsAnswerBeginsStillGetsIt) {
    engine_.hold_answers = true;
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "big\n", 4, 0), 4);
    ::shutdown(socket.get(), SHUT_WR);
    EXPECT_EQ(receive_all(socket).size(), 5U + 2'999'999U);
    EXPECT_EQ(engine_.ended, 1);
    wait_for([&] { return engine_.closed == 1; });
    EXPECT_EQ(engine_.closed, 1) << "both sides have ended: nothing to linger for";
}

TEST_F(WorkerTest, TheEndOfAClientIsWaitedForOnlyWhereItMaySendMore) {
    for (const bool peer_done : {false, true}) {
        SCOPED_TRACE(peer_done);
        engine_.peer_done = peer_done;
        const Fd socket = connect_to(SOCK_STREAM, tcp_port_); // open until both are served
        ASSERT_EQ(::send(socket.get(), "big\n", 4, 0), 4);
        EXPECT_EQ(receive_all(socket).size(), 5U + 2'999'999U);
        if (peer_done) {
            wait_for([&] { return engine_.closed > 0; });
        }
        EXPECT_EQ(engine_.closed, peer_done ? 1 : 0);
        engine_.closed = 0;
        if (!peer_done) {
            ::shutdown(socket.get(), SHUT_WR);
            wait_for([&] { return engine_.closed > 0; });
            engine_.closed = 0;
        }
    }
}

TEST_F(WorkerTest, AClientThatLeavesWithoutAskingIsClosed) {
    { const Fd socket = connect_to(SOCK_STREAM, tcp_port_); }
    wait_for([&] { return engine_.closed == 1; });
    EXPECT_EQ(engine_.ended, 1);
    EXPECT_EQ(engine_.closed, 1);
}

/// A file of its own, as bytes that tell their place.
std::string numbered(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>((i * 7 + i / 251) % 253);
    }
    return bytes;
}

/// The same through every call that can send a file.
class WorkerSends : public WorkerTest, public ::testing::WithParamInterface<SendHow> {
protected:
    WorkerSends() : WorkerTest(GetParam()) {}

    void make_cold(const std::string& name) const {
        const Fd file{::open((folder_.path() / "files" / name).c_str(), O_RDONLY)};
        ::fdatasync(file.get()); // dirty pages stay
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
};

TEST_P(WorkerSends, EveryByteArrivesInItsPlace) {
    const std::string bytes = numbered(9'000'001);
    folder_.write("files/numbered", bytes);
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "numbered\n", 9, 0), 9);
    const std::string all = receive_all(socket);
    ASSERT_EQ(all.size(), 5 + bytes.size() - 1);
    EXPECT_EQ(all.substr(0, 5), "head ");
    EXPECT_TRUE(std::string_view{all}.substr(5) == std::string_view{bytes}.substr(1));
    EXPECT_EQ(engine_.progressed, all.size());
    EXPECT_EQ(engine_.sent, 1);
}

TEST_P(WorkerSends, AFileThatIsNotInThePageCacheArrivesTheSame) {
    const std::string bytes = numbered(5'000'000);
    folder_.write("files/cold", bytes);
    make_cold("cold");
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "cold\n", 5, 0), 5);
    const std::string all = receive_all(socket);
    ASSERT_EQ(all.size(), 5 + bytes.size() - 1);
    EXPECT_TRUE(std::string_view{all}.substr(5) == std::string_view{bytes}.substr(1));
}

// A promise that cannot be kept: the connection ends early, which is how the client knows.
TEST_P(WorkerSends, AFileThatIsCutWhileItIsServedEndsTheConnection) {
    const std::string path = (folder_.path() / "files/cut").string();
    folder_.write("files/cut", std::string(60'000'000, 'a'));
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "cut\n", 4, 0), 4);
    ASSERT_EQ(receive(socket).substr(0, 5), "head ");
    std::filesystem::resize_file(path, 100);
    EXPECT_LT(receive_all(socket).size(), 59'000'000U);
    EXPECT_EQ(engine_.sent, 0);
}

TEST_P(WorkerSends, AFileThatIsOverwrittenWhileItIsServedNeverComesAsAMixture) {
    const std::string path = (folder_.path() / "files/mixed").string();
    folder_.write("files/mixed", std::string(60'000'000, 'a'));
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "mixed\n", 6, 0), 6);
    ASSERT_EQ(receive(socket).substr(0, 5), "head ");
    {
        std::fstream{path, std::ios::in | std::ios::out | std::ios::binary}
            << std::string(60'000'000, 'b');
    }
    EXPECT_LT(receive_all(socket).size(), 59'000'000U) << "not all of the length that was promised";
    EXPECT_EQ(engine_.sent, 0);
    EXPECT_EQ(worker_.streams().metrics().changed.read(), 1U);
}

TEST_P(WorkerSends, AFileThatIsReplacedWhileItIsServedComesWholeAsItWas) {
    const std::string path = (folder_.path() / "files/old").string();
    folder_.write("files/old", std::string(30'000'000, 'a'));
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "old\n", 4, 0), 4);
    std::string all = receive(socket);
    folder_.write("files/new", std::string(30'000'000, 'b'));
    std::filesystem::rename(folder_.path() / "files/new", path);
    all += receive_all(socket);
    EXPECT_EQ(all, "head " + std::string(29'999'999, 'a'));
}

TEST_P(WorkerSends, AReaderThatLeavesInTheMiddleIsClosedOnceAndTheOthersGoOn) {
    folder_.write("files/large", std::string(40'000'000, 'a'));
    {
        const Fd gone = connect_to(SOCK_STREAM, tcp_port_);
        ASSERT_EQ(::send(gone.get(), "large\n", 6, 0), 6);
        ASSERT_FALSE(receive(gone).empty());
    }
    wait_for([&] { return engine_.closed == 1; });
    EXPECT_EQ(engine_.closed, 1);
    const Fd socket = connect_to(SOCK_STREAM, tcp_port_);
    ASSERT_EQ(::send(socket.get(), "large\n", 6, 0), 6);
    EXPECT_EQ(receive_all(socket).size(), 5U + 39'999'999U);
}

std::string name_of_call(const ::testing::TestParamInfo<SendHow>& call) {
    constexpr std::array<const char*, 5> names{"automatic", "sendfile", "splice", "zerocopy",
                                               "copy"};
    return names[static_cast<std::size_t>(call.param)];
}

INSTANTIATE_TEST_SUITE_P(EveryCall, WorkerSends,
                         ::testing::Values(SendHow::automatic, SendHow::sendfile, SendHow::splice,
                                           SendHow::zerocopy, SendHow::copy),
                         name_of_call);

TEST_F(WorkerTest, ManyConnectionsAtOnceAndEachIsReportedClosedOnce) {
    constexpr int count = 80;
    std::vector<Fd> sockets;
    for (int i = 0; i < count; ++i) {
        sockets.push_back(connect_to(SOCK_STREAM, tcp_port_));
    }
    sockets.clear();
    for (int i = 0; i < 200 && engine_.closed < count; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    EXPECT_EQ(engine_.opened, count);
    EXPECT_EQ(engine_.closed, count);
}

TEST_F(WorkerTest, MoreConnectionsThanSlotsAreClosedAtOnce) {
    std::vector<Fd> sockets;
    for (int i = 0; i < 101; ++i) {
        sockets.push_back(connect_to(SOCK_STREAM, tcp_port_));
    }
    EXPECT_EQ(receive(sockets.back()), "") << "the 101st finds no slot";
}

TEST_F(WorkerTest, WakesUpForControl) {
    ASSERT_TRUE(mailbox_.to_worker.push(LeaseCommitted{}));
    mailbox_.wake_worker.signal();
    for (int i = 0; i < 200 && engine_.messages < 2; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    EXPECT_EQ(engine_.messages, 2) << "the snapshot of the start, and this one";
}

TEST(WorkerStart, WaitsForItsSite) {
    EchoEngine engine;
    Mailbox mailbox{WorkerId{0}, 16};
    Wake control;
    Worker<EchoEngine> worker{engine, mailbox, control, WorkerLimits{64, 100}};
    int known = -1;
    std::jthread thread{[&] {
        ASSERT_TRUE(worker.open());
        worker.await_site();
        known = engine.messages;
    }};
    ASSERT_TRUE(mailbox.to_worker.push(LeaseCommitted{}));
    mailbox.wake_worker.signal();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    ASSERT_TRUE(mailbox.to_worker.push(SnapshotRef{std::make_shared<Snapshot>()}));
    mailbox.wake_worker.signal();
    thread.join();
    EXPECT_EQ(known, 2) << "another message is not the site";
}

TEST(WorkerStart, EndsWhenItIsStoppedBeforeItHasASite) {
    EchoEngine engine;
    Mailbox mailbox{WorkerId{0}, 16};
    Wake control;
    Worker<EchoEngine> worker{engine, mailbox, control, WorkerLimits{64, 100}};
    std::jthread thread{[&] {
        ASSERT_TRUE(worker.open());
        worker.await_site();
    }};
    worker.stop();
}

} // namespace
} // namespace muster
