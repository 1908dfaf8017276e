// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_parts.hh"

#include <array>
#include <functional>
#include <string_view>
#include <utility>

namespace muster {
namespace {

/// Sixteen hexadecimal digits of a number that was mixed well (the finaliser of splitmix64).
std::string boundary_of(const std::string& tag, std::uint64_t serial) {
    std::uint64_t mixed = std::hash<std::string>{}(tag) ^ (serial * 0x9E3779B97F4A7C15U);
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    mixed ^= mixed >> 31U;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string boundary = "muster_";
    for (unsigned shift = 0; shift < 64; shift += 4) {
        boundary += digits[(mixed >> shift) & 0xFU];
    }
    return boundary;
}

} // namespace

HttpParts::HttpParts(ContentRef content, std::vector<ByteRange> ranges, std::uint64_t serial)
    : content_(std::move(content)),
      ranges_(std::move(ranges)),
      boundary_(boundary_of(content_->etag, serial)) {}

std::string HttpParts::content_type() const {
    return "multipart/byteranges; boundary=" + boundary_;
}

std::string HttpParts::text_before(std::size_t index) const {
    if (index >= ranges_.size()) {
        return "\r\n--" + boundary_ + "--\r\n";
    }
    const ByteRange& range = ranges_[index];
    std::string text =
        "\r\n--" + boundary_ + "\r\nContent-Type: " + content_->type + "\r\nContent-Range: bytes ";
    text += std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size - 1) +
            "/" + std::to_string(content_->bytes.size()) + "\r\n\r\n";
    return text;
}

std::uint64_t HttpParts::body_size() const {
    std::uint64_t size = text_before(ranges_.size()).size();
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        size += text_before(i).size() + ranges_[i].size;
    }
    return size;
}

std::string HttpParts::next_text() const {
    return text_before(next_);
}

ByteRange HttpParts::next_range() const {
    return next_ < ranges_.size() ? ranges_[next_] : ByteRange{};
}

} // namespace muster
