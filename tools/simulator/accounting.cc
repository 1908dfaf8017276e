// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/checks.hh"
#include "tools/simulator/server_host.hh"
#include "tools/simulator/streams.hh"

#include <charconv>

namespace muster::sim {
namespace {

/// Readings of a scrape: what an operator would see is what is checked.
class Readings {
public:
    explicit Readings(std::string_view text) {
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(text.size(), line.size() + 1));
            const auto space = line.rfind(' ');
            if (line.empty() || line.front() == '#' || space == std::string_view::npos) {
                continue;
            }
            double value = 0;
            const std::string_view digits = line.substr(space + 1);
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
            values_[std::string{line.substr(0, space)}] = static_cast<std::int64_t>(value);
        }
    }
    [[nodiscard]] std::int64_t of(const std::string& name) const {
        const auto it = values_.find(name);
        return it == values_.end() ? 0 : it->second;
    }
    [[nodiscard]] std::int64_t reason(std::string_view family, std::string_view value) const {
        return of(fmt::format("{}{{reason=\"{}\"}}", family, value));
    }
    /// All samples of a family.
    [[nodiscard]] std::int64_t sum(std::string_view family) const {
        std::int64_t total = 0;
        const std::string prefix = std::string{family} + "{";
        for (auto it = values_.lower_bound(prefix);
             it != values_.end() && it->first.starts_with(prefix); ++it) {
            total += it->second;
        }
        return total;
    }

private:
    std::map<std::string, std::int64_t, std::less<>> values_;
};

constexpr std::string_view dhcp_drops = "muster_dhcp_drops_total";
constexpr std::string_view tftp_refusals = "muster_tftp_refusals_total";

/// DHCP: every datagram was unreadable, no request, or a request of a kind; and every request was
/// answered, dropped for a reason, waits for its commit, or is one that has no answer.
void check_dhcp(const Readings& r, std::int64_t handed, Universe& universe) {
    const std::int64_t requests = r.sum("muster_dhcp_requests_total");
    std::int64_t errors = 0;
#define X(name, text) errors += r.reason(dhcp_drops, #name);
    MUSTER_DHCP_ERRORS(X)
#undef X
    const std::int64_t unread =
        errors + r.reason(dhcp_drops, "not_a_request") + r.reason(dhcp_drops, "unknown_interface");
    const std::int64_t waiting = r.of("muster_dhcp_requests_waiting");
    if (handed != requests + unread + waiting) {
        universe.found("accounting", fmt::format("DHCP was handed {} datagrams and counts {} "
                                                 "requests, {} others and {} that wait",
                                                 handed, requests, unread, waiting));
    }
    const std::int64_t drops = r.sum(dhcp_drops) - unread;
    const auto commits = [&](std::string_view outcome) {
        return r.of(fmt::format("muster_dhcp_commits_total{{outcome=\"{}\"}}", outcome));
    };
    const auto asked = [&](std::string_view type) {
        return r.of(fmt::format("muster_dhcp_requests_total{{type=\"{}\"}}", type));
    };
    const std::int64_t unanswered = requests - r.sum("muster_dhcp_replies_total") - drops -
                                    commits("repeated") - r.of("muster_dhcp_commits_pending");
    // RELEASE and DECLINE have no answer, and each may take the ACK of a commit under way along.
    const std::int64_t silent = asked("release") + asked("decline");
    if (unanswered < 0 || unanswered > 2 * silent) {
        universe.found("accounting", fmt::format("DHCP requests without a trace: {} ({} may be)",
                                                 unanswered, 2 * silent));
    }
}

/// As TftpMetrics says it holds after every datagram.
void check_tftp(const Readings& r, std::int64_t handed, Universe& universe) {
    const std::int64_t received = r.of("muster_tftp_datagrams_total");
    std::int64_t of_content = 0;
#define X(name, text) of_content += r.reason(tftp_refusals, #name);
    MUSTER_TFTP_CONTENT_REFUSALS(X)
#undef X
    const std::int64_t used =
        r.of("muster_tftp_requests_total") + r.of("muster_tftp_repeated_requests_total") +
        r.of("muster_tftp_acks_total") + r.of("muster_tftp_client_errors_total");
    const std::int64_t refused = r.sum(tftp_refusals) - of_content;
    if (handed != received || received != used + refused) {
        universe.found("accounting", fmt::format("TFTP was handed {} datagrams, counts {}, of "
                                                 "which {} used and {} refused",
                                                 handed, received, used, refused));
    }
    const std::int64_t ended = r.sum("muster_tftp_transfers_total");
    if (r.of("muster_tftp_requests_total") != r.of("muster_tftp_sessions") + ended) {
        universe.found("accounting", fmt::format("of {} TFTP transfers {} live and {} ended",
                                                 r.of("muster_tftp_requests_total"),
                                                 r.of("muster_tftp_sessions"), ended));
    }
}

void check_http(const Readings& r, std::int64_t handed, std::int64_t closing, Universe& universe) {
    const std::int64_t opened = r.of("muster_http_connections_opened_total{role=\"content\"}");
    const std::int64_t open = r.of("muster_http_connections{role=\"content\"}");
    const std::int64_t closed = r.sum("muster_http_connections_closed_total");
    if (handed != opened || opened + closing != open + closed) {
        universe.found("accounting", fmt::format("HTTP was handed {} connections, counts {}: {} "
                                                 "open, {} closed, {} being closed",
                                                 handed, opened, open, closed, closing));
    }
}

} // namespace

void Accounting::on_start(unsigned workers) {
    handed_.assign(workers, {});
}

void Accounting::on_datagram(unsigned worker, UdpService service) {
    handed_[worker].dhcp += service == UdpService::dhcp ? 1U : 0U;
    const bool tftp = service == UdpService::tftp || service == UdpService::tftp_transfer;
    handed_[worker].tftp += tftp ? 1U : 0U;
}

void Accounting::check(const ServerHost& server, const Streams& streams, Universe& universe) const {
    for (unsigned worker = 0; worker < handed_.size(); ++worker) {
        const Readings readings{server.metrics(worker)};
        const Handed& handed = handed_[worker];
        if (worker == 0) {
            check_dhcp(readings, static_cast<std::int64_t>(handed.dhcp), universe);
        }
        check_tftp(readings, static_cast<std::int64_t>(handed.tftp), universe);
        check_http(readings, static_cast<std::int64_t>(handed.streams), streams.closing(worker),
                   universe);
    }
}

} // namespace muster::sim
