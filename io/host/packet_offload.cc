// SPDX-License-Identifier: Apache-2.0
#include "io/host/packet_offload.hh"

#include "io/host/fd.hh"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

namespace muster {
namespace {

constexpr std::uint32_t features_max = 1'024;
constexpr int depth_max = 4;

/// One request to the device's driver; `words` begin with the command, and take the answer.
bool ask_driver(const Fd& socket, const std::string& interface, std::vector<std::uint32_t>& words) {
    ifreq request{};
    if (interface.size() >= sizeof request.ifr_name) {
        return false;
    }
    std::memcpy(request.ifr_name, interface.data(), interface.size());
    void* const data = words.data();
    request.ifr_data = static_cast<char*>(data);
    return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0;
}

/// True when the device is known to take no UDP packet that is yet to be cut.
bool kernel_cuts(const std::string& interface) {
    const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    // struct ethtool_sset_info: cmd, reserved, the sets asked for (64 bits), their sizes.
    std::vector<std::uint32_t> count{ETHTOOL_GSSET_INFO, 0, 1U << ETH_SS_FEATURES, 0, 0};
    if (!socket.valid() || !ask_driver(socket, interface, count) || count[4] > features_max) {
        return false;
    }
    // struct ethtool_gstrings: cmd, string_set, len, the names.
    std::vector<std::uint32_t> names(3 + std::size_t{count[4]} * ETH_GSTRING_LEN / 4);
    names[0] = ETHTOOL_GSTRINGS;
    names[1] = ETH_SS_FEATURES;
    names[2] = count[4];
    // struct ethtool_gfeatures: cmd, size; a block of 32: available, requested, active, unchanged.
    const std::uint32_t blocks = (count[4] + 31) / 32;
    std::vector<std::uint32_t> features(2 + std::size_t{blocks} * 4);
    features[0] = ETHTOOL_GFEATURES;
    features[1] = blocks;
    if (!ask_driver(socket, interface, names) || !ask_driver(socket, interface, features)) {
        return false;
    }
    const auto* const text = reinterpret_cast<const char*>(names.data() + 3);
    for (std::uint32_t i = 0; i < count[4]; ++i) {
        const char* const name = text + std::size_t{i} * ETH_GSTRING_LEN;
        if (std::string_view{name, ::strnlen(name, ETH_GSTRING_LEN)} == "tx-udp-segmentation") {
            return (features[2 + std::size_t{i / 32} * 4 + 2] >> (i % 32) & 1U) == 0;
        }
    }
    return true; // a kernel that does not know the feature has no device with it
}

bool cuts_on_its_way(const std::string& interface, int depth) {
    namespace fs = std::filesystem;
    if (kernel_cuts(interface)) {
        return true;
    }
    std::error_code error;
    const fs::path folder = fs::path{"/sys/class/net"} / interface;
    if (const fs::path bus = fs::read_symlink(folder / "device" / "subsystem", error); !error) {
        // Other buses are a hypervisor's, which may hand the packet uncut to another guest.
        return bus.filename() == "pci" || bus.filename() == "usb" || bus.filename() == "platform";
    }
    bool any = false;
    for (fs::directory_iterator it{folder, error}; !error && it != fs::directory_iterator{};
         it.increment(error)) {
        constexpr std::string_view below = "lower_";
        const std::string name = it->path().filename().string();
        if (!name.starts_with(below)) {
            continue;
        }
        any = true;
        if (depth == 0 || !cuts_on_its_way(name.substr(below.size()), depth - 1)) {
            return false;
        }
    }
    return any && !error;
}

} // namespace

bool sends_single_packets(const std::string& interface) {
    return cuts_on_its_way(interface, depth_max);
}

} // namespace muster
