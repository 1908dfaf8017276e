// SPDX-License-Identifier: Apache-2.0
#include "io/client/client_frames.hh"

#include "core/base/check.hh"
#include "io/host/socket_address.hh"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>

namespace muster {
namespace {

constexpr int frame_queue_size = 8 << 20;

constexpr sock_filter load(unsigned size, std::uint32_t offset) {
    return {static_cast<std::uint16_t>(BPF_LD | size | BPF_ABS), 0, 0, offset};
}
constexpr sock_filter load_indexed(unsigned size, std::uint32_t offset) {
    return {static_cast<std::uint16_t>(BPF_LD | size | BPF_IND), 0, 0, offset};
}
constexpr sock_filter jump_if(unsigned test, std::uint32_t value, std::uint8_t yes,
                              std::uint8_t no) {
    return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), yes, no, value};
}
constexpr sock_filter answer(std::uint32_t size) {
    return {BPF_RET | BPF_K, 0, 0, size};
}

/// What the kernel copies into the ring; everything else costs us nothing.
constexpr std::array wanted{
    load(BPF_H, 12),                                  //  0: the type
    jump_if(BPF_JEQ, 0x0800, 4, 0),                   //  1: IPv4 -> 6
    jump_if(BPF_JEQ, 0x86DD, 14, 0),                  //  2: IPv6 -> 17
    jump_if(BPF_JEQ, 0x0806, 0, 17),                  //  3: ARP -> 4, else drop
    load(BPF_H, 20),                                  //  4: its operation
    jump_if(BPF_JEQ, 2, 16, 15),                      //  5: a reply: keep
    load(BPF_B, 23),                                  //  6: protocol
    jump_if(BPF_JEQ, 17, 0, 13),                      //  7: UDP
    load(BPF_H, 20),                                  //  8: fragment offset
    jump_if(BPF_JSET, 0x3FFF, 11, 0),                 //  9: a fragment: drop
    sock_filter{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 14}, // 10: X = size of the IPv4 header
    load_indexed(BPF_H, 16),                          // 11: destination port
    jump_if(BPF_JEQ, 67, 2, 0),                       // 12: -> 15
    jump_if(BPF_JEQ, 68, 1, 0),                       // 13: -> 15
    jump_if(BPF_JEQ, 4011, 0, 6),                     // 14: -> 15, else drop
    load_indexed(BPF_B, 22),                          // 15: BOOTP's op
    jump_if(BPF_JEQ, 2, 5, 4),                        // 16: a reply: keep; who asks is no server
    load(BPF_B, 20),                                  // 17: next header
    jump_if(BPF_JEQ, 58, 0, 2),                       // 18: ICMPv6
    load(BPF_B, 54),                                  // 19: its type
    jump_if(BPF_JEQ, 134, 1, 0),                      // 20: a router advertisement
    answer(0),                                        // 21: drop
    answer(0xFFFF),                                   // 22: keep
};

template <class Value>
bool set_packet_option(const Fd& socket, int level, int name, const Value& value) noexcept {
    return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

} // namespace

ClientFrames::~ClientFrames() {
    if (ring_ != nullptr) {
        ::munmap(ring_, std::size_t{frame_count} * frame_size);
    }
}

Result<void, SysError> ClientFrames::open(const ClientLink& link) {
    link_ = link;
    // Protocol 0 until the filter is there: nothing unwanted gets into the ring meanwhile.
    Fd socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket.valid()) {
        return sys_error("packet socket (machines without an address need root or CAP_NET_RAW)");
    }
    // sock_fprog has no const; the kernel copies the program.
    sock_fprog program{static_cast<unsigned short>(wanted.size()),
                       const_cast<sock_filter*>(wanted.data())}; // NOLINT
    // Version 2 of the ring: version 3 holds frames back until a block is full or a timer of some
    // milliseconds ran out, which would be measured as the server's latency.
    tpacket_req ring{.tp_block_size = block_size,
                     .tp_block_nr = frame_count / (block_size / frame_size),
                     .tp_frame_size = frame_size,
                     .tp_frame_nr = frame_count};
    packet_mreq promiscuous{};
    promiscuous.mr_ifindex = static_cast<int>(link.index);
    promiscuous.mr_type = PACKET_MR_PROMISC;
    if (!set_packet_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, program) ||
        !set_packet_option(socket, SOL_PACKET, PACKET_VERSION, int{TPACKET_V2}) ||
        !set_packet_option(socket, SOL_PACKET, PACKET_RX_RING, ring) ||
        !set_packet_option(socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous)) {
        return sys_error("packet socket on " + link.name);
    }
    // What we sent is no answer, and nobody shapes what a test sends.
    set_packet_option(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_packet_option(socket, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    set_packet_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, frame_queue_size);
    void* memory = ::mmap(nullptr, std::size_t{frame_count} * frame_size, PROT_READ | PROT_WRITE,
                          MAP_SHARED, socket.get(), 0);
    if (memory == MAP_FAILED) {
        return sys_error("packet ring on " + link.name);
    }
    ring_ = static_cast<std::byte*>(memory);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(link.index);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return sys_error("packet socket on " + link.name);
    }
    socket_ = std::move(socket);
    batch_ = std::make_unique<std::array<std::byte, frame_size>[]>(batch_max);
    for (std::uint32_t i = 0; i < batch_max; ++i) {
        vectors_[i].iov_base = batch_[i].data();
        messages_[i].msg_hdr.msg_iov = &vectors_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
    }
    open_sinks();
    return {};
}

