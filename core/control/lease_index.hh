// SPDX-License-Identifier: Apache-2.0
// Every lease record that the store has, for the API and for who asks by address: in the order of
// addresses, and small, since there may be a million.
#pragma once

#include "core/lease/lease_record.hh"

#include <absl/container/btree_map.h>

#include <cstring>
#include <memory>
#include <optional>

namespace muster {

/// Records by address. About 45 bytes each, and 32 more for a host name.
class LeaseIndex {
public:
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
    [[nodiscard]] bool contains(const Ipv4Address& address) const {
        return records_.contains(address);
    }
    [[nodiscard]] std::optional<LeaseRecord> find(const Ipv4Address& address) const {
        const auto found = records_.find(address);
        return found == records_.end() ? std::nullopt : std::optional{expanded(*found)};
    }
    void put(const LeaseRecord& record) {
        // What the store brings at a restart comes in order.
        const auto hint = records_.empty() || std::prev(records_.end())->first < record.address
                              ? records_.end()
                              : records_.lower_bound(record.address);
        const auto place = records_.try_emplace(hint, record.address);
        place->second = {record.expires, record.mac, record.state, kept(record.hostname)};
    }
    /// Calls `look(const LeaseRecord&)` for records above `after`, in order, until it returns
    /// false.
    template <class Look>
    void each_after(const Ipv4Address& after, Look&& look) const {
        for (auto it = records_.upper_bound(after); it != records_.end(); ++it) {
            if (!look(expanded(*it))) {
                return;
            }
        }
    }

private:
    struct Kept {
        UnixTime expires;
        MacAddress mac;
        LeaseRecord::State state{};
        std::unique_ptr<char[]> hostname; ///< with its NUL; null: none
    };
    using Records = absl::btree_map<Ipv4Address, Kept>;

    static std::unique_ptr<char[]> kept(const std::array<char, 64>& hostname) {
        const std::size_t size = ::strnlen(hostname.data(), hostname.size() - 1);
        if (size == 0) {
            return nullptr;
        }
        auto copy = std::make_unique<char[]>(size + 1);
        std::memcpy(copy.get(), hostname.data(), size);
        return copy;
    }
    static LeaseRecord expanded(const Records::value_type& entry) {
        LeaseRecord record{.address = entry.first,
                           .mac = entry.second.mac,
                           .state = entry.second.state,
                           .expires = entry.second.expires,
                           .hostname = {}};
        if (entry.second.hostname) {
            std::strncpy(record.hostname.data(), entry.second.hostname.get(),
                         record.hostname.size() - 1);
        }
        return record;
    }

    Records records_;
};

} // namespace muster
