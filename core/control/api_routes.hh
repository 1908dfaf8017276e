// SPDX-License-Identifier: Apache-2.0
// Every call that the admin listener answers. Requests are dispatched by this table, and a test
// holds docs/openapi.json against it: a call that is not described cannot be made.
#pragma once

#include "core/port/content_request.hh"
#include "core/store/api_token.hh"

#include <array>
#include <string>
#include <string_view>

namespace muster {

enum class ApiCall : std::uint8_t {
    page,
    alive,
    ready,
    metrics,
    openapi,
    list_nodes,
    install_nodes,
    stop_nodes,
    show_node,
    put_node,
    delete_node,
    show_timeline,
    show_render,
    show_packets,
    install_node,
    stop_node,
    ignore_node,
    boot_node_local,
    list_profiles,
    list_leases,
    show_site,
    show_governor,
    show_history,
    show_waits,
    list_events,
    list_tokens,
    make_token,
    remove_token,
};

struct ApiRoute {
    DynamicRequest::Method method; ///< `get` answers HEAD, too
    std::string_view path;         ///< `{name}` stands for one segment that is not empty
    ApiCall call;
    ApiRole least = ApiRole::view; ///< who has a lower role is refused
};

inline constexpr std::array api_routes = [] {
    using enum DynamicRequest::Method;
    using enum ApiCall;
    using enum ApiRole;
    return std::to_array<ApiRoute>({
        // The page has nothing in it that is secret: it asks for the token, and the API for data.
        {get, "/", page, anyone},
        // Whether it lives is no secret, and whoever watches over it has no token.
        {get, "/healthz", alive, anyone},
        {get, "/readyz", ready, anyone},
        {get, "/metrics", metrics, view},
        {get, "/api/v1/openapi.json", openapi, view},
        {get, "/api/v1/nodes", list_nodes, view},
        {post, "/api/v1/nodes/install", install_nodes, operate},
        {post, "/api/v1/nodes/stop", stop_nodes, operate},
        {get, "/api/v1/nodes/{name}", show_node, view},
        {put, "/api/v1/nodes/{name}", put_node, operate},
        {del, "/api/v1/nodes/{name}", delete_node, operate},
        {get, "/api/v1/nodes/{name}/timeline", show_timeline, view},
        // What a machine is given may hold its passwords.
        {get, "/api/v1/nodes/{name}/render", show_render, operate},
        {get, "/api/v1/nodes/{name}/pcap", show_packets, operate},
        {post, "/api/v1/nodes/{name}/install", install_node, operate},
        {post, "/api/v1/nodes/{name}/stop", stop_node, operate},
        {post, "/api/v1/nodes/{name}/ignore", ignore_node, operate},
        {post, "/api/v1/nodes/{name}/boot-local", boot_node_local, operate},
        {get, "/api/v1/profiles", list_profiles, view},
        {get, "/api/v1/leases", list_leases, view},
        {get, "/api/v1/site", show_site, view},
        {get, "/api/v1/governor", show_governor, view},
        {get, "/api/v1/history", show_history, view},
        {get, "/api/v1/waits", show_waits, view},
        {get, "/api/v1/events", list_events, view},
        {get, "/api/v1/tokens", list_tokens, admin},
        {post, "/api/v1/tokens/{name}", make_token, admin},
        {del, "/api/v1/tokens/{name}", remove_token, admin},
    });
}();

struct ApiMatch {
    const ApiRoute* route = nullptr; ///< null: no such call
    bool known_path = false;         ///< other methods are answered there
    std::string name{};              ///< what `{name}` stands for
};

/// Of two patterns that fit, the one listed first. A slash at the end changes nothing.
[[nodiscard]] ApiMatch match_route(DynamicRequest::Method method, std::string_view path);

} // namespace muster
