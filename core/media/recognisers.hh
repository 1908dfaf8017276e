// SPDX-License-Identifier: Apache-2.0
// One recogniser for each family of media, and what they share. Internal to core/media.
#pragma once

#include "core/media/medium.hh"

#include <optional>

namespace muster {

/// What one family's recogniser says: nothing if the medium is none of its family, else what it is
/// or what is missing of it.
using Verdict = std::optional<Result<Recognised, std::string>>;

struct Recogniser {
    std::string_view looks_for; ///< for the message on unknown media
    Verdict (*recognise)(const Medium& medium);
};

[[nodiscard]] Verdict recognise_debian_netboot(const Medium& medium);
[[nodiscard]] Verdict recognise_debian_iso(const Medium& medium);
[[nodiscard]] Verdict recognise_ubuntu_iso(const Medium& medium);
[[nodiscard]] Verdict recognise_ubuntu_netboot(const Medium& medium);
[[nodiscard]] Verdict recognise_coreos(const Medium& medium);
[[nodiscard]] Verdict recognise_anaconda(const Medium& medium);
[[nodiscard]] Verdict recognise_suse(const Medium& medium);
[[nodiscard]] Verdict recognise_alpine(const Medium& medium);
[[nodiscard]] Verdict recognise_flatcar(const Medium& medium);
[[nodiscard]] Verdict recognise_arch(const Medium& medium);

/// The refusal of a medium that looks like `system`, but lacks `path`.
[[nodiscard]] Verdict lacks(std::string_view system, std::string_view because,
                            std::string_view path);

/// The value of `key` in a section of an INI file; empty if there is none.
[[nodiscard]] std::string_view ini_value(std::string_view text, std::string_view section,
                                         std::string_view key);

/// The first word of the text that begins with a digit; a version, most times.
[[nodiscard]] std::string_view first_number_word(std::string_view text);

/// What stands between the first two `open` and `close`; empty if nothing does.
[[nodiscard]] std::string_view between(std::string_view text, char open, char close);

/// The files of the medium whose path ends with `ending`, in order.
[[nodiscard]] std::vector<std::string> files_ending(const Medium& medium, std::string_view ending);

/// `12.4.0` → `12`.
[[nodiscard]] std::string major_version(std::string_view version);

/// Ends a command line: what the site's variable `kernel_args` adds.
inline constexpr std::string_view more_kernel_args =
    "{{#kernel_args}} {{kernel_args}}{{/kernel_args}}";

} // namespace muster
