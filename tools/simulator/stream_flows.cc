// SPDX-License-Identifier: Apache-2.0
// What the server sends: small answers at once, bodies as flows that share its link.
#include "core/base/check.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"
#include "tools/simulator/streams.hh"

#include <algorithm>

namespace muster::sim {

void Streams::send(unsigned worker, const StreamSend& send, Bytes head) {
    const SlabHandle handle = find(worker, send.stream);
    Connection* c = connections_.get(handle);
    if (c == nullptr || c->server_closing) {
        return;
    }
    MUSTER_CHECK(!c->sending); // the engine has one send at a time outstanding
    c->sending = true;
    c->close_after = send.close_after;
    c->content = send.content;
    c->offset = send.offset;
    c->left = send.content ? send.size : 0;
    c->posted = 0;
    c->unsaid = static_cast<std::uint32_t>(head.size());
    if (check_ != nullptr) {
        check_->on_answer(handle, as_text(head), send);
    }
    if (universe_.canary == Canary::wrong_range && c->left > 4096 && c->offset + c->left > 8192 &&
        universe_.random.below(4) == 0) {
        c->offset = c->offset == 0 ? 0 : c->offset - 1;
        c->content = universe_.files.file(0).size >= c->offset + c->left
                         ? universe_.files.file(0).content
                         : c->content;
    }
    if (!head.empty() && c->client_open) {
        post(arrival(*c, true, head.size()), Segment::Kind::to_client, handle)
            .bytes.assign(head.begin(), head.end());
    }
    if (head.size() + c->left > options_.small_max) {
        begin_flow(handle, *c);
        return;
    }
    // It fits the socket's buffer: done as soon as said.
    if (c->left > 0 && c->client_open) {
        Segment& body = post(arrival(*c, true, c->left), Segment::Kind::body, handle);
        body.content = c->content;
        body.offset = c->offset;
        body.size = c->left;
        c->posted = c->left;
    }
    c->offset += c->left;
    c->left = 0;
    post(universe_.now.steady, Segment::Kind::all_sent, handle);
}

double Streams::limit_of(const Connection& c) const noexcept {
    const double link = network_.client_rate * 1448.0 / 1538.0;
    if (c.receive_window == 0) {
        return link;
    }
    const double round_trip = static_cast<double>(2 * network_.latency.count()) * 1e-9;
    return std::min(link, c.receive_window / round_trip);
}

void Streams::begin_flow(SlabHandle handle, Connection& c) {
    c.frozen = !c.client_open || machines_->link_back_at(c.machine) > universe_.now.steady;
    if (c.frozen) {
        return;
    }
    c.flow = c.left;
    c.reported = 0;
    c.serial = ++last_serial_;
    shares_.add(handle.slot, c.left, limit_of(c), universe_.now.steady);
    universe_.events.post(universe_.now.steady + options_.report_every, Part::stream, report,
                          handle.slot, c.serial);
    plan_completion();
}

/// Ends the flow, not the send: bytes that have moved but were not reported are lost on the way.
void Streams::stop_flow(SlabHandle handle, Connection& c) {
    if (shares_.has(handle.slot)) {
        shares_.remove(handle.slot, universe_.now.steady);
        c.flow = 0;
        plan_completion();
    }
}

void Streams::report_flow(SlabHandle handle, std::uint64_t bytes) {
    Connection& c = *connections_.get(handle);
    const std::uint64_t progress = bytes + std::exchange(c.unsaid, 0);
    if (progress == 0) {
        return;
    }
    if (bytes > 0 && c.client_open) {
        Segment& body = post(arrival(c, true, 0), Segment::Kind::body, handle);
        body.content = c.content;
        body.offset = c.offset;
        body.size = bytes;
        body.moved = true;
        if (universe_.canary == Canary::short_body && bytes == c.left && bytes > 1) {
            body.size = bytes / 2;
        }
        c.posted += body.size;
    }
    c.offset += bytes;
    c.left -= bytes;
    c.flow -= bytes;
    c.reported += bytes;
    if (server_->ready_at(c.worker) <= universe_.now.steady) { // else it hears of it at the end
        server_->on_stream_progress(c.worker, c.server, progress);
    }
}

void Streams::take_completions() {
    if (completion_planned_ > universe_.now.steady) {
        return; // another event stands for it
    }
    completion_planned_ = Instant::never();
    for (;;) {
        const std::uint32_t slot = shares_.take_completed(universe_.now.steady);
        if (slot == UINT32_MAX) {
            break;
        }
        const SlabHandle handle = connections_.handle_of(slot);
        Connection& c = *connections_.get(handle);
        report_flow(handle, c.flow);
        // Later than what it reported, which the engine may answer with anything.
        post(universe_.now.steady, Segment::Kind::all_sent, handle);
    }
    plan_completion();
}

void Streams::finish_send(SlabHandle handle) {
    Connection& c = *connections_.get(handle);
    if (!c.sending || !c.server_open || c.server_closing || c.left > 0) {
        return;
    }
    c.sending = false;
    c.content.reset();
    if (check_ != nullptr && c.client_open) {
        check_->on_all_sent(handle, c.posted);
    }
    if (c.close_after && c.client_open) {
        post(arrival(c, true, 0), Segment::Kind::fin, handle);
    }
    server_->on_stream_sent(c.worker, c.server);
}

void Streams::plan_completion() {
    const Instant next = shares_.next_completion();
    if (next < completion_planned_) {
        completion_planned_ = next;
        universe_.events.post(next, Part::flow, completion);
    }
}

void Streams::on_link_changed(MachineIndex machine) {
    const bool cut = machines_->link_back_at(machine) > universe_.now.steady;
    for (std::uint32_t slot = 0; slot < connections_.capacity(); ++slot) {
        Connection* c = connections_.at(slot);
        if (c == nullptr || c->machine != machine || !c->sending || c->left == 0) {
            continue;
        }
        const SlabHandle handle = connections_.handle_of(slot);
        if (cut && shares_.has(slot)) {
            const std::uint64_t moved = shares_.moved(slot, universe_.now.steady);
            report_flow(handle, std::min(moved - c->reported, c->flow));
            stop_flow(handle, *c);
            c->frozen = true;
        } else if (!cut && c->frozen && c->client_open) {
            begin_flow(handle, *c);
        }
    }
}

} // namespace muster::sim
