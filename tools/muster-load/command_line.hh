// SPDX-License-Identifier: Apache-2.0
// The flags of each sub-command, and their help.
#pragma once

#include "tools/muster-load/options.hh"

#include <boost/program_options.hpp>

namespace muster::load {

namespace po = boost::program_options;

struct Subcommand {
    Kind kind{};
    std::string_view summary;
    std::string_view details;
    std::string_view example;
    void (*add_flags)(po::options_description& flags) = nullptr;
};

/// In the order of the help.
[[nodiscard]] const std::vector<Subcommand>& subcommands();

/// Flags that several sub-commands have; which of them depends on the sub-command.
[[nodiscard]] po::options_description common_flags(const Subcommand& subcommand);
[[nodiscard]] po::options_description own_flags(const Subcommand& subcommand);

[[nodiscard]] std::string help_text();
[[nodiscard]] std::string help_text(const Subcommand& subcommand);

/// The options that the values of flags make.
[[nodiscard]] Options options_of(const Subcommand& subcommand, const po::variables_map& values);

} // namespace muster::load
