// SPDX-License-Identifier: Apache-2.0
// muster install, stop, ignore, boot-local -- orders for machines that are known.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <cstdio>

namespace muster::cli {
namespace {

/// More than a command line holds: the bound is the kernel's.
constexpr std::size_t any_number = 1'000'000;

/// A list of the answer; empty if it has none of that name.
Json list_of(const Json& answer, const char* key) {
    const auto list = answer.find(key);
    return list != answer.end() && list->is_array() ? *list : Json::array();
}

/// Gives every node the order, also when one of them is refused: an operator who names forty
/// machines wants the thirty-nine done, and to hear of the one.
template <class Tell>
Exit order_each(Session& session, std::string_view order, Tell&& tell) {
    Exit exit = Exit::success;
    for (const std::string& name : session.arguments()) {
        const auto answer = session.api().post(api_path({"nodes", name, order}));
        if (answer) {
            tell(name, *answer);
            continue;
        }
        if (answer.error().kind == FailureKind::unreachable) {
            throw Failure{answer.error().text};
        }
        fmt::print(stderr, "muster: {}: {}\n", printable(name), answer.error().text);
        exit = Exit::failure;
    }
    return exit;
}

/// Says the same of each that was ordered.
auto each_is(std::string_view done) {
    return [done](const std::string& name, const Json& /*answer*/) {
        print(fmt::format("{}: {}\n", printable(name), done));
    };
}

constexpr std::string_view install_done = "its next network boot installs it";

/// Prints whom the server ordered to be installed, and whom it could not for want of a profile.
Exit print_ordered(const Json& answer, const std::string& tag) {
    const Json ordered = list_of(answer, "nodes");
    const Json refused = list_of(answer, "without_profile");
    for (const Json& name : ordered) {
        print(fmt::format("{}: {}\n", printable(name.get<std::string>()), install_done));
    }
    const Json scheduled = list_of(answer, "scheduled");
    for (const Json& node : scheduled) {
        print(fmt::format("{}: its network boots from {} on install it\n",
                          printable(text_of(node, "name")), printable(text_of(node, "at"))));
    }
    const Json running = list_of(answer, "running");
    for (const Json& name : running) {
        print(
            fmt::format("{}: an attempt runs, and goes on\n", printable(name.get<std::string>())));
    }
    for (const Json& name : refused) {
        fmt::print(stderr, "muster: {}: no profile, so there is nothing to install\n",
                   printable(name.get<std::string>()));
    }
    if (ordered.empty() && refused.empty() && scheduled.empty() && running.empty()) {
        throw Failure{fmt::format("no node has the tag '{}'", printable(tag))};
    }
    return refused.empty() ? Exit::success : Exit::failure;
}

/// One machine's line of a forecast.
void print_forecast_of(const Json& node) {
    const std::string state = text_of(node, "state");
    std::string what = fmt::format("{} would be installed", text_of(node, "profile"));
    if (const std::string at = text_of(node, "at"); !at.empty()) {
        what += " from " + at + " on";
    }
    const auto flag = [&](const char* key) {
        const auto value = node.find(key);
        return value != node.end() && value->is_boolean() && value->get<bool>();
    };
    if (flag("overwrites")) {
        what += fmt::format("; OVERWRITES what is on its disk ({} since {})", state,
                            text_of(node, "since"));
    }
    if (flag("ends_attempt")) {
        what += fmt::format("; ends attempt {}, which runs ({})",
                            number_of(node, "attempt").value_or(0), state);
    }
    print(fmt::format("{}: {}\n", printable(text_of(node, "name")), printable(what)));
}

/// What an order would do to each, as the server says; nothing is changed.
Exit print_forecast(const Json& answer) {
    for (const char* const list : {"nodes", "scheduled"}) {
        for (const Json& node : list_of(answer, list)) {
            print_forecast_of(node);
        }
    }
    for (const Json& name : list_of(answer, "running")) {
        print(fmt::format("{}: an attempt runs, and would go on\n",
                          printable(name.get<std::string>())));
    }
    const Json refused = list_of(answer, "without_profile");
    for (const Json& name : refused) {
        fmt::print(stderr, "muster: {}: no profile, so there is nothing to install\n",
                   printable(name.get<std::string>()));
    }
    return refused.empty() ? Exit::success : Exit::failure;
}

Exit forecast_each(Session& session) {
    Exit exit = Exit::success;
    for (const std::string& name : session.arguments()) {
        const Exit one = print_forecast(require(
            session.api().post(api_path({"nodes", name, "install"}, {{"dry-run", "true"}}))));
        exit = one == Exit::success ? exit : one;
    }
    return exit;
}

void add_install_options(po::options_description& options) {
    options.add_options()("tag", po::value<std::string>()->value_name("TAG"),
                          "All nodes with this tag, instead of names.")(
        "rate", po::value<std::string>()->value_name("N"),
        "With --tag: N nodes a minute, one after the other; 'muster stop' ends it.")(
        "dry-run", "Say what would be installed, and whose disk overwritten; change nothing.");
}

Exit run_install(Session& session) {
    const auto tag = session.value("tag");
    if (tag && !session.arguments().empty()) {
        throw UsageError{"install: names and --tag together; allowed: one of the two"};
    }
    if (!tag && session.arguments().empty()) {
        throw UsageError{"install: nothing to install; allowed: NODE... or --tag TAG"};
    }
    if (!tag && session.has("rate")) {
        throw UsageError{"install: --rate without --tag; allowed: --tag TAG --rate N"};
    }
    const bool looks = session.has("dry-run");
    if (!tag && looks) {
        return forecast_each(session);
    }
    if (!tag) {
        return order_each(session, "install", each_is(install_done));
    }
    if (tag->empty()) {
        throw UsageError{"install: --tag is empty; allowed: a tag of some node"};
    }
    Query query{{"tag", *tag}};
    if (const auto rate = session.value("rate")) {
        // An empty one would be left out of the query, and all be ordered at once.
        if (rate->empty() || rate->find_first_not_of("0123456789") != std::string::npos) {
            throw UsageError{fmt::format("install: --rate '{}' is no number; allowed: nodes a "
                                         "minute, such as 10",
                                         printable(*rate))};
        }
        query.emplace_back("rate", *rate);
    }
    if (looks) {
        query.emplace_back("dry-run", "true");
        return print_forecast(require(session.api().post(api_path({"nodes", "install"}, query))));
    }
    return print_ordered(require(session.api().post(api_path({"nodes", "install"}, query))), *tag);
}

void add_stop_options(po::options_description& options) {
    options.add_options()("tag", po::value<std::string>()->value_name("TAG"),
                          "All nodes with this tag, instead of names.")(
        "all", "All nodes, instead of names.");
}

/// What the server says of each: `key` is the list, `what` what it means.
void print_stopped(const Json& answer, const char* key, std::string_view what) {
    for (const Json& name : list_of(answer, key)) {
        print(fmt::format("{}: {}\n", printable(name.get<std::string>()), what));
    }
}

void print_stopped(const Json& answer) {
    print_stopped(answer, "withdrawn", "its order is withdrawn, and its disk is as it was");
    print_stopped(answer, "running", "an attempt runs, and goes on");
    print_stopped(answer, "ready",
                  "has no system to go back to: still to be installed ('muster ignore' ends that)");
}

Exit run_stop(Session& session) {
    const auto tag = session.value("tag");
    const bool all = session.has("all");
    if ((tag ? 1 : 0) + (all ? 1 : 0) + (session.arguments().empty() ? 0 : 1) != 1) {
        throw UsageError{"stop: which nodes; allowed: NODE..., --tag TAG or --all"};
    }
    if (tag && tag->empty()) {
        throw UsageError{"stop: --tag is empty; allowed: a tag of some node"};
    }
    if (tag || all) {
        const Query query = tag ? Query{{"tag", *tag}} : Query{};
        print_stopped(require(session.api().post(api_path({"nodes", "stop"}, query))));
        return Exit::success;
    }
    return order_each(session, "stop", [](const std::string& /*name*/, const Json& answer) {
        print_stopped(answer);
    });
}

Exit run_ignore(Session& session) {
    return order_each(session, "ignore", each_is("ignored from now on"));
}

Exit run_boot_local(Session& session) {
    return order_each(session, "boot-local", each_is("boots from its own disk"));
}

} // namespace

const Command install_command{
    .name = "install",
    .arguments = "NODE... | --tag TAG [--rate N] [--dry-run]",
    .summary = "Let machines be installed (again) at their next network boot.",
    .details =
        "Arms a fresh attempt: the next network boot of each machine installs its profile and "
        "OVERWRITES ITS DISK. muster does not switch machines on or off. Every node is tried; "
        "the exit status is 1 if one was refused.",
    .examples = "  muster install r1n01 r1n02\n"
                "  muster install --tag rack1 --dry-run\n"
                "  muster install --tag rack1 --rate 10",
    .argument = "NODE",
    .arguments_min = 0,
    .arguments_max = any_number,
    .add_options = add_install_options,
    .run = run_install,
};

const Command stop_command{
    .name = "stop",
    .arguments = "NODE... | --tag TAG | --all",
    .summary = "Withdraw orders to install whose attempts have not begun.",
    .details =
        "Orders that wait for their time are dropped, and a machine that was installed before its "
        "order, and has not booted from the network since, boots its own disk again. What runs "
        "goes on, for half an install is worse than a whole one.",
    .examples = "  muster stop --tag rack1\n"
                "  muster stop --all",
    .argument = "NODE",
    .arguments_min = 0,
    .arguments_max = any_number,
    .add_options = add_stop_options,
    .run = run_stop,
};

const Command ignore_command{
    .name = "ignore",
    .arguments = "NODE...",
    .summary = "Leave machines alone: no answer to their network boots.",
    .details = "Stops answering the network boots of these machines. 'muster install' ends it.",
    .examples = "  muster ignore printer7",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = any_number,
    .add_options = nullptr,
    .run = run_ignore,
};

const Command boot_local_command{
    .name = "boot-local",
    .arguments = "NODE...",
    .summary = "Send machines to their own disk when they boot from the network.",
    .details =
        "Marks the machines as installed: a network boot leads on to the disk. This also calls "
        "off an install that has not begun.",
    .examples = "  muster boot-local r1n01",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = any_number,
    .add_options = nullptr,
    .run = run_boot_local,
};

} // namespace muster::cli
