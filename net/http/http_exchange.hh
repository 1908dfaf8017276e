// SPDX-License-Identifier: Apache-2.0
// One request while it is being answered, and the choice of its answer.
#pragma once

#include "core/port/content_request.hh"
#include "core/site/mirror_plan.hh"
#include "net/http/http_client_kind.hh"
#include "net/http/http_limits.hh"
#include "net/http/http_parts.hh"
#include "net/wire/http_condition.hh"
#include "net/wire/http_error.hh"
#include "net/wire/http_range.hh"
#include "net/wire/http_request.hh"
#include "net/wire/http_response.hh"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace muster {

/// What must be remembered of a request until its answer is sent.
struct HttpExchange {
    HttpMethod method = HttpMethod::get;
    HttpClientKind client = HttpClientKind::other;
    bool http_1_0 = false;
    std::uint64_t serial = 0;              ///< of the request, for what must differ between answers
    bool keep_alive = false;               ///< go on with the connection after the answer
    bool last_request = false;             ///< the client said so: it sends no other
    ContentRoot root{};                    ///< of `path`
    std::optional<HttpError> refusal;      ///< known from the head, said once the body was read
    std::string_view allow;                ///< methods for a 405
    std::string path;                      ///< of a file: as in an OpenRequest
    std::unique_ptr<DynamicRequest> asked; ///< until control has taken it
    ContentChoice choice;                  ///< what may stand in for the file
    std::vector<HttpRange> ranges;         ///< empty: the whole
    std::unique_ptr<HttpConditions> conditions; ///< null: the request has none
};

/// Fills an exchange from a head: finds what the target leads to and whether the method may be
/// used there.
///
/// Returns: what to refuse the request with, which does not end the connection.
/// Source:  core/content/catalog.hh says which path is what, and `mirrors` which are mirrors'.
[[nodiscard]] std::optional<HttpError> take_request(const HttpRequestHead& head, HttpRole role,
                                                    std::span<const MirrorPlan> mirrors,
                                                    HttpExchange& exchange);

/// What to send: a head, then either a text, a part of a content, or several parts of it. A HEAD
/// request's answer has the same head and no body; that is left to the sender.
struct HttpAnswer {
    HttpResponseHead head;
    std::string text;
    ContentRef content;
    ByteRange part;                   ///< of `content`
    std::unique_ptr<HttpParts> parts; ///< instead of `part`; the head then misses its type
    std::optional<HttpError> refusal; ///< what it says, if it is one
    bool feed = false;                ///< more follows with HttpServer::on_feed()
};

/// One line of text, or in the admin API its JSON form.
[[nodiscard]] HttpAnswer answer_error(const HttpExchange& exchange, HttpRole role, HttpError error);

/// A file, or a folder's listing, which has no tag and is made anew for each request: conditions
/// first, then the ranges (RFC 9110 section 13.2.2).
///
/// Returns: 200, 206 or 304; or the refusal precondition_failed or range_not_satisfiable.
[[nodiscard]] HttpAnswer answer_file(const HttpExchange& exchange, HttpRole role,
                                     const ContentRef& content, UnixTime now);

/// What control said. Rendered text has no validators, so conditions are void on it; a range is
/// honoured, because GRUB seeks by asking again with Range and takes a 200 for the part it wanted.
[[nodiscard]] HttpAnswer answer_reply(const HttpExchange& exchange, HttpRole role,
                                      const DynamicReply& reply, UnixTime now);

} // namespace muster
