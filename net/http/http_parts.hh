// SPDX-License-Identifier: Apache-2.0
// The body of an answer with several ranges (RFC 9110 section 14.6): a text before each part, the
// part, and a last line.
#pragma once

#include "core/content/content.hh"
#include "net/wire/http_range.hh"

#include <cstdint>
#include <string>
#include <vector>

namespace muster {

/// Parts of one content, under way. The driver sends one head and one range at a time, so each part
/// is a send of its own, with the text before it as its head; the last line is a send without
/// range.
class HttpParts {
public:
    /// `serial` makes the boundary: with the content's tag hashed in, so that nobody who writes a
    /// file knows the boundary that it will be sent between.
    HttpParts(ContentRef content, std::vector<ByteRange> ranges, std::uint64_t serial);

    [[nodiscard]] std::string content_type() const;
    /// Bytes of the whole body.
    [[nodiscard]] std::uint64_t body_size() const;

    /// The text before the next part; after the last one the closing line.
    [[nodiscard]] std::string next_text() const;
    /// The next part; of size 0 after the last one.
    [[nodiscard]] ByteRange next_range() const;
    /// The last line is what comes next.
    [[nodiscard]] bool at_end() const noexcept { return next_ == ranges_.size(); }
    /// The next text and range have been given out.
    void advance() noexcept { ++next_; }
    /// The last line was given out, too.
    [[nodiscard]] bool done() const noexcept { return next_ > ranges_.size(); }

    [[nodiscard]] const ContentRef& content() const noexcept { return content_; }
    [[nodiscard]] const std::vector<ByteRange>& ranges() const noexcept { return ranges_; }

private:
    [[nodiscard]] std::string text_before(std::size_t index) const;

    ContentRef content_;
    std::vector<ByteRange> ranges_;
    std::size_t next_ = 0;
    std::string boundary_;
};

} // namespace muster
