// SPDX-License-Identifier: Apache-2.0
// All transitions of an install. tests/data/install_states.md is this file as a table.
#include "core/node/install_state.hh"

#include "core/base/check.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

using State = InstallState;
using Kind = InstallEventKind;
using Outcome = InstallOutcome;

constexpr std::size_t message_size_max = 500;

std::string minutes_text(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

/// One application of step_install(): the record being changed, and what there is to know.
class Transition {
public:
    Transition(const Install& install, const InstallEvent& event, UnixTime now,
               const InstallPolicy& policy)
        : event_(event), now_(now), policy_(policy) {
        step_.next = install;
    }

    InstallStep run() {
        const Install before = step_.next;
        apply();
        if (step_.next.state != before.state) {
            step_.next.since = now_;
        }
        if (step_.outcome == Outcome::unchanged && step_.next != before) {
            step_.outcome = Outcome::changed;
        }
        return std::move(step_);
    }

private:
    Install& next() { return step_.next; }

    void apply() {
        switch (event_.kind) {
        case Kind::offered:
            return on_network_boot(true);
        case Kind::script_asked:
            return on_network_boot(false);
        case Kind::loader_asked:
            if (next().state == State::ready) {
                begin_attempt(); // DHCP is another server's, so no offer told of this boot
            }
            return;
        case Kind::told_to_wait:
            return on_told_to_wait();
        case Kind::payload_fetched:
            if (next().state == State::booting) {
                next().state = State::loading;
            }
            return;
        case Kind::answers_fetched:
            return with_token([this] { on_installer(); });
        case Kind::report_started:
            return with_token([this] {
                on_installer();
                next().started = true;
            });
        case Kind::report_progress:
            return with_token([this] {
                on_installer();
                next().started = true;
                next().percent = std::min<std::uint8_t>(event_.percent, 100);
                next().message = text_of_report();
            });
        case Kind::report_installed:
            return on_installed();
        case Kind::report_failed:
            return on_failed();
        case Kind::deadline_passed:
            return on_deadline();
        case Kind::order_install:
            return on_order_install();
        case Kind::order_later:
            return on_order_later();
        case Kind::order_withdrawn:
            return on_order_withdrawn();
        case Kind::order_ignore:
            settle(State::ignored, TokenUse::revoked, "ignored by order");
            return;
        case Kind::order_boot_local:
            settle(State::installed, TokenUse::revoked, "boots its own disk by order");
            return;
        case Kind::profile_given:
            if (next().state == State::new_node) {
                settle(State::ready, next().token_use, "");
            }
            return;
        case Kind::profile_removed:
            return on_profile_removed();
        }
        MUSTER_CHECK(false);
    }

    void on_network_boot(bool offered) {
        switch (next().state) {
        case State::ready:
            return begin_attempt();
        case State::booting:
            return; // the second DHCP of the same boot, or a loader that tries again
        case State::loading:
            if (offered) {
                next().state = State::booting; // it crashed; the attempt's deadline goes on
            }
            return;
        case State::installing:
            if (!next().started) {
                next().state = State::booting; // nothing was written yet; deadlines go on
                return;
            }
            end_attempt(TokenUse::revoked,
                        "it booted from the network again while installing (power cut or crash)");
            if (next().state == State::ready) {
                begin_attempt();
            }
            return;
        case State::new_node:
        case State::installed:
        case State::failed:
        case State::ignored:
            return;
        }
        MUSTER_CHECK(false);
    }

    /// Its attempt may begin with this, if another server gave it its address.
    void on_told_to_wait() {
        switch (next().state) {
        case State::ready:
            return begin_attempt();
        case State::booting:
        case State::loading:
            next().state = State::booting;
            if (!next().answered) {
                next().deadline = now_ + policy_.booting;
            }
            return;
        case State::installing: // judged when it may load: that is its network boot
        case State::new_node:
        case State::installed:
        case State::failed:
        case State::ignored:
            return;
        }
        MUSTER_CHECK(false);
    }

    /// The installer runs. The first sign of it starts the deadline of the phase, no later one.
    void on_installer() {
        if (!next().answered) {
            next().answered = true;
            next().deadline = now_ + policy_.installing;
        }
        next().state = State::installing;
    }

    void on_installed() {
        if (next().token_use == TokenUse::spent_installed && shown()) {
            return; // said again, since its first answer got lost
        }
        with_token([this] {
            settle(State::installed, TokenUse::spent_installed, text_of_report());
            next().percent = 100;
            next().tries = 0;
        });
    }

    void on_failed() {
        if (next().token_use == TokenUse::spent_failed && shown()) {
            return;
        }
        with_token([this] {
            const std::string text = text_of_report();
            end_attempt(TokenUse::spent_failed, text.empty() ? "the installer reported a failure"
                                                             : "the installer said: " + text);
        });
    }

    void on_deadline() {
        if (next().deadline == UnixTime{} || now_ < next().deadline) {
            return;
        }
        if (next().order_waits && policy_.has_profile) {
            return on_order_install();
        }
        next().order_waits = false;
        switch (next().state) {
        case State::booting:
        case State::loading:
            if (!next().answered) {
                end_attempt(TokenUse::revoked,
                            fmt::format("its answers were not fetched within {} of the first offer",
                                        minutes_text(policy_.booting)));
                return;
            }
            [[fallthrough]]; // it had been installing before it booted once more
        case State::installing:
            end_attempt(TokenUse::revoked,
                        fmt::format("it did not report `installed` within {} of its answers",
                                    minutes_text(policy_.installing)));
            return;
        case State::new_node:
        case State::ready:
        case State::installed:
        case State::failed:
        case State::ignored:
            next().deadline = {}; // only a running attempt has one
            return;
        }
        MUSTER_CHECK(false);
    }

    void on_order_install() {
        if (!policy_.has_profile) {
            step_.outcome = Outcome::no_profile;
            return;
        }
        const bool was_installed = next().state == State::installed || next().was_installed;
        settle(State::ready, TokenUse::revoked, "");
        next().was_installed = was_installed;
        next().percent = 0;
        next().tries = 0;
    }

    void on_order_later() {
        if (!policy_.has_profile) {
            step_.outcome = Outcome::no_profile;
            return;
        }
        if (order_can_wait(next().state)) {
            next().order_waits = true;
            next().deadline = event_.later;
        }
    }

    void on_order_withdrawn() {
        if (next().order_waits) {
            next().order_waits = false;
            next().deadline = {};
        } else if (next().state == State::ready && next().was_installed) {
            settle(State::installed, TokenUse::revoked, "its order was withdrawn");
        }
    }

    void on_profile_removed() {
        switch (next().state) {
        case State::ready:
        case State::booting:
        case State::loading:
            settle(State::new_node, TokenUse::revoked, "");
            return;
        case State::installing: // its disk is being written: let it end
        case State::new_node:
        case State::installed:
        case State::failed:
        case State::ignored:
            return;
        }
        MUSTER_CHECK(false);
    }

    void begin_attempt() {
        if (!policy_.has_profile) {
            settle(State::new_node, next().token_use, "");
            return;
        }
        MUSTER_CHECK(!event_.fresh.empty());
        Install& install = next();
        ++install.attempt;
        ++install.tries;
        install.token = event_.fresh;
        install.token_use = TokenUse::open;
        install.answered = false;
        install.started = false;
        install.was_installed = false;
        install.percent = 0;
        install.state = State::booting;
        install.deadline = now_ + policy_.booting;
        install.message.clear();
        step_.attempt_began = true;
    }

    void end_attempt(TokenUse use, std::string_view reason) {
        const unsigned tries_max = policy_.retries + 1;
        std::string message =
            fmt::format("attempt {} of {} failed: {}", next().tries, tries_max, reason);
        step_.failure = message;
        const bool again = next().tries < tries_max;
        settle(!policy_.has_profile ? State::new_node
               : again              ? State::ready
                                    : State::failed,
               use, std::move(message));
    }

    /// Leaves whatever ran for a state without a deadline.
    void settle(State state, TokenUse use, std::string message) {
        Install& install = next();
        if (install.token_use != TokenUse::none) {
            install.token_use = use;
        }
        install.state = state;
        install.answered = false;
        install.started = false;
        install.order_waits = false;
        install.was_installed = false;
        install.deadline = {};
        install.message = std::move(message);
    }

    [[nodiscard]] bool shown() const {
        return !event_.token.empty() && event_.token == step_.next.token;
    }

    template <class Action>
    void with_token(Action&& action) {
        if (next().token_use != TokenUse::open || !shown()) {
            step_.outcome = Outcome::token_refused;
            return;
        }
        MUSTER_CHECK(attempt_runs(next().state));
        action();
    }

    [[nodiscard]] std::string text_of_report() const {
        return event_.message.substr(0, message_size_max);
    }

    const InstallEvent& event_;
    UnixTime now_;
    const InstallPolicy& policy_;
    InstallStep step_;
};

} // namespace

