// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/command_line.hh"

#include <gtest/gtest.h>

#include <map>

namespace muster::cli {
namespace {

using Words = std::vector<std::string>;

Invocation read(const Words& words, std::map<std::string, std::string> variables = {}) {
    return read_command_line(words, [&](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    });
}

/// The text of the refusal; empty when the line is taken.
std::string refusal(const Words& words, std::map<std::string, std::string> variables = {}) {
    try {
        (void)read(words, std::move(variables));
        return {};
    } catch (const UsageError& error) {
        return error.what();
    }
}

TEST(CommandLine, FindsTheCommandAndItsOptions) {
    const Invocation line = read({"nodes", "--state", "failed", "--json"});
    ASSERT_NE(line.command, nullptr);
    EXPECT_EQ(line.command->name, "nodes");
    EXPECT_EQ(line.values["state"].as<std::string>(), "failed");
    EXPECT_EQ(line.values.count("json"), 1U);
    EXPECT_EQ(line.server, "http://127.0.0.1:8067");
    EXPECT_EQ(line.token_file, "");
}

TEST(CommandLine, TakesCommonOptionsOnBothSidesOfTheCommand) {
    for (const Words& words : {Words{"--server", "http://a:1", "--token-file=t", "show", "n1"},
                               Words{"show", "n1", "--token-file", "t", "--server=http://a:1"},
                               Words{"--server=http://a:1", "show", "--token-file", "t", "n1"}}) {
        const Invocation line = read(words);
        EXPECT_EQ(line.command->name, "show");
        EXPECT_EQ(line.arguments, Words{"n1"});
        EXPECT_EQ(line.server, "http://a:1");
        EXPECT_EQ(line.token_file, "t");
    }
}

TEST(CommandLine, PrefersTheLineToTheEnvironment) {
    const std::map<std::string, std::string> variables{{"MUSTER_SERVER", "http://env:1"},
                                                       {"MUSTER_TOKEN_FILE", "env"}};
    EXPECT_EQ(read({"nodes"}, variables).server, "http://env:1");
    EXPECT_EQ(read({"nodes"}, variables).token_file, "env");
    EXPECT_EQ(read({"nodes", "--server", "http://line"}, variables).server, "http://line");
    EXPECT_EQ(read({"nodes", "--token-file", "line"}, variables).token_file, "line");
    const std::map<std::string, std::string> token{{"MUSTER_TOKEN", "t"}};
    EXPECT_EQ(read({"nodes"}, token).token, "t");
    EXPECT_EQ(read({"nodes", "--token-file", "line"}, token).token, "");
}

TEST(CommandLine, TakesAnArgumentThatLooksLikeAnOptionAfterTwoDashes) {
    EXPECT_EQ(read({"show", "--", "--help"}).arguments, Words{"--help"});
}

TEST(CommandLine, GivesHelpWhateverElseTheLineSays) {
    EXPECT_TRUE(read({"--help"}).help);
    EXPECT_TRUE(read({"help"}).help);
    EXPECT_EQ(read({"help", "show"}).command->name, "show");
    EXPECT_TRUE(read({"show", "--no-such", "--help"}).help);
    EXPECT_TRUE(read({"show", "-h"}).help);
    EXPECT_TRUE(read({"--version"}).version);
}

TEST(CommandLine, SaysWhatIsWrongAndWhatIsAllowed) {
    EXPECT_EQ(refusal({}), "no command given; see 'muster --help'");
    EXPECT_EQ(refusal({"ndoes"}),
              "unknown command 'ndoes'; did you mean 'nodes'? (muster --help lists all)");
    EXPECT_EQ(refusal({"xyzzy"}), "unknown command 'xyzzy' (muster --help lists all)");
    EXPECT_EQ(refusal({"nodes", "--stat", "x"}),
              "nodes: unknown option '--stat'; did you mean '--state'?");
    EXPECT_NE(refusal({"nodes", "--xyzzy"}).find("; known are: "), std::string::npos);
    EXPECT_EQ(refusal({"nodes", "--json", "--json"}),
              "nodes: --json is given more than once; allowed: once");
    EXPECT_NE(refusal({"nodes", "--state"}), "");
    EXPECT_EQ(refusal({"nodes", "n1"}), "nodes: 'n1' is one too many; usage: muster nodes "
                                        "[--state STATE] [--tag TAG] [--profile PROFILE] [--json]");
    EXPECT_EQ(refusal({"show"}), "show: NODE is missing; usage: muster show NODE [--json]");
    EXPECT_NE(refusal({"show", "a", "b"}).find("'b' is one too many"), std::string::npos);
    EXPECT_NE(refusal({"--json", "nodes"}).find("unknown option '--json' before"),
              std::string::npos);
}

TEST(CommandLine, RefusesAServerThatIsNoUrlAndSaysWhereItCameFrom) {
    for (const char* url : {"127.0.0.1:8067", "ftp://host", "http://", "http://h:99999",
                            "http://h?q", "http://user@h", "http://h/#f", "http://a b"}) {
        EXPECT_EQ(refusal({"nodes", "--server", url}).find("--server: "), 0U) << url;
        EXPECT_EQ(refusal({"nodes"}, {{"MUSTER_SERVER", url}}).find("MUSTER_SERVER: "), 0U) << url;
    }
    for (const char* url :
         {"http://h", "https://h:1/", "http://[::1]:8067", "http://h/behind/proxy"}) {
        EXPECT_EQ(refusal({"nodes", "--server", url}), "") << url;
    }
}

TEST(Help, NamesEveryOptionAndAnExampleOfEveryCommand) {
    for (const Command& command : commands()) {
        const std::string text = help_text(command);
        EXPECT_NE(help_text().find(std::string{command.summary}), std::string::npos);
        EXPECT_EQ(text.find("usage: muster " + std::string{command.name}), 0U) << text;
        EXPECT_NE(command.examples.find("muster " + std::string{command.name}), std::string::npos);
        EXPECT_EQ(text.find(" \n"), std::string::npos) << text;
        po::options_description options;
        if (command.add_options != nullptr) {
            command.add_options(options);
        }
        for (const auto& option : options.options()) {
            EXPECT_NE(command.arguments.find("--" + option->long_name()), std::string::npos)
                << command.name << ": its usage line has no --" << option->long_name();
        }
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
        }
    }
}

} // namespace
} // namespace muster::cli
