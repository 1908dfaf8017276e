// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/command.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

namespace muster::cli {
namespace {

/// Less blanks around it. `source` and `what` are for the message.
std::string checked_token(std::string token, std::string_view source, std::string_view what) {
    constexpr const char* blanks = " \t\r";
    token.erase(0, token.find_first_not_of(blanks));
    token.erase(token.find_last_not_of(blanks) + 1);
    const bool sendable =
        !token.empty() && std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
    if (!sendable) {
        throw UsageError{fmt::format("{}: {} is no token; allowed are printable ASCII characters "
                                     "without blanks",
                                     source, what)};
    }
    return token;
}

/// The first line of the file.
std::string read_token(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) {
        const char* reason = file.eof() ? "it is empty" : std::strerror(errno); // NOLINT: 1 thread
        throw UsageError{fmt::format("--token-file: cannot read '{}': {}", path, reason)};
    }
    return checked_token(std::move(line), "--token-file",
                         fmt::format("the first line of '{}'", path));
}

} // namespace

Session::Session(po::variables_map values, std::vector<std::string> arguments, std::string server,
                 std::string token, std::string token_file)
    : values_(std::move(values)),
      arguments_(std::move(arguments)),
      server_(std::move(server)),
      token_(std::move(token)),
      token_file_(std::move(token_file)) {}

std::optional<std::string> Session::value(const char* option) const {
    if (values_.count(option) == 0) {
        return std::nullopt;
    }
    return values_[option].as<std::string>();
}

std::string Session::value_or(const char* option, std::string_view otherwise) const {
    return value(option).value_or(std::string{otherwise});
}

std::vector<std::string> Session::values(const char* option) const {
    if (values_.count(option) == 0) {
        return {};
    }
    return values_[option].as<std::vector<std::string>>();
}

bool Session::has(const char* option) const {
    return values_.count(option) != 0;
}

ApiClient& Session::api() {
    if (!api_) {
        std::string token;
        if (!token_.empty()) {
            token = checked_token(token_, "MUSTER_TOKEN", "its value"); // which is not to be shown
        } else if (!token_file_.empty()) {
            token = read_token(token_file_);
        }
        api_.emplace(server_, std::move(token));
    }
    return *api_;
}

void print(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!written || std::fflush(stdout) != 0) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        throw Failure{fmt::format("cannot write standard output: {}", std::strerror(errno))};
    }
}

void print_json(const Json& json) {
    print(json.dump(2) + '\n');
}

} // namespace muster::cli
