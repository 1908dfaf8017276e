// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_metrics.hh"

#include <string>

namespace muster {
namespace {

constexpr std::array<std::string_view, http_method_count> method_names{"GET", "HEAD",   "POST",
                                                                       "PUT", "DELETE", "other"};

/// Adds counters that share a role.
class Report {
public:
    Report(HttpRole role, Exposition& exposition)
        : role_(role == HttpRole::content ? "role=\"content\"" : "role=\"admin\""),
          exposition_(exposition) {}

    void add(std::string_view name, std::string_view help, const Counter& counter,
             Exposition::Kind kind = Exposition::Kind::counter) {
        exposition_.add(kind, name, role_, help, static_cast<double>(counter.read()));
    }
    void add_labelled(std::string_view name, std::string_view help, std::string_view label,
                      std::string_view value, const Counter& counter) {
        const std::string labels =
            role_ + "," + std::string{label} + "=\"" + std::string{value} + "\"";
        exposition_.add(Exposition::Kind::counter, name, labels, help,
                        static_cast<double>(counter.read()));
    }

private:
    std::string role_;
    Exposition& exposition_;
};

} // namespace

void report_http(const HttpMetrics& metrics, HttpRole role, Exposition& exposition) {
    Report report{role, exposition};
    report.add("muster_http_connections", "Connections open now", metrics.connections,
               Exposition::Kind::gauge);
    if (role == HttpRole::admin) {
        report.add("muster_http_listeners", "Listeners of the event feed now", metrics.listeners,
                   Exposition::Kind::gauge);
    }
    report.add("muster_http_connections_opened_total", "Connections accepted",
               metrics.connections_opened);
    for (std::size_t i = 0; i < metrics.closed.size(); ++i) {
        report.add_labelled("muster_http_connections_closed_total", "Connections ended, by reason",
                            "reason", http_close_names[i], metrics.closed[i]);
    }
    for (std::size_t i = 0; i < metrics.requests.size(); ++i) {
        report.add_labelled("muster_http_requests_total", "Requests read, by method", "method",
                            method_names[i], metrics.requests[i]);
    }
    for (std::size_t i = 0; i < metrics.responses.size(); ++i) {
        const bool listed = i < http_statuses.size();
        if (metrics.responses[i].read() > 0) { // most statuses never occur
            report.add_labelled("muster_http_responses_total", "Responses begun, by status",
                                "status", listed ? std::to_string(http_statuses[i].code) : "other",
                                metrics.responses[i]);
        }
    }
    for (std::size_t i = 0; i < metrics.refused.size(); ++i) {
        report.add_labelled("muster_http_refused_total", "Requests refused, by reason", "reason",
                            http_error_texts[i].name, metrics.refused[i]);
    }
    report.add("muster_http_sent_bytes_total", "Bytes handed to sockets, heads included",
               metrics.sent_bytes);
    report.add("muster_http_held_requests_total",
               "Requests that waited because their client knows no 503", metrics.held_requests);
    report.add("muster_http_samples_dropped_total", "Progress samples control had no room for",
               metrics.samples_dropped);
    report.add("muster_http_stale_streams_total", "Facts about a stream that is gone",
               metrics.stale_streams);
    report.add("muster_http_stale_answers_total", "Answers to a request that is gone",
               metrics.stale_answers);
}

} // namespace muster