InstallStep step_install(const Install& install, const InstallEvent& event, UnixTime now,
                         const InstallPolicy& policy) {
    return Transition{install, event, now, policy}.run();
}

std::string_view to_text(InstallState state) noexcept {
    switch (state) {
    case State::new_node:
        return "new";
    case State::ready:
        return "ready";
    case State::booting:
        return "booting";
    case State::loading:
        return "loading";
    case State::installing:
        return "installing";
    case State::installed:
        return "installed";
    case State::failed:
        return "failed";
    case State::ignored:
        return "ignored";
    }
    __builtin_unreachable();
}

std::optional<InstallState> read_install_state(std::string_view text) noexcept {
    const auto* const found = std::find_if(install_states.begin(), install_states.end(),
                                           [&](State state) { return to_text(state) == text; });
    return found == install_states.end() ? std::nullopt : std::optional{*found};
}

std::string_view to_text(TokenUse use) noexcept {
    switch (use) {
    case TokenUse::none:
        return "none";
    case TokenUse::open:
        return "open";
    case TokenUse::spent_installed:
        return "spent-installed";
    case TokenUse::spent_failed:
        return "spent-failed";
    case TokenUse::revoked:
        return "revoked";
    }
    __builtin_unreachable();
}

std::optional<TokenUse> read_token_use(std::string_view text) noexcept {
    for (const TokenUse use : {TokenUse::none, TokenUse::open, TokenUse::spent_installed,
                               TokenUse::spent_failed, TokenUse::revoked}) {
        if (to_text(use) == text) {
            return use;
        }
    }
    return std::nullopt;
}

std::string_view to_text(InstallEventKind kind) noexcept {
    switch (kind) {
    case Kind::offered:
        return "offered";
    case Kind::loader_asked:
        return "loader asked";
    case Kind::script_asked:
        return "script asked";
    case Kind::told_to_wait:
        return "told to wait";
    case Kind::payload_fetched:
        return "kernel or initrd fetched";
    case Kind::answers_fetched:
        return "answers fetched";
    case Kind::report_started:
        return "report started";
    case Kind::report_progress:
        return "report progress";
    case Kind::report_installed:
        return "report installed";
    case Kind::report_failed:
        return "report failed";
    case Kind::deadline_passed:
        return "deadline passed";
    case Kind::order_install:
        return "order install";
    case Kind::order_later:
        return "order install later";
    case Kind::order_withdrawn:
        return "order withdrawn";
    case Kind::order_ignore:
        return "order ignore";
    case Kind::order_boot_local:
        return "order boot-local";
    case Kind::profile_given:
        return "profile given";
    case Kind::profile_removed:
        return "profile removed";
    }
    __builtin_unreachable();
}

} // namespace muster
