// SPDX-License-Identifier: Apache-2.0
// muster check -- reads a site folder as musterd would, without one.
#include "core/site/loader.hh"
#include "io/host/site_files.hh"

#include "tools/muster/answers_check.hh"
#include "tools/muster/command.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <filesystem>

namespace muster::cli {
namespace {

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void add_check_options(po::options_description& options) {
    options.add_options()("validators", po::value<std::string>()->value_name("all|some|none"),
                          "How many of the answers the installers' validators look at.");
}

Thoroughness thoroughness_of(const Session& session) {
    const std::string how = session.value_or("validators", "some");
    if (how == "none") {
        return Thoroughness::none;
    }
    if (how != "some" && how != "all") {
        throw UsageError{
            fmt::format("--validators '{}' is none of: all, some, none", printable(how))};
    }
    return how == "all" ? Thoroughness::all : Thoroughness::some;
}

/// What validators say of the answers of a site that is good otherwise.
Exit tell_answers(const AnswersReport& report) {
    for (const std::string& failure : report.failures) {
        print(failure + '\n');
    }
    for (const auto& [validator, count] : report.validated) {
        print(fmt::format("{}: {} looked at\n", validator, counted(count, "text")));
    }
    for (const std::string& validator : report.missing) {
        print(validator + ": not installed, skipped\n");
    }
    if (report.left_out > 0) {
        print(fmt::format("{} not looked at; --validators all shows them too\n",
                          counted(report.left_out, "further text")));
    }
    return report.failures.empty() ? Exit::success : Exit::failure;
}

Exit run_check(Session& session) {
    const Thoroughness how = thoroughness_of(session);
    const std::string& folder = session.arguments().front();
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        throw UsageError{fmt::format("check: '{}' is no folder{}", printable(folder),
                                     error ? ": " + error.message() : "")};
    }
    const auto absolute = std::filesystem::absolute(folder, error);
    const auto site = load_site(HostSiteFiles{folder}, absolute.lexically_normal().string());
    if (!site) {
        for (const SiteProblem& problem : site.error()) {
            print(printable(to_text(problem, folder)) + '\n');
        }
        return Exit::wrong_use;
    }
    print(fmt::format(
        "{}: good: {}, {}, {}\n", printable(folder), counted(site->subnets.size(), "subnet"),
        counted(site->profiles.size(), "profile"), counted(site->nodes.size(), "node")));
    return tell_answers(check_answers(*site, how));
}

} // namespace

const Command check_command{
    .name = "check",
    .arguments = "DIR [--validators all|some|none]",
    .summary = "Check a site folder, without a server.",
    .details =
        "Reads a site folder as musterd would, and prints every problem of it as "
        "FILE:LINE:COLUMN: TEXT; the status is 2 then. If there is none, every answers file is "
        "rendered for every node and shown to the validator of its installer, if that is "
        "installed: debconf-set-selections, ksvalidator, cloud-init, xmllint, "
        "ignition-validate. The status is 1 if one of them refuses a text, else 0. Texts "
        "that differ in the node's name, MAC and address alone count as one; of each "
        "answers file of a profile the first 100 are looked at, with --validators all "
        "every one, with none no one.",
    .examples = "  muster check /etc/muster && systemctl reload musterd",
    .argument = "DIR",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_check_options,
    .run = run_check,
};

} // namespace muster::cli
