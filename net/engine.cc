// SPDX-License-Identifier: Apache-2.0
#include "net/engine.hh"

#include <algorithm>

namespace muster {

Engine::Engine(const EngineOptions& options)
    : tftp_(options.tftp_limits), http_(options.http_limits, HttpRole::content) {
    tftp_.on_interfaces(options.interfaces);
    if (options.dhcp_proxy) {
        proxy_ = std::make_unique<ProxyDhcp>();
        proxy_->on_interfaces(options.interfaces);
    } else if (options.dhcp) {
        dhcp_ = std::make_unique<DhcpServer>(options.dhcp_limits);
        dhcp_->on_interfaces(options.interfaces);
    }
    if (options.dhcp6) {
        dhcp6_ = std::make_unique<Dhcp6Server>(options.dhcp_limits);
        dhcp6_->on_interfaces(options.interfaces);
    }
    if (options.router_advertisements) {
        router_ = std::make_unique<RouterAdvertiser>();
        router_->on_interfaces(options.interfaces);
    }
}

void Engine::restore(std::span<const LeaseRecord> leases, std::span<const Lease6Record> leases6,
                     const Now& now) {
    if (dhcp_) {
        dhcp_->restore(leases, now);
    }
    if (dhcp6_) {
        dhcp6_->restore(leases6, now);
    }
}

void Engine::receive(const RxDatagram& packet, const Now& now, Outbox& out) noexcept {
    switch (packet.service) {
    case UdpService::dhcp:
        if (dhcp_) {
            dhcp_->take(packet, now, out);
        } else if (proxy_) {
            proxy_->receive(packet, out);
        }
        break;
    case UdpService::pxe:
        if (proxy_) {
            proxy_->receive(packet, out);
        }
        break;
    case UdpService::tftp:
    case UdpService::tftp_transfer:
        tftp_.receive(packet, now, out);
        break;
    case UdpService::dhcp6:
        if (dhcp6_) {
            dhcp6_->take(packet, now, out);
        }
        break;
    case UdpService::icmpv6:
        if (router_) {
            router_->receive(packet, now, out);
        }
        break;
    }
}

void Engine::on_stream_open(StreamId id, const Endpoint& peer, const Endpoint& local,
                            const Now& now, Outbox& out) noexcept {
    http_.on_stream_open(id, peer, local, now, out);
}

void Engine::on_stream_data(StreamId id, Bytes data, const Now& now, Outbox& out) noexcept {
    http_.on_stream_data(id, data, now, out);
}

void Engine::on_stream_end(StreamId id, const Now& now, Outbox& out) noexcept {
    http_.on_stream_end(id, now, out);
}

void Engine::on_stream_progress(StreamId id, std::uint64_t sent, const Now& now,
                                Outbox& out) noexcept {
    http_.on_stream_progress(id, sent, now, out);
}

void Engine::on_stream_sent(StreamId id, const Now& now, Outbox& out) noexcept {
    http_.on_stream_sent(id, now, out);
}

void Engine::on_stream_closed(StreamId id, const Now& now, Outbox& out) noexcept {
    http_.on_stream_closed(id, now, out);
}

void Engine::on_content(const Ticket& ticket, const std::expected<ContentRef, OpenError>& content,
                        const Now& now, Outbox& out) noexcept {
    if (ticket.owner == Ticket::Owner::tftp) {
        tftp_.on_content(ticket, content, now, out);
    } else {
        http_.on_content(ticket, content, now, out);
    }
}

void Engine::on_control(ControlMessage&& message, const Now& now, Outbox& out) noexcept {
    if (const auto* reply = std::get_if<std::unique_ptr<DynamicReply>>(&message)) {
        if ((*reply)->ticket.owner == Ticket::Owner::tftp) {
            tftp_.on_reply(**reply, now, out);
        } else {
            http_.on_reply(**reply, now, out);
        }
    } else if (auto* handed = std::get_if<std::unique_ptr<HandedDatagram>>(&message)) {
        (*handed)->datagram.payload = as_bytes((*handed)->payload);
        tftp_.receive_handed((*handed)->datagram, now, out);
    } else if (const auto* committed = std::get_if<LeaseCommitted>(&message)) {
        if (committed->v6 && dhcp6_) {
            dhcp6_->on_lease_committed(*committed, now, out);
        } else if (!committed->v6 && dhcp_) {
            dhcp_->on_lease_committed(*committed, now, out);
        }
    } else if (const auto* node = std::get_if<NodeBoot>(&message)) {
        on_node_boot(*node);
    } else if (const auto* snapshot = std::get_if<SnapshotRef>(&message)) {
        on_snapshot(*snapshot, now);
    }
}

/// Workers that serve no DHCP have none of these.
void Engine::on_node_boot(const NodeBoot& node) noexcept {
    if (dhcp_) {
        dhcp_->on_node_boot(node);
    }
    if (proxy_) {
        proxy_->on_node_boot(node);
    }
    if (dhcp6_) {
        dhcp6_->on_node_boot(node);
    }
}

void Engine::on_snapshot(const SnapshotRef& site, const Now& now) noexcept {
    http_.on_snapshot(site);
    if (dhcp_) {
        dhcp_->on_snapshot(site, now);
    }
    if (proxy_) {
        proxy_->on_snapshot(site);
    }
    if (dhcp6_) {
        dhcp6_->on_snapshot(site, now);
        if (router_) {
            router_->on_subnets(site->dhcp.subnets6, now);
        }
    }
}

void Engine::expire(const Now& now, Outbox& out) noexcept {
    if (dhcp_) {
        dhcp_->expire(now, out);
    }
    if (dhcp6_) {
        dhcp6_->expire(now, out);
    }
    if (router_) {
        router_->expire(now, out);
    }
    tftp_.expire(now, out);
    http_.expire(now, out);
}

Instant Engine::next_deadline() const noexcept {
    Instant next = std::min(tftp_.next_deadline(), http_.next_deadline());
    if (dhcp_) {
        next = std::min(next, dhcp_->next_deadline());
    }
    if (dhcp6_) {
        next = std::min(next, dhcp6_->next_deadline());
    }
    if (router_) {
        next = std::min(next, router_->next_deadline());
    }
    return next;
}

void Engine::report(Exposition& exposition) const {
    if (dhcp_) {
        dhcp_->report(exposition);
    }
    if (proxy_) {
        proxy_->report(exposition);
    }
    if (dhcp6_) {
        dhcp6_->report(exposition);
    }
    if (router_) {
        router_->report(exposition);
    }
    tftp_.report(exposition);
    http_.report(exposition);
}

} // namespace muster
