// SPDX-License-Identifier: Apache-2.0
#include "io/uring/datagram_io.hh"

#include "core/base/check.hh"
#include "io/host/socket_address.hh"
#include "io/host/sockets.hh"

#include <linux/if_ether.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint16_t request_buffer_group = 1;
constexpr std::uint16_t bulk_buffer_group = 3; // 2 is the streams'
constexpr std::uint16_t patient_buffer_group = 4;
constexpr std::uint32_t datagram_buffer_count = 2048;
// Four times what the DHCP server answers in a turn: under a flood it reads on, so that whoever is
// not part of the flood is heard, and still answers at more than half of its rate.
constexpr std::uint32_t patient_buffer_count = 256;
/// Room for the kernel's header, the sender's address, packet info, and a whole Ethernet payload.
constexpr std::uint32_t datagram_buffer_size = 2048;
constexpr std::size_t control_size = 128;
constexpr std::uint32_t slot_count = 512;

constexpr std::uint32_t segments_max = DatagramGroup::segments_max;
constexpr std::uint32_t segment_bytes_max = DatagramGroup::bytes_max;
constexpr std::uint32_t data_header_size = 4;
/// Larger blocks are fragmented by IP and cannot be segments of one call.
constexpr std::uint32_t segment_size_max = 1472;
constexpr std::uint32_t segment_size_max_ipv6 = 1452;

bool is_ipv6(int socket) noexcept {
    int domain = AF_INET;
    socklen_t length = sizeof domain;
    return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET6;
}

template <class Value>
void add_control(msghdr& message, std::size_t& used, int level, int type, const Value& value) {
    void* at = static_cast<std::byte*>(message.msg_control) + used; // aligned: sums of CMSG_SPACE
    auto* header = static_cast<cmsghdr*>(at);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    used += CMSG_SPACE(sizeof value);
}

/// Names the address and interface that a reply leaves from: what the client asked must answer.
void add_packet_info(msghdr& message, std::size_t& used, const IpAddress& source,
                     std::uint32_t interface) {
    const auto v4 = source.v4();
    if (v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, v4->octets.data(), 4);
        info.ipi_ifindex = static_cast<int>(interface);
        add_control(message, used, IPPROTO_IP, IP_PKTINFO, info);
    } else if (source != IpAddress{}) {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.octets.data(), 16);
        info.ipi6_ifindex = interface;
        add_control(message, used, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

} // namespace

/// Everything that the kernel may still read while a send is in flight.
struct DatagramIo::TxSlot {
    msghdr message{};
    sockaddr_storage name{};
    alignas(cmsghdr) std::array<std::byte, control_size> control{};
    std::array<iovec, 2 * segments_max> vectors{};
    std::array<std::array<std::byte, data_header_size>, segments_max> headers{};
    std::array<std::byte, 1536> payload{};
    ContentRef content;
    std::uint32_t number = 0;
    std::uint16_t packets = 1;
    bool segmented = false;
};

DatagramIo::DatagramIo(Ring& ring) : ring_(ring), groups_(std::make_unique<DatagramGroups>()) {}
DatagramIo::~DatagramIo() = default;

Result<void, SysError> DatagramIo::open() {
    // Rounded up from sockaddr_in6, so that the control messages behind it are aligned.
    layout_.msg_namelen = 32;
    static_assert(sizeof(sockaddr_in6) <= 32);
    layout_.msg_controllen = control_size;
    slots_ = std::make_unique<TxSlot[]>(slot_count + 1); // the last is claim()'s spare
    free_slots_.reserve(slot_count);
    for (std::uint32_t i = slot_count; i > 0; --i) {
        slots_[i - 1].number = i - 1;
        free_slots_.push_back(i - 1);
    }
    slots_[slot_count].number = slot_count;
    if (auto opened = request_buffers_.open(ring_, request_buffer_group, datagram_buffer_count,
                                            datagram_buffer_size);
        !opened) {
        return opened;
    }
    if (auto opened = patient_buffers_.open(ring_, patient_buffer_group, patient_buffer_count,
                                            datagram_buffer_size);
        !opened) {
        return opened;
    }
    return bulk_buffers_.open(ring_, bulk_buffer_group, datagram_buffer_count,
                              datagram_buffer_size);
}

