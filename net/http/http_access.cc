// SPDX-License-Identifier: Apache-2.0
// What the access log is told. Nothing of it costs anything while no log is kept.
#include "net/http/http_server.hh"

#include <utility>

namespace muster {

void HttpServer::begin_access(HttpConnection& c, const HttpRequestHead& head, Bytes bytes,
                              const Now& now) noexcept {
    if (!limits_.access_log) {
        return;
    }
    std::string_view line = as_text(bytes);
    while (line.starts_with("\r\n")) { // an empty line before the request
        line.remove_prefix(2);
    }
    c.access = std::make_unique<AccessRecord>();
    c.access->at = now.wall;
    c.access->client = c.peer;
    c.access->method = line.substr(0, line.find(' '));
    c.access->target = head.target;
    c.access->agent = head.user_agent;
    c.access_began = now.steady;
}

/// An answer ended, or its connection did.
void HttpServer::end_access(HttpConnection& c, bool complete, const Now& now,
                            Outbox& out) noexcept {
    if (!c.access) {
        return;
    }
    const bool began = c.state == State::sending;
    c.access->status = began ? c.status : std::uint16_t{0};
    c.access->complete = complete;
    c.access->bytes =
        began && c.answer_done > c.head_bytes ? c.answer_done - c.head_bytes : std::uint64_t{0};
    c.access->duration = now.steady - c.access_began;
    out.accesses.push_back(std::exchange(c.access, nullptr));
}

} // namespace muster
