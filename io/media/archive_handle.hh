// SPDX-License-Identifier: Apache-2.0
// What every reader of libarchive needs: a handle that frees itself, and what went wrong in words.
#pragma once

#include <archive.h>

#include <memory>
#include <string>

namespace muster {

struct ArchiveFree {
    void operator()(archive* handle) const noexcept { archive_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveFree>;

[[nodiscard]] inline std::string archive_error_text(archive* handle) {
    const char* text = archive_error_string(handle);
    return text == nullptr ? "unknown error" : text;
}

} // namespace muster
