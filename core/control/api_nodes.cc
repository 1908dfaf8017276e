// SPDX-License-Identifier: Apache-2.0
// Api: orders for nodes, and nodes that are added, changed and removed.
#include "core/control/api.hh"
#include "core/control/api_json.hh"
#include "core/site/loader.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

using Json = nlohmann::json;

constexpr std::size_t node_body_size_max = std::size_t{64} << 10U;

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

Answer bad_dry_run() {
    return api_error(400, "bad_dry_run", "dry-run is true or false");
}

std::string joined(const std::vector<SiteProblem>& problems) {
    std::string text;
    for (const SiteProblem& problem : problems) {
        text += text.empty() ? "" : "; ";
        text += problem.text;
    }
    return text;
}

} // namespace

/// `?dry-run=true`: what an order to install would do. Null: something else, which is a mistake,
/// for whoever asks to look only must not have a disk wiped.
std::optional<bool> Api::only_looks(const UrlQuery& query) {
    const std::string_view value = query.value("dry-run");
    if (query.find("dry-run") == nullptr || value == "false") {
        return false;
    }
    return value == "true" ? std::optional{true} : std::nullopt;
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
        return decided(bad_dry_run());
    }
    const NodeRecord* const node = ledger_.nodes().find(name);
    if (!*looks || node == nullptr) {
        return on_order(name, Order::order_install, at);
    }
    Json ordered = Json::array();
    Json refused = Json::array();
    installs_.profile_of(*node) == nullptr ? refused.push_back(name)
                                           : ordered.push_back(install_forecast(*node));
    return decided({.status = 200,
                    .body = json_text({{"nodes", std::move(ordered)},
                                       {"without_profile", std::move(refused)}}) +
                            '\n',
                    .type = json_type});
}

Decision Api::on_tagged_install(const DynamicRequest& request, UnixTime at) {
    UrlQuery query;
    query.read(request.query);
    const auto looks = only_looks(query);
    if (!looks) {
        return decided(bad_dry_run());
    }
    const std::string tag{query.value("tag")};
    if (tag.empty()) {
        return decided(api_error(400, "no_tag", "which nodes: POST /api/v1/nodes/install?tag=TAG"));
    }
    std::vector<std::string> names;
    for (const auto& [name, node] : ledger_.nodes().all()) {
        const auto& tags = node.spec.tags;
        if (std::find(tags.begin(), tags.end(), tag) != tags.end()) {
            names.push_back(name);
        }
    }
    Json ordered = Json::array();
    Json refused = Json::array();
    for (const std::string& name : names) {
        if (*looks) {
            const NodeRecord& node = *ledger_.nodes().find(name);
            installs_.profile_of(node) == nullptr ? refused.push_back(name)
                                                  : ordered.push_back(install_forecast(node));
            continue;
        }
        ledger_.rest_on(name);
        const InstallStep step = installs_.apply(name, {.kind = Order::order_install}, at);
        if (step.outcome == InstallOutcome::no_profile) {
            refused.push_back(name);
            continue;
        }
        ledger_.note(at, EventKind::order, name, "install, by tag " + tag);
        ordered.push_back(name);
    }
    return decided({.status = 200,
                    .body = json_text({{"nodes", std::move(ordered)},
                                       {"without_profile", std::move(refused)}}) +
                            '\n',
                    .type = json_type});
}

Decision Api::on_put(const std::string& name, const DynamicRequest& request, UnixTime at) {
    Json body = request.body.size() <= node_body_size_max
                    ? Json::parse(request.body, nullptr, false)
                    : Json(Json::value_t::discarded);
    if (!body.is_object()) {
        return decided(api_error(400, "bad_json",
                                 "the body is a JSON object of mac, profile, address, tags, "
                                 "variables"));
    }
    if (body.contains("name") && body["name"] != name) {
        return decided(api_error(400, "bad_name", "the name in the body is not that of the path"));
    }
    body["name"] = name;
    // JSON is YAML, so the site's own reader checks it, with the site's own words.
    const auto spec = read_node(json_text(body), installs_.site());
    if (!spec) {
        return decided(api_error(400, "bad_node", joined(spec.error())));
    }
    const NodeRecord* const known = ledger_.nodes().find(name);
    if (known != nullptr && known->origin == NodeOrigin::site) {
        return decided(
            api_error(409, "in_site", name + " is listed in the site folder; change it there"));
    }
    if (known == nullptr && ledger_.nodes().size() >= nodes_max) {
        return decided(api_error(507, "full", fmt::format("{} nodes are known", nodes_max)));
    }
    for (const MacAddress& mac : spec->macs) {
        const NodeRecord* const owner = ledger_.nodes().find(mac);
        if (owner != nullptr && owner->name() != name && owner->origin != NodeOrigin::discovered) {
            return decided(
                api_error(409, "mac_taken",
                          fmt::format("{} has the link address {}", owner->name(), to_text(mac))));
        }
    }
    for (const auto& [other, node] : ledger_.nodes().all()) {
        if (spec->address6 && other != name && node.spec.address6 == spec->address6) {
            return decided(
                api_error(409, "address_taken",
                          fmt::format("{} has the address {}", other, to_text(*spec->address6))));
        }
        if (spec->address && other != name && node.spec.address == spec->address) {
            return decided(
                api_error(409, "address_taken",
                          fmt::format("{} has the address {}", other, to_text(*spec->address))));
        }
    }
    const bool added = !installs_.write_spec(*spec, NodeOrigin::api, at);
    installs_.settle_profile(name, at);
    ledger_.note(at, added ? EventKind::node_added : EventKind::node_changed, name, "by the API");
    return [this, name, added]() -> Answer {
        const NodeRecord* const node = ledger_.nodes().find(name);
        if (node == nullptr) {
            return api_error(404, "no_such_node", "it was removed again");
        }
        Answer answer = show_node(*node);
        answer.status = added ? 201 : 200;
        return answer;
    };
}

Decision Api::on_delete(const std::string& name, UnixTime at) {
    const NodeRecord* const node = ledger_.nodes().find(name);
    if (node == nullptr) {
        return decided(api_error(404, "no_such_node", "no node has this name"));
    }
    if (node->origin == NodeOrigin::site) {
        return decided(
            api_error(409, "in_site", name + " is listed in the site folder; remove it there"));
    }
    ledger_.erase(name);
    ledger_.note(at, EventKind::node_removed, name, "by the API");
    return decided(
        {.status = 200, .body = json_text({{"removed", name}}) + '\n', .type = json_type});
}

} // namespace muster
