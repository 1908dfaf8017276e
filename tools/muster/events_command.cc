// SPDX-License-Identifier: Apache-2.0
// muster events -- what happened, and with --follow what happens.
#include "tools/muster/command.hh"
#include "tools/muster/event_line.hh"
#include "tools/muster/node.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace muster::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto follow_interval = 500ms;
/// A musterd that restarts is waited for this long.
constexpr auto patience = 30s;
constexpr std::size_t page_entries = 500;

void add_events_options(po::options_description& options) {
    options.add_options()("json", "Print events as the API gives them: one JSON array, or with "
                                  "--follow one object on each line.")(
        "follow", "Go on printing events as they happen, until interrupted.");
}

/// Reads what came after an event, a page at a time.
class Reader {
public:
    explicit Reader(ApiClient& api) : api_(api) {}

    /// The next page; an empty one when nothing more has happened.
    [[nodiscard]] Result<Json, ApiFailure> next() {
        const Query query{{"after", fmt::to_string(after_)},
                          {"limit", fmt::to_string(page_entries)}};
        MUSTER_TRY(answer, api_.get(api_path({"events"}, query)));
        const auto events = answer.find("events");
        if (events == answer.end() || !events->is_array()) {
            return std::unexpected(ApiFailure{.kind = FailureKind::not_ours,
                                              .status = 200,
                                              .text = "the answer holds no list \"events\""});
        }
        Json fresh = Json::array();
        for (Json& event : *events) {
            // Also the guard against a server that repeats itself: each event is shown once.
            if (const auto id = number_of(event, "id"); id && *id > after_) {
                after_ = *id;
                fresh.push_back(std::move(event));
            }
        }
        return fresh;
    }

private:
    ApiClient& api_;
    std::uint64_t after_ = 0;
};

Exit print_kept(Reader& reader, bool as_json) {
    const Look look = look_of(STDOUT_FILENO);
    Json all = Json::array();
    while (true) {
        Json page = require(reader.next());
        if (page.empty()) {
            break;
        }
        for (Json& event : page) {
            if (as_json) {
                all.push_back(std::move(event));
            } else {
                print(event_line(event, look));
            }
        }
    }
    if (as_json) {
        print_json(all);
    }
    return Exit::success;
}

Exit follow(Reader& reader, bool as_json) {
    auto answered = std::chrono::steady_clock::now();
    bool first = true;
    while (true) {
        const auto page = reader.next();
        const auto now = std::chrono::steady_clock::now();
        if (!page) {
            const bool may_pass = page.error().kind == FailureKind::unreachable ||
                                  page.error().kind == FailureKind::server_error;
            if (first || !may_pass || now - answered > patience) {
                throw Failure{page.error().text};
            }
        } else {
            answered = now;
            const Look look = look_of(STDOUT_FILENO);
            for (const Json& event : *page) {
                print(as_json ? event.dump() + '\n' : event_line(event, look));
            }
        }
        first = false;
        if (!page || page->empty()) {
            std::this_thread::sleep_for(follow_interval);
        }
    }
}

Exit run_events(Session& session) {
    Reader reader{session.api()};
    return session.has("follow") ? follow(reader, session.has("json"))
                                 : print_kept(reader, session.has("json"));
}

} // namespace

const Command events_command{
    .name = "events",
    .arguments = "[--follow] [--json]",
    .summary = "Print what happened, oldest first.",
    .details = "Prints the events that musterd keeps: boots, changes of state, orders, reports and "
               "what was refused. With --follow it goes on; a musterd that restarts is waited for.",
    .examples = "  muster events --follow\n"
                "  muster events --follow --json | jq 'select(.node == \"r1n01\")'",
    .argument = "",
    .arguments_min = 0,
    .arguments_max = 0,
    .add_options = add_events_options,
    .run = run_events,
};

} // namespace muster::cli
