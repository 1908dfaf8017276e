// SPDX-License-Identifier: Apache-2.0
// The scalar values of a site: durations, sizes, names, paths, UUIDs. Each reader takes the whole
// text or nothing.
#pragma once

#include "core/base/time.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Longest name of a node: option 12 and NodeBoot hold 63 bytes.
inline constexpr std::size_t host_name_size_max = 63;
/// Longest path of a boot file; boot lines hold several and are themselves bounded.
inline constexpr std::size_t boot_path_size_max = 200;
/// The longest duration that is taken: a lease time must fit 32 bits of seconds, and nothing in
/// an install takes a year.
inline constexpr Duration duration_max = std::chrono::hours{24 * 366};

/// Reads `30s`, `5m`, `1h`, `2h30m`, `1d`, `500ms`: numbers with units, the biggest unit first,
/// none twice. A bare `0` needs no unit.
[[nodiscard]] std::optional<Duration> read_duration(std::string_view text) noexcept;

/// Reads `64MiB`, `10GB`, `512B`, `4096`: bytes.
/// Units: KiB, MiB, GiB, TiB are powers of 1024; kB, MB, GB, TB powers of 1000.
[[nodiscard]] std::optional<std::uint64_t> read_size(std::string_view text) noexcept;

/// Reads `79000000-0000-4000-8000-000000000000` into the order of option 97, whose first three
/// fields are little-endian as in SMBIOS.
/// Source: RFC 4578 section 2.3; observed from iPXE and EDK2 alike.
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> read_uuid(std::string_view text) noexcept;

/// Reads `0x0a00fe`: an even number of hexadecimal digits behind `0x`, at least two; the octets.
[[nodiscard]] std::optional<std::string> read_hex(std::string_view text);

/// Reads what somebody else chose as an identifier: octets as `0x0004000a`, anything else as the
/// text itself. Empty text is none.
[[nodiscard]] std::optional<std::string> read_identifier(std::string_view text);
/// What read_identifier() reads: the text if all of it can be read by people, else `0x…`.
[[nodiscard]] std::string identifier_text(std::string_view octets);

/// Labels of letters, digits and hyphens joined by dots; no label is empty, longer than 63 bytes,
/// or begins or ends with a hyphen. Source: RFC 952, RFC 1123 section 2.1.
[[nodiscard]] bool is_host_name(std::string_view text, std::size_t size_max) noexcept;

/// A name of a profile or an answers file: letters, digits, `.`, `_`, `-`; no leading dot or
/// hyphen, at most 64 bytes. It is part of URLs and stands on command lines.
[[nodiscard]] bool is_plain_name(std::string_view text) noexcept;

/// What a template can name: letters, digits, `_`, `-`, not beginning with a digit or hyphen.
[[nodiscard]] bool is_variable_name(std::string_view text) noexcept;

/// Why `path` cannot name a file below files/ (or be an http:// URL) in every boot loader's
/// script; empty if it can. Only characters that no loader gives a meaning to are taken.
[[nodiscard]] std::string why_not_boot_path(std::string_view path);

/// Why `path` is no relative path inside its folder; empty if it is.
[[nodiscard]] std::string why_not_inside(std::string_view path);

} // namespace muster
