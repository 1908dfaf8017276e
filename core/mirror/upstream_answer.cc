// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/upstream_answer.hh"

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

/// Longest text that is sent on: tags and types have a bound in response heads.
constexpr std::size_t text_size_max = 200;

char lower_letter(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_name(std::string_view text, std::string_view lower) noexcept {
    return std::ranges::equal(text, lower, {}, lower_letter);
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' ||
                             text.back() == '\n')) {
        text.remove_suffix(1);
    }
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    return text;
}

/// Can stand in a header of ours.
bool is_presentable(std::string_view text) noexcept {
    return text.size() <= text_size_max && std::ranges::all_of(text, [](char c) {
               return c >= ' ' && c != '\x7F'; // char is signed: bytes above 127 are refused, too
           });
}

std::optional<std::uint64_t> read_decimal(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
    // Sizes are added up and given to calls that take signed ones.
    return whole && value <= static_cast<std::uint64_t>(INT64_MAX) / 2 ? std::optional{value}
                                                                       : std::nullopt;
}

/// RFC 9110 section 8.8.3: an entity tag is in quotes and has no others.
bool is_tag(std::string_view text) noexcept {
    if (text.starts_with("W/")) {
        text.remove_prefix(2);
    }
    return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
           std::ranges::none_of(text.substr(1, text.size() - 2),
                                [](char c) { return c == '"' || c == ' '; });
}

std::optional<UpstreamRange> content_range(std::string_view text) noexcept {
    if (text.size() < 6 || !is_name(text.substr(0, 6), "bytes ")) {
        return std::nullopt;
    }
    text.remove_prefix(6);
    const auto dash = text.find('-');
    const auto slash = text.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
        return std::nullopt;
    }
    const auto first = read_decimal(text.substr(0, dash));
    const auto last = read_decimal(text.substr(dash + 1, slash - dash - 1));
    const std::string_view size = text.substr(slash + 1);
    const auto whole = read_decimal(size);
    if (!first || !last || *first > *last || (!whole && size != "*") ||
        (whole && *last >= *whole)) {
        return std::nullopt;
    }
    return UpstreamRange{*first, *last, whole};
}

void read_status_line(std::string_view line, UpstreamAnswer& answer) {
    answer = UpstreamAnswer{};
    const auto blank = line.find(' ');
    const auto code =
        blank == std::string_view::npos ? std::nullopt : read_decimal(line.substr(blank + 1, 3));
    if (code && *code >= 100 && *code <= 599) {
        answer.status = static_cast<std::uint16_t>(*code);
    } else {
        answer.malformed = true;
    }
}

} // namespace

void read_upstream_line(std::string_view line, UpstreamAnswer& answer) {
    line = trim(line);
    if (line.starts_with("HTTP/")) {
        read_status_line(line, answer);
        return;
    }
    if (line.empty() && answer.chunked) { // the head's end; RFC 9112 section 6.3
        answer.content_length.reset();
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        return;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    const auto keep = [value](std::string& target) {
        if (is_presentable(value)) {
            target = value;
        }
    };
    if (is_name(name, "content-length")) {
        const auto length = read_decimal(value);
        answer.malformed = answer.malformed || !length ||
                           (answer.content_length && *answer.content_length != *length);
        answer.content_length = length;
    } else if (is_name(name, "transfer-encoding")) {
        answer.chunked = true;
    } else if (is_name(name, "content-range")) {
        // That of a 416 has no range, and nobody asks for it.
        answer.range = content_range(value);
    } else if (is_name(name, "etag")) {
        if (is_tag(value)) {
            keep(answer.etag);
        }
    } else if (is_name(name, "last-modified")) {
        keep(answer.last_modified);
    } else if (is_name(name, "date")) {
        keep(answer.date);
    } else if (is_name(name, "content-type")) {
        keep(answer.content_type);
    } else if (is_name(name, "retry-after")) {
        constexpr std::uint64_t day = 86'400;
        answer.retry_after_s =
            static_cast<std::uint32_t>(std::min(read_decimal(value).value_or(0), day));
    }
}

} // namespace muster
