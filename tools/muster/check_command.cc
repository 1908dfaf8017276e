// SPDX-License-Identifier: Apache-2.0
// muster check -- reads a site folder as musterd would, without one.
#include "core/site/loader.hh"
#include "io/host/site_files.hh"

#include "tools/muster/command.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <filesystem>

namespace muster::cli {
namespace {

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Exit run_check(Session& session) {
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
    return Exit::success;
}

} // namespace

const Command check_command{
    .name = "check",
    .arguments = "DIR",
    .summary = "Check a site folder, without a server.",
    .details = "Reads a site folder as musterd would, and prints every problem of it as "
               "FILE:LINE:COLUMN: TEXT. The status is 0 if there is none, else 2.",
    .examples = "  muster check /etc/muster && systemctl reload musterd",
    .argument = "DIR",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = nullptr,
    .run = run_check,
};

} // namespace muster::cli
