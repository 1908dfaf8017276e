// SPDX-License-Identifier: Apache-2.0
#include "net/host/frame_host_metrics.hh"

namespace muster {

void FrameHostMetrics::report(Exposition& exposition) const {
    constexpr std::string_view received_name = "muster_frames_received_total";
    constexpr std::string_view received_help = "Frames received, by what was in them";
    constexpr std::string_view drops_name = "muster_frame_drops_total";
    constexpr std::string_view drops_help = "Frames received that went no further";
    const auto in = [&](std::string_view what, const Counter& counter) {
        exposition.count(received_name, exposition_label("kind", what), received_help,
                         counter.read());
    };
    in("datagram", datagrams);
    in("arp", arp);
    in("icmp_echo", echoes);
    in("igmp", igmp);
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     drops.read(FrameDrop::name));
    MUSTER_FRAME_DROPS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     ethernet_errors.read(EthernetError::name));
    MUSTER_ETHERNET_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     arp_errors.read(ArpError::name));
    MUSTER_ARP_ERRORS(X)
#undef X
#define X(name, text)                                                                              \
    exposition.count(drops_name, exposition_label("reason", #name), drops_help,                    \
                     ip_errors.read(Ipv4UdpError::name));
    MUSTER_IPV4_UDP_ERRORS(X)
#undef X
    exposition.count("muster_frames_sent_total", exposition_label("kind", "datagram"),
                     "Frames made, by what is in them", sent.read());
    exposition.count("muster_frames_sent_total", exposition_label("kind", "own"),
                     "Frames made, by what is in them", own_sent.read());
#define X(name, text)                                                                              \
    exposition.count("muster_frame_tx_drops_total", exposition_label("reason", #name),             \
                     "Datagrams that became no frame", tx_drops.read(FrameTxDrop::name));
    MUSTER_FRAME_TX_DROPS(X)
#undef X
    exposition.count("muster_frame_tx_drops_total", exposition_label("reason", "own_no_room"),
                     "Datagrams that became no frame", own_no_room.read());
    exposition.count("muster_frame_address_used_total", {},
                     "Times that somebody else claimed this host's address", address_used.read());
}

} // namespace muster
