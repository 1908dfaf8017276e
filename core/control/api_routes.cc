// SPDX-License-Identifier: Apache-2.0
#include "core/control/api_routes.hh"

#include <optional>

namespace muster {
namespace {

constexpr std::string_view name_pattern = "{name}";

std::string_view take_segment(std::string_view& path) noexcept {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    return segment;
}

/// Null: the path is another one. Else the name in it; empty if the pattern has none.
std::optional<std::string_view> name_in(std::string_view path, std::string_view pattern) noexcept {
    std::string_view name;
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view given = take_segment(path);
        if (wanted == name_pattern && !given.empty()) {
            name = given;
        } else if (wanted != given) {
            return std::nullopt;
        }
    }
    return pattern.empty() && path.empty() ? std::optional{name} : std::nullopt;
}

} // namespace

ApiMatch match_route(DynamicRequest::Method method, std::string_view path) {
    using Method = DynamicRequest::Method;
    const Method wanted = method == Method::head ? Method::get : method;
    ApiMatch match;
    for (const ApiRoute& route : api_routes) {
        const auto name = name_in(path, route.path);
        if (!name) {
            continue;
        }
        match.known_path = true;
        if (route.method == wanted) {
            match.route = &route;
            match.name = *name;
            break;
        }
    }
    return match;
}

} // namespace muster
