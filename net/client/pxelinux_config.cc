// SPDX-License-Identifier: Apache-2.0
#include "net/client/pxelinux_config.hh"

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

std::string_view without_blanks(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(blanks);
    return begin == std::string_view::npos
               ? std::string_view{}
               : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

unsigned leading_number(std::string_view text) noexcept {
    unsigned number = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end > 0) {
            parts.emplace_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

void read_directive(std::string_view name, std::string_view value, PxelinuxConfig& config) {
    PxelinuxLabel* const label = config.labels.empty() ? nullptr : &config.labels.back();
    if (name == "default") {
        config.start = value;
    } else if (name == "ontimeout") {
        config.on_timeout = value;
    } else if (name == "prompt") {
        config.prompt = leading_number(value) != 0;
    } else if (name == "timeout") {
        config.timeout = std::chrono::milliseconds{leading_number(value) * 100};
    } else if (name == "label") {
        config.labels.push_back({.name = std::string{value}, .append = {}});
    } else if (name == "append") {
        (label == nullptr ? config.append : label->append.emplace()) =
            value == "-" ? std::string_view{} : value;
    } else if (label == nullptr) {
        return;
    } else if (name == "kernel" || name == "linux") {
        label->file = value;
    } else if (name == "initrd") {
        label->initrds = split(value, ',');
    } else if (name == "localboot") {
        label->kind = PxelinuxLabel::Kind::local;
    } else if (name == "config") {
        label->kind = PxelinuxLabel::Kind::config;
        label->file = value;
    } else if (name == "menu" && lower(value) == "default") {
        config.start = label->name;
    }
}

} // namespace

const PxelinuxLabel* PxelinuxConfig::find(std::string_view name) const noexcept {
    const auto at = std::ranges::find_if(labels, [&](const auto& l) { return l.name == name; });
    return at == labels.end() ? nullptr : &*at;
}

PxelinuxConfig read_pxelinux_config(std::string_view text) {
    PxelinuxConfig config;
    for (const std::string& whole : split(text, '\n')) {
        const std::string_view line = without_blanks(whole);
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
        read_directive(lower(line.substr(0, blank)), without_blanks(line.substr(blank)), config);
    }
    // `APPEND initrd=a,b` loads them, too.
    for (PxelinuxLabel& label : config.labels) {
        for (const std::string& word : split(label.append.value_or(config.append), ' ')) {
            if (word.starts_with("initrd=") && label.initrds.empty()) {
                label.initrds = split(std::string_view{word}.substr(7), ',');
            }
        }
    }
    return config;
}

} // namespace muster
