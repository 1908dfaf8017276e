// SPDX-License-Identifier: Apache-2.0
#include "core/flight/findings.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace muster {
namespace {

using std::chrono::seconds;

/// A loader asks for its script within seconds; UEFI's Secure Boot dialogue and slow links too.
constexpr Duration loader_patience = seconds{60};
/// Between the last byte of an initrd and the first request of an installer: kernel, link, DHCP.
constexpr Duration installer_patience = seconds{180};
/// Firmware asks at 0, 4 and 12 s before it takes none of the offers.
constexpr std::uint32_t offers_ignored_min = 3;
constexpr std::uint32_t boots_in_circle_min = 3;

std::int64_t in_seconds(Duration time) {
    return std::chrono::duration_cast<seconds>(time).count();
}

/// The entries of the latest boot, asked by kind.
class LatestBoot {
public:
    explicit LatestBoot(std::span<const FlightEntry> entries) {
        if (!entries.empty()) {
            const std::uint32_t boot = entries.back().boot;
            const auto first = std::find_if(entries.begin(), entries.end(),
                                            [&](const FlightEntry& e) { return e.boot == boot; });
            entries_ = entries.subspan(static_cast<std::size_t>(first - entries.begin()));
        }
    }
    [[nodiscard]] const FlightEntry* first(FlightKind kind) const noexcept {
        const auto it = std::find_if(entries_.begin(), entries_.end(),
                                     [&](const FlightEntry& e) { return e.kind == kind; });
        return it == entries_.end() ? nullptr : &*it;
    }
    [[nodiscard]] const FlightEntry* latest(FlightKind kind) const noexcept {
        const auto it = std::find_if(entries_.rbegin(), entries_.rend(),
                                     [&](const FlightEntry& e) { return e.kind == kind; });
        return it == entries_.rend() ? nullptr : &*it;
    }
    [[nodiscard]] bool has(FlightKind kind) const noexcept { return first(kind) != nullptr; }
    [[nodiscard]] std::uint32_t count(FlightKind kind) const noexcept {
        std::uint32_t sum = 0;
        for (const FlightEntry& entry : entries_) {
            sum += entry.kind == kind ? entry.count : 0;
        }
        return sum;
    }
    [[nodiscard]] std::span<const FlightEntry> entries() const noexcept { return entries_; }
    /// It went on to something that only a machine with an address does.
    [[nodiscard]] bool loads() const noexcept {
        return has(FlightKind::loader) || has(FlightKind::script) || has(FlightKind::wait) ||
               has(FlightKind::payload) || has(FlightKind::answers) || has(FlightKind::report);
    }

private:
    std::span<const FlightEntry> entries_;
};

using Findings = std::vector<Finding>;

void look_at_dhcp(const LatestBoot& boot, Findings& found) {
    if (const FlightEntry* const late = boot.first(FlightKind::late)) {
        found.push_back(
            {"late-link",
             fmt::format("the first DHCP message that came here says that the machine has asked "
                         "for {} already: its link passed nothing until then. Usual cause: "
                         "spanning tree on the switch port; set it to portfast (edge)",
                         late->text)});
    }
    if (const FlightEntry* const other = boot.latest(FlightKind::other_server)) {
        found.push_back(
            {"other-dhcp-server",
             fmt::format("{} answers DHCP on this wire, too, and the machine took its offer: "
                         "switch that server off, or run musterd beside it as a proxy",
                         other->text)});
        return;
    }
    const FlightEntry* const latest = boot.latest(FlightKind::offer);
    if (latest != nullptr && latest->text.ends_with(no_loader_text)) {
        found.push_back(
            {"no-loader",
             fmt::format("its firmware is {}, and no boot loader here runs on that: it is offered "
                         "an address and nothing to boot. What it says may be wrong, or a setting "
                         "of the firmware (legacy boot, 32 bit)",
                         latest->text.substr(0, latest->text.find(':')))});
        return;
    }
    const FlightEntry* const offer = boot.first(FlightKind::offer);
    if (offer == nullptr || boot.has(FlightKind::ack) || boot.loads() ||
        boot.count(FlightKind::offer) < offers_ignored_min) {
        return;
    }
    const FlightEntry& last = *latest;
    const bool proxy = last.text.ends_with("proxy");
    found.push_back(
        {"offers-ignored",
         fmt::format("{} offers in {} s, and the machine took none. {}",
                     boot.count(FlightKind::offer), in_seconds(last.last - offer->at),
                     proxy ? "Either no DHCP server gives it an address, or its firmware ignores "
                             "proxyDHCP, as some does: have one server give address and boot file"
                           : "Either the offers do not reach it (relay, VLAN, a switch that "
                             "guards DHCP), or its firmware took another server's, whose name it "
                             "told by unicast")});
}

void look_at_loader(const LatestBoot& boot, UnixTime now, Findings& found) {
    const FlightEntry* const loader = boot.latest(FlightKind::loader);
    if (loader == nullptr) {
        return;
    }
    if (loader->end == FlightEnd::done && loader->bytes == 0) {
        found.push_back({"empty-loader",
                         fmt::format("{} has no bytes; firmware says \"NBP filesize is 0 Bytes\" "
                                     "or PXE-E18 then. Put the loader there again",
                                     loader->text)});
        return;
    }
    const bool goes_on =
        boot.has(FlightKind::script) || boot.has(FlightKind::wait) || boot.has(FlightKind::payload);
    if (goes_on || now - loader->last < loader_patience) {
        return;
    }
    if (loader->end == FlightEnd::broken_off) {
        found.push_back(
            {"loader-broken-off",
             fmt::format("{} was broken off after {} bytes, {} times: packets are lost on the way, "
                         "or a firewall lets only port 69 pass (then --tftp-single-port helps)",
                         loader->text, loader->bytes, loader->count)});
    } else if (loader->end == FlightEnd::done) {
        found.push_back(
            {"loader-stopped",
             fmt::format("{} was fetched whole, and never asked for its script: it is for another "
                         "architecture, Secure Boot refused it, or it has no driver for the "
                         "network card (try 'loader: grub' or 'loader: ipxe' in the profile)",
                         loader->text)});
    }
}

void look_at_payload(const FlightStory& story, const LatestBoot& boot, Findings& found) {
    const FlightEntry* const payload = boot.latest(FlightKind::payload);
    if (payload == nullptr || boot.has(FlightKind::answers) || boot.has(FlightKind::report)) {
        return;
    }
    const UnixTime now = story.node.install.state == InstallState::failed
                             ? std::max(story.node.install.since, payload->last)
                             : story.now;
    const bool gave_up = story.node.install.state == InstallState::failed;
    if (payload->end == FlightEnd::broken_off) {
        found.push_back({"kernel-broken-off",
                         fmt::format("{} was broken off after {} bytes: too little memory in the "
                                     "machine for its initrd, or the link was lost",
                                     payload->text, payload->bytes)});
    } else if (payload->end == FlightEnd::done && story.has_answers &&
               (gave_up || now - payload->last >= installer_patience)) {
        found.push_back(
            {"no-answers-asked",
             "kernel and initrd were fetched whole, and no installer asked for its answers: the "
             "kernel has no driver for the network card or hung, or its command line does not "
             "name the answers. The machine's console says which"});
    }
}

/// Network boots since the latest attempt began: an installer boots once.
void look_for_circle(const FlightStory& story, Findings& found) {
    const BootTimeline* const attempt = story.node.latest_boot();
    if (attempt == nullptr || !attempt_runs(story.node.install.state) ||
        attempt->begin() == UnixTime{}) {
        return;
    }
    std::uint32_t boots = 0;
    std::uint32_t latest = 0;
    for (const FlightEntry& entry : story.entries) {
        if (entry.at >= attempt->begin() && entry.boot != latest) {
            latest = entry.boot;
            ++boots;
        }
    }
    if (boots >= boots_in_circle_min) {
        found.push_back(
            {"boot-loop", fmt::format("{} network boots in attempt {}, and no installer reported: "
                                      "the machine falls back to the network each time. Look where "
                                      "the last of them ends",
                                      boots, attempt->attempt)});
    }
}

} // namespace

std::vector<Finding> find_troubles(const FlightStory& story) {
    Findings found;
    const LatestBoot boot{story.entries};
    look_at_dhcp(boot, found);
    look_at_loader(boot, story.now, found);
    look_at_payload(story, boot, found);
    look_for_circle(story, found);
    if (!story.same_uuid.empty()) {
        found.push_back(
            {"duplicate-uuid", fmt::format("{} shows the same UUID: its vendor gave one to many "
                                           "machines. List these by link address, not by UUID",
                                           fmt::join(story.same_uuid, ", "))});
    }
    return found;
}

} // namespace muster
