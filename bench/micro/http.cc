// SPDX-License-Identifier: Apache-2.0
// What the HTTP engine adds to the kernel's price of a request, with many connections open.
#include "net/http/http_server.hh"

#include <benchmark/benchmark.h>

namespace muster {
namespace {

constexpr std::string_view request = "GET /files/4k.bin HTTP/1.1\r\n"
                                     "Connection: keep-alive\r\n"
                                     "User-Agent: iPXE/1.0.0+git-20190125\r\n"
                                     "Host: 10.79.0.1\r\n\r\n";

class SmallContent final : public Content {
public:
    SmallContent() : memory_(4096) {
        bytes = memory_;
        etag = "\"1000-18c3f5a1b2c\"";
        type = "application/octet-stream";
    }

private:
    std::vector<std::byte> memory_;
};

/// A request on a kept connection, its file found in the cache, its answer on the way.
void http_get(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
    HttpLimits limits;
    limits.connections = count;
    HttpServer server{limits, HttpRole::content};
    const ContentRef content = std::make_shared<SmallContent>();
    Outbox out;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Ipv4Address client{{10, 79, static_cast<std::uint8_t>(1 + i / 250),
                                  static_cast<std::uint8_t>(1 + i % 250)}};
        server.on_stream_open({i, 1}, {client, 4000}, {Ipv4Address{{10, 79, 0, 1}}, 80}, now, out);
        out.clear();
    }
    std::uint32_t i = 0;
    for (auto _ : state) {
        const StreamId stream{i, 1};
        server.on_stream_data(stream, as_bytes(request), now, out);
        if (out.opens.size() != 1) {
            state.SkipWithError("a request asked for no file");
            break;
        }
        const Ticket ticket = out.opens[0].ticket;
        server.on_content(ticket, content, now, out);
        if (out.stream_sends.size() != 1) {
            state.SkipWithError("a request was not answered");
            break;
        }
        server.on_stream_sent(stream, now, out);
        out.clear();
        i = (i + 1) % count;
        now.steady = now.steady + 1us;
    }
    state.counters["connection_bytes"] = static_cast<double>(sizeof(HttpConnection));
}
BENCHMARK(http_get)->Arg(64)->Arg(10000);

} // namespace
} // namespace muster
