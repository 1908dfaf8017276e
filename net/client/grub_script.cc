// SPDX-License-Identifier: Apache-2.0
#include "net/client/grub_script.hh"

#include <algorithm>
#include <array>
#include <charconv>

namespace muster {
namespace {

std::optional<int> number_of(std::string_view text) noexcept {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty()
               ? std::optional{number}
               : std::nullopt;
}

/// Commands that do their work and change nothing here.
bool is_silent(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 15> silent{
        "echo",    "insmod",         "export",          "unset",
        "clear",   "loadfont",       "terminal_output", "load_env",
        "serial",  "terminal_input", "load_video",      "true",
        "gfxmode", "net_add",        "background_color"};
    return std::ranges::find(silent, name) != silent.end();
}

} // namespace

GrubScripts::GrubScripts(const BootPlace& place, const BootUrl& server)
    : uefi_(place.uefi), disk_has_system_(place.disk_has_system), server_(server) {
    variables_["root"] = "tftp," + server.host;
    variables_["prefix"] = "(tftp," + server.host + ")/grub";
    variables_["net_default_server"] = server.host;
    variables_["net_default_mac"] = to_text(place.mac);
    variables_["net_default_ip"] = to_text(place.lease.address);
    variables_["grub_platform"] = "efi";
    variables_["grub_cpu"] = "x86_64";
}

bool GrubScripts::push(std::string_view text) {
    auto code = read_grub_code(text);
    if (!code) {
        return false;
    }
    frames_.push_back({.code = std::make_shared<const GrubCode>(std::move(*code))});
    return true;
}

BootWish GrubScripts::run(const BootAnswer& answer) {
    auto wish = take_pending(answer);
    while (!wish) {
        if (++steps_ > boot_script_steps_max) {
            return wish_stuck("grub.cfg runs in circles");
        }
        wish = frames_.empty() ? menu() : step();
    }
    steps_ = 0;
    return std::move(*wish);
}

std::optional<BootWish> GrubScripts::take_pending(const BootAnswer& answer) {
    const Pending pending = std::exchange(pending_, Pending::none);
    if (pending == Pending::none) {
        return std::nullopt;
    }
    if (!answer.ok) {
        last_failure_ = answer.why;
    }
    ok_ = answer.ok;
    switch (pending) {
    case Pending::none:
    case Pending::slept:
    case Pending::menu:
        break;
    case Pending::linux:
        kernel_.reset();
        if (ok_) {
            kernel_ = std::move(pending_text_);
        }
        break;
    case Pending::initrd:
        if (ok_ && !initrds_.empty()) {
            return next_initrd();
        }
        break;
    case Pending::chainloader:
        chained_.reset();
        if (ok_) {
            chained_ = File{.url = pending_url_};
        }
        break;
    case Pending::configfile:
        if (ok_) {
            frames_.clear();
            entries_.clear();
        }
        [[fallthrough]];
    case Pending::source:
        ok_ = ok_ && push(answer.body);
        break;
    }
    ok_ = ok_ != std::exchange(negated_, false);
    return std::nullopt;
}

std::optional<BootWish> GrubScripts::step() {
    Frame& frame = frames_.back();
    if (frame.at >= frame.code->steps.size()) {
        return end_frame();
    }
    const GrubStep& step = frame.code->steps[frame.at++];
    switch (step.kind) {
    case GrubStep::Kind::command: {
        const Words words = expanded(step.words);
        negated_ = step.negated;
        Result result = words.empty() ? Result{} : execute(words);
        if (result.wish) {
            return std::move(result.wish);
        }
        ok_ = result.ok != std::exchange(negated_, false);
        return std::nullopt;
    }
    case GrubStep::Kind::jump:
        frame.at = step.target;
        return std::nullopt;
    case GrubStep::Kind::jump_if_not:
        frame.at = ok_ ? frame.at : step.target;
        return std::nullopt;
    case GrubStep::Kind::jump_if:
        frame.at = ok_ ? step.target : frame.at;
        return std::nullopt;
    case GrubStep::Kind::for_begin: {
        Words values = expanded(step.words);
        const std::string variable = values.front();
        values.erase(values.begin());
        frame.loops.push_back({frame.at, variable, std::move(values), 0});
        return std::nullopt;
    }
    case GrubStep::Kind::for_next: {
        Loop& loop = frame.loops.back();
        if (loop.next == loop.values.size()) {
            frame.loops.pop_back();
            frame.at = step.target;
        } else {
            variables_[loop.variable] = loop.values[loop.next++];
        }
        return std::nullopt;
    }
    case GrubStep::Kind::menu_entry: {
        const Words words = expanded(step.words);
        entries_.push_back({words.empty() ? std::string{} : words.front(), step.body});
        return std::nullopt;
    }
    }
    __builtin_unreachable();
}

std::optional<BootWish> GrubScripts::end_frame() {
    const bool entry = frames_.back().menu_entry;
    frames_.pop_back();
    if (entry && (kernel_ || chained_)) {
        return boot().wish;
    }
    if (entry) {
        return wish_stuck("GRUB's menu entry booted nothing: " + last_failure_);
    }
    return std::nullopt;
}

/// All scripts have ended: the menu, if they made one.
std::optional<BootWish> GrubScripts::menu() {
    if (entries_.empty()) {
        return wish_stuck("grub> prompt" + (last_failure_.empty() ? "" : ": " + last_failure_));
    }
    const auto timeout = number_of(variables_["timeout"]);
    if (!timeout || *timeout < 0) {
        return wish_stuck("GRUB's menu waits for a person");
    }
    const std::string& wanted = variables_["default"];
    std::size_t index = static_cast<std::size_t>(std::max(number_of(wanted).value_or(0), 0));
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        index = entries_[i].title == wanted ? i : index;
    }
    index = index < entries_.size() ? index : 0;
    frames_.push_back({.code = entries_[index].body, .menu_entry = true});
    entries_.clear();
    pending_ = Pending::menu;
    return wish_wait(std::chrono::seconds{*timeout}, ClientWait::client);
}

