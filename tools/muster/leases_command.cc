// SPDX-License-Identifier: Apache-2.0
// muster leases -- who has which address.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"

#include <fmt/format.h>
#include <unistd.h>

namespace muster::cli {
namespace {

void add_leases_options(po::options_description& options) {
    options.add_options()("json", "Print the leases as one JSON array, as the API gives them.");
}

std::string left_text(const Json& lease, UnixTime now) {
    const auto expires = number_of(lease, "expires");
    if (!expires) {
        return {};
    }
    const Duration left = UnixTime{static_cast<std::int64_t>(*expires)} - now;
    return left <= Duration::zero()
               ? "expired"
               : age_text(std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

Exit run_leases(Session& session) {
    const Json leases = require(get_pages(session.api(), {"leases"}, "leases", {}));
    if (session.has("json")) {
        print_json(leases);
        return Exit::success;
    }
    Table table{
        {{"ADDRESS"}, {"MAC"}, {"STATE"}, {"LEFT", Align::right}, {"NODE", Align::left, 8}}};
    const UnixTime now = wall_now();
    for (const Json& lease : leases) {
        table.add({{text_of(lease, "address")},
                   {text_of(lease, "mac")},
                   {text_of(lease, "state")},
                   {left_text(lease, now)},
                   {text_of(lease, "node")}});
    }
    print(table.text(look_of(STDOUT_FILENO)));
    return Exit::success;
}

} // namespace

const Command leases_command{
    .name = "leases",
    .arguments = "[--json]",
    .summary = "List the DHCP leases.",
    .details = "Lists the addresses given out by DHCP, to whom, and for how much longer (LEFT).",
    .examples = "  muster leases",
    .argument = "",
    .arguments_min = 0,
    .arguments_max = 0,
    .add_options = add_leases_options,
    .run = run_leases,
};

} // namespace muster::cli
