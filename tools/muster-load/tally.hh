// SPDX-License-Identifier: Apache-2.0
// Adds up what machines tell: the figures of a report.
#pragma once

#include "core/metrics/histogram.hh"
#include "core/port/client.hh"

#include "tools/muster-load/options.hh"

#include <absl/container/flat_hash_map.h>

#include <array>
#include <map>

namespace muster::load {

/// How many machines were in each stage at a moment.
struct StageSample {
    Duration at{};
    std::array<std::uint32_t, client_stage_count> machines{};
};

struct Figures {
    std::uint64_t started = 0;  ///< turns of machines
    std::uint64_t finished = 0; ///< of these, ended
    std::uint64_t exchanges = 0;
    std::uint64_t transfers = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0; ///< of whole transfers and answers
    std::uint64_t failed = 0;
    std::uint64_t retransmissions = 0;
    std::uint64_t duplicate_addresses = 0;
    std::uint64_t installed = 0;
    std::uint64_t lost = 0;
    Histogram latency;  ///< ns
    Histogram lateness; ///< ns that machines began behind their moment
    std::array<Duration, client_wait_count> waited{};
    Histogram to_loader, to_kernel, to_installed; ///< ns since power-on
    std::map<std::string, std::uint64_t> reasons; ///< of failures
    std::vector<StageSample> stages;
};

/// Latencies count from the moment at which a machine was to begin, not from the one at which we
/// came to it: else a server that makes us late would look fast (coordinated omission).
class Tally {
public:
    Tally(Kind kind, std::uint32_t machines);

    /// Forgets what was counted so far (a warm-up).
    void restart();

    /// A machine begins, and was to begin at `scheduled`.
    void on_started(MachineIndex machine, Instant scheduled, Instant now);
    void on_note(const ClientNote& note, Instant now);
    /// A machine was stopped before it had finished; with a reason, that is a failure.
    void on_stopped(MachineIndex machine, const std::string& reason);
    /// Turns that were due but never began, as no machine was free.
    void on_missed(std::uint64_t count);
    /// Remembers how many machines are in each stage.
    void sample(Duration since_start);

    [[nodiscard]] const Figures& figures() const noexcept { return figures_; }
    /// Exchanges, transfers or requests that came about; of a storm: machines installed.
    [[nodiscard]] std::uint64_t successes() const noexcept;
    [[nodiscard]] const std::array<std::uint32_t, client_stage_count>& stages() const noexcept {
        return stages_;
    }

private:
    struct Machine {
        Instant scheduled{};
        Duration late{};
        ClientStage stage = ClientStage::off;
        bool failed = false; ///< its turn has been counted as failed
        bool loader = false; ///< its time was recorded
        bool kernel = false;
    };

    void fail(Machine& machine, const std::string& reason);
    void enter(Machine& machine, ClientStage stage, Instant now);
    void finish(Machine& machine, const ClientNote& note, Instant now);

    Kind kind_;
    std::vector<Machine> machines_;
    absl::flat_hash_map<Ipv4Address, MachineIndex> holders_;
    std::array<std::uint32_t, client_stage_count> stages_{};
    Figures figures_;
};

} // namespace muster::load
