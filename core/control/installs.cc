// SPDX-License-Identifier: Apache-2.0
#include "core/control/installs.hh"

#include "core/base/check.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::string_view files_prefix = "/files/";
constexpr std::string_view loaders_prefix = "/loaders/";
constexpr std::string_view scripts_prefix = "/boot/";
constexpr unsigned refusals_noted_max = 10; ///< a second

constexpr std::optional<BootMark> mark_of(InstallEventKind kind) noexcept {
    switch (kind) {
    case InstallEventKind::offered:
        return BootMark::offer;
    case InstallEventKind::loader_asked:
        return BootMark::loader;
    case InstallEventKind::script_asked:
        return BootMark::script;
    case InstallEventKind::payload_fetched:
        return BootMark::kernel;
    case InstallEventKind::answers_fetched:
        return BootMark::answers;
    case InstallEventKind::report_started:
    case InstallEventKind::report_progress:
        return BootMark::started;
    case InstallEventKind::report_installed:
        return BootMark::installed;
    case InstallEventKind::report_failed:
    case InstallEventKind::told_to_wait:
    case InstallEventKind::deadline_passed:
    case InstallEventKind::order_install:
    case InstallEventKind::order_later:
    case InstallEventKind::order_withdrawn:
    case InstallEventKind::order_ignore:
    case InstallEventKind::order_boot_local:
    case InstallEventKind::profile_given:
    case InstallEventKind::profile_removed:
        return std::nullopt;
    }
    __builtin_unreachable();
}

/// In turn: the first way may have failed for another reason.
bool goes_other_way(const NodeRecord& node) noexcept {
    return attempts_stuck_in_loader(node) % 2 != 0;
}

bool is_url(std::string_view path) noexcept {
    return path.find("://") != std::string_view::npos;
}

bool names_payload(const Profile& profile, std::string_view file) noexcept {
    return file == profile.kernel ||
           std::find(profile.initrd.begin(), profile.initrd.end(), file) != profile.initrd.end();
}

std::string state_text(const Install& before, const InstallStep& step) {
    std::string text = fmt::format("{}, was {}", to_text(step.next.state), to_text(before.state));
    if (step.attempt_began) {
        text += fmt::format(" (attempt {} begins)", step.next.attempt);
    }
    return text;
}

constexpr bool is_network_boot(InstallEventKind kind) noexcept {
    return kind == InstallEventKind::offered || kind == InstallEventKind::loader_asked ||
           kind == InstallEventKind::script_asked || kind == InstallEventKind::told_to_wait;
}

/// It says how far the installer is, and nothing else: counts as the bytes that a node was served
/// do, and is kept as they are. A rack that installs says it a thousand times a second.
bool is_progress(const InstallEvent& event, const Install& before, const Install& next) {
    return event.kind == InstallEventKind::report_progress && before.state == next.state &&
           before.answered == next.answered && before.started == next.started;
}

void begin_attempt(NodeRecord& node, std::uint64_t expected) {
    node.answers_fetched.clear();
    node.bytes_served = 0;
    node.loading_bytes = 0;
    node.expected_bytes = expected;
    if (node.boots.size() >= boots_kept_max) {
        node.boots.erase(node.boots.begin());
    }
    node.boots.push_back(
        {.attempt = node.install.attempt, .token = node.install.token, .marks = {}});
}

} // namespace

const std::string& Installs::profile_name_of(const NodeRecord& node) const noexcept {
    const bool by_rule = node.spec.profile.empty() && node.origin == NodeOrigin::discovered &&
                         site_->unknown.action == BootAction::install;
    return by_rule ? site_->unknown.profile : node.spec.profile;
}

const Profile* Installs::profile_of(const NodeRecord& node) const noexcept {
    const auto it = site_->profiles.find(profile_name_of(node));
    return it == site_->profiles.end() ? nullptr : &it->second;
}

BootAction Installs::action_of(const NodeRecord& node) const noexcept {
    switch (node.install.state) {
    case InstallState::new_node:
        // A machine that somebody listed is known to be ours; without a profile it runs what is
        // on its disk. One that just turned up gets what the site says about such machines.
        if (node.origin != NodeOrigin::discovered) {
            return BootAction::boot_local;
        }
        return site_->unknown.action == BootAction::install ? BootAction::hold
                                                            : site_->unknown.action;
    case InstallState::ready:
    case InstallState::booting:
    case InstallState::loading:
    case InstallState::installing:
        return BootAction::install;
    case InstallState::installed:
        return BootAction::boot_local;
    case InstallState::failed:
        // Its disk may be half written, so it is not sent there; it waits for an operator.
        return BootAction::hold;
    case InstallState::ignored:
        return BootAction::ignore;
    }
    __builtin_unreachable();
}

