// SPDX-License-Identifier: Apache-2.0
// What arrives at the ends of connections.
#include "core/base/check.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"
#include "tools/simulator/streams.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::uint64_t piece_max = 16 * 1024; ///< of a body that a machine looks at

} // namespace

void Streams::on_event(const AgendaEvent& event) {
    if (event.part == Part::flow) {
        take_completions();
        return;
    }
    if (event.what == segment) {
        arrive(event.a);
        return;
    }
    // A report: of a transfer that may have ended meanwhile.
    Connection* c = connections_.at(event.a);
    if (c == nullptr || !c->sending || c->serial != event.b || !shares_.has(event.a)) {
        return;
    }
    const SlabHandle handle = connections_.handle_of(event.a);
    const std::uint64_t moved = shares_.moved(handle.slot, universe_.now.steady);
    universe_.events.post(universe_.now.steady + options_.report_every, Part::stream, report,
                          handle.slot, c->serial);
    report_flow(handle, std::min(moved - c->reported, c->flow));
}

void Streams::arrive(std::uint32_t slot) {
    const Segment::Kind kind = segments_[slot].kind;
    const SlabHandle handle = segments_[slot].connection;
    Connection* c = connections_.get(handle);
    const auto release = [&] {
        segments_[slot].bytes.clear();
        segments_[slot].content.reset();
        free_segments_.push_back(slot);
    };
    if (c == nullptr) {
        return release();
    }
    const bool crosses_link = kind != Segment::Kind::server_done && kind != Segment::Kind::all_sent;
    if (const Instant back = machines_->link_back_at(c->machine);
        crosses_link && back > universe_.now.steady) {
        // The link is cut: TCP tries again until it is back.
        const bool to_client = kind == Segment::Kind::opened || kind == Segment::Kind::refused ||
                               kind == Segment::Kind::to_client || kind == Segment::Kind::body ||
                               kind == Segment::Kind::fin;
        Instant& last = to_client ? c->to_client_at : c->to_server_at;
        last = std::max(last, back);
        universe_.events.post(back, Part::stream, segment, slot);
        return;
    }
    const bool at_engine = kind == Segment::Kind::accepted || kind == Segment::Kind::to_server ||
                           kind == Segment::Kind::client_gone ||
                           kind == Segment::Kind::server_done || kind == Segment::Kind::all_sent;
    if (const Instant ready = server_->ready_at(c->worker);
        at_engine && ready > universe_.now.steady) {
        c->to_server_at = std::max(c->to_server_at, ready);
        universe_.events.post(ready, Part::stream, segment, slot);
        return;
    }
    universe_.digest.add(static_cast<std::uint64_t>(universe_.now.steady.ns));
    universe_.digest.add(std::uint64_t{c->machine} << 8U | static_cast<unsigned>(kind));
    universe_.note([&] {
        constexpr std::string_view names[] = {"syn",         "accepted",    "opened",  "refused",
                                              "to server",   "to client",   "body",    "fin",
                                              "client gone", "server done", "all sent"};
        std::string line = fmt::format("stream machine {} {} {}", c->machine, handle.slot,
                                       names[static_cast<std::size_t>(kind)]);
        const Bytes bytes = segments_[slot].bytes;
        if (!bytes.empty()) {
            const std::string_view text = as_text(bytes);
            line += fmt::format(" {} bytes: {}", bytes.size(), text.substr(0, text.find('\r')));
        } else if (kind == Segment::Kind::body) {
            line += fmt::format(" {} + {}", segments_[slot].offset, segments_[slot].size);
        }
        return line;
    });
    Segment arrived = std::move(segments_[slot]);
    segments_[slot] = {};
    free_segments_.push_back(slot);
    switch (kind) {
    case Segment::Kind::syn:
        on_syn(handle, *c);
        break;
    case Segment::Kind::accepted:
        if (of_worker_[c->worker].get(c->server) == nullptr) {
            break; // the process died meanwhile
        }
        c->server_open = true;
        if (!c->client_open && !c->silent) { // it changed its mind during the handshake
            post(universe_.now.steady, Segment::Kind::client_gone, handle);
        }
        server_->on_stream_open(c->worker, c->server, c->peer, c->local);
        break;
    case Segment::Kind::opened:
        if (c->client_open) {
            machines_->on_stream_open(c->client);
        }
        break;
    case Segment::Kind::refused:
    case Segment::Kind::fin:
        if (check_ != nullptr) {
            check_->on_end(handle);
        }
        end_at_client(handle);
        if (connections_.get(handle) != nullptr) {
            forget_if_over(handle);
        }
        break;
    case Segment::Kind::to_server:
        give_to_server(handle, arrived.bytes);
        break;
    case Segment::Kind::to_client:
        if (c->client_open) {
            machines_->on_stream_data(c->client, arrived.bytes);
        }
        break;
    case Segment::Kind::body:
        give_body(handle, arrived);
        break;
    case Segment::Kind::client_gone:
        end_at_server(handle);
        if (connections_.get(handle) != nullptr) {
            forget_if_over(handle);
        }
        break;
    case Segment::Kind::server_done:
        end_at_server(handle);
        break;
    case Segment::Kind::all_sent:
        finish_send(handle);
        break;
    }
}

void Streams::give_to_server(SlabHandle handle, Bytes bytes) {
    Connection& c = *connections_.get(handle);
    if (!c.server_open || c.server_closing) {
        return;
    }
    if (c.paused) {
        c.held.insert(c.held.end(), bytes.begin(), bytes.end());
        return;
    }
    server_->on_stream_data(c.worker, c.server, bytes);
}

/// What the machine wants to see is made now; what it does not is counted.
void Streams::give_body(SlabHandle handle, const Segment& body) {
    std::uint64_t offset = body.offset;
    std::uint64_t left = body.size;
    if (check_ != nullptr) {
        check_->on_body(handle, *body.content, offset, left);
    }
    while (left > 0) {
        // Each piece may make the machine order, or end, anything.
        Connection* c = connections_.get(handle);
        if (c == nullptr || !c->client_open) {
            return;
        }
        const ClientStreamId client = c->client;
        std::uint64_t piece = std::min(left, c->discard);
        if (piece > 0) {
            c->discard -= piece;
            delivering_flow_ = body.moved;
            machines_->on_stream_discarded(client, piece);
        } else {
            piece = std::min(left, piece_max);
            piece_.resize(piece);
            universe_.files.read(*body.content, offset, piece_);
            delivering_flow_ = body.moved;
            machines_->on_stream_data(client, piece_);
        }
        delivering_flow_ = false;
        offset += piece;
        left -= piece;
    }
}

} // namespace muster::sim
