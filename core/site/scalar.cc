// SPDX-License-Identifier: Apache-2.0
#include "core/site/scalar.hh"

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_letter_or_digit(char c) noexcept {
    return is_letter(c) || is_digit(c);
}

/// Takes a decimal number off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    return value;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// Biggest first; the order is also the one in which a duration may name them.
constexpr std::array<Unit, 5> duration_units{{{"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000}}};

constexpr std::array<Unit, 11> size_units{{{"", 1},
                                           {"B", 1},
                                           {"kB", 1'000},
                                           {"KB", 1'000},
                                           {"MB", 1'000'000},
                                           {"GB", 1'000'000'000},
                                           {"TB", 1'000'000'000'000},
                                           {"KiB", std::uint64_t{1} << 10U},
                                           {"MiB", std::uint64_t{1} << 20U},
                                           {"GiB", std::uint64_t{1} << 30U},
                                           {"TiB", std::uint64_t{1} << 40U}}};

constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_host_label(std::string_view label) noexcept {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

constexpr std::string_view path_extra = "._-+~/";
constexpr std::string_view url_extra = "._-+~/:%?&=@";

bool holds_only(std::string_view text, std::string_view extra) noexcept {
    return std::all_of(text.begin(), text.end(), [extra](char c) {
        return is_letter_or_digit(c) || extra.find(c) != std::string_view::npos;
    });
}

std::string why_not_http_url(std::string_view url) {
    const std::string_view rest = url.substr(std::string_view{"http://"}.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size()) {
        return "is no URL of the form http://HOST[:PORT]/PATH";
    }
    std::string_view host = rest.substr(0, slash);
    if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
        std::string_view port = host.substr(colon + 1);
        const auto number = take_number(port);
        if (!number || !port.empty() || *number == 0 || *number > 65'535) {
            return "has a bad port number";
        }
        host = host.substr(0, colon);
    }
    if (!is_host_name(host, 253)) {
        return "has a bad host name";
    }
    if (!holds_only(rest.substr(slash), url_extra)) {
        return "holds a character that boot loaders may misread (letters, digits and "
               "._-+~/:%?&=@ are safe)";
    }
    return {};
}

} // namespace

std::optional<Duration> read_duration(std::string_view text) noexcept {
    if (text == "0") {
        return Duration{0};
    }
    std::uint64_t total = 0;
    std::size_t next_unit = 0;
    if (text.empty()) {
        return std::nullopt;
    }
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number) {
            return std::nullopt;
        }
        const auto name_end = std::find_if(text.begin(), text.end(), is_digit);
        const std::string_view name =
            text.substr(0, static_cast<std::size_t>(name_end - text.begin()));
        text.remove_prefix(name.size());
        std::size_t unit = next_unit;
        while (unit < duration_units.size() && duration_units[unit].name != name) {
            ++unit;
        }
        constexpr auto max = static_cast<std::uint64_t>(duration_max.count());
        if (unit == duration_units.size() || *number > max / duration_units[unit].factor) {
            return std::nullopt;
        }
        total += *number * duration_units[unit].factor;
        if (total > max) {
            return std::nullopt;
        }
        next_unit = unit + 1;
    }
    return Duration{static_cast<std::int64_t>(total)};
}

std::optional<std::uint64_t> read_size(std::string_view text) noexcept {
    const auto number = take_number(text);
    const auto* const unit = std::find_if(size_units.begin(), size_units.end(),
                                          [text](const Unit& u) { return u.name == text; });
    if (!number || unit == size_units.end() || *number > UINT64_MAX / unit->factor) {
        return std::nullopt;
    }
    return *number * unit->factor;
}

std::optional<std::array<std::uint8_t, 16>> read_uuid(std::string_view text) noexcept {
    if (text.size() != 36) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> shown{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') {
            return std::nullopt;
        }
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        shown[i] = static_cast<std::uint8_t>(high * 16 + low);
        at += 2;
    }
    std::reverse(shown.begin(), shown.begin() + 4);
    std::reverse(shown.begin() + 4, shown.begin() + 6);
    std::reverse(shown.begin() + 6, shown.begin() + 8);
    return shown;
}

std::optional<std::string> read_hex(std::string_view text) {
    if (!text.starts_with("0x") || text.size() < 4 || text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string octets;
    for (std::size_t at = 2; at < text.size(); at += 2) {
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        octets.push_back(static_cast<char>(high * 16 + low));
    }
    return octets;
}

std::optional<std::string> read_identifier(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    return text.starts_with("0x") ? read_hex(text) : std::optional{std::string{text}};
}

std::string identifier_text(std::string_view octets) {
    const bool readable =
        std::all_of(octets.begin(), octets.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (readable && !octets.starts_with("0x")) {
        return std::string{octets};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "0x";
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        text += digits[octet / 16U];
        text += digits[octet % 16U];
    }
    return text;
}

bool is_host_name(std::string_view text, std::size_t size_max) noexcept {
    if (text.size() > size_max) {
        return false;
    }
    for (;;) {
        const std::size_t dot = text.find('.');
        if (!is_host_label(text.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

bool is_plain_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && text.front() != '.' && text.front() != '-' &&
           holds_only(text, "._-");
}

bool is_variable_name(std::string_view text) noexcept {
    return !text.empty() && (is_letter(text.front()) || text.front() == '_') &&
           holds_only(text, "_-");
}

std::string why_not_inside(std::string_view path) {
    if (path.empty()) {
        return "is empty";
    }
    if (path.front() == '/') {
        return "is absolute";
    }
    if (path.back() == '/') {
        return "is a folder";
    }
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, slash - at);
        if (part == "..") {
            return "leads out of the folder with '..'";
        }
        if (part.empty() || part == ".") {
            return "has an empty or '.' part";
        }
        at = slash + 1;
    }
    return {};
}

std::string why_not_boot_path(std::string_view path) {
    if (path.size() > boot_path_size_max) {
        return "is longer than 200 characters";
    }
    if (path.starts_with("http://")) {
        return why_not_http_url(path);
    }
    if (path.find("://") != std::string_view::npos) {
        return "has a scheme that not every boot loader knows; only http:// is served";
    }
    if (auto reason = why_not_inside(path); !reason.empty()) {
        return reason;
    }
    if (path.front() == '-') {
        return "begins with '-', which boot loaders take for an option";
    }
    if (!holds_only(path, path_extra)) {
        return "holds a character that boot loaders may misread (letters, digits and ._-+~/ are "
               "safe)";
    }
    return {};
}

} // namespace muster
