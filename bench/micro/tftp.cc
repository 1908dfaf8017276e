// SPDX-License-Identifier: Apache-2.0
// What the TFTP engine adds to the kernel's price of a window, with many transfers at once.
#include "net/tftp/tftp_server.hh"

#include <benchmark/benchmark.h>

namespace muster {
namespace {

constexpr Ipv4Address server_address{{10, 79, 0, 1}};

/// A file whose bytes nobody looks at: the engine only names ranges of it.
class LargeContent final : public Content {
public:
    explicit LargeContent(std::size_t size) : memory_(size) { bytes = memory_; }

private:
    std::vector<std::byte> memory_;
};

struct Transfer {
    Endpoint client;
    std::uint8_t socket = 0;
    std::uint64_t next = 0; ///< the block to acknowledge next
};

/// One ACK and the window that answers it. range(0): transfers at once; range(1): window size.
void tftp_window(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    const auto window = static_cast<std::uint16_t>(state.range(1));
    constexpr std::uint16_t blksize = 1468;
    Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
    TftpLimits limits;
    limits.sessions = count + 4096; // those that a new one replaced linger until they time out
    TftpServer server{limits};
    const auto content = std::make_shared<LargeContent>(std::size_t{256} << 20U);
    Outbox out;
    std::vector<Transfer> transfers(count);
    std::array<std::byte, 512> buffer{};

    const auto begin = [&](Transfer& transfer, std::uint32_t i) {
        static std::uint16_t port = 1024;
        transfer.client = {Ipv4Address{{10, 79, static_cast<std::uint8_t>(1 + i / 250),
                                        static_cast<std::uint8_t>(1 + i % 250)}},
                           static_cast<std::uint16_t>(port++ | 1024U)};
        transfer.next = 0;
        ByteWriter writer{buffer};
        (void)write_tftp_request(
            writer,
            {.name = "f",
             .options = {.blksize = blksize, .tsize = {}, .timeout = {}, .windowsize = window}});
        server.receive({.service = UdpService::tftp,
                        .source = transfer.client,
                        .local = server_address,
                        .payload = writer.written()},
                       now, out);
        if (out.opens.size() == 1) {
            server.on_content(out.opens[0].ticket, ContentRef{content}, now, out);
        }
        if (!out.datagrams.empty()) {
            transfer.socket = out.datagrams.back().socket;
        }
        out.clear();
    };
    for (std::uint32_t i = 0; i < count; ++i) {
        begin(transfers[i], i);
    }
    const std::uint64_t last = content->bytes.size() / blksize;
    std::uint32_t i = 0;
    for (auto _ : state) {
        Transfer& transfer = transfers[i];
        ByteWriter writer{buffer};
        write_tftp_ack(writer, static_cast<std::uint16_t>(transfer.next));
        server.receive({.service = UdpService::tftp_transfer,
                        .socket = transfer.socket,
                        .source = transfer.client,
                        .local = server_address,
                        .payload = writer.written()},
                       now, out);
        if (out.blocks.empty()) {
            state.SkipWithError("an ACK was not answered");
            break;
        }
        transfer.next += window;
        out.clear();
        if (transfer.next + window >= last) {
            state.PauseTiming();
            begin(transfer, i);
            state.ResumeTiming();
        }
        i = (i + 1) % count;
        now.steady = now.steady + 1us;
    }
    state.counters["session_bytes"] = static_cast<double>(sizeof(ReadSession));
}
BENCHMARK(tftp_window)->Args({1, 1})->Args({5000, 1})->Args({5000, 16});

} // namespace
} // namespace muster
