// SPDX-License-Identifier: Apache-2.0
#include "io/host/sockets.hh"

#include "io/host/socket_address.hh"

#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

namespace muster {
namespace {

// Bursts of ten thousand machines wait here while a worker is busy; the kernel halves or clamps
// it where we lack the privilege to exceed net.core.rmem_max.
constexpr int receive_buffer_size = 8 << 20;
constexpr int send_buffer_size = 4 << 20;

bool set(int socket, int level, int name, int value) noexcept {
    return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

void widen_buffers(int socket) noexcept {
    if (!set(socket, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer_size)) {
        set(socket, SOL_SOCKET, SO_RCVBUF, receive_buffer_size);
    }
    if (!set(socket, SOL_SOCKET, SO_SNDBUFFORCE, send_buffer_size)) {
        set(socket, SOL_SOCKET, SO_SNDBUF, send_buffer_size);
    }
}

std::string where(const char* what, const IpAddress& address, std::uint16_t port) {
    return std::string{what} + " on " + to_text(address) + " port " + std::to_string(port);
}

/// A port that is in use is asked for again for a while: the kernel closes the sockets of a musterd
/// that was killed only once it has put away its ring, and whoever starts it again is faster.
Result<void, SysError> bind_to(const Fd& socket, const Endpoint& endpoint, const char* what) {
    constexpr auto patience = std::chrono::seconds{3};
    constexpr auto pause = std::chrono::milliseconds{10};
    sockaddr_storage storage{};
    const socklen_t length = write_socket_address(endpoint, storage);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
        if (errno != EADDRINUSE || std::chrono::steady_clock::now() >= until) {
            return sys_error(where(what, endpoint.address, endpoint.port));
        }
        std::this_thread::sleep_for(pause);
    }
    return {};
}

/// A program that returns `yes` for a DISCOVER whose first option says so, else `no`. `header`:
/// octets before the message.
std::array<sock_filter, 8> discover_filter(std::uint32_t header, std::uint32_t yes,
                                           std::uint32_t no) noexcept {
    const std::uint32_t option = header + 240; // behind fixed part and magic cookie
    constexpr std::uint16_t load_byte = BPF_LD | BPF_B | BPF_ABS;
    constexpr std::uint16_t is_equal = BPF_JMP | BPF_JEQ | BPF_K;
    return {{
        {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
        // A load beyond the end would end the program with 0.
        {BPF_JMP | BPF_JGE | BPF_K, 0, 5, option + 3},
        {load_byte, 0, 0, option},
        {is_equal, 0, 3, 53}, // message type
        {load_byte, 0, 0, option + 2},
        {is_equal, 0, 1, 1}, // DISCOVER
        {BPF_RET | BPF_K, 0, 0, yes},
        {BPF_RET | BPF_K, 0, 0, no},
    }};
}

bool attach(int socket, int option, std::array<sock_filter, 8> program) noexcept {
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::setsockopt(socket, SOL_SOCKET, option, &filter, sizeof filter) == 0;
}

int family_of(const IpAddress& address) noexcept {
    return address.is_v4() ? AF_INET : AF_INET6;
}

} // namespace

namespace {

Result<Fd, SysError> make_broadcast_socket(const InterfaceInfo& interface, const char* what) {
    Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    // Bound to the device without SO_REUSEADDR: a second server on this interface is then an
    // error at start and not a race for every packet.
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                     static_cast<socklen_t>(interface.name.size())) != 0 ||
        !set(socket.get(), SOL_SOCKET, SO_BROADCAST, 1) ||
        !set(socket.get(), IPPROTO_IP, IP_PKTINFO, 1)) {
        return sys_error(std::string{what} + " on " + interface.name);
    }
    widen_buffers(socket.get());
    return socket;
}

} // namespace

Result<Fd, SysError> open_broadcast_socket(const InterfaceInfo& interface, std::uint16_t port,
                                           const char* what) {
    auto socket = make_broadcast_socket(interface, what);
    if (!socket) {
        return socket;
    }
    if (auto bound = bind_to(*socket, {Ipv4Address{}, port}, what); !bound) {
        bound.error().what += " of " + interface.name;
        return std::unexpected(bound.error());
    }
    return socket;
}

Result<Fd, SysError> open_dhcp6_socket(const InterfaceInfo& interface, std::uint16_t port,
                                       const char* what) {
    Fd socket{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    const auto join = [&](const char* group) {
        ipv6_mreq request{};
        ::inet_pton(AF_INET6, group, &request.ipv6mr_multiaddr);
        request.ipv6mr_interface = interface.index;
        return ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request,
                            sizeof request) == 0;
    };
    // Not shared, as in IPv4: a second server is an error at start.
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                     static_cast<socklen_t>(interface.name.size())) != 0 ||
        !set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) ||
        !set(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
        !join("ff02::1:2") || // All_DHCP_Relay_Agents_and_Servers
        !join("ff05::1:3")) { // All_DHCP_Servers
        return sys_error(std::string{what} + " on " + interface.name);
    }
    widen_buffers(socket.get());
    if (auto bound = bind_to(socket, {Ipv6Address{}, port}, what); !bound) {
        bound.error().what += " of " + interface.name;
        return std::unexpected(bound.error());
    }
    return socket;
}