void DatagramIo::add(UdpService service, std::uint8_t index, std::uint32_t interface, Fd socket) {
    if (service == UdpService::tftp_transfer && !has_udp_segmentation(socket.get())) {
        segmentation_ = false;
    }
    const bool ipv6 = is_ipv6(socket.get());
    sockets_.push_back({service, index, interface, ipv6, std::move(socket)});
    arm(sockets_.size() - 1);
}

void DatagramIo::add_patient(UdpService service, std::uint32_t interface, Fd socket) {
    sockets_.push_back({service, 0, interface, false, std::move(socket), true});
    arm(sockets_.size() - 1);
}

void DatagramIo::group(UdpService service, std::uint32_t interface) noexcept {
    for (Socket& socket : sockets_) {
        if (socket.service == service && socket.interface == interface && !socket.patient) {
            socket.groups = has_udp_segmentation(socket.fd.get());
        }
    }
}

void DatagramIo::arm(std::size_t socket) {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_recvmsg_multishot(sqe, sockets_[socket].fd.get(), &layout_, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffers_of(sockets_[socket]).group();
    sqe->user_data = to_user_data(
        {.slot = static_cast<std::uint32_t>(socket), .kind = OpKind::receive_datagrams});
}

/// Fills `datagram` from a completion; returns the buffer to recycle, or -1 when there is nothing.
int DatagramIo::take(const Completion& cqe, RxDatagram& datagram) {
    const std::size_t number = to_token(cqe.user_data).slot;
    Socket& socket = sockets_[number];
    BufferGroup& buffers = buffers_of(socket);
    if ((cqe.flags & IORING_CQE_F_MORE) == 0 && cqe.res != -ECANCELED) {
        if (cqe.res == -ENOBUFS && !socket.patient) {
            metrics_.receive_overruns.add();
        }
        arm(number); // buffers ran out, or an ICMP error was reported: go on receiving
    }
    if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) {
        return -1;
    }
    const auto id = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    io_uring_recvmsg_out* out =
        cqe.res < 0 ? nullptr : io_uring_recvmsg_validate(buffers.buffer(id), cqe.res, &layout_);
    if (out == nullptr || (out->flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        buffers.recycle(id);
        return -1;
    }
    datagram.service = socket.service;
    datagram.socket = socket.index;
    datagram.interface = socket.interface;
    datagram.source = read_socket_address(io_uring_recvmsg_name(out));
    for (cmsghdr* header = io_uring_recvmsg_cmsg_firsthdr(out, &layout_); header != nullptr;
         header = io_uring_recvmsg_cmsg_nexthdr(out, &layout_, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(header), sizeof info);
            Ipv4Address local;
            std::memcpy(local.octets.data(), &info.ipi_addr, 4);
            datagram.local = local;
            datagram.interface = static_cast<std::uint32_t>(info.ipi_ifindex);
        } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(header), sizeof info);
            Ipv6Address local;
            std::memcpy(local.octets.data(), &info.ipi6_addr, 16);
            datagram.local = local;
            datagram.interface = info.ipi6_ifindex;
        } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT) {
            int hops = 0;
            std::memcpy(&hops, CMSG_DATA(header), sizeof hops);
            if (hops != 255) { // it crossed a router, so it is none of this link's (RFC 4861 6.1)
                buffers.recycle(id);
                return -1;
            }
        }
    }
    datagram.payload = {static_cast<const std::byte*>(io_uring_recvmsg_payload(out, &layout_)),
                        io_uring_recvmsg_payload_length(out, cqe.res, &layout_)};
    return id;
}

const DatagramIo::Socket* DatagramIo::find(UdpService service, std::uint8_t index,
                                           std::uint32_t interface, bool ipv6) const noexcept {
    for (const Socket& socket : sockets_) {
        const bool by_interface =
            service != UdpService::tftp && service != UdpService::tftp_transfer;
        if (socket.service == service && !socket.patient &&
            (by_interface ? interface == 0 || socket.interface == interface : socket.index == index && socket.ipv6 == ipv6)) {
            return &socket;
        }
    }
    return nullptr;
}

