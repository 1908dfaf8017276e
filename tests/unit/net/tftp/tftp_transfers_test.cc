// SPDX-License-Identifier: Apache-2.0
// Whole transfers against a plain client: over a network that loses, doubles, delays and reorders,
// beyond the 16 bits of the block number, and thousands at a time.
#include "tests/unit/net/tftp/tftp_world.hh"

#include <gtest/gtest.h>

#include <queue>
#include <random>

namespace muster {
namespace {

using namespace muster::test;

/// A client by the letter of RFC 1350 and RFC 7440: ACKs a full window, the end, and what is
/// contiguous when a burst is out of order; repeats its last packet when nothing comes.
class PlainClient {
public:
    PlainClient(Endpoint self, std::string request, std::size_t blksize, std::uint16_t windowsize)
        : endpoint(self), last_(std::move(request)), blksize_(blksize), windowsize_(windowsize) {}

    Endpoint endpoint;
    std::string got;
    bool done = false;
    bool failed = false;
    std::optional<std::uint8_t> socket; ///< of the server; set by its first packet
    std::uint32_t timeouts = 0;         ///< makes a timer event stale

    /// What to send for it, if anything.
    std::optional<std::string> on_packet(const Sent& packet) {
        if (socket.value_or(packet.socket) != packet.socket) {
            return std::nullopt; // another TID
        }
        socket = packet.socket;
        switch (packet.opcode()) {
        case TftpOpcode::oack:
            if (expected_ != 1) {
                return std::nullopt;
            }
            blksize_ = packet.oack().blksize.value_or(512);
            windowsize_ = packet.oack().windowsize.value_or(1);
            return remember(ack(0));
        case TftpOpcode::data:
            return on_data(packet);
        default:
            failed = true;
            return std::nullopt;
        }
    }
    [[nodiscard]] const std::string& last() const { return last_; }

private:
    std::optional<std::string> on_data(const Sent& data) {
        const std::string_view payload = std::string_view{data.bytes}.substr(4);
        if (done || data.block() != static_cast<std::uint16_t>(expected_)) {
            // RFC 7440 section 4: out of order, the last contiguous block is acknowledged, here
            // once per burst; blocks that do not go up any more are a new one.
            const auto distance = static_cast<std::int16_t>(data.block() - expected_);
            const bool same_burst = stray_ && distance > *stray_;
            stray_ = distance;
            if (same_burst) {
                return std::nullopt;
            }
            in_window_ = 0;
            return remember(ack(expected_ - 1));
        }
        got += payload;
        ++expected_;
        stray_.reset();
        done = payload.size() < blksize_;
        if (++in_window_ == windowsize_ || done) {
            in_window_ = 0;
            return remember(ack(expected_ - 1));
        }
        return std::nullopt;
    }
    std::string remember(std::string packet) {
        last_ = packet;
        return packet;
    }

    std::string last_;
    std::uint64_t expected_ = 1;
    std::uint16_t in_window_ = 0;
    std::optional<std::int16_t> stray_; ///< last block out of order, relative to expected_
    std::size_t blksize_;
    std::uint16_t windowsize_;
};

struct Faults {
    double loss = 0;
    double duplication = 0;
    Duration delay_min = 100us;
    Duration delay_spread = 0ns; ///< above the gap of two packets it reorders
};

/// Clients and a server on a network with faults, in virtual time.
class Network {
public:
    Network(TftpWorld& world, const Faults& faults, std::uint64_t seed)
        : world_(world), faults_(faults), random_(seed) {}

