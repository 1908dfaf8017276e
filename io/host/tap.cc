// SPDX-License-Identifier: Apache-2.0
#include "io/host/tap.hh"

#include "io/host/socket_address.hh"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace muster {

namespace {

ifreq request_for(const std::string& name) noexcept {
    ifreq request{};
    std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1),
                std::begin(request.ifr_name));
    return request;
}

void set_address(sockaddr& target, const Ipv4Address& address) noexcept {
    sockaddr_storage storage{};
    (void)write_socket_address({address, 0}, storage);
    std::memcpy(&target, &storage, sizeof target);
}

} // namespace

Result<Fd, SysError> open_tap(const std::string& name, const MacAddress& mac,
                              const Ipv4Address& address, const Subnet& subnet) {
    Fd tap{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    ifreq request = request_for(name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (!tap.valid() || ::ioctl(tap.get(), TUNSETIFF, &request) != 0) {
        return sys_error("interface " + name + " (TAP)");
    }
    const Fd control{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto set = [&](unsigned long what, const ifreq& value) {
        ifreq copy = value;
        return ::ioctl(control.get(), what, &copy) == 0;
    };
    ifreq link = request_for(name);
    link.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(link.ifr_hwaddr.sa_data, mac.octets.data(), mac.octets.size());
    ifreq own = request_for(name);
    set_address(own.ifr_addr, address);
    ifreq mask = request_for(name);
    set_address(mask.ifr_netmask, subnet.mask());
    ifreq up = request_for(name);
    up.ifr_flags = IFF_UP | IFF_RUNNING;
    if (!set(SIOCSIFHWADDR, link) || !set(SIOCSIFADDR, own) || !set(SIOCSIFNETMASK, mask) ||
        !set(SIOCSIFFLAGS, up)) {
        return sys_error("interface " + name + " (TAP): address " + to_text(address));
    }
    return tap;
}

} // namespace muster
