// SPDX-License-Identifier: Apache-2.0
#include "io/client/client_datagrams.hh"

#include "io/host/socket_address.hh"

#include <netinet/udp.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint16_t udp_buffer_group = 1;
constexpr std::uint32_t udp_buffer_count = 512;
/// Rounded up from sockaddr_in6, so that the control messages behind it are aligned.
constexpr std::size_t udp_name_size = 32;
constexpr std::size_t udp_control_size = 64;
/// A run of segments fills a whole datagram's worth; before it stand the kernel's header, the
/// sender's address and the control messages.
constexpr std::uint32_t udp_buffer_size = (64 << 10) + 192;
constexpr std::uint32_t udp_slot_count = 1024;
constexpr int udp_queue_size = 1 << 20;
constexpr int group_queue_size = 16 << 20;

std::uint64_t key_of(MachineIndex machine, std::uint16_t port) noexcept {
    return std::uint64_t{machine} << 16U | port;
}

bool set_client_option(const Fd& socket, int level, int name, int value) noexcept {
    return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

bool bind_client(const Fd& socket, const Endpoint& endpoint) noexcept {
    sockaddr_storage storage{};
    const socklen_t size = write_socket_address(endpoint, storage);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0;
}

void widen(const Fd& socket, int size) noexcept {
    if (!set_client_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, size)) {
        set_client_option(socket, SOL_SOCKET, SO_RCVBUF, size);
    }
}

} // namespace

/// Everything that the kernel may still read while a send is in flight.
struct ClientDatagrams::TxSlot {
    msghdr message{};
    iovec vector{};
    sockaddr_storage name{};
    std::array<std::byte, 1536> payload{};
};

ClientDatagrams::ClientDatagrams(Ring& ring) : ring_(ring) {}
ClientDatagrams::~ClientDatagrams() = default;

Result<void, SysError> ClientDatagrams::open(std::uint32_t sockets_max, std::uint32_t interface) {
    static_assert(sizeof(sockaddr_in6) <= udp_name_size);
    interface_ = interface;
    layout_.msg_namelen = udp_name_size;
    layout_.msg_controllen = udp_control_size;
    sockets_ = std::make_unique<Slab<Socket>>(sockets_max);
    slots_ = std::make_unique<TxSlot[]>(udp_slot_count);
    for (std::uint32_t i = udp_slot_count; i > 0; --i) {
        free_slots_.push_back(i - 1);
    }
    return buffers_.open(ring_, udp_buffer_group, udp_buffer_count, udp_buffer_size);
}

void ClientDatagrams::refused(const std::string& what) {
    ++metrics_.sockets_refused;
    if (refusal_.empty()) {
        refusal_ = sys_error(what).error().text();
    }
}

