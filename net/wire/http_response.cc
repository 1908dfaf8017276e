// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_response.hh"

#include "net/wire/http_date.hh"

#include <charconv>

namespace muster {
namespace {

void put_number(ByteWriter& writer, std::uint64_t value) noexcept {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    writer.text({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// `name` ends with its colon and blank.
void put_text_field(ByteWriter& writer, std::string_view name, std::string_view value) noexcept {
    if (!value.empty()) {
        writer.text(name);
        writer.text(value);
        writer.text("\r\n");
    }
}

void put_number_field(ByteWriter& writer, std::string_view name, std::uint64_t value) noexcept {
    writer.text(name);
    put_number(writer, value);
    writer.text("\r\n");
}

void put_date_field(ByteWriter& writer, std::string_view name, UnixTime at) noexcept {
    if (const auto date = write_http_date(at); date && at.ms > 0) {
        put_text_field(writer, name, date->view());
    }
}

void put_content_range(ByteWriter& writer, const HttpResponseHead& head) noexcept {
    if (!head.whole) {
        return;
    }
    writer.text("Content-Range: bytes ");
    if (head.part) {
        put_number(writer, head.part->offset);
        writer.text("-");
        put_number(writer, head.part->offset + head.part->size - 1);
    } else {
        writer.text("*");
    }
    writer.text("/");
    put_number(writer, *head.whole);
    writer.text("\r\n");
}

} // namespace

void write_response_head(ByteWriter& writer, const HttpResponseHead& head) noexcept {
    const std::size_t index = status_index(head.status);
    writer.text("HTTP/1.1 ");
    put_number(writer, head.status);
    writer.text(" ");
    writer.text(index < http_statuses.size() ? http_statuses[index].reason : "Status");
    writer.text("\r\nServer: muster\r\n");
    put_date_field(writer, "Date: ", head.date);
    put_text_field(writer, "Content-Type: ", head.content_type);
    put_text_field(writer, "Content-Encoding: ", head.encoding);
    if (head.content_length) {
        put_number_field(writer, "Content-Length: ", *head.content_length);
    }
    put_content_range(writer, head);
    put_date_field(writer, "Last-Modified: ", head.last_modified);
    put_text_field(writer, "ETag: ", head.etag);
    if (head.accept_ranges) {
        writer.text("Accept-Ranges: bytes\r\n");
    }
    if (head.age_s) {
        put_number_field(writer, "Age: ", *head.age_s);
    }
    if (head.stale) {
        writer.text("Warning: 110 muster \"Response is Stale\"\r\n");
    }
    if (head.no_store) {
        writer.text("Cache-Control: no-store\r\n");
    }
    if (head.no_cache) {
        writer.text("Cache-Control: no-cache\r\n");
    }
    if (!head.policy.empty()) {
        put_text_field(writer, "Content-Security-Policy: ", head.policy);
        writer.text("X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                    "X-Frame-Options: DENY\r\nCross-Origin-Opener-Policy: same-origin\r\n"
                    "Cross-Origin-Resource-Policy: same-origin\r\n");
    }
    if (head.ask_for_token) {
        writer.text("WWW-Authenticate: Bearer realm=\"muster\"\r\n");
    }
    if (head.varies) {
        writer.text("Vary: Accept-Encoding\r\n");
    }
    put_text_field(writer, "Allow: ", head.allow);
    if (head.retry_after_s > 0) {
        put_number_field(writer, "Retry-After: ", head.retry_after_s);
    }
    switch (head.connection) {
    case HttpResponseHead::Connection::unsaid:
        break;
    case HttpResponseHead::Connection::close:
        writer.text("Connection: close\r\n");
        break;
    case HttpResponseHead::Connection::keep_alive:
        writer.text("Connection: keep-alive\r\n");
        break;
    }
    writer.text("\r\n");
}

} // namespace muster
