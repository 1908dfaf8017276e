// SPDX-License-Identifier: Apache-2.0
#include "net/client/ipxe_script.hh"

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::vector<std::string> words_of(std::string_view line) {
    constexpr std::string_view blanks = " \t";
    std::vector<std::string> words;
    for (;;) {
        const std::size_t begin = line.find_first_not_of(blanks);
        if (begin == std::string_view::npos || line[begin] == '#') {
            return words; // a word that begins with # ends the line
        }
        line.remove_prefix(begin);
        const std::size_t end = std::min(line.find_first_of(blanks), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

bool is_operator(std::string_view word) noexcept {
    return word == "||" || word == "&&" || word == ";";
}

/// Words without options: `--name X` and the like take a value, others stand alone.
std::vector<std::string> operands_of(std::span<const std::string> words) {
    constexpr std::string_view with_value[] = {"--name",  "-n", "--timeout", "-t",
                                               "--drive", "-d", "--filename"};
    std::vector<std::string> operands;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (!operands.empty() || !word.starts_with('-')) {
            operands.push_back(word); // options come before the first operand
        } else if (std::ranges::find(with_value, word) != std::end(with_value)) {
            ++i;
        }
    }
    return operands;
}

bool has_option(std::span<const std::string> words, std::string_view longer,
                std::string_view shorter) noexcept {
    return std::ranges::any_of(
        words, [&](const std::string& word) { return word == longer || word == shorter; });
}

} // namespace

void IpxeScripts::push(std::string_view text, BootUrl url) {
    Script script;
    script.url = std::move(url);
    script.lines = lines_of(text);
    scripts_.push_back(std::move(script));
    ok_ = true;
}

std::string IpxeScripts::expanded(std::string_view line) const {
    std::string out;
    for (;;) {
        const std::size_t begin = line.find("${");
        const std::size_t end = begin == std::string_view::npos ? begin : line.find('}', begin);
        if (end == std::string_view::npos) {
            return out += line;
        }
        out += line.substr(0, begin);
        const auto setting = settings_.find(std::string{line.substr(begin + 2, end - begin - 2)});
        out += setting == settings_.end() ? std::string{} : setting->second;
        line.remove_prefix(end + 1);
    }
}

BootWish IpxeScripts::run(const BootAnswer& answer) {
    if (auto wish = take_pending(answer)) {
        return *wish;
    }
    while (!scripts_.empty()) {
        if (++steps_ > boot_script_steps_max) {
            return wish_stuck("the boot script runs in circles");
        }
        Script& script = scripts_.back();
        Line& line = script.line;
        if (line.at > line.words.size()) { // behind the operator of the last command
            if (!ok_ || script.next >= script.lines.size()) {
                end_script(ok_);
                continue;
            }
            line = {words_of(expanded(script.lines[script.next++])), 0};
            continue;
        }
        const std::string before = line.at == 0 ? ";" : line.words[line.at - 1];
        const auto begin = line.words.begin() + static_cast<std::ptrdiff_t>(line.at);
        const auto end = std::find_if(begin, line.words.end(), is_operator);
        const bool skipped = (before == "||" && ok_) || (before == "&&" && !ok_);
        const std::vector<std::string> command{begin, end};
        line.at = static_cast<std::size_t>(end - line.words.begin()) + 1;
        if (skipped) {
            continue;
        }
        if (command.empty()) { // `cmd ||` at the end of a line: never mind how it went
            ok_ = true;
            continue;
        }
        Result result = execute(command);
        if (result.wish) {
            steps_ = 0;
            return std::move(*result.wish);
        }
        ok_ = result.ok;
    }
    return wish_leave(last_failure_.empty() ? "the boot script has ended" : last_failure_);
}

/// The answer to what the last command asked for decides how that command went.
std::optional<BootWish> IpxeScripts::take_pending(const BootAnswer& answer) {
    const Pending pending = std::exchange(pending_, Pending::none);
    if (pending == Pending::none) {
        return std::nullopt;
    }
    ok_ = answer.ok;
    if (!answer.ok) {
        last_failure_ = answer.why;
        return std::nullopt;
    }
    switch (pending) {
    case Pending::none:
    case Pending::initrd:
    case Pending::slept:
        return std::nullopt;
    case Pending::kernel:
        kernel_ = pending_arguments_;
        return std::nullopt;
    case Pending::boot_image:
    case Pending::chained:
        break;
    }
    if (is_script(answer.body)) {
        if (replace_ && !scripts_.empty()) {
            scripts_.pop_back();
        }
        push(answer.body, pending_url_);
        return std::nullopt;
    }
    BootWish wish{.kind = BootWish::Kind::program, .url = pending_url_};
    wish.program = find_boot_program(pending_url_.path, uefi_);
    if (wish.program == nullptr) {
        wish.kind = BootWish::Kind::kernel;
        wish.stage = ClientStage::kernel;
        wish.text = pending_arguments_;
    }
    return wish;
}

void IpxeScripts::end_script(bool ok) {
    scripts_.pop_back();
    ok_ = ok; // what `chain` in the script before, if there is one, ended with
}

IpxeScripts::Result IpxeScripts::execute(Words command) {
    const std::string& name = command[0];
    if (name.starts_with(':') || name == "echo" || name == "ntp" || name == "prompt" ||
        name == "console" || name == "cpair" || name == "colour" || name == "dhcp" ||
        name == "ifopen" || name == "ifconf" || name == "imgstat" || name == "initrd-free") {
        return {};
    }
    if (name == "imgfree") {
        kernel_.reset();
        return {};
    }
    if (name == "kernel" || name == "imgselect") {
        return load(command, Pending::kernel);
    }
    if (name == "initrd" || name == "module" || name == "imgfetch") {
        return load(command, Pending::initrd);
    }
    if (name == "chain" || name == "imgexec") {
        replace_ = has_option(command, "--replace", "-r");
        return load(command, Pending::chained);
    }
    if (name == "boot") {
        return command.size() > 1 ? load(command, Pending::boot_image) : boot();
    }
    if (name == "imgargs") {
        if (kernel_ && command.size() > 2) {
            kernel_->clear();
            for (const std::string& word : command.subspan(2)) {
                *kernel_ += (kernel_->empty() ? "" : " ") + word;
            }
        }
        return {.ok = kernel_.has_value()};
    }
    if (name == "sleep") {
        return sleep(command);
    }
    if (name == "goto") {
        return jump(command);
    }
    if (name == "iseq") {
        return {.ok = command.size() == 3 && command[1] == command[2]};
    }
    if (name == "isset") {
        return {.ok = command.size() == 2};
    }
    if (name == "set" || name == "clear") {
        std::string value;
        for (const std::string& word : command.subspan(std::min<std::size_t>(2, command.size()))) {
            value += (value.empty() ? "" : " ") + word;
        }
        if (command.size() > 1) {
            settings_[command[1]] = name == "set" ? value : "";
        }
        return {};
    }
    if (name == "exit") {
        const bool ok = command.size() < 2 || command[1] == "0";
        Script& script = scripts_.back();
        script.next = script.lines.size();
        script.line = {{}, 1}; // nothing is left of it
        return {.ok = ok};
    }
    if (name == "sanboot") {
        if (!disk_has_system_) {
            last_failure_ = "nothing to boot on its disk";
            return {.ok = false};
        }
        return {.wish = BootWish{.kind = BootWish::Kind::disk}};
    }
    if (name == "shell" || name == "config" || name == "login" || name == "menu") {
        return {.wish = wish_stuck("iPXE waits for a person: " + name)};
    }
    last_failure_ = name + ": command not found";
    return {.ok = false};
}

IpxeScripts::Result IpxeScripts::load(Words command, Pending pending) {
    const std::vector<std::string> operands = operands_of(command);
    const auto url =
        operands.empty() ? std::nullopt : resolve_boot_url(scripts_.back().url, operands[0]);
    if (!url) {
        last_failure_ = command[0] + ": no URL that it can fetch";
        return {.ok = false};
    }
    pending_ = pending;
    pending_url_ = *url;
    pending_arguments_.clear();
    for (std::size_t i = 1; i < operands.size(); ++i) {
        pending_arguments_ += (i > 1 ? " " : "") + operands[i];
    }
    const bool script = pending == Pending::chained || pending == Pending::boot_image;
    return {.wish = wish_fetch(*url, script ? ClientStage::loader : ClientStage::kernel,
                               script ? boot_script_size_max : 0)};
}

IpxeScripts::Result IpxeScripts::sleep(Words command) {
    unsigned seconds = 0;
    if (command.size() > 1) {
        (void)std::from_chars(command[1].data(), command[1].data() + command[1].size(), seconds);
    }
    pending_ = Pending::slept;
    return {.wish = wish_wait(std::chrono::seconds{seconds})};
}

IpxeScripts::Result IpxeScripts::jump(Words command) {
    Script& script = scripts_.back();
    if (command.size() < 2) {
        return {.ok = false};
    }
    const std::string label = ":" + command[1];
    for (std::size_t i = 0; i < script.lines.size(); ++i) {
        const auto words = words_of(script.lines[i]);
        if (!words.empty() && words[0] == label) {
            script.next = i + 1;
            script.line = {{}, 1};
            return {};
        }
    }
    last_failure_ = "no label " + label;
    return {.ok = false};
}

IpxeScripts::Result IpxeScripts::boot() {
    if (!kernel_) {
        last_failure_ = "boot: no image";
        return {.ok = false};
    }
    BootWish wish{.kind = BootWish::Kind::kernel, .stage = ClientStage::kernel};
    wish.text = *kernel_;
    return {.wish = std::move(wish)};
}

} // namespace muster
