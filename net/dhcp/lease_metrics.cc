// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/lease_metrics.hh"

#include <string>
#include <utility>

namespace muster {

void LeaseMetrics::report_leases(Exposition& exposition, const LeaseMetricsWords& words) const {
    const auto name = [&](std::string_view rest) {
        std::string whole{words.prefix};
        whole += rest;
        return whole;
    };
    const std::string refusals = name("boot_refusals_total");
#define X(name, text)                                                                              \
    exposition.count(refusals, exposition_label("reason", #name), words.boot_refusals,             \
                     boot_refusals.read(BootRefusal::name));
    MUSTER_BOOT_REFUSALS(X)
#undef X
    constexpr std::array<std::pair<CommitOutcome, std::string_view>, 6> outcomes{{
        {CommitOutcome::durable, "durable"},
        {CommitOutcome::refused, "refused"},
        {CommitOutcome::spared, "spared"},
        {CommitOutcome::repeated, "repeated"},
        {CommitOutcome::unwaited, "unwaited"},
        {CommitOutcome::stale, "stale"},
    }};
    for (const auto& [outcome, text] : outcomes) {
        exposition.count(name("commits_total"), exposition_label("outcome", text), words.commits,
                         commits.read(outcome));
    }
    exposition.count(name("prolonged_total"), {}, words.prolonged, prolonged.read());
    exposition.count(name("samples_dropped_total"), {}, words.samples_dropped,
                     samples_dropped.read());
    exposition.count(name("restore_dropped_total"), {}, words.restore_dropped,
                     restore_dropped.read());
    const auto state = [&](std::string_view text, const Counter& leases) {
        exposition.gauge(name("leases"), exposition_label("state", text), words.leases,
                         leases.read());
    };
    state("offered", leases_offered);
    state("bound", leases_bound);
    state("idle", leases_idle);
    state("declined", leases_declined);
    exposition.gauge(name("commits_pending"), {}, words.commits_pending, commits_pending.read());
}

} // namespace muster
