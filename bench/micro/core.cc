// SPDX-License-Identifier: Apache-2.0
// The containers that every packet passes.
#include "core/base/prng.hh"
#include "core/mem/slab.hh"
#include "core/mem/spsc_ring.hh"
#include "core/mem/timer_wheel.hh"
#include "core/port/messages.hh"

#include <benchmark/benchmark.h>

namespace muster {
namespace {

void timer_arm(benchmark::State& state) {
    constexpr std::uint32_t timers = 20'000;
    TimerWheel wheel{timers};
    Prng random{1};
    Instant now{};
    std::uint32_t id = 0;
    for (auto _ : state) {
        wheel.arm(id, now + std::chrono::milliseconds{250 + random.below(60'000)});
        id = (id + 1) % timers;
    }
}
BENCHMARK(timer_arm);

/// Arming and firing, at the pace of a busy worker.
void timer_fire(benchmark::State& state) {
    constexpr std::uint32_t timers = 20'000;
    TimerWheel wheel{timers};
    Instant now{};
    for (std::uint32_t id = 0; id < timers; ++id) {
        wheel.arm(id, now + std::chrono::microseconds{10 * id});
    }
    for (auto _ : state) {
        now = now + 10us;
        wheel.expire(now, [&](std::uint32_t id) { wheel.arm(id, now + 200ms); });
    }
}
BENCHMARK(timer_fire);

void slab_claim_release(benchmark::State& state) {
    Slab<std::array<std::byte, 64>> slab{1024};
    for (auto _ : state) {
        const auto claimed = slab.claim();
        benchmark::DoNotOptimize(claimed.value);
        slab.release(claimed.handle);
    }
}
BENCHMARK(slab_claim_release);

void mailbox_message(benchmark::State& state) {
    SpscRing<WorkerMessage> ring{1024};
    WorkerMessage message;
    for (auto _ : state) {
        benchmark::DoNotOptimize(ring.push(MachineSeen{}));
        benchmark::DoNotOptimize(ring.pop(message));
    }
}
BENCHMARK(mailbox_message);

} // namespace
} // namespace muster
