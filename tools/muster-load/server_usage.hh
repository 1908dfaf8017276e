// SPDX-License-Identifier: Apache-2.0
// What the server's processes use while they are under load, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster::load {

/// Watches some processes, their threads, and their children from now on.
class ServerUsage {
public:
    explicit ServerUsage(std::vector<pid_t> pids);

    /// Looks at what they use now. Call a few times a second: children that come and go between
    /// two calls show in the CPU time (their parent's), not in the memory.
    void sample();
    /// CPU time counts from here.
    void restart();

    [[nodiscard]] bool watching() const noexcept { return !pids_.empty(); }
    [[nodiscard]] double cpu_seconds() const noexcept { return cpu_ - cpu_before_; }
    /// The largest sum of their peaks (VmHWM) that was seen.
    [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return peak_; }
    /// One of the given processes has ended.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

private:
    std::vector<pid_t> pids_;
    double cpu_ = 0;
    double cpu_before_ = 0;
    std::uint64_t peak_ = 0;
    bool ended_ = false;
};

/// User and system time of a process and the children that it has waited for, from the text of
/// its `stat`, in clock ticks; 0 when the text is none.
[[nodiscard]] std::uint64_t ticks_of(std::string_view stat);
/// VmHWM in bytes from the text of its `status`; 0: it has none.
[[nodiscard]] std::uint64_t peak_bytes_of(std::string_view status);

} // namespace muster::load
