// SPDX-License-Identifier: Apache-2.0
// Datagrams of one burst that may leave in one call: of one size, to one destination.
#pragma once

#include "core/port/outbox.hh"

#include <sys/uio.h>

#include <array>
#include <span>

namespace muster {

/// A group: what the kernel takes as the segments of one UDP GSO send. Borrows the outbox.
struct DatagramGroup {
    /// A GSO send takes at most 64 segments and one UDP datagram's worth of bytes (udp(7)).
    static constexpr std::uint32_t segments_max = 64;
    static constexpr std::uint32_t bytes_max = 65'507;

    int fd = -1;
    std::uint32_t count = 0;
    std::array<const TxDatagram*, segments_max> datagrams{};
    std::array<iovec, segments_max> payloads{};

    [[nodiscard]] const TxDatagram& first() const noexcept { return *datagrams[0]; }
    [[nodiscard]] bool is_full() const noexcept {
        return count == segments_max || (count + 1) * first().payload_size > bytes_max;
    }
    [[nodiscard]] bool takes(int socket, const TxDatagram& datagram) const noexcept;
    void add(const TxDatagram& datagram, Bytes payload) noexcept;
};

/// Gathers them. Relays take turns in a burst, so several groups are open at a time; one more
/// destination than that is not grouped.
class DatagramGroups {
public:
    static constexpr std::size_t open_max = 16;

    /// Takes a datagram, and calls `send(const DatagramGroup&)` if that fills its group. False: it
    /// is none of theirs and all are taken. `datagram` and `payload` stay until the next flush().
    template <class Send>
    [[nodiscard]] bool add(int socket, const TxDatagram& datagram, Bytes payload, Send&& send) {
        DatagramGroup* const group = find(socket, datagram);
        if (group == nullptr) {
            return false;
        }
        group->fd = socket;
        group->add(datagram, payload);
        if (group->is_full()) {
            send(static_cast<const DatagramGroup&>(*group));
            group->count = 0;
        }
        return true;
    }
    template <class Send>
    void flush(Send&& send) {
        for (DatagramGroup& group : std::span{groups_}.first(used_)) {
            if (group.count > 0) {
                send(static_cast<const DatagramGroup&>(group));
                group.count = 0;
            }
        }
        used_ = 0;
    }

private:
    /// The datagram's group, an empty one for it, or null.
    [[nodiscard]] DatagramGroup* find(int socket, const TxDatagram& datagram) noexcept;

    std::array<DatagramGroup, open_max> groups_{};
    std::size_t used_ = 0; ///< of groups_; some may be empty again
};

} // namespace muster
