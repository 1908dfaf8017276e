// SPDX-License-Identifier: Apache-2.0
// The sums that a medium carries of its files, in the forms in which distributions write them.
#pragma once

#include "core/media/medium.hh"

#include <map>
#include <string>
#include <string_view>

namespace muster {

enum class SumKind : std::uint8_t { md5, sha1, sha256, sha512 };

[[nodiscard]] std::string_view to_text(SumKind kind) noexcept;

struct Sum {
    SumKind kind = SumKind::md5;
    std::string hex;  ///< lower case
    std::string from; ///< the file that says so
};

/// Path → the strongest sum known of it.
using Sums = std::map<std::string, Sum, std::less<>>;

/// Reads lines `HEX  PATH`, `HEX *PATH` (md5sum and its kin) and `SHA256 (PATH) = HEX` (BSD); other
/// lines are passed over, as these files hold comments and signatures, too. Paths lose `./`.
/// `from` names the file. Source: md5sum(1); .DIGESTS and CHECKSUM files of Flatcar and Fedora.
void read_sum_lines(std::string_view text, std::string_view from, Sums& into);

/// Reads the section [checksums] of a .treeinfo: `PATH = sha256:HEX`.
void read_treeinfo_sums(std::string_view text, std::string_view from, Sums& into);

/// All that the medium says of its own files; paths relative to the medium.
[[nodiscard]] Sums sums_of(const Medium& medium);

/// True if a file beside a medium may hold its sum, by its name: SHA256SUMS, NAME.sha512,
/// NAME.DIGESTS, …-CHECKSUM.
[[nodiscard]] bool is_sums_file(std::string_view name);

} // namespace muster
