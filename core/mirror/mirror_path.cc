// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/mirror_path.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool stands_for_itself(char c) noexcept {
    return is_alphanumeric(c) ||
           std::string_view{"-._~!$&'()*+,;=:@/"}.find(c) != std::string_view::npos;
}

/// At least this many hexadecimal digits in front of a name are a hash: MD5 has 32.
constexpr std::size_t hash_digits_min = 32;

bool begins_with_hash(std::string_view name) noexcept {
    const auto end = std::ranges::find_if_not(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    return static_cast<std::size_t>(end - name.begin()) >= hash_digits_min;
}

constexpr std::array<std::string_view, 10> package_endings{
    ".deb", ".udeb", ".ddeb", ".rpm",         ".drpm",
    ".dsc", ".apk",  ".whl",  ".pkg.tar.zst", ".pkg.tar.xz"};
/// Sources have their version in the name, too, where a Debian archive keeps them.
constexpr std::array<std::string_view, 4> source_endings{".tar.xz", ".tar.gz", ".tar.bz2",
                                                         ".diff.gz"};

bool ends_with_any(std::string_view name, std::span<const std::string_view> endings) noexcept {
    return std::ranges::any_of(endings,
                               [name](std::string_view ending) { return name.ends_with(ending); });
}

} // namespace

std::optional<std::string> mirror_target(std::string_view path, bool slash,
                                         std::string_view query) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string target;
    target.reserve(path.size() + query.size() + 2);
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < ' ' || byte == 0x7F) {
            return std::nullopt;
        }
        if (stands_for_itself(c)) {
            target += c;
        } else {
            target += '%';
            target += digits[byte >> 4U];
            target += digits[byte & 0xFU];
        }
    }
    if (slash && !target.ends_with('/')) {
        target += '/';
    }
    if (!query.empty()) {
        target += '?';
        target += query;
    }
    return target.size() <= mirror_target_size_max ? std::optional{std::move(target)}
                                                   : std::nullopt;
}

std::string upstream_url(const MirrorPlan& mirror, std::string_view target) {
    const std::string_view rest = target.substr(mirror.path.size());
    // Servers redirect from the bare folder to the one with a slash; the root always has it.
    const bool is_root = rest.empty() || rest.front() == '?';
    return mirror.upstream + (is_root ? "/" : "") + std::string{rest};
}

MirrorKind mirror_kind(std::string_view target) noexcept {
    if (target.find('?') != std::string_view::npos || target.ends_with('/')) {
        return MirrorKind::index;
    }
    if (target.find("/by-hash/") != std::string_view::npos) {
        return MirrorKind::package;
    }
    const std::string_view name = target.substr(target.rfind('/') + 1);
    const bool is_package =
        begins_with_hash(name) || ends_with_any(name, package_endings) ||
        (target.find("/pool/") != std::string_view::npos && ends_with_any(name, source_endings));
    return is_package ? MirrorKind::package : MirrorKind::index;
}

} // namespace muster
