// SPDX-License-Identifier: Apache-2.0
// What the servers of both families do alike on the way from a request to a durable lease.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/port/outbox.hh"
#include "net/dhcp/node_index.hh"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace muster {

/// What the site wants of a machine; `node` is null for one that it does not know.
[[nodiscard]] BootAction wanted_action(const NodeBoot* node, const DhcpPlan& plan) noexcept;
/// The node's word, else that of the first of the machine's classes that has one.
[[nodiscard]] LoaderChoice wanted_loader(const NodeBoot* node, const DhcpPlan& plan,
                                         ClassMask classes) noexcept;

/// A client's name as kept in records: letters, digits, `.`, `-` and `_`; anything else, or more
/// than 63 of them, is no name to show an operator, and counts as none.
[[nodiscard]] std::array<char, 64> kept_hostname(std::string_view text) noexcept;

/// Whole seconds, 0 to `max`.
[[nodiscard]] constexpr std::uint32_t seconds_up_to(Duration d, std::uint32_t max) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(d).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, max));
}

/// The seconds that can be acknowledged without a commit, if they are 7/8 of a lease or more.
template <class Family>
[[nodiscard]] std::optional<std::uint32_t> durable_time_left(const BasicLeaseTable<Family>& leases,
                                                             LeaseId id, const Now& now,
                                                             std::uint32_t lease_s) noexcept {
    const BasicLease<Family>& lease = leases.lease(id);
    if (lease.state != BasicLease<Family>::State::bound || !lease.durable) {
        return std::nullopt;
    }
    // Both clocks: the record speaks of civil time, which may have been set meanwhile.
    const Duration left = std::min(lease.expires - now.wall, leases.deadline(id) - now.steady);
    const std::uint32_t left_s = seconds_up_to(left, lease_s);
    return left_s >= lease_s - lease_s / 8 ? std::optional{left_s} : std::nullopt;
}

/// How long the record lasts that a commit writes: `lease_s`, but never less than what is durable.
/// The answer may be lost, and then the machine goes by what it was told before: by a site whose
/// leases were longer, or under another name.
template <class Family>
[[nodiscard]] Duration committed_time(const BasicLeaseTable<Family>& leases, LeaseId id,
                                      const Now& now, std::uint32_t lease_s) noexcept {
    const Duration wanted = std::chrono::seconds{lease_s};
    const BasicLease<Family>& lease = leases.lease(id);
    if (lease.state != BasicLease<Family>::State::bound || !lease.durable) {
        return wanted;
    }
    return std::max(wanted, std::min(lease.expires - now.wall, leases.deadline(id) - now.steady));
}

/// How long a lease is prolonged for whose commit the store refused: what remains of the durable
/// record, but at least `least` (DhcpLimits::undurable_lease), and never more than was `wanted`.
template <class Family>
[[nodiscard]] Duration prolonged_time(const BasicLease<Family>& lease, UnixTime wanted,
                                      const Now& now, Duration least) noexcept {
    const Duration left = std::max(lease.expires - now.wall, least);
    return std::min(left, std::max(wanted - now.wall, Duration::zero()));
}

/// The machine has moved (to its reservation): one machine, one lease. `Commit` is the family's
/// message to control.
template <class Commit, class Family>
void end_replaced_lease(BasicLeaseTable<Family>& leases, LeaseId id, const Now& now,
                        Outbox& out) noexcept {
    const auto old = leases.replaced_by(id);
    if (!old || leases.lease(*old).committing()) {
        return;
    }
    const BasicLease<Family>& lease = leases.lease(*old);
    typename Family::Record record;
    record.address = lease.address;
    record.mac = lease.mac;
    record.state = LeaseRecord::State::released;
    record.expires = now.wall; // and no name: control knows it
    if (lease.durable && !out.tell(Commit{.request = {}, .lease = record})) {
        return; // it runs out by itself
    }
    leases.forget(*old);
}

} // namespace muster
