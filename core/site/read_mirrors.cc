// SPDX-License-Identifier: Apache-2.0
// The key `mirrors` of site.yaml.
#include "core/site/loader_parts.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster {
namespace {

/// First parts of paths that are muster's own.
constexpr std::array<std::string_view, 6> own_folders{"files",   "boot",   "loaders",
                                                      "answers", "report", "grub"};
/// Short enough that an install never meets yesterday's index, long enough to spare the upstream.
constexpr Duration revalidate_max = std::chrono::hours{24 * 7};

bool is_plain_path_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '~' || c == '/';
}

/// Empty: it can be a mirror's path.
std::string why_not_mirror_path(std::string_view path) {
    if (path.size() < 2 || path.front() != '/' || path.back() == '/') {
        return "must begin with '/', name a folder and not end with '/'";
    }
    if (!std::ranges::all_of(path, is_plain_path_letter)) {
        return "may have letters, digits, '.', '_', '-', '~' and '/' alone";
    }
    std::string_view rest = path.substr(1);
    const std::string_view first = rest.substr(0, rest.find('/'));
    while (true) {
        const std::string_view part = rest.substr(0, rest.find('/'));
        if (part.empty() || part == "." || part == "..") {
            return "has a part that is empty, '.' or '..'";
        }
        if (part.size() == rest.size()) {
            break;
        }
        rest.remove_prefix(part.size() + 1);
    }
    if (std::ranges::find(own_folders, first) != own_folders.end()) {
        return fmt::format("'/{}' is muster's own", first);
    }
    if (first.size() + 1 == path.size() && path.ends_with(".efi")) {
        return "a name that ends with .efi is a boot loader's";
    }
    return {};
}

std::string why_not_upstream(std::string_view url) {
    constexpr std::string_view schemes[] = {"http://", "https://"};
    std::string_view rest;
    for (const std::string_view scheme : schemes) {
        if (url.starts_with(scheme)) {
            rest = url.substr(scheme.size());
        }
    }
    const std::string_view host = rest.substr(0, rest.find('/'));
    if (host.empty()) {
        return "must be http://HOST/PATH or https://HOST/PATH";
    }
    if (host.find('@') != std::string_view::npos) {
        return "must not name a user";
    }
    if (!std::ranges::all_of(url, [](char c) { return c > ' ' && c != '\x7F'; }) ||
        url.find_first_of("?#\"<>\\^`{|}") != std::string_view::npos) {
        return "must have no query, fragment, blank or other character that is escaped in URLs";
    }
    return {};
}

void read_mirror(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{value, "mirror", {"path", "upstream", "revalidate", "ca"}};
    MirrorPlan plan;
    bool good = true;
    const auto refuse = [&good](const YamlValue& at, std::string text) {
        at.problem(std::move(text));
        good = false;
    };
    if (const auto* path = map.require("path")) {
        plan.path = path->text("path").value_or("");
        if (const std::string why = why_not_mirror_path(plan.path); !why.empty()) {
            refuse(*path, fmt::format("path '{}' of a mirror: {}", plan.path, why));
        }
        for (const MirrorPlan& other : draft.site.mirrors) {
            if (good && other.path == plan.path) {
                refuse(*path, fmt::format("path {} is also that of another mirror", plan.path));
            }
        }
    } else {
        good = false;
    }
    if (const auto* upstream = map.require("upstream")) {
        plan.upstream = upstream->text("upstream").value_or("");
        if (const std::string why = why_not_upstream(plan.upstream); !why.empty()) {
            refuse(*upstream, fmt::format("upstream '{}': {}", plan.upstream, why));
        }
        while (plan.upstream.ends_with('/')) {
            plan.upstream.pop_back();
        }
    } else {
        good = false;
    }
    if (const auto* revalidate = map.find("revalidate")) {
        if (const auto time = revalidate->duration("revalidate")) {
            plan.revalidate = *time;
            if (*time > revalidate_max) {
                refuse(*revalidate, "revalidate must be at most 7d");
            }
        }
    }
    if (const auto* ca = map.find("ca")) {
        plan.ca = ca->text("ca").value_or("");
        if (!plan.ca.starts_with('/')) {
            refuse(*ca, fmt::format("ca '{}' is no absolute path", plan.ca));
        } else if (good && !plan.upstream.starts_with("https://")) {
            refuse(*ca, "ca is of use with an https upstream alone");
        }
    }
    if (good) {
        draft.site.mirrors.push_back(std::move(plan));
    }
}

} // namespace

void read_mirrors_yaml(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue& mirror : value.items("mirrors")) {
        read_mirror(mirror, draft);
    }
}

} // namespace muster
