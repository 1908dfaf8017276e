// SPDX-License-Identifier: Apache-2.0
// Boots of real machines, made again by the boot programs: the same files asked for, in the same
// order, while they get the answers that the real ones got.
#include "net/client/boot_program.hh"
#include "net/wire/tftp_packet.hh"

#include "tests/support/client_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <map>

namespace muster::test {
namespace {

/// What a capture's server made of one request.
struct Outcome {
    bool ok = false;
    std::string body; ///< as far as it was captured
};

struct CapturedBoot {
    std::vector<DhcpClientLease> leases; ///< one an exchange, the installed system's too
    std::vector<std::string>
        requests; ///< each file once where it is asked for several times in a row
    std::map<std::string, Outcome> outcomes;
};

std::string text_of(Bytes bytes) {
    return std::string{as_text(bytes)};
}

void add_request(CapturedBoot& boot, const std::string& name) {
    if (boot.requests.empty() || boot.requests.back() != name) {
        boot.requests.push_back(name);
    }
}

void read_dhcp(const UdpPacket& packet, CapturedBoot& boot) {
    DhcpMessage message;
    if (!read_dhcp_message(packet.payload, message) || message.type != DhcpMessageType::ack) {
        return;
    }
    const auto ack = read_dhcp_client_offer(message, packet.source, true);
    if (packet.source.port == 67) {
        boot.leases.push_back(ack.lease);
    } else if (packet.source.port == 4011) { // who says what to boot
        boot.leases.back().boot_file = ack.lease.boot_file;
        boot.leases.back().next_server = ack.lease.next_server;
    }
}

/// A proxy's OFFER may name the file, too.
void read_proxy_offer(const UdpPacket& packet, std::map<std::uint32_t, DhcpClientLease>& proxies,
                      CapturedBoot& boot) {
    DhcpMessage message;
    if (!read_dhcp_message(packet.payload, message)) {
        return;
    }
    const auto offer = read_dhcp_client_offer(message, packet.source, true);
    if (message.type == DhcpMessageType::offer && offer.from_proxy() && offer.bootable()) {
        proxies[message.header.xid] = offer.lease;
    } else if (message.type == DhcpMessageType::ack && proxies.contains(message.header.xid)) {
        boot.leases.back().boot_file = proxies[message.header.xid].boot_file;
        boot.leases.back().next_server = proxies[message.header.xid].next_server;
    }
}

CapturedBoot read_boot(const std::string& capture) {
    CapturedBoot boot;
    std::map<std::uint16_t, std::string> asked_from;  // TFTP: port of the client → name
    std::map<std::uint32_t, DhcpClientLease> proxies; // xid → OFFER
    std::map<std::uint16_t, std::string> asked_on;    // HTTP: port of the client → target
    for (const Frame& frame : read_pcap(capture_path(capture))) {
        if (const auto udp = udp_packet(frame)) {
            if (udp->destination.port == 68 || udp->source.port == 4011) {
                read_dhcp(*udp, boot);
                read_proxy_offer(*udp, proxies, boot);
            } else if (udp->destination.port == 69) {
                const std::string name{read_tftp_request(udp->payload)->name};
                asked_from[udp->source.port] = name;
                add_request(boot, name);
            } else if (const auto at = asked_from.find(udp->destination.port);
                       at != asked_from.end()) {
                const auto opcode = read_tftp_opcode(udp->payload);
                Outcome& outcome = boot.outcomes[at->second];
                outcome.ok = outcome.ok || opcode != TftpOpcode::error;
                if (const auto data = read_tftp_data(udp->payload);
                    opcode == TftpOpcode::data && data && data->block == 1) {
                    outcome.body = text_of(data->payload);
                }
            }
            continue;
        }
        const auto ip = ip_packet(frame);
        if (!ip || ip->protocol != 6 || ip->payload.size() < 20) {
            continue;
        }
        const auto octet = [&](std::size_t i) {
            return std::to_integer<unsigned>(ip->payload[i]);
        };
        const auto source = static_cast<std::uint16_t>(octet(0) << 8U | octet(1));
        const auto destination = static_cast<std::uint16_t>(octet(2) << 8U | octet(3));
        const std::size_t head = (octet(12) >> 4U) * 4;
        const std::string text = text_of(Bytes{ip->payload}.subspan(head));
        if (text.starts_with("GET ") || text.starts_with("HEAD ")) {
            const std::size_t begin = text.find(' ') + 1;
            const std::string target = text.substr(begin, text.find(' ', begin) - begin);
            asked_on[source] = target;
            boot.outcomes[target].ok = true; // where the head was cut, a long answer went
            add_request(boot, target);
        } else if (text.starts_with("HTTP/1.") && asked_on.contains(destination)) {
            Outcome& outcome = boot.outcomes[asked_on[destination]];
            outcome.ok = text.substr(9, 1) == "2";
            const std::size_t end = text.find("\r\n\r\n");
            outcome.body = end == std::string::npos ? "" : text.substr(end + 4);
        } else if (asked_on.contains(destination) && !text.empty()) {
            Outcome& outcome = boot.outcomes[asked_on[destination]];
            if (outcome.body.empty()) {
                outcome.body = text; // a server that sends the head by itself
            }
        }
    }
    return boot;
}

/// Runs the programs of a machine through what the capture's server said.
std::vector<std::string> requests_of(const FirmwareModel& firmware, const CapturedBoot& boot,
                                     BootWish::Kind& end) {
    BootPlace place;
    place.model = firmware.rom;
    place.mac = rig_mac;
    place.uefi = firmware.uefi;
    std::vector<std::string> requests;
    std::size_t exchange = 0;
    DhcpClientLease lease;
    auto program = make_boot_program(place);
    BootWish wish = program->next({});
    for (int steps = 0; steps < 100; ++steps) {
        BootAnswer answer;
        end = wish.kind;
        switch (wish.kind) {
        case BootWish::Kind::dhcp:
            answer.ok = exchange < boot.leases.size();
            if (answer.ok) {
                lease = boot.leases[exchange++];
                answer.lease = &lease;
            }
            break;
        case BootWish::Kind::fetch: {
            requests.push_back(wish.url.path);
            const auto at = boot.outcomes.find(wish.url.path);
            answer.ok = at != boot.outcomes.end() && at->second.ok;
            answer.body = at != boot.outcomes.end() ? std::string_view{at->second.body} : "";
            break;
        }
        case BootWish::Kind::program: {
            const bool http_boot = firmware.http_boot && wish.program->dhcp == nullptr;
            place.lease = lease;
            place.url = wish.url;
            place.model = wish.program;
            place.http_boot = http_boot;
            program = make_boot_program(place);
            break;
        }
        case BootWish::Kind::routers:
        case BootWish::Kind::wait:
            break;
        case BootWish::Kind::kernel:
        case BootWish::Kind::disk:
        case BootWish::Kind::leave:
        case BootWish::Kind::stuck:
            return requests;
        }
        wish = program->next(answer);
    }
    return requests;
}

struct Case {
    std::string capture;
    std::string firmware;
    BootWish::Kind end;
};

TEST(BootCaptures, EveryProgramAsksForTheFilesOfTheRealOne) {
    using Kind = BootWish::Kind;
    for (const Case& c :
         {Case{"uefi-shim-grub", "shim-grub", Kind::kernel},
          Case{"uefi-sb-shim-grub", "shim-grub", Kind::kernel},
          Case{"uefi-all-auto", "edk2", Kind::kernel}, Case{"uefi-ipxe.efi", "edk2", Kind::kernel},
          Case{"uefi-snponly.efi", "edk2", Kind::kernel},
          Case{"uefi-proxydhcp-ipxe", "edk2", Kind::kernel},
          Case{"uefi-http-snponly", "edk2-http", Kind::kernel},
          Case{"uefi-http-uki", "edk2-http", Kind::kernel},
          Case{"uefi-http-shim-grub", "edk2-http", Kind::stuck},
          Case{"bios-ipxerom-http", "ipxe-bios", Kind::kernel},
          Case{"bios-ipxerom-http-fast", "ipxe-bios", Kind::kernel},
          Case{"bios-undionly-http", "ipxe-bios", Kind::kernel},
          Case{"bios-virtio-pxelinux", "pxelinux", Kind::kernel},
          Case{"bios-e1000-pxelinux", "pxelinux", Kind::kernel},
          Case{"bios-virtio-lpxelinux", "pxelinux", Kind::kernel},
          Case{"bios-proxydhcp", "pxelinux", Kind::kernel}}) {
        SCOPED_TRACE(c.capture);
        const CapturedBoot boot = read_boot(c.capture + ".pcap");
        BootWish::Kind end{};
        EXPECT_EQ(requests_of(*find_firmware(c.firmware), boot, end), boot.requests);
        EXPECT_EQ(end, c.end);
    }
}

// GRUB behind a proxy asks the plain DHCP server for its configuration, which has none.
TEST(BootCaptures, GrubAsksTheDhcpServerAndNotTheProxy) {
    CapturedBoot boot = read_boot("uefi-proxydhcp.pcap");
    BootWish::Kind end{};
    const auto requests = requests_of(*find_firmware("shim-grub"), boot, end);
    EXPECT_EQ(end, BootWish::Kind::stuck);
    EXPECT_EQ(boot.leases[0].dhcp_next_server, rig_ip("10.79.0.1"));
    EXPECT_EQ(boot.leases[0].next_server, rig_ip("10.79.0.2"));
}

// U-Boot resets when it starts shim here, and begins again: its first round is enough.
TEST(BootCaptures, UBootLooksForItsScriptAndADeviceTree) {
    CapturedBoot boot = read_boot("uboot-x86.pcap");
    boot.requests.resize(3);
    BootWish::Kind end{};
    auto requests = requests_of(*find_firmware("u-boot"), boot, end);
    requests.resize(3);
    EXPECT_EQ(requests, boot.requests);
    EXPECT_EQ(requests, (std::vector<std::string>{"boot.scr.uimg", "shimx64.efi", "dtb/"}));
}

} // namespace
} // namespace muster::test
