// SPDX-License-Identifier: Apache-2.0
// Something that an operator may want to know afterwards.
#pragma once

#include "core/base/time.hh"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

enum class EventKind : std::uint8_t {
    node_added,      ///< by the site, the API, or because it was seen
    node_changed,    ///< its name, addresses or profile
    node_removed,    ///< by the API
    state_changed,   ///< of an install
    attempt_failed,  ///< with the reason
    order,           ///< of an operator
    token_refused,   ///< a request with a wrong, old or spent token
    content_missing, ///< a kernel or initrd that a profile names is not there
    render_failed,   ///< a template of the site has an error
    site_loaded,     ///< at start and on every reload
    store_failed,    ///< changes cannot be kept; once an outage
    store_recovered, ///< the end of the outage
    limit_reached,   ///< something is full; the message says what
    address_in_use,  ///< somebody answers at an address that was to be offered
};
inline constexpr std::array event_kinds = {
    EventKind::node_added,    EventKind::node_changed,    EventKind::node_removed,
    EventKind::state_changed, EventKind::attempt_failed,  EventKind::order,
    EventKind::token_refused, EventKind::content_missing, EventKind::render_failed,
    EventKind::site_loaded,   EventKind::store_failed,    EventKind::store_recovered,
    EventKind::limit_reached, EventKind::address_in_use,
};

constexpr std::string_view to_text(EventKind kind) noexcept {
    switch (kind) {
    case EventKind::node_added:
        return "node-added";
    case EventKind::node_changed:
        return "node-changed";
    case EventKind::node_removed:
        return "node-removed";
    case EventKind::state_changed:
        return "state-changed";
    case EventKind::attempt_failed:
        return "attempt-failed";
    case EventKind::order:
        return "order";
    case EventKind::token_refused:
        return "token-refused";
    case EventKind::content_missing:
        return "content-missing";
    case EventKind::render_failed:
        return "render-failed";
    case EventKind::site_loaded:
        return "site-loaded";
    case EventKind::store_failed:
        return "store-failed";
    case EventKind::store_recovered:
        return "store-recovered";
    case EventKind::limit_reached:
        return "limit-reached";
    case EventKind::address_in_use:
        return "address-in-use";
    }
    __builtin_unreachable();
}

constexpr std::optional<EventKind> read_event_kind(std::string_view text) noexcept {
    for (const EventKind kind : event_kinds) {
        if (to_text(kind) == text) {
            return kind;
        }
    }
    return std::nullopt;
}

struct Event {
    std::uint64_t id = 0; ///< from 1, in the order in which they happened
    UnixTime at;
    EventKind kind{};
    std::string node; ///< name; empty: of no node
    std::string message;

    friend bool operator==(const Event&, const Event&) = default;
};

} // namespace muster
