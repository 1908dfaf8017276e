// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/live_view.hh"

#include "tools/muster/progress.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace muster::load {
namespace {

constexpr std::size_t bar_cells = 20;

std::string_view unit_of(Kind kind) {
    switch (kind) {
    case Kind::dhcp:
        return "exchanges";
    case Kind::tftp:
    case Kind::multicast:
        return "transfers";
    case Kind::http:
        return "requests";
    case Kind::storm:
        return "installed";
    }
    __builtin_unreachable();
}

/// How far it is: through its time, or through its clients.
unsigned percent_of(const Options& options, const Moment& moment) {
    const double done = options.duration
                            ? std::chrono::duration<double>(moment.elapsed) /
                                  std::chrono::duration<double>(*options.duration + options.warmup)
                            : static_cast<double>(moment.finished) / options.clients;
    return static_cast<unsigned>(std::clamp(done, 0.0, 1.0) * 100);
}

std::string stage_lines(const Options& options, const Moment& moment, const cli::Look& look) {
    std::string out;
    for (std::size_t i = 0; i < client_stage_count; ++i) {
        const std::uint32_t machines = moment.stages[i];
        const auto percent = static_cast<unsigned>(std::uint64_t{machines} * 100 / options.clients);
        out += fmt::format("  {:<10}{:>7}  {}\n", to_text(static_cast<ClientStage>(i)), machines,
                           cli::progress_bar(percent, bar_cells, look.glyphs));
    }
    return out;
}

} // namespace

Moment moment_of(const Tally& tally, Duration elapsed) {
    return {.elapsed = elapsed,
            .successes = tally.successes(),
            .finished = tally.figures().finished,
            .failed = tally.figures().failed,
            .p99_ns = tally.figures().latency.quantile(0.99),
            .stages = tally.stages()};
}

std::string view_text(const Options& options, const Moment& moment, const cli::Look& look) {
    const double seconds = std::chrono::duration<double>(moment.elapsed).count();
    std::string text =
        fmt::format("{} {:.0f}s  {}  {} {}", to_text(options.kind), seconds,
                    cli::progress_bar(percent_of(options, moment), bar_cells, look.glyphs),
                    moment.successes, unit_of(options.kind));
    if (options.kind != Kind::storm) {
        text += fmt::format("  {:.0f}/s  p99 {:.2f} ms",
                            seconds > 0 ? static_cast<double>(moment.successes) / seconds : 0,
                            static_cast<double>(moment.p99_ns) / 1e6);
    }
    text += fmt::format("  failed {}", moment.failed);
    if (look.width) {
        text = cli::fit(text, *look.width, look.glyphs);
    }
    text += '\n';
    return options.kind == Kind::storm ? text + stage_lines(options, moment, look) : text;
}

LiveView::LiveView(bool quiet) : shown_(!quiet && cli::look_of(STDERR_FILENO).redraws) {}

void LiveView::draw(const Options& options, const Moment& moment) {
    if (!shown_) {
        return;
    }
    const std::string text = view_text(options, moment, cli::look_of(STDERR_FILENO));
    clear();
    std::fputs(text.c_str(), stderr);
    lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void LiveView::clear() {
    if (lines_ > 0) {
        fmt::print(stderr, "\x1b[{}A\r\x1b[J", lines_);
        lines_ = 0;
    }
}

} // namespace muster::load
