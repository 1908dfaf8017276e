// SPDX-License-Identifier: Apache-2.0
// What shells complete a command line of muster with, made of the same descriptions as its help.
#pragma once

#include <string>

namespace muster::cli {

/// The script that bash reads. It needs no package bash-completion.
[[nodiscard]] std::string bash_completion();

/// The script that zsh reads: by `source`, or as `_muster` in a folder of its `fpath`.
[[nodiscard]] std::string zsh_completion();

/// The script that fish reads.
[[nodiscard]] std::string fish_completion();

} // namespace muster::cli
