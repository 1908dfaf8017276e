// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/server_usage.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace muster::load {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

/// Adds the children of `pid`, whichever of its threads made them.
void add_children(pid_t pid, std::vector<pid_t>& family) {
    std::error_code error; // it may end while we look
    for (std::filesystem::directory_iterator task{fmt::format("/proc/{}/task", pid), error}, end;
         !error && task != end; task.increment(error)) {
        std::istringstream children{text_of(task->path() / "children")};
        for (pid_t child = 0; children >> child;) {
            family.push_back(child);
        }
    }
}

} // namespace

std::uint64_t ticks_of(std::string_view stat) {
    // The second field is the program's name in brackets, which may hold anything.
    const auto bracket = stat.rfind(')');
    if (bracket == std::string_view::npos) {
        return 0;
    }
    std::istringstream fields{std::string{stat.substr(bracket + 1)}};
    std::string skipped;
    for (int field = 3; field < 14; ++field) {
        fields >> skipped;
    }
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    std::uint64_t children_user = 0;
    std::uint64_t children_system = 0;
    fields >> user >> system >> children_user >> children_system;
    return fields ? user + system + children_user + children_system : 0;
}

std::uint64_t peak_bytes_of(std::string_view status) {
    constexpr std::string_view name = "VmHWM:";
    auto at = status.find(name);
    if (at == std::string_view::npos) {
        return 0;
    }
    at = status.find_first_of("0123456789", at);
    std::uint64_t kilobytes = 0;
    if (at != std::string_view::npos) {
        std::from_chars(status.data() + at, status.data() + status.size(), kilobytes);
    }
    return kilobytes * 1024;
}

ServerUsage::ServerUsage(std::vector<pid_t> pids) : pids_(std::move(pids)) {
    sample();
    restart();
}

void ServerUsage::sample() {
    std::uint64_t ticks = 0;
    std::uint64_t peak = 0;
    std::vector<pid_t> family = pids_;
    for (std::size_t i = 0; i < family.size(); ++i) {
        const std::string folder = fmt::format("/proc/{}/", family[i]);
        const std::string stat = text_of(folder + "stat");
        if (stat.empty()) {
            ended_ = ended_ || i < pids_.size();
            continue;
        }
        ticks += ticks_of(stat);
        peak += peak_bytes_of(text_of(folder + "status"));
        std::vector<pid_t> children;
        add_children(family[i], children);
        for (const pid_t child : children) {
            if (std::find(family.begin(), family.end(), child) == family.end()) {
                family.push_back(child);
            }
        }
    }
    const double now = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    cpu_ = std::max(cpu_, now); // one that has ended takes its time along: keep what was seen
    peak_ = std::max(peak_, peak);
}

void ServerUsage::restart() {
    cpu_before_ = cpu_;
}

} // namespace muster::load
