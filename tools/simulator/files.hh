// SPDX-License-Identifier: Apache-2.0
// The files that a simulated server has: names, sizes, and bytes that follow from a number, so that
// an image of many gigabytes takes no memory and any range of it can still be compared.
#pragma once

#include "core/content/content.hh"
#include "core/control/content_index.hh"
#include "core/port/content_request.hh"

#include <expected>
#include <map>
#include <memory>
#include <vector>

namespace muster::sim {

/// A file's number in its SimFiles; its Content has it as `descriptor`, since that is the driver's.
using FileNumber = int;

class SimFiles final : public ContentIndex {
public:
    explicit SimFiles(std::uint64_t seed) : seed_(seed) {}

    /// Files that are added from now on are full of zeros: for worlds that nobody looks into.
    void set_blank() noexcept { blank_ = true; }
    [[nodiscard]] bool blank() const noexcept { return blank_; }

    /// Adds a file below files/, or a boot loader by its name.
    void add(ContentRoot root, const std::string& name, std::uint64_t size);

    [[nodiscard]] std::expected<ContentRef, OpenError> open(ContentRoot root,
                                                            const std::string& name) const;
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view path) const override;

    /// Which of them this content is; nullopt: a text that the server made.
    [[nodiscard]] static std::optional<FileNumber> number_of(const Content& content) noexcept {
        return content.descriptor < 0 ? std::nullopt : std::optional{content.descriptor};
    }
    /// Copies bytes of a content, whichever kind it is. The range lies within it.
    void read(const Content& content, std::uint64_t offset, MutableBytes out) const;

    struct File {
        std::string path; ///< as in URLs: `/files/…`, `/loaders/…`
        std::uint64_t size = 0;
        ContentRef content;
        std::vector<std::byte> bytes; ///< of small files: made once
    };
    [[nodiscard]] const File& file(FileNumber number) const {
        return files_.at(static_cast<std::size_t>(number));
    }
    [[nodiscard]] std::optional<FileNumber> find(std::string_view path) const;
    /// Name → path, as a snapshot's table of loaders has it.
    [[nodiscard]] const std::map<std::string, std::string>& loaders() const noexcept {
        return loaders_;
    }

private:
    void make(FileNumber number, std::uint64_t offset, MutableBytes out) const;

    std::uint64_t seed_;
    bool blank_ = false;
    std::vector<File> files_;
    std::map<std::string, FileNumber, std::less<>> by_path_;
    std::map<std::string, std::string> loaders_;
};

} // namespace muster::sim
