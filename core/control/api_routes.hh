// SPDX-License-Identifier: Apache-2.0
// Every call that the admin listener answers. Requests are dispatched by this table, and a test
// holds docs/openapi.json against it: a call that is not described cannot be made.
#pragma once

#include "core/port/content_request.hh"

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
};

struct ApiRoute {
    DynamicRequest::Method method; ///< `get` answers HEAD, too
    std::string_view path;         ///< `{name}` stands for one segment that is not empty
    ApiCall call;
    bool open = false; ///< for whoever has no token
};

inline constexpr std::array api_routes = [] {
    using enum DynamicRequest::Method;
    using enum ApiCall;
    return std::to_array<ApiRoute>({
        // The page has nothing in it that is secret: it asks for the token, and the API for data.
        {get, "/", page, true},
        // Whether it lives is no secret, and whoever watches over it has no token.
        {get, "/healthz", alive, true},
        {get, "/readyz", ready, true},
        {get, "/metrics", metrics},
        {get, "/api/v1/openapi.json", openapi},
        {get, "/api/v1/nodes", list_nodes},
        {post, "/api/v1/nodes/install", install_nodes},
        {post, "/api/v1/nodes/stop", stop_nodes},
        {get, "/api/v1/nodes/{name}", show_node},
        {put, "/api/v1/nodes/{name}", put_node},
        {del, "/api/v1/nodes/{name}", delete_node},
        {get, "/api/v1/nodes/{name}/timeline", show_timeline},
        {get, "/api/v1/nodes/{name}/render", show_render},
        {get, "/api/v1/nodes/{name}/pcap", show_packets},
        {post, "/api/v1/nodes/{name}/install", install_node},
        {post, "/api/v1/nodes/{name}/stop", stop_node},
        {post, "/api/v1/nodes/{name}/ignore", ignore_node},
        {post, "/api/v1/nodes/{name}/boot-local", boot_node_local},
        {get, "/api/v1/profiles", list_profiles},
        {get, "/api/v1/leases", list_leases},
        {get, "/api/v1/site", show_site},
        {get, "/api/v1/governor", show_governor},
        {get, "/api/v1/history", show_history},
        {get, "/api/v1/waits", show_waits},
        {get, "/api/v1/events", list_events},
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
