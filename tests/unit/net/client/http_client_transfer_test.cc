// SPDX-License-Identifier: Apache-2.0
// Fetches from the real HTTP server over connections that deliver in any pieces and, where the
// model resumes, break: every one ends with exactly the file's bytes.
#include "core/base/prng.hh"
#include "net/client/client_fleet.hh"
#include "net/client/http_client.hh"

#include "tests/unit/net/http/http_fixture.hh"

#include <gtest/gtest.h>

#include <string>

namespace muster::test {
namespace {

constexpr Ipv4Address machine_address{{10, 79, 0, 187}};

std::string patterned(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>((i * 2654435761U) >> 13U);
    }
    return text;
}

struct Path {
    std::string name; ///< below /files/
    std::string file;
};

/// Fetches paths one after the other, with or without comparing, and finishes.
class Fetcher final : public ClientMachine {
public:
    Fetcher(const HttpClientModel& model, const std::vector<Path>& paths, Prng draw)
        : client_(model), paths_(paths), draw_(draw) {}

    void start(ClientContext& context) noexcept override { next(context); }
    void on_datagram(const ClientRx& /*datagram*/, ClientContext& /*context*/) noexcept override {}
    void on_timer(ClientContext& context) noexcept override {
        client_.on_timer(context);
        settle(context);
    }
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        EXPECT_TRUE(client_.owns(stream));
        client_.on_stream_open(context);
        settle(context);
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        EXPECT_TRUE(client_.owns(stream));
        client_.on_stream_data(bytes, context);
        settle(context);
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        EXPECT_TRUE(client_.owns(stream));
        client_.on_stream_discarded(size, context);
        settle(context);
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        EXPECT_TRUE(client_.owns(stream));
        client_.on_stream_closed(context);
        settle(context);
    }

private:
    void next(ClientContext& context) {
        const Path& path = paths_[at_];
        const std::size_t size = path.file.size();
        HttpFetch fetch{.local = context.identity.address,
                        .server = {Ipv4Address{{10, 79, 0, 1}}, 80},
                        .target = "/files/" + path.name};
        if (size > 1 && draw_.chance(0.3)) {
            fetch.range_begin = draw_.below(size - 1);
            fetch.range_end = fetch.range_begin + 1 + draw_.below(size - fetch.range_begin);
        }
        wanted_ = fetch.range_end != 0
                      ? path.file.substr(fetch.range_begin, fetch.range_end - fetch.range_begin)
                      : path.file;
        expected_ = as_bytes(wanted_);
        if (draw_.chance(0.5)) {
            fetch.expected = &expected_;
        }
        fetch.keep_max = draw_.chance(0.5) ? draw_.below(2 * size + 1) : 0;
        keep_ = fetch.keep_max;
        client_.begin(std::move(fetch), context);
        context.set_timer(client_.deadline());
    }
    void settle(ClientContext& context) {
        context.set_timer(client_.deadline());
        if (client_.busy()) {
            return;
        }
        if (client_.outcome() != ClientOutcome::done || client_.bytes() != wanted_.size() ||
            client_.body() != wanted_.substr(0, keep_)) {
            context.finish(false, "fetch " + std::to_string(at_) + ": " + client_.why());
        } else if (++at_ == paths_.size()) {
            context.finish(true);
        } else {
            next(context);
        }
    }

    HttpClient client_;
    const std::vector<Path>& paths_;
    Prng draw_;
    std::size_t at_ = 0;
    std::string wanted_;
    Bytes expected_;
    std::size_t keep_ = 0;
};

/// One machine, one server, and the connections between them.
class Wire {
public:
    Wire(std::uint64_t seed, double breaks) : random_(seed), breaks_(breaks) {}

    std::string run(std::unique_ptr<ClientMachine> machine) {
        fleet_.start({.index = 0, .mac = {}, .uuid = {}, .address = machine_address},
                     std::move(machine), world.now, out_);
        perform();
        for (int step = 0; step < 1'000'000; ++step) {
            if (!fleet_.running(0)) {
                return result_;
            }
            if (!move_something()) {
                const Instant next = std::min(fleet_.next_deadline(), world.server.next_deadline());
                if (next == Instant::never()) {
                    return "nothing will ever happen";
                }
                world.pass(std::max(next, world.now.steady) - world.now.steady);
                fleet_.expire(world.now, out_);
                perform();
            }
        }
        return "it does not end";
    }

    HttpWorld world;

private:
    struct Connection {
        ClientStreamId id;
        StreamId server;
        std::string to_server;
        std::uint64_t discard = 0;
        bool open = false;
    };