DatagramIo::TxSlot& DatagramIo::claim() noexcept {
    if (free_slots_.empty()) {
        metrics_.slots_exhausted.add();
        return slots_[slot_count];
    }
    TxSlot& slot = slots_[free_slots_.back()];
    free_slots_.pop_back();
    return slot;
}

void DatagramIo::submit(TxSlot& slot, int fd) {
    if (slot.number == slot_count) {
        // All slots are in flight: the kernel copies at once, or the datagram is lost as on a wire.
        const ssize_t sent = ::sendmsg(fd, &slot.message, MSG_DONTWAIT | MSG_NOSIGNAL);
        (sent < 0 ? metrics_.send_failed : metrics_.sent).add(slot.packets);
        slot.content.reset();
        return;
    }
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_sendmsg(sqe, fd, &slot.message, MSG_NOSIGNAL);
    sqe->user_data = to_user_data({.slot = slot.number, .kind = OpKind::send_datagram});
}

void DatagramIo::on_sent(const Completion& cqe) noexcept {
    TxSlot& slot = slots_[to_token(cqe.user_data).slot];
    if (cqe.res < 0) {
        metrics_.send_failed.add(slot.packets);
        if (slot.segmented && (cqe.res == -EIO || cqe.res == -EINVAL)) {
            // The device cannot segment (no checksum offload on older kernels). The session's own
            // timer repeats the window, then block by block.
            segmentation_ = false;
        }
    } else {
        metrics_.sent.add(slot.packets);
    }
    slot.content.reset();
    free_slots_.push_back(slot.number);
}

void DatagramIo::send_all(const Outbox& out) {
    const auto send_now = [&](const DatagramGroup& group) {
        send_group(group, out);
    };
    for (const TxDatagram& datagram : out.datagrams) {
        const Bytes payload = out.payload(datagram);
        const Socket* const socket =
            datagram.link ? nullptr
                          : find(datagram.service, datagram.socket, datagram.interface,
                                 !datagram.destination.address.is_v4());
        if (socket == nullptr || !socket->groups || payload.empty() ||
            !groups_->add(socket->fd.get(), datagram, payload, send_now)) {
            send(datagram, payload);
        }
    }
    groups_->flush(send_now);
}

