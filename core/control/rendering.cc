// SPDX-License-Identifier: Apache-2.0
#include "core/control/rendering.hh"

#include "core/content/render.hh"

#include <fmt/format.h>

namespace muster {
namespace {

std::string place_of(const TemplateError& error) {
    return fmt::format("{}:{}: {}", error.line, error.column, error.reason);
}

BootScriptFor target_of(BootLoader loader, std::string_view name, const RenderFor& to) {
    return {.loader = loader,
            .server = to.server,
            .name = std::string{name},
            .asked_mac = to.asked_mac};
}

} // namespace

ServerAddress Rendering::server_address(const IpAddress& asked, const IpAddress& fallback,
                                        std::uint16_t http_port) const {
    const Site& site = installs_.site();
    if (asked != IpAddress{} && !asked.is_v4()) {
        const Ipv6Address own = site.server_address6.value_or(asked.v6());
        return {.address = own, .http_port = http_port};
    }
    const auto reached = asked.v4();
    IpAddress address = reached && !reached->is_unspecified() ? IpAddress{*reached} : fallback;
    if (site.server_address) {
        address = *site.server_address; // the operator knows how clients get here
    }
    return {.address = address, .http_port = http_port};
}

std::string Rendering::stranger_script(BootLoader loader, const RenderFor& to) {
    return ignored_script(target_of(loader, "", to));
}

std::string Rendering::waiting_script(std::string_view node, BootLoader loader, const RenderFor& to,
                                      Duration ask_again, std::string_view reason) {
    return hold_script(target_of(loader, node, to), ask_again, reason);
}

Rendered Rendering::script(const NodeRecord& node, BootLoader loader, const RenderFor& to) const {
    const BootScriptFor target = target_of(loader, node.name(), to);
    switch (installs_.action_of(node)) {
    case BootAction::install:
        if (const Profile* const profile = installs_.profile_of(node)) {
            return install_script_of(node, *profile, target, to);
        }
        // Its profile went while its installer runs, and now it boots again.
        return {hold_script(target, boot_retry_wait, "its profile is gone from the site"), {}, {}};
    case BootAction::boot_local:
        return {boot_local_script(target), {}, {}};
    case BootAction::hold: {
        const std::string reason = node.install.state == InstallState::failed
                                       ? node.install.message
                                       : std::string{"no profile, waiting for an operator"};
        return {hold_script(target, boot_retry_wait, reason), {}, {}};
    }
    case BootAction::ignore:
        return {ignored_script(target), {}, {}};
    }
    __builtin_unreachable();
}

Rendered Rendering::install_script_of(const NodeRecord& node, const Profile& profile,
                                      const BootScriptFor& target, const RenderFor& to) const {
    if (const std::string* const missing = missing_file(profile)) {
        return {
            missing_file_script(target, *missing), EventKind::content_missing,
            fmt::format("profile {} needs files/{}, which is not there", profile.name, *missing)};
    }
    const auto cmdline = render(profile.cmdline, context(node, profile, to));
    if (!cmdline) {
        return {hold_script(target, boot_retry_wait,
                            "error in the command line of profile " + profile.name),
                EventKind::render_failed,
                fmt::format("cmdline of profile {}: {}", profile.name, place_of(cmdline.error()))};
    }
    const InstallBoot boot{.profile = profile.name,
                           .attempt = node.install.attempt,
                           .kernel = profile.kernel,
                           .initrd = profile.initrd,
                           .cmdline = *cmdline};
    Rendered rendered{install_script(target, boot), {}, {}};
    if (const std::string reason = why_not_bootable(boot); !reason.empty()) {
        rendered.problem = EventKind::render_failed;
        rendered.problem_text = fmt::format("profile {}: {}", profile.name, reason);
    }
    return rendered;
}

std::optional<Rendered> Rendering::answers(const NodeRecord& node, const std::string& name,
                                           const RenderFor& to) const {
    const Profile* const profile = installs_.profile_of(node);
    if (profile == nullptr) {
        return std::nullopt;
    }
    const auto file = profile->answers.find(name);
    if (file == profile->answers.end()) {
        return std::nullopt;
    }
    const auto& templates = installs_.site().templates;
    const auto text = templates.find(file->second);
    if (text == templates.end()) {
        return Rendered{"", EventKind::render_failed,
                        fmt::format("templates/{} is not there", file->second)};
    }
    auto rendered = render(text->second, context(node, *profile, to));
    if (!rendered) {
        return Rendered{"", EventKind::render_failed,
                        fmt::format("templates/{}:{}", file->second, place_of(rendered.error()))};
    }
    return Rendered{std::move(*rendered), {}, {}};
}

nlohmann::json Rendering::context(const NodeRecord& node, const Profile& profile,
                                  const RenderFor& to) const {
    TemplateSubject subject{.name = node.name(),
                            .mac = {},
                            .address = {},
                            .tags = node.spec.tags,
                            .profile = profile.name,
                            .attempt = node.install.attempt,
                            .token = to.token.empty() ? "PREVIEW" : to_text(to.token)};
    const auto macs = node.macs();
    if (!macs.empty()) {
        subject.mac = macs.front();
    }
    if (const Ipv4Address address = ledger_.address_of(node); !address.is_unspecified()) {
        subject.address = address;
        const auto lease = ledger_.leases().find(address);
        if (lease && node.has_mac(lease->mac)) {
            subject.mac = lease->mac; // of several, the one it booted from
        }
    } else if (const Ipv6Address address6 = ledger_.address6_of(node); !address6.is_unspecified()) {
        subject.address = address6;
    } else if (node.spec.address) {
        subject.address = *node.spec.address;
    }
    return template_context(to.server, subject,
                            merged_variables(installs_.site().default_variables, &profile.variables,
                                             node.spec.variables));
}

const std::string* Rendering::missing_file(const Profile& profile) const {
    const auto there = [&](const std::string& path) {
        return path.find("://") != std::string::npos || content_.size(path).has_value();
    };
    if (!there(profile.kernel)) {
        return &profile.kernel;
    }
    for (const std::string& initrd : profile.initrd) {
        if (!there(initrd)) {
            return &initrd;
        }
    }
    return nullptr;
}

} // namespace muster
