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

/// The first line of the file, without blanks around it.
std::string read_token(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) {
        const char* reason = file.eof() ? "it is empty" : std::strerror(errno); // NOLINT: 1 thread
        throw UsageError{fmt::format("--token-file: cannot read '{}': {}", path, reason)};
    }
    constexpr const char* blanks = " \t\r";
    line.erase(0, line.find_first_not_of(blanks));
    line.erase(line.find_last_not_of(blanks) + 1);
    const bool sendable =
        !line.empty() && std::ranges::all_of(line, [](char c) { return c > ' ' && c < 0x7F; });
    if (!sendable) {
        throw UsageError{
            fmt::format("--token-file: the first line of '{}' is no token; allowed are "
                        "printable ASCII characters without blanks",
                        path)};
    }
    return line;
}

} // namespace

Session::Session(po::variables_map values, std::vector<std::string> arguments, std::string server,
                 std::string token_file)
    : values_(std::move(values)),
      arguments_(std::move(arguments)),
      server_(std::move(server)),
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
        api_.emplace(server_, token_file_.empty() ? std::string{} : read_token(token_file_));
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
