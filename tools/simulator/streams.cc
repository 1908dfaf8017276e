// SPDX-License-Identifier: Apache-2.0
// Connections: how they begin and end, and what the two ends order. Large bodies are in
// stream_flows.cc, arrivals in stream_arrivals.cc.
#include "tools/simulator/streams.hh"

#include "core/base/check.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr Duration retransmission_first = 200ms; ///< of a segment that was lost
constexpr unsigned retransmissions_max = 5;

} // namespace

Streams::Streams(Universe& universe, const NetworkOptions& network, const StreamOptions& options,
                 unsigned workers, std::uint32_t connections_max)
    : universe_(universe),
      network_(network),
      options_(options),
      connections_(options.streams_max + workers * connections_max),
      of_client_(options.streams_max),
      // What a TCP sender gets of an Ethernet link with a full-sized segment.
      shares_(network.server_rate * 1448.0 / 1538.0) {
    for (unsigned i = 0; i < workers; ++i) {
        of_worker_.emplace_back(connections_max);
    }
}

Streams::Segment& Streams::post(Instant at, Segment::Kind kind, SlabHandle connection) {
    if (free_segments_.empty()) {
        free_segments_.push_back(static_cast<std::uint32_t>(segments_.size()));
        segments_.emplace_back();
    }
    const std::uint32_t slot = free_segments_.back();
    free_segments_.pop_back();
    Segment& segment_made = segments_[slot];
    segment_made.kind = kind;
    segment_made.connection = connection;
    universe_.events.post(at, Part::stream, segment, slot);
    return segment_made;
}

/// When bytes sent now are there: in order, late if segments are lost on the way.
Instant Streams::arrival(Connection& c, bool to_client, std::uint64_t bytes) {
    Duration takes =
        network_.latency + Duration{static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 /
                                                              network_.client_rate)};
    const LinkFaults& faults = universe_.faults.link;
    Duration again = retransmission_first;
    for (unsigned i = 0; i < retransmissions_max && universe_.chance(faults.loss); ++i) {
        takes = takes + again;
        again = again * 2;
    }
    if (faults.jitter_max > Duration::zero()) {
        takes = takes + universe_.up_to(faults.jitter_max);
    }
    Instant& last = to_client ? c.to_client_at : c.to_server_at;
    last = std::max(last, universe_.now.steady + takes);
    return last;
}

SlabHandle Streams::find(ClientStreamId stream) const noexcept {
    return stream.slot < of_client_.size() ? of_client_[stream.slot] : SlabHandle{};
}

SlabHandle Streams::find(unsigned worker, StreamId stream) noexcept {
    const SlabHandle* handle = of_worker_[worker].get(stream);
    return handle == nullptr ? SlabHandle{} : *handle;
}

void Streams::open(const ClientConnect& connect, const Ipv4Address& source) {
    const auto claimed = connections_.claim();
    MUSTER_CHECK(claimed.value != nullptr && connect.stream.slot < of_client_.size());
    Connection& c = *claimed.value;
    c.client = connect.stream;
    c.machine = connect.machine;
    c.client_open = true;
    c.receive_window = connect.receive_window;
    c.local = connect.destination;
    c.peer = {connect.source == IpAddress{} ? IpAddress{source} : connect.source,
              machines_->next_port(connect.machine)};
    of_client_[connect.stream.slot] = claimed.handle;
    if (check_ != nullptr) {
        check_->on_open(claimed.handle, connect.machine);
    }
    post(arrival(c, false, 0), Segment::Kind::syn, claimed.handle);
}

void Streams::order(const ClientStreamOrder& order, Bytes bytes) {
    const SlabHandle handle = find(order.stream);
    Connection* c = connections_.get(handle);
    if (c == nullptr || c->client != order.stream || !c->client_open) {
        return;
    }
    switch (order.kind) {
    case ClientStreamOrder::Kind::send: {
        if (check_ != nullptr) {
            check_->on_request_bytes(handle, as_text(bytes));
        }
        post(arrival(*c, false, bytes.size()), Segment::Kind::to_server, handle)
            .bytes.assign(bytes.begin(), bytes.end());
        break;
    }
    case ClientStreamOrder::Kind::discard:
        c->discard += order.size;
        break;
    case ClientStreamOrder::Kind::close:
        c->client_open = false;
        post(arrival(*c, false, 0), Segment::Kind::client_gone, handle);
        break;
    }
}

void Streams::abandon(ClientStreamId stream) {
    const SlabHandle handle = find(stream);
    Connection* c = connections_.get(handle);
    if (c == nullptr || c->client != stream || !c->client_open) {
        return;
    }
    c->client_open = false;
    if (c->sending && shares_.has(handle.slot)) {
        stop_flow(handle, *c); // nobody takes bytes any more; the server waits in vain
    }
    c->frozen = c->silent = true;
    forget_if_over(handle);
}

