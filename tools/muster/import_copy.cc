// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/import_copy.hh"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

} // namespace

Result<bool, std::string> MediumCopy::on_entry(const std::string& path, const MediumEntry& entry) {
    std::string to = path;
    if (!wanted_.empty()) {
        const auto found = wanted_.find(path);
        if (found == wanted_.end()) {
            return false;
        }
        to = found->second;
        if (entry.hard) {
            return std::unexpected(
                fmt::format("holds '{}' as a hard link, which cannot be taken alone", path));
        }
    }
    path_ = path;
    Result<void, std::string> made;
    switch (entry.kind) {
    case MediumEntryKind::folder:
        made = folder_.add_folder(to);
        break;
    case MediumEntryKind::link:
        made = folder_.add_link(to, entry.target);
        break;
    case MediumEntryKind::file:
        made = entry.hard ? folder_.add_hard_link(to, entry.target) : folder_.begin_file(to);
        break;
    }
    if (!made) {
        return std::unexpected(std::move(made.error()));
    }
    const auto sum = sums_.find(path);
    expected_ = sum == sums_.end() ? nullptr : &sum->second;
    digest_.reset();
    if (expected_ != nullptr) {
        digest_.emplace(expected_->kind);
    }
    return true;
}

Result<void, std::string> MediumCopy::on_data(std::span<const std::byte> data) {
    if (digest_) {
        digest_->add(data);
    }
    meter_.add("copying", data.size());
    return folder_.write(data);
}

Result<void, std::string> MediumCopy::on_end() {
    if (digest_) {
        if (const std::string got = digest_->finish(); got != expected_->hex) {
            return std::unexpected(fmt::format("is damaged: '{}' has the {} sum {}, but {} says {}",
                                               path_, to_text(expected_->kind), got,
                                               expected_->from, expected_->hex));
        }
        ++checked_;
        sum_files_.insert(expected_->from);
    }
    return folder_.end_file();
}

void read_whole_file(const std::string& path,
                     const std::function<void(std::span<const std::byte>)>& take) {
    std::ifstream file{path, std::ios::binary};
    std::vector<char> block(std::size_t{1} << 20U);
    while (file) {
        file.read(block.data(), static_cast<std::streamsize>(block.size()));
        take(std::as_bytes(std::span{block.data(), static_cast<std::size_t>(file.gcount())}));
    }
    if (!file.eof()) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        throw Failure{fmt::format("{} cannot be read: {}", path, std::strerror(errno))};
    }
}

std::optional<Sum> sum_beside(const std::string& source) {
    std::error_code error;
    const fs::path path = fs::absolute(source, error);
    const std::string name = path.filename().string();
    Sums sums;
    for (const auto& beside : fs::directory_iterator{path.parent_path(), error}) {
        const std::string other = beside.path().filename().string();
        std::error_code ignored;
        if (!is_sums_file(other) || beside.file_size(ignored) > medium_text_size_max) {
            continue;
        }
        std::ifstream file{beside.path(), std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        read_sum_lines(text, other, sums);
    }
    const auto found = sums.find(name);
    return found == sums.end() ? std::nullopt : std::optional{found->second};
}

} // namespace muster::cli
