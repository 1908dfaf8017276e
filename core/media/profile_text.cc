// SPDX-License-Identifier: Apache-2.0
#include "core/media/profile_text.hh"

#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

/// On one line: what a medium says of itself must not become keys of the profile.
std::string one_line(std::string_view text) {
    std::string out{text};
    std::replace_if(
        out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }, '?');
    return out;
}

/// A double-quoted scalar. Source: YAML 1.2 section 7.3.1.
std::string yaml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : one_line(text)) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + '"';
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

/// The part of a release that media must have in common: `12`, or `3.19`.
std::string series(const Recognised& found) {
    const std::size_t dot = found.release.find('.');
    return found.family == "alpine" ? found.release.substr(0, found.release.find('.', dot + 1))
                                    : found.release.substr(0, dot);
}

} // namespace

Result<Recognised, std::string> with_netboot(Recognised medium, const Recognised& netboot) {
    const std::string what = fmt::format("{} ({})", netboot.system, netboot.what);
    if (netboot.family != medium.family) {
        return std::unexpected(fmt::format("{} does not go with {}", what, medium.system));
    }
    if (!netboot.starts_installer || netboot.kept.empty()) {
        return std::unexpected(fmt::format("{} is no netboot archive", what));
    }
    if (!netboot.release.empty() && series(netboot) != series(medium)) {
        return std::unexpected(
            fmt::format("{} is of another release than {}", what, medium.system));
    }
    if (netboot.architecture != medium.architecture) {
        return std::unexpected(fmt::format("{} is for {}, the medium for {}", what,
                                           netboot.architecture, medium.architecture));
    }
    const std::string folder{netboot_folder_name};
    medium.kernel = folder + netboot.kernel;
    medium.initrd.clear();
    for (const std::string& path : netboot.initrd) {
        medium.initrd.push_back(folder + path);
    }
    medium.cmdline = netboot.cmdline;
    replace_all(medium.cmdline, "alpine_repo={{repository}}", "alpine_repo=@/apks");
    replace_all(medium.cmdline, "^/", "@/" + folder);
    medium.netboot_required.clear();
    medium.netboot_helps = false;
    medium.starts_installer = true;
    return medium;
}

Result<std::string, std::string> profile_yaml(const Recognised& found, std::string_view name,
                                              std::string_view source) {
    const auto path_of = [&](const std::string& path) {
        return fmt::format("{}/{}", name, path);
    };
    for (const std::string& path : found.initrd) {
        if (const auto reason = why_not_boot_path(path_of(path)); !reason.empty()) {
            return std::unexpected(fmt::format("initrd '{}' {}", path, reason));
        }
    }
    if (const auto reason = why_not_boot_path(path_of(found.kernel)); !reason.empty()) {
        return std::unexpected(fmt::format("kernel '{}' {}", found.kernel, reason));
    }
    const auto filled = [&](std::string text) {
        replace_all(text, "^", "@");
        replace_all(text, "@", fmt::format("{{{{files_url}}}}/{}", name));
        return text;
    };
    std::string out = one_line(fmt::format("# {}, {}, {}. Written by `muster import` from {}.",
                                           found.system, found.what, found.architecture, source));
    out += fmt::format("\nkernel: {}\ninitrd:\n", path_of(found.kernel));
    for (const std::string& path : found.initrd) {
        out += fmt::format("  - {}\n", path_of(path));
    }
    out += fmt::format("cmdline: {}\nanswers:\n", yaml_text(filled(found.cmdline)));
    for (const auto& [asked, file] : found.answers) {
        out += fmt::format("  {}: {}\n", asked, file);
    }
    out += "loader: auto\n";
    if (!found.variables.empty()) {
        out += "variables:\n";
        for (const auto& [variable, value] : found.variables) {
            out += fmt::format("  {}: {}\n", variable, yaml_text(value == "@" ? name : value));
        }
    }
    // The first holds for what machines fetch before they ask for their answers: for some, an ISO.
    out += "deadlines: {booting: 15m, installing: 90m}\nretries: 3\n";
    return out;
}

std::map<std::string, std::string> disk_profile_answers(const DiskContent& content) {
    std::map<std::string, std::string> answers{{"install.conf", content.answer_template}};
    if (content.cloud_init) {
        answers["meta-data"] = "cloud-meta-data.mustache";
        answers["user-data"] = "cloud-user-data.mustache";
        answers["vendor-data"] = "cloud-vendor-data.mustache";
    }
    return answers;
}

std::string disk_profile_yaml(const DiskContent& content, std::string_view name,
                              std::string_view source) {
    std::string out =
        one_line(fmt::format("# {}. Written by `muster import` from {}.", content.what, source));
    out += fmt::format("\nkernel: {0}/linux\ninitrd:\n  - {0}/initrd\n", minimal_installer_folder);
    out += "cmdline: \"console=tty0 console=ttyS0,115200 quiet BOOTIF=01-{{node.mac}} "
           "muster.answers={{answers_url}} muster.report={{report_url}}"
           "{{#kernel_args}} {{kernel_args}}{{/kernel_args}}\"\nanswers:\n";
    for (const auto& [asked, file] : disk_profile_answers(content)) {
        out += fmt::format("  {}: {}\n", asked, file);
    }
    out += fmt::format("loader: auto\nvariables:\n  image: {}\n",
                       yaml_text(fmt::format("{}/{}", name, content.file)));
    if (!content.sha256.empty()) {
        out += fmt::format("  sha256: {}\n", yaml_text(content.sha256));
    }
    if (content.cloud_init) {
        out += "  seed: \"user-data meta-data vendor-data\"   # \"\" for a system without "
               "cloud-init\n";
    }
    out += "deadlines: {booting: 5m, installing: 60m}\nretries: 3\n";
    return out;
}

} // namespace muster
