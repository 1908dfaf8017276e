// SPDX-License-Identifier: Apache-2.0
// What a terminal shows while a run goes on: a line, or of a storm a line for each stage.
#pragma once

#include "tools/muster-load/tally.hh"
#include "tools/muster/terminal.hh"

namespace muster::load {

/// The lines of a moment, each ended by a line feed and no wider than the terminal.
[[nodiscard]] std::string view_text(const Options& options, const Tally& tally, Duration elapsed,
                                    const cli::Look& look);

/// Draws over what it drew before, on standard error; draws nothing where that is no terminal.
class LiveView {
public:
    explicit LiveView(bool quiet);
    [[nodiscard]] bool shown() const noexcept { return shown_; }
    void draw(const Options& options, const Tally& tally, Duration elapsed);
    void clear();

private:
    bool shown_ = false;
    std::size_t lines_ = 0;
};

} // namespace muster::load
