// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/tftp_metrics.hh"

namespace muster {
namespace {

constexpr std::array<std::string_view, tftp_end_count> end_names{
#define X(name) #name,
    MUSTER_TFTP_ENDS(X)
#undef X
};

} // namespace

void report(const TftpMetrics& metrics, Exposition& out) {
    using enum Exposition::Kind;
    const auto add = [&out](std::string_view name, std::string_view help, const Counter& value) {
        out.add(counter, name, "", help, static_cast<double>(value.read()));
    };
    add("muster_tftp_datagrams_total", "Datagrams that the TFTP server received.",
        metrics.received);
    add("muster_tftp_requests_total", "Read requests that became a transfer.", metrics.requests);
    add("muster_tftp_repeated_requests_total", "Read requests repeated while their transfer lived.",
        metrics.repeated_requests);
    add("muster_tftp_requests_handed_on_total", "Requests for a multicast group of another worker.",
        metrics.handed_on);
    add("muster_tftp_acks_total", "ACKs that moved a transfer on.", metrics.acks);
    add("muster_tftp_client_errors_total", "ERRORs from clients that ended a transfer.",
        metrics.client_errors);
    for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
        out.add(counter, "muster_tftp_refusals_total",
                exposition_label("reason", name_of(static_cast<TftpRefusal>(i))),
                "Datagrams and requests that were not served, by reason.",
                static_cast<double>(metrics.refusals[i].read()));
    }
    for (std::size_t i = 0; i < tftp_end_count; ++i) {
        out.add(counter, "muster_tftp_transfers_total", exposition_label("outcome", end_names[i]),
                "Transfers that ended, by how.", static_cast<double>(metrics.ends[i].read()));
    }
    add("muster_tftp_oacks_total", "OACKs sent.", metrics.oacks_sent);
    add("muster_tftp_errors_total", "ERRORs sent.", metrics.errors_sent);
    add("muster_tftp_blocks_total", "DATA blocks sent, the resent ones included.",
        metrics.blocks_sent);
    add("muster_tftp_blocks_resent_total", "DATA blocks sent again.", metrics.blocks_resent);
    add("muster_tftp_acknowledged_bytes_total", "Content bytes that clients acknowledged.",
        metrics.bytes_acknowledged);
    add("muster_tftp_stale_answers_total", "Content that came for a request already gone.",
        metrics.stale_answers);
    add("muster_tftp_samples_dropped_total", "Progress samples that control had no room for.",
        metrics.samples_dropped);
    out.add(gauge, "muster_tftp_sessions", "", "Transfers alive.",
            static_cast<double>(metrics.sessions.read()));
    out.add(gauge, "muster_tftp_multicast_groups", "", "Multicast groups alive.",
            static_cast<double>(metrics.groups.read()));
    add("muster_tftp_multicast_joins_total", "Transfers that joined a multicast group.",
        metrics.members_joined);
    add("muster_tftp_multicast_detached_total",
        "Members of groups that were served alone after all, since its blocks did not reach them.",
        metrics.members_detached);
    add("muster_tftp_multicast_masters_total", "Members that became their group's master.",
        metrics.handovers);
    add("muster_tftp_multicast_blocks_total", "DATA blocks sent to groups.",
        metrics.blocks_to_groups);
}

} // namespace muster