/// The kernel would answer DHCP to an address of this machine with ICMP "port unreachable", since
/// the sockets it was meant for are not the kernel's. These take it, and drop it at once.
void ClientFrames::open_sinks() noexcept {
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{67, 68, 4011}) {
        Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sock_filter nothing = answer(0);
        sock_fprog program{1, &nothing};
        sockaddr_storage storage{};
        const socklen_t size = write_socket_address({Ipv4Address{}, port}, storage);
        set_packet_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
        set_packet_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, program);
        ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, link_.name.c_str(),
                     static_cast<socklen_t>(link_.name.size()));
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) {
            sinks_.push_back(std::move(socket)); // else somebody has the port, and takes it
        }
    }
}

tpacket2_hdr* ClientFrames::next_header() noexcept {
    // The kernel aligns the header; the mapping is aligned to a page.
    void* at = ring_ + std::size_t{next_} * frame_size;
    auto* header = static_cast<tpacket2_hdr*>(at);
    // Pairs with the kernel's release of the frame in the same word.
    const auto status = std::atomic_ref{header->tp_status}.load(std::memory_order_acquire);
    return (status & TP_STATUS_USER) != 0 ? header : nullptr;
}

void ClientFrames::release(tpacket2_hdr& header) noexcept {
    std::atomic_ref{header.tp_status}.store(TP_STATUS_KERNEL, std::memory_order_release);
    next_ = next_ + 1 == frame_count ? 0 : next_ + 1;
}

bool ClientFrames::take(tpacket2_hdr& header, ReceivedFrame& frame) {
    if (header.tp_snaplen < header.tp_len || header.tp_mac + header.tp_snaplen > frame_size) {
        return false; // larger than any DHCP message
    }
    const Bytes bytes{ring_ + std::size_t{next_} * frame_size + header.tp_mac, header.tp_snaplen};
    // A virtual device hands over what the sender's hardware was to complete.
    const bool incomplete = (header.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
    const bool verified = (header.tp_status & TP_STATUS_CSUM_VALID) != 0;
    if (const auto found = read_frame(bytes, !incomplete && !verified)) {
        frame = *found;
        return true;
    }
    if (const auto reply = read_arp_reply(bytes)) {
        on_arp(*reply);
    }
    return false;
}

MutableBytes ClientFrames::slot() noexcept {
    if (queued_ == batch_max) {
        flush();
    }
    return batch_[queued_];
}

void ClientFrames::commit(std::size_t size) noexcept {
    vectors_[queued_++].iov_len = size;
}

void ClientFrames::flush() noexcept {
    std::uint32_t done = 0;
    while (done < queued_) {
        const int sent = ::sendmmsg(socket_.get(), &messages_[done], queued_ - done, 0);
        if (sent <= 0) {
            // ENOBUFS, EAGAIN: as on a wire, the frame is lost and its machine will ask again.
            ++metrics_.dropped;
            ++done;
            continue;
        }
        metrics_.sent += static_cast<std::uint32_t>(sent);
        done += static_cast<std::uint32_t>(sent);
    }
    queued_ = 0;
}

void ClientFrames::send(const ClientTx& datagram, Bytes payload, const Now& now) {
    if (payload.size() + frame_header_max > frame_size) {
        ++metrics_.dropped;
        return;
    }
    auto mac = group_mac(datagram.destination.address);
    if (!mac) {
        const auto destination = datagram.destination.address.v4();
        if (!destination) {
            ++metrics_.unresolved; // IPv6 is spoken to groups only: solicitations
            return;
        }
        auto [hop, is_new] = hops_.try_emplace(*destination);
        if (is_new) {
            hop->second = next_hop(link_, *destination);
        }
        mac = neighbours_.find(hop->second);
        if (!mac) {
            send_to_unknown(hop->second, datagram, payload, now);
            return;
        }
    }
    commit(write_frame(slot(), *mac, datagram, payload));
}

void ClientFrames::send_to_unknown(const Ipv4Address& hop, const ClientTx& datagram, Bytes payload,
                                   const Now& now) {
    if (neighbours_.is_time_to_ask(hop, now.steady)) {
        commit(write_arp_request(slot(), {link_.mac, link_.address, hop}));
    }
    if (!neighbours_.hold(hop, datagram, payload)) {
        ++metrics_.unresolved;
    }
}

void ClientFrames::on_arp(const ClientArp& reply) {
    neighbours_.on_reply(reply, [this](Bytes frame) {
        std::copy(frame.begin(), frame.end(), slot().begin());
        commit(frame.size());
    });
}

std::uint64_t ClientFrames::overruns() noexcept {
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0) {
        overruns_ += statistics.tp_drops; // the kernel counts from zero after each call
    }
    return overruns_;
}

} // namespace muster
