// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/watch_view.hh"

#include "tools/muster/progress.hh"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace muster::cli {
namespace {

constexpr std::size_t bar_cells = 16;
constexpr std::size_t summary_bar_cells = 24;
/// Nodes named in one line about what is missing.
constexpr std::size_t named_max = 8;

/// Whether an install of this node is to be expected.
bool counts(const Node& node, bool named) {
    return named || (node.state != "new" && node.state != "ignored");
}

int interest(const Node& node) {
    if (node.state == "failed") {
        return 0;
    }
    return percent_of(node) && node.state != "installed" ? 1 : 2;
}

std::string summary_line(const std::vector<Node>& nodes, const Look& look) {
    std::size_t wanted = 0;
    std::size_t installed = 0;
    for (const Node& node : nodes) {
        wanted += counts(node, false) ? 1U : 0U;
        installed += node.state == "installed" ? 1U : 0U;
    }
    std::string line;
    if (wanted > 0) {
        const auto percent = static_cast<unsigned>(100 * installed / wanted);
        line = progress_bar(percent, summary_bar_cells, look.glyphs) + "  ";
    }
    line += summary_of(nodes);
    return (look.width ? fit(line, *look.width, look.glyphs) : line) + '\n';
}

std::string bytes_cell(const Node& node) {
    if (node.bytes_served == 0 && node.expected_bytes == 0) {
        return {};
    }
    if (node.expected_bytes == 0) {
        return bytes_text(node.bytes_served);
    }
    return fmt::format("{} / {}", bytes_text(node.bytes_served), bytes_text(node.expected_bytes));
}

void add_row(Table& table, const Node& node, UnixTime now, const Look& look) {
    const auto percent = percent_of(node);
    const auto age =
        node.since
            ? age_text(std::chrono::duration_cast<std::chrono::milliseconds>(now - *node.since))
            : std::string{};
    table.add({{node.name},
               {node.state, colour_of(node.state)},
               {percent ? progress_bar(*percent, bar_cells, look.glyphs) : "",
                percent ? colour_of(node.state) : Colour::dim},
               {age},
               {bytes_cell(node)},
               {node.message, node.state == "failed" ? Colour::red : Colour::none}});
}

} // namespace

std::string waits_text(const Json& answer) {
    struct Cause {
        std::string name;
        double total_ms = 0;
        std::uint64_t nodes = 0;
    };
    constexpr double least_ms = 1'000;
    std::vector<Cause> causes;
    const auto of = answer.find("causes");
    if (of == answer.end() || !of->is_object()) {
        return {};
    }
    for (const auto& [name, sum] : of->items()) {
        if (sum.is_object() && sum.value("total_ms", 0.0) >= least_ms) {
            causes.push_back(
                {name, sum.value("total_ms", 0.0), sum.value("nodes", std::uint64_t{0})});
        }
    }
    std::ranges::stable_sort(causes, std::greater{}, &Cause::total_ms);
    const auto time_text = [](double ms) {
        return duration_text(std::chrono::milliseconds{static_cast<std::int64_t>(ms)});
    };
    std::string text;
    for (const Cause& cause : causes) {
        text += fmt::format("{}{} {} of {}", text.empty() ? "waited: " : ", ",
                            printable(cause.name), time_text(cause.total_ms), cause.nodes);
        // Who waited longest for it, where it is among the longest waits of all.
        for (const Json& worst : answer.value("worst", Json::array())) {
            if (worst.is_object() && worst.value("cause", "") == cause.name) {
                text += fmt::format(" ({} {})", printable(worst.value("name", "")),
                                    time_text(worst.value("waited_ms", 0.0)));
                break;
            }
        }
    }
    return text;
}

