// SPDX-License-Identifier: Apache-2.0
#include "io/host/folder_listing.hh"

#include "core/base/text.hh"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace muster {
namespace {

struct Item {
    std::string name;
    bool is_folder = false;
    std::uint64_t size = 0;
    std::time_t modified = 0;
};

/// A path of a URL: all but letters, digits and a few marks as %XX (RFC 3986 section 3.3).
std::string escaped_path(std::string_view path) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-._~/+@,=!$";
    std::string out;
    for (const char c : path) {
        if (plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::vector<Item> read_folder(DIR* folder, bool& complete) {
    std::vector<Item> items;
    ::rewinddir(folder); // the descriptor may have been read before
    while (const dirent* entry = ::readdir(folder)) {
        const std::string_view name = entry->d_name;
        if (name.starts_with('.')) {
            continue;
        }
        if (items.size() == folder_listing_max) {
            complete = false;
            break;
        }
        struct stat info {};
        // A link is shown as what it leads to only if that can be told without leaving the tree:
        // it cannot, so it is shown as a file without size.
        if (::fstatat(::dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) {
            items.push_back({.name = std::string{name},
                             .is_folder = S_ISDIR(info.st_mode),
                             .size = S_ISREG(info.st_mode)
                                         ? static_cast<std::uint64_t>(info.st_size)
                                         : std::uint64_t{0},
                             .modified = info.st_mtim.tv_sec});
        }
    }
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        return a.is_folder != b.is_folder ? a.is_folder : a.name < b.name;
    });
    return items;
}

std::string page(std::string_view path, const std::vector<Item>& items, bool complete) {
    const std::string base = "/files/" + (path.empty() ? std::string{} : std::string{path} + "/");
    const std::string title = escaped_markup(base);
    std::string text = fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset="
                                   "\"utf-8\"><title>{0}</title></head><body>\n<h1>{0}</h1>\n"
                                   "<table>\n",
                                   title);
    if (!path.empty()) {
        const auto slash = path.rfind('/');
        const std::string_view above =
            slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
        text += fmt::format("<tr><td><a href=\"/files/{}\">..</a></td><td></td><td></td></tr>\n",
                            escaped_path(above));
    }
    for (const Item& item : items) {
        text += fmt::format("<tr><td><a href=\"{}{}\">{}{}</a></td><td>{}</td>"
                            "<td>{:%Y-%m-%d %H:%M}</td></tr>\n",
                            escaped_path(base), escaped_path(item.name), escaped_markup(item.name),
                            item.is_folder ? "/" : "",
                            item.is_folder ? std::string{} : std::to_string(item.size),
                            fmt::gmtime(item.modified));
    }
    text += "</table>\n";
    if (!complete) {
        text += fmt::format("<p>The first {} only.</p>\n", folder_listing_max);
    }
    return text + "</body></html>\n";
}

} // namespace

ContentRef make_folder_listing(int folder, std::string_view path) {
    const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 0); // closedir() closes what it was given
    DIR* const stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr) {
        if (copy >= 0) {
            ::close(copy);
        }
        return nullptr;
    }
    bool complete = true;
    const std::vector<Item> items = read_folder(stream, complete);
    ::closedir(stream);
    return std::make_shared<TextContent>(page(path, items, complete), "text/html; charset=utf-8");
}

} // namespace muster
