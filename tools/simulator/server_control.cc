// SPDX-License-Identifier: Apache-2.0
// The control's turns: messages of workers in, a commit that takes time, answers out.
#include "tools/simulator/checks.hh"
#include "tools/simulator/server_host.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::size_t messages_per_turn = 1024; ///< as in the daemon: bounds the size of a batch

} // namespace

void ServerHost::want_control_turn() {
    if (turn_wanted_ || control_busy_) {
        return; // what came is taken then
    }
    turn_wanted_ = true;
    const Instant at = std::max(universe_.now.steady + options_.control_turn, control_paused_);
    universe_.events.post(at, Part::server, control_turn, process_);
}

void ServerHost::take_control_turn() {
    for (unsigned i = 0; i < members_.size(); ++i) {
        auto& queue = members_[i].to_control;
        for (std::size_t taken = 0; taken < messages_per_turn && !queue.empty(); ++taken) {
            control_->on_message(static_cast<WorkerId>(i), std::move(queue.front()), universe_.now);
            queue.pop_front();
        }
    }
    control_->step(universe_.now, control_out_);
    for (const Event& event : control_out_.events) {
        universe_.note([&] {
            return fmt::format("event {} {} {}", to_text(event.kind), event.node, event.message);
        });
    }
    std::move(control_out_.messages.begin(), control_out_.messages.end(),
              std::back_inserter(answers_));
    control_out_.clear();
    control_busy_ = true;
    Duration takes = options_.control_turn;
    if (store_.committing()) {
        takes = takes + options_.commit_least + universe_.up_to(universe_.faults.commit_max);
    }
    if (universe_.canary == Canary::early_ack) {
        auto early = std::exchange(answers_, {});
        for (auto& [worker, message] : early) {
            if (worker != admin_worker) {
                tell_worker(static_cast<unsigned>(worker), std::move(message));
            }
        }
        takes = 50ms;
    }
    universe_.events.post(universe_.now.steady + takes, Part::server, commit_returned, process_);
}

void ServerHost::hand_out() {
    store_.settle();
    control_busy_ = false;
    auto answers = std::exchange(answers_, {});
    for (auto& [worker, message] : answers) {
        if (worker != admin_worker) {
            tell_worker(static_cast<unsigned>(worker), std::move(message));
        } else if (const auto* reply = std::get_if<std::unique_ptr<DynamicReply>>(&message)) {
            orders_refused_ += (*reply)->status >= 300 ? 1U : 0U;
        }
    }
    const bool more = std::any_of(members_.begin(), members_.end(),
                                  [](const Member& member) { return !member.to_control.empty(); });
    if (more || control_->next_deadline() <= universe_.now.steady) {
        want_control_turn();
    }
}

void ServerHost::tell_worker(unsigned worker, ControlMessage&& message) {
    Member& member = members_[worker];
    if (member.paused > universe_.now.steady) {
        member.to_worker.push_back(std::move(message));
        return;
    }
    if (const auto* snapshot = std::get_if<SnapshotRef>(&message)) {
        member.snapshot = *snapshot;
    }
    member.out.control_room =
        options_.mailbox_capacity - std::min(options_.mailbox_capacity, member.to_control.size());
    member.engine->on_control(std::move(message), universe_.now, member.out);
    perform(worker);
    member.deadline = member.engine->next_deadline();
}

} // namespace muster::sim
