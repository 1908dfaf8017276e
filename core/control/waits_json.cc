// SPDX-License-Identifier: Apache-2.0
#include "core/control/waits_json.hh"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace muster {
namespace {

struct Waited {
    const NodeRecord* node = nullptr;
    BootWait cause{};
    Duration time{};
};

struct Sum {
    Duration total{};
    Duration longest{};
    std::size_t nodes = 0;
};

double rounded_ms(Duration time) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    return static_cast<double>(us) / 1'000;
}

} // namespace

nlohmann::json waits_json(const NodeTable& nodes, std::string_view tag, std::size_t limit) {
    std::array<Sum, boot_waits.size()> sums{};
    std::vector<Waited> all;
    for (const auto& [name, node] : nodes.all()) {
        const BootTimeline* const boot = node.latest_boot();
        const auto& tags = node.spec.tags;
        if (boot == nullptr || (!tag.empty() && std::ranges::find(tags, tag) == tags.end())) {
            continue;
        }
        for (const BootWait cause : boot_waits) {
            const Duration time = boot->waited_for(cause);
            if (time > Duration{}) {
                Sum& sum = sums[static_cast<std::size_t>(cause)];
                sum.total += time;
                sum.longest = std::max(sum.longest, time);
                ++sum.nodes;
                all.push_back({&node, cause, time});
            }
        }
    }
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size()));
    std::partial_sort(all.begin(), end, all.end(), [](const Waited& a, const Waited& b) {
        return a.time != b.time ? a.time > b.time : a.node->name() < b.node->name();
    });
    nlohmann::json causes = nlohmann::json::object();
    for (const BootWait cause : boot_waits) {
        const Sum& sum = sums[static_cast<std::size_t>(cause)];
        causes[std::string{to_text(cause)}] = {{"total_ms", rounded_ms(sum.total)},
                                               {"longest_ms", rounded_ms(sum.longest)},
                                               {"nodes", sum.nodes}};
    }
    nlohmann::json worst = nlohmann::json::array();
    for (auto it = all.begin(); it != end; ++it) {
        worst.push_back({{"name", it->node->name()},
                         {"state", to_text(it->node->install.state)},
                         {"cause", to_text(it->cause)},
                         {"waited_ms", rounded_ms(it->time)}});
    }
    return {{"causes", std::move(causes)}, {"worst", std::move(worst)}};
}

} // namespace muster
