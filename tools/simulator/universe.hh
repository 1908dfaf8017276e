// SPDX-License-Identifier: Apache-2.0
// What all parts of a simulated world share: time, chance, the agenda, the files, and the list of
// what was found wrong.
#pragma once

#include "tools/simulator/digest.hh"
#include "tools/simulator/event_queue.hh"
#include "tools/simulator/faults.hh"
#include "tools/simulator/files.hh"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace muster::sim {

/// Something that must not be.
struct Finding {
    std::string checker; ///< which checker says so
    std::string text;
    Instant at;
};

struct Universe {
    explicit Universe(std::uint64_t seed) : random(seed), files(seed) {}

    Now now{.steady = {}, .wall = UnixTime{1'700'000'000'000}};
    Prng random;
    EventQueue events;
    SimFiles files;
    Digest digest;
    Faults faults; ///< as they are now: all off once the world has healed
    Canary canary = Canary::none;
    bool checks = true; ///< false: no packet is looked into, for worlds that are about speed
    std::vector<Finding> findings;
    std::vector<std::string>* trace = nullptr; ///< null: none is wanted

    void found(std::string_view checker, std::string text) {
        if (findings.size() < 20) {
            note([&] { return fmt::format("FOUND {}: {}", checker, text); });
            findings.push_back({std::string{checker}, std::move(text), now.steady});
        }
    }
    /// A line of the trace; `line` is called only if one is wanted.
    template <class Line>
    void note(Line&& line) {
        if (trace != nullptr) {
            trace->push_back(
                fmt::format("{:12.6f} {}", static_cast<double>(now.steady.ns) * 1e-9, line()));
        }
    }
    /// 0 .. most, each equally likely.
    [[nodiscard]] Duration up_to(Duration most) {
        return Duration{static_cast<std::int64_t>(
            random.below(static_cast<std::uint64_t>(std::max<std::int64_t>(most.count(), 0)) + 1))};
    }
    [[nodiscard]] bool chance(double probability) {
        return probability > 0 && random.chance(probability);
    }
};

} // namespace muster::sim
