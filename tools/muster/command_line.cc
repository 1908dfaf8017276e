// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/command_line.hh"

#include "core/site/site_problem.hh"

#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace muster::cli {
namespace {

constexpr const char* hidden_arguments = "arguments";
constexpr unsigned help_columns = 80;

void add_common_options(po::options_description& options) {
    options.add_options()(
        "server", po::value<std::string>()->value_name("URL"),
        "musterd's admin address. Default: MUSTER_SERVER, else http://127.0.0.1:8067.")(
        "token-file", po::value<std::string>()->value_name("FILE"),
        "File whose first line is the bearer token. Default: the token MUSTER_TOKEN, else the "
        "file MUSTER_TOKEN_FILE, else none.")("help,h", "Print this help.");
}

po::options_description own_options(const Command& command) {
    po::options_description options{"Options", help_columns, help_columns / 2};
    if (command.add_options != nullptr) {
        command.add_options(options);
    }
    return options;
}

po::options_description common_options() {
    po::options_description options{"Common options", help_columns, help_columns / 2};
    add_common_options(options);
    return options;
}

/// What Boost writes of the options, less its blanks at the ends of lines, and with the short name
/// as everyone writes it.
std::string options_text(const po::options_description& options) {
    std::ostringstream stream;
    stream << options;
    std::string out;
    std::istringstream lines{std::move(stream).str()};
    for (std::string line; std::getline(lines, line);) {
        constexpr std::string_view boost_style = "-h [ --help ]";
        if (const auto at = line.find(boost_style); at != std::string::npos) {
            line.replace(at, boost_style.size(), "-h, --help   ");
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

/// The words of the text, on lines of `columns` at most.
std::string wrapped(std::string_view text, std::size_t columns) {
    std::string out;
    std::size_t used = 0;
    std::istringstream words{std::string{text}};
    for (std::string word; words >> word;) {
        const bool fits = used == 0 || used + 1 + word.size() <= columns;
        out += used == 0 ? "" : fits ? " " : "\n";
        used = fits && used > 0 ? used + 1 + word.size() : word.size();
        out += word;
    }
    return out;
}

const Command& find_command(const std::string& name) {
    const auto all = commands();
    const auto found = std::ranges::find(all, name, &Command::name);
    if (found != all.end()) {
        return *found;
    }
    std::vector<std::string_view> names;
    for (const Command& command : all) {
        names.push_back(command.name);
    }
    throw UsageError{fmt::format("unknown command '{}'{} (muster --help lists all)",
                                 printable(name), suggestion(name, std::move(names)))};
}

struct Split {
    const Command* command = nullptr;
    bool help = false;
    bool version = false;
    std::vector<std::string> rest; ///< everything but the command's name
};

/// Finds the command: the first argument that is neither an option nor the value of one. Only
/// the common options may stand before it, as only they are known before it is.
Split split_off_command(const std::vector<std::string>& arguments) {
    Split split;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const std::string& argument = arguments[at];
        if (split.command != nullptr) {
            split.rest.push_back(argument);
            continue;
        }
        if (argument == "--help" || argument == "-h") {
            split.help = true;
        } else if (argument == "--version") {
            split.version = true;
        } else if (argument == "--server" || argument == "--token-file") {
            split.rest.push_back(argument);
            if (at + 1 < arguments.size()) {
                split.rest.push_back(arguments[++at]);
            }
        } else if (argument.starts_with("--server=") || argument.starts_with("--token-file=")) {
            split.rest.push_back(argument);
        } else if (argument.starts_with('-')) {
            throw UsageError{fmt::format("unknown option '{}' before a command; allowed there: "
                                         "--server URL, --token-file FILE, --help, --version",
                                         printable(argument))};
        } else if (argument == "help" && at + 1 >= arguments.size()) {
            split.help = true;
        } else if (argument == "help") {
            split.help = true;
            split.command = &find_command(arguments[++at]);
        } else {
            split.command = &find_command(argument);
        }
    }
    return split;
}

[[noreturn]] void throw_unknown_option(const Command& command, const std::string& option,
                                       const po::options_description& all) {
    std::vector<std::string> names;
    for (const auto& known : all.options()) {
        if (known->long_name() != hidden_arguments) {
            names.push_back("--" + known->long_name());
        }
    }
    throw UsageError{fmt::format("{}: unknown option '{}'{}", command.name, printable(option),
                                 suggestion(option, {names.begin(), names.end()}))};
}

po::variables_map read_options(const Command& command, const std::vector<std::string>& arguments) {
    po::options_description all = own_options(command);
    add_common_options(all);
    all.add_options()(hidden_arguments, po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add(hidden_arguments, -1);
    // Without guessing: a script's `--t` must not change its meaning when an option is added.
    constexpr int style =
        po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::variables_map values;
    try {
        po::store(po::command_line_parser{arguments}
                      .options(all)
                      .positional(positional)
                      .style(style)
                      .run(),
                  values);
    } catch (const po::unknown_option& error) {
        throw_unknown_option(command, error.get_option_name(), all);
    } catch (const po::multiple_occurrences& error) {
        throw UsageError{fmt::format("{}: {} is given more than once; allowed: once", command.name,
                                     error.get_option_name())};
    } catch (const po::error& error) {
        throw UsageError{fmt::format("{}: {}", command.name, printable(error.what()))};
    }
    return values;
}

void check_argument_count(const Command& command, const std::vector<std::string>& arguments) {
    const auto usage = [&](const std::string& problem) {
        return UsageError{fmt::format("{}: {}; usage: muster {} {}", command.name, problem,
                                      command.name, wrapped(command.arguments, SIZE_MAX))};
    };
    if (arguments.size() < command.arguments_min) {
        throw usage(fmt::format("{} is missing", command.argument));
    }
    if (arguments.size() > command.arguments_max) {
        throw usage(
            fmt::format("'{}' is one too many", printable(arguments[command.arguments_max])));
    }
}

std::string setting(const po::variables_map& values, const char* option, const char* variable,
                    const Environment& environment, std::string_view otherwise) {
    if (values.count(option) != 0) {
        return values[option].as<std::string>();
    }
    return environment(variable).value_or(std::string{otherwise});
}

std::vector<OptionText> texts_of(const po::options_description& options) {
    std::vector<OptionText> texts;
    for (const auto& option : options.options()) {
        const auto semantic = option->semantic();
        texts.push_back({.name = option->long_name(),
                         .value = semantic->max_tokens() == 0 ? std::string{} : semantic->name(),
                         .description = option->description()});
    }
    return texts;
}

} // namespace

std::vector<OptionText> option_texts(const Command& command) {
    return texts_of(own_options(command));
}

std::vector<OptionText> common_option_texts() {
    return texts_of(common_options());
}

Invocation read_command_line(const std::vector<std::string>& arguments,
                             const Environment& environment) {
    Split split = split_off_command(arguments);
    Invocation invocation{.command = split.command,
                          .help = split.help,
                          .version = split.version,
                          .values = {},
                          .arguments = {},
                          .server = {},
                          .token = {},
                          .token_file = {}};
    if (split.version || (split.help && split.command == nullptr)) {
        return invocation;
    }
    if (split.command == nullptr) {
        throw UsageError{"no command given; see 'muster --help'"};
    }
    const Command& command = *split.command;
    // Help wins over whatever else is wrong with the line: who asks for it does not know better.
    const auto asks = [](const std::string& word) {
        return word == "--help" || word == "-h";
    };
    const auto end = std::ranges::find(split.rest, "--");
    if (split.help || std::any_of(split.rest.begin(), end, asks)) {
        invocation.help = true;
        return invocation;
    }
    invocation.values = read_options(command, split.rest);
    if (invocation.values.count(hidden_arguments) != 0) {
        invocation.arguments = invocation.values[hidden_arguments].as<std::vector<std::string>>();
    }
    check_argument_count(command, invocation.arguments);
    invocation.server =
        setting(invocation.values, "server", "MUSTER_SERVER", environment, default_server);
    invocation.token_file =
        setting(invocation.values, "token-file", "MUSTER_TOKEN_FILE", environment, "");
    if (invocation.values.count("token-file") == 0) {
        invocation.token = environment("MUSTER_TOKEN").value_or("");
    }
    if (const std::string problem = server_url_problem(invocation.server); !problem.empty()) {
        const bool given = invocation.values.count("server") != 0;
        throw UsageError{fmt::format("{}: '{}' {}; allowed: http://HOST:PORT",
                                     given ? "--server" : "MUSTER_SERVER",
                                     printable(invocation.server), problem)};
    }
    return invocation;
}

std::string help_text() {
    std::string out = "usage: muster [--server URL] [--token-file FILE] COMMAND ...\n\n"
                      "Watches and steers musterd, the network-boot and install server.\n\n"
                      "Commands:\n";
    for (const Command& command : commands()) {
        out += fmt::format("  {:<12}{}\n", command.name, command.summary);
    }
    out += fmt::format("\n{}  {:<22}{}\n\n", options_text(common_options()), "--version",
                       "Print the version.");
    out += "'muster COMMAND --help' tells about one command, with examples.\n"
           "Exit status: 0 done, 1 failed, 2 wrong use.\n";
    return out;
}

std::string help_text(const Command& command) {
    std::string out = fmt::format("usage: muster {}{}{}\n\n{}\n", command.name,
                                  command.arguments.empty() ? "" : " ", command.arguments,
                                  wrapped(command.details, help_columns));
    if (command.add_options != nullptr) {
        out += '\n' + options_text(own_options(command));
    }
    out += '\n' + options_text(common_options());
    out += fmt::format("\n{}:\n{}\n", command.examples.contains('\n') ? "Examples" : "Example",
                       command.examples);
    return out;
}

} // namespace muster::cli
