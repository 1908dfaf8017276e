// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/faults.hh"

#include <fmt/format.h>

#include <array>

namespace muster::sim {
namespace {

constexpr std::array<std::string_view, canary_count> canary_names{"none",
                                                                  "store-lies",
                                                                  "early-ack",
                                                                  "leases-forgotten",
                                                                  "lease-given-twice",
                                                                  "flipped-byte",
                                                                  "wrong-range",
                                                                  "short-body",
                                                                  "uncounted-drop",
                                                                  "install-forgotten",
                                                                  "install-invented",
                                                                  "token-shared",
                                                                  "machine-unheard",
                                                                  "attempt-forgotten",
                                                                  "report-unheard",
                                                                  "frame-cut"};

double up_to(Prng& random, double most) {
    return random.chance(0.5) ? 0.0 : most * random.uniform();
}

Duration duration_up_to(Prng& random, Duration most) {
    return random.chance(0.5) ? Duration::zero()
                              : Duration{static_cast<std::int64_t>(
                                    random.below(static_cast<std::uint64_t>(most.count()) + 1))};
}

/// Off, or every `soonest` to `rarest` on average.
Recurring recurring(Prng& random, Duration soonest, Duration rarest, Duration least,
                    Duration most) {
    Recurring drawn{.every = {}, .least = least, .most = most};
    const double share = random.uniform();
    if (random.chance(0.5)) {
        drawn.every = soonest + Duration{static_cast<std::int64_t>(
                                    share * static_cast<double>((rarest - soonest).count()))};
    }
    return drawn;
}

} // namespace

Faults Faults::swarm(Prng& random) {
    Faults f;
    f.link.loss = up_to(random, 0.2);
    f.link.duplication = up_to(random, 0.1);
    f.link.reordering = up_to(random, 0.1);
    f.link.corruption = up_to(random, 0.05);
    f.link.unseen_dhcp = up_to(random, 0.05);
    f.link.jitter_max = duration_up_to(random, 20ms);
    f.link.reordering_max = 1ms + duration_up_to(random, 2s);
    f.crash = recurring(random, 5s, 120s, 10ms, 20s);
    f.store_full = recurring(random, 20s, 200s, 100ms, 60s);
    f.cut = recurring(random, 20s, 200s, 1s, 60s);
    f.worker_pause = recurring(random, 2s, 60s, 1ms, 5s);
    f.control_pause = recurring(random, 2s, 60s, 1ms, 5s);
    f.reload = recurring(random, 10s, 120s, 0s, 0s);
    f.power_cut = recurring(random, 20s, 200s, 1s, 30s);
    f.commit_max = duration_up_to(random, 200ms);
    f.reorder_every =
        random.chance(0.5) ? Duration{30s + duration_up_to(random, 200s)} : Duration::zero();
    f.wall_step_max = random.chance(0.25) ? Duration{1h} : Duration::zero();
    return f;
}

std::string Faults::text() const {
    std::string out;
    const auto probability = [&out](std::string_view name, double p) {
        if (p > 0) {
            out += fmt::format(" {} {:.3f}", name, p);
        }
    };
    const auto every = [&out](std::string_view name, Duration d) {
        if (d > Duration::zero()) {
            out += fmt::format(" {} {:.3f}s", name, static_cast<double>(d.count()) * 1e-9);
        }
    };
    probability("loss", link.loss);
    probability("duplication", link.duplication);
    probability("reordering", link.reordering);
    probability("corruption", link.corruption);
    probability("unseen-dhcp", link.unseen_dhcp);
    every("jitter", link.jitter_max);
    every("crash-every", crash.every);
    every("store-full-every", store_full.every);
    every("cut-every", cut.every);
    every("worker-pause-every", worker_pause.every);
    every("control-pause-every", control_pause.every);
    every("reload-every", reload.every);
    every("power-cut-every", power_cut.every);
    every("commit-max", commit_max);
    every("reorder-every", reorder_every);
    every("wall-step-max", wall_step_max);
    return out.empty() ? "no faults" : out.substr(1);
}

std::string_view to_text(Canary canary) noexcept {
    return canary_names[static_cast<std::size_t>(canary)];
}

Canary read_canary(std::string_view text) noexcept {
    for (unsigned i = 0; i < canary_count; ++i) {
        if (canary_names[i] == text) {
            return static_cast<Canary>(i);
        }
    }
    return Canary::none;
}

} // namespace muster::sim
