// SPDX-License-Identifier: Apache-2.0
// muster completion -- what a shell completes command lines with.
#include "tools/muster/command.hh"
#include "tools/muster/completion.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

namespace muster::cli {
namespace {

Exit run_completion(Session& session) {
    const std::string& shell = session.arguments().front();
    if (shell == "bash") {
        print(bash_completion());
    } else if (shell == "zsh") {
        print(zsh_completion());
    } else if (shell == "fish") {
        print(fish_completion());
    } else {
        throw UsageError{fmt::format("completion: '{}' is no shell that can be completed for; "
                                     "allowed: bash, zsh, fish",
                                     printable(shell))};
    }
    return Exit::success;
}

} // namespace

const Command completion_command{
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Print what a shell completes muster with.",
    .details = "Prints a script with which bash, zsh or fish completes commands, options, states, "
               "files and the names of nodes. For the names it asks the server of MUSTER_SERVER.",
    .examples = "  source <(muster completion bash)\n"
                "  muster completion zsh > /usr/local/share/zsh/site-functions/_muster\n"
                "  muster completion fish > ~/.config/fish/completions/muster.fish",
    .argument = "bash|zsh|fish",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = nullptr,
    .run = run_completion,
};

} // namespace muster::cli
