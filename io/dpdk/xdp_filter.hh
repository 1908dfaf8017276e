// SPDX-License-Identifier: Apache-2.0
// The XDP program that shares an interface: UDP of our ports goes to the AF_XDP socket of its
// queue, everything else stays with the kernel.
#pragma once

#include "core/addr/subnet.hh"

#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace muster {

struct XdpFilter {
    struct Ports {
        std::uint16_t first = 0;
        std::uint16_t count = 1;
    };
    Ipv4Address address;      ///< of the interface: what is for another stays with the kernel
    Subnet subnet;            ///< whose broadcast address is heard like 255.255.255.255
    std::vector<Ports> ports; ///< one at least
    /// What becomes of a frame whose queue has no socket.
    xdp_action without_socket = XDP_PASS;
};

/// Of this name is the program; `ip link` and `bpftool prog` show it.
inline constexpr const char* xdp_filter_name = "muster_split";

/// UDP over IPv4 without options, not in fragments, untagged, to `address` or to everybody, to one
/// of `ports`. The instruction at `map_at` is to name the map of sockets (an XSKMAP by queue).
struct XdpProgram {
    std::vector<bpf_insn> instructions;
    std::size_t map_at = 0;
};
[[nodiscard]] XdpProgram make_xdp_filter(const XdpFilter& filter);

/// The same as an ELF object that libbpf loads, with a map `xsks_map` described in BTF: what
/// DPDK's AF_XDP driver takes as its `xdp_prog`.
[[nodiscard]] std::string write_xdp_object(const XdpProgram& program);

} // namespace muster
