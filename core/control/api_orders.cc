// SPDX-License-Identifier: Apache-2.0
// Api: orders for nodes: one, or all of a tag, at once or some a minute; and their withdrawal.
#include "core/control/api.hh"
#include "core/control/api_json.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

using Json = nlohmann::json;

constexpr unsigned rate_max = 60'000; ///< nodes a minute: one a millisecond

std::string_view verb_of(InstallEventKind order) noexcept {
    switch (order) {
    case InstallEventKind::order_install:
        return "install";
    case InstallEventKind::order_ignore:
        return "ignore";
    default:
        return "boot-local";
    }
}

Decision bad_dry_run() {
    return decided(api_error(400, "bad_dry_run", "dry-run is true or false"));
}

/// `?dry-run=true`: what an order to install would do. Null: something else, which is a mistake,
/// for whoever asks to look only must not have a disk wiped.
std::optional<bool> only_looks(const UrlQuery& query) {
    const std::string_view value = query.value("dry-run");
    if (query.find("dry-run") == nullptr || value == "false") {
        return false;
    }
    return value == "true" ? std::optional{true} : std::nullopt;
}

/// `?rate=N`: nodes a minute; 0: all at once. Null: something else.
std::optional<unsigned> rate_of(const UrlQuery& query) {
    if (query.find("rate") == nullptr) {
        return 0;
    }
    const std::string_view text = query.value("rate");
    unsigned rate = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (error != std::errc{} || end != text.data() + text.size() || rate == 0 || rate > rate_max) {
        return std::nullopt;
    }
    return rate;
}

Decision say(Json json) {
    return decided({.status = 200, .body = json_text(json) + '\n', .type = json_type});
}

} // namespace

std::vector<std::string> Api::names_tagged(std::string_view tag) const {
    std::vector<std::string> names;
    for (const auto& [name, node] : ledger_.nodes().all()) {
        const auto& tags = node.spec.tags;
        if (tag.empty() || std::find(tags.begin(), tags.end(), tag) != tags.end()) {
            names.push_back(name);
        }
    }
    return names;
}

Json Api::install_forecast(const NodeRecord& node) const {
    const Install& install = node.install;
    return {{"name", node.name()},
            {"profile", installs_.profile_name_of(node)},
            {"state", to_text(install.state)},
            {"since", install.since == UnixTime{} ? Json{} : Json(rfc3339_text(install.since))},
            {"attempt", install.attempt},
            {"ends_attempt", attempt_runs(install.state)},
            {"overwrites", install.state == InstallState::installed || install.started}};
}

Decision Api::on_order(const std::string& name, Order order, UnixTime at) {
    if (ledger_.nodes().find(name) == nullptr) {
        return decided(api_error(404, "no_such_node", "no node has this name"));
    }
    ledger_.rest_on(name);
    const InstallStep step = installs_.apply(name, {.kind = order}, at);
    if (step.outcome == InstallOutcome::no_profile) {
        return decided(
            api_error(409, "no_profile",
                      fmt::format("{} has no profile, so there is nothing to install", name)));
    }
    ledger_.note(at, EventKind::order, name, std::string{verb_of(order)});
    return showing(name, &Api::show_node);
}

Decision Api::on_install(const std::string& name, const DynamicRequest& request, UnixTime at) {
    UrlQuery query;
    query.read(request.query);
    const auto looks = only_looks(query);
    if (!looks) {
        return bad_dry_run();
    }
    if (query.find("rate") != nullptr) { // whoever wants some a minute does not want one at once
        return decided(api_error(400, "bad_rate", "rate is for an order by tag"));
    }
    const NodeRecord* const node = ledger_.nodes().find(name);
    if (!*looks || node == nullptr) {
        return on_order(name, Order::order_install, at);
    }
    Json ordered = Json::array();
    Json refused = Json::array();
    installs_.profile_of(*node) == nullptr ? refused.push_back(name)
                                           : ordered.push_back(install_forecast(*node));
    return say({{"nodes", std::move(ordered)}, {"without_profile", std::move(refused)}});
}

/// With `rate`, what rests is ordered one after the other; an attempt that runs is let alone, since
/// what it does is what is wanted.
Decision Api::on_tagged_install(const DynamicRequest& request, UnixTime at) {
    UrlQuery query;
    query.read(request.query);
    const auto looks = only_looks(query);
    if (!looks) {
        return bad_dry_run();
    }
    const auto rate = rate_of(query);
    if (!rate) {
        return decided(
            api_error(400, "bad_rate", fmt::format("rate is nodes a minute, 1 to {}", rate_max)));
    }
    const std::string tag{query.value("tag")};
    if (tag.empty()) {
        return decided(api_error(400, "no_tag", "which nodes: POST /api/v1/nodes/install?tag=TAG"));
    }
    Json ordered = Json::array();
    Json refused = Json::array();
    Json scheduled = Json::array();
    Json running = Json::array();
    unsigned turn = 0;
    for (const std::string& name : names_tagged(tag)) {
        const NodeRecord& node = *ledger_.nodes().find(name);
        if (installs_.profile_of(node) == nullptr) {
            refused.push_back(name);
            continue;
        }
        if (*rate != 0 && attempt_runs(node.install.state)) {
            running.push_back(name);
            continue;
        }
        const bool waits = *rate != 0 && order_can_wait(node.install.state);
        const UnixTime later = at + (waits ? turn++ * Duration{1min} / *rate : Duration{});
        Json forecast = *looks ? install_forecast(node) : Json(name);
        if (later > at) {
            if (!*looks) {
                ledger_.rest_on(name);
                installs_.apply(name, {.kind = Order::order_later, .later = later}, at);
                ledger_.note(at, EventKind::order, name,
                             fmt::format("install at {}, by tag {}", rfc3339_text(later), tag));
                forecast = Json{{"name", name}};
            }
            forecast["at"] = rfc3339_text(later);
            scheduled.push_back(std::move(forecast));
            continue;
        }
        if (!*looks) {
            ledger_.rest_on(name);
            installs_.apply(name, {.kind = Order::order_install}, at);
            ledger_.note(at, EventKind::order, name, "install, by tag " + tag);
        }
        ordered.push_back(std::move(forecast));
    }
    Json json{{"nodes", std::move(ordered)}, {"without_profile", std::move(refused)}};
    if (*rate != 0) {
        json["scheduled"] = std::move(scheduled);
        json["running"] = std::move(running);
    }
    return say(std::move(json));
}

/// The stop button: no attempt that has not begun shall begin.
Decision Api::on_stop(const std::vector<std::string>& names, UnixTime at) {
    Json withdrawn = Json::array();
    Json running = Json::array();
    Json ready = Json::array();
    for (const std::string& name : names) {
        ledger_.rest_on(name);
        const InstallStep step = installs_.apply(name, {.kind = Order::order_withdrawn}, at);
        if (step.outcome == InstallOutcome::changed) {
            ledger_.note(at, EventKind::order, name, "stop: its order to install is withdrawn");
            withdrawn.push_back(name);
        } else if (attempt_runs(step.next.state)) {
            running.push_back(name);
        } else if (step.next.state == InstallState::ready) {
            ready.push_back(name);
        }
    }
    return say({{"withdrawn", std::move(withdrawn)},
                {"running", std::move(running)},
                {"ready", std::move(ready)}});
}

} // namespace muster
