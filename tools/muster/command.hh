// SPDX-License-Identifier: Apache-2.0
// A sub-command of muster: what it is called with, what its help says, and what it does.
#pragma once

#include "tools/muster/api_client.hh"
#include "tools/muster/failure.hh"

#include <boost/program_options.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

namespace po = boost::program_options;

/// What a command was called with, and its way to the server.
class Session {
public:
    Session(po::variables_map values, std::vector<std::string> arguments, std::string server,
            std::string token, std::string token_file);

    /// Value of an option; nullopt when it was not given.
    [[nodiscard]] std::optional<std::string> value(const char* option) const;
    [[nodiscard]] std::string value_or(const char* option, std::string_view otherwise) const;
    /// Values of an option that may be given several times.
    [[nodiscard]] std::vector<std::string> values(const char* option) const;
    [[nodiscard]] bool has(const char* option) const;
    /// What stands on the command line without an option before it.
    [[nodiscard]] const std::vector<std::string>& arguments() const noexcept { return arguments_; }
    [[nodiscard]] const std::string& server() const noexcept { return server_; }

    /// The server. Opened at the first call, so that a command that needs none never reads the
    /// token. Throws UsageError when it cannot be used.
    [[nodiscard]] ApiClient& api();

private:
    po::variables_map values_;
    std::vector<std::string> arguments_;
    std::string server_;
    std::string token_;
    std::string token_file_;
    std::optional<ApiClient> api_;
};

struct Command {
    std::string_view name;
    std::string_view arguments; ///< as the usage line shows them: `NODE... | --tag T`
    std::string_view summary;   ///< one line, for the list of commands
    std::string_view details;   ///< what the help says below the usage line
    std::string_view examples;  ///< lines, each a command and what it does
    std::string_view argument;  ///< what one argument is, for messages: `NODE`
    std::size_t arguments_min = 0;
    std::size_t arguments_max = 0;
    void (*add_options)(po::options_description& options) = nullptr; ///< null: has none
    Exit (*run)(Session& session) = nullptr;                         ///< throws UsageError, Failure
};

/// All commands, in the order of the help.
[[nodiscard]] std::span<const Command> commands();

extern const Command nodes_command;
extern const Command show_command;
extern const Command watch_command;
extern const Command add_command;
extern const Command remove_command;
extern const Command install_command;
extern const Command stop_command;
extern const Command ignore_command;
extern const Command boot_local_command;
extern const Command leases_command;
extern const Command events_command;
extern const Command render_command;
extern const Command pcap_command;
extern const Command check_command;
extern const Command import_command;
extern const Command media_command;
extern const Command token_command;
extern const Command completion_command;

/// Writes to standard output. Throws Failure when it cannot be written (a full disk, say).
void print(std::string_view text);

/// Prints JSON, indented, and a line feed.
void print_json(const Json& json);

/// The value, or a thrown Failure with the text of the error.
template <class Value>
Value require(Result<Value, ApiFailure> result) {
    if (!result) {
        throw Failure{result.error().text};
    }
    return *std::move(result);
}

} // namespace muster::cli
