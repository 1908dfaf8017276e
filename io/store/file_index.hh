// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control/content_index.hh"

#include <string>

namespace muster {

/// The static tree on disk. Asks the kernel each time, so files may come and go.
class FileIndex final : public ContentIndex {
public:
    /// `root` is the absolute path of the site's files/ folder; it may not exist yet.
    explicit FileIndex(std::string root) : root_(std::move(root)) {}

    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view path) const override;

private:
    std::string root_;
};

} // namespace muster
