// SPDX-License-Identifier: Apache-2.0
// How many machines were in which state, and what they were sent, over the last hours.
#pragma once

#include "core/control/ledger.hh"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <deque>
#include <optional>
#include <span>

namespace muster {

class Governor;

struct StageSample {
    UnixTime at;
    std::array<std::uint32_t, install_states.size()> nodes{}; ///< by state
    std::uint32_t loading = 0;                                ///< with a ticket of the governor
    std::uint32_t waiting = 0;                                ///< in its queue
    std::uint32_t slots = 0;
    double bytes_per_second = 0; ///< to all machines
};
[[nodiscard]] nlohmann::json stage_json(const StageSample& sample);

/// Counts nodes by state as they change, and keeps a sample from time to time.
///
/// It asks for no wake-up: while nothing happens there is nothing to be kept, and a reader gets
/// the present as the last sample.
///
/// Thread: control's.
class StageHistory {
public:
    static constexpr Duration interval = std::chrono::seconds{5};
    static constexpr std::size_t samples_max = 1'440; ///< two hours of a storm

    void start(const NodeTable& nodes);
    /// After a commit.
    void note_changes(std::span<const Ledger::Change> changes, const NodeTable& nodes);
    [[nodiscard]] StageSample now(const std::optional<Governor>& governor, UnixTime at) const;
    /// Keeps a sample if the last one is old enough.
    void keep(const std::optional<Governor>& governor, const Now& now);

    [[nodiscard]] const std::deque<StageSample>& samples() const noexcept { return samples_; }

private:
    std::array<std::uint32_t, install_states.size()> nodes_{};
    std::deque<StageSample> samples_;
    Instant due_{};
};

/// `{"interval_s": 5, "columns": ["time", "new", …], "samples": [[…], …]}`, the present last.
[[nodiscard]] nlohmann::json history_json(const StageHistory& history, const StageSample& now);

} // namespace muster