namespace {

/// The node's own options before those of its profile.
SharedDhcpOptions joined_options(const DhcpOptionSet& own,
                                 const std::map<std::string, SharedDhcpOptions, std::less<>>& of,
                                 const Profile* profile) {
    SharedDhcpOptions joined;
    if (profile != nullptr) {
        if (const auto it = of.find(profile->name); it != of.end()) {
            joined = it->second;
        }
    }
    if (!own.empty()) {
        DhcpOptionSet both = own;
        if (joined.set != nullptr) {
            both.add_missing(*joined.set);
        }
        joined.set = std::make_shared<const DhcpOptionSet>(std::move(both));
    }
    return joined;
}

} // namespace

void Installs::set_site(std::shared_ptr<const Site> site) {
    site_ = std::move(site);
    profile_options_.clear();
    profile_options6_.clear();
    for (const auto& [name, profile] : site_->profiles) {
        if (!profile.options.empty()) {
            profile_options_[name].set = std::make_shared<const DhcpOptionSet>(profile.options);
        }
        if (!profile.options6.empty()) {
            profile_options6_[name].set = std::make_shared<const DhcpOptionSet>(profile.options6);
        }
    }
}

NodeBoot Installs::boot_of(const NodeRecord& node, const MacAddress& mac) const {
    NodeBoot boot{.mac = mac,
                  .learned = !node.lists_mac(mac),
                  .action = action_of(node),
                  .reserved = node.spec.address,
                  .reserved6 = node.spec.address6};
    const Profile* const profile = profile_of(node);
    if (profile != nullptr) {
        boot.loader = profile->loader == LoaderChoice::automatic && goes_other_way(node)
                          ? LoaderChoice::other_way
                          : profile->loader;
    }
    boot.options = joined_options(node.spec.options, profile_options_, profile);
    boot.options6 = joined_options(node.spec.options6, profile_options6_, profile);
    const std::string_view name = node.name();
    std::copy_n(name.begin(), std::min(name.size(), boot.name.size() - 1), boot.name.begin());
    return boot;
}

NodeBoot Installs::boot_of(const NodeRecord& node, std::string alias) const {
    NodeBoot boot = boot_of(node, MacAddress{});
    boot.alias = std::move(alias);
    boot.learned = false;
    return boot;
}

InstallPolicy Installs::policy_of(const NodeRecord& node) const noexcept {
    const Profile* const profile = profile_of(node);
    if (profile == nullptr) {
        return {};
    }
    return {.has_profile = true,
            .booting = profile->deadlines.booting,
            .installing = profile->deadlines.installing,
            .retries = profile->retries};
}

std::uint64_t Installs::expected_bytes(const Profile* profile) const {
    if (profile == nullptr) {
        return 0;
    }
    std::uint64_t sum = is_url(profile->kernel) ? 0 : content_.size(profile->kernel).value_or(0);
    for (const std::string& initrd : profile->initrd) {
        sum += is_url(initrd) ? 0 : content_.size(initrd).value_or(0);
    }
    return sum;
}