Fd ClientDatagrams::open_socket(const Endpoint& local) {
    Fd socket{::socket(local.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        refused("UDP socket");
        return {};
    }
    set_client_option(socket, IPPROTO_UDP, UDP_GRO, 1);
    widen(socket, udp_queue_size);
    // A port that is taken here is not taken on the machine, which has all of them: machines that
    // share an address, and what else runs on this one. Any other port does as well, then.
    if (!bind_client(socket, local) &&
        (errno != EADDRINUSE || !bind_client(socket, {local.address, 0}))) {
        if (errno == EADDRNOTAVAIL) {
            refused(to_text(local.address) +
                    " is no address of this host, so nothing sent to it would arrive; to have a "
                    "whole subnet: ip route add local SUBNET dev lo");
        } else {
            refused("UDP port " + std::to_string(local.port) + " of " + to_text(local.address));
        }
        return {};
    }
    return socket;
}

Fd ClientDatagrams::open_group(const Endpoint& group) {
    const auto v4 = group.address.v4();
    Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ip_mreqn membership{};
    if (v4) {
        std::memcpy(&membership.imr_multiaddr, v4->octets.data(), 4);
    }
    membership.imr_ifindex = static_cast<int>(interface_);
    set_client_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    // Not what others on this host joined.
    set_client_option(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    set_client_option(socket, IPPROTO_UDP, UDP_GRO, 1);
    widen(socket, group_queue_size);
    if (!v4 || !socket.valid() || !bind_client(socket, group) ||
        ::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) !=
            0) {
        refused("joining " + to_text(group.address) + " port " + std::to_string(group.port));
        return {};
    }
    return socket;
}

SlabHandle ClientDatagrams::add(Socket socket) {
    const auto claimed = sockets_->claim();
    if (claimed.value == nullptr) {
        errno = ENFILE;
        refused("UDP sockets: the limit of this run is reached");
        return {};
    }
    *claimed.value = std::move(socket);
    arm(claimed.handle, *claimed.value);
    return claimed.handle;
}

void ClientDatagrams::arm(SlabHandle handle, const Socket& socket) {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_recvmsg_multishot(sqe, socket.fd.get(), &layout_, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = udp_buffer_group;
    sqe->user_data = to_client_data(ClientOp::receive_datagrams, handle);
}

ClientDatagrams::Socket* ClientDatagrams::socket_of(const ClientTx& datagram) {
    const std::uint64_t key = key_of(datagram.machine, datagram.source.port);
    if (const auto at = by_port_.find(key); at != by_port_.end()) {
        Socket* socket = sockets_->get(at->second);
        if (socket->local.address == datagram.source.address) {
            return socket;
        }
        end(at->second, *socket); // the machine has another address now
        by_port_.erase(at);
    }
    Fd fd = open_socket(datagram.source);
    if (!fd.valid()) {
        return nullptr;
    }
    Socket socket;
    socket.fd = std::move(fd);
    socket.machine = datagram.machine;
    socket.local = datagram.source;
    const SlabHandle handle = add(std::move(socket));
    if (handle.generation == 0) {
        return nullptr;
    }
    by_port_[key] = handle;
    return sockets_->get(handle);
}

void ClientDatagrams::send(const ClientTx& datagram, Bytes payload) {
    const Socket* socket = socket_of(datagram);
    if (socket == nullptr || payload.size() > sizeof(TxSlot::payload)) {
        ++metrics_.send_failed;
        return;
    }
    if (free_slots_.empty()) {
        // All slots are in flight: the kernel copies at once, or it is lost as on a wire.
        sockaddr_storage name{};
        const socklen_t size = write_socket_address(datagram.destination, name, interface_);
        const bool sent =
            ::sendto(socket->fd.get(), payload.data(), payload.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                     reinterpret_cast<const sockaddr*>(&name), size) >= 0;
        ++(sent ? metrics_.sent : metrics_.send_failed);
        return;
    }
    const std::uint32_t number = free_slots_.back();
    free_slots_.pop_back();
    TxSlot& slot = slots_[number];
    std::copy(payload.begin(), payload.end(), slot.payload.begin());
    slot.vector = {slot.payload.data(), payload.size()};
    slot.message = {};
    slot.message.msg_name = &slot.name;
    slot.message.msg_namelen = write_socket_address(datagram.destination, slot.name, interface_);
    slot.message.msg_iov = &slot.vector;
    slot.message.msg_iovlen = 1;
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_sendmsg(sqe, socket->fd.get(), &slot.message, MSG_NOSIGNAL);
    sqe->user_data = to_client_data(ClientOp::send_datagram, {number, 0});
}

void ClientDatagrams::on_sent(const Completion& cqe) noexcept {
    ++(cqe.res >= 0 ? metrics_.sent : metrics_.send_failed);
    free_slots_.push_back(to_client_token(cqe.user_data).slot);
}

void ClientDatagrams::end(SlabHandle handle, Socket& socket) {
    socket.closing = true;
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_cancel64(sqe, to_client_data(ClientOp::receive_datagrams, handle), 0);
    sqe->user_data = to_client_data(ClientOp::none);
}

void ClientDatagrams::close(const ClientUdpClose& close) {
    const auto at = by_port_.find(key_of(close.machine, close.port));
    if (at == by_port_.end()) {
        return; // never sent anything, or could not
    }
    end(at->second, *sockets_->get(at->second));
    by_port_.erase(at);
}

void ClientDatagrams::change(const ClientGroup& group) {
    const auto at = by_group_.find(group.group);
    if (at == by_group_.end()) {
        Fd fd = group.join ? open_group(group.group) : Fd{};
        if (!fd.valid()) {
            return;
        }
        Socket socket;
        socket.fd = std::move(fd);
        socket.local = group.group;
        socket.group = true;
        socket.members = {group.machine};
        if (const SlabHandle handle = add(std::move(socket)); handle.generation != 0) {
            by_group_[group.group] = handle;
        }
        return;
    }
    Socket& socket = *sockets_->get(at->second);
    std::erase(socket.members, group.machine);
    if (group.join) {
        socket.members.push_back(group.machine);
    } else if (socket.members.empty()) {
        end(at->second, socket);
        by_group_.erase(at);
    }
}

/// Fills `burst` from a completion; returns the buffer to recycle, or -1 when there is nothing.
int ClientDatagrams::take(const Completion& cqe, Burst& burst) {
    const ClientToken token = to_client_token(cqe.user_data);
    Socket* socket = sockets_->at(token.slot);
    if (socket != nullptr && static_cast<std::uint16_t>(
                                 sockets_->handle_of(token.slot).generation) != token.generation) {
        socket = nullptr;
    }
    const bool has_buffer = (cqe.flags & IORING_CQE_F_BUFFER) != 0;
    const auto id = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    const bool live = socket != nullptr && !socket->closing;
    if (socket != nullptr && (cqe.flags & IORING_CQE_F_MORE) == 0) {
        const SlabHandle handle = sockets_->handle_of(token.slot);
        if (live) {
            arm(handle, *socket); // buffers ran out, or an ICMP error was reported: go on
        } else {
            sockets_->release(handle);
        }
    }
    if (!has_buffer) {
        return -1;
    }
    io_uring_recvmsg_out* out =
        cqe.res < 0 || !live ? nullptr
                             : io_uring_recvmsg_validate(buffers_.buffer(id), cqe.res, &layout_);
    if (out == nullptr || (out->flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        buffers_.recycle(id);
        return -1;
    }
    for (cmsghdr* header = io_uring_recvmsg_cmsg_firsthdr(out, &layout_); header != nullptr;
         header = io_uring_recvmsg_cmsg_nexthdr(out, &layout_, header)) {
        if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) {
            int segment = 0;
            std::memcpy(&segment, CMSG_DATA(header), sizeof segment);
            burst.segment = segment > 0 ? static_cast<std::size_t>(segment) : SIZE_MAX;
        }
    }
    burst.datagram.source = read_socket_address(io_uring_recvmsg_name(out));
    burst.datagram.destination = socket->local;
    burst.datagram.payload = {
        static_cast<const std::byte*>(io_uring_recvmsg_payload(out, &layout_)),
        io_uring_recvmsg_payload_length(out, cqe.res, &layout_)};
    burst.machine = socket->machine;
    burst.members = socket->group ? &socket->members : nullptr;
    return id;
}

} // namespace muster