    void add(PlainClient& client) {
        clients_[client.endpoint] = &client;
        send_to_server(client, client.last());
        arm(client);
    }
    /// Until all clients are done and the server has no transfer, or time is up.
    void run(Duration limit) {
        while (!finished() && world_.now() < Instant{} + limit) {
            const Instant server = world_.server.next_deadline();
            const Instant next = events_.empty() ? Instant::never() : events_.top().at;
            ASSERT_NE(std::min(server, next), Instant::never()) << "nothing will ever happen";
            const Instant at = std::max(world_.now(), std::min(server, next));
            world_.at(at - Instant{});
            if (server <= next) {
                deliver(world_.expire());
                continue;
            }
            const Event event = events_.top();
            events_.pop();
            handle(event);
        }
    }

private:
    enum class Kind : std::uint8_t { to_server, to_client, client_timer };
    struct Event {
        Instant at;
        std::uint64_t number = 0;
        Kind kind{};
        Endpoint client;
        std::uint32_t timeouts = 0;
        std::optional<std::uint8_t> socket; ///< to_server: absent is port 69
        Sent packet;
        bool operator<(const Event& other) const {
            return std::tie(other.at, other.number) < std::tie(at, number);
        }
    };

    [[nodiscard]] bool finished() const {
        return world_.server.metrics().sessions.read() == 0 &&
               std::all_of(clients_.begin(), clients_.end(), [](const auto& entry) {
                   return entry.second->done || entry.second->failed;
               });
    }
    bool chance(double p) { return std::uniform_real_distribution<>{}(random_) < p; }
    Instant arrival() {
        const auto spread = faults_.delay_spread.count();
        return world_.now() + faults_.delay_min +
               Duration{spread == 0
                            ? 0
                            : std::uniform_int_distribution<std::int64_t>{0, spread}(random_)};
    }
    void push(Event event) {
        if (event.kind != Kind::client_timer) {
            if (chance(faults_.loss)) {
                return;
            }
            if (chance(faults_.duplication)) {
                Event twin = event;
                twin.at = arrival();
                twin.number = ++number_;
                events_.push(twin);
            }
            event.at = arrival();
        }
        event.number = ++number_;
        events_.push(std::move(event));
    }
    void send_to_server(const PlainClient& client, const std::string& bytes) {
        Event event;
        event.kind = Kind::to_server;
        event.client = client.endpoint;
        event.socket = client.socket;
        event.packet.bytes = bytes;
        push(std::move(event));
    }
    void deliver(std::vector<Sent> sent) {
        for (Sent& packet : sent) {
            Event event;
            event.kind = Kind::to_client;
            event.client = packet.to;
            event.packet = std::move(packet);
            push(std::move(event));
        }
    }
    void arm(PlainClient& client) {
        Event event;
        event.at = world_.now() + 1s;
        event.kind = Kind::client_timer;
        event.client = client.endpoint;
        event.timeouts = ++client.timeouts;
        push(std::move(event));
    }
    void handle(const Event& event) {
        PlainClient& client = *clients_.at(event.client);
        switch (event.kind) {
        case Kind::to_server:
            deliver(event.socket ? world_.reply(event.client, *event.socket, event.packet.bytes)
                                 : world_.request(event.client, event.packet.bytes));
            return;
        case Kind::to_client:
            if (const auto answer = client.on_packet(event.packet)) {
                send_to_server(client, *answer);
                arm(client);
            }
            return;
        case Kind::client_timer:
            if (event.timeouts == client.timeouts && !client.done) {
                send_to_server(client, client.last());
                arm(client);
            }
            return;
        }
    }