GrubScripts::Result GrubScripts::execute(const Words& words) {
    const std::string& name = words[0];
    if (is_silent(name)) {
        return {};
    }
    if (name == "linux" || name == "linux16" || name == "linuxefi") {
        pending_text_.clear();
        if (words.size() > 1) {
            const std::size_t path = words[1].find(')');
            pending_text_ =
                "BOOT_IMAGE=" + words[1].substr(path == std::string::npos ? 0 : path + 1);
        }
        for (std::size_t i = 2; i < words.size(); ++i) {
            pending_text_ += " " + words[i];
        }
        return load(words, Pending::linux, ClientStage::kernel, 0);
    }
    if (name == "initrd" || name == "initrd16" || name == "initrdefi") {
        initrds_.assign(words.begin() + 1, words.end());
        if (!kernel_ || initrds_.empty()) {
            last_failure_ = "initrd: no kernel is loaded";
            return {.ok = false};
        }
        auto wish = next_initrd();
        return {.ok = wish.has_value(), .wish = std::move(wish)};
    }
    if (name == "boot") {
        return boot();
    }
    if (name == "chainloader") {
        const auto at = words.size() > 1 ? file(words.back()) : std::nullopt;
        if (at && at->on_disk) {
            chained_.reset();
            if (disk_has_system_) {
                chained_ = *at;
            }
            return {.ok = disk_has_system_};
        }
        return load({name, words.back()}, Pending::chainloader, ClientStage::loader, 0);
    }
    if (name == "search" || name.starts_with("search.")) {
        return search(words);
    }
    if (name == "source" || name == ".") {
        return load(words, Pending::source, ClientStage::loader, boot_script_size_max);
    }
    if (name == "configfile" || name == "normal") {
        return load(words, Pending::configfile, ClientStage::loader, boot_script_size_max);
    }
    if (name == "sleep") {
        pending_ = Pending::slept;
        return {.wish = wish_wait(std::chrono::seconds{number_of(words.back()).value_or(0)})};
    }
    if (name == "exit" || name == "reboot") {
        return {.wish = wish_leave(last_failure_.empty() ? "grub.cfg says exit" : last_failure_)};
    }
    if (name == "halt") {
        return {.wish = wish_stuck("grub.cfg says halt")};
    }
    if (name == "[" || name == "test") {
        std::span<const std::string> rest{words};
        rest = rest.subspan(1, rest.size() - (name == "[" && words.back() == "]" ? 2 : 1));
        return {.ok = test(rest)};
    }
    if (name == "set") {
        if (words.size() > 1) {
            set(words[1]);
        }
        return {};
    }
    if (name.find('=') != std::string::npos && name.front() != '=') {
        set(name);
        return {};
    }
    if (name != "false") {
        last_failure_ = name + ": no such command";
    }
    return {.ok = false};
}

GrubScripts::Result GrubScripts::load(const Words& words, Pending pending, ClientStage stage,
                                      std::size_t keep) {
    const auto at = words.size() > 1 ? file(words[1]) : std::nullopt;
    if (!at || at->on_disk) {
        last_failure_ = words[0] + ": no such file";
        return {.ok = false};
    }
    pending_ = pending;
    pending_url_ = at->url;
    return {.wish = wish_fetch(at->url, stage, keep)};
}

std::optional<BootWish> GrubScripts::next_initrd() {
    const std::string name = initrds_.front();
    initrds_.erase(initrds_.begin());
    return load({"initrd", name}, Pending::initrd, ClientStage::kernel, 0).wish;
}

/// Every file and label that a script looks for is on a disk with a system, and nothing is on one
/// without.
GrubScripts::Result GrubScripts::search(const Words& words) {
    if (!disk_has_system_) {
        last_failure_ = "search: nothing on its disk";
        return {.ok = false};
    }
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i].starts_with("--set=")) {
            variables_[words[i].substr(6)] = "hd0,gpt1";
        } else if (words[i] == "--set") {
            variables_["root"] = "hd0,gpt1";
        }
    }
    return {};
}

GrubScripts::Result GrubScripts::boot() {
    if (chained_ && chained_->on_disk) {
        return {.wish = BootWish{.kind = BootWish::Kind::disk}};
    }
    if (chained_) {
        BootWish wish{.kind = BootWish::Kind::program, .url = chained_->url};
        wish.program = find_boot_program(chained_->url.path, uefi_);
        if (wish.program == nullptr) {
            wish.kind = BootWish::Kind::kernel;
            wish.stage = ClientStage::kernel;
        }
        return {.wish = std::move(wish)};
    }
    if (!kernel_) {
        last_failure_ = "boot: no kernel is loaded";
        return {.ok = false};
    }
    BootWish wish{.kind = BootWish::Kind::kernel, .stage = ClientStage::kernel};
    wish.text = *kernel_;
    return {.wish = std::move(wish)};
}

} // namespace muster
