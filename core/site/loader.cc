// SPDX-License-Identifier: Apache-2.0
#include "core/site/loader.hh"

#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view yaml_suffix = ".yaml";

/// Names that editors and version control leave behind.
bool is_hidden(std::string_view path) {
    return path.starts_with('.') || path.find("/.") != std::string_view::npos ||
           path.ends_with('~');
}

class FolderReader {
public:
    FolderReader(const SiteFiles& files, SiteDraft& draft) : files_(files), draft_(draft) {}

    /// The text of a file; nullopt if there is none or it cannot be read. A missing one is a
    /// problem only if it is `needed`.
    std::optional<std::string> read(const std::string& path, bool needed) {
        auto text = files_.read(path);
        if (text) {
            return std::move(*text);
        }
        if (needed || !text.error().missing) {
            draft_.problem({path, 1, 1}, "cannot be read: " + text.error().reason);
        }
        return std::nullopt;
    }

    /// The files below a folder that need not exist, with the folder's name in front.
    std::vector<std::string> list(const std::string& folder) {
        std::vector<std::string> paths;
        auto names = files_.list(folder);
        if (!names) {
            if (!names.error().missing) {
                draft_.problem({folder, 1, 1}, "cannot be read: " + names.error().reason);
            }
            return paths;
        }
        for (const std::string& name : *names) {
            if (!is_hidden(name)) {
                paths.push_back(folder + "/" + name);
            }
        }
        return paths;
    }

    /// Of those the YAML files; the other common ending is most likely meant to be one.
    std::vector<std::string> list_yaml(const std::string& folder) {
        std::vector<std::string> paths;
        for (std::string& path : list(folder)) {
            if (path.ends_with(yaml_suffix)) {
                paths.push_back(std::move(path));
            } else if (path.ends_with(".yml")) {
                draft_.problem({path, 1, 1}, "is not read: its name must end with .yaml");
            }
        }
        return paths;
    }

    template <class Reader>
    void read_yaml_file(const std::string& path, bool needed, Reader reader) {
        if (const auto text = read(path, needed)) {
            if (const auto value = read_yaml(path, *text, draft_.problems)) {
                reader(*value);
            }
        }
    }

private:
    const SiteFiles& files_;
    SiteDraft& draft_;
};

void read_profiles(FolderReader& reader, SiteDraft& draft) {
    for (const std::string& path : reader.list_yaml("profiles")) {
        const std::string_view file =
            std::string_view{path}.substr(std::string_view{"profiles/"}.size());
        const std::string name{file.substr(0, file.size() - yaml_suffix.size())};
        if (!is_plain_name(name)) {
            draft.problem({path, 1, 1},
                          fmt::format("'{}' is no name of a profile (letters, digits, '.', '_' "
                                      "and '-'; profiles lie directly in profiles/)",
                                      name));
            continue;
        }
        // Known even if it is broken: what refers to it has no problem of its own.
        draft.profile_places[name].whole = {path, 1, 1};
        const auto text = reader.read(path, true);
        if (!text) {
            continue;
        }
        const std::size_t before = draft.problems.size();
        if (const auto value = read_yaml(path, *text, draft.problems)) {
            read_profile_yaml(name, *value, draft);
        } else if (draft.problems.size() == before) {
            draft.problem({path, 1, 1}, "the profile is empty");
        }
    }
}

void read_templates(FolderReader& reader, SiteDraft& draft) {
    constexpr std::size_t folder = std::string_view{"templates/"}.size();
    for (const std::string& path : reader.list("templates")) {
        if (auto text = reader.read(path, true)) {
            draft.site.templates[path.substr(folder)] = std::move(*text);
        }
    }
}

} // namespace

Result<Site, std::vector<SiteProblem>> load_site(const SiteFiles& files, std::string folder) {
    SiteDraft draft;
    draft.site.folder = std::move(folder);
    FolderReader reader{files, draft};
    const auto site_text = reader.read("site.yaml", true);
    if (!site_text && files.read("site.yaml").error().missing) {
        // Not a site at all: whatever else is missing would only bury this.
        return std::unexpected(std::move(draft.problems));
    }
    if (site_text) {
        const std::size_t before = draft.problems.size();
        if (const auto value = read_yaml("site.yaml", *site_text, draft.problems)) {
            read_site_yaml(*value, draft);
        } else {
            draft.site_known = draft.problems.size() == before; // empty, which is fine
        }
    }
    read_profiles(reader, draft);
    const auto nodes = [&draft](const YamlValue& value) {
        read_nodes_yaml(value, draft);
    };
    reader.read_yaml_file("nodes.yaml", false, nodes);
    for (const std::string& path : reader.list_yaml("nodes")) {
        reader.read_yaml_file(path, true, nodes);
    }
    read_templates(reader, draft);
    check_subnets(draft);
    check_subnets6(draft);
    check_nodes(draft);
    check_templates(draft);
    if (!draft.problems.empty()) {
        sort_problems(draft.problems);
        return std::unexpected(std::move(draft.problems));
    }
    return std::move(draft.site);
}

Result<NodeSpec, std::vector<SiteProblem>> read_node(std::string_view text, const Site& site) {
    SiteDraft draft;
    static const std::string file = "node";
    const auto value = read_yaml(file, std::string{text}, draft.problems);
    if (!value) {
        if (draft.problems.empty()) {
            draft.problem({file, 1, 1}, "empty");
        }
        return std::unexpected(std::move(draft.problems));
    }
    read_node_yaml(*value, draft);
    NodeSpec node = std::move(draft.site.nodes.front());
    SiteDraft::NodePlaces places = std::move(draft.node_places.front());
    draft.site = site;
    draft.site_known = true;
    std::erase_if(draft.site.nodes, [&](const NodeSpec& other) { return other.name == node.name; });
    draft.node_places.assign(draft.site.nodes.size(), {});
    const std::size_t first = draft.site.nodes.size();
    draft.site.nodes.push_back(std::move(node));
    draft.node_places.push_back(std::move(places));
    check_nodes(draft, first);
    check_templates(draft, first);
    if (!draft.problems.empty()) {
        sort_problems(draft.problems);
        return std::unexpected(std::move(draft.problems));
    }
    return std::move(draft.site.nodes.back());
}

} // namespace muster
