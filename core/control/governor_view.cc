// SPDX-License-Identifier: Apache-2.0
#include "core/control/governor_view.hh"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace muster {
namespace {

using Json = nlohmann::json;

std::int64_t in_ms(Duration duration) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

} // namespace

Json governor_json(const Governor& governor, std::size_t limit) {
    Json loading = Json::array();
    for (const auto& [name, ticket] : governor.tickets()) {
        loading.push_back({{"name", name},
                           {"loading_ms", in_ms(governor.now() - ticket.since)},
                           {"quiet_ms", in_ms(governor.now() - ticket.last_traffic)},
                           {"waited_ms", in_ms(ticket.waited)},
                           {"bytes", ticket.bytes}});
    }
    std::sort(loading.begin(), loading.end(), [](const Json& a, const Json& b) {
        return a["loading_ms"] != b["loading_ms"] ? a["loading_ms"] > b["loading_ms"]
                                                  : a["name"] < b["name"];
    });
    if (loading.size() > limit) {
        loading.erase(loading.begin() + static_cast<std::ptrdiff_t>(limit), loading.end());
    }
    Json waiting = Json::array();
    const auto& queue = governor.queue();
    for (std::size_t i = 0; i < std::min(limit, queue.size()); ++i) {
        const Governor::Budget* const full = governor.full_budget(queue[i].budgets);
        const auto expected = full == nullptr ? governor.expected(i) : std::nullopt;
        waiting.push_back({{"name", queue[i].node},
                           {"place", i + 1},
                           {"priority", queue[i].priority},
                           {"waited_ms", in_ms(governor.now() - queue[i].since)},
                           {"expected_ms", expected ? Json(in_ms(*expected)) : Json{}},
                           {"full_budget", full == nullptr ? Json{} : Json(full->name)}});
    }
    Json budgets = Json::array();
    for (const Governor::Budget& budget : governor.budgets()) {
        budgets.push_back(
            {{"name", budget.name}, {"slots", budget.slots}, {"loading", budget.used}});
    }
    return {{"slots", governor.slots()},
            {"adapts", governor.adapts()},
            {"loading", governor.tickets().size()},
            {"waiting", queue.size()},
            {"bytes_per_second", governor.bytes_per_second()},
            {"budgets", std::move(budgets)},
            {"machines", std::move(loading)},
            {"queue", std::move(waiting)}};
}

void expose(const Governor& governor, Exposition& exposition) {
    using Kind = Exposition::Kind;
    const Governor::Counters& counters = governor.counters();
    const auto count = [&](std::string_view labels, std::uint64_t value) {
        exposition.add(Kind::counter, "muster_governor_decisions_total", labels,
                       "What machines that wanted to load were told, and how they left.",
                       static_cast<double>(value));
    };
    count("decision=\"admitted\"", counters.admitted);
    count("decision=\"told_to_wait\"", counters.told_to_wait);
    count("decision=\"gone\"", counters.gone);
    count("decision=\"quiet\"", counters.quiet);
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
        exposition.add(Kind::gauge, name, "", help, value);
    };
    gauge("muster_governor_slots", "Machines that may load at once.", governor.slots());
    gauge("muster_governor_loading", "Machines that may load now.",
          static_cast<double>(governor.tickets().size()));
    gauge("muster_governor_waiting", "Machines that were told to wait.",
          static_cast<double>(governor.queue().size()));
    gauge("muster_governor_bytes_per_second", "What all machines were sent lately.",
          governor.bytes_per_second());
}

} // namespace muster
