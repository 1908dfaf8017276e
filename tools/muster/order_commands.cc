// SPDX-License-Identifier: Apache-2.0
// muster install, ignore, boot-local -- orders for machines that are known.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <cstdio>

namespace muster::cli {
namespace {

/// More than a command line holds: the bound is the kernel's.
constexpr std::size_t any_number = 1'000'000;

/// Gives every node the order, also when one of them is refused: an operator who names forty
/// machines wants the thirty-nine done, and to hear of the one.
Exit order_each(Session& session, std::string_view order, std::string_view done) {
    Exit exit = Exit::success;
    for (const std::string& name : session.arguments()) {
        const auto answer = session.api().post(api_path({"nodes", name, order}));
        if (answer) {
            print(fmt::format("{}: {}\n", printable(name), done));
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

constexpr std::string_view install_done = "its next network boot installs it";

/// Prints whom the server ordered to be installed, and whom it could not for want of a profile.
Exit print_ordered(const Json& answer, const std::string& tag) {
    const auto names_of = [&](const char* key) {
        const auto names = answer.find(key);
        return names != answer.end() && names->is_array() ? *names : Json::array();
    };
    const Json ordered = names_of("nodes");
    const Json refused = names_of("without_profile");
    for (const Json& name : ordered) {
        print(fmt::format("{}: {}\n", printable(name.get<std::string>()), install_done));
    }
    for (const Json& name : refused) {
        fmt::print(stderr, "muster: {}: no profile, so there is nothing to install\n",
                   printable(name.get<std::string>()));
    }
    if (ordered.empty() && refused.empty()) {
        throw Failure{fmt::format("no node has the tag '{}'", printable(tag))};
    }
    return refused.empty() ? Exit::success : Exit::failure;
}

/// What an order would do to each, as the server says; nothing is changed.
Exit print_forecast(const Json& answer) {
    const auto list_of = [&](const char* key) {
        const auto list = answer.find(key);
        return list != answer.end() && list->is_array() ? *list : Json::array();
    };
    for (const Json& node : list_of("nodes")) {
        const std::string state = text_of(node, "state");
        std::string what = fmt::format("{} would be installed", text_of(node, "profile"));
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
    const Json refused = list_of("without_profile");
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
    const bool looks = session.has("dry-run");
    if (!tag && looks) {
        return forecast_each(session);
    }
    if (!tag) {
        return order_each(session, "install", install_done);
    }
    if (tag->empty()) {
        throw UsageError{"install: --tag is empty; allowed: a tag of some node"};
    }
    if (looks) {
        return print_forecast(require(session.api().post(
            api_path({"nodes", "install"}, {{"tag", *tag}, {"dry-run", "true"}}))));
    }
    return print_ordered(
        require(session.api().post(api_path({"nodes", "install"}, {{"tag", *tag}}))), *tag);
}

Exit run_ignore(Session& session) {
    return order_each(session, "ignore", "ignored from now on");
}

Exit run_boot_local(Session& session) {
    return order_each(session, "boot-local", "boots from its own disk");
}

} // namespace

const Command install_command{
    .name = "install",
    .arguments = "NODE... | --tag TAG [--dry-run]",
    .summary = "Let machines be installed (again) at their next network boot.",
    .details =
        "Arms a fresh attempt: the next network boot of each machine installs its profile and "
        "OVERWRITES ITS DISK. muster does not switch machines on or off. Every node is tried; "
        "the exit status is 1 if one was refused.",
    .examples = "  muster install r1n01 r1n02\n"
                "  muster install --tag rack1 --dry-run\n"
                "  muster install --tag rack1",
    .argument = "NODE",
    .arguments_min = 0,
    .arguments_max = any_number,
    .add_options = add_install_options,
    .run = run_install,
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
