// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/values.hh"

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"

#include "tools/muster/node.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace muster::cli {
namespace {

std::optional<double> milliseconds_of(std::string_view unit) {
    if (unit == "ms") {
        return 1;
    }
    if (unit.empty() || unit == "s") {
        return 1000;
    }
    if (unit == "m") {
        return 60'000;
    }
    if (unit == "h") {
        return 3'600'000;
    }
    return std::nullopt;
}

} // namespace

std::chrono::milliseconds read_duration(std::string_view option, const std::string& text,
                                        std::chrono::milliseconds least,
                                        std::chrono::milliseconds most) {
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    const auto unit = milliseconds_of({rest, end});
    const double ms = number * unit.value_or(0);
    if (error != std::errc{} || !unit || !(ms >= static_cast<double>(least.count())) ||
        !(ms <= static_cast<double>(most.count()))) {
        throw UsageError{fmt::format("--{}: '{}' is not allowed; allowed: {} to {}, as 500ms, 2s, "
                                     "5m or 1h",
                                     option, printable(text), duration_text(least),
                                     duration_text(most))};
    }
    return std::chrono::milliseconds{std::llround(ms)};
}

std::string read_state(const std::string& text) {
    if (std::ranges::find(node_states, text) == node_states.end()) {
        throw UsageError{fmt::format("--state: '{}' is no state; allowed: {}", printable(text),
                                     fmt::join(node_states, ", "))};
    }
    return text;
}

std::string read_mac(const std::string& text) {
    const auto mac = read_mac_address(text);
    if (!mac) {
        throw UsageError{fmt::format("--mac: '{}' is no Ethernet address; allowed: six bytes as "
                                     "52:54:00:0a:0b:0c",
                                     printable(text))};
    }
    return to_text(*mac);
}

std::string read_ipv4(const std::string& text) {
    const auto address = read_ipv4_address(text);
    if (!address) {
        throw UsageError{
            fmt::format("--address: '{}' is no IPv4 address; allowed: 10.0.0.21", printable(text))};
    }
    return to_text(*address);
}

std::pair<std::string, std::string> read_variable(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw UsageError{
            fmt::format("--variable: '{}' is no NAME=VALUE, as disk=/dev/vda", printable(text))};
    }
    return {text.substr(0, equals), text.substr(equals + 1)};
}

void add_filter_options(po::options_description& options) {
    options.add_options()("state", po::value<std::string>()->value_name("STATE"),
                          "Only nodes in this state: new, ready, booting, loading, installing, "
                          "installed, failed or ignored.")(
        "tag", po::value<std::string>()->value_name("TAG"),
        "Only nodes with this tag.")("profile", po::value<std::string>()->value_name("PROFILE"),
                                     "Only nodes that get this profile.");
}

Query filter_query(const Session& session) {
    Query query;
    if (const auto state = session.value("state")) {
        query.emplace_back("state", read_state(*state));
    }
    query.emplace_back("tag", session.value_or("tag", ""));
    query.emplace_back("profile", session.value_or("profile", ""));
    return query;
}

} // namespace muster::cli
