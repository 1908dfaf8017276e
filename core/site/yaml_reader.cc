// SPDX-License-Identifier: Apache-2.0
#include "core/site/yaml_reader.hh"

#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

/// yaml-cpp counts from 0, and has no mark for what is not in the file.
SitePlace place_of(const YAML::Mark& mark, const std::string& file) {
    if (mark.is_null()) {
        return {file, 1, 1};
    }
    return {file, static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

std::string_view type_name(const YAML::Node& node) {
    switch (node.Type()) {
    case YAML::NodeType::Map:
        return "a mapping";
    case YAML::NodeType::Sequence:
        return "a list";
    case YAML::NodeType::Scalar:
        return "a scalar";
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
        return "nothing";
    }
    __builtin_unreachable();
}

std::optional<std::int64_t> canonical_integer(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || std::to_string(value) != text) {
        return std::nullopt;
    }
    return value;
}

} // namespace

SitePlace YamlValue::place() const {
    return place_of(node_.Mark(), *file_);
}

void YamlValue::problem(std::string text) const {
    problems_->push_back({place(), std::move(text)});
}

std::optional<std::string> YamlValue::text(std::string_view what) const {
    if (!node_.IsScalar()) {
        problem(fmt::format("{} is {}, a text is expected", what, type_name(node_)));
        return std::nullopt;
    }
    if (node_.Scalar().find('\0') != std::string::npos) {
        problem(fmt::format("{} holds a NUL", what));
        return std::nullopt;
    }
    return node_.Scalar();
}

std::optional<Ipv4Address> YamlValue::address(std::string_view what) const {
    const auto read = text(what);
    if (!read) {
        return std::nullopt;
    }
    auto value = read_ipv4_address(*read);
    if (!value) {
        problem(fmt::format("{} '{}' is no IPv4 address such as 10.0.0.1", what, *read));
    }
    return value;
}

std::optional<Ipv6Address> YamlValue::address6(std::string_view what) const {
    const auto read = text(what);
    if (!read) {
        return std::nullopt;
    }
    auto value = read_ipv6_address(*read);
    if (!value) {
        problem(fmt::format("{} '{}' is no IPv6 address such as fd00:79::1", what, *read));
    } else if (value->is_multicast() || value->is_link_local() || value->is_unspecified()) {
        problem(fmt::format("{} {} is a group's, of one link only, or none", what, *read));
        value.reset();
    }
    return value;
}

void YamlValue::addresses(std::string_view what, std::optional<Ipv4Address>& v4,
                          std::optional<Ipv6Address>& v6) const {
    for (const YamlValue& item : items_or_one(what)) {
        const auto read = item.text(what);
        const bool is_v6 = read && read->find(':') != std::string::npos;
        if (is_v6 ? v6.has_value() : v4.has_value()) {
            item.problem(fmt::format("{}: one of each family is all there can be", what));
        } else if (is_v6) {
            v6 = item.address6(what);
        } else if (read) {
            v4 = item.address(what);
        }
    }
}

std::optional<Duration> YamlValue::duration(std::string_view what) const {
    const auto read = text(what);
    if (!read) {
        return std::nullopt;
    }
    auto value = read_duration(*read);
    if (!value) {
        problem(fmt::format("{} '{}' is no duration such as 30s, 5m, 2h30m or 1d", what, *read));
    }
    return value;
}

std::optional<unsigned> YamlValue::number(std::string_view what, unsigned max) const {
    const auto read = text(what);
    if (!read) {
        return std::nullopt;
    }
    const auto value = canonical_integer(*read);
    if (!value || *value < 0 || *value > std::int64_t{max}) {
        problem(fmt::format("{} '{}' is no number from 0 to {}", what, *read, max));
        return std::nullopt;
    }
    return static_cast<unsigned>(*value);
}

std::optional<bool> YamlValue::boolean(std::string_view what) const {
    const auto read = text(what);
    if (!read) {
        return std::nullopt;
    }
    if (*read != "true" && *read != "false") {
        problem(fmt::format("{} '{}' is neither true nor false", what, *read));
        return std::nullopt;
    }
    return *read == "true";
}

std::vector<YamlValue> YamlValue::items(std::string_view what) const {
    std::vector<YamlValue> values;
    if (!node_.IsSequence()) {
        problem(fmt::format("{} is {}, a list is expected", what, type_name(node_)));
        return values;
    }
    for (const auto& item : node_) {
        values.push_back(at(item));
    }
    return values;
}

