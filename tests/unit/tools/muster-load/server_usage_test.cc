// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/server_usage.hh"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace muster::load {
namespace {

TEST(ServerUsage, ReadsTheKernelsText) {
    // Fields 14 to 17: user, system, children's user, children's system.
    EXPECT_EQ(ticks_of("12 (a ) name) S 1 12 12 0 -1 4194304 500 0 0 0 11 22 33 44 20 0 1 0"),
              110U);
    EXPECT_EQ(ticks_of("12 (name) S 1 2 3"), 0U);
    EXPECT_EQ(ticks_of(""), 0U);
    EXPECT_EQ(peak_bytes_of("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t1 kB\n"), 1234U * 1024);
    EXPECT_EQ(peak_bytes_of("Name:\tkthreadd\n"), 0U);
}

/// Uses the processor for so long.
void burn(double seconds) {
    timespec now{};
    do {
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while (static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 < seconds);
}

TEST(ServerUsage, CountsAProcessAndItsChildren) {
    const pid_t parent = ::fork();
    if (parent == 0) {
        const pid_t child = ::fork();
        if (child == 0) {
            burn(0.15);
            ::pause();
        }
        burn(0.15);
        ::pause();
    }
    ServerUsage usage{{parent}};
    for (int i = 0; i < 100 && usage.cpu_seconds() < 0.28; ++i) {
        ::usleep(50'000);
        usage.sample();
    }
    EXPECT_GE(usage.cpu_seconds(), 0.28) << "both";
    EXPECT_LT(usage.cpu_seconds(), 1.0);
    EXPECT_GT(usage.peak_bytes(), 100'000U);
    EXPECT_FALSE(usage.ended());
    const double before = usage.cpu_seconds();
    ::system(("kill -9 $(cat /proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
              "/children)")
                 .c_str()); // NOLINT: its child alone
    ::kill(parent, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    usage.sample();
    EXPECT_TRUE(usage.ended());
    EXPECT_GE(usage.cpu_seconds(), before) << "what was used stays used";
    usage.restart();
    EXPECT_EQ(usage.cpu_seconds(), 0);
}

} // namespace
} // namespace muster::load