std::string watch_frame(const std::vector<Node>& nodes, std::string_view waits, UnixTime now,
                        const Look& look) {
    std::string out = summary_line(nodes, look);
    if (!waits.empty() && look.height.value_or(SIZE_MAX) > 4) {
        out += (look.width ? fit(waits, *look.width, look.glyphs) : std::string{waits}) + '\n';
    } else {
        waits = {};
    }
    if (nodes.empty()) {
        return out;
    }
    // Summary, what was waited for, titles, the line of the cursor.
    const std::size_t around = waits.empty() ? 3 : 4;
    std::vector<const Node*> shown;
    for (const Node& node : nodes) {
        shown.push_back(&node);
    }
    std::size_t room = shown.size();
    if (look.height && shown.size() + around > *look.height) {
        std::ranges::stable_sort(shown, {}, [](const Node* node) { return interest(*node); });
        room = *look.height > around + 1 ? *look.height - around - 1 : 0;
    }
    Table table{{{"NAME", Align::left, 8},
                 {"STATE"},
                 {"PROGRESS"},
                 {"FOR", Align::right},
                 {"BYTES", Align::right, 10},
                 {"MESSAGE", Align::left, 7}}};
    for (std::size_t at = 0; at < room; ++at) {
        add_row(table, *shown[at], now, look);
    }
    if (room > 0) {
        out += table.text(look);
    }
    if (room < shown.size()) {
        const std::string rest = fmt::format("and {} more", shown.size() - room);
        out += (look.width ? fit(rest, *look.width, look.glyphs) : rest) + '\n';
    }
    return out;
}

std::string redraw(std::string_view frame, std::size_t previous_lines) {
    std::string out;
    if (previous_lines > 0) {
        out += fmt::format("\r\x1b[{}A", previous_lines);
    }
    for (const char c : frame) {
        if (c == '\n') {
            out += "\x1b[K"; // what an older, longer line left
        }
        out += c;
    }
    return out + "\x1b[J"; // what an older, longer frame left
}

std::vector<std::string> StateChanges::lines(const std::vector<Node>& nodes) {
    std::vector<std::string> lines;
    std::set<std::string_view> present;
    for (const Node& node : nodes) {
        present.insert(node.name);
        const std::uint64_t attempt = node.attempt.value_or(0);
        const auto [seen, is_new] = seen_.try_emplace(node.name);
        if (!is_new && seen->second.state == node.state && seen->second.attempt == attempt) {
            continue;
        }
        std::string line = printable(node.name);
        line += is_new ? " " : fmt::format(" {} -> ", printable(seen->second.state));
        line += printable(node.state);
        line += attempt > 1 ? fmt::format(" (attempt {})", attempt) : "";
        line += node.message.empty() ? "" : fmt::format(": {}", printable(node.message));
        lines.push_back(std::move(line));
        seen->second = {.state = node.state, .attempt = attempt};
    }
    std::erase_if(seen_, [&](const auto& entry) {
        if (present.contains(entry.first)) {
            return false;
        }
        lines.push_back(
            fmt::format("{} {} -> removed", printable(entry.first), printable(entry.second.state)));
        return true;
    });
    return lines;
}

Verdict until_installed(const std::vector<Node>& nodes, bool named) {
    bool any = false;
    bool all = true;
    for (const Node& node : nodes) {
        if (!counts(node, named)) {
            continue;
        }
        if (node.state == "failed") {
            return Verdict::failed;
        }
        any = true;
        all = all && node.state == "installed";
    }
    return any && all ? Verdict::reached : Verdict::waiting;
}

std::string what_is_missing(const std::vector<Node>& nodes, bool named) {
    std::size_t wanted = 0;
    std::vector<std::string> missing;
    for (const Node& node : nodes) {
        if (!counts(node, named)) {
            continue;
        }
        ++wanted;
        if (node.state != "installed") {
            missing.push_back(fmt::format("{} ({})", printable(node.name), printable(node.state)));
        }
    }
    if (wanted == 0) {
        return "no node to install is known";
    }
    std::string out = fmt::format("{} of {} installed", wanted - missing.size(), wanted);
    if (!missing.empty()) {
        const std::size_t shown = std::min(missing.size(), named_max);
        const std::size_t rest = missing.size() - shown;
        missing.resize(shown);
        out += fmt::format("; not: {}", fmt::join(missing, ", "));
        out += rest > 0 ? fmt::format(" and {} more", rest) : "";
    }
    return out;
}

} // namespace muster::cli
