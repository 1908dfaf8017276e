// SPDX-License-Identifier: Apache-2.0
// Mustache templates: boot command lines and installer answers.
#pragma once

#include "core/base/result.hh"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace muster {

/// Longest template, and longest text that one may render to.
inline constexpr std::size_t template_size_max = std::size_t{1} << 20U;
inline constexpr std::size_t rendered_size_max = std::size_t{4} << 20U;
/// Sections inside sections.
inline constexpr unsigned section_depth_max = 32;

/// Why a template is bad or cannot be rendered. Line and column count from 1.
struct TemplateError {
    unsigned line = 1;
    unsigned column = 1;
    std::string reason;

    friend bool operator==(const TemplateError&, const TemplateError&) = default;
};

/// A template that has been read. Cheap to copy.
///
/// The dialect is Mustache with dotted names, sections, inverted sections, comments and changed
/// delimiters. Nothing is escaped: what is rendered is no HTML, so `{{x}}` and `{{{x}}}` are the
/// same. Partials are refused. Differing from plain Mustache, a variable that is not defined, or
/// that is no scalar, is an error: a typo in an answers file must not silently become nothing. As
/// the name of a section it may be undefined, which counts as false, as do `false`, null, the empty
/// list and the empty text.
/// Source: mustache(5).
class Template {
public:
    /// Reads a template. Errors: unclosed or unopened sections and tags, partials, too large.
    [[nodiscard]] static Result<Template, TemplateError> read(std::string_view text);

    /// Renders with the members of `context`, a JSON object.
    [[nodiscard]] Result<std::string, TemplateError> render(const nlohmann::json& context) const;

private:
    struct Parsed;
    explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

    std::shared_ptr<const Parsed> parsed_;
};

/// Reads and renders at once.
[[nodiscard]] Result<std::string, TemplateError> render(std::string_view text,
                                                        const nlohmann::json& context);

} // namespace muster
