// SPDX-License-Identifier: Apache-2.0
// What a daemon asks of its process: another user, a word to systemd, a core to run on.
#pragma once

#include "core/base/time.hh"
#include "io/host/sys_error.hh"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster {

/// Gives `folders` (with what lies directly in them; missing ones are passed over) to `user` and
/// becomes that user.
///
/// Errors: the user does not exist, or a call is refused. Not root: nothing is done.
[[nodiscard]] Result<void, SysError> become_user(const std::string& user,
                                                 const std::vector<std::string>& folders);
[[nodiscard]] bool user_exists(const std::string& user);

/// Tells the service manager, if there is one: `READY=1`, `STATUS=…` (sd_notify(3) protocol).
void notify_service_manager(const std::string& state) noexcept;
[[nodiscard]] bool has_service_manager() noexcept;
/// Within which time it wants to hear `WATCHDOG=1` again and again (sd_watchdog_enabled(3)).
/// nullopt: it does not.
[[nodiscard]] std::optional<Duration> watchdog_time() noexcept;

/// Runs the calling thread on one core. Errors are ignored: it is a wish.
void pin_to_core(unsigned core) noexcept;

/// What debuggers and top call the calling thread: 15 characters at most.
void name_thread(const std::string& name) noexcept;

/// Raises the limit of open files as far as it goes; returns it.
std::uint64_t raise_file_limit() noexcept;

} // namespace muster
