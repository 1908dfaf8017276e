// SPDX-License-Identifier: Apache-2.0
#include "core/content/catalog.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view pxelinux_folder = "/pxelinux.cfg/";

Route route_tree(const std::string& path) {
    using Kind = Route::Kind;
    const std::string_view view = path;
    if (view.starts_with("/files/")) {
        return {Kind::open, ContentRoot::files, path.substr(7)};
    }
    if (view.starts_with("/loaders/")) {
        // PXELINUX asks for its configuration beside itself.
        if (const auto at = view.find(pxelinux_folder); at != std::string_view::npos) {
            return {Kind::dynamic, {}, "/boot" + path.substr(at)};
        }
        return {Kind::open, ContentRoot::loaders, path.substr(9)};
    }
    if (view.starts_with("/boot/") || view.starts_with("/answers/") ||
        view.starts_with("/report/")) {
        return {Kind::dynamic, {}, path};
    }
    return {};
}

/// GRUB's own files: `/grub/grub.cfg`, `grub.cfg-01-52-…` are the boot script; modules and lists
/// (`/grub/x86_64-efi/command.lst`) are looked up among the loaders.
Route route_grub(std::string_view path) {
    const std::string_view rest = path.substr(std::string_view{"/grub/"}.size());
    if (rest.starts_with("grub.cfg")) {
        return {Route::Kind::dynamic, {}, "/boot/" + std::string{rest}};
    }
    return {Route::Kind::open, ContentRoot::loaders, "grub/" + std::string{rest}};
}

} // namespace

bool canonical_path(std::string_view path, std::string& out) {
    out.clear();
    out.reserve(path.size() + 1);
    if (path.find('\0') != std::string_view::npos) {
        return false;
    }
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, slash - at);
        at = slash + 1;
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            return false;
        }
        out += '/';
        out += part;
    }
    if (out.empty()) {
        out = "/";
    }
    return true;
}

Route route_http(std::string_view path) {
    std::string canonical;
    if (!canonical_path(path, canonical)) {
        return {Route::Kind::refused, {}, {}};
    }
    if (canonical.starts_with("/grub/")) {
        return route_grub(canonical);
    }
    // A loader that was fetched over HTTP looks for its companions beside itself, and some lose
    // the folder on the way; only names without a folder are taken for loaders.
    if (canonical == "/files") {
        return {Route::Kind::open, ContentRoot::files, {}}; // the tree itself: a listing
    }
    if (canonical.find('/', 1) == std::string::npos && canonical.ends_with(".efi")) {
        return {Route::Kind::open, ContentRoot::loaders, canonical.substr(1)};
    }
    return route_tree(canonical);
}

Route route_tftp(std::string_view name) {
    std::string slashed{name};
    std::replace(slashed.begin(), slashed.end(), '\\', '/');
    while (!slashed.empty() && slashed.back() == '\xFF') {
        slashed.pop_back(); // junk that old ROMs leave behind the name
    }
    std::string canonical;
    if (!canonical_path(slashed, canonical)) {
        return {Route::Kind::refused, {}, {}};
    }
    if (canonical.starts_with("/grub/")) {
        return route_grub(canonical);
    }
    if (const auto at = canonical.find(pxelinux_folder); at != std::string::npos) {
        return {Route::Kind::dynamic, {}, "/boot" + canonical.substr(at)};
    }
    Route route = route_tree(canonical);
    if (route.kind == Route::Kind::none && canonical.size() > 1) {
        // Answers and reports are HTTP's alone, so what is left is a static file.
        route = {Route::Kind::open, ContentRoot::files, canonical.substr(1)};
    }
    if (route.kind == Route::Kind::dynamic && !route.path.starts_with("/boot/")) {
        return {};
    }
    return route;
}

} // namespace muster
