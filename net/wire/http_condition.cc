// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_condition.hh"

#include "net/wire/http_date.hh"
#include "net/wire/http_text.hh"

#include <optional>

namespace muster {
namespace {

struct EntityTag {
    std::string_view opaque; ///< with its quotes
    bool weak = false;
};

/// Takes the next tag off a list; nullopt at its end or where it stops being one. Tags may hold
/// commas, so the list is walked by quotes.
std::optional<EntityTag> take_tag(std::string_view& list) noexcept {
    while (!list.empty() && (list.front() == ',' || list.front() == ' ' || list.front() == '\t')) {
        list.remove_prefix(1);
    }
    EntityTag tag;
    if (list.starts_with("W/")) {
        tag.weak = true;
        list.remove_prefix(2);
    }
    if (!list.starts_with('"')) {
        return std::nullopt;
    }
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    tag.opaque = list.substr(0, end + 1);
    list.remove_prefix(end + 1);
    return tag;
}

enum class Comparison : std::uint8_t { strong, weak };

/// Ours is always strong, so only the other side's weakness matters.
bool list_names(std::string_view list, std::string_view etag, Comparison comparison) noexcept {
    if (trim(list) == "*") {
        return true;
    }
    while (const auto tag = take_tag(list)) {
        if (tag->opaque == etag && (comparison == Comparison::weak || !tag->weak)) {
            return true;
        }
    }
    return false;
}

constexpr std::int64_t whole_seconds(UnixTime at) noexcept {
    return at.ms / 1000;
}

/// The date of a field where it can be compared with the content's; nullopt: the field is void.
std::optional<std::int64_t> comparable(std::string_view field,
                                       const HttpValidators& validators) noexcept {
    const auto date = validators.modified.ms > 0 ? read_http_date(field) : std::nullopt;
    return date ? std::optional{whole_seconds(*date)} : std::nullopt;
}

} // namespace

ConditionVerdict weigh_conditions(const HttpConditions& conditions,
                                  const HttpValidators& validators) noexcept {
    const std::int64_t modified = whole_seconds(validators.modified);
    if (!conditions.if_match.empty()) {
        if (!list_names(conditions.if_match, validators.etag, Comparison::strong)) {
            return ConditionVerdict::failed;
        }
    } else if (const auto since = comparable(conditions.if_unmodified_since, validators)) {
        if (modified > *since) {
            return ConditionVerdict::failed;
        }
    }
    if (!conditions.if_none_match.empty()) {
        if (list_names(conditions.if_none_match, validators.etag, Comparison::weak)) {
            return ConditionVerdict::not_modified;
        }
    } else if (const auto since = comparable(conditions.if_modified_since, validators)) {
        if (modified <= *since) {
            return ConditionVerdict::not_modified;
        }
    }
    return ConditionVerdict::proceed;
}

bool range_applies(std::string_view if_range, const HttpValidators& validators,
                   UnixTime now) noexcept {
    if (if_range.empty()) {
        return true;
    }
    if (if_range.starts_with('"') || if_range.starts_with("W/")) {
        return if_range == validators.etag; // a weak one differs by its W/
    }
    const auto date = comparable(if_range, validators);
    return date && *date == whole_seconds(validators.modified) && *date < whole_seconds(now);
}

} // namespace muster
