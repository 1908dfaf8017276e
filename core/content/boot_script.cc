// SPDX-License-Identifier: Apache-2.0
#include "core/content/boot_script.hh"

#include "core/base/text.hh"
#include "core/content/boot_script_words.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view blanks = " \t\r\n";

const BootScriptWriter& writer(BootLoader loader) noexcept {
    switch (loader) {
    case BootLoader::ipxe:
        return ipxe_script_writer;
    case BootLoader::grub:
        return grub_script_writer;
    case BootLoader::pxelinux:
        return pxelinux_script_writer;
    }
    __builtin_unreachable();
}

/// `muster: r1n01: WHAT`.
std::string say(const BootScriptFor& to, std::string_view what) {
    const std::string name = to.name.empty() ? "unknown machine" : console_text(to.name);
    return fmt::format("muster: {}: {}", name, what);
}

/// Why one word of a command line is refused.
std::string why_not_word(std::string_view word) {
    if (word.front() == '#') {
        return "a word that begins with '#' (iPXE takes the rest for a comment)";
    }
    if (word == ";" || word == "&&" || word == "||") {
        return fmt::format("the word '{}' (iPXE begins a new command)", word);
    }
    const std::size_t first = word.find('"');
    if (first == std::string_view::npos) {
        return {};
    }
    const bool opens_value = first == 0 || word[first - 1] == '=';
    const bool first_value = first == 0 || word.find('=') == first - 1;
    const std::size_t second = word.find('"', first + 1);
    if (!opens_value || !first_value || second != word.size() - 1) {
        return "a double quote that does not enclose a whole word, or the whole value behind '='";
    }
    return {};
}

/// Cuts a command line into words as the kernel does: at spaces outside of double quotes.
/// Source: next_arg() of the kernel, lib/cmdline.c.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i == text.size() || (text[i] == ' ' && !quoted)) {
            if (i > begin) {
                words.push_back(text.substr(begin, i - begin));
            }
            begin = i + 1;
        } else if (text[i] == '"') {
            quoted = !quoted;
        }
    }
    return words;
}

} // namespace

std::string_view boot_script_path(BootLoader loader) noexcept {
    switch (loader) {
    case BootLoader::ipxe:
        return "/boot/ipxe";
    case BootLoader::grub:
        return "/boot/grub.cfg";
    case BootLoader::pxelinux:
        return "/boot/pxelinux.cfg/default";
    }
    __builtin_unreachable();
}

std::string file_url(const ServerAddress& server, const std::string& path) {
    return path.starts_with("http://") ? path : server_url(server) + "/files/" + path;
}

unsigned wait_seconds(Duration wait) noexcept {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return static_cast<unsigned>(std::clamp<std::int64_t>(seconds, 1, 3600));
}

std::string console_text(std::string_view text) {
    constexpr std::string_view safe = " .,:_/()+=-@";
    std::string out;
    for (const char c : trimmed(text, blanks)) {
        if (out.size() == console_text_max) {
            out += "...";
            break;
        }
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || safe.find(c) != std::string_view::npos;
        out += plain ? c : '?';
    }
    return out;
}

std::string command_line_words(std::string_view text) {
    std::string out;
    for (const std::string_view word : words_of(trimmed(text, blanks))) {
        if (!out.empty()) {
            out += ' ';
        }
        out += word;
    }
    return out;
}

std::string why_not_command_line(std::string_view text) {
    text = trimmed(text, blanks);
    if (text.find_first_of("\r\n") != std::string_view::npos) {
        return "a line break (`>-` folds lines in YAML)";
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; })) {
        return "a character that is not printable ASCII";
    }
    if (text.find('\'') != std::string_view::npos || text.find('\\') != std::string_view::npos) {
        return "a single quote or backslash (GRUB puts a backslash before each)";
    }
    if (text.find("${") != std::string_view::npos) {
        return "'${' (iPXE would put the value of a setting there)";
    }
    if (text.find("initrd=") != std::string_view::npos) {
        return "'initrd=' (the key initrd of the profile names them)";
    }
    if (text == "-") {
        return "nothing but '-' (PXELINUX takes it for no command line)";
    }
    for (const std::string_view word : words_of(text)) {
        if (auto reason = why_not_word(word); !reason.empty()) {
            return reason;
        }
        if (word.find("  ") != std::string_view::npos) {
            return "several spaces in a row in quotes (iPXE makes them one)";
        }
    }
    return {};
}

std::string why_not_bootable(const InstallBoot& boot) {
    // An address, a port and `/files/` before each path; `initrd=` or a comma before each initrd.
    constexpr std::size_t url_size = std::string_view{"http://255.255.255.255:65535/files/"}.size();
    std::size_t size = boot.cmdline.size() + boot.kernel.size() + url_size +
                       std::string_view{"BOOT_IMAGE=  "}.size();
    if (auto reason = why_not_boot_path(boot.kernel); !reason.empty()) {
        return fmt::format("kernel '{}' {}", boot.kernel, reason);
    }
    for (const std::string& path : boot.initrd) {
        if (auto reason = why_not_boot_path(path); !reason.empty()) {
            return fmt::format("initrd '{}' {}", path, reason);
        }
        size += path.size() + url_size + std::string_view{"initrd= "}.size();
    }
    if (boot.initrd.size() > initrd_count_max) {
        return fmt::format("more than {} initrds", initrd_count_max);
    }
    if (auto reason = why_not_command_line(boot.cmdline); !reason.empty()) {
        return "the command line holds " + reason;
    }
    if (size > boot_line_size_max) {
        return fmt::format("kernel, initrds and command line come to {} bytes, {} are possible",
                           size, boot_line_size_max);
    }
    return {};
}

std::string install_script(const BootScriptFor& to, const InstallBoot& boot) {
    if (const std::string reason = why_not_bootable(boot); !reason.empty()) {
        return hold_script(to, boot_retry_wait, "cannot boot: " + reason);
    }
    InstallBoot clean = boot;
    clean.cmdline = command_line_words(boot.cmdline);
    const std::string what =
        fmt::format("installing {}, attempt {}", console_text(boot.profile), boot.attempt);
    return writer(to.loader).install(to, clean, say(to, what));
}

std::string boot_local_script(const BootScriptFor& to) {
    return writer(to.loader).boot_local(to, say(to, "booting from its own disk"));
}

std::string hold_script(const BootScriptFor& to, Duration wait, std::string_view reason) {
    const unsigned seconds = wait_seconds(wait);
    const std::string why = reason.empty() ? "held back" : console_text(reason);
    return writer(to.loader).wait(to, seconds,
                                  say(to, fmt::format("{}, asking again in {} s", why, seconds)));
}

std::string missing_file_script(const BootScriptFor& to, std::string_view file) {
    const unsigned seconds = wait_seconds(boot_retry_wait);
    const std::string what =
        fmt::format("the server has no file {}, asking again in {} s", console_text(file), seconds);
    return writer(to.loader).wait(to, seconds, say(to, what));
}

std::string ignored_script(const BootScriptFor& to) {
    return writer(to.loader).leave(to, say(to, "not for this server"));
}

} // namespace muster
