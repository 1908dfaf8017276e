// SPDX-License-Identifier: Apache-2.0
// profiles/NAME.yaml: what to install.
#include "core/content/boot_script.hh"
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <array>

namespace muster {
namespace {

std::string read_boot_path(const YamlValue& value, std::string_view what) {
    const auto path = value.text(what);
    if (!path) {
        return {};
    }
    if (const auto reason = why_not_boot_path(*path); !reason.empty()) {
        value.problem(fmt::format("{} '{}' {}", what, *path, reason));
        return {};
    }
    return *path;
}

void read_answers(const YamlValue& value, Profile& profile, SiteDraft::ProfilePlaces& places) {
    for (const YamlValue::Entry& entry : value.entries("answers")) {
        if (!is_plain_name(entry.name)) {
            entry.key.problem(fmt::format("'{}' is no name of an answers file (letters, digits, "
                                          "'.', '_' and '-')",
                                          entry.name));
            continue;
        }
        const auto path = entry.value.text("template");
        if (!path) {
            continue;
        }
        if (const auto reason = why_not_inside(*path); !reason.empty()) {
            entry.value.problem(fmt::format("template '{}' {}", *path, reason));
            continue;
        }
        profile.answers[entry.name] = *path;
        places.answers[entry.name] = entry.value.place();
    }
}

void read_deadlines(const YamlValue& value, Deadlines& deadlines) {
    const YamlMap map{value, "deadlines", {"booting", "installing"}};
    const auto read = [&map](std::string_view key, Duration& into) {
        if (const auto* deadline = map.find(key)) {
            if (const auto duration = deadline->duration(key)) {
                if (*duration < std::chrono::seconds{1}) {
                    deadline->problem(fmt::format("{} must be at least 1s", key));
                }
                into = *duration;
            }
        }
    };
    read("booting", deadlines.booting);
    read("installing", deadlines.installing);
}

} // namespace

std::optional<LoaderChoice> read_loader_choice(const YamlValue& value) {
    struct Known {
        std::string_view name;
        LoaderChoice choice;
    };
    static constexpr std::array<Known, 5> known{{{"auto", LoaderChoice::automatic},
                                                 {"ipxe", LoaderChoice::ipxe},
                                                 {"grub", LoaderChoice::grub},
                                                 {"pxelinux", LoaderChoice::pxelinux},
                                                 {"shim-grub", LoaderChoice::shim_grub}}};
    const auto text = value.text("loader");
    if (!text) {
        return std::nullopt;
    }
    std::vector<std::string_view> names;
    for (const Known& one : known) {
        if (one.name == *text) {
            return one.choice;
        }
        names.push_back(one.name);
    }
    value.problem(fmt::format("unknown loader '{}'{}", *text, suggestion(*text, names)));
    return std::nullopt;
}

void read_profile_yaml(const std::string& name, const YamlValue& value, SiteDraft& draft) {
    Profile profile;
    profile.name = name;
    SiteDraft::ProfilePlaces places;
    places.whole = value.place();
    places.cmdline = places.whole;
    const YamlMap map{value,
                      "profile",
                      {"kernel", "initrd", "cmdline", "answers", "loader", "variables", "options",
                       "options6", "deadlines", "retries", "answers-fetches", "boot-slots"}};
    if (const auto* kernel = map.require("kernel")) {
        profile.kernel = read_boot_path(*kernel, "kernel");
    }
    if (const auto* initrd = map.find("initrd")) {
        const auto items = initrd->items_or_one("initrd");
        if (items.size() > initrd_count_max) {
            initrd->problem(fmt::format("more than {} initrds", initrd_count_max));
        }
        for (const YamlValue& item : items) {
            profile.initrd.push_back(read_boot_path(item, "initrd"));
        }
    }
    if (const auto* cmdline = map.find("cmdline")) {
        profile.cmdline = cmdline->text("cmdline").value_or("");
        places.cmdline = cmdline->place();
    }
    if (const auto* answers = map.find("answers")) {
        read_answers(*answers, profile, places);
    }
    if (const auto* loader = map.find("loader")) {
        profile.loader = read_loader_choice(*loader).value_or(LoaderChoice::automatic);
    }
    if (const auto* variables = map.find("variables")) {
        profile.variables = read_variables(*variables);
    }
    if (const auto* options = map.find("options")) {
        profile.options = read_dhcp_options(*options);
    }
    if (const auto* options = map.find("options6")) {
        profile.options6 = read_dhcp_options(*options, DhcpOptionFamily::dhcp6);
    }
    if (const auto* deadlines = map.find("deadlines")) {
        read_deadlines(*deadlines, profile.deadlines);
    }
    if (const auto* retries = map.find("retries")) {
        profile.retries = retries->number("retries", retries_max).value_or(profile.retries);
    }
    if (const auto* slots = map.find("boot-slots")) {
        profile.boot_slots = read_boot_slots(*slots).value_or(0);
    }
    if (const auto* fetches = map.find("answers-fetches")) {
        const auto number = fetches->number("answers-fetches", answers_fetches_max);
        if (number && *number == 0) {
            fetches->problem("answers-fetches 0 lets no installer have its answers");
        }
        profile.answers_fetches = number.value_or(profile.answers_fetches);
    }
    draft.site.profiles[name] = std::move(profile);
    draft.profile_places[name] = std::move(places);
}

} // namespace muster
