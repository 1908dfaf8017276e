// SPDX-License-Identifier: Apache-2.0
#include "core/control/event_feed.hh"

#include "core/control/api_json.hh"
#include "core/control/url_query.hh"

#include <algorithm>

namespace muster {
namespace {

using Json = nlohmann::json;

/// One event; JSON has no line ends of its own, so its text is one line of `data`.
void put(std::string& text, std::string_view kind, const Json& data, std::uint64_t id = 0) {
    if (id != 0) {
        text.append("id: ").append(std::to_string(id)).append("\n");
    }
    text.append("event: ").append(kind).append("\ndata: ").append(json_text(data)).append("\n\n");
}

void put_nodes(std::string& text, Json nodes, Json removed) {
    put(text, "nodes", {{"nodes", std::move(nodes)}, {"removed", std::move(removed)}});
}

} // namespace

void EventFeed::set_listeners(std::size_t count, Instant now) {
    if (listeners_ == 0 && count > 0) {
        due_ = now + interval;
        tick_due_ = now + tick_interval;
    } else if (listeners_ > 0 && count == 0) {
        due_ = Instant::never();
        changed_.clear();
        progressed_.clear();
        waiting_.clear();
    }
    listeners_ = count;
    if (count == 0) {
        told_ = ledger_.events().empty() ? 0 : ledger_.events().back().id;
    }
}

void EventFeed::note_changes(std::span<const Ledger::Change> changes) {
    if (!listened()) {
        return;
    }
    for (const Ledger::Change& change : changes) {
        if (waiting_.insert(change.name).second) {
            changed_.push_back(change.name);
        }
    }
}

void EventFeed::note_progress(std::string_view name) {
    if (listened() && waiting_.emplace(absl::string_view{name.data(), name.size()}).second) {
        progressed_.emplace_back(name);
    }
}

void EventFeed::put_events(std::string& text, std::uint64_t after) const {
    const auto& all = ledger_.events();
    auto it = std::upper_bound(all.begin(), all.end(), after,
                               [](std::uint64_t id, const Event& event) { return id < event.id; });
    for (; it != all.end(); ++it) {
        put(text, to_text(it->kind), event_json(*it), it->id);
    }
}

void EventFeed::put_tick(std::string& text, const StageSample& sample) const {
    put(text, "tick", stage_json(sample));
}

std::string EventFeed::opening(std::string_view last_event_id, const StageSample& now) const {
    const auto& all = ledger_.events();
    // What is not sent yet comes to the new listener too, with all others'.
    const std::uint64_t told = listened() ? told_ : all.empty() ? 0 : all.back().id;
    std::string text{"retry: 1000\n\n"};
    const auto last = read_count(last_event_id);
    const bool known = last && *last <= told && (all.empty() || *last + 1 >= all.front().id) &&
                       !(all.empty() && *last > 0);
    if (known) {
        absl::flat_hash_set<std::string> names;
        for (const Event& event : all) {
            if (event.id > *last && event.id <= told) {
                put(text, to_text(event.kind), event_json(event), event.id);
                names.insert(event.node);
            }
        }
        Json nodes = Json::array();
        Json removed = Json::array();
        for (const auto& [name, node] : ledger_.nodes().all()) {
            if (names.erase(name) > 0 || attempt_runs(node.install.state)) {
                nodes.push_back(node_brief_json(node, installs_, ledger_));
            }
        }
        names.erase("");
        for (const std::string& name : names) {
            removed.push_back(name);
        }
        put_nodes(text, std::move(nodes), std::move(removed));
    } else {
        // An id alone, so that a listener that loses its connection now comes back with one.
        put(text, "reset",
            {{"reason",
              last_event_id.empty() ? "a first visit" : "these events are no longer kept"},
             {"id", told}},
            told);
    }
    put_tick(text, now);
    return text;
}

std::string EventFeed::take(Instant now, const StageSample& sample) {
    std::string text;
    if (!listened() || now < due_) {
        return text;
    }
    due_ = now + interval;
    put_events(text, told_);
    told_ = ledger_.events().empty() ? 0 : ledger_.events().back().id;
    if (!waiting_.empty()) {
        text += take_nodes();
    }
    if (now >= tick_due_) {
        tick_due_ = now + tick_interval;
        put_tick(text, sample);
    }
    return text;
}

std::string EventFeed::take_nodes() {
    Json nodes = Json::array();
    Json removed = Json::array();
    for (std::size_t count = 0; count < nodes_max && !waiting_.empty(); ++count) {
        auto& queue = changed_.empty() ? progressed_ : changed_;
        const std::string name = std::move(queue.front());
        queue.pop_front();
        waiting_.erase(name);
        const NodeRecord* const node = ledger_.nodes().find(name);
        node == nullptr ? removed.push_back(name)
                        : nodes.push_back(node_brief_json(*node, installs_, ledger_));
    }
    std::string text;
    put_nodes(text, std::move(nodes), std::move(removed));
    return text;
}

} // namespace muster
