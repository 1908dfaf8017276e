// SPDX-License-Identifier: Apache-2.0
#include "io/client/link.hh"

#include "core/addr/subnet.hh"
#include "io/host/fd.hh"
#include "io/host/socket_address.hh"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <bit>
#include <fstream>
#include <memory>
#include <sstream>

namespace muster {
namespace {

/// An IPv4 address as /proc/net/route writes it: hexadecimal, of the number as it lies in memory.
Ipv4Address from_route_field(std::uint32_t field) noexcept {
    Ipv4Address address;
    std::memcpy(address.octets.data(), &field, 4);
    return address;
}

} // namespace

Result<ClientLink, SysError> find_client_link(const std::string& name) {
    ClientLink link;
    link.name = name;
    link.index = name.size() < IFNAMSIZ ? ::if_nametoindex(name.c_str()) : 0;
    if (link.index == 0) {
        return std::unexpected(SysError{"interface " + name, ENODEV});
    }
    const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (!socket.valid() || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) {
        return sys_error("interface " + name);
    }
    const auto flags = static_cast<unsigned>(request.ifr_flags);
    if ((flags & IFF_UP) == 0 || (flags & IFF_RUNNING) == 0) {
        return std::unexpected(
            SysError{"interface " + name + ((flags & IFF_UP) == 0 ? " is down" : " has no carrier"),
                     ENETDOWN});
    }
    if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) {
        return sys_error("interface " + name);
    }
    std::memcpy(link.mac.octets.data(), request.ifr_hwaddr.sa_data, link.mac.octets.size());
    if (::ioctl(socket.get(), SIOCGIFADDR, &request) == 0) {
        sockaddr_storage address{}; // what reads it may look further than a plain sockaddr goes
        std::memcpy(&address, &request.ifr_addr, sizeof request.ifr_addr);
        link.address = read_socket_address(&address).address.v4().value_or(Ipv4Address{});
    }
    return link;
}

Ipv4Address next_hop_of(const std::string& routes, const std::string& interface,
                        const Ipv4Address& destination) {
    // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
    std::istringstream lines{routes};
    std::string line;
    std::getline(lines, line); // titles
    Ipv4Address best = destination;
    int best_length = -1;
    while (std::getline(lines, line)) {
        std::istringstream fields{line};
        std::string name;
        std::string skipped;
        std::uint32_t network = 0;
        std::uint32_t gateway = 0;
        std::uint32_t mask = 0;
        fields >> name >> std::hex >> network >> gateway >> skipped >> skipped >> skipped >>
            skipped >> mask;
        std::uint32_t address = 0;
        std::memcpy(&address, destination.octets.data(), 4);
        const int length = std::popcount(mask);
        if (fields && name == interface && (address & mask) == network && length > best_length) {
            best_length = length;
            best = gateway == 0 ? destination : from_route_field(gateway);
        }
    }
    return best;
}

Ipv4Address next_hop(const ClientLink& link, const Ipv4Address& destination) {
    std::ifstream file{"/proc/net/route"};
    std::ostringstream text;
    text << file.rdbuf();
    return next_hop_of(text.str(), link.name, destination);
}

std::optional<IpAddress> source_towards(const IpAddress& destination) {
    sockaddr_storage storage{};
    const socklen_t size = write_socket_address({destination, 9}, storage);
    const Fd socket{::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    socklen_t length = sizeof storage;
    if (!socket.valid() ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return std::nullopt;
    }
    return read_socket_address(&storage).address;
}

std::string interface_towards(const IpAddress& destination) {
    const auto own = source_towards(destination);
    ifaddrs* list = nullptr;
    if (!own || ::getifaddrs(&list) != 0) {
        return {};
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> guard{list, &::freeifaddrs};
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr != nullptr && read_socket_address(entry->ifa_addr).address == *own) {
            return entry->ifa_name;
        }
    }
    return {};
}

} // namespace muster
