// SPDX-License-Identifier: Apache-2.0
// What the mirrors' cache counts. One writer; the scrape reads from another thread.
#pragma once

#include "core/metrics/counter.hh"
#include "core/metrics/exposition.hh"

#include <array>

// How a request to a mirror was answered.
#define MUSTER_MIRROR_ANSWERS(X)                                                                   \
    X(hit)         /* from the cache, without asking */                                            \
    X(joined)      /* with what was arriving already */                                            \
    X(fetched)     /* with what this request made arrive */                                        \
    X(revalidated) /* from the cache, after the upstream vouched for it */                         \
    X(stale)       /* with an old version, since the upstream did not answer */                    \
    X(refused)     /* the upstream has no such file, or does not give it */                        \
    X(failed)      /* the upstream could not be asked, or gave nothing usable */                   \
    X(busy)        /* too many requests waited already */

namespace muster {

enum class MirrorResult : std::uint8_t {
#define X(name) name,
    MUSTER_MIRROR_ANSWERS(X)
#undef X
};
inline constexpr std::array mirror_result_names{
#define X(name) std::string_view{#name},
    MUSTER_MIRROR_ANSWERS(X)
#undef X
};

struct MirrorMetrics {
    std::array<Counter, mirror_result_names.size()> answers;
    Counter upstream_requests; ///< begun, continuations included
    Counter upstream_failures; ///< attempts that ended without a usable answer
    Counter upstream_resumed;  ///< that continued where another one had broken off
    Counter upstream_bytes;    ///< of bodies, as they came
    Counter evicted;           ///< files removed since there was no room
    Counter unreliable;        ///< files thrown away at start: cut short, or not ours
    Counter store_failures;    ///< files that could not be written
    Counter bytes;             ///< kept or arriving now (a gauge)
    Counter bytes_max;         ///< a gauge
    Counter objects;           ///< whole files now (a gauge)
    Counter fetches;           ///< under way or waiting their turn now (a gauge)

    void count(MirrorResult result) noexcept { answers[static_cast<std::size_t>(result)].add(); }
    [[nodiscard]] std::uint64_t read(MirrorResult result) const noexcept {
        return answers[static_cast<std::size_t>(result)].read();
    }
};

/// Adds the counters to a scrape. Thread: any.
void report_mirror(const MirrorMetrics& metrics, Exposition& exposition);

} // namespace muster
