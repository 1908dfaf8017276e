// SPDX-License-Identifier: Apache-2.0
// Templates are tried out when the site is loaded: each command line as each of its nodes would
// get it, each answers file once per set of variables. A typo shows here and not on the console
// of a machine that has just wiped its disk.
#include "core/content/boot_script.hh"
#include "core/content/render.hh"
#include "core/content/template_context.hh"
#include "core/site/loader_parts.hh"
#include "core/site/trial_subject.hh"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace muster {
namespace {

/// A node, or the machines that no node names.
struct User {
    const NodeSpec* node = nullptr;
    std::string shown; ///< `node r1n01`, `unknown machines`
};

/// The same problem of many nodes, told once.
class Grouped {
public:
    void add(const SitePlace& place, const std::string& text, const std::string& user) {
        auto& group = groups_[{place, text}];
        if (group.count++ == 0) {
            group.first = user;
        }
    }
    void tell(SiteDraft& draft) const {
        for (const auto& [key, group] : groups_) {
            std::string others;
            if (group.count > 1) {
                others = fmt::format(" and {} more", group.count - 1);
            }
            draft.problem(key.first, fmt::format("{} (for {}{})", key.second, group.first, others));
        }
    }

private:
    struct Group {
        std::string first;
        std::size_t count = 0;
    };
    std::map<std::pair<SitePlace, std::string>, Group> groups_;
};

/// What of a variable decides whether a template renders: names, types, and what is empty or false.
void write_shape(const nlohmann::json& value, std::string& out) {
    if (value.is_object()) {
        out += '{';
        for (const auto& [name, member] : value.items()) {
            out += name + ":";
            write_shape(member, out);
        }
        out += '}';
    } else if (value.is_array()) {
        out += '[';
        for (const auto& item : value) {
            write_shape(item, out);
        }
        out += ']';
    } else if (value.is_boolean()) {
        out += value.get<bool>() ? 't' : 'f';
    } else if (value.is_null()) {
        out += '0';
    } else {
        out += value.is_string() && value.get_ref<const std::string&>().empty() ? 'e' : 's';
    }
}

class TemplateCheck {
public:
    explicit TemplateCheck(SiteDraft& draft) : draft_(draft) {}

    void read_templates() {
        for (const auto& [name, text] : draft_.site.templates) {
            if (auto read = Template::read(text)) {
                templates_.emplace(name, std::move(*read));
            } else {
                draft_.problem({"templates/" + name, read.error().line, read.error().column},
                               read.error().reason);
            }
        }
    }

    void read_profiles() {
        std::vector<std::string_view> known;
        for (const auto& [name, text] : draft_.site.templates) {
            known.push_back(name);
        }
        for (const auto& [name, profile] : draft_.site.profiles) {
            const auto& places = draft_.profile_places[name];
            if (auto read = Template::read(profile.cmdline)) {
                cmdlines_.emplace(name, std::move(*read));
            } else {
                draft_.problem(places.cmdline, "cmdline: " + read.error().reason);
            }
            for (const auto& [asked, file] : profile.answers) {
                if (draft_.site.templates.contains(file)) {
                    continue;
                }
                const auto place = places.answers.find(asked);
                draft_.problem(place == places.answers.end() ? places.whole : place->second,
                               fmt::format("there is no template '{}' in templates/{}", file,
                                           suggestion(file, known)));
            }
        }
    }

    void try_profile(const std::string& name, const User& user) {
        const auto found = draft_.site.profiles.find(name);
        if (found == draft_.site.profiles.end()) {
            return; // already a problem
        }
        const Profile& profile = found->second;
        static const Variables none = Variables::object();
        const Variables variables =
            merged_variables(draft_.site.default_variables, &profile.variables,
                             user.node != nullptr ? user.node->variables : none);
        const nlohmann::json context =
            template_context(longest_server(), trial_subject(name, user.node), variables);
        try_cmdline(profile, context, user);
        std::string shape = name + " ";
        write_shape(variables, shape);
        const bool fresh = shapes_.insert(std::move(shape)).second;
        if (fresh) {
            try_answers(profile, context, user);
        }
    }

    void tell() const { grouped_.tell(draft_); }

private:
    /// No rendered command line gets longer by its server's URL than with this one.
    static ServerAddress longest_server() { return {Ipv4Address{{255, 255, 255, 255}}, 65'535}; }

    /// False if the profile's own reader has told what is wrong with them.
    static bool paths_are_good(const InstallBoot& boot) {
        return !boot.kernel.empty() && boot.initrd.size() <= initrd_count_max &&
               std::find(boot.initrd.begin(), boot.initrd.end(), "") == boot.initrd.end();
    }

    void try_cmdline(const Profile& profile, const nlohmann::json& context, const User& user) {
        const auto cmdline = cmdlines_.find(profile.name);
        if (cmdline == cmdlines_.end()) {
            return;
        }
        const auto& places = draft_.profile_places[profile.name];
        const auto rendered = cmdline->second.render(context);
        if (!rendered) {
            grouped_.add(places.cmdline, "cmdline: " + rendered.error().reason, user.shown);
            return;
        }
        InstallBoot boot;
        boot.kernel = profile.kernel;
        boot.initrd = profile.initrd;
        boot.cmdline = command_line_words(*rendered);
        if (const auto reason = why_not_command_line(*rendered); !reason.empty()) {
            grouped_.add(places.cmdline, "cmdline holds " + reason, user.shown);
        } else if (const auto why = why_not_bootable(boot); paths_are_good(boot) && !why.empty()) {
            grouped_.add(places.cmdline, why, user.shown);
        }
    }

    void try_answers(const Profile& profile, const nlohmann::json& context, const User& user) {
        for (const auto& [asked, file] : profile.answers) {
            const auto found = templates_.find(file);
            if (found == templates_.end()) {
                continue;
            }
            if (const auto rendered = found->second.render(context); !rendered) {
                const TemplateError& error = rendered.error();
                grouped_.add(
                    {"templates/" + file, error.line, error.column},
                    fmt::format("{} in {} of profile {}", error.reason, asked, profile.name),
                    user.shown);
            }
        }
    }

    SiteDraft& draft_;
    std::map<std::string, Template> templates_;
    std::map<std::string, Template> cmdlines_;
    std::set<std::string> shapes_;
    Grouped grouped_;
};

} // namespace

void check_templates(SiteDraft& draft, std::size_t first) {
    TemplateCheck check{draft};
    check.read_templates();
    check.read_profiles();
    if (!draft.site_known) {
        return; // the default variables are not known either
    }
    for (std::size_t i = first; i < draft.site.nodes.size(); ++i) {
        const NodeSpec& node = draft.site.nodes[i];
        check.try_profile(node.profile, {&node, "node " + node.name});
    }
    if (first == 0 && draft.site.unknown.action == BootAction::install) {
        check.try_profile(draft.site.unknown.profile, {nullptr, "unknown machines"});
    }
    check.tell();
}

} // namespace muster
