// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

/// What the control asks about the static tree: whether a file is there and how large it is.
class ContentIndex {
public:
    ContentIndex() = default;
    ContentIndex(const ContentIndex&) = delete;
    ContentIndex& operator=(const ContentIndex&) = delete;
    virtual ~ContentIndex() = default;

    /// Bytes of the regular file at `path` below files/; nullopt when there is none, or when it
    /// lies outside.
    [[nodiscard]] virtual std::optional<std::uint64_t> size(std::string_view path) const = 0;
};

} // namespace muster
