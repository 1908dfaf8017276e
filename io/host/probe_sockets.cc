// SPDX-License-Identifier: Apache-2.0
#include "io/host/probe_sockets.hh"

#include "io/host/socket_address.hh"

// clang-format off: glibc's must not follow <linux/icmp.h>, which brings the kernel's own.
#include <net/if.h>
// clang-format on
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <netpacket/packet.h>

#include <algorithm>

namespace muster {
namespace {

/// Lets only ARP replies in: on a busy segment requests are many, and none of them is for us.
bool replies_only(int socket) noexcept {
    std::array<sock_filter, 4> program{{
        {BPF_LD | BPF_H | BPF_ABS, 0, 0, 6}, // the operation
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 2},
        {BPF_RET | BPF_K, 0, 0, UINT32_MAX},
        {BPF_RET | BPF_K, 0, 0, 0},
    }};
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

} // namespace

Result<ProbeSockets, SysError> ProbeSockets::open(std::span<const InterfaceInfo> interfaces) {
    ProbeSockets sockets;
    for (const InterfaceInfo& interface : interfaces) {
        // Protocol 0 until the filter is there: nothing slips in before it.
        Fd socket{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        sockaddr_ll link{};
        link.sll_family = AF_PACKET;
        link.sll_protocol = htons(ETH_P_ARP);
        link.sll_ifindex = static_cast<int>(interface.index);
        if (!socket.valid() || !replies_only(socket.get()) ||
            ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link) != 0) {
            return sys_error("conflict probes (ARP) on " + interface.name);
        }
        sockets.arp_.push_back({interface.index, std::move(socket)});
    }
    sockets.icmp_ = Fd{::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP)};
    const icmp_filter filter{~(1U << ICMP_ECHOREPLY)};
    if (!sockets.icmp_.valid() ||
        ::setsockopt(sockets.icmp_.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter) != 0) {
        return sys_error("conflict probes (ICMP)");
    }
    return sockets;
}

void ProbeSockets::send(const ConflictProbe& probe) noexcept {
    const auto arp = std::find_if(arp_.begin(), arp_.end(),
                                  [&](const Arp& one) { return one.interface == probe.interface; });
    if (arp != arp_.end()) {
        const auto packet = write_conflict_arp(probe);
        sockaddr_ll everybody{};
        everybody.sll_family = AF_PACKET;
        everybody.sll_protocol = htons(ETH_P_ARP);
        everybody.sll_ifindex = static_cast<int>(probe.interface);
        everybody.sll_halen = 6;
        std::fill_n(everybody.sll_addr, 6, std::uint8_t{0xFF});
        (void)::sendto(arp->socket.get(), packet.data(), packet.size(), MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&everybody), sizeof everybody);
        return;
    }
    if (probe.interface != 0) {
        return;
    }
    const auto packet = write_conflict_echo(mark);
    sockaddr_storage storage{};
    const socklen_t size = write_socket_address({probe.address, 0}, storage);
    (void)::sendto(icmp_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&storage), size);
}

std::size_t ProbeSockets::take(const Fd& socket, MutableBytes room) noexcept {
    const ssize_t size = ::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT);
    return size < 0 ? 0 : static_cast<std::size_t>(size);
}

} // namespace muster
