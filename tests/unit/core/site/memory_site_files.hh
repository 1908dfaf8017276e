// SPDX-License-Identifier: Apache-2.0
// A site folder in memory.
#pragma once

#include "core/site/site_files.hh"

#include <map>
#include <set>

namespace muster {

class MemorySiteFiles final : public SiteFiles {
public:
    explicit MemorySiteFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}

    /// From now on this file or folder exists but cannot be read.
    void forbid(const std::string& path) { forbidden_.insert(path); }

    [[nodiscard]] Result<std::vector<std::string>, SiteFileError>
    list(std::string_view folder) const override {
        if (forbidden_.contains(std::string{folder})) {
            return std::unexpected(SiteFileError{false, "Permission denied"});
        }
        const std::string prefix = std::string{folder} + "/";
        std::vector<std::string> names;
        for (const auto& [path, text] : files_) {
            if (path.starts_with(prefix)) {
                names.push_back(path.substr(prefix.size()));
            }
        }
        if (names.empty()) {
            return std::unexpected(SiteFileError{true, "No such file or directory"});
        }
        return names;
    }
    [[nodiscard]] Result<std::string, SiteFileError> read(std::string_view path) const override {
        if (forbidden_.contains(std::string{path})) {
            return std::unexpected(SiteFileError{false, "Permission denied"});
        }
        const auto file = files_.find(std::string{path});
        if (file == files_.end()) {
            return std::unexpected(SiteFileError{true, "No such file or directory"});
        }
        return file->second;
    }

private:
    std::map<std::string, std::string> files_;
    std::set<std::string> forbidden_;
};

} // namespace muster
