// SPDX-License-Identifier: Apache-2.0
// HTTP fetches against whatever a server may send, over a driver that keeps its promises.
//
// Input:  the first byte chooses the client's model, the second what it fetches; then steps, each
//         an opcode (modulo 8) and what it needs: bytes, pieces of well-formed answers, bytes
//         thrown away, the connection's end, time, the next fetch.
// Checks: orders name connections that live; nothing is sent before the connection is open; what
//         runs has a deadline, what does not has none; no more of a body is kept than asked for;
//         left alone, the fetch ends.
#include "core/base/byte_reader.hh"
#include "core/base/check.hh"
#include "net/client/client_fleet.hh"
#include "net/client/http_client.hh"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace muster;
using namespace std::string_view_literals;

constexpr std::size_t steps_max = 2000;
constexpr std::size_t keep_max = 10;
constexpr Endpoint server{Ipv4Address{{10, 0, 0, 1}}, 80};
constexpr std::array models{
    HttpClientModel{},
    HttpClientModel{.http_1_0 = true, .keep_alive = false},
    HttpClientModel{.head_first = true, .retry_after = false, .resumes = 2},
    HttpClientModel{.resumes = 5, .field_order = "x"},
};
constexpr std::array pieces{
    "HTTP/1.1 200 OK\r\n"sv,
    "HTTP/1.1 206 Partial Content\r\n"sv,
    "HTTP/1.0 200 OK\r\n"sv,
    "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n"sv,
    "HTTP/1.1 404 No\r\n"sv,
    "HTTP/1.1 100 Continue\r\n\r\n"sv,
    "Content-Length: 26\r\n"sv,
    "Content-Length: 100000\r\n"sv,
    "Transfer-Encoding: chunked\r\n"sv,
    "Connection: close\r\n"sv,
    "Content-Range: bytes 3-9/26\r\n"sv,
    "ETag: \"v\"\r\n"sv,
    "\r\n"sv,
    "5\r\nabcde\r\n"sv,
    "0\r\n\r\n"sv,
    "abcdefghijklmnopqrstuvwxyz"sv,
};
constexpr std::string_view alphabet = pieces.back();

class Owner final : public ClientMachine {
public:
    explicit Owner(const HttpClientModel& model) noexcept : client(model) {}
    void start(ClientContext& /*context*/) noexcept override {}
    void on_datagram(const ClientRx& /*datagram*/, ClientContext& /*context*/) noexcept override {}
    void on_timer(ClientContext& context) noexcept override {
        client.on_timer(context);
        context.set_timer(client.deadline());
    }
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        MUSTER_CHECK(client.owns(stream));
        client.on_stream_open(context);
        context.set_timer(client.deadline());
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        MUSTER_CHECK(client.owns(stream));
        client.on_stream_data(bytes, context);
        context.set_timer(client.deadline());
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        MUSTER_CHECK(client.owns(stream));
        client.on_stream_discarded(size, context);
        context.set_timer(client.deadline());
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        MUSTER_CHECK(client.owns(stream));
        client.on_stream_closed(context);
        context.set_timer(client.deadline());
    }
    HttpClient client;
};

class Script {
public:
    Script(Bytes input, std::uint8_t model) : input_(input) {
        auto owner = std::make_unique<Owner>(models[model % models.size()]);
        client_ = &owner->client;
        fleet_.start(identity_, std::move(owner), now_, out_);
        begin(next());
    }
    void run() {
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
        }
        for (int i = 0; i < 50 && client_->busy(); ++i) {
            pass(200s);
        }
        MUSTER_CHECK(!client_->busy());
    }

