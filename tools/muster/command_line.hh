// SPDX-License-Identifier: Apache-2.0
// The command line of muster: finds the command, reads its options, writes its help.
#pragma once

#include "tools/muster/command.hh"

#include <functional>

namespace muster::cli {

inline constexpr std::string_view default_server = "http://127.0.0.1:8067";

/// Reads a variable of the environment; nullopt when it is not set or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;

struct Invocation {
    const Command* command = nullptr; ///< null: help on everything, or the version
    bool help = false;
    bool version = false;
    po::variables_map values;
    std::vector<std::string> arguments;
    std::string server;
    std::string token;      ///< as the environment has it; empty: that of the file
    std::string token_file; ///< empty: none
};

/// Reads the arguments after the program's name. `--server` and `--token-file` may stand before or
/// after the command; they beat MUSTER_SERVER, MUSTER_TOKEN and MUSTER_TOKEN_FILE, in
/// this order.
///
/// Errors: throws UsageError, whose text begins with the command it is about.
[[nodiscard]] Invocation read_command_line(const std::vector<std::string>& arguments,
                                           const Environment& environment);

/// An option as its help describes it.
struct OptionText {
    std::string name;  ///< without dashes
    std::string value; ///< what its value is called; empty: it has none
    std::string description;
};

[[nodiscard]] std::vector<OptionText> option_texts(const Command& command);
/// Of those that all commands have.
[[nodiscard]] std::vector<OptionText> common_option_texts();

/// Help on everything: the commands, the options they share.
[[nodiscard]] std::string help_text();

/// Help on one command, with an example.
[[nodiscard]] std::string help_text(const Command& command);

} // namespace muster::cli
