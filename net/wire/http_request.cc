// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_request.hh"

#include "net/wire/http_text.hh"

#include <algorithm>
#include <array>
#include <utility>

namespace muster {
namespace {

/// The fields that are looked at. All but Connection, Accept and Accept-Encoding may stand once.
enum class Field : std::uint8_t {
    host,
    connection,
    content_length,
    transfer_encoding,
    expect,
    user_agent,
    authorization,
    accept,
    accept_encoding,
    range,
    if_match,
    if_none_match,
    if_modified_since,
    if_unmodified_since,
    if_range,
    last_event_id,
};

struct FieldName {
    std::string_view name;
    Field field;
};

constexpr std::array field_names{
    FieldName{"Host", Field::host},
    FieldName{"Connection", Field::connection},
    FieldName{"Content-Length", Field::content_length},
    FieldName{"Transfer-Encoding", Field::transfer_encoding},
    FieldName{"Expect", Field::expect},
    FieldName{"User-Agent", Field::user_agent},
    FieldName{"Authorization", Field::authorization},
    FieldName{"Accept", Field::accept},
    FieldName{"Accept-Encoding", Field::accept_encoding},
    FieldName{"Range", Field::range},
    FieldName{"If-Match", Field::if_match},
    FieldName{"If-None-Match", Field::if_none_match},
    FieldName{"If-Modified-Since", Field::if_modified_since},
    FieldName{"If-Unmodified-Since", Field::if_unmodified_since},
    FieldName{"If-Range", Field::if_range},
    FieldName{"Last-Event-ID", Field::last_event_id},
};

std::optional<Field> find_field(std::string_view name) noexcept {
    for (const FieldName& known : field_names) {
        if (equal_ignoring_case(known.name, name)) {
            return known.field;
        }
    }
    return std::nullopt;
}

/// What was seen of the fields that say how the message is framed.
struct Seen {
    std::uint32_t fields = 0; ///< one bit for each Field
    bool close = false;
    bool keep_alive = false;
    bool unknown_coding = false;
    bool unknown_expectation = false;

