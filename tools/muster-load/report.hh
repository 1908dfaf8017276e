// SPDX-License-Identifier: Apache-2.0
// What a run came to, as JSON for scripts and as text for people.
#pragma once

#include "tools/muster-load/tally.hh"

namespace muster::load {

struct Outcome {
    Options options;
    Figures figures;
    bool simulated = false; ///< `seconds` and all times are virtual
    double seconds = 0;     ///< measured: without the warm-up
    bool watched = false;   ///< the next two are known
    double server_cpu_seconds = 0;
    std::uint64_t server_peak_bytes = 0;
    double client_cpu_share = 0;           ///< of one core
    std::uint64_t received_bytes = 0;      ///< TCP, or UDP payloads; those to a group once
    std::uint64_t overruns = 0;            ///< frames that we were too slow to take
    std::uint64_t neighbour_overflows = 0; ///< of this kernel's table of link addresses
    std::string congestion_control;        ///< of TCP; empty: there was none
    std::string advice;   ///< what keeps machines from working on this host; empty: nothing
    std::string given_up; ///< why the run ended before its end; empty: it did not

    /// Why the generator was the limit, or may have been: it had no time left, was too slow to take
    /// what came, or began machines late. Empty: it was not.
    [[nodiscard]] std::string_view limit() const noexcept;
};

[[nodiscard]] std::string json_text(const Outcome& outcome);
[[nodiscard]] std::string report_text(const Outcome& outcome);
/// Warnings and reasons of failures, for standard error; empty: none.
[[nodiscard]] std::string remarks_text(const Outcome& outcome);

} // namespace muster::load