void Streams::order(unsigned worker, const StreamOrder& order) {
    const SlabHandle handle = find(worker, order.stream);
    Connection* c = connections_.get(handle);
    if (c == nullptr || c->server_closing) {
        return;
    }
    switch (order.kind) {
    case StreamOrder::Kind::pause:
        c->paused = true;
        break;
    case StreamOrder::Kind::resume: {
        c->paused = false;
        if (!c->held.empty()) {
            const auto held = std::exchange(c->held, {});
            // A turn of its own: the engine is in the middle of one now.
            post(universe_.now.steady, Segment::Kind::to_server, handle)
                .bytes.assign(held.begin(), held.end());
        }
        break;
    }
    case StreamOrder::Kind::close:
        c->server_closing = true;
        if (c->sending) {
            stop_flow(handle, *c);
            c->sending = false;
        }
        post(universe_.now.steady, Segment::Kind::server_done, handle);
        if (c->client_open) {
            post(arrival(*c, true, 0), Segment::Kind::fin, handle);
        }
        break;
    }
}

void Streams::on_syn(SlabHandle handle, Connection& c) {
    const bool listens = server_->up() && c.local.port == 80 &&
                         c.local.address == IpAddress{network_.server_address};
    if (!listens) {
        post(arrival(c, true, 0), Segment::Kind::refused, handle);
        return;
    }
    c.worker = server_->worker_of(c.peer);
    const auto claimed = of_worker_[c.worker].claim();
    if (claimed.value == nullptr) {
        post(arrival(c, true, 0), Segment::Kind::refused, handle);
        return;
    }
    *claimed.value = handle;
    c.server = claimed.handle;
    const Instant opened = arrival(c, true, 0);
    post(opened, Segment::Kind::opened, handle);
    c.to_server_at = std::max(c.to_server_at, opened + network_.latency);
    post(c.to_server_at, Segment::Kind::accepted, handle);
}

void Streams::end_at_client(SlabHandle handle) {
    Connection& c = *connections_.get(handle);
    if (!c.client_open) {
        return;
    }
    c.client_open = false;
    const ClientStreamId client = c.client;
    if (c.server_open) { // it sees the end, and closes its side too
        post(arrival(c, false, 0), Segment::Kind::client_gone, handle);
    }
    forget_if_over(handle);
    machines_->on_stream_closed(client);
}

/// The engine hears of the end: by its own order, or because the machine ended it.
void Streams::end_at_server(SlabHandle handle) {
    Connection& c = *connections_.get(handle);
    if (!c.server_open) {
        return;
    }
    if (c.sending) {
        stop_flow(handle, c);
        c.sending = false;
    }
    c.server_open = false;
    c.server_closing = false;
    const StreamId id = c.server;
    const unsigned worker = c.worker;
    of_worker_[worker].release(id);
    if (check_ != nullptr) {
        check_->on_closed(handle);
    }
    forget_if_over(handle);
    server_->on_stream_closed(worker, id);
}

void Streams::forget_if_over(SlabHandle handle) {
    Connection& c = *connections_.get(handle);
    if (c.client_open || c.server_open) {
        return;
    }
    if (of_worker_[c.worker].get(c.server) != nullptr) {
        return; // the handshake is under way: `accepted` clears it away
    }
    stop_flow(handle, c);
    if (of_client_[c.client.slot] == handle) {
        of_client_[c.client.slot] = {};
    }
    connections_.release(handle);
}

void Streams::on_server_death() {
    for (std::uint32_t slot = 0; slot < connections_.capacity(); ++slot) {
        Connection* c = connections_.at(slot);
        if (c == nullptr || c->server.generation == 0) {
            continue;
        }
        const SlabHandle handle = connections_.handle_of(slot);
        if (of_worker_[c->worker].get(c->server) == nullptr) {
            continue; // it had ended already
        }
        stop_flow(handle, *c);
        c->sending = false;
        c->server_open = c->server_closing = false;
        of_worker_[c->worker].release(c->server);
        if (check_ != nullptr) {
            check_->on_closed(handle);
        }
        if (c->client_open) {
            post(arrival(*c, true, 0), Segment::Kind::fin, handle);
        } else {
            forget_if_over(handle);
        }
    }
}

std::uint32_t Streams::closing(unsigned worker) const noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < connections_.capacity(); ++slot) {
        const Connection* c = connections_.at(slot);
        count += c != nullptr && c->server_closing && c->worker == worker ? 1U : 0U;
    }
    return count;
}

} // namespace muster::sim
