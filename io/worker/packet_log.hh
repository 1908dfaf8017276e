// SPDX-License-Identifier: Apache-2.0
// The latest packets of one worker that tell how a boot went, for those who ask afterwards: whole
// DHCP, DHCPv6 and PXE messages, and what TFTP says beside its blocks. A bounded ring of bytes.
#pragma once

#include "core/port/packet_record.hh"

#include <cstddef>
#include <memory>
#include <mutex>

namespace muster {

/// One thread adds, any thread looks. Who adds never waits: what comes while somebody looks is not
/// remembered.
class PacketLog {
public:
    /// `capacity`: bytes of memory, at least packet_log_min.
    explicit PacketLog(std::size_t capacity);

    /// Before packets are added: the port of a service; of transfers, that of one of their sockets.
    void set_port(UdpService service, std::uint8_t socket, bool ipv6, std::uint16_t port);

    void received(const RxDatagram& datagram, UnixTime at) noexcept;
    void sent(const TxDatagram& datagram, Bytes payload, UnixTime at) noexcept;

    /// Calls `look(const PacketRecord&)` for every packet, oldest first. Any thread; meanwhile no
    /// packet is added, so it should be brief.
    template <class Look>
    void each(Look&& look) const {
        const std::scoped_lock lock{mutex_};
        for (std::size_t at = oldest_; used_ != 0;) {
            PacketRecord record;
            at = read(at, record);
            if (record.at != filler) {
                look(record);
            }
            if (at == next_) {
                return;
            }
        }
    }

private:
    struct Header;
    /// The time of what only fills the end of the ring.
    static constexpr UnixTime filler{INT64_MIN};
    static constexpr std::size_t services = 6;
    static constexpr std::size_t sockets = 8; ///< of a service and family whose ports are kept

    static bool worth_keeping(UdpService service, Bytes payload) noexcept;
    void add(const Header& header, Bytes payload) noexcept;
    void free(std::size_t size) noexcept;
    void put(const Header& header, Bytes payload) noexcept;
    /// Returns: where the one behind it is.
    std::size_t read(std::size_t at, PacketRecord& record) const noexcept;
    static std::size_t port_index(UdpService service, std::uint8_t socket, bool ipv6) noexcept;
    [[nodiscard]] std::uint16_t port_of(UdpService service, std::uint8_t socket,
                                        const IpAddress& peer) const noexcept;

    mutable std::mutex mutex_;
    std::size_t capacity_;
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t oldest_ = 0; ///< offset of the oldest record
    std::size_t next_ = 0;   ///< where the next one goes
    std::size_t used_ = 0;   ///< bytes, fillers included
    std::array<std::array<std::uint16_t, 2 * sockets>, services> ports_{};
};

/// Less could not hold one message of the largest size and the filler before it.
inline constexpr std::size_t packet_log_min = std::size_t{256} << 10U;

} // namespace muster
