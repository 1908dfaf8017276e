// SPDX-License-Identifier: Apache-2.0
// One version of a file, or a rendered text: immutable bytes that many transfers share.
#pragma once

#include "core/base/bytes.hh"
#include "core/base/time.hh"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace muster {

/// Bytes to serve. Immutable; freed when the last holder lets go, so that a transfer keeps the
/// version it began with although the file on disk is replaced meanwhile.
///
/// Engines and the control never touch the bytes (a mapped file that is truncated would fault):
/// they name ranges, and the driver passes these to the kernel.
class Content {
public:
    Content() = default;
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    virtual ~Content() = default; ///< what maps or holds the bytes derives and lets go here

    /// For drivers: the bytes are still those of this version. False once the file was written to
    /// or cut: what was promised cannot be sent any more.
    [[nodiscard]] virtual bool intact() const noexcept { return true; }
    /// For drivers: sending this range now needs no disk. A guess that may be wrong either way, and
    /// that costs nearly nothing. Thread: the one that opened it.
    [[nodiscard]] virtual bool resident(std::uint64_t offset, std::uint64_t size) const noexcept {
        return offset + size <= bytes.size();
    }

    /// How many bytes from its start are there: all, unless the content is still arriving from
    /// somewhere else. Any thread; never less than before.
    [[nodiscard]] virtual std::uint64_t arrived() const noexcept { return bytes.size(); }
    /// What has not arrived never will.
    [[nodiscard]] virtual bool ended() const noexcept { return true; }

    Bytes bytes;               ///< the whole content
    UnixTime modified;         ///< Last-Modified
    std::string etag;          ///< strong, with its quotes; empty for rendered text
    std::string type;          ///< media type
    std::string_view encoding; ///< Content-Encoding of the bytes: `gzip`, `zstd`; empty: none
    std::string_view policy;   ///< Content-Security-Policy of a page; empty: it is none
    bool varies = false;       ///< the same name has content in other codings (Vary)
    bool stale = false;        ///< of a cache: older than it should be, for there is no newer one
    UnixTime checked;          ///< of a cache: when its origin last vouched for it; zero: no cache
    int descriptor = -1;       ///< the open file, for drivers that send from it; -1: memory only
};
using ContentRef = std::shared_ptr<const Content>;

/// Content that owns a text: boot scripts, answers, error pages.
class TextContent final : public Content {
public:
    TextContent(std::string text, std::string_view media_type) : text_(std::move(text)) {
        bytes = as_bytes(text_);
        type = media_type;
    }

private:
    std::string text_;
};

} // namespace muster
