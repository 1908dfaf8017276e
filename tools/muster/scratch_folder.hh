// SPDX-License-Identifier: Apache-2.0
// A place for files that other programs are to read.
#pragma once

#include <filesystem>
#include <string_view>

namespace muster::cli {

/// A folder of its own that nobody else may look into, and that goes with its content.
class ScratchFolder {
public:
    /// `what` is part of its name. Throws Failure when it cannot be made.
    explicit ScratchFolder(std::string_view what);
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// Writes a file, and the folders on the way to it. Throws Failure when it cannot be written.
void write_text(const std::filesystem::path& path, std::string_view text);

} // namespace muster::cli
