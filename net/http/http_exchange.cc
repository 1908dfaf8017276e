// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_exchange.hh"

#include "core/content/catalog.hh"
#include "core/mirror/mirror_path.hh"
#include "net/wire/http_target.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view file_methods = "GET, HEAD";
constexpr std::string_view content_methods = "GET, HEAD, POST";
constexpr std::string_view admin_methods = "GET, HEAD, POST, PUT, DELETE";

DynamicRequest::Method dynamic_method(HttpMethod method) noexcept {
    switch (method) {
    case HttpMethod::get:
    case HttpMethod::other: // refused before
        return DynamicRequest::Method::get;
    case HttpMethod::head:
        return DynamicRequest::Method::head;
    case HttpMethod::post:
        return DynamicRequest::Method::post;
    case HttpMethod::put:
        return DynamicRequest::Method::put;
    case HttpMethod::del:
        return DynamicRequest::Method::del;
    }
    __builtin_unreachable();
}

bool is_allowed(HttpMethod method, std::string_view allow) noexcept {
    switch (method) {
    case HttpMethod::get:
    case HttpMethod::head:
        return true;
    case HttpMethod::post:
        return allow != file_methods;
    case HttpMethod::put:
    case HttpMethod::del:
        return allow == admin_methods;
    case HttpMethod::other:
        return false;
    }
    __builtin_unreachable();
}

/// True: an escape that is a slash, which folders upstream are not divided by.
bool has_escaped_slash(std::string_view target) noexcept {
    const std::string_view path = target.substr(0, target.find('?'));
    return path.find("%2F") != std::string_view::npos || path.find("%2f") != std::string_view::npos;
}

/// A path below a mirror; false: it is none.
bool find_mirrored(const HttpTarget& target, std::string_view raw,
                   std::span<const MirrorPlan> mirrors, HttpExchange& exchange) {
    std::string canonical;
    if (mirrors.empty() || !canonical_path(target.path, canonical) ||
        find_mirror(mirrors, canonical) == nullptr) {
        return false;
    }
    exchange.root = ContentRoot::mirror;
    exchange.allow = file_methods;
    auto asked = has_escaped_slash(raw)
                     ? std::nullopt
                     : mirror_target(canonical, target.path.ends_with('/'), target.query);
    if (asked) {
        exchange.path = std::move(*asked);
    } else {
        exchange.refusal = HttpError::file_forbidden;
    }
    return true;
}

/// Where the path leads: a dynamic path goes to `dynamic`, a file's into the exchange.
std::optional<HttpError> find_way(std::string_view path, HttpRole role, HttpExchange& exchange,
                                  std::string& dynamic) {
    if (role == HttpRole::admin) {
        return canonical_path(path, dynamic) ? std::nullopt
                                             : std::optional{HttpError::path_leaves_tree};
    }
    Route route = route_http(path);
    switch (route.kind) {
    case Route::Kind::open:
        exchange.root = route.root;
        exchange.path = std::move(route.path);
        exchange.allow = file_methods;
        return std::nullopt;
    case Route::Kind::dynamic:
        dynamic = std::move(route.path);
        return std::nullopt;
    case Route::Kind::none:
        return HttpError::path_unknown;
    case Route::Kind::refused:
        return HttpError::path_leaves_tree;
    }
    __builtin_unreachable();
}

void take_conditions(const HttpRequestHead& head, HttpExchange& exchange) {
    exchange.ranges = read_http_ranges(head.range);
    if (head.if_match.empty() && head.if_none_match.empty() && head.if_modified_since.empty() &&
        head.if_unmodified_since.empty() && head.if_range.empty()) {
        return;
    }
    exchange.conditions = std::make_unique<HttpConditions>(
        HttpConditions{.if_match = std::string{head.if_match},
                       .if_none_match = std::string{head.if_none_match},
                       .if_modified_since = std::string{head.if_modified_since},
                       .if_unmodified_since = std::string{head.if_unmodified_since},
                       .if_range = std::string{head.if_range}});
}

/// How long a client that was told 503 shall wait.
std::uint32_t retry_after_s(HttpError error) noexcept {
    switch (error) {
    case HttpError::control_silent:
        return 5;
    case HttpError::file_unavailable:
        return 2;
    default: // the list is long, and all else that is a 503 passes within a moment
        return 1;
    }
}

