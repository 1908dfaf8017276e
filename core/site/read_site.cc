// SPDX-License-Identifier: Apache-2.0
// site.yaml: the server, what unknown machines get, overrides of loaders, defaults. Subnets are in
// read_subnets.cc, classes in read_classes.cc, boot in read_boot_order.cc.
#include "core/content/loaders.hh"
#include "core/content/template_context.hh"
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

namespace muster {
namespace {

void read_unknown_nodes(const YamlValue& value, SiteDraft& draft) {
    UnknownNodes& unknown = draft.site.unknown;
    constexpr std::string_view expected =
        "{profile: NAME}, ignore, boot-local or {hold: true} is expected";
    if (!value.is_map()) {
        const auto text = value.text("unknown-nodes");
        if (text == "ignore") {
            unknown.action = BootAction::ignore;
        } else if (text == "boot-local") {
            unknown.action = BootAction::boot_local;
        } else if (text) {
            value.problem(fmt::format("unknown-nodes '{}': {}{}", *text, expected,
                                      nearest_word(*text, {"ignore", "boot-local"}).empty()
                                          ? ""
                                          : suggestion(*text, {"ignore", "boot-local"})));
        }
        return;
    }
    const YamlMap map{value, "unknown-nodes", {"profile", "hold"}};
    const auto* profile = map.find("profile");
    const auto* hold = map.find("hold");
    if ((profile == nullptr) == (hold == nullptr)) {
        value.problem(fmt::format("unknown-nodes: {}", expected));
        return;
    }
    if (profile != nullptr) {
        unknown.action = BootAction::install;
        unknown.profile = profile->text("profile").value_or("");
        draft.unknown_profile_place = profile->place();
    } else if (const auto on = hold->boolean("hold")) {
        unknown.action = *on ? BootAction::hold : BootAction::ignore;
    }
}

void read_loader_overrides(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue::Entry& entry : value.entries("loaders")) {
        if (!is_loader_name(entry.name)) {
            entry.key.problem(fmt::format("unknown loader '{}'{}", entry.name,
                                          suggestion(entry.name, loader_names())));
            continue;
        }
        const auto path = entry.value.text("loader");
        if (path && !path->starts_with('/')) {
            entry.value.problem(
                fmt::format("loader {}: '{}' is no absolute path", entry.name, *path));
        } else if (path) {
            draft.site.loaders[entry.name] = *path;
        }
    }
}

} // namespace

Variables read_variables(const YamlValue& value) {
    Variables variables = Variables::object();
    for (const YamlValue::Entry& entry : value.entries("variables")) {
        if (is_reserved_variable(entry.name)) {
            entry.key.problem(
                fmt::format("variable '{}' is muster's own and cannot be set", entry.name));
        } else if (!is_variable_name(entry.name)) {
            entry.key.problem(fmt::format("'{}' is no name of a variable (letters, digits, '_' "
                                          "and '-', not beginning with a digit)",
                                          entry.name));
        } else {
            variables[entry.name] = entry.value.json();
        }
    }
    return variables;
}

void read_site_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{value,
                      "site.yaml",
                      {"server", "subnets", "classes", "unknown-nodes", "loaders", "mirrors",
                       "boot", "defaults"}};
    draft.site_known = value.is_map();
    if (const auto* server = map.find("server")) {
        const YamlMap server_map{*server, "server", {"address", "http-boot"}};
        if (const auto* address = server_map.find("address")) {
            address->addresses("server address", draft.site.server_address,
                               draft.site.server_address6);
        }
        if (const auto* scheme = server_map.find("http-boot")) {
            const auto text = scheme->text("http-boot");
            draft.site.http_boot_by_https = text == "https";
            if (text && *text != "https" && *text != "http") {
                scheme->problem(fmt::format("http-boot: '{}' is neither http nor https", *text));
            }
        }
    }
    if (const auto* classes = map.find("classes")) {
        read_classes_yaml(*classes, draft); // before the pools that name them
    }
    if (const auto* subnets = map.find("subnets")) {
        draft.subnets_known = subnets->is_list();
        for (const YamlValue& subnet : subnets->items("subnets")) {
            subnet.has_ipv6("subnet") ? read_subnet6_yaml(subnet, draft)
                                      : read_subnet_yaml(subnet, draft);
        }
    }
    if (const auto* boot = map.find("boot")) {
        read_boot_order_yaml(*boot, draft);
    }
    if (const auto* unknown = map.find("unknown-nodes")) {
        read_unknown_nodes(*unknown, draft);
    }
    if (const auto* loaders = map.find("loaders")) {
        read_loader_overrides(*loaders, draft);
    }
    if (const auto* mirrors = map.find("mirrors")) {
        read_mirrors_yaml(*mirrors, draft);
    }
    if (const auto* defaults = map.find("defaults")) {
        const YamlMap defaults_map{*defaults, "defaults", {"variables", "options", "options6"}};
        if (const auto* variables = defaults_map.find("variables")) {
            draft.site.default_variables = read_variables(*variables);
        }
        if (const auto* options = defaults_map.find("options")) {
            draft.site.default_options = read_dhcp_options(*options);
        }
        if (const auto* options = defaults_map.find("options6")) {
            draft.site.default_options6 = read_dhcp_options(*options, DhcpOptionFamily::dhcp6);
        }
    }
}

} // namespace muster
