// SPDX-License-Identifier: Apache-2.0
// The multicast groups of one worker: slots, members in the order in which they came, and timers.
#pragma once

#include "core/content/content.hh"
#include "core/mem/slab.hh"
#include "core/mem/timer_wheel.hh"
#include "net/tftp/multicast_sender.hh"

#include <cstdint>
#include <optional>
#include <vector>

namespace muster {

/// What all members of a group have in common. RFC 2090 leaves it open; clients want one size of
/// blocks and one server address and port for the whole transfer (iPXE, EDK2).
struct GroupKey {
    const Content* content = nullptr; ///< one version of a file: the group holds it alive
    std::uint16_t blksize = 512;
    std::uint32_t interface = 0; ///< that the members are behind
    IpAddress local{};           ///< the address that they asked

    friend bool operator==(const GroupKey&, const GroupKey&) = default;
};

struct MulticastGroup {
    static constexpr std::uint32_t none = UINT32_MAX;

    GroupKey key;
    ContentRef content;
    Endpoint address;        ///< where the DATA goes
    std::uint8_t socket = 0; ///< where all of it comes from
    MulticastSender sender;
    Instant opened_at;
    std::uint32_t first = none; ///< member slots of the session table, oldest first
    std::uint32_t last = none;
    std::uint32_t members = 0;
    std::uint32_t master = none;
};

/// A member's place in its group: part of its session.
struct GroupPlace {
    std::uint32_t before = MulticastGroup::none;
    std::uint32_t behind = MulticastGroup::none;
    std::uint32_t silent_ms =
        0;                   ///< since when it does not answer, in ms of the steady clock; wraps
    bool silent = false;     ///< it let a turn pass
    bool was_master = false; ///< and may believe it is
};

/// Slots 0 .. groups-1. Addresses and ports are used in turn, so that a late packet of an ended
/// group reaches nobody.
class MulticastTable {
public:
    explicit MulticastTable(const MulticastLimits& limits);

    [[nodiscard]] bool enabled() const noexcept { return limits_.groups > 0; }
    /// The live group of that key.
    [[nodiscard]] std::optional<std::uint16_t> find(const GroupKey& key) noexcept;
    /// A fresh group without members; nullopt: all are in use.
    [[nodiscard]] std::optional<std::uint16_t> claim(const GroupKey& key, ContentRef content,
                                                     std::uint16_t last_block) noexcept;
    void release(std::uint16_t group) noexcept;

    [[nodiscard]] bool alive(std::uint16_t group) const noexcept {
        return groups_.at(group) != nullptr;
    }
    [[nodiscard]] MulticastGroup& at(std::uint16_t group) noexcept { return *groups_.at(group); }
    [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
    [[nodiscard]] const TimerWheel& timers() const noexcept { return timers_; }
    [[nodiscard]] std::uint32_t in_use() const noexcept { return groups_.in_use(); }

private:
    [[nodiscard]] Endpoint address_of(std::uint32_t number) const noexcept;

    MulticastLimits limits_;
    Slab<MulticastGroup> groups_;
    std::vector<bool> taken_; ///< address numbers of this worker
    std::uint32_t next_ = 0;
    TimerWheel timers_;
};

} // namespace muster
