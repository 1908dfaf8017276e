// SPDX-License-Identifier: Apache-2.0
// Words of a grub.cfg: quotes, variables, tests, names of files.
#include "net/client/grub_script.hh"

#include <algorithm>

namespace muster {
namespace {

bool is_name_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

} // namespace

bool GrubScripts::test(std::span<const std::string> words) const {
    if (words.size() == 3 && (words[1] == "=" || words[1] == "==")) {
        return words[0] == words[2];
    }
    if (words.size() == 3 && words[1] == "!=") {
        return words[0] != words[2];
    }
    if (words.size() == 2 && words[0] == "-z") {
        return words[1].empty();
    }
    if (words.size() == 2 && words[0] == "-n") {
        return !words[1].empty();
    }
    if (words.size() == 2 && words[0].starts_with('-')) { // -f, -e, -s, -d
        const auto at = file(words[1]);
        return at && at->on_disk && disk_has_system_;
    }
    return words.size() == 1 && !words[0].empty();
}

void GrubScripts::set(std::string_view assignment) {
    const std::size_t equals = assignment.find('=');
    if (equals != std::string_view::npos) {
        variables_[std::string{assignment.substr(0, equals)}] = assignment.substr(equals + 1);
    }
}

GrubScripts::Words GrubScripts::expanded(const Words& raw) const {
    Words out;
    for (const std::string& word : raw) {
        expand(word, out);
    }
    return out;
}

/// `$name` or `${name}` at `at`, which is moved behind it.
std::string GrubScripts::value_of(std::string_view text, std::size_t& at) const {
    std::size_t begin = at + 1;
    std::size_t end = begin;
    if (begin < text.size() && text[begin] == '{') {
        ++begin;
        end = std::min(text.find('}', begin), text.size());
        at = std::min(end + 1, text.size());
    } else {
        while (end < text.size() && is_name_char(text[end])) {
            ++end;
        }
        at = end;
    }
    const auto found = variables_.find(text.substr(begin, end - begin));
    return found == variables_.end() ? std::string{} : found->second;
}

/// One word of the file: quotes come off, variables are put in. Unquoted ones that are empty leave
/// no word behind.
void GrubScripts::expand(std::string_view raw, Words& out) const {
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i < raw.size();) {
        const char c = raw[i];
        if (c == '\'') {
            const std::size_t end = std::min(raw.find('\'', i + 1), raw.size());
            word += raw.substr(i + 1, end - i - 1);
            quoted = true;
            i = end + 1;
        } else if (c == '"') {
            quoted = true;
            for (++i; i < raw.size() && raw[i] != '"';) {
                if (raw[i] == '\\' && i + 1 < raw.size()) {
                    word += raw[i + 1];
                    i += 2;
                } else if (raw[i] == '$') {
                    word += value_of(raw, i);
                } else {
                    word += raw[i++];
                }
            }
            ++i;
        } else if (c == '\\' && i + 1 < raw.size()) {
            word += raw[i + 1];
            i += 2;
        } else if (c == '$') {
            word += value_of(raw, i);
        } else {
            word += c;
            ++i;
        }
    }
    if (quoted || !word.empty()) {
        out.push_back(std::move(word));
    }
}

/// `(tftp,10.0.0.1)/x`, `(http,10.0.0.1:8080)/x`, `(tftp)/x`, `(hd0,gpt1)/x`, `/x`.
std::optional<GrubScripts::File> GrubScripts::file(std::string_view name) const {
    std::string device;
    if (name.starts_with('(')) {
        const std::size_t end = name.find(')');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        device = name.substr(1, end - 1);
        name.remove_prefix(end + 1);
    } else if (const auto root = variables_.find("root"); root != variables_.end()) {
        device = root->second;
    }
    if (device.starts_with("hd")) {
        return File{.on_disk = true};
    }
    const std::size_t comma = device.find(',');
    const std::string protocol = device.substr(0, comma);
    const std::string host = comma == std::string::npos ? server_.host : device.substr(comma + 1);
    if ((protocol != "tftp" && protocol != "http") || name.empty()) {
        return std::nullopt;
    }
    const std::string slash = name.starts_with('/') ? "" : "/";
    auto url = read_boot_url(protocol + "://" + host + slash + std::string{name});
    if (!url) {
        return std::nullopt;
    }
    url->path = slash + std::string{name}; // over TFTP, too, it says the slash
    return File{.url = std::move(*url)};
}

} // namespace muster
