// SPDX-License-Identifier: Apache-2.0
// muster, the operator's command: a client of musterd's admin API.
#include "tools/muster/command_line.hh"
#include "tools/muster/text.hh"

#include <curl/curl.h>
#include <fmt/format.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace muster::cli {
namespace {

Exit run(const std::vector<std::string>& arguments) {
    const Environment environment = [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
        if (value == nullptr || *value == '\0') {
            return std::nullopt;
        }
        return value;
    };
    Invocation invocation = read_command_line(arguments, environment);
    if (invocation.version) {
        print(fmt::format("muster {} (libcurl {})\n", MUSTER_VERSION,
                          curl_version_info(CURLVERSION_NOW)->version));
        return Exit::success;
    }
    if (invocation.help) {
        print(invocation.command == nullptr ? help_text() : help_text(*invocation.command));
        return Exit::success;
    }
    Session session{std::move(invocation.values), std::move(invocation.arguments),
                    std::move(invocation.server), std::move(invocation.token),
                    std::move(invocation.token_file)};
    return invocation.command->run(session);
}

} // namespace
} // namespace muster::cli

int main(int count, char** words) {
    using muster::cli::Exit;
    // Only how characters are encoded comes from the locale; numbers stay as they are.
    std::setlocale(LC_CTYPE, ""); // NOLINT(concurrency-mt-unsafe): one thread
    curl_global_init(CURL_GLOBAL_DEFAULT);
    Exit exit = Exit::failure;
    try {
        exit = muster::cli::run({words + (count > 0 ? 1 : 0), words + count});
    } catch (const muster::cli::UsageError& error) {
        fmt::print(stderr, "muster: {}\n", error.what());
        exit = Exit::wrong_use;
    } catch (const std::exception& error) {
        fmt::print(stderr, "muster: {}\n", error.what());
    }
    curl_global_cleanup();
    return static_cast<int>(exit);
}
