// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/flight.hh"

#include "tools/muster/node.hh"
#include "tools/muster/table.hh"

#include <fmt/format.h>

#include <map>

namespace muster::cli {
namespace {

/// Every entry of a list that is an object.
std::vector<Json> objects_of(const Json& json, std::string_view key) {
    std::vector<Json> objects;
    const auto list = json.find(key);
    if (list != json.end() && list->is_array()) {
        for (const Json& entry : *list) {
            if (entry.is_object()) {
                objects.push_back(entry);
            }
        }
    }
    return objects;
}

std::string seconds_of(std::uint64_t ms) {
    return fmt::format("{:.1f}", static_cast<double>(ms) / 1'000);
}

/// `/files/linux: 8.0 MiB in 1.2 s`, `PXE ROM, x64 UEFI: 10.0.0.21 (3 times in 12.0 s)`
std::string entry_text(const Json& entry) {
    std::string text = text_of(entry, "text");
    const std::uint64_t time = number_of(entry, "time").value_or(0);
    const std::uint64_t last = std::max(number_of(entry, "last").value_or(0), time);
    const std::uint64_t count = number_of(entry, "count").value_or(1);
    if (const auto bytes = number_of(entry, "bytes")) {
        const std::string end = text_of(entry, "end");
        text += fmt::format(": {} in {} s{}", bytes_text(*bytes), seconds_of(last - time),
                            end == "runs"         ? ", runs"
                            : end == "broken-off" ? ", broken off"
                                                  : "");
        return count > 1 ? fmt::format("{} ({} transfers)", text, count) : text;
    }
    return count > 1 ? fmt::format("{} ({} times in {} s)", text, count, seconds_of(last - time))
                     : text;
}

} // namespace

std::string flight_text(const Json& timeline, const Look& look) {
    Table table{{{"BOOT", Align::right},
                 {"SECONDS", Align::right},
                 {"KIND", Align::left},
                 {"WHAT", Align::left, 8}}};
    std::map<std::uint64_t, std::uint64_t> began; // of each boot
    for (const Json& entry : objects_of(timeline, "recorder")) {
        const std::uint64_t boot = number_of(entry, "boot").value_or(0);
        const std::uint64_t time = number_of(entry, "time").value_or(0);
        const std::uint64_t begin = began.try_emplace(boot, time).first->second;
        table.add({{fmt::to_string(boot)},
                   {seconds_of(time - std::min(begin, time))},
                   {text_of(entry, "kind")},
                   {entry_text(entry)}});
    }
    return table.rows() == 0 ? std::string{} : table.text(look);
}

std::string findings_text(const Json& timeline, const Look& look) {
    std::string text;
    for (const Json& finding : objects_of(timeline, "findings")) {
        text += fmt::format("{}: {}\n",
                            coloured(printable(text_of(finding, "code")), Colour::red, look),
                            printable(text_of(finding, "message")));
    }
    return text;
}

} // namespace muster::cli
