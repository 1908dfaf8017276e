// SPDX-License-Identifier: Apache-2.0
// Queries and form bodies: `percent=40&message=unpacking%20root` (URL Standard section 5.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

inline constexpr std::size_t query_pairs_max = 64; ///< more are not looked at

/// Names and values of a query or an `application/x-www-form-urlencoded` body.
class UrlQuery {
public:
    /// Adds the pairs of `text`; `+` is a space, a broken `%` escape stands for itself.
    void read(std::string_view text);

    /// The first value of that name; nullptr when there is none.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view value(std::string_view name) const noexcept {
        const std::string* const found = find(name);
        return found == nullptr ? std::string_view{} : std::string_view{*found};
    }
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& pairs() const noexcept {
        return pairs_;
    }

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
};

/// A decimal number without sign; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> read_count(std::string_view text) noexcept;

/// One line that is safe in a log, a terminal and JSON: control characters and bytes that are not
/// UTF-8 become `?`; cut at `size_max` bytes, at a character's end.
[[nodiscard]] std::string clean_line(std::string_view text, std::size_t size_max);

} // namespace muster