/// By a plain call: the kernel copies at once, so that nothing has to be kept for it, and says at
/// once when it cannot.
void DatagramIo::send_group(const DatagramGroup& group, const Outbox& out) {
    if (group.count > 1) {
        const TxDatagram& first = group.first();
        sockaddr_storage name{};
        alignas(cmsghdr) std::array<std::byte, control_size> control{};
        msghdr message{};
        message.msg_name = &name;
        message.msg_namelen = write_socket_address(first.destination, name, first.interface);
        message.msg_iov = const_cast<iovec*>(group.payloads.data()); // NOLINT: it is only read
        message.msg_iovlen = group.count;
        message.msg_control = control.data();
        std::size_t used = 0;
        add_packet_info(message, used, first.source, first.interface);
        add_control(message, used, IPPROTO_UDP, UDP_SEGMENT,
                    static_cast<std::uint16_t>(first.payload_size));
        message.msg_controllen = used;
        if (::sendmsg(group.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
            metrics_.sent.add(group.count);
            metrics_.grouped.add(group.count);
            return;
        }
        if (errno == EIO || errno == EINVAL) { // the kernel cannot on this way: IPsec, no checksums
            for (Socket& socket : sockets_) {
                socket.groups = socket.groups && socket.fd.get() != group.fd;
            }
        }
    }
    for (const TxDatagram* const datagram : std::span{group.datagrams}.first(group.count)) {
        send(*datagram, out.payload(*datagram));
    }
}

void DatagramIo::send(const TxDatagram& datagram, Bytes payload) {
    const Socket* const socket = datagram.link
                                     ? nullptr
                                     : find(datagram.service, datagram.socket, datagram.interface,
                                            !datagram.destination.address.is_v4());
    const int fd = datagram.link ? packet_socket_.get() : socket != nullptr ? socket->fd.get() : -1;
    TxSlot& slot = claim();
    if (fd < 0 || payload.size() > slot.payload.size()) {
        metrics_.send_failed.add();
        if (slot.number != slot_count) {
            free_slots_.push_back(slot.number);
        }
        return;
    }
    std::copy(payload.begin(), payload.end(), slot.payload.begin());
    slot.vectors[0] = {slot.payload.data(), payload.size()};
    slot.message = {};
    slot.message.msg_name = &slot.name;
    slot.message.msg_iov = slot.vectors.data();
    slot.message.msg_iovlen = 1;
    slot.packets = 1;
    slot.segmented = false;
    if (datagram.link) {
        sockaddr_ll link{};
        link.sll_family = AF_PACKET;
        link.sll_protocol = htons(ETH_P_IP);
        link.sll_ifindex = static_cast<int>(datagram.interface);
        link.sll_halen = 6;
        std::memcpy(link.sll_addr, datagram.link_destination.octets.data(), 6);
        std::memcpy(&slot.name, &link, sizeof link);
        slot.message.msg_namelen = sizeof link;
    } else {
        slot.message.msg_namelen =
            write_socket_address(datagram.destination, slot.name, datagram.interface);
        slot.message.msg_control = slot.control.data();
        std::size_t used = 0;
        add_packet_info(slot.message, used, datagram.source, datagram.interface);
        slot.message.msg_controllen = used;
    }
    submit(slot, fd);
}

void DatagramIo::send(const TxBlocks& blocks) {
    const Socket* const socket =
        find(blocks.service, blocks.socket, blocks.interface, !blocks.destination.address.is_v4());
    if (socket == nullptr) {
        metrics_.send_failed.add(blocks.count);
        return;
    }
    const std::uint32_t segment = blocks.blksize + data_header_size;
    const std::uint32_t whole =
        blocks.destination.address.is_v4() ? segment_size_max : segment_size_max_ipv6;
    const std::uint32_t most =
        segmentation_ && segment <= whole ? std::min(segments_max, segment_bytes_max / segment) : 1;
    for (std::uint32_t done = 0; done < blocks.count;) {
        const std::uint32_t count = std::min(most, blocks.count - done);
        send_segment(blocks, socket->fd.get(), blocks.first_block + done, count);
        done += count;
    }
}

void DatagramIo::send_segment(const TxBlocks& blocks, int fd, std::uint64_t first,
                              std::uint32_t count) {
    TxSlot& slot = claim();
    const Bytes content = blocks.content ? blocks.content->bytes : Bytes{};
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t block = first + i;
        const std::uint64_t offset = (block - 1) * blocks.blksize;
        MUSTER_CHECK(offset <= content.size());
        // opcode 3 (DATA), then the block number modulo 65536.
        slot.headers[i] = {std::byte{0}, std::byte{3},
                           static_cast<std::byte>((block >> 8U) & 0xFFU),
                           static_cast<std::byte>(block & 0xFFU)};
        slot.vectors[2 * i] = {slot.headers[i].data(), data_header_size};
        const std::uint64_t size = std::min<std::uint64_t>(blocks.blksize, content.size() - offset);
        // iovec has no const: the kernel only reads from a sendmsg.
        slot.vectors[2 * i + 1] = {const_cast<std::byte*>(content.data()) + offset, // NOLINT
                                   size};
    }
    slot.content = blocks.content;
    slot.message = {};
    slot.message.msg_name = &slot.name;
    slot.message.msg_namelen =
        write_socket_address(blocks.destination, slot.name, blocks.interface);
    slot.message.msg_iov = slot.vectors.data();
    slot.message.msg_iovlen = 2 * std::size_t{count};
    slot.message.msg_control = slot.control.data();
    std::size_t used = 0;
    add_packet_info(slot.message, used, blocks.source, blocks.interface);
    slot.packets = static_cast<std::uint16_t>(count);
    slot.segmented = count > 1;
    if (slot.segmented) {
        const auto segment = static_cast<std::uint16_t>(blocks.blksize + data_header_size);
        add_control(slot.message, used, IPPROTO_UDP, UDP_SEGMENT, segment);
    }
    slot.message.msg_controllen = used;
    submit(slot, fd);
}

} // namespace muster
