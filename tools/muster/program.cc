// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/program.hh"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

extern char** environ; // NOLINT: POSIX says so

namespace muster::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

/// Waits until there is something to read; false when the time is over first.
bool wait_readable(int descriptor, const Deadline& deadline) {
    while (true) {
        int wait = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now());
            if (left.count() <= 0) {
                return false;
            }
            wait = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000));
        }
        pollfd waited{descriptor, POLLIN, 0};
        if (const int ready = ::poll(&waited, 1, wait);
            ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
    }
}

/// Reads to the end; false when the time is over first.
bool read_output(int descriptor, const Deadline& deadline, std::string& out) {
    std::array<char, 4096> buffer{};
    while (wait_readable(descriptor, deadline)) {
        const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
        if (size > 0) {
            out.append(buffer.data(), static_cast<std::size_t>(size));
        } else if (size == 0 || errno != EINTR) {
            return true;
        }
    }
    return false;
}

/// Waits for the end of a process, which may have closed its output long before.
bool wait_exited(pid_t child, const Deadline& deadline) {
    if (!deadline) {
        return true;
    }
    // glibc 2.36 declares pidfd_open() for C alone.
    const auto descriptor = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (descriptor < 0) {
        return true;
    }
    const bool exited = wait_readable(descriptor, deadline);
    ::close(descriptor);
    return exited;
}

} // namespace

ProgramEnd run_program(const std::vector<std::string>& arguments,
                       std::optional<std::chrono::milliseconds> limit) {
    ProgramEnd end;
    Deadline deadline;
    if (limit) {
        deadline = SteadyClock::now() + *limit;
    }
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return end;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    if (limit) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setpgroup(&attributes, 0);
    }
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str())); // NOLINT: spawn changes none
    }
    argv.push_back(nullptr);
    pid_t child = -1;
    end.started =
        ::posix_spawnp(&child, argv.front(), &actions, &attributes, argv.data(), environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    if (end.started &&
        !(read_output(pipe[0], deadline, end.output) && wait_exited(child, deadline))) {
        end.too_slow = true;
        ::kill(-child, SIGKILL);
    }
    ::close(pipe[0]);
    int status = 0;
    while (end.started && ::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return end;
        }
    }
    if (end.started && WIFEXITED(status)) {
        end.status = WEXITSTATUS(status);
    }
    return end;
}

std::string last_line(std::string_view output) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto last = output.find_last_not_of(blanks);
    if (last == std::string_view::npos) {
        return "it said nothing";
    }
    output = output.substr(0, last + 1);
    const auto begin = output.find_last_of('\n');
    return std::string{output.substr(begin == std::string_view::npos ? 0 : begin + 1)};
}

} // namespace muster::cli