    TftpWorld& world_;
    Faults faults_;
    std::mt19937_64 random_;
    std::map<Endpoint, PlainClient*> clients_;
    std::priority_queue<Event> events_;
    std::uint64_t number_ = 0;
};

// Every seed draws a size, a blksize, a window and a network; every transfer ends with the exact
// bytes. Half of the sizes are multiples of the block size, whose last block is empty.
TEST(TftpTransfers, EveryTransferEndsWithTheExactBytes) {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random{seed};
        const auto draw = [&](std::uint64_t min, std::uint64_t max) {
            return std::uniform_int_distribution<std::uint64_t>{min, max}(random);
        };
        const bool options = draw(0, 7) != 0;
        const auto blksize = static_cast<std::uint16_t>(options ? draw(8, 1468) : 512);
        const auto windowsize = static_cast<std::uint16_t>(options ? draw(1, 64) : 1);
        const std::uint64_t blocks = draw(0, 150);
        const std::string bytes =
            pattern(blocks * blksize + (draw(0, 1) == 0 ? 0 : draw(1, blksize) - 1));
        const Faults faults{
            .loss = draw(0, 1) == 0 ? 0 : 0.01 * static_cast<double>(draw(1, 20)),
            .duplication = draw(0, 1) == 0 ? 0 : 0.1,
            .delay_min = 1us * static_cast<std::int64_t>(draw(50, 20'000)),
            .delay_spread = draw(0, 1) == 0 ? 0us : 1us * static_cast<std::int64_t>(draw(1, 5000))};
        TftpOptions asked;
        if (options) {
            asked.blksize = blksize;
            asked.windowsize = windowsize;
            asked.tsize = 0;
        }
        TftpWorld world;
        world.files["files/f"] = text_content(bytes);
        PlainClient pc{client(1000), rrq("f", asked), blksize, windowsize};
        Network network{world, faults, seed};
        network.add(pc);
        network.run(600s);
        ASSERT_TRUE(pc.done);
        ASSERT_EQ(pc.got, bytes) << "blksize=" << blksize << " windowsize=" << windowsize;
        // A lost last ACK is the one thing that may leave the server in doubt; our client stays to
        // repeat it, so it always learns of the end.
        EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
        EXPECT_EQ(world.server.metrics().bytes_acknowledged.read(), bytes.size());
        if (faults.loss == 0 && faults.duplication == 0 && faults.delay_spread == 0us &&
            faults.delay_min < 9ms) {
            EXPECT_EQ(world.server.metrics().blocks_resent.read(), 0U) << "nothing was lost";
        }
    }
}

// Every packet arrives twice: the blocks sent must not grow with the transfer. One window may be
// sent again, since a strict client takes the first doubled block for a gap.
TEST(TftpTransfers, ANetworkThatDoublesEverythingDoublesNoBlock) {
    for (const std::uint16_t windowsize : std::to_array<std::uint16_t>({1, 4, 16})) {
        TftpWorld world;
        const std::string bytes = pattern(1'000'000);
        world.files["files/f"] = text_content(bytes);
        PlainClient pc{client(1), rrq("f", {.blksize = 1000, .windowsize = windowsize}), 1000,
                       windowsize};
        Network network{world, {.duplication = 1.0}, 1};
        network.add(pc);
        network.run(60s);
        EXPECT_EQ(pc.got, bytes);
        const std::uint64_t again = windowsize == 1 ? 0 : windowsize;
        EXPECT_LE(world.server.metrics().blocks_sent.read(), 1001 + again)
            << "windowsize=" << windowsize;
    }
}

TEST(TftpTransfers, OnePercentLossCostsLittleTime) {
    TftpWorld world;
    const std::string bytes = pattern(1U << 20U);
    world.files["files/f"] = text_content(bytes);
    Duration longest{};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        PlainClient pc{client(static_cast<std::uint16_t>(1000 + seed)),
                       rrq("f", {.blksize = 1468, .windowsize = 16}), 1468, 16};
        const Instant start = world.now();
        Network network{world, {.loss = 0.01, .delay_min = 100us}, seed};
        network.add(pc);
        network.run(600s);
        ASSERT_EQ(pc.got, bytes);
        longest = std::max(longest, world.now() - start);
    }
    EXPECT_LT(longest, 2s) << longest.count();
}

// Content of more than 65 535 blocks: the wire number wraps to 0 and nothing else does.
TEST(TftpTransfers, BlocksBeyondThe16BitNumberAreTheRightOnes) {
    const std::string bytes = pattern(std::size_t{8} * 70'000 + 3);
    for (const std::uint16_t windowsize : std::to_array<std::uint16_t>({1, 7, 64})) {
        TftpWorld world;
        world.files["files/f"] = text_content(bytes);
        PlainClient pc{client(1), rrq("f", {.blksize = 8, .windowsize = windowsize}), 8,
                       windowsize};
        Network network{world, {.loss = 0.001}, 7};
        network.add(pc);
        network.run(3600s);
        EXPECT_TRUE(pc.got == bytes) << "windowsize=" << windowsize;
        EXPECT_EQ(world.ended(TftpEnd::completed), 1U);
    }
}

// A content of 8 GiB whose bytes nobody ever reads: what is asked of the driver, number by number.
TEST(TftpTransfers, RangesOfAHugeContentNeverWrap) {
    constexpr std::uint64_t size = std::uint64_t{8} << 30U;
    static constexpr std::byte nothing{};
    const ContentRef huge =
        std::make_shared<FakeContent>(Bytes{&nothing, static_cast<std::size_t>(size)});
    TftpLimits limits;
    limits.windowsize_max = 65'535;
    TftpServer server{limits};
    Outbox out;
    const auto tell = [&](UdpService service, std::uint8_t socket, const std::string& packet) {
        out.clear();
        server.receive({.service = service,
                        .socket = socket,
                        .source = client(1),
                        .local = server_address,
                        .payload = as_bytes(packet)},
                       {}, out);
    };
    tell(UdpService::tftp, 0, rrq("f", {.blksize = 512, .tsize = 0, .windowsize = 60'000}));
    const Ticket ticket = out.opens.at(0).ticket;
    out.clear();
    server.on_content(ticket, huge, {}, out);
    EXPECT_EQ(read_tftp_oack(out.payload(out.datagrams.at(0)))->tsize, size);
    const std::uint8_t socket = out.datagrams[0].socket;
    std::uint64_t next = 1;
    std::uint64_t acked = 0;
    constexpr std::uint64_t last = size / 512 + 1;
    while (acked < last) {
        tell(UdpService::tftp_transfer, socket, ack(acked));
        ASSERT_EQ(out.blocks.size(), 1U);
        ASSERT_EQ(out.blocks[0].first_block, next);
        ASSERT_EQ(out.blocks[0].content, huge);
        next += out.blocks[0].count;
        acked = next - 1;
    }
    EXPECT_EQ(acked, last);
    tell(UdpService::tftp_transfer, socket, ack(acked));
    EXPECT_EQ(server.metrics().ended(TftpEnd::completed), 1U);
    EXPECT_EQ(server.metrics().bytes_acknowledged.read(), size);
}

TEST(TftpTransfers, FiveThousandAtATime) {
    constexpr std::size_t count = 5000;
    TftpWorld world;
    const std::string bytes = pattern(20'000);
    world.files["files/f"] = text_content(bytes);
    std::vector<PlainClient> clients;
    clients.reserve(count);
    Network network{world, {.loss = 0.01, .delay_min = 1ms, .delay_spread = 500us}, 5};
    for (std::size_t i = 0; i < count; ++i) {
        const auto host = static_cast<std::uint8_t>(1 + i / 250);
        clients.emplace_back(client(static_cast<std::uint16_t>(1024 + i), host),
                             rrq("f", {.blksize = 1024, .windowsize = 4}), 1024, 4);
    }
    for (PlainClient& pc : clients) {
        network.add(pc);
    }
    network.run(120s);
    std::size_t exact = 0;
    for (const PlainClient& pc : clients) {
        exact += pc.got == bytes ? 1U : 0U;
    }
    EXPECT_EQ(exact, count);
    EXPECT_EQ(world.ended(TftpEnd::completed), count);
    EXPECT_LT(world.now(), Instant{} + 30s);
}

} // namespace
} // namespace muster