std::vector<YamlValue> YamlValue::items_or_one(std::string_view what) const {
    if (node_.IsScalar()) {
        return {*this};
    }
    return items(what);
}

std::vector<YamlValue::Entry> YamlValue::entries(std::string_view what) const {
    std::vector<Entry> entries;
    if (!node_.IsMap()) {
        problem(fmt::format("{} is {}, a mapping is expected", what, type_name(node_)));
        return entries;
    }
    std::map<std::string, SitePlace> seen;
    for (const auto& pair : node_) {
        const YamlValue key = at(pair.first);
        if (!pair.first.IsScalar()) {
            key.problem(
                fmt::format("a key of {} is {}, a text is expected", what, type_name(pair.first)));
            continue;
        }
        const std::string name = pair.first.Scalar();
        const auto [before, fresh] = seen.emplace(name, key.place());
        if (!fresh) {
            key.problem(
                fmt::format("key '{}' is there twice, first at {}", name, to_text(before->second)));
            continue;
        }
        entries.push_back({name, key, at(pair.second)});
    }
    return entries;
}

nlohmann::json YamlValue::json() const {
    std::size_t count = 0;
    return json_of(node_, 0, count).value_or(nlohmann::json{});
}

std::optional<nlohmann::json> YamlValue::json_of(const YAML::Node& node, unsigned depth,
                                                 std::size_t& count) const {
    // The count also ends what aliases of aliases blow up.
    if (depth > variable_depth_max || ++count > variable_count_max) {
        if (count <= variable_count_max + 1) {
            count = variable_count_max + 2; // said once
            at(node).problem(fmt::format("nested deeper than {}, or more than {} values",
                                         variable_depth_max, variable_count_max));
        }
        return std::nullopt;
    }
    if (node.IsMap()) {
        nlohmann::json object = nlohmann::json::object();
        for (const Entry& entry : at(node).entries("a variable")) {
            auto value = json_of(entry.value.node_, depth + 1, count);
            if (!value) {
                return std::nullopt;
            }
            object[entry.name] = std::move(*value);
        }
        return object;
    }
    if (node.IsSequence()) {
        nlohmann::json list = nlohmann::json::array();
        for (const auto& item : node) {
            auto value = json_of(item, depth + 1, count);
            if (!value) {
                return std::nullopt;
            }
            list.push_back(std::move(*value));
        }
        return list;
    }
    if (!node.IsScalar()) {
        return nlohmann::json{};
    }
    const std::string& text = node.Scalar();
    if (node.Tag() != "?") { // quoted, or a block
        return text;
    }
    if (text == "true" || text == "false") {
        return text == "true";
    }
    if (const auto number = canonical_integer(text)) {
        return *number;
    }
    return text;
}

YamlMap::YamlMap(const YamlValue& value, std::string_view what,
                 const std::vector<std::string_view>& known)
    : self_(value), what_(what) {
    for (const YamlValue::Entry& entry : value.entries(what)) {
        if (std::find(known.begin(), known.end(), entry.name) == known.end()) {
            entry.key.problem(fmt::format("unknown key '{}' in {}{}", entry.name, what,
                                          suggestion(entry.name, known)));
            continue;
        }
        values_.emplace(entry.name, entry.value);
    }
}

const YamlValue* YamlMap::find(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() || found->second.is_null() ? nullptr : &found->second;
}

const YamlValue* YamlMap::require(std::string_view key) const {
    const YamlValue* value = find(key);
    if (value == nullptr && self_.is_map()) {
        self_.problem(fmt::format("{} has no key '{}'", what_, key));
    }
    return value;
}

std::optional<YamlValue> read_yaml(const std::string& file, const std::string& text,
                                   std::vector<SiteProblem>& problems) {
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(text);
        if (documents.size() > 1) {
            problems.push_back(
                {place_of(documents[1].Mark(), file), "a second YAML document; only one is read"});
        }
        if (documents.empty() || documents.front().IsNull()) {
            return std::nullopt;
        }
        return YamlValue{documents.front(), std::make_shared<const std::string>(file), problems};
    } catch (const YAML::Exception& error) {
        problems.push_back({place_of(error.mark, file), "not valid YAML: " + error.msg});
        return std::nullopt;
    } catch (const std::exception& error) {
        problems.push_back({{file, 1, 1}, fmt::format("not valid YAML: {}", error.what())});
        return std::nullopt;
    }
}

} // namespace muster
