// SPDX-License-Identifier: Apache-2.0
// YAML values read against what is expected of them. Whatever does not fit becomes a problem with
// its place, and reading goes on, so that a user sees all of them at once.
#pragma once

#include "core/addr/subnet.hh"
#include "core/base/time.hh"
#include "core/site/site_problem.hh"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Deepest nesting of lists and mappings in a variable, and values in all variables of one place.
inline constexpr unsigned variable_depth_max = 16;
inline constexpr std::size_t variable_count_max = 10'000;

/// A value of a YAML file: the node, where it is, and where problems go. Cheap to copy.
/// Borrows: the list of problems, which must outlive all values of the file.
class YamlValue {
public:
    YamlValue(YAML::Node node, std::shared_ptr<const std::string> file,
              std::vector<SiteProblem>& problems)
        : node_(std::move(node)), file_(std::move(file)), problems_(&problems) {}

    [[nodiscard]] SitePlace place() const;
    void problem(std::string text) const;

    [[nodiscard]] bool is_map() const { return node_.IsMap(); }
    [[nodiscard]] bool is_list() const { return node_.IsSequence(); }
    [[nodiscard]] bool is_null() const { return node_.IsNull(); }
    [[nodiscard]] bool is_scalar() const { return node_.IsScalar(); }
    /// A scalar whose text begins so.
    [[nodiscard]] bool begins_with(std::string_view start) const {
        return node_.IsScalar() && node_.Scalar().starts_with(start);
    }
    /// A mapping whose value of this key can only be an IPv6 address or prefix.
    [[nodiscard]] bool has_ipv6(const std::string& key) const {
        return has_key(key) && node_[key].IsScalar() &&
               node_[key].Scalar().find(':') != std::string::npos;
    }
    /// A mapping that has this key.
    [[nodiscard]] bool has_key(const std::string& key) const {
        return node_.IsMap() && node_[key].IsDefined();
    }

    /// The readers below report what they do not like and answer nullopt. `what` names the value
    /// in the report: `lease`.
    [[nodiscard]] std::optional<std::string> text(std::string_view what) const;
    [[nodiscard]] std::optional<Ipv4Address> address(std::string_view what) const;
    [[nodiscard]] std::optional<Ipv6Address> address6(std::string_view what) const;
    /// One address, or a list of one of each family: sets what is there.
    void addresses(std::string_view what, std::optional<Ipv4Address>& v4,
                   std::optional<Ipv6Address>& v6) const;
    [[nodiscard]] std::optional<Duration> duration(std::string_view what) const;
    [[nodiscard]] std::optional<unsigned> number(std::string_view what, unsigned max) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view what) const;
    /// The items of a list; nothing and one problem if it is none.
    [[nodiscard]] std::vector<YamlValue> items(std::string_view what) const;
    /// The items of a list, or the value itself as the only one.
    [[nodiscard]] std::vector<YamlValue> items_or_one(std::string_view what) const;
    /// As JSON. Plain `true`, `false`, null and canonical integers keep their type; everything
    /// else is text as it stands in the file, since `1.10` must not become `1.1` in a template.
    [[nodiscard]] nlohmann::json json() const;

    /// A mapping with arbitrary keys, in the order of the file; keys that are no scalar or come
    /// twice are problems and left out.
    struct Entry;
    [[nodiscard]] std::vector<Entry> entries(std::string_view what) const;

private:
    [[nodiscard]] std::optional<nlohmann::json> json_of(const YAML::Node& node, unsigned depth,
                                                        std::size_t& count) const;
    [[nodiscard]] YamlValue at(const YAML::Node& node) const { return {node, file_, *problems_}; }

    YAML::Node node_;
    std::shared_ptr<const std::string> file_; ///< its name
    std::vector<SiteProblem>* problems_;
};

struct YamlValue::Entry {
    std::string name;
    YamlValue key;
    YamlValue value;
};

/// A mapping with known keys. Unknown and repeated ones are reported when it is made.
class YamlMap {
public:
    YamlMap(const YamlValue& value, std::string_view what,
            const std::vector<std::string_view>& known);

    /// The value of `key`; nullptr if it is absent or null.
    [[nodiscard]] const YamlValue* find(std::string_view key) const;
    /// The same, but its absence is a problem of the mapping.
    [[nodiscard]] const YamlValue* require(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

private:
    YamlValue self_;
    std::string what_;
    std::map<std::string, YamlValue, std::less<>> values_;
};

/// Reads a file's text; nullopt if it is no YAML (reported) or empty (not).
[[nodiscard]] std::optional<YamlValue> read_yaml(const std::string& file, const std::string& text,
                                                 std::vector<SiteProblem>& problems);

} // namespace muster
