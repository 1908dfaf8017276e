// SPDX-License-Identifier: Apache-2.0
#include "core/control/control_metrics.hh"

#include <fmt/format.h>

namespace muster {
namespace {

struct CounterLine {
    std::string_view name;
    std::string_view labels;
    std::string_view help;
    std::uint64_t ControlCounters::*value;
};

constexpr std::string_view store_help = "Transactions of the store.";
constexpr std::string_view lease_help = "Leases handed to the store.";
constexpr std::string_view request_help = "Requests that the control answered.";
constexpr std::string_view refused_help = "Requests and facts that the control refused.";
constexpr std::string_view attempt_help = "Install attempts.";

constexpr std::array counter_lines = {
    CounterLine{"muster_store_commits_total", "result=\"ok\"", store_help,
                &ControlCounters::commits},
    CounterLine{"muster_store_commits_total", "result=\"failed\"", store_help,
                &ControlCounters::commit_failures},
    CounterLine{"muster_store_records_total", "", "Records written by the store.",
                &ControlCounters::records},
    CounterLine{"muster_control_leases_total", "result=\"committed\"", lease_help,
                &ControlCounters::leases_committed},
    CounterLine{"muster_control_leases_total", "result=\"refused\"", lease_help,
                &ControlCounters::leases_refused},
    CounterLine{"muster_control_requests_total", "kind=\"script\"", request_help,
                &ControlCounters::scripts},
    CounterLine{"muster_control_requests_total", "kind=\"answers\"", request_help,
                &ControlCounters::answers},
    CounterLine{"muster_control_requests_total", "kind=\"report\"", request_help,
                &ControlCounters::reports},
    CounterLine{"muster_control_requests_total", "kind=\"api\"", request_help,
                &ControlCounters::api_requests},
    CounterLine{"muster_control_refused_total", "reason=\"token\"", refused_help,
                &ControlCounters::tokens_refused},
    CounterLine{"muster_control_refused_total", "reason=\"unauthorized\"", refused_help,
                &ControlCounters::api_unauthorized},
    CounterLine{"muster_control_refused_total", "reason=\"forbidden\"", refused_help,
                &ControlCounters::api_forbidden},
    CounterLine{"muster_control_refused_total", "reason=\"token_limit\"", refused_help,
                &ControlCounters::api_limited},
    CounterLine{"muster_control_refused_total", "reason=\"unknown_client\"", refused_help,
                &ControlCounters::unknown_clients},
    CounterLine{"muster_control_refused_total", "reason=\"store_unavailable\"", refused_help,
                &ControlCounters::store_unavailable},
    CounterLine{"muster_control_refused_total", "reason=\"overload\"", refused_help,
                &ControlCounters::overload},
    CounterLine{"muster_control_refused_total", "reason=\"machine_not_added\"", refused_help,
                &ControlCounters::machines_not_added},
    CounterLine{"muster_install_attempts_total", "event=\"begun\"", attempt_help,
                &ControlCounters::attempts_begun},
    CounterLine{"muster_install_attempts_total", "event=\"failed\"", attempt_help,
                &ControlCounters::attempts_failed},
    CounterLine{"muster_install_attempts_total", "event=\"installed\"", attempt_help,
                &ControlCounters::installs_completed},
    CounterLine{"muster_control_events_total", "", "Events noted.", &ControlCounters::events},
};

} // namespace

void expose(const ControlCounters& counters, const Ledger& ledger, bool store_works,
            Exposition& exposition) {
    using Kind = Exposition::Kind;
    for (const CounterLine& line : counter_lines) {
        exposition.add(Kind::counter, line.name, line.labels, line.help,
                       static_cast<double>(counters.*line.value));
    }
    std::array<std::size_t, install_states.size()> nodes{};
    for (const auto& [name, node] : ledger.nodes().all()) {
        ++nodes[static_cast<std::size_t>(node.install.state)];
    }
    for (const InstallState state : install_states) {
        exposition.add(Kind::gauge, "muster_nodes", fmt::format("state=\"{}\"", to_text(state)),
                       "Nodes by install state.",
                       static_cast<double>(nodes[static_cast<std::size_t>(state)]));
    }
    exposition.add(Kind::gauge, "muster_leases", "", "Addresses with a lease record.",
                   static_cast<double>(ledger.leases().size() + ledger.leases6().size()));
    exposition.add(Kind::gauge, "muster_store_up", "",
                   "1 if the store took the last commit, 0 while it takes none.",
                   store_works ? 1 : 0);
}

} // namespace muster
