// SPDX-License-Identifier: Apache-2.0
// Every state x every event, as a table that is compared with tests/data/install_states.md
// (MUSTER_GOLDEN_UPDATE=1 rewrites it), and the promises that the table must keep.
#include "core/node/install_state.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace muster {
namespace {

constexpr UnixTime start{1'000'000};
constexpr UnixTime now{2'000'000};
constexpr UnixTime later{3'000'000};
constexpr Token first_token{{1}};
constexpr Token next_token{{2}};
constexpr Token strange_token{{3}};

/// A place in the table: a state and what else decides there.
struct Case {
    std::string name;
    Install install;
};

Install running(InstallState state) {
    Install install;
    install.state = state;
    install.attempt = 1;
    install.tries = 1;
    install.token = first_token;
    install.token_use = TokenUse::open;
    install.since = start;
    install.deadline = now;
    return install;
}

Install resting(InstallState state, TokenUse use) {
    Install install = running(state);
    install.token_use = use;
    install.deadline = {};
    return install;
}

std::vector<Case> cases() {
    Install fresh;
    fresh.since = start;
    Install armed = fresh;
    armed.state = InstallState::ready;
    Install fetched = running(InstallState::installing);
    fetched.answered = true;
    Install wrote = fetched;
    wrote.started = true;
    Install ordered = resting(InstallState::ready, TokenUse::revoked);
    ordered.was_installed = true;
    Install waits = resting(InstallState::installed, TokenUse::spent_installed);
    waits.order_waits = true;
    waits.deadline = now;
    Install again = running(InstallState::booting);
    again.answered = true;
    return {
        {"new", fresh},
        {"ready", armed},
        {"ready, an attempt failed", resting(InstallState::ready, TokenUse::spent_failed)},
        {"ready, was installed", ordered},
        {"booting", running(InstallState::booting)},
        {"booting, was installing", again},
        {"loading", running(InstallState::loading)},
        {"installing", fetched},
        {"installing, started", wrote},
        {"installed", resting(InstallState::installed, TokenUse::spent_installed)},
        {"installed, an order waits", waits},
        {"failed", resting(InstallState::failed, TokenUse::spent_failed)},
        {"failed by deadline", resting(InstallState::failed, TokenUse::revoked)},
        {"ignored", resting(InstallState::ignored, TokenUse::revoked)},
    };
}

constexpr InstallPolicy tries_left{.has_profile = true, .retries = 1};
constexpr InstallPolicy last_try{.has_profile = true, .retries = 0};
constexpr InstallPolicy no_profile{.has_profile = false};

struct Row {
    std::string name;
    InstallEventKind kind{};
    Token token;
    InstallPolicy policy;
};

bool takes_token(InstallEventKind kind) {
    switch (kind) {
    case InstallEventKind::answers_fetched:
    case InstallEventKind::report_started:
    case InstallEventKind::report_progress:
    case InstallEventKind::report_installed:
    case InstallEventKind::report_failed:
        return true;
    default:
        return false;
    }
}

std::vector<Row> rows() {
    std::vector<Row> all;
    for (const InstallEventKind kind : install_event_kinds) {
        const std::string name{to_text(kind)};
        all.push_back({name, kind, takes_token(kind) ? first_token : Token{}, tries_left});
        if (takes_token(kind)) {
            all.push_back({name + ", other token", kind, strange_token, tries_left});
        }
        if (kind == InstallEventKind::offered || kind == InstallEventKind::script_asked ||
            kind == InstallEventKind::report_failed || kind == InstallEventKind::deadline_passed) {
            all.push_back(
                {name + ", last try", kind, takes_token(kind) ? first_token : Token{}, last_try});
        }
        all.push_back(
            {name + ", no profile", kind, takes_token(kind) ? first_token : Token{}, no_profile});
    }
    return all;
}

InstallEvent event_of(const Row& row) {
    return {.kind = row.kind,
            .token = row.token,
            .fresh = next_token,
            .percent = 40,
            .message = "",
            .later = later};
}

std::string cell(const Install& install, const InstallStep& step) {
    std::string text;
    switch (step.outcome) {
    case InstallOutcome::token_refused:
        return "refused";
    case InstallOutcome::no_profile:
        return "no profile";
    case InstallOutcome::unchanged:
        return "-";
    case InstallOutcome::changed:
        break;
    }
    text = step.next.state == install.state && !step.attempt_began ? "+" : to_text(step.next.state);
    text += step.failure.empty() ? "" : ", attempt failed";
    text += step.attempt_began ? ", attempt begins" : "";
    return text;
}

std::string table() {
    std::string out = "# Install states\n\n"
                      "What each event (row) does in each state (column): the next state; `-` "
                      "nothing; `+` the state stays and something of it is kept; `refused` the "
                      "token is not that of the running attempt. Written by "
                      "tests/unit/core/node/install_state_test.cc.\n\n| event |";
    std::string line = "|---|";
    for (const Case& at : cases()) {
        out += fmt::format(" {} |", at.name);
        line += "---|";
    }
    out += "\n" + line + "\n";
    for (const Row& row : rows()) {
        out += fmt::format("| {} |", row.name);
        for (const Case& at : cases()) {
            out += fmt::format(" {} |", cell(at.install, step_install(at.install, event_of(row),
                                                                      now, row.policy)));
        }
        out += "\n";
    }
    return out;
}

TEST(InstallState, TheTableIsTheGoldenOne) {
    const std::string path =
        std::string{std::getenv("MUSTER_SOURCE")} + "/tests/data/install_states.md"; // NOLINT
    if (std::getenv("MUSTER_GOLDEN_UPDATE") != nullptr) { // NOLINT(concurrency-mt-unsafe): 1 thread
        std::ofstream{path} << table();
    }
    std::ifstream file{path};
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(table(), golden.str());
}

/// Calls `check` for every place in the table.
template <class Check>
void for_all(Check&& check) {
    for (const Row& row : rows()) {
        for (const Case& at : cases()) {
            SCOPED_TRACE(at.name + " x " + row.name);
            check(at.install, row, step_install(at.install, event_of(row), now, row.policy));
        }
    }
}

TEST(InstallState, OnlyAnOrderLeadsFromInstalledToAnythingElse) {
    for_all([](const Install& before, const Row& row, const InstallStep& step) {
        if (before.state == InstallState::installed &&
            !(before.order_waits && row.kind == InstallEventKind::deadline_passed) &&
            row.kind != InstallEventKind::order_install &&
            row.kind != InstallEventKind::order_later &&
            row.kind != InstallEventKind::order_withdrawn &&
            row.kind != InstallEventKind::order_ignore &&
            row.kind != InstallEventKind::order_boot_local) {
            EXPECT_EQ(step.next, before);
        }
    });
}

TEST(InstallState, AnAttemptBeginsByNetworkBootAloneAndWithAFreshToken) {
    for_all([](const Install& before, const Row& row, const InstallStep& step) {
        EXPECT_EQ(step.attempt_began, step.next.attempt != before.attempt);
        if (step.attempt_began) {
            EXPECT_TRUE(row.kind == InstallEventKind::offered ||
                        row.kind == InstallEventKind::script_asked ||
                        row.kind == InstallEventKind::told_to_wait ||
                        row.kind == InstallEventKind::loader_asked);
            EXPECT_TRUE(row.policy.has_profile);
            EXPECT_EQ(step.next.attempt, before.attempt + 1);
            EXPECT_EQ(step.next.token, next_token);
            EXPECT_EQ(step.next.token_use, TokenUse::open);
            EXPECT_EQ(step.next.state, InstallState::booting);
        } else {
            EXPECT_EQ(step.next.token, before.token);
        }
    });
}

TEST(InstallState, ATokenIsOpenExactlyWhileAnAttemptRuns) {
    for_all([](const Install&, const Row&, const InstallStep& step) {
        EXPECT_EQ(step.next.token_use == TokenUse::open, attempt_runs(step.next.state));
        EXPECT_EQ(step.next.deadline != UnixTime{},
                  attempt_runs(step.next.state) || step.next.order_waits);
    });
}

TEST(InstallState, AnotherTokenNeverChangesAnything) {
    for_all([](const Install& before, const Row& row, const InstallStep& step) {
        if (row.token == strange_token) {
            EXPECT_EQ(step.outcome, InstallOutcome::token_refused);
            EXPECT_EQ(step.next, before);
        }
    });
}

TEST(InstallState, NothingRunsWhileAnOrderWaitsAndItIsGivenAtItsTime) {
    for_all([](const Install& before, const Row& row, const InstallStep& step) {
        if (row.kind == InstallEventKind::order_later) {
            EXPECT_EQ(step.next.state, before.state);
        }
        if (before.order_waits && step.next.state != before.state) {
            EXPECT_TRUE(row.kind == InstallEventKind::deadline_passed ||
                        row.kind == InstallEventKind::order_install ||
                        row.kind == InstallEventKind::order_ignore);
        }
        if (step.next.order_waits) {
            EXPECT_FALSE(attempt_runs(step.next.state));
        }
    });
    Install install = resting(InstallState::installed, TokenUse::spent_installed);
    install = step_install(install, {.kind = InstallEventKind::order_later, .later = later}, now,
                           tries_left)
                  .next;
    const InstallEvent passed{.kind = InstallEventKind::deadline_passed};
    EXPECT_EQ(step_install(install, passed, UnixTime{later.ms - 1}, tries_left).next, install);
    const Install ready = step_install(install, passed, later, tries_left).next;
    EXPECT_EQ(ready.state, InstallState::ready);
    EXPECT_EQ(ready.since, later);
    EXPECT_TRUE(ready.was_installed);
    const Install lost = step_install(install, passed, later, no_profile).next;
    EXPECT_EQ(lost.state, InstallState::installed) << "its profile went meanwhile";
    EXPECT_EQ(lost.deadline, UnixTime{});
}

TEST(InstallState, AWithdrawnOrderLeavesTheDiskAsItIsUnlessAnAttemptBegan) {
    const auto apply = [](const Install& to, InstallEventKind kind) {
        return step_install(to, {.kind = kind, .fresh = next_token, .later = later}, now,
                            tries_left)
            .next;
    };
    using enum InstallEventKind;
    const Install installed = resting(InstallState::installed, TokenUse::spent_installed);
    EXPECT_EQ(apply(apply(installed, order_later), order_withdrawn), installed);
    const Install ready = apply(apply(installed, order_install), order_install);
    EXPECT_EQ(apply(ready, order_withdrawn).state, InstallState::installed);
    const Install begun = apply(ready, offered);
    EXPECT_EQ(apply(begun, order_withdrawn), begun);
    const Install failed = apply(resting(InstallState::failed, TokenUse::revoked), order_install);
    EXPECT_EQ(apply(failed, order_withdrawn), failed) << "there is no system on its disk";
}

TEST(InstallState, AnEmptyTokenIsNeverTheRightOne) {
    Install install = running(InstallState::installing);
    install.token = {};
    EXPECT_EQ(step_install(install, {.kind = InstallEventKind::report_installed}, now, tries_left)
                  .outcome,
              InstallOutcome::token_refused);
}

TEST(InstallState, TheOutcomeSaysWhetherTheRecordDiffers) {
    for_all([](const Install& before, const Row&, const InstallStep& step) {
        EXPECT_EQ(step.outcome == InstallOutcome::changed, step.next != before);
    });
}

TEST(InstallState, SinceIsTheMomentTheStateWasEntered) {
    for_all([](const Install& before, const Row&, const InstallStep& step) {
        EXPECT_EQ(step.next.since, step.next.state == before.state ? start : now);
    });
}

TEST(InstallState, IsPure) {
    for_all([](const Install& before, const Row& row, const InstallStep& step) {
        EXPECT_EQ(step_install(before, event_of(row), now, row.policy).next, step.next);
    });
}

TEST(InstallState, AttemptsEndWhenRetriesAreUsedUp) {
    const InstallPolicy policy{.has_profile = true, .retries = 2};
    Install install;
    install.state = InstallState::ready;
    for (unsigned attempt = 1; attempt <= 3; ++attempt) {
        install = step_install(install, {.kind = InstallEventKind::offered, .fresh = next_token},
                               now, policy)
                      .next;
        EXPECT_EQ(install.attempt, attempt);
        const InstallStep step = step_install(
            install,
            {.kind = InstallEventKind::report_failed, .token = next_token, .message = "no disk"},
            now, policy);
        EXPECT_EQ(step.failure,
                  fmt::format("attempt {} of 3 failed: the installer said: no disk", attempt));
        install = step.next;
        EXPECT_EQ(install.state, attempt < 3 ? InstallState::ready : InstallState::failed);
        EXPECT_EQ(install.message, step.failure);
    }
    // A fresh order begins to count anew, but numbers go on, so that old tokens stay old.
    install = step_install(install, {.kind = InstallEventKind::order_install}, now, policy).next;
    EXPECT_EQ(install.state, InstallState::ready);
    EXPECT_EQ(install.tries, 0U);
    EXPECT_EQ(install.attempt, 3U);
    EXPECT_EQ(install.message, "");
}

TEST(InstallState, DeadlinesEndAnAttemptAtTheirMomentAndNotBefore) {
    for (const InstallState state :
         {InstallState::booting, InstallState::loading, InstallState::installing}) {
        const Install install = running(state);
        const InstallEvent passed{.kind = InstallEventKind::deadline_passed};
        EXPECT_EQ(step_install(install, passed, UnixTime{now.ms - 1}, tries_left).next, install);
        EXPECT_EQ(step_install(install, passed, now, tries_left).next.state, InstallState::ready);
    }
}

TEST(InstallState, APhaseThatIsEnteredTwiceGetsNoSecondDeadline) {
    const InstallPolicy policy{.has_profile = true, .booting = 5min, .installing = 45min};
    Install install;
    install.state = InstallState::ready;
    const auto apply = [&](InstallEventKind kind, UnixTime at) {
        install = step_install(install, {.kind = kind, .token = first_token, .fresh = first_token},
                               at, policy)
                      .next;
    };
    apply(InstallEventKind::offered, start);
    EXPECT_EQ(install.deadline, start + 5min);
    apply(InstallEventKind::script_asked, start + 1min);
    EXPECT_EQ(install.deadline, start + 5min);
    apply(InstallEventKind::payload_fetched, start + 2min);
    EXPECT_EQ(install.deadline, start + 5min);
    apply(InstallEventKind::answers_fetched, start + 3min);
    EXPECT_EQ(install.deadline, start + 48min);
    // It crashes before it reports, boots again and gets as far once more.
    apply(InstallEventKind::offered, start + 10min);
    EXPECT_EQ(install.state, InstallState::booting);
    EXPECT_EQ(install.attempt, 1U);
    apply(InstallEventKind::answers_fetched, start + 13min);
    EXPECT_EQ(install.deadline, start + 48min);
}

TEST(InstallState, ReasonsNameWhatDidNotHappen) {
    const InstallPolicy policy{
        .has_profile = true, .booting = 90s, .installing = 45min, .retries = 0};
    EXPECT_EQ(step_install(running(InstallState::loading),
                           {.kind = InstallEventKind::deadline_passed}, now, policy)
                  .failure,
              "attempt 1 of 1 failed: its answers were not fetched within 90 s of the first offer");
    Install install = running(InstallState::installing);
    install.answered = true;
    EXPECT_EQ(
        step_install(install, {.kind = InstallEventKind::deadline_passed}, now, policy).failure,
        "attempt 1 of 1 failed: it did not report `installed` within 45 min of its answers");
}

TEST(InstallState, ReportsMayBeRepeated) {
    Install install = running(InstallState::installing);
    const auto report = [&](InstallEventKind kind) {
        InstallStep step =
            step_install(install, {.kind = kind, .token = first_token}, now, tries_left);
        install = step.next;
        return step.outcome;
    };
    EXPECT_EQ(report(InstallEventKind::report_started), InstallOutcome::changed);
    EXPECT_EQ(report(InstallEventKind::report_started), InstallOutcome::unchanged);
    EXPECT_EQ(report(InstallEventKind::report_installed), InstallOutcome::changed);
    EXPECT_EQ(report(InstallEventKind::report_installed), InstallOutcome::unchanged);
    EXPECT_EQ(report(InstallEventKind::report_progress), InstallOutcome::token_refused);
    EXPECT_EQ(report(InstallEventKind::report_failed), InstallOutcome::token_refused);
    EXPECT_EQ(install.state, InstallState::installed);
}

TEST(InstallState, PercentAndMessageAreBounded) {
    const InstallStep step = step_install(running(InstallState::installing),
                                          {.kind = InstallEventKind::report_progress,
                                           .token = first_token,
                                           .percent = 255,
                                           .message = std::string(10'000, 'x')},
                                          now, tries_left);
    EXPECT_EQ(step.next.percent, 100);
    EXPECT_EQ(step.next.message.size(), 500U);
}

TEST(InstallState, NamesAreReadBack) {
    for (const InstallState state : install_states) {
        EXPECT_EQ(read_install_state(to_text(state)), state);
    }
    EXPECT_EQ(read_install_state("New"), std::nullopt);
    for (const TokenUse use : {TokenUse::none, TokenUse::open, TokenUse::spent_installed,
                               TokenUse::spent_failed, TokenUse::revoked}) {
        EXPECT_EQ(read_token_use(to_text(use)), use);
    }
}

} // namespace
} // namespace muster
