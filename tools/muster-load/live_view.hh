// SPDX-License-Identifier: Apache-2.0
// What a terminal shows while a run goes on: a line, or of a storm a line for each stage.
#pragma once

#include "tools/muster-load/tally.hh"
#include "tools/muster/terminal.hh"

namespace muster::load {

/// What is shown of a moment.
struct Moment {
    Duration elapsed{};
    std::uint64_t successes = 0;
    std::uint64_t finished = 0;
    std::uint64_t failed = 0;
    std::int64_t p99_ns = 0;
    std::array<std::uint32_t, client_stage_count> stages{};
};
[[nodiscard]] Moment moment_of(const Tally& tally, Duration elapsed);
/// Its lines, each ended by a line feed and no wider than the terminal.
[[nodiscard]] std::string view_text(const Options& options, const Moment& moment,
                                    const cli::Look& look);

/// Draws over what it drew before, on standard error; draws nothing where that is no terminal.
class LiveView {
public:
    explicit LiveView(bool quiet);
    [[nodiscard]] bool shown() const noexcept { return shown_; }
    void draw(const Options& options, const Moment& moment);
    void clear();

private:
    bool shown_ = false;
    std::size_t lines_ = 0;
};

} // namespace muster::load
