// SPDX-License-Identifier: Apache-2.0
// How an install goes: one pure function from (where a node stands, what happened, when) to where
// it stands next. No clock, no randomness, no store: the caller brings time and a fresh token,
// stores the result and only then lets its effects be seen.
//
// Two promises live here. A disk is written only by an attempt that an order began: after
// `installed` a network boot leads to the disk, whatever else arrives. And only the token of the
// running attempt changes anything: a report that comes late or twice does no harm.
#pragma once

#include "core/base/time.hh"
#include "core/node/token.hh"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

enum class InstallState : std::uint8_t {
    new_node,   ///< seen, no profile (written `new`)
    ready,      ///< its next network boot installs
    booting,    ///< an offer was made, or a loader asked for
    loading,    ///< kernel and initrd
    installing, ///< answers fetched, or `started` reported
    installed,  ///< boots its own disk from now on
    failed,     ///< no attempt left; the reason is in the message
    ignored,    ///< somebody else's
};
inline constexpr std::array install_states = {
    InstallState::new_node,   InstallState::ready,     InstallState::booting, InstallState::loading,
    InstallState::installing, InstallState::installed, InstallState::failed,  InstallState::ignored,
};
[[nodiscard]] std::string_view to_text(InstallState state) noexcept;
[[nodiscard]] std::optional<InstallState> read_install_state(std::string_view text) noexcept;

/// What became of the attempt that a token belongs to.
enum class TokenUse : std::uint8_t {
    none,            ///< there was no attempt yet
    open,            ///< the attempt runs
    spent_installed, ///< it ended with the report `installed`, which may be repeated
    spent_failed,    ///< it ended with the report `failed`, which may be repeated
    revoked,         ///< it was ended from outside: a deadline, a power cut, an order
};
[[nodiscard]] std::string_view to_text(TokenUse use) noexcept;
[[nodiscard]] std::optional<TokenUse> read_token_use(std::string_view text) noexcept;

/// Where a node stands. All of it is in the store.
struct Install {
    InstallState state = InstallState::new_node;
    std::uint32_t attempt = 0; ///< number of the latest attempt, never reused; 0: none yet
    std::uint32_t tries = 0;   ///< attempts begun since the last order
    Token token;               ///< of the latest attempt
    TokenUse token_use = TokenUse::none;
    bool answered = false; ///< this attempt fetched its answers or reported: its last deadline runs
    bool started = false;  ///< this attempt's installer reported: the disk may have been touched
    /// An order to install waits until `deadline`, and nothing runs until then.
    bool order_waits = false;
    /// It is ready because an order says so, no attempt has begun since, and before it booted its
    /// own disk: withdrawing the order gives it that back.
    bool was_installed = false;
    std::uint8_t percent = 0; ///< as the installer reported
    UnixTime since;           ///< when `state` was entered
    UnixTime deadline;   ///< when the running phase ends the attempt, or the order that waits is
                         ///< given; 0: neither
    std::string message; ///< the reason of a failure, or what the installer last said

    friend bool operator==(const Install&, const Install&) = default;
};

enum class InstallEventKind : std::uint8_t {
    offered,          ///< a network boot: its firmware or boot loader was answered by DHCP
    loader_asked,     ///< a boot loader is being fetched
    script_asked,     ///< a boot script is being fetched
    told_to_wait,     ///< it asked for a boot script, and others load first
    payload_fetched,  ///< its kernel or initrd is being fetched
    answers_fetched,  ///< with a token
    report_started,   ///< with a token
    report_progress,  ///< with a token
    report_installed, ///< with a token
    report_failed,    ///< with a token
    deadline_passed,  ///< the clock is past `deadline`
    order_install,    ///< by an operator
    order_later,      ///< by an operator: install, but from a later time on
    order_withdrawn,  ///< by an operator: no attempt that has not begun shall begin
    order_ignore,     ///< by an operator
    order_boot_local, ///< by an operator
    profile_given,    ///< the site now says what to install
    profile_removed,  ///< the site no longer does
};
inline constexpr std::array install_event_kinds = {
    InstallEventKind::offered,          InstallEventKind::loader_asked,
    InstallEventKind::script_asked,     InstallEventKind::told_to_wait,
    InstallEventKind::payload_fetched,  InstallEventKind::answers_fetched,
    InstallEventKind::report_started,   InstallEventKind::report_progress,
    InstallEventKind::report_installed, InstallEventKind::report_failed,
    InstallEventKind::deadline_passed,  InstallEventKind::order_install,
    InstallEventKind::order_later,      InstallEventKind::order_withdrawn,
    InstallEventKind::order_ignore,     InstallEventKind::order_boot_local,
    InstallEventKind::profile_given,    InstallEventKind::profile_removed,
};
[[nodiscard]] std::string_view to_text(InstallEventKind kind) noexcept;

struct InstallEvent {
    InstallEventKind kind{};
    Token token{};            ///< shown by whoever fetches answers or reports
    Token fresh{};            ///< for an attempt that this event begins; unused otherwise
    std::uint8_t percent = 0; ///< of report_progress; above 100 counts as 100
    std::string message{};    ///< of a report
    UnixTime later{};         ///< of order_later: when it is given
};

/// What the site says about installs of this node.
struct InstallPolicy {
    bool has_profile = false;
    Duration booting = std::chrono::minutes{5};
    Duration installing = std::chrono::minutes{45};
    unsigned retries = 3; ///< attempts after the first
};

enum class InstallOutcome : std::uint8_t {
    changed,       ///< `next` differs
    unchanged,     ///< nothing to do, and nothing wrong
    token_refused, ///< not the token of the running attempt: 403
    no_profile,    ///< an order that cannot be followed: 409
};

struct InstallStep {
    Install next;
    InstallOutcome outcome = InstallOutcome::unchanged;
    bool attempt_began = false; ///< `next.attempt` and `next.token` are new
    std::string failure;        ///< the attempt that ran has ended without success: why
};

/// Applies one event. Pure.
///
/// Deadlines: the first offer starts `booting`, which answers being fetched end; they, or the
///   first report, start `installing`. Each runs once an attempt: a machine that crashes and
///   boots in a circle cannot win time by it.
/// A machine that is told to wait loses no time by it: `booting` starts anew.
/// An order for later waits only where nothing runs and nothing is ready to: else there is nothing
/// to wait for. Until its time the machine boots as before.
/// A network boot during an attempt gets the same script again, since boot loaders crash and
///   retry; once the installer has reported, it is a failed attempt, and the next one begins.
[[nodiscard]] InstallStep step_install(const Install& install, const InstallEvent& event,
                                       UnixTime now, const InstallPolicy& policy);

/// True where an order to install can wait: what runs or is ready would not wait for it.
[[nodiscard]] constexpr bool order_can_wait(InstallState state) noexcept {
    return state == InstallState::installed || state == InstallState::failed ||
           state == InstallState::ignored;
}

/// True while an attempt runs.
[[nodiscard]] constexpr bool attempt_runs(InstallState state) noexcept {
    return state == InstallState::booting || state == InstallState::loading ||
           state == InstallState::installing;
}

} // namespace muster
