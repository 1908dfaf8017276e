// SPDX-License-Identifier: Apache-2.0
// Endpoints as the kernel's socket addresses, and back.
#pragma once

#include "core/addr/ip_address.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace muster {

/// Writes `endpoint` into `storage`; returns the length to pass along. `scope` is the interface
/// index of a link-local IPv6 address.
inline socklen_t write_socket_address(const Endpoint& endpoint, sockaddr_storage& storage,
                                      std::uint32_t scope = 0) noexcept {
    if (const auto v4 = endpoint.address.v4()) {
        sockaddr_in sin{};
        sin.sin_family = AF_INET;
        sin.sin_port = htons(endpoint.port);
        std::memcpy(&sin.sin_addr, v4->octets.data(), v4->octets.size());
        std::memcpy(&storage, &sin, sizeof sin);
        return sizeof sin;
    }
    sockaddr_in6 sin6{};
    sin6.sin6_family = AF_INET6;
    sin6.sin6_port = htons(endpoint.port);
    sin6.sin6_scope_id = scope;
    std::memcpy(&sin6.sin6_addr, endpoint.address.octets.data(), 16);
    std::memcpy(&storage, &sin6, sizeof sin6);
    return sizeof sin6;
}

/// The endpoint that `address` says; empty for another family.
inline Endpoint read_socket_address(const void* address) noexcept {
    sa_family_t family = 0;
    std::memcpy(&family, address, sizeof family);
    if (family == AF_INET) {
        sockaddr_in sin{};
        std::memcpy(&sin, address, sizeof sin);
        Ipv4Address v4;
        std::memcpy(v4.octets.data(), &sin.sin_addr, 4);
        return {v4, ntohs(sin.sin_port)};
    }
    if (family == AF_INET6) {
        sockaddr_in6 sin6{};
        std::memcpy(&sin6, address, sizeof sin6);
        Ipv6Address v6;
        std::memcpy(v6.octets.data(), &sin6.sin6_addr, 16);
        return {v6, ntohs(sin6.sin6_port)};
    }
    return {};
}

/// Where a socket is bound; empty: nowhere.
inline Endpoint local_endpoint(int socket) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length);
    return read_socket_address(&storage);
}

/// Whom a socket is connected to; empty: nobody any more.
inline Endpoint peer_endpoint(int socket) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length);
    return read_socket_address(&storage);
}

} // namespace muster
