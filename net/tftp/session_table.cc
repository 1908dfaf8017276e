// SPDX-License-Identifier: Apache-2.0
#include "net/tftp/session_table.hh"

#include "core/base/check.hh"

#include <algorithm>

namespace muster {

SessionTable::SessionTable(std::uint32_t capacity)
    : hot_(capacity), cold_(capacity), timers_(capacity) {
    by_client_.reserve(capacity);
    count_of_.reserve(capacity);
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
    ++count_of_[client.address];
    return slot;
}

void SessionTable::release(std::uint32_t slot) noexcept {
    timers_.cancel(slot);
    const Endpoint& client = cold(slot).client;
    by_client_.erase(client);
    if (const auto count = count_of_.find(client.address); --count->second == 0) {
        count_of_.erase(count);
    }
    cold_.release(cold_.handle_of(slot));
}

bool SessionTable::scarce_for(const IpAddress& address) const noexcept {
    const std::uint32_t share = std::max(cold_.capacity() / 16, 64U);
    if (cold_.in_use() <= cold_.capacity() / 2) {
        return false;
    }
    const auto count = count_of_.find(address);
    return count != count_of_.end() && count->second >= share;
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