Result<DhcpSockets, SysError> open_dhcp_sockets(const InterfaceInfo& interface, std::uint16_t port,
                                                const char* what) {
    constexpr std::uint32_t udp_header = 8; // a socket's filter sees it, a group's does not
    constexpr std::uint32_t all = UINT32_MAX;
    auto first = open_broadcast_socket(interface, port, what);
    if (!first) {
        return std::unexpected(first.error());
    }
    DhcpSockets sockets;
    sockets.first = std::move(*first);
    // Shared from here on only, so that another server on the port was an error above.
    auto discovers = make_broadcast_socket(interface, what);
    const bool split =
        discovers && set(sockets.first.get(), SOL_SOCKET, SO_REUSEPORT, 1) &&
        set(discovers->get(), SOL_SOCKET, SO_REUSEPORT, 1) &&
        attach(discovers->get(), SO_ATTACH_FILTER, discover_filter(udp_header, all, 0)) &&
        bind_to(*discovers, {Ipv4Address{}, port}, what) &&
        // Unicast goes to one socket of the group, by number: in the order of their binding.
        attach(discovers->get(), SO_ATTACH_REUSEPORT_CBPF, discover_filter(0, 1, 0)) &&
        attach(sockets.first.get(), SO_ATTACH_FILTER, discover_filter(udp_header, 0, all));
    if (split) {
        sockets.discovers = std::move(*discovers);
    } else {
        set(sockets.first.get(), SOL_SOCKET, SO_REUSEPORT, 0);
    }
    return sockets;
}

namespace {

/// `device`: bound to that interface as well; null: to none.
Result<Fd, SysError> open_udp(const IpAddress& address, std::uint16_t port, bool shared,
                              const std::string* device, const char* what) {
    Fd socket{::socket(family_of(address), SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    if (device != nullptr &&
        ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device->c_str(),
                     static_cast<socklen_t>(device->size())) != 0) {
        return sys_error(std::string{what} + " on " + *device);
    }
    if (shared) {
        set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (address.is_v4()) {
        set(socket.get(), IPPROTO_IP, IP_PKTINFO, 1);
        set(socket.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    } else {
        set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        set(socket.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
    }
    widen_buffers(socket.get());
    if (auto bound = bind_to(socket, {address, port}, what); !bound) {
        return std::unexpected(bound.error());
    }
    return socket;
}

} // namespace

Result<Fd, SysError> open_udp_socket(const IpAddress& address, std::uint16_t port, bool shared,
                                     const char* what) {
    return open_udp(address, port, shared, nullptr, what);
}

Result<Fd, SysError> open_udp_socket_of(const InterfaceInfo& interface, std::uint16_t port,
                                        bool shared, const char* what) {
    return open_udp(Ipv6Address{}, port, shared, &interface.name, what);
}

void set_multicast_ttl(int socket, std::uint8_t ttl) noexcept {
    set(socket, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
    set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
}

Result<Fd, SysError> open_packet_socket() {
    // Protocol 0: nothing is ever received here, so nothing has to be filtered away.
    Fd socket{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error("packet socket (to answer clients without an address)");
    }
    return socket;
}

Result<Fd, SysError> open_icmpv6_socket(const InterfaceInfo& interface) {
    const std::string what = "router advertisements on " + interface.name;
    Fd socket{::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
    ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
    ipv6_mreq all_routers{};
    ::inet_pton(AF_INET6, "ff02::2", &all_routers.ipv6mr_multiaddr);
    all_routers.ipv6mr_interface = interface.index;
    const bool ok =
        ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                     static_cast<socklen_t>(interface.name.size())) == 0 &&
        ::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) == 0 &&
        ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &all_routers,
                     sizeof all_routers) == 0 &&
        // RFC 4861 section 6.1.2: receivers drop advertisements that crossed a router.
        set(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) &&
        set(socket.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) &&
        set(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) &&
        set(socket.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
        set(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (!ok) {
        return sys_error(what);
    }
    return socket;
}

namespace {

Result<void, SysError> start_listening(const Fd& socket, const Endpoint& endpoint, bool shared,
                                       const char* what) {
    set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared) {
        set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    }
    set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    // Inherited by accepted sockets. A rack's network is short: pacing (bbr, the default of some
    // kernels) costs most of the rate there. Where cubic is missing the default stays.
    constexpr std::string_view cubic = "cubic";
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, cubic.data(), cubic.size());
    if (auto bound = bind_to(socket, endpoint, what); !bound) {
        return std::unexpected(bound.error());
    }
    if (::listen(socket.get(), 4096) != 0) {
        return sys_error(where(what, endpoint.address, endpoint.port));
    }
    return {};
}

} // namespace

Result<Fd, SysError> open_listener(const IpAddress& address, std::uint16_t port, bool shared,
                                   const char* what) {
    Fd socket{::socket(family_of(address), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    if (auto ready = start_listening(socket, {address, port}, shared, what); !ready) {
        return std::unexpected(ready.error());
    }
    return socket;
}

Result<Fd, SysError> open_ipv6_listener(const InterfaceInfo& interface, std::uint16_t port,
                                        bool shared, const char* what) {
    Fd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket.valid()) {
        return sys_error(what);
    }
    const std::string where_v6 = where(what, Ipv6Address{}, port) + " of " + interface.name;
    if (!set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.c_str(),
                     static_cast<socklen_t>(interface.name.size())) != 0) {
        return sys_error(where_v6);
    }
    if (auto ready = start_listening(socket, {Ipv6Address{}, port}, shared, what); !ready) {
        ready.error().what = where_v6;
        return std::unexpected(ready.error());
    }
    return socket;
}

bool has_udp_segmentation(int socket) noexcept {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &value, &length) == 0;
}

} // namespace muster
