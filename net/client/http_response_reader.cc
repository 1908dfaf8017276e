// SPDX-License-Identifier: Apache-2.0
#include "net/client/http_response_reader.hh"

#include "net/wire/http_text.hh"

#include <algorithm>

namespace muster {
namespace {

/// One behind the empty line that ends a head; lines end with LF, a CR before it is skipped.
std::optional<std::size_t> find_head_end(std::string_view text, std::size_t from) noexcept {
    for (std::size_t at = text.find('\n', from); at != std::string_view::npos;
         at = text.find('\n', at + 1)) {
        const std::string_view next = text.substr(at + 1, 2);
        if (next.starts_with('\n')) {
            return at + 2;
        }
        if (next == "\r\n") {
            return at + 3;
        }
    }
    return std::nullopt;
}

/// `bytes 100-199/1000`, where the size may be `*`.
std::optional<ByteRange> read_content_range(std::string_view value) noexcept {
    if (value.size() < 6 || !equal_ignoring_case(value.substr(0, 6), "bytes ")) {
        return std::nullopt;
    }
    value.remove_prefix(6);
    const std::size_t dash = value.find('-');
    const std::size_t slash = value.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
        return std::nullopt;
    }
    const auto first = read_decimal(trim(value.substr(0, dash)));
    const auto last = read_decimal(trim(value.substr(dash + 1, slash - dash - 1)));
    if (!first || !last || *last < *first || *last == UINT64_MAX) {
        return std::nullopt;
    }
    return ByteRange{.offset = *first, .size = *last - *first + 1};
}

} // namespace

void HttpResponseReader::begin(bool head_request) noexcept {
    head_ = {};
    kept_.clear();
    head_request_ = head_request;
    complete_ = false;
    untouched_ = true;
}

Result<std::size_t, HttpResponseError> HttpResponseReader::read(Bytes in) {
    untouched_ = untouched_ && in.empty();
    const std::string_view all = as_text(in);
    std::size_t used = 0;
    while (!complete_ && used < all.size()) {
        const std::size_t before = kept_.size();
        std::string_view text = all.substr(used, head_bytes_max - before);
        const std::size_t taken = text.size();
        if (before > 0) { // else it is read where it lies: most heads come in one piece
            kept_.append(text);
            text = kept_;
        }
        const auto end = find_head_end(text, before < 2 ? 0 : before - 2);
        if (!end) {
            if (text.size() >= head_bytes_max) {
                return std::unexpected(HttpResponseError::head_too_large);
            }
            if (before == 0) {
                kept_ = text;
            }
            return used + taken;
        }
        if (const auto ok = parse(text.substr(0, *end)); !ok) {
            return std::unexpected(ok.error());
        }
        used += *end - before;
        complete_ = head_.status >= 200;
        if (!complete_) {
            kept_.clear();
        }
    }
    return used;
}

Result<void, HttpResponseError> HttpResponseReader::parse(std::string_view text) noexcept {
    head_ = {};
    chunked_ = false;
    const auto next_line = [&text] {
        const std::size_t feed = text.find('\n'); // a head ends with one
        std::string_view line = text.substr(0, feed);
        text.remove_prefix(feed + 1);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        return line;
    };
    const std::string_view line = next_line();
    const bool shaped = line.size() >= 12 && line.starts_with("HTTP/1.") && is_digit(line[7]) &&
                        line[8] == ' ' && (line.size() == 12 || line[12] == ' ');
    const auto status = shaped ? read_decimal(line.substr(9, 3)) : std::nullopt;
    if (!status || *status < 100 || *status > 599) {
        return std::unexpected(HttpResponseError::bad_status_line);
    }
    head_.status = static_cast<std::uint16_t>(*status);
    http_1_0_ = line[7] == '0';
    head_.keep_alive = !http_1_0_;
    for (std::string_view field = next_line(); !field.empty(); field = next_line()) {
        if (const auto ok = parse_field(field); !ok) {
            return ok;
        }
    }
    if (head_request_ || head_.status < 200 || head_.status == 204 || head_.status == 304) {
        head_.framing = HttpFraming::none;
    } else if (chunked_) {
        head_.framing = HttpFraming::chunks;
        // RFC 9112 section 6.1: with a length beside it, or from HTTP/1.0, what follows it is not
        // to be trusted.
        head_.keep_alive = head_.keep_alive && !head_.content_length && !http_1_0_;
    } else if (head_.content_length) {
        head_.framing = HttpFraming::length;
    } else {
        head_.framing = HttpFraming::until_close;
        head_.keep_alive = false;
    }
    return {};
}

Result<void, HttpResponseError> HttpResponseReader::parse_field(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t') {
        return std::unexpected(HttpResponseError::bad_field);
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    // The length of a name tells most of them apart without a look at their letters.
    switch (name.size()) {
    case 4:
        if (equal_ignoring_case(name, "ETag")) {
            head_.etag = value;
        }
        break;
    case 10:
        if (equal_ignoring_case(name, "Connection")) {
            for_each_element(value, [&](std::string_view option) {
                if (equal_ignoring_case(option, "close")) {
                    head_.keep_alive = false;
                } else if (http_1_0_ && equal_ignoring_case(option, "keep-alive")) {
                    head_.keep_alive = true;
                }
            });
        }
        break;
    case 11:
        if (equal_ignoring_case(name, "Retry-After")) {
            head_.retry_after_s = static_cast<std::uint32_t>(
                std::min<std::uint64_t>(read_decimal(value).value_or(5), UINT32_MAX));
        }
        break;
    case 13:
        if (equal_ignoring_case(name, "Content-Range")) {
            head_.part = read_content_range(value);
        }
        break;
    case 14:
        if (equal_ignoring_case(name, "Content-Length")) {
            const auto length = read_decimal(value);
            if (!length || (head_.content_length && head_.content_length != length)) {
                return std::unexpected(HttpResponseError::bad_length);
            }
            head_.content_length = length;
        }
        break;
    case 17:
        if (equal_ignoring_case(name, "Transfer-Encoding")) {
            if (chunked_ || !equal_ignoring_case(value, "chunked")) {
                return std::unexpected(HttpResponseError::unknown_coding);
            }
            chunked_ = true;
        }
        break;
    default:
        break;
    }
    return {};
}

} // namespace muster
