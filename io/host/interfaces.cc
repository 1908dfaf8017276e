// SPDX-License-Identifier: Apache-2.0
#include "io/host/interfaces.hh"

#include "io/host/fd.hh"
#include "io/host/socket_address.hh"

#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace muster {
namespace {

void take_address(const ifaddrs& entry, InterfaceInfo& info) {
    switch (entry.ifa_addr->sa_family) {
    case AF_PACKET: {
        sockaddr_ll link{};
        std::memcpy(&link, entry.ifa_addr, sizeof link);
        if (link.sll_halen == info.mac.octets.size()) {
            std::memcpy(info.mac.octets.data(), link.sll_addr, info.mac.octets.size());
        }
        break;
    }
    case AF_INET: {
        const auto v4 = read_socket_address(entry.ifa_addr).address.v4();
        const auto mask = entry.ifa_netmask != nullptr
                              ? read_socket_address(entry.ifa_netmask).address.v4()
                              : std::nullopt;
        if (v4 && info.address.is_unspecified()) {
            info.address = *v4;
            int ones = 0;
            for (const std::uint8_t octet : mask.value_or(Ipv4Address::broadcast()).octets) {
                ones += std::popcount(octet);
            }
            info.prefix_length = static_cast<std::uint8_t>(ones);
        }
        break;
    }
    case AF_INET6: {
        const Ipv6Address v6 = read_socket_address(entry.ifa_addr).address.v6();
        if (v6.is_link_local()) {
            info.link_local = v6;
        } else {
            info.addresses6.push_back(v6);
        }
        break;
    }
    default:
        break;
    }
}

} // namespace

Result<InterfaceInfo, SysError> find_interface(const std::string& name) {
    InterfaceInfo info;
    info.name = name;
    info.index = ::if_nametoindex(name.c_str());
    if (info.index == 0) {
        return sys_error("interface " + name);
    }
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return sys_error("interface " + name + ": getifaddrs");
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> guard{list, &::freeifaddrs};
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr != nullptr && name == entry->ifa_name) {
            take_address(*entry, info);
        }
    }
    if (info.address.is_unspecified() && info.link_local.is_unspecified()) {
        return std::unexpected(SysError{
            "interface " + name + " has no IPv4 address, and IPv6 is off there", EADDRNOTAVAIL});
    }
    const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (socket.valid() && ::ioctl(socket.get(), SIOCGIFMTU, &request) == 0) {
        info.mtu = static_cast<std::uint16_t>(std::min(request.ifr_mtu, 65535));
    }
    return info;
}

std::uint64_t link_rate(const std::vector<std::string>& interfaces) {
    std::uint64_t sum = 0;
    for (const std::string& name : interfaces) {
        const std::string folder = "/sys/class/net/" + name;
        std::error_code error;
        std::int64_t megabits = -1;
        if (std::filesystem::exists(folder + "/device", error)) {
            std::ifstream{folder + "/speed"} >> megabits;
        }
        if (megabits <= 0) {
            return 0;
        }
        sum += static_cast<std::uint64_t>(megabits) * 125'000;
    }
    return sum;
}

std::optional<std::uint64_t> neighbour_limit() {
    std::ifstream file{"/proc/sys/net/ipv4/neigh/default/gc_thresh3"};
    std::uint64_t limit = 0;
    return file >> limit ? std::optional{limit} : std::nullopt;
}

std::optional<std::uint64_t> receive_buffer_errors() {
    // Two lines of each protocol: names, then values.
    std::ifstream file{"/proc/thread-self/net/snmp"};
    std::string names;
    std::string values;
    while (std::getline(file, names) && std::getline(file, values)) {
        std::istringstream name_of{names};
        std::istringstream value_of{values};
        std::string name;
        std::string value;
        while (names.starts_with("Udp:") && name_of >> name && value_of >> value) {
            if (name == "RcvbufErrors") {
                return std::strtoull(value.c_str(), nullptr, 10);
            }
        }
    }
    return std::nullopt;
}

} // namespace muster
