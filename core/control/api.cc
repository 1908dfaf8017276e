// SPDX-License-Identifier: Apache-2.0
// Routes the admin API, and what it only shows. Orders and changes are in
// api_orders.cc and api_nodes.cc, who may make which call is in api_tokens.cc.
#include "core/control/api.hh"

#include "core/control/api_json.hh"
#include "core/control/api_routes.hh"
#include "core/control/control_metrics.hh"
#include "core/control/flight_json.hh"
#include "core/control/governor_view.hh"
#include "core/control/waits_json.hh"

#include <fmt/format.h>

namespace muster {
namespace {

using Json = nlohmann::json;

Answer json_answer(const Json& json, std::uint16_t status = 200) {
    return {.status = status, .body = json_text(json) + '\n', .type = json_type};
}

std::size_t limit_of(const UrlQuery& query) {
    const auto limit = read_count(query.value("limit"));
    return std::clamp<std::size_t>(limit.value_or(page_entries_default), 1, page_entries_max);
}

/// One page of a list: `{"nodes": […], "next": "r1n07"}`; `next` is null on the last one.
Answer page(std::string_view key, Json entries, Json next) {
    return json_answer({{std::string{key}, std::move(entries)}, {"next", std::move(next)}});
}

Answer asset_answer(const AdminAsset& asset, const DynamicRequest& request) {
    Answer answer;
    answer.content = request.accepts_gzip && asset.gzip ? asset.gzip : asset.plain;
    return answer;
}

Answer no_such_node() {
    return api_error(404, "no_such_node", "no node has this name");
}

} // namespace

Answer api_error(std::uint16_t status, std::string_view code, std::string_view message) {
    return json_answer({{"error", {{"code", code}, {"message", message}}}}, status);
}

Decision Api::decide(const DynamicRequest& request, UnixTime at) {
    ++counters_.api_requests;
    const ApiMatch match = match_route(request.method, request.path);
    // Of a path that is not there, too, only who may look is told so.
    const ApiRole least = match.route == nullptr ? ApiRole::view : match.route->least;
    if (auto refused = refusal(request, least, at)) {
        return decided(*std::move(refused));
    }
    if (match.route == nullptr) {
        return decided(
            match.known_path
                ? api_error(405, "method_not_allowed",
                            "this path has no such method (see /api/v1/openapi.json)")
                : api_error(404, "not_found", "no such path (see /api/v1/openapi.json)"));
    }
    UrlQuery query;
    query.read(request.query);
    if (match.route->path.find("{name}") != std::string_view::npos) {
        return on_node(match.route->call, match.name, request, query, at);
    }
    return on_call(match.route->call, request, query, at);
}

const AdminAsset* Api::asset_of(std::string_view path) const {
    const auto found = options_.assets.find(path);
    return found == options_.assets.end() ? nullptr : &found->second;
}

/// As a list, or to who asks for a stream of them, that.
Decision Api::on_events(const DynamicRequest& request, const UrlQuery& query, UnixTime at) {
    if (!request.accepts_events) {
        return [this, query] {
            return list_events(query);
        };
    }
    // A browser that reloads has no header, but may know the last id all the same.
    const std::string last{request.last_event_id.empty() ? query.value("after")
                                                         : std::string_view{request.last_event_id}};
    return [this, last, at]() -> Answer {
        return {.body = feed_.opening(last, history_.now(governor_, at)),
                .type = "text/event-stream",
                .feed = true};
    };
}

/// The answer of one function, when the batch is committed.
Decision Api::showing(Answer (Api::*show)() const) const {
    return [this, show] {
        return (this->*show)();
    };
}

Decision Api::showing(const UrlQuery& query, Answer (Api::*show)(const UrlQuery&) const) const {
    return [this, query, show] {
        return (this->*show)(query);
    };
}

/// What concerns no node, or many.
Decision Api::on_call(ApiCall call, const DynamicRequest& request, const UrlQuery& query,
                      UnixTime at) {
    switch (call) {
    case ApiCall::page: {
        const AdminAsset* const built = asset_of(request.path);
        return decided(built != nullptr
                           ? asset_answer(*built, request)
                           : Answer{.body = std::string{admin_page()}, .type = html_type});
    }
    case ApiCall::alive:
        return decided(text_answer(200, "ok"));
    case ApiCall::ready:
        return [this] {
            return store_works_ ? text_answer(200, "ok")
                                : text_answer(503, "the store takes no changes");
        };
    case ApiCall::openapi: {
        const AdminAsset* const document = asset_of(request.path);
        return decided(document != nullptr
                           ? asset_answer(*document, request)
                           : api_error(404, "not_found", "the document was not built in"));
    }
    case ApiCall::metrics:
        return showing(&Api::show_metrics);
    case ApiCall::list_nodes:
        return showing(query, &Api::list_nodes);
    case ApiCall::install_nodes:
        return on_tagged_install(request, at);
    case ApiCall::stop_nodes:
        if (query.find("tag") != nullptr && query.value("tag").empty()) {
            return decided(api_error(400, "no_tag", "the tag is empty; without one: all"));
        }
        return on_stop(names_tagged(query.value("tag")), at);
    case ApiCall::list_profiles:
        return showing(&Api::list_profiles);
    case ApiCall::list_leases:
        return showing(query, &Api::list_leases);
    case ApiCall::show_site:
        return showing(&Api::show_site);
    case ApiCall::show_governor:
        return showing(query, &Api::show_governor);
    case ApiCall::show_history:
        return [this, at] {
            return json_answer(history_json(history_, history_.now(governor_, at)));
        };
    case ApiCall::show_waits:
        return showing(query, &Api::show_waits);
    case ApiCall::list_events:
        return on_events(request, query, at);
    case ApiCall::list_tokens:
        return showing(&Api::list_tokens);
    default: // on_node()
        return decided(api_error(404, "not_found", "no such path"));
    }
}

Answer Api::show_governor(const UrlQuery& query) const {
    return json_answer(governor_ ? governor_json(*governor_, limit_of(query))
                                 : Json{{"slots", nullptr}});
}

Answer Api::show_waits(const UrlQuery& query) const {
    return json_answer(waits_json(ledger_.nodes(), query.value("tag"), limit_of(query)));
}

Answer Api::show_site() const {
    const ServerAddress server =
        rendering_.server_address({}, options_.server_address, options_.http_port);
    Json json = site_json(installs_.site());
    json["boot_url"] =
        server.address == IpAddress{Ipv4Address{}} ? Json{} : Json(server_url(server));
    return json_answer(json);
}

Answer Api::list_profiles() const {
    Json list = Json::array();
    for (const auto& [name, profile] : installs_.site().profiles) {
        list.push_back(profile_json(profile, content_));
    }
    return page("profiles", std::move(list), nullptr);
}

/// What concerns the node of the path, or the token.
Decision Api::on_node(ApiCall call, const std::string& name, const DynamicRequest& request,
                      const UrlQuery& query, UnixTime at) {
    switch (call) {
    case ApiCall::show_node:
        return showing(name, &Api::show_node);
    case ApiCall::put_node:
        return on_put(name, request, at);
    case ApiCall::delete_node:
        return on_delete(name, at);
    case ApiCall::show_timeline:
        return [this, name, at] {
            const NodeRecord* const node = ledger_.nodes().find(name);
            return node == nullptr ? no_such_node() : show_timeline(*node, at);
        };
    case ApiCall::show_render:
        return showing(name, &Api::show_render);
    case ApiCall::show_packets:
        return [this, name, query] {
            const NodeRecord* const node = ledger_.nodes().find(name);
            return node == nullptr ? no_such_node() : show_packets(*node, query);
        };
    case ApiCall::install_node:
        return on_install(name, request, at);
    case ApiCall::stop_node:
        return ledger_.nodes().find(name) == nullptr ? decided(no_such_node())
                                                     : on_stop({name}, at);
    case ApiCall::ignore_node:
        return on_order(name, Order::order_ignore, at);
    case ApiCall::boot_node_local:
        return on_order(name, Order::order_boot_local, at);
    case ApiCall::make_token:
        return on_token_make(name, query, at);
    case ApiCall::remove_token:
        return on_token_remove(name, at);
    default: // on_call()
        return decided(api_error(404, "not_found", "no such path"));
    }
}

Decision Api::showing(std::string name, Answer (Api::*show)(const NodeRecord&) const) const {
    return [this, name = std::move(name), show] {
        const NodeRecord* const node = ledger_.nodes().find(name);
        return node == nullptr ? no_such_node() : (this->*show)(*node);
    };
}

Answer Api::show_node(const NodeRecord& node) const {
    return json_answer(node_with_place(node));
}

Answer Api::show_timeline(const NodeRecord& node, UnixTime now) const {
    const auto entries = recorder_.of(node.name());
    Json json = timeline_json(node, ledger_);
    json["recorder"] = flight_json(entries);
    json["findings"] = findings_json(node, entries, installs_, ledger_, now);
    return json_answer(json);
}

Answer Api::show_render(const NodeRecord& node) const {
    const RenderFor to{
        .server = rendering_.server_address({}, options_.server_address, options_.http_port),
        .token = {},
        .asked_mac = {}};
    Json files = Json::object();
    Json problems = Json::object();
    const auto add = [&](std::string name, Rendered rendered) {
        if (rendered.problem) {
            problems[name] = rendered.problem_text;
        }
        files[std::move(name)] = std::move(rendered.text);
    };
    for (const BootLoader loader : {BootLoader::ipxe, BootLoader::grub, BootLoader::pxelinux}) {
        add(std::string{boot_script_path(loader).substr(1)}, rendering_.script(node, loader, to));
    }
    if (const Profile* const profile = installs_.profile_of(node)) {
        for (const auto& [name, file] : profile->answers) {
            add(name, rendering_.answers(node, name, to).value_or(Rendered{}));
        }
    }
    return json_answer({{"name", node.name()},
                        {"state", to_text(node.install.state)},
                        {"files", std::move(files)},
                        {"problems", std::move(problems)}});
}

nlohmann::json Api::node_with_place(const NodeRecord& node) const {
    Json json = node_json(node, installs_, ledger_);
    const std::size_t place = governor_ ? governor_->place(node.name()) : 0;
    json["queue_place"] = place == 0 ? Json{} : Json(place);
    return json;
}

Answer Api::list_nodes(const UrlQuery& query) const {
    const std::string_view state = query.value("state");
    const std::string_view tag = query.value("tag");
    const std::string_view profile = query.value("profile");
    if (!state.empty() && !read_install_state(state)) {
        return api_error(400, "bad_state",
                         "state is one of new, ready, booting, loading, installing, installed, "
                         "failed, ignored");
    }
    const std::string_view view = query.value("view");
    if (!view.empty() && view != "brief") {
        return api_error(400, "bad_view", "view is brief, or left out");
    }
    const std::size_t limit = limit_of(query);
    Json list = Json::array();
    const auto& all = ledger_.nodes().all();
    for (auto it = all.upper_bound(query.value("after")); it != all.end(); ++it) {
        const NodeRecord& node = it->second;
        const auto& tags = node.spec.tags;
        if ((!state.empty() && to_text(node.install.state) != state) ||
            (!tag.empty() && std::find(tags.begin(), tags.end(), tag) == tags.end()) ||
            (!profile.empty() && installs_.profile_name_of(node) != profile)) {
            continue;
        }
        if (list.size() == limit) {
            Json next = list.back()["name"];
            return page("nodes", std::move(list), std::move(next));
        }
        list.push_back(view.empty() ? node_with_place(node)
                                    : node_brief_json(node, installs_, ledger_));
    }
    return page("nodes", std::move(list), nullptr);
}

Answer Api::list_leases(const UrlQuery& query) const {
    const std::string_view after = query.value("after");
    const auto start = after.empty() ? Ipv4Address{} : read_ipv4_address(after);
    const auto start6 = read_ipv6_address(after);
    if (!start && !start6) {
        return api_error(400, "bad_address", "after is an address of the page before");
    }
    const std::size_t limit = limit_of(query);
    Json list = Json::array();
    Json next;
    const auto put = [&](const auto& lease) { // IPv4 first, then IPv6
        if (list.size() == limit) {
            next = list.back()["address"];
            return false;
        }
        list.push_back(lease_json(lease, ledger_));
        return true;
    };
    if (start) {
        ledger_.leases().each_after(*start, put);
    }
    const auto& all6 = ledger_.leases6();
    for (auto it = all6.upper_bound(start6.value_or(Ipv6Address{}));
         next.is_null() && it != all6.end() && put(it->second); ++it) {
    }
    return page("leases", std::move(list), std::move(next));
}

Answer Api::list_events(const UrlQuery& query) const {
    const auto after = read_count(query.value("after"));
    if (!after && !query.value("after").empty()) {
        return api_error(400, "bad_id", "after is the id of an event");
    }
    const std::size_t limit = limit_of(query);
    const auto& all = ledger_.events();
    auto it = std::upper_bound(all.begin(), all.end(), after.value_or(0),
                               [](std::uint64_t id, const Event& event) { return id < event.id; });
    Json list = Json::array();
    for (; it != all.end() && list.size() < limit; ++it) {
        list.push_back(event_json(*it));
    }
    Json next = it == all.end() ? Json{} : list.back()["id"];
    return page("events", std::move(list), std::move(next));
}

Answer Api::show_metrics() const {
    Exposition exposition;
    if (options_.scrape) {
        options_.scrape(exposition);
    }
    expose(counters_, ledger_, store_works_, exposition);
    if (governor_) {
        expose(*governor_, exposition);
    }
    return {.status = 200, .body = exposition.text(), .type = "text/plain; version=0.0.4"};
}

} // namespace muster
