// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/event_line.hh"

#include "tools/muster/node.hh"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace muster::cli {
namespace {

/// What a line has no column for: text as it is, anything else as JSON.
std::string details_of(const Json& event) {
    std::string out;
    for (const auto& [key, value] : event.items()) {
        if (key == "id" || key == "time" || key == "event" || key == "node" || value.is_null()) {
            continue;
        }
        const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        if (!text.empty()) {
            out += out.empty() ? "" : " ";
            out += key == "message" ? text : fmt::format("{}={}", key, text);
        }
    }
    return out;
}

} // namespace

std::string event_line(const Json& event, const Look& look) {
    const auto time = number_of(event, "time").value_or(0);
    const std::string node = text_of(event, "node");
    std::string line = fmt::format(
        "{:%Y-%m-%d %H:%M:%S} {:<10} {:<15} {}",
        fmt::localtime(static_cast<std::time_t>(time / 1000)), node.empty() ? "-" : printable(node),
        printable(text_of(event, "event")), printable(details_of(event)));
    line.erase(line.find_last_not_of(' ') + 1);
    return (look.width ? fit(line, *look.width, look.glyphs) : line) + '\n';
}

} // namespace muster::cli
