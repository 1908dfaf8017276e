// SPDX-License-Identifier: Apache-2.0
// Asks and hears whether addresses are in use: ARP on the interfaces served, ICMP echo elsewhere.
// A few packets in the background, so plain calls that never block will do.
#pragma once

#include "core/port/interface_info.hh"
#include "io/host/fd.hh"
#include "io/host/probe_packets.hh"
#include "io/host/sys_error.hh"

#include <span>
#include <vector>

namespace muster {

class ProbeSockets {
public:
    /// Errors: as socket(2) says; raw sockets want CAP_NET_RAW.
    [[nodiscard]] static Result<ProbeSockets, SysError>
    open(std::span<const InterfaceInfo> interfaces);

    [[nodiscard]] bool valid() const noexcept { return icmp_.valid(); }
    /// What cannot be sent is not asked: the address then counts as free, as if it were silent.
    void send(const ConflictProbe& probe) noexcept;
    /// Calls `hear(const ConflictAnswer&)` for what has come; at most a few hundred, so that a
    /// flood of replies takes a worker no longer than its questions are worth.
    template <class Hear>
    void receive(Hear&& hear) {
        for (const Arp& arp : arp_) {
            receive(
                arp.socket, [](Bytes packet) { return read_conflict_arp(packet); }, hear);
        }
        receive(
            icmp_, [](Bytes packet) { return read_conflict_echo(packet, mark); }, hear);
    }

private:
    static constexpr std::uint16_t mark = 0x6D75; // "mu"
    static constexpr int answers_max = 256;

    struct Arp {
        std::uint32_t interface = 0;
        Fd socket;
    };
    template <class Read, class Hear>
    static void receive(const Fd& socket, Read&& read, Hear&& hear) {
        std::array<std::byte, 256> room{};
        for (int i = 0; i < answers_max; ++i) {
            const std::size_t size = take(socket, room);
            if (size == 0) {
                return;
            }
            if (const auto answer = read(Bytes{room}.first(size))) {
                hear(*answer);
            }
        }
    }
    /// The size of the next packet, 0: there is none.
    [[nodiscard]] static std::size_t take(const Fd& socket, MutableBytes room) noexcept;

    std::vector<Arp> arp_;
    Fd icmp_;
};

} // namespace muster
