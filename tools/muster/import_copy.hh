// SPDX-License-Identifier: Apache-2.0
// Copies the wanted files of a medium and checks their sums on the way.
#pragma once

#include "io/media/archive_reader.hh"
#include "io/media/digest.hh"
#include "io/media/import_folder.hh"

#include "tools/muster/importer.hh"

#include <map>
#include <optional>
#include <set>

namespace muster::cli {

/// Counts bytes of several passes against one total.
struct ImportMeter {
    const ImportProgress& progress;
    std::uint64_t total = 0;
    std::uint64_t done = 0;

    void add(std::string_view doing, std::uint64_t bytes) {
        done += bytes;
        progress(doing, done, total);
    }
};

/// What of a medium is wanted: path on it → path below the folder. Empty: everything as it is.
using WantedFiles = std::map<std::string, std::string, std::less<>>;

class MediumCopy final : public MediumVisitor {
public:
    MediumCopy(const Sums& sums, WantedFiles wanted, ImportFolder& folder, ImportMeter& meter)
        : sums_(sums), wanted_(std::move(wanted)), folder_(folder), meter_(meter) {}

    Result<bool, std::string> on_entry(const std::string& path, const MediumEntry& entry) override;
    Result<void, std::string> on_data(std::span<const std::byte> data) override;
    Result<void, std::string> on_end() override;

    /// Files whose sum was found right, and where the sums stood.
    [[nodiscard]] std::size_t checked() const noexcept { return checked_; }
    [[nodiscard]] const std::set<std::string>& sum_files() const noexcept { return sum_files_; }

private:
    const Sums& sums_;
    WantedFiles wanted_;
    ImportFolder& folder_;
    ImportMeter& meter_;
    std::string path_;
    std::optional<Digest> digest_;
    const Sum* expected_ = nullptr;
    std::size_t checked_ = 0;
    std::set<std::string> sum_files_;
};

/// Reads a file from its beginning to its end. Throws Failure.
void read_whole_file(const std::string& path,
                     const std::function<void(std::span<const std::byte>)>& take);

/// If a file beside the medium holds the medium's own sum: that sum.
[[nodiscard]] std::optional<Sum> sum_beside(const std::string& source);

} // namespace muster::cli
