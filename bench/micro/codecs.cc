// SPDX-License-Identifier: Apache-2.0
// What it costs to read and write one packet.
#include "net/wire/dhcp_message.hh"
#include "net/wire/http_request.hh"
#include "net/wire/ipv4_udp.hh"
#include "net/wire/tftp_packet.hh"

#include "tests/support/dhcp_rig.hh"

#include <benchmark/benchmark.h>

namespace muster {
namespace {

void dhcp_read(benchmark::State& state) {
    const auto packet =
        test::ClientMessage{DhcpMessageType::discover, test::machine_mac(1)}.pxe(7).bytes();
    DhcpMessage message;
    for (auto _ : state) {
        benchmark::DoNotOptimize(read_dhcp_message(packet, message));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(dhcp_read);

void ipv4_udp_write(benchmark::State& state) {
    std::array<std::byte, 1500> packet{};
    std::array<std::byte, 300> payload{};
    for (auto _ : state) {
        benchmark::DoNotOptimize(write_ipv4_udp(packet, Ipv4UdpHeader{}, payload));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(ipv4_udp_write);

void tftp_request_read(benchmark::State& state) {
    std::array<std::byte, 512> buffer{};
    ByteWriter writer{buffer};
    benchmark::DoNotOptimize(write_tftp_request(
        writer, {.name = "grubx64.efi",
                 .options = {.blksize = 1468, .tsize = 0, .timeout = {}, .windowsize = 4}}));
    for (auto _ : state) {
        benchmark::DoNotOptimize(read_tftp_request(writer.written()));
    }
}
BENCHMARK(tftp_request_read);

constexpr std::string_view http_head = "GET /files/debian12/linux HTTP/1.1\r\n"
                                       "Connection: keep-alive\r\n"
                                       "User-Agent: iPXE/1.0.0+git-20190125\r\n"
                                       "Host: 10.79.0.1\r\n\r\n";

void http_head_read(benchmark::State& state) {
    for (auto _ : state) {
        HttpHeadScanner scanner;
        const auto size = scanner.scan(as_bytes(http_head), HttpHeadLimits{});
        benchmark::DoNotOptimize(
            read_request_head(as_bytes(http_head).first(size.value().value())));
    }
}
BENCHMARK(http_head_read);

} // namespace
} // namespace muster