    [[nodiscard]] bool has(Field field) const noexcept {
        return (fields & (1U << static_cast<unsigned>(field))) != 0;
    }
};

HttpMethod method_of(std::string_view name) noexcept {
    if (name == "GET") {
        return HttpMethod::get;
    }
    if (name == "HEAD") {
        return HttpMethod::head;
    }
    if (name == "POST") {
        return HttpMethod::post;
    }
    if (name == "PUT") {
        return HttpMethod::put;
    }
    return name == "DELETE" ? HttpMethod::del : HttpMethod::other;
}

/// METHOD SP target SP HTTP/1.x. A later minor version is read as 1.1 (RFC 9110 section 6.2).
Result<void, HttpError> read_request_line(std::string_view line, HttpRequestHead& head) noexcept {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || last == first) {
        return std::unexpected(HttpError::bad_request_line);
    }
    const std::string_view method = line.substr(0, first);
    const std::string_view version = line.substr(last + 1);
    head.target = line.substr(first + 1, last - first - 1);
    const bool has_version_form = version.size() == 8 && version.starts_with("HTTP/") &&
                                  is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
    if (method.empty() || !std::ranges::all_of(method, is_token_char) || head.target.empty() ||
        head.target.find(' ') != std::string_view::npos || !has_version_form) {
        return std::unexpected(HttpError::bad_request_line);
    }
    if (version[5] != '1') {
        return std::unexpected(HttpError::version_not_supported);
    }
    head.method = method_of(method);
    head.http_1_0 = version[7] == '0';
    return {};
}

bool may_stand_in_value(char c) noexcept {
    const auto code = static_cast<unsigned char>(c);
    return (code >= ' ' && code != 0x7F) || c == '\t';
}

bool may_stand_in_host(char c) noexcept {
    return c != ' ' && c != '\t' && c != ',' && c != '/' && c != '@';
}

/// A weight that takes the coding out: `q=0`, `q=0.0` … (RFC 9110 section 12.4.2). What does not
/// read counts as a wish: the client has named the coding.
bool is_refused(std::string_view parameters) noexcept {
    const std::string_view weight = trim(parameters);
    if (weight.size() < 3 || to_lower_ascii(weight[0]) != 'q' || weight[1] != '=') {
        return false;
    }
    return weight.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

/// `*` is not taken up: who wants a coding that it can undo names it.
void take_codings(std::string_view list, HttpRequestHead& head) noexcept {
    for_each_element(list, [&head](std::string_view element) {
        const auto semicolon = element.find(';');
        const std::string_view coding = trim(element.substr(0, semicolon));
        const bool wanted =
            semicolon == std::string_view::npos || !is_refused(element.substr(semicolon + 1));
        if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) {
            head.accepts_gzip = wanted;
        } else if (equal_ignoring_case(coding, "zstd")) {
            head.accepts_zstd = wanted;
        }
    });
}

void take_types(std::string_view list, HttpRequestHead& head) noexcept {
    for_each_element(list, [&head](std::string_view element) {
        const std::string_view type = trim(element.substr(0, element.find(';')));
        head.accepts_events = head.accepts_events || equal_ignoring_case(type, "text/event-stream");
    });
}

Result<void, HttpError> take_field(Field field, std::string_view value, HttpRequestHead& head,
                                   Seen& seen) noexcept {
    const bool may_repeat =
        field == Field::connection || field == Field::accept || field == Field::accept_encoding;
    if (!may_repeat && seen.has(field)) {
        // Two lengths or codings are a smuggler's tool; two of the others are ambiguous.
        return std::unexpected(HttpError::repeated_field);
    }
    seen.fields |= 1U << static_cast<unsigned>(field);
    switch (field) {
    case Field::host:
        if (!std::ranges::all_of(value, may_stand_in_host)) {
            return std::unexpected(HttpError::bad_field_value);
        }
        break;
    case Field::connection:
        for_each_element(value, [&seen](std::string_view option) {
            seen.close = seen.close || equal_ignoring_case(option, "close");
            seen.keep_alive = seen.keep_alive || equal_ignoring_case(option, "keep-alive");
        });
        break;
    case Field::content_length: {
        const auto length = read_decimal(value);
        if (!length) {
            return std::unexpected(HttpError::bad_content_length);
        }
        head.content_length = *length;
        break;
    }
    case Field::transfer_encoding:
        head.chunked = equal_ignoring_case(value, "chunked");
        seen.unknown_coding = !head.chunked;
        break;
    case Field::expect:
        head.expect_continue = equal_ignoring_case(value, "100-continue");
        seen.unknown_expectation = !head.expect_continue;
        break;
    case Field::user_agent:
        head.user_agent = value;
        break;
    case Field::authorization:
        head.authorization = value;
        break;
    case Field::accept:
        take_types(value, head);
        break;
    case Field::accept_encoding:
        take_codings(value, head);
        break;
    case Field::range:
        head.range = value;
        break;
    case Field::if_match:
        head.if_match = value;
        break;
    case Field::if_none_match:
        head.if_none_match = value;
        break;
    case Field::if_modified_since:
        head.if_modified_since = value;
        break;
    case Field::if_unmodified_since:
        head.if_unmodified_since = value;
        break;
    case Field::if_range:
        head.if_range = value;
        break;
    case Field::last_event_id:
        head.last_event_id = value;
        break;
    }
    return {};
}

Result<void, HttpError> read_field(std::string_view line, HttpRequestHead& head,
                                   Seen& seen) noexcept {
    if (line.front() == ' ' || line.front() == '\t') {
        return std::unexpected(HttpError::folded_field);
    }
    const auto colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() ||
        !std::ranges::all_of(name, is_token_char)) {
        return std::unexpected(HttpError::bad_field_name);
    }
    const std::string_view value = trim(line.substr(colon + 1));
    if (!std::ranges::all_of(value, may_stand_in_value)) {
        return std::unexpected(HttpError::bad_field_value);
    }
    const auto field = find_field(name);
    return field ? take_field(*field, value, head, seen) : Result<void, HttpError>{};
}

