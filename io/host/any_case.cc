// SPDX-License-Identifier: Apache-2.0
#include "io/host/any_case.hh"

#include "io/host/fd.hh"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <memory>

namespace muster {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Folder open_folder(int root, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    Fd fd{static_cast<int>(
        ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how))};
    if (!fd.valid()) {
        return {};
    }
    Folder folder{::fdopendir(fd.get())};
    if (folder) {
        (void)fd.release(); // the stream closes it
    }
    return folder;
}

std::optional<std::string> find_name(DIR& folder, std::string_view name) {
    std::optional<std::string> found;
    unsigned entries = 0;
    while (const dirent* entry = ::readdir(&folder)) { // NOLINT(concurrency-mt-unsafe): our stream
        if (++entries > any_case_entries_max) {
            return std::nullopt;
        }
        const std::string_view here = static_cast<const char*>(entry->d_name);
        if (here == name) {
            return std::string{here};
        }
        if (equal_any_case(here, name) && (!found || here < *found)) {
            found = here;
        }
    }
    return found;
}

} // namespace

bool equal_any_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> find_any_case(int root, std::string_view path) {
    std::string found;
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        const Folder folder = open_folder(root, found);
        const auto here = folder ? find_name(*folder, name) : std::nullopt;
        if (!here) {
            return std::nullopt;
        }
        found += (found.empty() ? "" : "/") + *here;
    }
    return found;
}

} // namespace muster
