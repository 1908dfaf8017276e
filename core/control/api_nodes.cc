// SPDX-License-Identifier: Apache-2.0
// Api: nodes that are added, changed and removed.
#include "core/control/api.hh"
#include "core/control/api_json.hh"
#include "core/site/loader.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

using Json = nlohmann::json;

constexpr std::size_t node_body_size_max = std::size_t{64} << 10U;

std::string joined(const std::vector<SiteProblem>& problems) {
    std::string text;
    for (const SiteProblem& problem : problems) {
        text += text.empty() ? "" : "; ";
        text += problem.text;
    }
    return text;
}

} // namespace

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
