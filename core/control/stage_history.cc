// SPDX-License-Identifier: Apache-2.0
#include "core/control/stage_history.hh"

#include "core/control/governor.hh"

#include <nlohmann/json.hpp>

#include <cmath>

namespace muster {
namespace {

std::size_t place_of(InstallState state) noexcept {
    return static_cast<std::size_t>(state);
}

std::uint64_t whole_bytes(double bytes) noexcept {
    return static_cast<std::uint64_t>(std::llround(std::max(bytes, 0.0)));
}

} // namespace

void StageHistory::start(const NodeTable& nodes) {
    nodes_ = {};
    for (const auto& [name, node] : nodes.all()) {
        ++nodes_[place_of(node.install.state)];
    }
}

void StageHistory::note_changes(std::span<const Ledger::Change> changes, const NodeTable& nodes) {
    for (const Ledger::Change& change : changes) {
        if (change.before) {
            --nodes_[place_of(change.before->install.state)];
        }
        if (const NodeRecord* const node = nodes.find(change.name)) {
            ++nodes_[place_of(node->install.state)];
        }
    }
}

StageSample StageHistory::now(const std::optional<Governor>& governor, UnixTime at) const {
    StageSample sample{.at = at, .nodes = nodes_};
    if (governor) {
        sample.loading = static_cast<std::uint32_t>(governor->tickets().size());
        sample.waiting = static_cast<std::uint32_t>(governor->queue().size());
        sample.slots = governor->slots();
        sample.bytes_per_second = governor->bytes_per_second();
    }
    return sample;
}

void StageHistory::keep(const std::optional<Governor>& governor, const Now& now) {
    if (now.steady < due_) {
        return;
    }
    due_ = now.steady + interval;
    samples_.push_back(this->now(governor, now.wall));
    if (samples_.size() > samples_max) {
        samples_.pop_front();
    }
}

nlohmann::json stage_json(const StageSample& sample) {
    nlohmann::json states = nlohmann::json::object();
    for (const InstallState state : install_states) {
        states[std::string{to_text(state)}] = sample.nodes[place_of(state)];
    }
    return {
        {"time", sample.at.ms},      {"states", std::move(states)},
        {"loading", sample.loading}, {"waiting", sample.waiting},
        {"slots", sample.slots},     {"bytes_per_second", whole_bytes(sample.bytes_per_second)}};
}

nlohmann::json history_json(const StageHistory& history, const StageSample& now) {
    nlohmann::json columns{"time"};
    for (const InstallState state : install_states) {
        columns.push_back(to_text(state));
    }
    for (const char* const name : {"loading_now", "waiting", "bytes_per_second"}) {
        columns.push_back(name);
    }
    nlohmann::json samples = nlohmann::json::array();
    const auto add = [&](const StageSample& sample) {
        nlohmann::json row{sample.at.ms};
        for (const std::uint32_t count : sample.nodes) {
            row.push_back(count);
        }
        row.push_back(sample.loading);
        row.push_back(sample.waiting);
        row.push_back(whole_bytes(sample.bytes_per_second));
        samples.push_back(std::move(row));
    };
    for (const StageSample& sample : history.samples()) {
        add(sample);
    }
    add(now);
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(StageHistory::interval).count();
    return {
        {"interval_s", seconds}, {"columns", std::move(columns)}, {"samples", std::move(samples)}};
}

} // namespace muster