/// What can be judged only once all fields are known.
Result<void, HttpError> judge(HttpRequestHead& head, const Seen& seen) noexcept {
    if (!head.http_1_0 && !seen.has(Field::host)) {
        return std::unexpected(HttpError::missing_host);
    }
    if (seen.has(Field::transfer_encoding)) {
        if (seen.has(Field::content_length)) {
            return std::unexpected(HttpError::length_and_chunked);
        }
        if (head.http_1_0) {
            return std::unexpected(HttpError::chunked_in_http_1_0);
        }
        if (seen.unknown_coding) {
            return std::unexpected(HttpError::transfer_coding_not_supported);
        }
    }
    if (head.http_1_0) {
        head.expect_continue = false; // RFC 9110 section 10.1.1
    } else if (seen.unknown_expectation) {
        return std::unexpected(HttpError::expectation_not_supported);
    }
    head.keep_alive = !seen.close && (!head.http_1_0 || seen.keep_alive);
    return {};
}

/// Takes a line off `text`, without its CR LF; the scanner has seen that every line has them.
std::string_view take_line(std::string_view& text) noexcept {
    const auto end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return line;
}

} // namespace

Result<std::optional<std::size_t>, HttpError>
HttpHeadScanner::scan(Bytes received, const HttpHeadLimits& limits) noexcept {
    const std::string_view text = as_text(received);
    for (;;) {
        // The furthest places where this line's LF and the head's last LF may be.
        const std::size_t line_bound = std::size_t{line_start_} + limits.line_bytes_max + 2;
        const std::size_t bound = std::min<std::size_t>(line_bound, limits.head_bytes_max);
        const std::string_view seen = text.substr(0, std::min(bound, text.size()));
        const auto feed = seen.find('\n', at_);
        if (feed == std::string_view::npos) {
            at_ = static_cast<std::uint32_t>(seen.size());
            if (seen.size() < bound) {
                return std::nullopt;
            }
            if (bound == limits.head_bytes_max) {
                return std::unexpected(HttpError::head_too_large);
            }
            return std::unexpected(lines_ == 0 ? HttpError::request_line_too_long
                                               : HttpError::field_line_too_long);
        }
        if (feed == line_start_ || text[feed - 1] != '\r') {
            return std::unexpected(HttpError::bare_line_feed);
        }
        const bool empty_line = feed - 1 == line_start_;
        at_ = static_cast<std::uint32_t>(feed + 1);
        line_start_ = at_;
        if (!empty_line) {
            if (lines_ > limits.fields_max) { // the request line is no field
                return std::unexpected(HttpError::too_many_fields);
            }
            ++lines_;
        } else if (lines_ > 0) {
            return std::optional{feed + 1};
        } else if (std::exchange(skipped_, true)) {
            return std::unexpected(HttpError::bad_request_line);
        }
    }
}

Result<HttpRequestHead, HttpError> read_request_head(Bytes head) noexcept {
    std::string_view rest = as_text(head);
    std::string_view line = take_line(rest);
    if (line.empty()) {
        line = take_line(rest); // RFC 9112 section 2.2
    }
    HttpRequestHead read;
    Seen seen;
    if (const auto ok = read_request_line(line, read); !ok) {
        return std::unexpected(ok.error());
    }
    for (line = take_line(rest); !line.empty(); line = take_line(rest)) {
        if (const auto ok = read_field(line, read, seen); !ok) {
            return std::unexpected(ok.error());
        }
    }
    if (const auto ok = judge(read, seen); !ok) {
        return std::unexpected(ok.error());
    }
    return read;
}

} // namespace muster
