// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_program.hh"
#include "net/client/pxelinux_config.hh"

#include <fmt/format.h>

namespace muster {
namespace {

/// PXELINUX: its core module, then configuration files by ever wider names, then what the first
/// that is there says.
class PxelinuxProgram final : public BootProgram {
public:
    explicit PxelinuxProgram(const BootPlace& place) : place_(place) {
        base_ = place.url;
        base_.path = folder_of(place.url.path);
        if (const auto prefix = resolve_boot_url(base_, place.lease.path_prefix)) {
            base_ = *prefix;
        }
        names_.push_back("01-" + to_text(place.mac, '-'));
        const auto& a = place.lease.address.octets;
        for (std::string hex = fmt::format("{:02X}{:02X}{:02X}{:02X}", a[0], a[1], a[2], a[3]);
             !hex.empty(); hex.pop_back()) {
            names_.push_back(hex);
        }
        names_.emplace_back("default");
    }

    BootWish next(const BootAnswer& answer) override {
        switch (step_) {
        case Step::begin:
            step_ = Step::module;
            return wish_fetch(at("ldlinux.c32"));
        case Step::module:
            if (!answer.ok) {
                return wish_stuck("PXELINUX: failed to load ldlinux.c32: " +
                                  std::string{answer.why});
            }
            return ask_for_config();
        case Step::config:
            if (!answer.ok) {
                failure_ = answer.why;
                return ask_for_config();
            }
            return start(answer.body);
        case Step::other_config:
            return answer.ok ? start(answer.body) : prompt(std::string{answer.why});
        case Step::prompt:
            return run_label(config_.on_timeout.empty() ? config_.start : config_.on_timeout);
        case Step::kernel:
        case Step::initrd:
            if (!answer.ok) {
                return prompt(std::string{answer.why});
            }
            return next_initrd();
        }
        __builtin_unreachable();
    }

private:
    enum class Step : std::uint8_t { begin, module, config, other_config, prompt, kernel, initrd };

    [[nodiscard]] BootUrl at(std::string_view name) const {
        return resolve_boot_url(base_, name).value_or(base_);
    }

    BootWish ask_for_config() {
        if (tried_ == names_.size()) {
            return wish_stuck("PXELINUX finds no configuration file: " + failure_);
        }
        step_ = Step::config;
        return wish_fetch(at("pxelinux.cfg/" + names_[tried_++]), ClientStage::loader,
                          boot_script_size_max);
    }

    BootWish start(std::string_view text) {
        config_ = read_pxelinux_config(text);
        return config_.prompt || config_.start.empty() ? prompt("no label to start")
                                                       : run_label(config_.start);
    }

    /// At `boot:` with nobody there.
    BootWish prompt(std::string why) {
        if (config_.timeout == Duration{}) {
            return wish_stuck("boot: prompt: " + why);
        }
        step_ = Step::prompt;
        return wish_wait(config_.timeout);
    }

    BootWish run_label(const std::string& name) {
        const PxelinuxLabel* const label = config_.find(name);
        if (label == nullptr ||
            (label->file.empty() && label->kind != PxelinuxLabel::Kind::local)) {
            return prompt("no kernel of label " + name);
        }
        if (label->kind == PxelinuxLabel::Kind::local) {
            return place_.disk_has_system ? BootWish{.kind = BootWish::Kind::disk}
                                          : wish_leave("LOCALBOOT: nothing to boot on its disk");
        }
        const auto url = reachable(label->file);
        if (!url) {
            return prompt("cannot fetch " + label->file);
        }
        if (label->kind == PxelinuxLabel::Kind::config) {
            step_ = Step::other_config;
            return wish_fetch(*url, ClientStage::loader, boot_script_size_max);
        }
        step_ = Step::kernel;
        initrds_ = label->initrds;
        arguments_ = label->append.value_or(config_.append);
        return wish_fetch(*url, ClientStage::kernel);
    }

    BootWish next_initrd() {
        if (initrds_.empty()) {
            BootWish wish{.kind = BootWish::Kind::kernel, .stage = ClientStage::kernel};
            wish.text = arguments_;
            return wish;
        }
        const auto url = reachable(initrds_.front());
        initrds_.erase(initrds_.begin());
        if (!url) {
            return prompt("cannot fetch an initrd");
        }
        step_ = Step::initrd;
        return wish_fetch(*url, ClientStage::kernel);
    }

    /// Only the build with a TCP stack (lpxelinux.0) speaks HTTP.
    [[nodiscard]] std::optional<BootUrl> reachable(std::string_view name) const {
        auto url = resolve_boot_url(base_, name);
        if (url && url->scheme == BootUrl::Scheme::http && place_.model->http == nullptr) {
            return std::nullopt;
        }
        return url;
    }

    BootPlace place_;
    BootUrl base_;
    std::vector<std::string> names_;
    std::size_t tried_ = 0;
    std::string failure_;
    PxelinuxConfig config_;
    std::vector<std::string> initrds_;
    std::string arguments_;
    Step step_ = Step::begin;
};

} // namespace

std::unique_ptr<BootProgram> make_pxelinux_program(const BootPlace& place) {
    return std::make_unique<PxelinuxProgram>(place);
}

} // namespace muster