Token Installs::fresh_token() {
    Token token;
    while (token.empty() || ledger_.nodes().find(token) != nullptr) {
        std::array<std::byte, sizeof(token.octets)> bytes{};
        random_(bytes);
        std::transform(bytes.begin(), bytes.end(), token.octets.begin(),
                       [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    }
    return token;
}

InstallStep Installs::apply(const std::string& name, InstallEvent event, UnixTime at) {
    const NodeRecord* const node = ledger_.nodes().find(name);
    MUSTER_CHECK(node != nullptr);
    const InstallState state = node->install.state;
    if (is_network_boot(event.kind) &&
        (state == InstallState::ready || state == InstallState::installing)) {
        event.fresh = fresh_token(); // only from these may an attempt begin
    }
    InstallStep step = step_install(node->install, event, at, policy_of(*node));
    if (step.outcome == InstallOutcome::token_refused ||
        step.outcome == InstallOutcome::no_profile) {
        return step;
    }
    const bool changed = step.outcome == InstallOutcome::changed;
    const auto mark = mark_of(event.kind);
    const bool marks = mark && step.next.token_use != TokenUse::none &&
                       (attempt_runs(step.next.state) || *mark == BootMark::installed);
    const BootTimeline* const latest = node->latest_boot();
    const bool marked =
        marks && !step.attempt_began && latest != nullptr && latest->at(*mark) != UnixTime{};
    if (!changed && (!marks || marked || latest == nullptr)) {
        return step; // said before: most of what is seen is
    }
    if (marked && is_progress(event, node->install, step.next)) {
        Install& install = ledger_.progress_of(name)->install;
        install.percent = step.next.percent;
        install.message = step.next.message;
        return step;
    }
    NodeRecord next = *node;
    next.install = step.next;
    if (!step.failure.empty()) {
        ++counters_.attempts_failed;
        std::string why = step.failure;
        const Profile* const profile = profile_of(*node);
        if (profile != nullptr && profile->loader == LoaderChoice::automatic &&
            step.next.state != InstallState::failed && goes_other_way(next)) {
            why += "; it came no further than its loader, so the next attempt takes another way";
        }
        ledger_.note(at, EventKind::attempt_failed, name, why);
    }
    if (step.attempt_began) {
        ++counters_.attempts_begun;
        begin_attempt(next, expected_bytes(profile_of(*node)));
    }
    if (BootTimeline* const boot = next.latest_boot(); boot != nullptr && marks) {
        (void)boot->set(*mark, at);
    }
    if (step.next.state != state || step.attempt_began) {
        ledger_.note(at, EventKind::state_changed, name, state_text(node->install, step));
        counters_.installs_completed += event.kind == InstallEventKind::report_installed ? 1U : 0U;
    }
    ledger_.put(std::move(next));
    return step;
}

void Installs::add_wait(const std::string& name, BootWait wait, Duration time) {
    const NodeRecord* const node = ledger_.nodes().find(name);
    if (time <= Duration{} || node == nullptr || !attempt_runs(node->install.state) ||
        node->latest_boot() == nullptr) {
        return;
    }
    ledger_.progress_of(name)->latest_boot()->add(wait, time);
}

void Installs::on_sample(const TransferSample& sample, UnixTime at) {
    const NodeRecord* const node = ledger_.node_at(sample.client);
    if (node == nullptr) {
        return;
    }
    const std::string name = node->name();
    const std::string_view path = sample.path;
    const bool flows = sample.phase == TransferSample::Phase::started || sample.sent > 0;
    const Profile* const profile = profile_of(*node);
    const bool payload = profile != nullptr && path.starts_with(files_prefix) &&
                         names_payload(*profile, path.substr(files_prefix.size()));
    const bool loader = path.starts_with(loaders_prefix);
    if (flows && loader &&
        !(node->latest_boot() != nullptr && attempt_runs(node->install.state) &&
          node->latest_boot()->at(BootMark::loader) != UnixTime{})) {
        apply(name, {.kind = InstallEventKind::loader_asked}, at);
    } else if (flows && payload && node->install.state == InstallState::booting) {
        apply(name, {.kind = InstallEventKind::payload_fetched}, at);
    }
    add_wait(name, BootWait::tftp_no_answer, sample.silence);
    if (!path.starts_with(scripts_prefix)) { // those are noted where they are made
        recorder_.on_transfer(name,
                              loader    ? FlightKind::loader
                              : payload ? FlightKind::payload
                                        : FlightKind::file,
                              sample, at);
    }
    if (sample.sent == 0) {
        return;
    }
    NodeRecord* const edit = ledger_.progress_of(name);
    if (attempt_runs(edit->install.state)) {
        edit->bytes_served += sample.sent;
        edit->loading_bytes += payload ? sample.sent : 0;
    }
}

void Installs::note_refused_token(const Token& token, std::string_view what,
                                  const IpAddress& client, UnixTime at) {
    ++counters_.tokens_refused;
    if (at - refusals_since_ >= 1s || at < refusals_since_) {
        refusals_since_ = at;
        refusals_noted_ = 0;
    }
    if (++refusals_noted_ > refusals_noted_max) {
        return; // the metric has them all
    }
    const NodeRecord* const node = ledger_.nodes().find(token);
    std::string why = "a token that no attempt has";
    if (node != nullptr) {
        const auto boot = std::find_if(node->boots.begin(), node->boots.end(),
                                       [&](const BootTimeline& b) { return b.token == token; });
        why = fmt::format("the token of attempt {}, which has ended", boot->attempt);
    }
    ledger_.note(at, EventKind::token_refused, node == nullptr ? "" : node->name(),
                 fmt::format("{} from {} with {}", what, to_text(client), why));
    if (node != nullptr) {
        recorder_.note(node->name(), FlightKind::refused, what,
                       fmt::format("{} with {}", what, why), at);
    }
}

} // namespace muster
