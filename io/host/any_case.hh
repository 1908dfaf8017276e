// SPDX-License-Identifier: Apache-2.0
// Names that differ in upper and lower case alone: clients from where that means nothing (Windows
// boot managers, loaders of some vendors) ask for `Boot\BCD` and mean `boot/bcd`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// The path below the folder `root` that differs from `path` in the case of ASCII letters alone.
/// Of several the one that sorts first is taken, and an exact name before any other. Symbolic
/// links are followed within `root` only. Reads folders, so it blocks; nullopt: there is none, or
/// a folder of it has more than `any_case_entries_max` entries.
[[nodiscard]] std::optional<std::string> find_any_case(int root, std::string_view path);

inline constexpr unsigned any_case_entries_max = 16'384;

/// True: equal but for the case of ASCII letters.
[[nodiscard]] bool equal_any_case(std::string_view a, std::string_view b) noexcept;

} // namespace muster
