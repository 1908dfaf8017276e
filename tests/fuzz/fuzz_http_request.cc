// SPDX-License-Identifier: Apache-2.0
// Fuzz target: everything of an HTTP request that is read before a server decides.
//
// Input:  the bytes of a connection; the first byte says where they are cut in two.
// Checks: the cut changes nothing; a head is read the same way twice; what was read lies inside
//         the input; a body's content is never more than the bytes used; ranges stay inside their
//         content; dates that read are written back as they were.
#include "core/base/check.hh"
#include "net/wire/http_body.hh"
#include "net/wire/http_condition.hh"
#include "net/wire/http_date.hh"
#include "net/wire/http_range.hh"
#include "net/wire/http_request.hh"
#include "net/wire/http_target.hh"

#include <algorithm>
#include <string>

namespace muster {
namespace {

void check_inside(std::string_view part, Bytes whole) {
    const std::string_view all = as_text(whole);
    MUSTER_CHECK(part.empty() || (part.data() >= all.data() &&
                                  part.data() + part.size() <= all.data() + all.size()));
}

void check_fields(const HttpRequestHead& head) {
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
        const auto ranges = read_http_ranges(head.range);
        MUSTER_CHECK(ranges.size() <= http_ranges_max);
        const auto parts = select_ranges(ranges, size);
        MUSTER_CHECK(parts.size() <= ranges.size());
        std::uint64_t left = size; // no byte goes out twice
        for (const ByteRange& part : parts) {
            MUSTER_CHECK(part.size <= size && part.offset <= size - part.size);
            MUSTER_CHECK(part.size <= left);
            left -= part.size;
        }
    }
    for (const std::string_view text : {head.if_modified_since, head.if_unmodified_since}) {
        const auto date = read_http_date(text);
        if (date && text.substr(23, 2) != "60") { // a leap second is written as the next one
            MUSTER_CHECK(write_http_date(*date)->view() == text);
        }
    }
    const HttpConditions conditions{.if_match = std::string{head.if_match},
                                    .if_none_match = std::string{head.if_none_match}};
    const HttpValidators validators{.etag = "\"v1\"", .modified = {784'111'777'000}};
    (void)weigh_conditions(conditions, validators);
    (void)range_applies(head.if_range, validators, {784'111'777'000});
}

void check_target(std::string_view target) {
    const auto read = read_http_target(target);
    MUSTER_CHECK(!read ||
                 (read->path.starts_with('/') && read->path.find('\0') == std::string::npos &&
                  read->path.size() <= target.size() + 1));
}

/// Reads a body at once or cut in two; the error's name or the content.
std::string body_outcome(HttpBodyReader reader, Bytes bytes, std::size_t cut) {
    std::string content;
    for (Bytes piece : {bytes.first(cut), bytes.subspan(cut)}) {
        while (!piece.empty() && !reader.done()) {
            const auto step = reader.read(piece);
            if (!step) {
                return std::string{describe(step.error()).name};
            }
            MUSTER_CHECK(step->used > 0 && step->used <= piece.size());
            MUSTER_CHECK(step->content.size() <= step->used);
            content += as_text(step->content);
            piece = piece.subspan(step->used);
        }
    }
    MUSTER_CHECK(content.size() <= 1000);
    return content + (reader.done() ? "." : "");
}

void check(Bytes bytes, std::size_t wanted_cut) {
    const std::size_t cut = std::min(wanted_cut, bytes.size());
    const HttpHeadLimits limits{.line_bytes_max = 200, .head_bytes_max = 600, .fields_max = 8};
    HttpHeadScanner at_once;
    HttpHeadScanner in_two;
    const auto end = at_once.scan(bytes, limits);
    auto other = in_two.scan(bytes.first(cut), limits);
    if (other && !*other) {
        other = in_two.scan(bytes, limits);
    }
    MUSTER_CHECK(end == other);
    if (!end || !*end) {
        return;
    }
    MUSTER_CHECK(**end <= limits.head_bytes_max);
    const Bytes head_bytes = bytes.first(**end);
    const auto head = read_request_head(head_bytes);
    if (!head) {
        return;
    }
    check_inside(head->target, head_bytes);
    check_inside(head->user_agent, head_bytes);
    check_inside(head->authorization, head_bytes);
    check_fields(*head);
    check_target(head->target);
    const Bytes rest = bytes.subspan(**end);
    const std::size_t body_cut = std::min(wanted_cut, rest.size());
    const auto reader =
        head->chunked
            ? HttpBodyReader::of_chunks(1000)
            : HttpBodyReader::of_length(std::min<std::uint64_t>(head->content_length, 1000));
    MUSTER_CHECK(body_outcome(reader, rest, 0) == body_outcome(reader, rest, body_cut));
}

} // namespace
} // namespace muster

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        const muster::Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
        muster::check(bytes.subspan(1), data[0]);
    }
    return 0;
}
