// SPDX-License-Identifier: Apache-2.0
// muster-load: many network-boot clients against one server.
#include "tools/muster-load/options.hh"
#include "tools/muster-load/plot.hh"
#include "tools/muster-load/report.hh"
#include "tools/muster-load/run.hh"
#include "tools/muster-load/simulate.hh"

#include <fmt/format.h>

#include <clocale>
#include <cstdio>

namespace muster::load {
namespace {

Exit play(const Options& options) {
    const Outcome outcome = options.simulate ? simulate(options) : run(options);
    fmt::print("{}", options.json ? json_text(outcome) : report_text(outcome));
    if (std::fflush(stdout) != 0) {
        throw Failure{"cannot write the report"};
    }
    fmt::print(stderr, "{}", remarks_text(outcome));
    if (!options.plot.empty()) {
        write_plot(outcome, options.plot);
    }
    return outcome.figures.failed == 0 && outcome.given_up.empty() ? Exit::success : Exit::failure;
}

} // namespace
} // namespace muster::load

int main(int count, char** words) {
    using muster::load::Exit;
    std::setlocale(LC_CTYPE, ""); // NOLINT(concurrency-mt-unsafe): one thread
    try {
        const auto invocation =
            muster::load::read_command_line({words + (count > 0 ? 1 : 0), words + count});
        if (!invocation.options) {
            fmt::print("{}", invocation.text);
            return 0;
        }
        return static_cast<int>(muster::load::play(*invocation.options));
    } catch (const muster::load::UsageError& error) {
        fmt::print(stderr, "muster-load: {}\n", error.what());
        return static_cast<int>(Exit::wrong_use);
    } catch (const std::exception& error) {
        fmt::print(stderr, "muster-load: {}\n", error.what());
        return static_cast<int>(Exit::failure);
    }
}