private:
    struct Connection {
        ClientStreamId id{};
        bool open = false;
        std::uint64_t discard = 0;
    };

    std::uint8_t next() { return input_.u8().value_or(0); }
    Bytes bytes(std::size_t size) { return *input_.take(std::min(size, input_.remaining())); }

    void begin(std::uint8_t how) {
        HttpFetch fetch{.server = server, .target = "/f", .keep_max = how % (keep_max + 1)};
        fetch.method = (how & 16U) != 0   ? HttpFetch::Method::post
                       : (how & 32U) != 0 ? HttpFetch::Method::head
                                          : HttpFetch::Method::get;
        if ((how & 64U) != 0) {
            fetch.range_begin = 3;
            fetch.range_end = 10;
        }
        fetch.expected = (how & 128U) != 0 ? &expected_ : nullptr;
        with([&](ClientContext& context) { client_->begin(std::move(fetch), context); });
    }
    template <class Act>
    void with(Act&& act) {
        ClientContext context{fleet_, identity_, now_, out_};
        act(context);
        context.set_timer(client_->deadline());
        check();
    }
    void give(Bytes data) {
        if (connection_ && connection_->open && !data.empty()) {
            connection_->discard -= std::min<std::uint64_t>(connection_->discard, data.size());
            fleet_.on_stream_data(connection_->id, data, now_, out_);
            check();
        }
    }
    void perform(std::uint8_t step) {
        switch (step & 7U) {
        case 0:
            if (connection_ && !connection_->open) {
                connection_->open = true;
                fleet_.on_stream_open(connection_->id, now_, out_);
                check();
            }
            return;
        case 1:
            give(bytes(next()));
            return;
        case 2:
        case 3:
            give(as_bytes(pieces[(step >> 4U) % pieces.size()]));
            return;
        case 4:
            if (connection_ && connection_->discard > 0) {
                const std::uint64_t size = std::min<std::uint64_t>(
                    connection_->discard, (next() + std::uint64_t{1}) * 1000);
                connection_->discard -= size;
                fleet_.on_stream_discarded(connection_->id, size, now_, out_);
                check();
            }
            return;
        case 5:
            if (connection_) {
                const ClientStreamId id = connection_->id;
                connection_.reset();
                fleet_.on_stream_closed(id, now_, out_);
                check();
            }
            return;
        case 6:
            pass(std::chrono::milliseconds{1U << (step >> 4U)} * (step & 8U ? 10 : 1));
            return;
        case 7:
            if (!client_->busy()) {
                if ((step & 8U) != 0) {
                    with([&](ClientContext& context) { client_->repeat(context); });
                } else {
                    begin(next());
                }
            } else if (step == 0xFF) {
                with([&](ClientContext& context) { client_->close(context); });
            }
            return;
        default:
            return;
        }
    }
    void pass(Duration time) {
        now_.steady = now_.steady + time;
        fleet_.expire(now_, out_);
        check();
    }
    void check() {
        MUSTER_CHECK(client_->busy() == (client_->deadline() != Instant::never()));
        MUSTER_CHECK(!client_->busy() || client_->deadline() > now_.steady);
        MUSTER_CHECK(client_->body().size() <= keep_max);
        MUSTER_CHECK(client_->outcome() != ClientOutcome::done ||
                     (client_->status() >= 200 && client_->status() < 300));
        for (const ClientStreamOrder& order : out_.stream_orders) {
            MUSTER_CHECK(connection_ && order.stream == connection_->id);
            switch (order.kind) {
            case ClientStreamOrder::Kind::send:
                MUSTER_CHECK(connection_->open);
                MUSTER_CHECK(as_text(out_.payload(order)).ends_with("\r\n\r\n"));
                break;
            case ClientStreamOrder::Kind::close:
                connection_.reset();
                break;
            case ClientStreamOrder::Kind::discard:
                MUSTER_CHECK(connection_->open && connection_->discard == 0);
                connection_->discard = order.size;
                break;
            }
        }
        MUSTER_CHECK(out_.connects.size() <= 1);
        for (const ClientConnect& connect : out_.connects) {
            MUSTER_CHECK(!connection_);
            connection_ = Connection{.id = connect.stream};
        }
        MUSTER_CHECK(!client_->busy() || fleet_.streams_in_use() == (connection_ ? 1U : 0U));
        out_.clear();
    }

    ByteReader input_;
    const ClientIdentity identity_{};
    Now now_{};
    ClientOutbox out_;
    ClientFleet fleet_{{.machines = 1, .streams = 2}};
    HttpClient* client_ = nullptr;
    Bytes expected_ = as_bytes(alphabet);
    std::optional<Connection> connection_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span{data, size});
    if (!input.empty()) {
        Script{input.subspan(1), data[0]}.run();
    }
    return 0;
}
