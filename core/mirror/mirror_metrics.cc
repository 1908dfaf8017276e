// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/mirror_metrics.hh"

#include <fmt/format.h>

namespace muster {

void report_mirror(const MirrorMetrics& metrics, Exposition& exposition) {
    using Kind = Exposition::Kind;
    for (std::size_t i = 0; i < metrics.answers.size(); ++i) {
        exposition.add(Kind::counter, "muster_mirror_requests_total",
                       fmt::format("result=\"{}\"", mirror_result_names[i]),
                       "Requests to mirrors, by how they were answered",
                       static_cast<double>(metrics.answers[i].read()));
    }
    const auto add = [&exposition](Kind kind, std::string_view name, std::string_view help,
                                   const Counter& counter) {
        exposition.add(kind, name, {}, help, static_cast<double>(counter.read()));
    };
    add(Kind::counter, "muster_mirror_upstream_requests_total",
        "Requests to upstreams, further attempts included", metrics.upstream_requests);
    add(Kind::counter, "muster_mirror_upstream_failures_total",
        "Requests to upstreams that ended without a usable answer", metrics.upstream_failures);
    add(Kind::counter, "muster_mirror_upstream_resumed_total",
        "Requests to upstreams that continued a broken transfer", metrics.upstream_resumed);
    add(Kind::counter, "muster_mirror_upstream_bytes_total", "Bytes of files from upstreams",
        metrics.upstream_bytes);
    add(Kind::counter, "muster_mirror_evicted_total", "Files removed from the cache to make room",
        metrics.evicted);
    add(Kind::counter, "muster_mirror_unreliable_total",
        "Files thrown away at start: cut short, or not the cache's", metrics.unreliable);
    add(Kind::counter, "muster_mirror_store_failures_total",
        "Files that could not be written to the cache", metrics.store_failures);
    add(Kind::gauge, "muster_mirror_cache_bytes", "Room that the cache takes now", metrics.bytes);
    add(Kind::gauge, "muster_mirror_cache_max_bytes", "Room that the cache may take",
        metrics.bytes_max);
    add(Kind::gauge, "muster_mirror_cache_files", "Whole files in the cache now", metrics.objects);
    add(Kind::gauge, "muster_mirror_fetches", "Fetches under way or waiting their turn",
        metrics.fetches);
}

} // namespace muster
