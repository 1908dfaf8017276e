// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/scratch_folder.hh"

#include "tools/muster/failure.hh"

#include <fmt/format.h>
#include <stdlib.h> // NOLINT: mkdtemp

#include <cerrno>
#include <cstring>
#include <fstream>

namespace fs = std::filesystem;

namespace muster::cli {

ScratchFolder::ScratchFolder(std::string_view what) {
    std::string path = (fs::temp_directory_path() / fmt::format("muster-{}-XXXXXX", what)).string();
    if (mkdtemp(path.data()) == nullptr) {
        throw Failure{fmt::format("cannot make a temporary folder: {}", std::strerror(errno))};
    }
    path_ = path;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void write_text(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream file{path, std::ios::binary};
    file << text;
    if (!file.flush()) {
        throw Failure{fmt::format("cannot write {}", path.string())};
    }
}

} // namespace muster::cli
