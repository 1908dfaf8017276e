// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/plot.hh"

#include "tools/muster-load/svg.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace muster::load {
namespace {

constexpr double width = 900;
constexpr double left = 70;
constexpr double right = 160; ///< for the legend
constexpr double top = 50;
constexpr double chart_height = 340;
constexpr double bars_top = top + chart_height + 80;
constexpr double bar_height = 18;
constexpr double bar_pitch = 26;
constexpr double height = bars_top + client_wait_count * bar_pitch + 20;
constexpr double chart_width = width - left - right;
/// More columns than pixels would only make the file large.
constexpr std::size_t columns_max = 400;

/// From the bottom of the pile to its top: what is done lies below, what is not yet on above.
constexpr std::array stage_order{ClientStage::lost,   ClientStage::disk,   ClientStage::installer,
                                 ClientStage::kernel, ClientStage::loader, ClientStage::dhcp,
                                 ClientStage::off};
/// Colours that the colour-blind can tell apart (Okabe and Ito), in the order of ClientStage.
constexpr std::array<std::string_view, client_stage_count> stage_colours{
    "#e8e8e8", "#56b4e9", "#0072b2", "#e69f00", "#f0e442", "#009e73", "#d55e00"};

std::vector<StageSample> thinned(const std::vector<StageSample>& samples) {
    const std::size_t step = samples.size() / columns_max + 1;
    std::vector<StageSample> some;
    for (std::size_t i = 0; i < samples.size(); i += step) {
        some.push_back(samples[i]);
    }
    if (!samples.empty() && some.back().at != samples.back().at) {
        some.push_back(samples.back());
    }
    return some;
}

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void draw_axes(Svg& svg, double seconds, double machines) {
    const double bottom = top + chart_height;
    const double second_step = round_step(seconds, 10);
    for (double at = 0; at <= seconds * (1 + 1e-9); at += second_step) {
        const double x = left + chart_width * at / seconds;
        svg.line({x, bottom}, {x, bottom + 5}, "#888888");
        svg.text({x, bottom + 18}, fmt::format("{:g}", at), Svg::Anchor::middle);
    }
    svg.text({left + chart_width / 2, bottom + 36}, "seconds since the first power-on",
             Svg::Anchor::middle);
    const double machine_step = std::max(1.0, round_step(machines, 8));
    for (double at = 0; at <= machines * (1 + 1e-9); at += machine_step) {
        const double y = bottom - chart_height * at / machines;
        svg.line({left - 5, y}, {left + chart_width, y}, "#dddddd");
        svg.text({left - 8, y + 4}, fmt::format("{:g}", at), Svg::Anchor::end);
    }
}

void draw_stages(Svg& svg, const std::vector<StageSample>& samples, double seconds,
                 double machines) {
    const double bottom = top + chart_height;
    std::vector<double> floor(samples.size(), 0);
    const auto point = [&](std::size_t i, double value) {
        return Svg::Point{left + chart_width * seconds_of(samples[i].at) / seconds,
                          bottom - chart_height * value / machines};
    };
    double legend_y = bottom - 10;
    for (const ClientStage stage : stage_order) {
        const auto index = static_cast<std::size_t>(stage);
        std::vector<Svg::Point> outline;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            outline.push_back(point(i, floor[i]));
        }
        for (std::size_t i = samples.size(); i-- > 0;) {
            floor[i] += samples[i].machines[index];
            outline.push_back(point(i, floor[i]));
        }
        svg.area(outline, stage_colours[index], to_text(stage));
        svg.rectangle({left + chart_width + 20, legend_y - 10}, 12, 12, stage_colours[index]);
        svg.text({left + chart_width + 38, legend_y}, to_text(stage));
        legend_y -= 22;
    }
}

void draw_waits(Svg& svg, const Outcome& outcome) {
    constexpr double bars_left = left + 80;
    constexpr double bars_width = width - bars_left - right;
    svg.text({left - 50, bars_top - 16}, "Mean time that a machine waited, by cause",
             Svg::Anchor::start, true);
    const auto& waited = outcome.figures.waited;
    const double most = std::max(1e-9, seconds_of(*std::max_element(waited.begin(), waited.end())));
    for (std::size_t i = 0; i < client_wait_count; ++i) {
        const double y = bars_top + static_cast<double>(i) * bar_pitch;
        const double total = seconds_of(waited[i]);
        svg.text({bars_left - 8, y + 13}, to_text(static_cast<ClientWait>(i)), Svg::Anchor::end);
        svg.rectangle({bars_left, y}, bars_width * total / most, bar_height, "#0072b2");
        svg.text({bars_left + bars_width * total / most + 6, y + 13},
                 fmt::format("{:.2f} s", total / std::max(1.0, double(outcome.options.clients))));
    }
}

} // namespace

std::string storm_plot(const Outcome& outcome) {
    const auto samples = thinned(outcome.figures.stages);
    const double seconds = samples.empty() ? 1 : std::max(1e-3, seconds_of(samples.back().at));
    const double machines = std::max(1U, outcome.options.clients);
    Svg svg{width, height};
    svg.text({left - 50, 24},
             fmt::format("{} machines ({}): {} installed, {} lost", outcome.options.clients,
                         outcome.options.firmware, outcome.figures.installed, outcome.figures.lost),
             Svg::Anchor::start, true);
    draw_axes(svg, seconds, machines);
    draw_stages(svg, samples, seconds, machines);
    draw_waits(svg, outcome);
    return std::move(svg).document();
}

void write_plot(const Outcome& outcome, const std::string& path) {
    std::ofstream file{path};
    file << storm_plot(outcome);
    file.close();
    if (!file) {
        throw Failure{fmt::format("cannot write '{}': {}", cli::printable(path),
                                  std::strerror(errno))}; // NOLINT: one thread
    }
}

} // namespace muster::load