/// The whole of a content or the asked part of it, without any condition.
HttpAnswer answer_whole(const ContentRef& content) {
    HttpAnswer answer;
    const std::uint64_t size = content->bytes.size();
    answer.head.status = 200;
    answer.head.content_length = size;
    answer.head.content_type = content->type;
    answer.head.encoding = content->encoding;
    answer.head.varies = content->varies;
    answer.head.policy = content->policy;
    answer.head.no_cache = !content->policy.empty();
    answer.content = content;
    answer.part = {.offset = 0, .size = size};
    return answer;
}

/// Cuts an answer down to the asked ranges; false: none of them can be satisfied.
bool cut(HttpAnswer& answer, const HttpExchange& exchange) {
    const std::uint64_t whole = answer.part.size;
    auto parts = select_ranges(exchange.ranges, whole);
    if (parts.empty()) {
        return false;
    }
    if (parts.size() > 1 && answer.content->arrived() < whole) {
        return true; // not while it arrives: RFC 9110 section 14.2 lets a server send it all
    }
    if (parts.front().size == 0) {
        return true; // a suffix of nothing: all of it
    }
    answer.head.status = 206;
    if (parts.size() > 1) {
        answer.parts =
            std::make_unique<HttpParts>(answer.content, std::move(parts), exchange.serial);
        answer.part = {};
        answer.head.content_type = {}; // lives in the parts: the sender fills it in
        answer.head.content_length = answer.parts->body_size();
        return true;
    }
    answer.head.part = parts.front();
    answer.head.whole = whole;
    answer.head.content_length = parts.front().size;
    answer.part = parts.front();
    return true;
}

HttpAnswer answer_unsatisfiable(const HttpExchange& exchange, HttpRole role, std::uint64_t whole) {
    HttpAnswer refused = answer_error(exchange, role, HttpError::range_not_satisfiable);
    refused.head.whole = whole;
    return refused;
}

} // namespace

std::optional<HttpError> take_request(const HttpRequestHead& head, HttpRole role,
                                      std::span<const MirrorPlan> mirrors, HttpExchange& exchange) {
    exchange.method = head.method;
    exchange.client = client_kind(head.user_agent);
    exchange.http_1_0 = head.http_1_0;
    exchange.keep_alive = head.keep_alive;
    exchange.last_request = !head.keep_alive;
    exchange.allow = role == HttpRole::admin ? admin_methods : content_methods;

    const auto target = read_http_target(head.target);
    if (!target) {
        // `OPTIONS *` and `CONNECT host:port` have targets of their own; the method is the matter.
        return head.method == HttpMethod::other ? HttpError::method_not_allowed : target.error();
    }
    std::string dynamic;
    if (find_mirrored(*target, head.target, mirrors, exchange)) {
        if (exchange.refusal) {
            return exchange.refusal;
        }
    } else if (const auto error = find_way(target->path, role, exchange, dynamic)) {
        return error;
    }
    if (!is_allowed(head.method, exchange.allow)) {
        return HttpError::method_not_allowed;
    }
    if (head.method == HttpMethod::get || head.method == HttpMethod::head) {
        take_conditions(head, exchange);
    }
    if (head.method != HttpMethod::get) {
        exchange.ranges.clear(); // RFC 9110 section 14.2: defined for GET alone
    }
    if (exchange.root == ContentRoot::mirror) {
        // As it comes: packages are packed, and a listing is the upstream's.
    } else if (dynamic.empty()) {
        // A loader that meets a folder is to be told that there is no such file.
        exchange.choice = {.gzip = head.accepts_gzip,
                           .zstd = head.accepts_zstd,
                           .listing = exchange.client == HttpClientKind::other};
    } else {
        exchange.asked = std::make_unique<DynamicRequest>();
        exchange.asked->transport = DynamicRequest::Transport::http;
        exchange.asked->method = dynamic_method(head.method);
        exchange.asked->path = std::move(dynamic);
        exchange.asked->query = target->query;
        exchange.asked->user_agent = head.user_agent;
        exchange.asked->authorization = head.authorization;
        exchange.asked->accepts_gzip = head.accepts_gzip;
        exchange.asked->accepts_events = head.accepts_events;
        exchange.asked->last_event_id = head.last_event_id;
    }
    return std::nullopt;
}

HttpAnswer answer_error(const HttpExchange& exchange, HttpRole role, HttpError error) {
    const HttpErrorText& reason = describe(error);
    HttpAnswer answer;
    answer.refusal = error;
    answer.head.status = status_for(exchange.client, reason.status);
    answer.head.no_store = true;
    if (answer.head.status == 503) {
        answer.head.retry_after_s = retry_after_s(error);
    }
    if (error == HttpError::method_not_allowed) {
        answer.head.allow = exchange.allow;
    }
    if (role == HttpRole::admin) {
        answer.head.content_type = "application/json";
        answer.text.append(R"({"error": {"code": ")")
            .append(reason.name)
            .append(R"(", "message": ")")
            .append(reason.text)
            .append("\"}}\n");
    } else {
        answer.head.content_type = "text/plain; charset=utf-8";
        answer.text.append(reason.text).append("\n");
    }
    answer.head.content_length = answer.text.size();
    return answer;
}

