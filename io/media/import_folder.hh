// SPDX-License-Identifier: Apache-2.0
// A folder that a medium is unpacked into, beside the place where it will be: it is there whole, or
// not at all.
#pragma once

#include "core/base/result.hh"
#include "io/host/fd.hh"

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace muster {

class ImportFolder {
public:
    /// Makes `parent`/.import-NAME, empty. What an import that was killed left there goes.
    /// Errors: a text: it cannot be made, or another import of this name is at work.
    [[nodiscard]] static Result<ImportFolder, std::string> open(const std::filesystem::path& parent,
                                                                const std::string& name);
    ImportFolder(ImportFolder&&) = default;
    ImportFolder& operator=(ImportFolder&&) = delete;
    ImportFolder(const ImportFolder&) = delete;
    ImportFolder& operator=(const ImportFolder&) = delete;
    /// Removes it, unless it was published.
    ~ImportFolder();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    // Paths are relative, without `..`. Folders on the way are made. Nothing is written through a
    // symbolic link.
    [[nodiscard]] Result<void, std::string> add_folder(const std::string& path);
    /// Begins a file; write() adds to it, end_file() closes it.
    [[nodiscard]] Result<void, std::string> begin_file(const std::string& path);
    [[nodiscard]] Result<void, std::string> write(std::span<const std::byte> data);
    [[nodiscard]] Result<void, std::string> end_file();
    [[nodiscard]] Result<void, std::string> add_link(const std::string& path,
                                                     const std::string& target);
    [[nodiscard]] Result<void, std::string> add_hard_link(const std::string& path,
                                                          const std::string& target);
    /// That no symbolic link leads out, whichever others it passes.
    [[nodiscard]] Result<void, std::string> check_links() const;

    /// Makes everything durable and puts it at `parent`/NAME, in the place of what is there.
    [[nodiscard]] Result<void, std::string> publish();

    [[nodiscard]] std::size_t files() const noexcept { return files_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    ImportFolder(std::filesystem::path path, std::filesystem::path goal, Fd lock)
        : path_(std::move(path)), goal_(std::move(goal)), lock_(std::move(lock)) {}

    [[nodiscard]] Result<void, std::string> make_way(const std::string& path);
    [[nodiscard]] std::string failed(const std::string& what, const std::string& path) const;

    std::filesystem::path path_; ///< empty: moved from, or published
    std::filesystem::path goal_;
    Fd lock_; ///< the folder itself, locked
    Fd file_;
    std::string file_path_;
    std::set<std::string, std::less<>> links_;
    std::size_t files_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Writes a whole file at once: a new one beside it takes its place.
[[nodiscard]] Result<void, std::string> replace_file(const std::filesystem::path& path,
                                                     std::string_view text);

} // namespace muster
