// SPDX-License-Identifier: Apache-2.0
// Everything that a worker serves, as one engine.
#pragma once

#include "core/metrics/exposition.hh"
#include "core/port/interface_info.hh"
#include "core/port/outbox.hh"
#include "net/dhcp/dhcp_server.hh"
#include "net/dhcp/proxy_dhcp.hh"
#include "net/dhcp6/dhcp6_server.hh"
#include "net/host/router_advertiser.hh"
#include "net/http/http_server.hh"
#include "net/tftp/tftp_server.hh"

#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace muster {

/// What an engine is made with. Worker 0 alone serves DHCP and router advertisements.
struct EngineOptions {
    bool dhcp = true;
    bool dhcp_proxy = false; ///< instead: beside another DHCP server
    bool dhcp6 = true;       ///< where the site has an IPv6 subnet
    bool router_advertisements = true;
    DhcpLimits dhcp_limits;
    TftpLimits tftp_limits;
    HttpLimits http_limits;
    std::vector<InterfaceInfo> interfaces;
};

/// Not a template and not virtual: one class, compiled once, linked by the server, the simulator,
/// the fuzzers and the benches. Input is a fact that happened; output goes to `out`; no call
/// blocks, fails, or reads a clock.
///
/// Thread: its worker's, except report().
class Engine {
public:
    explicit Engine(const EngineOptions& options);

    /// Leases of the last run, before anything is served.
    void restore(std::span<const LeaseRecord> leases, std::span<const Lease6Record> leases6,
                 const Now& now);

    /// DHCP messages wait for expire(), so that of one burst the urgent come first.
    void receive(const RxDatagram& packet, const Now& now, Outbox& out) noexcept;
    /// When next_probe() is due: acts on answers heard, appends the addresses to ask about now.
    void ask(const Now& now, std::vector<ConflictProbe>& probes, Outbox& out) {
        if (dhcp_) {
            dhcp_->ask(now, probes, out);
        }
    }
    [[nodiscard]] Instant next_probe() const noexcept {
        return dhcp_ ? dhcp_->next_probe() : Instant::never();
    }
    void on_conflict_answer(const ConflictAnswer& answer, const Now& now) noexcept {
        if (dhcp_) {
            dhcp_->on_conflict_answer(answer, now);
        }
    }
    void on_stream_open(StreamId id, const Endpoint& peer, const Endpoint& local, const Now& now,
                        Outbox& out) noexcept;
    void on_stream_data(StreamId id, Bytes data, const Now& now, Outbox& out) noexcept;
    void on_stream_end(StreamId id, const Now& now, Outbox& out) noexcept;
    void on_stream_progress(StreamId id, std::uint64_t sent, const Now& now, Outbox& out) noexcept;
    void on_stream_sent(StreamId id, const Now& now, Outbox& out) noexcept;
    void on_stream_closed(StreamId id, const Now& now, Outbox& out) noexcept;
    void on_content(const Ticket& ticket, const std::expected<ContentRef, OpenError>& content,
                    const Now& now, Outbox& out) noexcept;
    void on_content_grown(const Now& now, Outbox& out) noexcept {
        http_.on_content_grown(now, out);
    }
    void on_control(ControlMessage&& message, const Now& now, Outbox& out) noexcept;
    /// Fires every timer due at or before `now`.
    void expire(const Now& now, Outbox& out) noexcept;
    /// When expire() has work next.
    [[nodiscard]] Instant next_deadline() const noexcept;

    /// Adds the engine's counters. Any thread: they are atomics with one writer.
    void report(Exposition& exposition) const;

private:
    void on_node_boot(const NodeBoot& node) noexcept;
    void on_snapshot(const SnapshotRef& site, const Now& now) noexcept;

    std::unique_ptr<DhcpServer> dhcp_;
    std::unique_ptr<ProxyDhcp> proxy_; ///< one of the two, or none
    std::unique_ptr<Dhcp6Server> dhcp6_;
    std::unique_ptr<RouterAdvertiser> router_;
    TftpServer tftp_;
    HttpServer http_;
};

} // namespace muster