    bool move_something() {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            Connection& c = connections_[i];
            if (!c.open) {
                c.open = true;
                c.server = world.open(static_cast<std::uint32_t>(c.id.slot));
                fleet_.on_stream_open(c.id, world.now, out_);
                perform();
                return true;
            }
            if (random_.chance(breaks_)) {
                lose(i);
                return true;
            }
            if (!c.to_server.empty()) {
                const std::string bytes = std::exchange(c.to_server, {});
                world.data(c.server, bytes);
                return true;
            }
            std::string& arrived = world.received[c.server.slot];
            if (!arrived.empty()) {
                give_client(c, arrived);
                return true;
            }
            if (world.shut[c.server.slot]) {
                lose(i);
                return true;
            }
        }
        return false;
    }
    void give_client(Connection& c, std::string& arrived) {
        const std::uint64_t most = 1 + random_.below(20'000);
        std::size_t size = std::min<std::size_t>(arrived.size(), most);
        const ClientStreamId id = c.id;
        if (c.discard > 0) {
            size = std::min<std::size_t>(size, c.discard);
            c.discard -= size;
            arrived.erase(0, size);
            if (random_.chance(0.7)) {
                fleet_.on_stream_discarded(id, size, world.now, out_);
                perform();
                return;
            }
            // Or it comes all the same; nobody looks at these bytes.
            fleet_.on_stream_data(id, as_bytes(std::string(size, '?')), world.now, out_);
        } else {
            const std::string piece = arrived.substr(0, size);
            arrived.erase(0, size);
            fleet_.on_stream_data(id, as_bytes(piece), world.now, out_);
        }
        perform();
    }
    void lose(std::size_t i) {
        const Connection gone = connections_[i];
        connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
        world.hang_up(gone.server);
        fleet_.on_stream_closed(gone.id, world.now, out_);
        perform();
    }
    void perform() {
        for (const ClientStreamOrder& order : out_.stream_orders) {
            const auto c = std::ranges::find(connections_, order.stream, &Connection::id);
            switch (order.kind) {
            case ClientStreamOrder::Kind::send:
                ASSERT_NE(c, connections_.end());
                c->to_server += as_text(out_.payload(order));
                break;
            case ClientStreamOrder::Kind::discard:
                ASSERT_NE(c, connections_.end());
                c->discard += order.size;
                break;
            case ClientStreamOrder::Kind::close:
                if (c != connections_.end()) {
                    if (c->open) {
                        world.hang_up(c->server);
                    }
                    connections_.erase(c);
                }
                break;
            }
        }
        for (const ClientConnect& connect : out_.connects) {
            connections_.push_back({.id = connect.stream, .server = {}, .to_server = {}});
        }
        for (const ClientNote& note : out_.notes) {
            if (note.kind == ClientNote::Kind::finished) {
                result_ = note.ok ? "" : "failed: " + note.text;
            }
        }
        out_.clear();
    }

    Prng random_;
    double breaks_;
    ClientOutbox out_;
    ClientFleet fleet_{{.machines = 1, .streams = 4}};
    std::vector<Connection> connections_;
    std::string result_ = "running";
};

std::vector<Path> draw_paths(Prng& draw, Wire& wire, std::size_t count) {
    std::vector<Path> paths;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t size = draw.chance(0.2) ? draw.below(3) : draw.below(300'000);
        paths.push_back({"f" + std::to_string(i), patterned(size)});
        wire.world.add_file("files:" + paths.back().name, paths.back().file,
                            "\"v" + std::to_string(i) + "\"");
    }
    return paths;
}

constexpr std::array models{
    HttpClientModel{},
    HttpClientModel{.keep_alive = false},
    HttpClientModel{.http_1_0 = true, .keep_alive = false},
    HttpClientModel{.says_connection = false, .head_first = true, .resumes = 5},
};

TEST(HttpClientTransfer, EveryModelFetchesInAnyPieces) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Prng draw{seed};
        Wire wire{draw.next(), 0};
        const HttpClientModel& model = models[seed % models.size()];
        const auto paths = draw_paths(draw, wire, 10);
        EXPECT_EQ(wire.run(std::make_unique<Fetcher>(model, paths, draw.split())), "")
            << "seed " << seed;
    }
}

TEST(HttpClientTransfer, WhatBreaksIsResumed) {
    constexpr HttpClientModel resuming{.resumes = 1000};
    constexpr HttpClientModel firmware{.head_first = true, .resumes = 1000};
    unsigned whole = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Prng draw{seed};
        Wire wire{draw.next(), 0.01};
        const auto paths = draw_paths(draw, wire, 3);
        const std::string result = wire.run(
            std::make_unique<Fetcher>(seed % 2 == 0 ? resuming : firmware, paths, draw.split()));
        // What breaks before the server said yes is not resumed, by real clients neither.
        EXPECT_TRUE(result.empty() || result.ends_with("closed before the answer was there") ||
                    result.ends_with("no connection"))
            << "seed " << seed << ": " << result;
        whole += result.empty() ? 1U : 0U;
    }
    EXPECT_GT(whole, 25U);
}

} // namespace
} // namespace muster::test
