// SPDX-License-Identifier: Apache-2.0
// The transfers of one worker: slots, the index by client, and their timers. All memory is taken
// at construction.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/content/content.hh"
#include "core/mem/cache_line.hh"
#include "core/mem/slab.hh"
#include "core/mem/timer_wheel.hh"
#include "net/tftp/multicast_table.hh"
#include "net/tftp/read_session.hh"
#include "net/wire/tftp_packet.hh"

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster {

/// All that deciding about an ACK needs: one cache line.
struct alignas(cache_line_size) SessionHot {
    static constexpr std::uint16_t no_group = UINT16_MAX;

    ReadSession machine;
    /// Next progress sample, in milliseconds of the steady clock; wraps, compared by difference.
    std::uint32_t sample_due_ms = 0;
    std::uint8_t socket = 0;        ///< the transfer socket it leaves from
    std::uint16_t group = no_group; ///< set: a member of that multicast group
};
static_assert(sizeof(SessionHot) == cache_line_size);

/// The rest, a parallel array: the first lines are needed to address a packet, the texts only when
/// a transfer opens and ends.
struct SessionCold {
    ContentRef content;
    Endpoint client;
    IpAddress local;              ///< the address that the client asked; replies leave from it
    std::uint32_t interface = 0;  ///< of replies; 0: by route
    std::uint32_t arrived_on = 0; ///< the interface that the request came in on
    std::uint64_t size = 0;
    std::uint64_t bytes_sampled = 0; ///< acknowledged bytes that control was told of
    Duration silence{};              ///< that control was not yet told of
    std::uint64_t request_digest = 0;
    TftpOptions asked;
    TftpOptions granted;
    GroupPlace place;      ///< of a member of a multicast group
    bool netascii = false; ///< the client asked for it
    bool started = false;  ///< the client took the OACK or a block: it is more than a size probe
    std::string name;      ///< as the client gave it
    std::string url_path;  ///< `/files/…`, `/loaders/…`, `/boot/…`
};

/// Slots 0 .. capacity-1. A client endpoint has at most one transfer, so that the index is by
/// endpoint alone; that a packet came to the transfer's own socket is for the caller to compare.
class SessionTable {
public:
    explicit SessionTable(std::uint32_t capacity);

    /// A fresh slot for that client, who must have none; nullopt: all are in use.
    [[nodiscard]] std::optional<std::uint32_t> claim(const Endpoint& client) noexcept;
    void release(std::uint32_t slot) noexcept;

    /// Whose share of the slots is used up. None has a share while a quarter of them is free, since
    /// a relay or a NAT makes many clients one; beyond that no client keeps all others from
    /// booting, and no subnet (IPv4 /24, IPv6 /64) does.
    enum class Scarce : std::uint8_t {
        no,
        address, ///< it has a 16th of the slots (at least 64)
        subnet,  ///< it has a quarter of the slots (at least 256)
    };
    [[nodiscard]] Scarce scarce_for(const IpAddress& address) const noexcept;

    [[nodiscard]] std::optional<std::uint32_t> find(const Endpoint& client) const noexcept;
    /// The live slot that the handle names, or nullopt.
    [[nodiscard]] std::optional<std::uint32_t> find(SlabHandle handle) noexcept;
    [[nodiscard]] SlabHandle handle_of(std::uint32_t slot) const noexcept {
        return cold_.handle_of(slot);
    }
    [[nodiscard]] SessionHot& hot(std::uint32_t slot) noexcept { return hot_[slot]; }
    [[nodiscard]] SessionCold& cold(std::uint32_t slot) noexcept { return *cold_.at(slot); }
    [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
    [[nodiscard]] const TimerWheel& timers() const noexcept { return timers_; }
    [[nodiscard]] std::uint32_t in_use() const noexcept { return cold_.in_use(); }

    /// What one transfer takes of this table, in bytes; beside it a name and a path on the heap
    /// when they are longer than 15 characters.
    static constexpr std::size_t bytes_per_session() noexcept;

private:
    std::vector<SessionHot> hot_;
    Slab<SessionCold> cold_; ///< owns the slots of both
    absl::flat_hash_map<Endpoint, std::uint32_t> by_client_;
    absl::flat_hash_map<IpAddress, std::uint32_t> of_address_; ///< slots in use
    absl::flat_hash_map<IpAddress, std::uint32_t> of_subnet_;  ///< by its first address
    TimerWheel timers_;
};

constexpr std::size_t SessionTable::bytes_per_session() noexcept {
    // An index entry and its control byte, at the lowest load factor after reserve(): 7/16.
    constexpr auto indexed = [](std::size_t entry) {
        return (entry + 1) * 16 / 7 + 1;
    };
    constexpr std::size_t timer = 24; // a deadline, three links
    constexpr std::size_t slot = 12;  // generation and free list of the slab
    return sizeof(SessionHot) + sizeof(SessionCold) + slot + timer +
           indexed(sizeof(std::pair<Endpoint, std::uint32_t>)) +
           2 * indexed(sizeof(std::pair<IpAddress, std::uint32_t>));
}
static_assert(SessionTable::bytes_per_session() <= 640);

} // namespace muster
