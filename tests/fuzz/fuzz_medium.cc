// SPDX-License-Identifier: Apache-2.0
// Anything as the files of an installation medium: each part of the input up to a zero octet is a
// path or, for the small files whose text counts, a path, a line feed and the text. What comes out
// as a profile names no path that leads out, and is one document that a YAML reader takes.
#include "core/base/check.hh"
#include "core/media/profile_text.hh"
#include "core/media/sums.hh"
#include "core/site/scalar.hh"

#include <cstddef>
#include <cstdint>
#include <string>

using namespace muster;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string input(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        input[i] = static_cast<char>(data[i]);
    }
    Medium medium;
    medium.name = "medium.iso";
    for (std::size_t at = 0; at < input.size();) {
        const std::size_t end = std::min(input.find('\0', at), input.size());
        const std::string part = input.substr(at, end - at);
        at = end + 1;
        const std::size_t line = part.find('\n');
        const std::string path = part.substr(0, line);
        medium.entries[path] = {};
        if (line != std::string::npos && is_medium_text(path)) {
            medium.texts[path] = part.substr(line + 1);
        } else if (line != std::string::npos) {
            medium.entries[path] = {MediumEntryKind::link, 0, part.substr(line + 1), false};
        }
        (void)medium.resolved(path);
    }
    for (const auto& [path, sum] : sums_of(medium)) {
        MUSTER_CHECK(!path.empty() && sum.hex.size() >= 32 && !sum.from.empty());
    }
    const auto found = recognise(medium);
    if (!found) {
        MUSTER_CHECK(!found.error().empty());
        return 0;
    }
    MUSTER_CHECK(found->kernel.empty() == !found->netboot_required.empty());
    for (const KeptFile& file : found->kept) {
        MUSTER_CHECK(medium.has_file(file.from));
    }
    const auto profile = profile_yaml(*found, "name", medium.name);
    if (profile) {
        MUSTER_CHECK(why_not_boot_path("name/" + found->kernel).empty());
        // Nothing that a medium says begins a line of its own: these do, and no others.
        std::size_t keys = 0;
        for (std::size_t at = 0; at < profile->size(); at = profile->find('\n', at) + 1) {
            const char first = (*profile)[at];
            MUSTER_CHECK(first == '#' || first == ' ' || (first >= 'a' && first <= 'z'));
            keys += first >= 'a' && first <= 'z' ? 1U : 0U;
        }
        MUSTER_CHECK(keys <= 8);
    }
    return 0;
}
