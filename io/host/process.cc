// SPDX-License-Identifier: Apache-2.0
#include "io/host/process.hh"

#include "io/host/fd.hh"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace muster {

bool user_exists(const std::string& user) {
    return ::getpwnam(user.c_str()) != nullptr;
}

Result<void, SysError> become_user(const std::string& user,
                                   const std::vector<std::string>& folders) {
    if (::geteuid() != 0) {
        return {};
    }
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        return std::unexpected(SysError{"--user " + user + ": no such user", ENOENT});
    }
    const uid_t uid = entry->pw_uid;
    const gid_t gid = entry->pw_gid;
    std::error_code error;
    for (const std::string& folder : folders) {
        if (::chown(folder.c_str(), uid, gid) != 0) {
            if (errno == ENOENT) {
                continue;
            }
            return sys_error("giving " + folder + " to " + user);
        }
        for (const auto& item : std::filesystem::directory_iterator(folder, error)) {
            if (::lchown(item.path().c_str(), uid, gid) != 0) {
                return sys_error("giving " + item.path().string() + " to " + user);
            }
        }
    }
    if (::initgroups(user.c_str(), gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) {
        return sys_error("becoming user " + user);
    }
    return {};
}

void notify_service_manager(const std::string& state) noexcept {
    const char* path = std::getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe): at start only
    if (path == nullptr || path[0] == '\0') {
        return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, path, length);
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0'; // abstract
    }
    const Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

// NOLINTBEGIN(concurrency-mt-unsafe): nobody changes the environment
bool has_service_manager() noexcept {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    return path != nullptr && path[0] != '\0';
}

std::optional<Duration> watchdog_time() noexcept {
    const auto number = [](const char* name) -> std::optional<std::uint64_t> {
        const char* const text = std::getenv(name);
        std::uint64_t value = 0;
        if (text == nullptr) {
            return std::nullopt;
        }
        const char* const end = text + std::strlen(text);
        const auto read = std::from_chars(text, end, value);
        return read.ec == std::errc{} && read.ptr == end ? std::optional{value} : std::nullopt;
    };
    constexpr std::uint64_t hour_us = 3'600'000'000;
    const auto pid = number("WATCHDOG_PID"); // another process's is inherited with its environment
    const auto time = number("WATCHDOG_USEC");
    if (!time || *time == 0 || (pid && *pid != static_cast<std::uint64_t>(::getpid()))) {
        return std::nullopt;
    }
    return std::chrono::microseconds{std::min(*time, hour_us)};
}
// NOLINTEND(concurrency-mt-unsafe)

void pin_to_core(unsigned core) noexcept {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    ::sched_setaffinity(0, sizeof cores, &cores);
}

void name_thread(const std::string& name) noexcept {
    ::pthread_setname_np(::pthread_self(), name.c_str());
}

std::uint64_t raise_file_limit() noexcept {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

} // namespace muster
