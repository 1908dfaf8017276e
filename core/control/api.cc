// SPDX-License-Identifier: Apache-2.0
// Routes the admin API, and what it only shows. Orders and changes are in api_nodes.cc.
#include "core/control/api.hh"

#include "core/control/api_json.hh"
#include "core/control/control_metrics.hh"
#include "core/control/flight_json.hh"
#include "core/control/governor_view.hh"
#include "core/control/waits_json.hh"

#include <fmt/format.h>

namespace muster {
namespace {

using Json = nlohmann::json;
using Method = DynamicRequest::Method;

constexpr std::string_view api_prefix = "/api/v1/";
constexpr std::string_view bearer = "Bearer ";

/// Takes the same time whatever differs, so that a token cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view given, std::string_view wanted) noexcept {
    unsigned difference = given.size() == wanted.size() ? 0 : 1;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const char c = given.empty() ? '\0' : given[i % given.size()];
        difference |= static_cast<unsigned char>(c ^ wanted[i]);
    }
    return difference == 0;
}

std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const auto slash = path.find('/');
        parts.emplace_back(path.substr(0, slash));
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return parts;
}

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

bool asks(const DynamicRequest& request) noexcept {
    return request.method == Method::get || request.method == Method::head;
}

} // namespace

Answer api_error(std::uint16_t status, std::string_view code, std::string_view message) {
    return json_answer({{"error", {{"code", code}, {"message", message}}}}, status);
}

bool Api::authorized(const DynamicRequest& request) const {
    if (options_.admin_token.empty()) {
        return true;
    }
    const std::string_view given = request.authorization;
    return given.starts_with(bearer) &&
           equal_in_constant_time(given.substr(bearer.size()), options_.admin_token);
}

