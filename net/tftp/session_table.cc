// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/session_table.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster {
namespace {

/// The first address of its IPv4 /24 or IPv6 /64.
IpAddress subnet_of(const IpAddress& address) noexcept {
    IpAddress subnet = address;
    std::fill(subnet.octets.begin() + (address.is_v4() ? 15 : 8), subnet.octets.end(),
              std::uint8_t{0});
    return subnet;
}

void count_down(absl::flat_hash_map<IpAddress, std::uint32_t>& counts,
                const IpAddress& of) noexcept {
    if (const auto count = counts.find(of); --count->second == 0) {
        counts.erase(count);
    }
}

} // namespace

SessionTable::SessionTable(std::uint32_t capacity)
    : hot_(capacity), cold_(capacity), timers_(capacity) {
    by_client_.reserve(capacity);
    of_address_.reserve(capacity);
    of_subnet_.reserve(capacity);
}

std::optional<std::uint32_t> SessionTable::claim(const Endpoint& client) noexcept {
    MUSTER_CHECK(!by_client_.contains(client));
    const auto claimed = cold_.claim();
    if (claimed.value == nullptr) {
        return std::nullopt;
    }
    const std::uint32_t slot = claimed.handle.slot;
    claimed.value->client = client;
    hot_[slot] = SessionHot{};
    by_client_.emplace(client, slot);
    ++of_address_[client.address];
    ++of_subnet_[subnet_of(client.address)];
    return slot;
}

void SessionTable::release(std::uint32_t slot) noexcept {
    timers_.cancel(slot);
    const Endpoint& client = cold(slot).client;
    by_client_.erase(client);
    count_down(of_address_, client.address);
    count_down(of_subnet_, subnet_of(client.address));
    cold_.release(cold_.handle_of(slot));
}

SessionTable::Scarce SessionTable::scarce_for(const IpAddress& address) const noexcept {
    const std::uint32_t capacity = cold_.capacity();
    if (cold_.in_use() <= capacity - capacity / 4) {
        return Scarce::no;
    }
    const auto has = [](const auto& counts, const IpAddress& of, std::uint32_t share) {
        const auto count = counts.find(of);
        return count != counts.end() && count->second >= share;
    };
    if (has(of_address_, address, std::max(capacity / 16, 64U))) {
        return Scarce::address;
    }
    if (has(of_subnet_, subnet_of(address), std::max(capacity / 4, 256U))) {
        return Scarce::subnet;
    }
    return Scarce::no;
}

std::optional<std::uint32_t> SessionTable::find(const Endpoint& client) const noexcept {
    const auto it = by_client_.find(client);
    if (it == by_client_.end()) {
        return std::nullopt;
    }
    return it->second;
}

std::optional<std::uint32_t> SessionTable::find(SlabHandle handle) noexcept {
    if (cold_.get(handle) == nullptr) {
        return std::nullopt;
    }
    return handle.slot;
}

} // namespace muster
