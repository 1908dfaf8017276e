// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/program.hh"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

extern char** environ; // NOLINT: POSIX says so

namespace muster::cli {

ProgramEnd run_program(const std::vector<std::string>& arguments) {
    ProgramEnd end;
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return end;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str())); // NOLINT: spawn changes none
    }
    argv.push_back(nullptr);
    pid_t child = -1;
    end.started =
        ::posix_spawnp(&child, argv.front(), &actions, nullptr, argv.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    std::array<char, 4096> buffer{};
    while (end.started) {
        const ssize_t size = ::read(pipe[0], buffer.data(), buffer.size());
        if (size > 0) {
            end.output.append(buffer.data(), static_cast<std::size_t>(size));
        } else if (size == 0 || errno != EINTR) {
            break;
        }
    }
    ::close(pipe[0]);
    int status = 0;
    if (end.started && ::waitpid(child, &status, 0) == child && WIFEXITED(status)) {
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
