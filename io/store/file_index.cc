// SPDX-License-Identifier: Apache-2.0
#include "io/store/file_index.hh"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace muster {
namespace {

/// Closes at the end of its scope.
struct Descriptor {
    int fd = -1;

    explicit Descriptor(int opened) noexcept : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) {
            close(fd);
        }
    }
};

} // namespace

std::optional<std::uint64_t> FileIndex::size(std::string_view path) const {
    const Descriptor root{open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (root.fd < 0 || path.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH; // as the workers open it: nothing outside of the tree
    const std::string name{path};
    const Descriptor file{
        static_cast<int>(syscall(SYS_openat2, root.fd, name.c_str(), &how, sizeof how))};
    struct stat info {};
    if (file.fd < 0 || fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(info.st_size);
}

} // namespace muster
