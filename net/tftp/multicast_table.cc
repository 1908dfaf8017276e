// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/multicast_table.hh"

#include "core/addr/subnet.hh"
#include "core/base/check.hh"

namespace muster {

MulticastTable::MulticastTable(const MulticastLimits& limits)
    : limits_(limits),
      groups_(limits.groups),
      taken_(std::size_t{2} * limits.groups), // so that a number rests before it serves again
      timers_(limits.groups) {
    MUSTER_CHECK(limits.workers > 0 && limits.worker < limits.workers);
    MUSTER_CHECK(limits.address_count > 0);
    MUSTER_CHECK(limits.first_port + 2U * limits.groups * limits.workers <= 65536U);
}

std::optional<std::uint16_t> MulticastTable::find(const GroupKey& key) noexcept {
    for (std::uint32_t i = 0; i < groups_.capacity(); ++i) {
        const MulticastGroup* group = groups_.at(i);
        if (group != nullptr && group->key == key) {
            return static_cast<std::uint16_t>(i);
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> MulticastTable::claim(const GroupKey& key, ContentRef content,
                                                   std::uint16_t last_block) noexcept {
    const auto claimed = groups_.claim();
    if (claimed.value == nullptr) {
        return std::nullopt;
    }
    while (taken_[next_]) { // ends: there are twice as many numbers as groups
        next_ = static_cast<std::uint32_t>((next_ + 1) % taken_.size());
    }
    taken_[next_] = true;
    claimed.value->key = key;
    claimed.value->content = std::move(content);
    claimed.value->address = address_of(next_);
    claimed.value->sender = MulticastSender{last_block, limits_.window};
    next_ = static_cast<std::uint32_t>((next_ + 1) % taken_.size());
    return static_cast<std::uint16_t>(claimed.handle.slot);
}

void MulticastTable::release(std::uint16_t group) noexcept {
    MUSTER_CHECK(at(group).members == 0);
    timers_.cancel(group);
    const std::uint32_t port = at(group).address.port;
    taken_[(port - limits_.first_port) / limits_.workers] = false;
    groups_.release(groups_.handle_of(group));
}

/// Workers' numbers interleave, and every number has a port of its own: hosts deliver by port
/// alone what any of their programs joined.
Endpoint MulticastTable::address_of(std::uint32_t number) const noexcept {
    const std::uint32_t n = number * limits_.workers + limits_.worker;
    return {from_number(to_number(limits_.first_address) + n % limits_.address_count),
            static_cast<std::uint16_t>(limits_.first_port + n)};
}

} // namespace muster
