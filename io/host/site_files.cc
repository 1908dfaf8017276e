// SPDX-License-Identifier: Apache-2.0
#include "io/host/site_files.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace muster {
namespace {

namespace fs = std::filesystem;

SiteFileError error_of(int code) {
    return {.missing = code == ENOENT || code == ENOTDIR, .reason = std::strerror(code)};
}

/// Closes a descriptor at the end of its scope.
class OpenFile {
public:
    explicit OpenFile(const std::string& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

} // namespace

Result<std::vector<std::string>, SiteFileError> HostSiteFiles::list(std::string_view folder) const {
    const fs::path root = fs::path{folder_} / folder;
    std::vector<std::string> names;
    std::error_code error;
    // Links to folders are followed by no one: they may lead round in a circle.
    fs::recursive_directory_iterator at{root, error};
    const fs::recursive_directory_iterator end;
    for (; !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (!at->is_regular_file(ignored)) {
            continue;
        }
        if (names.size() == site_folder_files_max) {
            return std::unexpected(SiteFileError{
                false, "more than " + std::to_string(site_folder_files_max) + " files"});
        }
        names.push_back(at->path().lexically_relative(root).string());
    }
    if (error) {
        return std::unexpected(error_of(error.value()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string, SiteFileError> HostSiteFiles::read(std::string_view path) const {
    const OpenFile file{folder_ + "/" + std::string{path}};
    if (file.fd() < 0) {
        const int code = errno;
        std::error_code ignored;
        if (code == ENOENT && !fs::exists(folder_, ignored)) {
            return std::unexpected(SiteFileError{true, "there is no folder " + folder_});
        }
        return std::unexpected(error_of(code));
    }
    struct stat status {};
    if (::fstat(file.fd(), &status) != 0) {
        return std::unexpected(error_of(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(SiteFileError{false, "not a regular file"});
    }
    std::string text;
    std::string block(std::size_t{64} << 10U, '\0');
    for (;;) {
        const ssize_t got = ::read(file.fd(), block.data(), block.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return std::unexpected(error_of(errno));
        }
        if (got == 0) {
            return text;
        }
        text.append(block, 0, static_cast<std::size_t>(got));
        if (text.size() > site_file_size_max) {
            return std::unexpected(SiteFileError{
                false, "larger than " + std::to_string(site_file_size_max >> 20U) + " MiB"});
        }
    }
}

bool HostLoaderFiles::exists(const std::string& path) const {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), R_OK) == 0;
}

std::vector<std::string> HostLoaderFiles::list(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator at{folder, error};
    for (const fs::directory_iterator end; !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (at->is_regular_file(ignored)) {
            names.push_back(at->path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace muster
