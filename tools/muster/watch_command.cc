// SPDX-License-Identifier: Apache-2.0
// muster watch -- asks again and again, and shows what changed.
#include "tools/muster/command.hh"
#include "tools/muster/values.hh"
#include "tools/muster/watch_view.hh"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

namespace muster::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// A musterd that restarts is waited for this long; it takes a second or two.
constexpr auto patience = 30s;
/// Names are asked for one by one, so there must not be a thousand of them every second.
constexpr std::size_t names_max = 64;

void add_watch_options(po::options_description& options) {
    options.add_options()("tag", po::value<std::string>()->value_name("TAG"),
                          "Only nodes with this tag.")(
        "interval", po::value<std::string>()->value_name("TIME"),
        "How often to ask, 100ms to 1h. Default: 1s.")(
        "until", po::value<std::string>()->value_name("STATE"),
        "End with status 0 when all nodes are installed, 1 as soon as one failed. Nodes that are "
        "new or ignored count only when they are named. Allowed: installed.")(
        "timeout", po::value<std::string>()->value_name("TIME"),
        "With --until: end with status 1 after this time, 100ms to 720h. Default: never.");
}

struct Wish {
    std::vector<std::string> names;
    std::string tag;
    std::chrono::milliseconds interval = 1s;
    bool until_installed = false;
    std::optional<std::chrono::milliseconds> timeout;

    [[nodiscard]] bool named() const { return !names.empty(); }
};

Wish read_wish(const Session& session) {
    Wish wish;
    wish.names = session.arguments();
    wish.tag = session.value_or("tag", "");
    if (!wish.names.empty() && !wish.tag.empty()) {
        throw UsageError{"watch: names and --tag together; allowed: one of the two"};
    }
    if (const auto interval = session.value("interval")) {
        wish.interval = read_duration("interval", *interval, 100ms, 1h);
    }
    if (const auto until = session.value("until")) {
        if (*until != "installed") {
            throw UsageError{
                fmt::format("--until: '{}' is not allowed; allowed: installed", printable(*until))};
        }
        wish.until_installed = true;
    }
    if (const auto timeout = session.value("timeout")) {
        if (!wish.until_installed) {
            throw UsageError{"--timeout: nothing to wait for; allowed with --until installed"};
        }
        wish.timeout = read_duration("timeout", *timeout, 100ms, 720h);
    }
    return wish;
}

Result<std::vector<Node>, ApiFailure> fetch(ApiClient& api, const Wish& wish) {
    std::vector<Node> nodes;
    for (const std::string& name : wish.names) {
        MUSTER_TRY(node, api.get(api_path({"nodes", name})));
        nodes.push_back(read_node(node));
    }
    if (wish.names.empty()) {
        MUSTER_TRY(list, get_pages(api, {"nodes"}, "nodes", {{"tag", wish.tag}}));
        for (const Json& node : list) {
            nodes.push_back(read_node(node));
        }
    }
    return nodes;
}

/// Shows nodes and troubles on standard output: in place on a terminal, else as lines.
class Screen {
public:
    /// Whether it shows what was waited for.
    [[nodiscard]] static bool has_waits() { return look_of(STDOUT_FILENO).redraws; }

    void show(const std::vector<Node>& nodes, std::string_view waits) {
        const Look look = look_of(STDOUT_FILENO);
        if (look.redraws) {
            draw(watch_frame(nodes, waits, wall_now(), look));
            return;
        }
        for (const std::string& line : changes_.lines(nodes)) {
            print_line(line);
        }
        trouble_.clear();
    }

    void show_trouble(const std::string& text) {
        const Look look = look_of(STDOUT_FILENO);
        if (look.redraws) {
            draw(fit(text + "; trying again", look.width.value_or(text.size()), look.glyphs) +
                 '\n');
        } else if (text != trouble_) {
            print_line(text + "; trying again");
            trouble_ = text;
        }
    }

private:
    void draw(const std::string& frame) {
        print(redraw(frame, lines_));
        lines_ = static_cast<std::size_t>(std::ranges::count(frame, '\n'));
    }

    static void print_line(const std::string& line) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): fmt::localtime uses localtime_r
        print(fmt::format("{:%H:%M:%S} {}\n", fmt::localtime(std::time(nullptr)), line));
    }

    StateChanges changes_;
    std::string trouble_;
    std::size_t lines_ = 0; ///< of the frame on the terminal
};

/// What the machines waited for; of named ones nobody asks, and a server that is older says
/// nothing.
std::string fetch_waits(ApiClient& api, const Wish& wish) {
    if (wish.named() || !Screen::has_waits()) {
        return {};
    }
    const auto answer = api.get(api_path({"waits"}, {{"tag", wish.tag}, {"limit", "100"}}));
    return answer ? waits_text(*answer) : std::string{};
}

/// Whether asking again can help: not when the answer is that there is no such node or token.
bool may_pass(const ApiFailure& failure) {
    return failure.kind == FailureKind::unreachable || failure.kind == FailureKind::server_error;
}

/// True when the wish is fulfilled; throws Failure when it cannot be any more.
bool is_over(const Wish& wish, const std::vector<Node>& nodes) {
    if (!wish.until_installed) {
        return false;
    }
    switch (until_installed(nodes, wish.named())) {
    case Verdict::waiting:
        return false;
    case Verdict::reached:
        return true;
    case Verdict::failed:
        throw Failure{what_is_missing(nodes, wish.named())};
    }
    __builtin_unreachable();
}

Exit run_watch(Session& session) {
    const Wish wish = read_wish(session);
    const auto begin = Clock::now();
    auto answered = begin;
    std::vector<Node> nodes = require(fetch(session.api(), wish));
    Screen screen;
    screen.show(nodes, fetch_waits(session.api(), wish));
    while (!is_over(wish, nodes)) {
        auto pause = Clock::duration{wish.interval};
        if (wish.timeout) {
            const auto left = begin + *wish.timeout - Clock::now();
            if (left <= Clock::duration::zero()) {
                throw Failure{fmt::format("time is up after {}: {}", duration_text(*wish.timeout),
                                          what_is_missing(nodes, wish.named()))};
            }
            pause = std::min<Clock::duration>(pause, left);
        }
        std::this_thread::sleep_for(pause);
        auto answer = fetch(session.api(), wish);
        if (answer) {
            nodes = std::move(*answer);
            answered = Clock::now();
            screen.show(nodes, fetch_waits(session.api(), wish));
        } else if (!may_pass(answer.error()) || Clock::now() - answered > patience) {
            throw Failure{answer.error().text};
        } else {
            screen.show_trouble(answer.error().text);
        }
    }
    return Exit::success;
}

} // namespace

const Command watch_command{
    .name = "watch",
    .arguments = "[NODE...] [--tag TAG] [--interval TIME]\n"
                 "                    [--until installed [--timeout TIME]]",
    .summary = "Show the machines live, with progress bars.",
    .details =
        "Shows the named nodes, or all, and goes on showing them until interrupted. On a terminal "
        "the table is redrawn in place, with what the machines waited for in all, and who longest; "
        "into a file or pipe goes a line for each change of a node's state. A musterd that "
        "restarts is waited for.",
    .examples = "  muster watch --tag rack1\n"
                "  muster watch r1n01 r1n02 --until installed --timeout 30m && echo all done",
    .argument = "NODE",
    .arguments_min = 0,
    .arguments_max = names_max,
    .add_options = add_watch_options,
    .run = run_watch,
};

} // namespace muster::cli