Decision Api::decide(const DynamicRequest& request, UnixTime at) {
    ++counters_.api_requests;
    const std::string_view path = request.path;
    // Whether it lives is no secret, and whoever watches over it has no token.
    if (path == "/healthz" && asks(request)) {
        return decided(text_answer(200, "ok"));
    }
    if (path == "/readyz" && asks(request)) {
        return [this] {
            return store_works_ ? text_answer(200, "ok")
                                : text_answer(503, "the store takes no changes");
        };
    }
    // The page has nothing in it that is secret: it asks for the token, and the API for data.
    if (path == "/" && asks(request)) {
        const AdminAsset* const built = asset_of(path);
        return decided(built != nullptr
                           ? asset_answer(*built, request)
                           : Answer{.body = std::string{admin_page()}, .type = html_type});
    }
    if (!authorized(request)) {
        ++counters_.api_unauthorized;
        return decided(
            api_error(401, "unauthorized", "a bearer token is wanted (Authorization: Bearer …)"));
    }
    if (path == "/metrics" && asks(request)) {
        return [this] {
            return show_metrics();
        };
    }
    if (const AdminAsset* const asset = asset_of(path); asset != nullptr && asks(request)) {
        return decided(asset_answer(*asset, request));
    }
    if (path.starts_with(api_prefix)) {
        return on_api(request, parts_of(path.substr(api_prefix.size())), at);
    }
    return decided(api_error(404, "not_found", "no such path"));
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

Decision Api::on_api(const DynamicRequest& request, const Path& path, UnixTime at) {
    const std::string& first = path.empty() ? std::string{} : path.front();
    if (first == "nodes") {
        return on_nodes(request, path, at);
    }
    const bool known =
        path.size() == 1 &&
        (first == "profiles" || first == "leases" || first == "site" || first == "events" ||
         first == "governor" || first == "history" || first == "waits");
    if (!known) {
        return decided(api_error(404, "not_found", "no such path"));
    }
    if (!asks(request)) {
        return decided(api_error(405, "method_not_allowed", "this is only read, with GET"));
    }
    UrlQuery query;
    query.read(request.query);
    if (first == "leases") {
        return [this, query] {
            return list_leases(query);
        };
    }
    if (first == "events") {
        return on_events(request, query, at);
    }
    if (first == "history") {
        return [this, at] {
            return json_answer(history_json(history_, history_.now(governor_, at)));
        };
    }
    if (first == "waits") {
        return [this, query] {
            return json_answer(waits_json(ledger_.nodes(), query.value("tag"), limit_of(query)));
        };
    }
    if (first == "governor") {
        return [this, query] {
            return json_answer(governor_ ? governor_json(*governor_, limit_of(query))
                                         : Json{{"slots", nullptr}});
        };
    }
    if (first == "site") {
        return [this] {
            const ServerAddress server =
                rendering_.server_address({}, options_.server_address, options_.http_port);
            Json json = site_json(installs_.site());
            json["boot_url"] =
                server.address == IpAddress{Ipv4Address{}} ? Json{} : Json(server_url(server));
            return json_answer(json);
        };
    }
    return [this] {
        Json list = Json::array();
        for (const auto& [name, profile] : installs_.site().profiles) {
            list.push_back(profile_json(profile, content_));
        }
        return page("profiles", std::move(list), nullptr);
    };
}

Decision Api::on_nodes(const DynamicRequest& request, const Path& path, UnixTime at) {
    const std::string& name = path.size() > 1 ? path[1] : std::string{};
    const std::string& verb = path.size() > 2 ? path[2] : std::string{};
    if (path.size() > 3) {
        return decided(api_error(404, "not_found", "no such path"));
    }
    if (request.method == Method::post) {
        if (name == "install" && verb.empty() && path.size() == 2) {
            return on_tagged_install(request, at);
        }
        if (name == "stop" && path.size() == 2) {
            UrlQuery query;
            query.read(request.query);
            if (query.find("tag") != nullptr && query.value("tag").empty()) {
                return decided(api_error(400, "no_tag", "the tag is empty; without one: all"));
            }
            return on_stop(names_tagged(query.value("tag")), at);
        }
        if (verb == "stop") {
            return ledger_.nodes().find(name) == nullptr
                       ? decided(api_error(404, "no_such_node", "no node has this name"))
                       : on_stop({name}, at);
        }
        if (verb == "install") {
            return on_install(name, request, at);
        }
        if (verb == "ignore") {
            return on_order(name, Order::order_ignore, at);
        }
        if (verb == "boot-local") {
            return on_order(name, Order::order_boot_local, at);
        }
        return decided(api_error(404, "not_found",
                                 "orders are install, stop, ignore and boot-local: POST "
                                 "/api/v1/nodes/NAME/install"));
    }
    if (asks(request)) {
        if (path.size() == 1) {
            UrlQuery query;
            query.read(request.query);
            return [this, query] {
                return list_nodes(query);
            };
        }
        if (verb.empty()) {
            return showing(name, &Api::show_node);
        }
        if (verb == "timeline") {
            return [this, name, at] {
                const NodeRecord* const node = ledger_.nodes().find(name);
                return node == nullptr ? api_error(404, "no_such_node", "no node has this name")
                                       : show_timeline(*node, at);
            };
        }
        if (verb == "render") {
            return showing(name, &Api::show_render);
        }
        if (verb == "pcap") {
            UrlQuery query;
            query.read(request.query);
            return [this, name, query] {
                const NodeRecord* const node = ledger_.nodes().find(name);
                return node == nullptr ? api_error(404, "no_such_node", "no node has this name")
                                       : show_packets(*node, query);
            };
        }
        return decided(api_error(404, "not_found", "no such path"));
    }
    if (path.size() != 2) {
        return decided(api_error(405, "method_not_allowed", "PUT and DELETE want one node's name"));
    }
    return request.method == Method::put ? on_put(name, request, at) : on_delete(name, at);
}

Decision Api::showing(std::string name, Answer (Api::*show)(const NodeRecord&) const) const {
    return [this, name = std::move(name), show] {
        const NodeRecord* const node = ledger_.nodes().find(name);
        return node == nullptr ? api_error(404, "no_such_node", "no node has this name")
                               : (this->*show)(*node);
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
