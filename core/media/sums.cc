// SPDX-License-Identifier: Apache-2.0
#include "core/media/sums.hh"

#include "core/base/text.hh"

#include <algorithm>
#include <array>
#include <optional>

namespace muster {
namespace {

std::string lower_digits(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::optional<SumKind> sum_kind_of(std::string_view hex) {
    const bool plain = std::all_of(hex.begin(), hex.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (!plain) {
        return std::nullopt;
    }
    switch (hex.size()) {
    case 32:
        return SumKind::md5;
    case 40:
        return SumKind::sha1;
    case 64:
        return SumKind::sha256;
    case 128:
        return SumKind::sha512;
    default:
        return std::nullopt;
    }
}

void add_sum(std::string_view path, std::string_view hex, std::string_view from, Sums& into) {
    const auto kind = sum_kind_of(hex);
    while (path.starts_with("./")) {
        path.remove_prefix(2);
    }
    if (!kind || path.empty()) {
        return;
    }
    Sum& sum = into[std::string{path}];
    if (sum.hex.empty() || sum.kind < *kind) {
        sum = {*kind, lower_digits(hex), std::string{from}};
    }
}

/// Calls `take` with each line, without blanks at its ends.
template <class Take>
void for_each_line(std::string_view text, Take take) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        take(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

} // namespace

std::string_view to_text(SumKind kind) noexcept {
    switch (kind) {
    case SumKind::md5:
        return "MD5";
    case SumKind::sha1:
        return "SHA-1";
    case SumKind::sha256:
        return "SHA-256";
    case SumKind::sha512:
        return "SHA-512";
    }
    __builtin_unreachable();
}

void read_sum_lines(std::string_view text, std::string_view from, Sums& into) {
    for_each_line(text, [&](std::string_view line) {
        const std::size_t open = line.find(" (");
        const std::size_t close = line.rfind(") = ");
        if (line.starts_with("SHA") || line.starts_with("MD5")) {
            if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
                add_sum(line.substr(open + 2, close - open - 2), trimmed(line.substr(close + 4)),
                        from, into);
            }
            return;
        }
        const std::size_t blank = line.find(' ');
        if (blank == std::string_view::npos) {
            return;
        }
        std::string_view path = line.substr(blank + 1);
        // A blank or `*` says whether the file was read as text or as it is.
        if (path.starts_with(' ') || path.starts_with('*')) {
            path.remove_prefix(1);
        }
        add_sum(path, line.substr(0, blank), from, into);
    });
}

void read_treeinfo_sums(std::string_view text, std::string_view from, Sums& into) {
    bool inside = false;
    for_each_line(text, [&](std::string_view line) {
        if (line.starts_with('[')) {
            inside = line == "[checksums]";
            return;
        }
        const std::size_t equals = line.find('=');
        if (!inside || equals == std::string_view::npos) {
            return;
        }
        const std::string_view value = trimmed(line.substr(equals + 1));
        const std::size_t colon = value.find(':');
        if (colon != std::string_view::npos) {
            add_sum(trimmed(line.substr(0, equals)), value.substr(colon + 1), from, into);
        }
    });
}

Sums sums_of(const Medium& medium) {
    Sums sums;
    for (const auto& [path, text] : medium.texts) {
        const std::size_t slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
        const std::string_view name = std::string_view{path}.substr(folder.size());
        Sums own;
        if (name == ".treeinfo" || name == "treeinfo") {
            read_treeinfo_sums(text, path, own);
        } else if (is_sums_file(name)) {
            read_sum_lines(text, path, own);
        }
        for (const auto& [file, sum] : own) {
            add_sum(folder + file, sum.hex, sum.from, sums);
        }
    }
    return sums;
}

bool is_sums_file(std::string_view name) {
    static constexpr std::array<std::string_view, 5> endings{".sha256", ".sha512", ".md5",
                                                             ".digests", "checksum"};
    static constexpr std::array<std::string_view, 8> names{
        "md5sum.txt", "md5sums",        "sha1sums",       "sha256sums",
        "sha512sums", "sha256sums.txt", "sha512sums.txt", "checksums"};
    const std::string small = lower_digits(name);
    return std::find(names.begin(), names.end(), small) != names.end() ||
           std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view ending) { return small.ends_with(ending); });
}

} // namespace muster
