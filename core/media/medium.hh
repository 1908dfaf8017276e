// SPDX-License-Identifier: Apache-2.0
// An installation medium as its listing shows it, and what is recognised in it. Pure values: who
// reads archives is io/media/archive.
#pragma once

#include "core/base/result.hh"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Largest file of a medium whose text is read for recognising it; lists of sums are the largest.
inline constexpr std::uint64_t medium_text_size_max = std::uint64_t{16} << 20U;

enum class MediumEntryKind : std::uint8_t { file, folder, link };

struct MediumEntry {
    MediumEntryKind kind = MediumEntryKind::file;
    std::uint64_t size = 0; ///< bytes; of files only
    std::string target;     ///< of links: what they say, or for hard links the path of the file
    bool hard = false;
};

/// What is on a medium. Paths are relative, without `./`.
struct Medium {
    std::string name; ///< of the file or folder itself: `debian-12.4.0-amd64-DVD-1.iso`
    std::map<std::string, MediumEntry, std::less<>> entries;
    std::map<std::string, std::string, std::less<>> texts; ///< those of is_medium_text()

    /// True if there is a file of this path. A symbolic link counts: the tools follow them.
    [[nodiscard]] bool has_file(std::string_view path) const;
    /// True if anything lies below `folder`.
    [[nodiscard]] bool has_folder(std::string_view folder) const;
    /// The path of the file behind links; empty if there is none, or they lead out or in a circle.
    [[nodiscard]] std::string resolved(std::string_view path) const;
    /// The text of a file, or an empty one.
    [[nodiscard]] std::string_view text(std::string_view path) const;
};

/// Where a symbolic link leads: `target` as written in the link `path`, seen from the medium's top.
/// Empty if it is absolute or leads out.
[[nodiscard]] std::string link_destination(std::string_view path, std::string_view target);

/// True for the small files that recognising needs the text of (by path).
[[nodiscard]] bool is_medium_text(std::string_view path);

/// One file of the medium and where it comes to lie, below files/NAME/.
struct KeptFile {
    std::string from;
    std::string to;
};

/// What a medium is, and how machines are installed from it. Paths are relative to the folder that
/// the medium is imported to, files/NAME.
struct Recognised {
    std::string system;         ///< `Debian 12 (bookworm)`
    std::string what;           ///< `installer ISO with packages`
    std::string architecture;   ///< as Debian names it: `amd64`, `arm64`, …
    std::vector<KeptFile> kept; ///< empty: the whole tree
    std::string whole_as;       ///< the medium itself is kept under this name; empty: it is not
    std::string kernel;
    std::vector<std::string> initrd;
    std::string cmdline;                        ///< Mustache text; `@` stands for NAME
    std::map<std::string, std::string> answers; ///< name asked for → template of this project
    std::map<std::string, std::string> variables;
    std::vector<std::string> advice; ///< for the operator, a sentence each
    /// Its kernel and initrd find no network installation: those of another medium (`--netboot`)
    /// have to be used. `netboot_required` says why; with `netboot_helps` it is an improvement.
    std::string netboot_required;
    bool netboot_helps = false;
    std::string release;           ///< major version, as folder names have it: `12`
    bool starts_installer = false; ///< kernel and initrd alone start a network installation
    std::string family;            ///< `debian`, `alpine`: a `--netboot` must be of the same
    std::string overlay;           ///< an Alpine overlay of this name is made; empty: none
};

/// Finds out what a medium is.
///
/// Errors: a text for the operator: nothing known (names what was looked for), or a known family
/// with something missing (names it).
[[nodiscard]] Result<Recognised, std::string> recognise(const Medium& medium);

} // namespace muster
