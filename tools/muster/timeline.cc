// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/timeline.hh"

#include "tools/muster/node.hh"
#include "tools/muster/table.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace muster::cli {
namespace {

/// For marks of the same millisecond; JSON has them by the alphabet.
constexpr std::array<std::string_view, 7> boot_order{"offer",   "loader",  "script",   "kernel",
                                                     "answers", "started", "installed"};

std::string seconds_text(Duration time) {
    return fmt::format("{:.1f}", std::chrono::duration<double>(time).count());
}

std::vector<TimelineWait> read_waits(const Json& entry) {
    std::vector<TimelineWait> waits;
    const auto causes = entry.find("waited_ms_by_cause");
    if (causes == entry.end() || !causes->is_object()) {
        return waits; // of a server that knows nothing of it
    }
    for (const auto& [cause, value] : causes->items()) {
        if (value.is_number() && value.get<double>() > 0) {
            waits.push_back({cause, value.get<double>()});
        }
    }
    std::ranges::stable_sort(waits, std::ranges::greater{}, &TimelineWait::ms);
    return waits;
}

} // namespace

std::vector<TimelineAttempt> read_timeline(const Json& json) {
    std::vector<TimelineAttempt> attempts;
    const auto list = json.find("attempts");
    if (list == json.end() || !list->is_array()) {
        return attempts;
    }
    for (const Json& entry : *list) {
        const auto marks = entry.find("marks");
        if (marks == entry.end() || !marks->is_object()) {
            continue;
        }
        TimelineAttempt attempt{
            .attempt = number_of(entry, "attempt").value_or(0), .marks = {}, .waits = {}};
        for (const auto& [name, value] : marks->items()) {
            const auto at = number_of(*marks, name);
            if (at && *at > 0) {
                attempt.marks.push_back({name, UnixTime{static_cast<std::int64_t>(*at)}});
            }
        }
        std::ranges::stable_sort(attempt.marks, {}, [](const TimelineMark& mark) {
            return std::pair{mark.at, std::ranges::find(boot_order, mark.name)};
        });
        attempt.waits = read_waits(entry);
        attempts.push_back(std::move(attempt));
    }
    return attempts;
}

std::string timeline_text(const std::vector<TimelineAttempt>& attempts, const Look& look) {
    Table table{{{"TRY", Align::right},
                 {"SECONDS", Align::right},
                 {"STEP", Align::right},
                 {"WHAT", Align::left, 8}}};
    for (const TimelineAttempt& attempt : attempts) {
        for (std::size_t at = 0; at < attempt.marks.size(); ++at) {
            const TimelineMark& mark = attempt.marks[at];
            const UnixTime before = attempt.marks[at == 0 ? 0 : at - 1].at;
            table.add({{fmt::to_string(attempt.attempt)},
                       {seconds_text(mark.at - attempt.marks.front().at)},
                       {at == 0 ? "" : "+" + seconds_text(mark.at - before)},
                       {mark.name}});
        }
    }
    return table.rows() == 0 ? std::string{} : table.text(look);
}

std::string waits_text(const std::vector<TimelineAttempt>& attempts, const Look& look) {
    Table table{{{"TRY", Align::right}, {"SECONDS", Align::right}, {"CAUSE", Align::left, 8}}};
    for (const TimelineAttempt& attempt : attempts) {
        for (const TimelineWait& wait : attempt.waits) {
            table.add({{fmt::to_string(attempt.attempt)},
                       {fmt::format("{:.3f}", wait.ms / 1'000)},
                       {wait.cause}});
        }
    }
    return table.rows() == 0 ? std::string{} : table.text(look);
}

} // namespace muster::cli
