// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/dpdk_wire.hh"

#include "io/client/client_neighbours.hh"
#include "io/dpdk/dpdk_port.hh"

#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace muster::load {
namespace {

constexpr std::size_t frame_size_max = 1514;
constexpr Duration link_wait = std::chrono::seconds{10};

/// The server is on the same segment: ARP finds it, and answers for each machine that has said
/// something from an address of its own.
class Wire final : public ClientWire {
public:
    explicit Wire(std::unique_ptr<DpdkPort> port) : port_(std::move(port)) { port_->attach(); }

    std::span<const ReceivedFrame> receive() override {
        std::size_t count = 0;
        for (const DpdkFrame& frame : port_->receive()) {
            if (const auto found = read_frame(frame.bytes, !frame.checksums_trusted)) {
                ++metrics_.received;
                metrics_.received_bytes += found->datagram.payload.size();
                frames_[count++] = *found;
            } else if (const auto request = read_arp_request(frame.bytes)) {
                answer(*request);
            } else if (const auto reply = read_arp_reply(frame.bytes)) {
                neighbours_.on_reply(*reply, [this](Bytes waited) { put(waited); });
            }
        }
        return std::span{frames_}.first(count);
    }

    void send(const ClientTx& datagram, Bytes payload, const Now& now) override {
        const auto source = datagram.source.address.v4();
        const auto destination = datagram.destination.address.v4();
        if (!destination) {
            ++metrics_.unresolved; // IPv6 is not spoken here
            return;
        }
        if (source && !source->is_unspecified()) {
            machines_.try_emplace(*source, datagram.mac);
        }
        auto mac = group_mac(*destination);
        if (!mac) {
            mac = neighbours_.find(*destination);
        }
        if (mac) {
            write([&](MutableBytes room) { return write_frame(room, *mac, datagram, payload); });
            return;
        }
        asker_ = {datagram.mac, source.value_or(Ipv4Address{}), {}};
        if (neighbours_.is_time_to_ask(*destination, now.steady)) {
            ask(*destination);
        }
        if (!neighbours_.hold(*destination, datagram, payload)) {
            ++metrics_.unresolved;
        }
    }

    void flush(const Now& now) override {
        neighbours_.ask_again(now.steady, [this](const Ipv4Address& hop) { ask(hop); });
        port_->flush();
    }
    const ClientWireMetrics& metrics() const noexcept override { return metrics_; }

private:
    template <class Write>
    void write(Write&& how) {
        if (const MutableBytes room = port_->claim(frame_size_max); !room.empty()) {
            const std::size_t size = how(room);
            port_->send(size);
            metrics_.sent += size > 0 ? 1 : 0;
        }
    }
    void ask(const Ipv4Address& hop) {
        write([&](MutableBytes room) {
            return write_arp_request(room, {asker_.sender_mac, asker_.sender, hop});
        });
    }
    void put(Bytes frame) {
        write([&](MutableBytes room) {
            std::copy(frame.begin(), frame.end(), room.begin());
            return frame.size();
        });
    }
    void answer(const ClientArp& request) {
        if (const auto machine = machines_.find(request.target); machine != machines_.end()) {
            const ClientArp reply{machine->second, request.target, request.sender};
            write([&](MutableBytes room) {
                return write_arp_reply(room, request.sender_mac, reply);
            });
        }
    }

    std::unique_ptr<DpdkPort> port_;
    std::array<ReceivedFrame, DpdkPort::burst> frames_{};
    ClientNeighbours neighbours_;
    ClientArp asker_; ///< the machine that asks for all
    absl::flat_hash_map<Ipv4Address, MacAddress> machines_;
    ClientWireMetrics metrics_;
};

} // namespace

bool has_dpdk() noexcept {
    return true;
}

DpdkWire open_dpdk_wire(const Options& options) {
    std::string warning;
    auto port = DpdkPort::open(
        {.eal = options.dpdk_eal, .device = options.dpdk_port, .promiscuous = true}, warning);
    if (!port) {
        throw Failure{port.error()};
    }
    if (!warning.empty()) {
        fmt::print(stderr, "muster-load: {}\n", warning);
    }
    if (!(*port)->wait_for_link(link_wait)) {
        throw Failure{fmt::format("--dpdk-port {}: its link is down: is the other side there?",
                                  options.dpdk_port)};
    }
    DpdkWire opened;
    opened.link.name = options.dpdk_port.substr(0, options.dpdk_port.find(','));
    opened.link.mac = (*port)->mac();
    opened.wire = std::make_unique<Wire>(std::move(*port));
    return opened;
}

} // namespace muster::load