HttpAnswer answer_file(const HttpExchange& exchange, HttpRole role, const ContentRef& content,
                       UnixTime now) {
    if (content->etag.empty()) { // a listing
        HttpAnswer listing = answer_whole(content);
        listing.head.no_store = true;
        return listing;
    }
    // RFC 9110 section 8.8.2.1: never later than Date.
    const HttpValidators validators{.etag = content->etag,
                                    .modified = std::min(content->modified, now)};
    HttpAnswer answer = answer_whole(content);
    answer.head.etag = validators.etag;
    answer.head.last_modified = validators.modified;
    answer.head.accept_ranges = true;
    if (content->checked.ms > 0) {
        constexpr std::int64_t age_max = 2'147'483'648; // RFC 9111 section 1.2.2
        const std::int64_t age_s = (now.ms - content->checked.ms) / 1000;
        answer.head.age_s = static_cast<std::uint32_t>(std::clamp(age_s, std::int64_t{0}, age_max));
        answer.head.stale = content->stale;
    }
    if (exchange.conditions) {
        switch (weigh_conditions(*exchange.conditions, validators)) {
        case ConditionVerdict::proceed:
            break;
        case ConditionVerdict::not_modified:
            answer.head.status = 304;
            answer.head.content_length.reset(); // it would be the file's (RFC 9110 section 8.6)
            answer.head.content_type = {};
            answer.head.encoding = {};
            answer.part = {};
            return answer;
        case ConditionVerdict::failed:
            return answer_error(exchange, role, HttpError::precondition_failed);
        }
    }
    const std::string_view if_range =
        exchange.conditions ? std::string_view{exchange.conditions->if_range} : std::string_view{};
    if (!exchange.ranges.empty() && range_applies(if_range, validators, now) &&
        !cut(answer, exchange)) {
        return answer_unsatisfiable(exchange, role, content->bytes.size());
    }
    return answer;
}

HttpAnswer answer_reply(const HttpExchange& exchange, HttpRole role, const DynamicReply& reply,
                        UnixTime now) {
    const bool is_read = exchange.method == HttpMethod::get || exchange.method == HttpMethod::head;
    if (reply.status == 200 && reply.content && !reply.content->etag.empty() && is_read) {
        return answer_file(exchange, role, reply.content, now); // the page, not a rendered text
    }
    HttpAnswer answer;
    if (reply.feed && reply.status == 200 && reply.content && !exchange.http_1_0) {
        // Without a length, its end is that of the connection (RFC 9112 section 6.3).
        answer = answer_whole(reply.content);
        answer.head.content_length.reset();
        answer.head.no_store = true;
        answer.feed = exchange.method == HttpMethod::get;
        return answer;
    }
    if (reply.content) {
        answer = answer_whole(reply.content);
    } else if (reply.status >= 400) {
        const std::size_t index = status_index(reply.status);
        answer.head.content_type = "text/plain; charset=utf-8";
        answer.text = index < http_statuses.size() ? http_statuses[index].reason : "Error";
        answer.text += '\n';
        answer.head.content_length = answer.text.size();
    } else {
        answer.head.content_length = 0;
    }
    // Out of this range no status ends a response: the control is wrong, the client told so.
    const bool is_final = reply.status >= 200 && reply.status <= 599;
    const auto status = is_final ? reply.status : std::uint16_t{500};
    answer.head.status = status_for(exchange.client, status);
    answer.head.retry_after_s = answer.head.status == status ? reply.retry_after_s : 0;
    answer.head.no_store = true;
    answer.head.ask_for_token = status == 401;
    if (status == 204 || status == 304) { // RFC 9110 section 6.4.1: no body, so no length either
        answer.head.content_length.reset();
        answer.head.content_type = {};
        answer.part = {};
    }
    const bool has_if_range = exchange.conditions && !exchange.conditions->if_range.empty();
    // One range is what a loader that seeks asks for; a text is not worth several parts.
    if (status == 200 && reply.content && exchange.ranges.size() == 1 && !has_if_range &&
        !cut(answer, exchange)) {
        return answer_unsatisfiable(exchange, role, reply.content->bytes.size());
    }
    return answer;
}

} // namespace muster
