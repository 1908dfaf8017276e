// SPDX-License-Identifier: Apache-2.0
// What the DHCP engine adds to the kernel's price of a packet.
#include "tests/support/dhcp_rig.hh"

#include <benchmark/benchmark.h>

namespace muster {
namespace {

constexpr std::uint32_t machines = 20'000;
constexpr std::size_t chaddr_at = 28;
constexpr std::size_t yiaddr_at = 16;
constexpr std::size_t requested_at = 240 + 3 + 6 + 2; ///< behind options 53 and 54

/// A server with room for all machines, and the two messages of one, to be patched for each.
struct Bench {
    Bench() : server({.leases_max = 65'536, .commits_max = 4'096}) {
        InterfaceInfo interface;
        interface.index = 7;
        interface.name = "rack0";
        interface.address = test::ip("10.79.0.1");
        server.on_interfaces(std::span{&interface, 1});
        Snapshot snapshot;
        SubnetPlan subnet;
        subnet.subnet = read_subnet("10.79.0.0/16").value();
        subnet.pools = {read_address_range("10.79.1.0-10.79.200.255").value()};
        subnet.router = test::ip("10.79.0.254");
        snapshot.dhcp.subnets = {subnet};
        snapshot.dhcp.unknown_action = BootAction::install;
        server.on_snapshot(std::make_shared<const Snapshot>(snapshot), now);
    }

    void receive(std::vector<std::byte>& packet, std::uint32_t machine) {
        const MacAddress mac = test::machine_mac(machine);
        std::memcpy(packet.data() + chaddr_at, mac.octets.data(), mac.octets.size());
        RxDatagram datagram;
        datagram.service = UdpService::dhcp;
        datagram.interface = 7;
        datagram.source = {Ipv4Address{}, 68};
        datagram.local = Ipv4Address::broadcast();
        datagram.payload = packet;
        server.receive(datagram, now, out);
    }

    /// The whole of it; false when the server did not play its part.
    bool exchange(std::uint32_t machine) {
        receive(discover, machine);
        if (out.datagrams.size() != 1) {
            return false;
        }
        // The OFFER goes out as an IPv4 packet: its message begins behind two headers.
        const Bytes offer = out.payload(out.datagrams[0]);
        const std::size_t head = out.datagrams[0].link ? ipv4_udp_header_size : 0;
        std::memcpy(request.data() + requested_at, offer.data() + head + yiaddr_at, 4);
        out.clear();
        receive(request, machine);
        for (const WorkerMessage& message : out.messages) {
            if (const auto* commit = std::get_if<LeaseCommit>(&message)) {
                const SlabHandle handle = commit->request;
                server.on_lease_committed({handle, true}, now, out);
                break;
            }
        }
        const bool acknowledged = out.datagrams.size() == 1;
        out.clear();
        return acknowledged;
    }

    Now now{Instant{} + 1h, UnixTime{1'700'000'000'000}};
    DhcpServer server;
    Outbox out;
    std::vector<std::byte> discover =
        test::ClientMessage{DhcpMessageType::discover, {}}.pxe(7).bytes();
    std::vector<std::byte> request =
        test::ClientMessage{DhcpMessageType::request, {}}
            .with(DhcpOptionCode::server_identifier, test::ip("10.79.0.1"))
            .with(DhcpOptionCode::requested_address, Ipv4Address{})
            .pxe(7)
            .bytes();
};

/// DISCOVER, OFFER, REQUEST, commit, ACK of machines that were never seen.
void dhcp_exchange_new(benchmark::State& state) {
    auto bench = std::make_unique<Bench>();
    std::uint32_t machine = 0;
    for (auto _ : state) {
        if (machine == machines) {
            state.PauseTiming();
            bench = std::make_unique<Bench>();
            machine = 0;
            state.ResumeTiming();
        }
        if (!bench->exchange(machine++)) {
            state.SkipWithError("an exchange came to nothing");
            break;
        }
    }
}
BENCHMARK(dhcp_exchange_new);

/// The same by a machine that has its lease: the next stage of one boot.
void dhcp_exchange_again(benchmark::State& state) {
    Bench bench;
    for (std::uint32_t machine = 0; machine < machines; ++machine) {
        if (!bench.exchange(machine)) {
            state.SkipWithError("an exchange came to nothing");
            return;
        }
    }
    std::uint32_t machine = 0;
    for (auto _ : state) {
        if (!bench.exchange(machine++ % machines)) {
            state.SkipWithError("an exchange came to nothing");
            break;
        }
    }
}
BENCHMARK(dhcp_exchange_again);

} // namespace
} // namespace muster
