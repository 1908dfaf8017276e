// SPDX-License-Identifier: Apache-2.0
// The site folder and the boot loaders on the machine's own file system.
#pragma once

#include "core/content/loaders.hh"
#include "core/site/site_files.hh"

#include <string>

namespace muster {

/// A site folder. Opened anew for each call, so that a folder that is replaced is seen.
class HostSiteFiles final : public SiteFiles {
public:
    explicit HostSiteFiles(std::string folder) : folder_(std::move(folder)) {}

    [[nodiscard]] Result<std::vector<std::string>, SiteFileError>
    list(std::string_view folder) const override;
    [[nodiscard]] Result<std::string, SiteFileError> read(std::string_view path) const override;

private:
    std::string folder_;
};

class HostLoaderFiles final : public LoaderFiles {
public:
    [[nodiscard]] bool exists(const std::string& path) const override;
    [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override;
};

} // namespace muster
