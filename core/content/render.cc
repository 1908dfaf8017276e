// SPDX-License-Identifier: Apache-2.0
#include "core/content/render.hh"

#include "core/base/text.hh"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <vector>

namespace muster {

/// A tag as it stands in the template. Not in the unnamed namespace: Template::Parsed, which the
/// header declares, holds it.
struct TemplateTag {
    enum class Kind { variable, section, inverted, close, comment, partial, delimiters };
    Kind kind = Kind::variable;
    std::size_t begin = 0; ///< offset of its first brace
    std::size_t end = 0;   ///< offset behind its last brace
    std::string name;
    std::size_t name_begin = 0;
    bool triple = false; ///< `{{{name}}}`
};

namespace {

namespace mustache = kainjow::mustache;

struct Delimiters {
    std::string open = "{{";
    std::string close = "}}";
};

TemplateError error_at(std::string_view text, std::size_t offset, std::string reason) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n')) + 1;
    const std::size_t newline = before.rfind('\n');
    const std::size_t column =
        newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
    return {line, static_cast<unsigned>(column) + 1, std::move(reason)};
}

std::optional<Delimiters> read_delimiters(std::string_view inner) {
    // `=<% %>=`
    if (inner.size() < 5 || inner.back() != '=') {
        return std::nullopt;
    }
    inner = trimmed(inner.substr(1, inner.size() - 2));
    const std::size_t space = inner.find(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    Delimiters delimiters{std::string{trimmed(inner.substr(0, space))},
                          std::string{trimmed(inner.substr(space))}};
    for (const std::string* part : {&delimiters.open, &delimiters.close}) {
        if (part->empty() || part->find_first_of("= \t\r\n") != std::string::npos) {
            return std::nullopt;
        }
    }
    return delimiters;
}

TemplateTag::Kind kind_of(char sigil) {
    switch (sigil) {
    case '#':
        return TemplateTag::Kind::section;
    case '^':
        return TemplateTag::Kind::inverted;
    case '/':
        return TemplateTag::Kind::close;
    case '!':
        return TemplateTag::Kind::comment;
    case '>':
        return TemplateTag::Kind::partial;
    case '=':
        return TemplateTag::Kind::delimiters;
    default:
        return TemplateTag::Kind::variable;
    }
}

/// Reads the tag whose opening delimiter is at `begin`.
Result<TemplateTag, TemplateError> read_tag(std::string_view text, std::size_t begin,
                                            Delimiters& delimiters) {
    TemplateTag tag;
    tag.begin = begin;
    std::size_t inside = begin + delimiters.open.size();
    tag.triple = delimiters.open == "{{" && inside < text.size() && text[inside] == '{';
    const std::string_view closing = tag.triple ? "}}}" : std::string_view{delimiters.close};
    inside += tag.triple ? 1 : 0;
    const std::size_t close = text.find(closing, inside);
    if (close == std::string_view::npos) {
        return std::unexpected(error_at(text, begin, "this tag is not closed"));
    }
    tag.end = close + closing.size();
    std::string_view inner = trimmed(text.substr(inside, close - inside));
    if (!inner.empty() && !tag.triple) {
        tag.kind = kind_of(inner.front());
        if (tag.kind == TemplateTag::Kind::delimiters) {
            const auto changed = read_delimiters(inner);
            if (!changed) {
                return std::unexpected(error_at(text, begin, "malformed change of delimiters"));
            }
            delimiters = *changed;
            return tag;
        }
        if (tag.kind != TemplateTag::Kind::variable || inner.front() == '&') {
            inner = trimmed(inner.substr(1));
        }
    }
    if (inner.empty() && tag.kind != TemplateTag::Kind::comment) {
        return std::unexpected(error_at(text, begin, "this tag has no name"));
    }
    tag.name = inner;
    tag.name_begin = static_cast<std::size_t>(inner.data() - text.data());
    return tag;
}

/// All tags of a template, its sections checked to be nested and closed.
Result<std::vector<TemplateTag>, TemplateError> read_tags(std::string_view text) {
    std::vector<TemplateTag> tags;
    std::vector<std::size_t> open; // indices of the sections that are
    Delimiters delimiters;
    for (std::size_t at = text.find(delimiters.open); at != std::string_view::npos;
         at = text.find(delimiters.open, at)) {
        MUSTER_TRY(tag, read_tag(text, at, delimiters));
        at = tag.end;
        const auto fail = [&](std::string reason) {
            return std::unexpected(error_at(text, tag.begin, std::move(reason)));
        };
        if (tag.kind == TemplateTag::Kind::partial) {
            return fail("partials ({{> name}}) are not supported");
        }
        if (tag.kind == TemplateTag::Kind::section || tag.kind == TemplateTag::Kind::inverted) {
            if (open.size() == section_depth_max) {
                return fail(fmt::format("sections nest deeper than {}", section_depth_max));
            }
            open.push_back(tags.size());
        }
        if (tag.kind == TemplateTag::Kind::close) {
            if (open.empty()) {
                return fail(fmt::format("section '{}' is closed but was not opened", tag.name));
            }
            if (tags[open.back()].name != tag.name) {
                return fail(fmt::format("section '{}' is closed, but '{}' of line {} is open",
                                        tag.name, tags[open.back()].name,
                                        error_at(text, tags[open.back()].begin, {}).line));
            }
            open.pop_back();
        }
        tags.push_back(std::move(tag));
    }
    if (!open.empty()) {
        const TemplateTag& tag = tags[open.back()];
        return std::unexpected(
            error_at(text, tag.begin, fmt::format("section '{}' is not closed", tag.name)));
    }
    return tags;
}

/// How a variable is named in the text that the library gets. It asks for variables and sections
/// by the same call; the mark tells them apart, and the number says which tag it was.
constexpr char variable_mark = '\x01';

std::string marked_text(std::string_view text, const std::vector<TemplateTag>& tags) {
    std::string out;
    out.reserve(text.size());
    std::size_t at = 0;
    for (std::size_t i = 0; i < tags.size(); ++i) {
        const TemplateTag& tag = tags[i];
        if (tag.kind != TemplateTag::Kind::variable) {
            continue;
        }
        out += text.substr(at, tag.name_begin - at);
        out += variable_mark;
        out += std::to_string(i);
        at = tag.name_begin + tag.name.size();
    }
    out += text.substr(at);
    return out;
}

std::optional<std::string> scalar_text(const nlohmann::json& value) {
    switch (value.type()) {
    case nlohmann::json::value_t::string:
        return value.get<std::string>();
    case nlohmann::json::value_t::boolean:
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
    case nlohmann::json::value_t::number_float:
        return value.dump();
    default:
        return std::nullopt;
    }
}

/// The library's data for a JSON value; null becomes `invalid`, which renders as nothing.
mustache::data library_data(const nlohmann::json& value) {
    switch (value.type()) {
    case nlohmann::json::value_t::object: {
        mustache::data object{mustache::data::type::object};
        for (const auto& [name, member] : value.items()) {
            object.set(name, library_data(member));
        }
        return object;
    }
    case nlohmann::json::value_t::array: {
        mustache::data list{mustache::data::type::list};
        for (const auto& item : value) {
            list.push_back(library_data(item));
        }
        return list;
    }
    case nlohmann::json::value_t::boolean:
        return mustache::data{value.get<bool>()};
    default:
        if (const auto text = scalar_text(value)) {
            return mustache::data{*text};
        }
        return mustache::data{mustache::data::type::invalid};
    }
}

std::string_view type_name(const mustache::data& value) {
    if (value.is_list()) {
        return "a list";
    }
    return value.is_object() ? "a mapping" : "empty";
}

/// Answers the library's look-ups and keeps the first error.
class StrictContext final : public mustache::basic_context<std::string> {
public:
    StrictContext(const mustache::data& root, const std::vector<TemplateTag>& tags) : tags_(tags) {
        stack_.push_back(&root);
    }
    void push(const mustache::data* data) override { stack_.push_back(data); }
    void pop() override { stack_.pop_back(); }

    const mustache::data* get(const std::string& name) const override {
        if (name.empty() || name.front() != variable_mark) {
            return section(name);
        }
        const std::size_t index = std::stoul(name.substr(1));
        const mustache::data* value = find(tags_.at(index).name);
        if (value != nullptr && (value->is_string() || value->is_bool())) {
            return value->is_bool() ? bool_text(*value) : value;
        }
        if (!failed_) {
            failed_ = index;
            reason_ = value == nullptr ? fmt::format("'{}' is not defined", tags_.at(index).name)
                                       : fmt::format("'{}' is {}, not a text", tags_.at(index).name,
                                                     type_name(*value));
        }
        return nullptr;
    }
    const mustache::data* get_partial(const std::string& /*name*/) const override {
        return nullptr;
    }
    [[nodiscard]] std::optional<std::size_t> failed() const { return failed_; }
    [[nodiscard]] const std::string& reason() const { return reason_; }

private:
    /// The first part of a dotted name is found in the innermost section that has it, the rest
    /// inside of that. Source: mustache(5), `Dotted Names`.
    [[nodiscard]] const mustache::data* find(const std::string& name) const {
        if (name == ".") {
            return stack_.back();
        }
        const auto parts = mustache::split(name, '.');
        for (auto item = stack_.rbegin(); item != stack_.rend() && !parts.empty(); ++item) {
            const mustache::data* value = (*item)->get(parts.front());
            for (std::size_t i = 1; value != nullptr && i < parts.size(); ++i) {
                value = value->get(parts[i]);
                if (value == nullptr) {
                    return nullptr;
                }
            }
            if (value != nullptr) {
                return value;
            }
        }
        return nullptr;
    }
    /// What the library takes for true although it is none: the empty text and null.
    [[nodiscard]] const mustache::data* section(const std::string& name) const {
        const mustache::data* value = find(name);
        const bool empty =
            value != nullptr &&
            (value->is_invalid() || (value->is_string() && value->string_value().empty()));
        return empty ? nullptr : value;
    }
    static const mustache::data* bool_text(const mustache::data& value) {
        static const mustache::data yes{std::string{"true"}};
        static const mustache::data no{std::string{"false"}};
        return value.is_true() ? &yes : &no;
    }

    const std::vector<TemplateTag>& tags_;
    std::vector<const mustache::data*> stack_;
    mutable std::optional<std::size_t> failed_;
    mutable std::string reason_;
};

} // namespace

struct Template::Parsed {
    std::string text;
    std::vector<TemplateTag> tags;
    std::string marked;
};

Result<Template, TemplateError> Template::read(std::string_view text) {
    if (text.size() > template_size_max) {
        return std::unexpected(
            TemplateError{1, 1, fmt::format("larger than {} bytes", template_size_max)});
    }
    if (const std::size_t at = text.find(variable_mark); at != std::string_view::npos) {
        return std::unexpected(error_at(text, at, "control character 0x01"));
    }
    MUSTER_TRY(tags, read_tags(text));
    auto parsed = std::make_shared<Parsed>();
    parsed->text = text;
    parsed->marked = marked_text(text, tags);
    parsed->tags = std::move(tags);
    return Template{std::move(parsed)};
}

Result<std::string, TemplateError> Template::render(const nlohmann::json& context) const {
    try {
        // Parsed anew for each rendering: the library's render() is not const.
        mustache::mustache text{parsed_->marked};
        if (!text.is_valid()) {
            return std::unexpected(TemplateError{1, 1, text.error_message()});
        }
        text.set_custom_escape([](const std::string& s) { return s; });
        const mustache::data root = library_data(context);
        StrictContext names{root, parsed_->tags};
        std::string out = text.render(names);
        if (const auto failed = names.failed()) {
            return std::unexpected(
                error_at(parsed_->text, parsed_->tags[*failed].begin, names.reason()));
        }
        if (out.size() > rendered_size_max) {
            return std::unexpected(TemplateError{
                1, 1, fmt::format("renders to more than {} bytes", rendered_size_max)});
        }
        return out;
    } catch (const std::exception& error) {
        return std::unexpected(TemplateError{1, 1, error.what()});
    }
}

Result<std::string, TemplateError> render(std::string_view text, const nlohmann::json& context) {
    MUSTER_TRY(read, Template::read(text));
    return read.render(context);
}

} // namespace muster
